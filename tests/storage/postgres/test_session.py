"""Sessions of the feed and the fold have a limit for every statement, and the user's own options outrank it."""

import asyncio

import psycopg
import pytest

from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.session import (
    FOLD_STATEMENT_TIMEOUT_SECONDS,
    INBOX_STATEMENT_TIMEOUT_SECONDS,
    session_options,
)


def show(connection: psycopg.Connection[tuple[str]], setting: str) -> str:
    row = connection.execute("select current_setting(%s)", (setting,)).fetchone()
    assert row is not None
    return row[0]


def connected(url: str, limit_seconds: int) -> psycopg.Connection[tuple[str]]:
    return psycopg.connect(url, connect_timeout=10, options=session_options(url, limit_seconds))


def test_the_limit_is_there_and_holds(database_url: str) -> None:
    with connected(database_url, 1) as connection:
        assert show(connection, "statement_timeout") == "1s"
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select pg_sleep(20)")


def test_options_of_the_address_are_kept_and_win(database_url: str) -> None:
    with connected(f"{database_url}?options=-c%20search_path%3Dpg_catalog", 7) as connection:
        assert (show(connection, "search_path"), show(connection, "statement_timeout")) == ("pg_catalog", "7s")
    with connected(f"{database_url}?options=-c%20statement_timeout%3D3s", 7) as connection:
        assert show(connection, "statement_timeout") == "3s"


def test_feed_and_fold_have_it(database_url: str) -> None:
    """Asked of the sessions themselves: what they were opened with is theirs alone."""

    async def of_the_inbox() -> str:
        async with PostgresInbox(lambda: database_url) as inbox:
            connection = await inbox._open()
            cursor = await connection.execute("show statement_timeout")
            row = await cursor.fetchone()
            return str(row[0]) if row else ""

    assert asyncio.run(of_the_inbox()) == f"{INBOX_STATEMENT_TIMEOUT_SECONDS // 60}min"
    with PostgresFoldSource(database_url) as source:
        assert show(source._connection, "statement_timeout") == f"{FOLD_STATEMENT_TIMEOUT_SECONDS // 3600}h"
