"""Hints of a webhook in Postgres: queued for the feed, and what had to be refused (0024)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection

from oof_pipelines.interfaces import ListedSignature
from oof_pipelines.storage.postgres import inbox_statements as statements
from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.storage.postgres.session import session_options

T = TypeVar("T")

STATEMENT_TIMEOUT_SECONDS = 3
_CONNECT_TIMEOUT_SECONDS = 2
# One transaction that met the feed's in a deadlock is made again; the second time it finds those rows gone or queued.
_ATTEMPTS = 2

_STANDING = """
select (select count(*) from (select from fetch_queue where source = 'webhook' limit %s) as hints),
       greatest((select max(slot) from tx_raw), (select max(slot) from feed_checkpoints))
"""
_NOTE = """
insert into webhook_refusals as r (minute_at, reason, requests, hints) values (%s, %s, %s, %s)
on conflict (minute_at, reason) do update set
    requests = r.requests + excluded.requests, hints = r.hints + excluded.hints
"""


class HintsNotKeptError(Exception):
    """The database could not be asked or written. Says nothing of why: what a driver says may hold an address."""


class PostgresHints:
    """A `HintStore` on one connection, opened when first asked and again after it broke. Raises `HintsNotKeptError`."""

    def __init__(self, database_url: Callable[[], str]) -> None:
        self._database_url = database_url
        self._connection: AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()

    async def queue(self, hints: Sequence[ListedSignature]) -> int:
        """Queue those not stored, quarantined for good or queued yet; returns how many were new."""
        columns = ([hint.signature for hint in hints], [hint.slot for hint in hints])
        return int((await self._fetch_one(statements.ENQUEUE_HINTS, columns))[0])

    async def standing(self, at_most: int) -> tuple[int, int | None]:
        """Hints that wait to be fetched, counted up to `at_most`, and the newest stored or checkpointed slot."""
        queued, newest_slot = await self._fetch_one(_STANDING, (at_most,))
        return int(queued), newest_slot

    async def note_refused(self, minutes: Mapping[tuple[datetime, str], tuple[int, int]]) -> None:
        """Add (requests, hints) to what was refused in a minute, by reason. A broken connection may add twice."""
        rows = [(minute_at, reason, *counts) for (minute_at, reason), counts in sorted(minutes.items())]

        async def write(connection: AsyncConnection[Any]) -> None:
            async with connection.transaction():
                await connection.cursor().executemany(_NOTE, rows)

        await self._run(write)

    async def close(self) -> None:
        """Give the connection back; the next question opens another."""
        async with self._turn:
            await self._abandon()

    async def _fetch_one(self, statement: str, parameters: tuple[Any, ...]) -> tuple[Any, ...]:
        async def read(connection: AsyncConnection[Any]) -> tuple[Any, ...]:
            row: tuple[Any, ...] | None = await (await connection.execute(statement, parameters)).fetchone()
            assert row is not None, "every statement here is an aggregate"
            return row

        return await self._run(read)

    async def _run(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        """Do `work`; a connection that broke while it was idle, or a deadlock, is worth a second try."""
        async with self._turn:
            for attempt in range(1, _ATTEMPTS + 1):
                was_open = self._connection is not None
                try:
                    return await work(await self._open())
                except psycopg.errors.DeadlockDetected as error:
                    if attempt == _ATTEMPTS:
                        raise HintsNotKeptError from error
                except (psycopg.Error, EmbeddedPostgresError, OSError) as error:
                    await self._abandon()
                    if attempt == _ATTEMPTS or not was_open or isinstance(error, psycopg.errors.QueryCanceled):
                        raise HintsNotKeptError from error
                except asyncio.CancelledError:
                    # A statement may be under way; what it answers must not be taken for the answer to the next one.
                    await self._abandon()
                    raise
            raise AssertionError("the last attempt returns or raises")

    async def _open(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            url = await asyncio.to_thread(self._database_url)
            self._connection = await AsyncConnection.connect(
                url,
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT_SECONDS,
                application_name="oof api hints",
                options=session_options(url, STATEMENT_TIMEOUT_SECONDS),
            )
        return self._connection

    async def _abandon(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
