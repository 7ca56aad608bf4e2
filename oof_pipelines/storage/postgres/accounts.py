"""What accounts say, in Postgres: an `AccountStore` on the feed's own connection."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from psycopg import AsyncConnection
from psycopg.errors import QueryCanceled

from oof_pipelines.account_interfaces import AccountStoreBusyError, KeptAccount, Settled
from oof_pipelines.chain.storable_text import storable
from oof_pipelines.decode.accounts.facts import POOL, PoolInfo, from_json, kind_of, to_json
from oof_pipelines.storage.parquet.market_rows import row_of
from oof_pipelines.storage.postgres import account_statements as statements
from oof_pipelines.storage.postgres.inbox import PostgresInbox

T = TypeVar("T")
Row = tuple[Any, ...]

_STATEMENT_TIMEOUT_SECONDS = 30
_PLACE_COLUMNS = 4


class PostgresAccounts:
    """An `AccountStore` that takes its turns on the inbox's connection."""

    def __init__(self, inbox: PostgresInbox) -> None:
        self._inbox = inbox

    async def pools_of_vaults(self, vaults: Collection[str]) -> dict[str, PoolInfo]:
        found: dict[str, PoolInfo] = {}
        for vault, told in await self._rows(statements.POOLS_OF_VAULTS, (sorted(vaults),)) if vaults else []:
            pool = from_json(POOL, told)
            assert isinstance(pool, PoolInfo)
            found[vault] = pool
        return found

    async def mints_of_pools(self, pools: Collection[str]) -> dict[str, tuple[str, str]]:
        if not pools:
            return {}
        rows = await self._rows(statements.MINTS_OF_POOLS, {"pools": sorted(pools)})
        return {pool: (mint, quote_mint or "") for pool, mint, quote_mint in rows}

    async def keep(self, kept: Sequence[KeptAccount]) -> int:
        # Of one write, heard twice in one batch, one row: a statement may not meet its own rows.
        unique = {(one.update.pubkey, one.update.slot, one.update.write_version): one for one in kept}
        if not unique:
            return 0
        updates = _columns([_update_row(one) for one in unique.values()])

        async def write(connection: AsyncConnection[Any]) -> int:
            cursor = await connection.execute(statements.INSERT_UPDATES, updates)
            new = {(pubkey, slot, version) for pubkey, slot, version in await cursor.fetchall()}
            events = [row for key, one in unique.items() if key in new for row in _event_rows(one)]
            if events:
                await connection.execute(statements.INSERT_EVENTS, _columns(events))
            at_once = sorted(key for key, one in unique.items() if key in new and one.update.is_startup)
            if at_once:
                await connection.execute(statements.PRUNE, _columns(at_once))
            return len(new)

        return await self._do(write)

    async def provisional_slots(self, up_to_slot: int, limit: int) -> list[int]:
        return [slot for (slot,) in await self._rows(statements.PROVISIONAL_SLOTS, (up_to_slot, limit))]

    async def settle(self, final_slots: Sequence[int], gone_slots: Sequence[int]) -> Settled:
        async def write(connection: AsyncConnection[Any]) -> Settled:
            cursor = await connection.execute(statements.PROMOTE, (list(final_slots),))
            promoted = await cursor.fetchall()
            if promoted:
                await connection.execute(statements.PRUNE, _columns(promoted))
            cursor = await connection.execute(statements.TAKE_BACK, (list(gone_slots),))
            row = await cursor.fetchone()
            return Settled(len(promoted), int(row[0]) if row else 0)

        return await self._do(write)

    async def forget_old(self, before: datetime, limit: int) -> int:
        async def write(connection: AsyncConnection[Any]) -> int:
            return (await connection.execute(statements.FORGET_OLD, (before, limit))).rowcount

        return await self._do(write)

    async def vaults(self, limit: int) -> list[str]:
        return [vault for (vault,) in await self._rows(statements.VAULTS, (limit, limit))]

    async def _rows(self, statement: str, parameters: Row | dict[str, Any]) -> list[Row]:
        async def read(connection: AsyncConnection[Any]) -> list[Row]:
            return await (await connection.execute(statement, parameters)).fetchall()

        return await self._do(read)

    async def _do(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        try:
            return await self._inbox.in_transaction(work, statement_timeout_seconds=_STATEMENT_TIMEOUT_SECONDS)
        except QueryCanceled as error:
            raise AccountStoreBusyError(str(error)) from None


def _update_row(kept: KeptAccount) -> Row:
    update = kept.update
    told = {name: storable(value) if isinstance(value, str) else value for name, value in to_json(update.facts).items()}
    facts = json.dumps(told, sort_keys=True)
    state = hashlib.sha256(f"{update.owner}|{facts}".encode()).hexdigest()
    return (
        update.pubkey,
        update.slot,
        update.write_version,
        update.owner,
        update.lamports,
        kind_of(update.facts),
        facts,
        state,
        update.signature,
        datetime.fromtimestamp(update.block_time_s, UTC),
        update.is_block_time_estimated,
        update.is_startup,
        # What a server has of an account at its start was final long before.
        update.is_startup,
    )


def _event_rows(kept: KeptAccount) -> list[Row]:
    update = kept.update
    key = (update.pubkey, update.slot, update.write_version)
    return [(*key, *row_of(event)[_PLACE_COLUMNS:]) for event in kept.events]


def _columns(rows: Sequence[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
