"""Readings of market services in Postgres: kept once, with what was refused and how each source does.

Every method is one transaction and may be made twice. A connection that dies is opened again and the same is done again,
until the server has been away for too long.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from psycopg import AsyncConnection

from oof_pipelines.chain.storable_text import storable
from oof_pipelines.market_store import Harvest, Kept
from oof_pipelines.pricing.readings import ReadingRefusedError, RefusedReading
from oof_pipelines.storage.postgres import market_data_rows as rows
from oof_pipelines.storage.postgres import market_data_statements as statements
from oof_pipelines.storage.postgres.patient_session import PATIENCE_SECONDS, PatientSession
from oof_pipelines.storage.postgres.session import INBOX_STATEMENT_TIMEOUT_SECONDS

ValueT = TypeVar("ValueT")

REFUSED_KEPT = timedelta(days=30)
"""How long refused readings stay to be looked at."""


class PostgresMarketData:
    """A `MarketStore` on one connection. `database_url` is asked again before each reconnect (it may start a server)."""

    def __init__(self, database_url: Callable[[], str], *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._session = PatientSession(database_url, "oof market", INBOX_STATEMENT_TIMEOUT_SECONDS, patience_seconds)

    async def __aenter__(self) -> "PostgresMarketData":
        await self._session.run(_nothing)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._session.close()

    async def keep(self, harvest: Harvest) -> Kept:
        tables, refused = _rows_of(harvest)
        refusals = [rows.refusal_row(harvest.what, refusal) for refusal in (*harvest.refused, *refused)]

        is_good = any(tables.values()) or (harvest.error is None and not refusals)

        async def write(connection: AsyncConnection[Any]) -> Kept:
            stored = 0
            for table, its_rows in tables.items():
                stored += await _insert(connection, table, its_rows)
            refused_count = await _insert(connection, "refused_readings", refusals)
            if refused_count:
                old = (harvest.source, str(harvest.what), harvest.asked_at - REFUSED_KEPT)
                await connection.execute(statements.FORGET_REFUSED, old)
            noted = {
                "source": harvest.source,
                "what": str(harvest.what),
                "asked_at": harvest.asked_at,
                "good_at": harvest.asked_at if is_good else None,
                "stored": stored,
                "refused": refused_count,
                "error": None if harvest.error is None else storable(harvest.error),
                "breaker": "open" if harvest.is_breaker_open else "closed",
            }
            row = await (await connection.execute(statements.NOTE_SOURCE, noted)).fetchone()
            return Kept(stored, refused_count, row[0] if row else None)

        return await self._session.run(write)

    async def touched_mints(self, days: int, limit: int) -> list[str]:
        return [mint for (mint,) in await self._session.fetch(statements.TOUCHED_MINTS, (days, limit))]

    async def mints_lacking_metadata(self, source: str, asked_before: datetime, limit: int) -> list[str]:
        found = await self._session.fetch(statements.MINTS_LACKING_METADATA, (source, asked_before, limit))
        return [mint for (mint,) in found]

    async def newest_kline_at(self, source: str, symbol: str, interval: str) -> datetime | None:
        [(newest_at,)] = await self._session.fetch(statements.NEWEST_KLINE, (source, symbol, interval))
        return newest_at if isinstance(newest_at, datetime) else None

    async def forget_depth(self, before: datetime) -> int:
        [(count,)] = await self._session.fetch(statements.FORGET_DEPTH, (before,))
        return int(count)


async def _nothing(_connection: AsyncConnection[Any]) -> None:
    return None


async def _insert(connection: AsyncConnection[Any], table: str, its_rows: list[rows.Row]) -> int:
    """How many of the rows were new, or changed what was there."""
    if not its_rows:
        return 0
    width, statement = statements.INSERTS[table]
    row = await (await connection.execute(statement, rows.columns_of(its_rows, width))).fetchone()
    return int(row[0]) if row else 0


def _rows_of(harvest: Harvest) -> tuple[dict[str, list[rows.Row]], list[RefusedReading]]:
    """Table → rows, one a key (the last of several), and refusals of what the columns cannot hold."""
    refused: list[RefusedReading] = []

    def made(values: Iterable[ValueT], row_of: Callable[[ValueT], rows.Row], key: slice) -> list[rows.Row]:
        by_key: dict[rows.Row, rows.Row] = {}
        for value in values:
            try:
                row = row_of(value)
            except ReadingRefusedError as error:
                refused.append(RefusedReading(error.source, error.subject, error.reason, harvest.asked_at))
                continue
            by_key[row[key]] = row
        return list(by_key.values())

    tables = {
        "price_ticks": made(harvest.ticks, rows.tick_row, slice(0, 3)),
        "quotes": made(harvest.quotes, rows.quote_row, slice(0, 1)),
        "volume_readings": made(harvest.volumes, rows.volume_row, slice(0, 4)),
        "klines": made(harvest.klines, rows.kline_row, slice(0, 4)),
        "depth_snapshots": made(harvest.depth, rows.depth_row, slice(0, 3)),
        "token_metadata": made(harvest.tokens, rows.metadata_row, slice(0, 2)),
    }
    return tables, refused
