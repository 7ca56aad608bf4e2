"""A connection for one thread that outlives a server's restart, does work in transactions and hears notifications."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import psycopg
from psycopg import Connection

from oof_pipelines.storage.postgres.session import INBOX_STATEMENT_TIMEOUT_SECONDS, session_options

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""How long a server may be away before a call fails."""

_CONNECT_TIMEOUT_SECONDS = 10
_RETRY_SECONDS = 0.5


class ListeningSession:
    """Opened when first used; `database_url` is asked again before each reconnect (it may start a server).

    Use as a context manager.
    """

    def __init__(
        self, database_url: Callable[[], str], application_name: str, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._database_url = database_url
        self._application_name = application_name
        self._patience_seconds = patience_seconds
        self._connection: Connection[Any] | None = None
        self._channels: set[str] = set()

    def __enter__(self) -> Self:
        self.run(lambda _connection: None)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._abandon()

    def run(self, work: Callable[[Connection[Any]], T]) -> T:
        """Do `work` in one transaction; where the connection breaks, on a new one again, for `patience_seconds`."""
        deadline_s = time.monotonic() + self._patience_seconds
        while True:
            try:
                connection = self._open()
                with connection.transaction():
                    return work(connection)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                self._abandon()
                if time.monotonic() >= deadline_s:
                    raise
                time.sleep(_RETRY_SECONDS)

    def fetch(self, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        return self.run(lambda connection: connection.execute(statement.encode(), parameters).fetchall())

    def hear(self, channel: str, timeout_seconds: float) -> bool:
        """Whether something was notified on `channel` within `timeout_seconds`.

        True at once where this connection did not listen yet: what was notified before is not notified again, so the caller
        has to look.
        """

        def listen(connection: Connection[Any]) -> bool:
            if channel in self._channels:
                return False
            connection.execute(f"listen {channel}".encode())
            self._channels.add(channel)
            return True

        if self.run(listen):
            return True
        assert self._connection is not None
        try:
            return any(True for _ in self._connection.notifies(timeout=timeout_seconds, stop_after=1))
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self._abandon()
            return True

    def _open(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._channels.clear()
            url = self._database_url()
            self._connection = psycopg.connect(
                url,
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT_SECONDS,
                application_name=self._application_name,
                options=session_options(url, INBOX_STATEMENT_TIMEOUT_SECONDS),
            )
        return self._connection

    def _abandon(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
