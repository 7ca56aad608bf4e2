"""How the platform stands, read from Postgres in a bounded time: for health checks and for metrics."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import AsyncConnection

from oof_pipelines.storage.postgres.locks import FEED_LOCK
from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.storage.postgres.session import session_options

_CONNECT_TIMEOUT_SECONDS = 2
_HEALTH_SECONDS = 1.0
_FIGURES_STATEMENT_SECONDS = 2
_FIGURES_SECONDS = 10.0
_AWAY = (psycopg.Error, EmbeddedPostgresError, OSError, TimeoutError)

# One row: is a feed there, when was the newest slot's transaction stored, and how long is the most overdue signature due.
_HEALTH = """
select exists (
           select from pg_locks
           where locktype = 'advisory' and granted and objsubid = 1
             and database = (select oid from pg_database where datname = current_database())
             and ((classid::bigint << 32) | objid::bigint) = %s
       ),
       (select stored_at from tx_raw order by slot desc limit 1),
       (select extract(epoch from now() - min(not_before))::float8 from fetch_queue
        where source not in ('backfill', 'webhook')),
       (select extract(epoch from now() - min(not_before))::float8 from fetch_queue where source = 'webhook'),
       to_regclass('dagster.daemon_heartbeats') is not null,
       now()
"""
# Dagster writes heartbeats without a zone, in UTC.
_HEARTBEAT = "select max(timestamp) at time zone 'UTC' from dagster.daemon_heartbeats"

# Where a table is large its size is what the planner believes of it: right to some percent, and free.
_FIGURES = {
    "queue": """
        select source, count(*), extract(epoch from now() - min(queued_at))::float8 from fetch_queue group by source
    """,
    "transactions": """
        select '', case when reltuples < %(counted)s then (select count(*) from tx_raw) else reltuples::bigint end, 0
        from pg_class where oid = 'tx_raw'::regclass
    """,
    "provisional": "select '', count(*), 0 from tx_raw where not is_final",
    "quarantine": "select reason, count(*), 0 from quarantine group by reason",
    "moments": "select kind, count(*), 0 from oof_moments group by kind",
    "jobs": """
        select status, count(*),
               coalesce(extract(epoch from max(now() - run_after) filter (where status = 'queued')), 0)::float8
        from job_queue group by status
    """,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlatformHealth:
    """`overdue_seconds` and `hints_overdue_seconds` tell how long the most overdue signature has been due, negative where it
    is not due yet, None where nothing is queued. `heartbeat_at` is None where no Dagster uses this database."""

    is_feed_running: bool
    newest_stored_at: datetime | None
    overdue_seconds: float | None
    hints_overdue_seconds: float | None
    heartbeat_at: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class PlatformFigures:
    """Label → (count, seconds) by figure; what could not be read in time is in `missing` instead."""

    figures: dict[str, dict[str, tuple[int, float]]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


class PostgresState:
    """Opens a connection for each question, so that none is shared with what has to be quick.

    Stored transactions are counted up to some `counted_up_to` and estimated beyond.
    """

    def __init__(self, database_url: Callable[[], str], *, counted_up_to: int = 100_000) -> None:
        self._database_url = database_url
        self._counted_up_to = counted_up_to

    async def health(self) -> PlatformHealth | None:
        """None where the database does not answer within a second."""
        try:
            async with asyncio.timeout(_HEALTH_SECONDS), await self._connect(1) as connection:
                row = await (await connection.execute(_HEALTH, (FEED_LOCK,))).fetchone()
                assert row is not None
                is_running, stored_at, overdue, hints_overdue, has_dagster, now = row
                heartbeat_at = None
                if has_dagster:
                    beat = await (await connection.execute(_HEARTBEAT)).fetchone()
                    heartbeat_at = beat[0] if beat else None
                return PlatformHealth(is_running, stored_at, overdue, hints_overdue, heartbeat_at, now)
        except _AWAY:
            return None

    async def figures(self) -> PlatformFigures:
        """What can be counted within a few seconds."""
        figures: dict[str, dict[str, tuple[int, float]]] = {}
        try:
            async with (
                asyncio.timeout(_FIGURES_SECONDS),
                await self._connect(_FIGURES_STATEMENT_SECONDS) as connection,
            ):
                for name, statement in _FIGURES.items():
                    rows = await _rows(connection, statement, {"counted": self._counted_up_to})
                    if rows is not None:
                        figures[name] = {str(label): (int(count), float(seconds)) for label, count, seconds in rows}
        except _AWAY:
            pass
        return PlatformFigures(figures, tuple(name for name in _FIGURES if name not in figures))

    async def _connect(self, statement_seconds: int) -> AsyncConnection[Any]:
        url = await asyncio.to_thread(self._database_url)
        return await AsyncConnection.connect(
            url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof api state",
            options=session_options(url, statement_seconds),
        )


async def _rows(
    connection: AsyncConnection[Any], statement: str, parameters: dict[str, int]
) -> list[tuple[Any, ...]] | None:
    try:
        return await (await connection.execute(statement, parameters)).fetchall()
    except (psycopg.errors.QueryCanceled, psycopg.errors.UndefinedTable):
        return None
