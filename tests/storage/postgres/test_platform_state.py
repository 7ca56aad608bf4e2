"""How the platform stands, read from a real PostgreSQL."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from stored_rows import SLOT, signature_of, stored

from oof_pipelines.interfaces import ListedSignature
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.platform_state import PlatformFigures, PlatformHealth, PostgresState
from oof_pipelines.storage.postgres.server import EmbeddedPostgres


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


def health(url: str) -> PlatformHealth | None:
    return asyncio.run(PostgresState(lambda: url).health())


def figures(url: str) -> PlatformFigures:
    return asyncio.run(PostgresState(lambda: url).figures())


def test_an_empty_database_has_no_feed(url: str) -> None:
    state = health(url)
    assert state is not None
    assert not state.is_feed_running
    assert (state.newest_stored_at, state.overdue_seconds, state.heartbeat_at) == (None, None, None)
    read = figures(url)
    assert read.missing == ()
    assert read.figures["transactions"] == {"": (0, 0)}
    assert read.figures["queue"] == {}


def test_a_feed_is_seen_by_its_lock_and_its_work(url: str) -> None:
    async def scenario() -> tuple[PlatformHealth | None, PlatformFigures, PlatformHealth | None]:
        state = PostgresState(lambda: url)
        async with PostgresInbox(lambda: url, patience_seconds=5) as inbox:
            await inbox.store([stored("a"), stored("b")], [])
            await inbox.enqueue([ListedSignature(signature_of("c"), SLOT)], "repair")
            await inbox.enqueue([ListedSignature(signature_of(name), SLOT) for name in "de"], "webhook")
            with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
                connection.execute(
                    "update fetch_queue set not_before = now() - interval '90 s', queued_at = now() - interval '100 s' "
                    "where source = 'repair'"
                )
                connection.execute(
                    "create schema dagster; create table dagster.daemon_heartbeats (timestamp timestamp)"
                )
                connection.execute("insert into dagster.daemon_heartbeats values (now() at time zone 'UTC')")
                connection.execute("set time zone 'Asia/Tokyo'")
            running = await state.health()
            read = await state.figures()
        return running, read, await state.health()

    running, read, stopped = asyncio.run(scenario())
    assert running is not None
    assert stopped is not None
    assert (running.is_feed_running, stopped.is_feed_running) == (True, False)
    assert running.newest_stored_at is not None
    assert abs((running.newest_stored_at - datetime.now(UTC)).total_seconds()) < 60
    assert running.heartbeat_at is not None
    assert abs((running.heartbeat_at - datetime.now(UTC)).total_seconds()) < 60
    assert running.overdue_seconds == pytest.approx(90, abs=30)
    assert running.hints_overdue_seconds == pytest.approx(0, abs=30)
    assert {source: count for source, (count, _) in read.figures["queue"].items()} == {"repair": 1, "webhook": 2}
    assert read.figures["queue"]["repair"][1] == pytest.approx(100, abs=30)
    assert read.figures["provisional"] == {"": (2, 0)}
    assert read.figures["transactions"] == {"": (2, 0)}


def test_a_large_table_is_estimated(url: str) -> None:
    insert = (
        "insert into tx_raw (sig, slot, ts, status, size_bytes, is_block_time_estimated) "
        "select %s || n, n, now(), 'ok', 1, false from generate_series(1, 300) n"
    )
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("alter table tx_raw set (autovacuum_enabled = false)")
        connection.execute(insert, ("a",))
        connection.execute("analyze tx_raw")
        connection.execute(insert, ("b",))
    estimated = asyncio.run(PostgresState(lambda: url, counted_up_to=200).figures())
    counted = asyncio.run(PostgresState(lambda: url, counted_up_to=400).figures())
    assert (estimated.figures["transactions"], counted.figures["transactions"]) == ({"": (300, 0)}, {"": (600, 0)})


def test_what_cannot_be_read_in_time_is_missing_and_the_rest_is_there(url: str) -> None:
    with psycopg.connect(url, connect_timeout=10) as connection:
        connection.execute("lock table quarantine")
        read = figures(url)
    assert read.missing == ("quarantine",)
    assert "moments" in read.figures


def test_a_database_that_is_away_is_none(url: str) -> None:
    away = "postgresql://nobody:a-password@127.0.0.1:1/none"
    assert health(away) is None
    read = figures(away)
    assert read.figures == {}
    assert "queue" in read.missing


def test_an_embedded_database_that_is_gone_is_none(tmp_path: Path) -> None:
    # Its folder was taken away under a running API; the address is read from there at each question.
    state = PostgresState(lambda: EmbeddedPostgres(tmp_path).url)
    assert asyncio.run(state.health()) is None
    assert asyncio.run(state.figures()).figures == {}
