"""From decoded transactions to rows: one place that says which column holds what, for Parquet and for Postgres alike."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]

from oof_pipelines.chain.moves import LAMPORTS_ASSET, log_idx
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.decode.token_facts import token_facts_of
from oof_pipelines.market.from_decoded import market_events_of
from oof_pipelines.positions.from_decoded import position_events_of
from oof_pipelines.storage.parquet.dataset import RAW_AMOUNT
from oof_pipelines.storage.parquet.event_schemas import POSITION_EVENTS
from oof_pipelines.storage.parquet.market_rows import row_of
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.position_event_rows import position_row
from oof_pipelines.storage.parquet.schemas import (
    ACTIONS,
    ANCHOR_EVENTS,
    DECODED_DATASETS,
    FEE_PARTS,
    LIQUIDITY,
    MOVES,
    PARTICIPANTS,
    SWAPS,
    TOKEN_EVENTS,
)
from oof_pipelines.storage.parquet.told_rows import anchor_event_rows, liquidity_rows, token_event_rows, trade_rows

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stored transaction stands; the same for all its rows."""

    signature: str
    slot: int
    tx_index: int | None
    block_time: datetime

    @property
    def row(self) -> Row:
        return (self.signature, self.slot, self.tx_index, self.block_time)


def rows_of(place: Place, decoded: Decoded) -> dict[str, list[Row]]:
    """Dataset → the transaction's rows, in the dataset's columns; its token facts have it as the first to show them."""
    facts = token_facts_of(decoded.transaction, decoded.decimals)
    swaps, fee_parts = trade_rows(place.row, decoded.routes)
    stands = place.signature, place.slot, place.tx_index, int(place.block_time.timestamp())
    return {
        ACTIONS.name: list(_action_rows(place, decoded)),
        MOVES.name: list(_move_rows(place, decoded)),
        PARTICIPANTS.name: list(_participant_rows(place, decoded)),
        "token_facts": [
            (fact.mint, fact.decimals, fact.token_program, place.slot, place.block_time, place.signature)
            for fact in facts
        ],
        SWAPS.name: swaps,
        FEE_PARTS.name: fee_parts,
        LIQUIDITY.name: list(liquidity_rows(place.row, decoded.facts)),
        TOKEN_EVENTS.name: list(token_event_rows(place.row, decoded.facts)),
        ANCHOR_EVENTS.name: list(anchor_event_rows(place.row, decoded.anchor_events)),
        MARKET_EVENTS.name: [row_of(event) for event in market_events_of(*stands, decoded)],
        POSITION_EVENTS.name: [position_row(event) for event in position_events_of(*stands, decoded)],
    }


def frames_of(rows: dict[str, list[Row]]) -> dict[str, pl.DataFrame]:
    """Dataset → a frame of its schema. Amounts go by way of 128-bit integers: exact, and refused where too large."""
    return {name: _frame(DECODED_DATASETS[name].columns, rows[name]) for name in DECODED_DATASETS}


def first_facts(facts: pl.DataFrame) -> pl.DataFrame:
    """One row a mint: the earliest transaction that shows it, its program from the earliest that tells it."""
    in_order = facts.sort("first_slot", "first_signature", maintain_order=True)
    told = in_order.filter(pl.col("token_program") != "").unique("mint", keep="first", maintain_order=True)
    programs = told.select("mint", pl.col("token_program").alias("told_program"))
    return (
        in_order.unique("mint", keep="first", maintain_order=True)
        .join(programs, on="mint", how="left", maintain_order="left")
        .with_columns(token_program=pl.coalesce("told_program", "token_program"))
        .drop("told_program")
    )


def _frame(columns: dict[str, Any], rows: list[Row]) -> pl.DataFrame:
    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return pl.DataFrame(
        [_series(name, dtype, column) for (name, dtype), column in zip(columns.items(), values, strict=True)]
    )


def _series(name: str, dtype: Any, values: Any) -> pl.Series:
    if dtype == RAW_AMOUNT:
        return pl.Series(name, values, dtype=pl.Int128).cast(RAW_AMOUNT)
    if dtype == pl.List(pl.String):
        return _list_series(name, values)
    return pl.Series(name, values, dtype=dtype)


def _list_series(name: str, values: Iterable[list[str]]) -> pl.Series:
    """Lists of text from their flat values: Polars would make a series of every list on the way."""
    flat: list[str] = []
    offsets = [0]
    for texts in values:
        flat += texts
        offsets.append(len(flat))
    lists = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(flat, pa.large_string()))
    return pl.Series(name, lists, dtype=pl.List(pl.String))


def _action_rows(place: Place, decoded: Decoded) -> Iterator[Row]:
    for action in decoded.actions:
        yield (
            action.id,
            *place.row,
            log_idx(action.path),
            action.path,
            action.program_id,
            action.venue,
            action.kind,
            action.wallet,
            action.counterparty,
            action.asset,
            action.amount_raw,
            action.bought_asset,
            action.bought_raw,
            list(action.paths),
        )


def _move_rows(place: Place, decoded: Decoded) -> Iterator[Row]:
    """`balance_raw` is what the account holds after the move; counter-accounts have none."""
    balances = opening_balances(decoded.transaction)
    for seq, move in enumerate(decoded.moves):
        balance_raw: int | None = None
        if not move.is_virtual:
            held = move.account, move.asset
            balance_raw = balances[held] = balances.get(held, 0) + move.delta_raw
        yield (
            *place.row,
            seq,
            log_idx(move.path),
            move.path,
            move.account,
            move.owner,
            move.asset,
            move.delta_raw,
            balance_raw,
            move.kind,
            move.is_virtual,
        )


def opening_balances(transaction: ParsedTransaction) -> dict[tuple[str, str], int]:
    """(account, asset) → base units before the transaction."""
    lamports = zip(transaction.keys, transaction.pre_lamports, strict=False)
    balances = {(account, LAMPORTS_ASSET): amount for account, amount in lamports}
    balances.update({(held.account, held.mint): held.amount_raw for held in transaction.pre_tokens if held.account})
    return balances


def _participant_rows(place: Place, decoded: Decoded) -> Iterator[Row]:
    roles: dict[str, list[str]] = {}
    for participant in decoded.participants:
        roles.setdefault(participant.wallet, []).append(participant.role)
    for wallet, its_roles in roles.items():
        yield (*place.row, wallet, its_roles)
