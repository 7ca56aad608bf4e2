"""One connection for many tasks that outlives a server's restart: work in transactions, made again where it breaks."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection

from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.storage.postgres.session import session_options

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""How long a server may be away before a call fails."""

_CONNECT_TIMEOUT_SECONDS = 10
_RETRY_SECONDS = 0.5


class PatientSession:
    """Opened when first used; `database_url` is asked before each connect (it may start a server).

    Tasks take turns. What is done through it may be made twice: after a broken connection nobody knows whether a commit
    arrived.
    """

    def __init__(
        self,
        database_url: Callable[[], str],
        application_name: str,
        statement_timeout_seconds: int,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._database_url = database_url
        self._application_name = application_name
        self._statement_timeout_seconds = statement_timeout_seconds
        self._patience_seconds = patience_seconds
        self._connection: AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Give the connection back; the next call opens another."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def fetch(self, statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The rows of one statement."""

        async def read(connection: AsyncConnection[Any]) -> list[tuple[Any, ...]]:
            return await (await connection.execute(statement, parameters)).fetchall()

        return await self.run(read)

    async def execute(self, statement: str, parameters: tuple[Any, ...]) -> None:
        """One statement of which nothing is read."""

        async def write(connection: AsyncConnection[Any]) -> None:
            await connection.execute(statement, parameters)

        await self.run(write)

    async def run(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        """Do `work` in one transaction; where the connection breaks, on a new one again, for `patience_seconds`."""
        async with self._turn:
            deadline_s = asyncio.get_running_loop().time() + self._patience_seconds
            while True:
                try:
                    connection = await self._open()
                    async with connection.transaction():
                        return await work(connection)
                except (psycopg.OperationalError, psycopg.InterfaceError, EmbeddedPostgresError):
                    await self.close()
                    if asyncio.get_running_loop().time() >= deadline_s:
                        raise
                    await asyncio.sleep(_RETRY_SECONDS)

    async def _open(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            url = await asyncio.to_thread(self._database_url)
            self._connection = await AsyncConnection.connect(
                url,
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT_SECONDS,
                application_name=self._application_name,
                options=session_options(url, self._statement_timeout_seconds),
            )
        return self._connection
