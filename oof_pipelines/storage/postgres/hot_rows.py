"""Decoded rows of one or more stored transactions, written beside them; they go with their transaction.

A transaction whose day is already decoded keeps the rows the files gave it.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT
from oof_pipelines.decode.programs import ROUTERS
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.storage.parquet.decoded_rows import Place, Row, rows_of
from oof_pipelines.storage.parquet.schemas import TOLD_DATASETS
from oof_pipelines.storage.postgres.hot_position_events import TouchedByStoring
from oof_pipelines.storage.postgres.hot_told import insert_told

_LAMPORTS_DECIMALS = 9
# numeric(38, 18) keeps no more places, and no more than 20 digits before them; a mint may claim 255 places.
_MOST_DECIMALS = 18
_TOO_MANY_TOKENS = 10**20

ACTION_COLUMNS = (
    "id, sig, log_idx, slot, ts, program_id, kind, mint, amount_dec, route, flags_json, path, venue, wallet, counterparty, "
    "amount_raw, bought_mint, bought_raw, paths"
)

_INSERT_ACTIONS = f"""
insert into actions ({ACTION_COLUMNS})
select h.id, h.sig, h.log_idx, h.slot, h.ts, h.program_id, h.kind, h.mint, h.amount_dec, h.route, h.flags_json::jsonb, h.path,
       h.venue, h.wallet, h.counterparty, h.amount_raw, h.bought_mint, h.bought_raw, h.paths::text[]
from unnest(%s::text[], %s::text[], %s::int[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[],
            %s::numeric[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::numeric[], %s::text[],
            %s::numeric[], %s::text[]) as h ({ACTION_COLUMNS})
join tx_raw t on t.sig = h.sig and not t.is_decoded
on conflict (id) do nothing
"""  # noqa: S608 - a list of column names

_MOVE_COLUMNS = "sig, seq, log_idx, path, account, owner, asset, delta_raw, balance_raw, kind, is_virtual"

_INSERT_MOVES = f"""
insert into hot_moves ({_MOVE_COLUMNS})
select h.* from unnest(%s::text[], %s::int[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::numeric[],
                       %s::numeric[], %s::text[], %s::boolean[]) as h ({_MOVE_COLUMNS})
join tx_raw t on t.sig = h.sig and not t.is_decoded
on conflict (sig, seq) do nothing
"""  # noqa: S608

_INSERT_PARTICIPANTS = """
insert into participants (sig, wallet, roles)
select h.sig, h.wallet, h.roles::text[] from unnest(%s::text[], %s::text[], %s::text[]) as h (sig, wallet, roles)
join tx_raw t on t.sig = h.sig and not t.is_decoded
on conflict (sig, wallet) do nothing
"""

_INSERT_FACTS = """
insert into hot_token_facts (sig, mint, decimals, token_program)
select h.* from unnest(%s::text[], %s::text[], %s::smallint[], %s::text[]) as h (sig, mint, decimals, token_program)
join tx_raw t on t.sig = h.sig and not t.is_decoded
on conflict (sig, mint) do nothing
"""

_INSERT_TOLD = {name: insert_told(name) for name in TOLD_DATASETS}


async def insert_hot_rows(connection: AsyncConnection[Any], stored: Sequence[StoredTransaction]) -> None:
    """Write the decoded rows of every transaction that has them. Part of the transaction that stores the bodies."""
    actions: list[Row] = []
    moves: list[Row] = []
    participants: list[Row] = []
    facts: list[Row] = []
    told: dict[str, list[Row]] = {name: [] for name in TOLD_DATASETS}
    touched = TouchedByStoring()
    for transaction in stored:
        if transaction.decoded is None:
            continue
        signature = transaction.signature
        place = Place(signature, transaction.slot, transaction.tx_index, transaction.block_time)
        rows = rows_of(place, transaction.decoded)
        decimals = transaction.decoded.decimals
        actions += [action_row(row, decimals, transaction.is_failed) for row in rows["actions"]]
        # Rows begin with the place: signature, slot, tx_index, block_time.
        moves += [(signature, *row[4:]) for row in rows["moves"]]
        participants += [(signature, row[4], _array_text(row[5])) for row in rows["participants"]]
        facts += [(signature, *row[:3]) for row in rows["token_facts"]]
        for name, its_rows in told.items():
            its_rows += [(signature, *row[4:]) for row in rows[name]]
        touched.add(transaction, rows)
    for statement, its_rows in (
        (_INSERT_ACTIONS, actions),
        (_INSERT_MOVES, moves),
        (_INSERT_PARTICIPANTS, participants),
        (_INSERT_FACTS, facts),
        *((_INSERT_TOLD[name], its_rows) for name, its_rows in told.items()),
    ):
        if its_rows:
            await connection.execute(statement, [list(column) for column in zip(*its_rows, strict=True)])
    await touched.write(connection, stored)


def action_row(row: Row, decimals: dict[str, int], is_failed: bool) -> Row:
    """A row of the actions dataset as the serving table has it, in `ACTION_COLUMNS`."""
    (
        identifier,
        signature,
        slot,
        _tx_index,
        block_time,
        log_idx,
        path,
        program_id,
        venue,
        kind,
        wallet,
        counterparty,
        asset,
        amount_raw,
        bought_asset,
        bought_raw,
        paths,
    ) = row
    route = venue if venue in _ROUTER_NAMES else None
    flags = '{"failed": true}' if is_failed else "{}"
    return (
        identifier,
        signature,
        log_idx,
        slot,
        block_time,
        program_id,
        kind,
        asset,
        _whole(asset, int(amount_raw), decimals),
        route,
        flags,
        path,
        venue,
        wallet,
        counterparty,
        int(amount_raw),
        bought_asset,
        int(bought_raw),
        _array_text(paths),
    )


_ROUTER_NAMES = frozenset(ROUTERS.values())


def _whole(asset: str, amount_raw: int, decimals: dict[str, int]) -> Decimal | None:
    """Base units in whole tokens, exactly; None where the decimals are unknown or the column cannot hold it."""
    places = _LAMPORTS_DECIMALS if asset in (LAMPORTS_ASSET, NATIVE_MINT) else decimals.get(asset)
    if places is None or not 0 <= places <= _MOST_DECIMALS or amount_raw >= _TOO_MANY_TOKENS * 10**places:
        return None
    # Exact in any context: scaling by a power of ten rounds where there are more digits than the context's 28.
    return Decimal((0, Decimal(amount_raw).as_tuple().digits, -places))


def _array_text(values: Sequence[str]) -> str:
    """A Postgres array literal of words without quotes, commas and braces: addresses, roles, paths."""
    return "{" + ",".join(values) + "}"
