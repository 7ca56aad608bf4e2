"""Hints of a webhook in a real PostgreSQL: queued once, fetched last, and made good by those who know better."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from stored_rows import SLOT, signature_of, stored

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.interfaces import HeardLog, ListedSignature, PutOff, QuarantinedTransaction
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.inbox_statements import DUE, HINTS_AT_A_TIME
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.webhook_hints import HintsNotKeptError, PostgresHints

LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


def use(url: str, work: Callable[[PostgresHints, PostgresInbox], Awaitable[Any]]) -> Any:
    async def scenario() -> Any:
        hints = PostgresHints(lambda: url)
        async with PostgresInbox(lambda: url, patience_seconds=5, is_feed=False) as inbox:
            try:
                return await work(hints, inbox)
            finally:
                await hints.close()

    return asyncio.run(scenario())


def listed(*names: object, slot: int = SLOT) -> list[ListedSignature]:
    return [ListedSignature(signature_of(name), slot) for name in names]


def queue(url: str) -> dict[str, tuple[str, int, int]]:
    """Signature → (source, slot, attempts)."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        rows = connection.execute("select signature, source, slot, attempts from fetch_queue").fetchall()
    return {signature: (source, slot, attempts) for signature, source, slot, attempts in rows}


def test_what_is_stored_quarantined_or_queued_is_not_queued_again(url: str) -> None:
    async def work(hints: PostgresHints, inbox: PostgresInbox) -> None:
        refused = [
            QuarantinedTransaction(signature_of("broken"), SLOT, QuarantineReason.NOT_JSON, "why", b"body"),
            QuarantinedTransaction(signature_of("gone"), SLOT, QuarantineReason.NOT_FOUND, "why", None),
        ]
        await inbox.store([stored("stored")], refused)
        await inbox.enqueue(listed("queued"), "repair")
        assert await hints.queue(listed("stored", "broken", "queued", "new", slot=1)) == 1
        assert await hints.queue(listed("new", "gone", slot=2)) == 1
        assert await hints.queue([]) == 0
        assert await hints.standing(1) == (1, SLOT)
        assert await hints.standing(100) == (2, SLOT)

    use(url, work)
    assert queue(url) == {
        signature_of("queued"): ("repair", SLOT, 0),
        signature_of("new"): ("webhook", 1, 0),
        signature_of("gone"): ("webhook", 2, 0),
    }


def test_what_a_backfill_listed_is_hurried_in_the_slot_the_node_said(url: str) -> None:
    async def work(hints: PostgresHints, inbox: PostgresInbox) -> None:
        await inbox.enqueue(listed("a"), "backfill")
        assert await inbox.due(LATER, 10) == []
        assert await hints.queue(listed("a", slot=1)) == 0
        (due,) = await inbox.due(LATER, 10)
        assert due.hinted_at is None

    use(url, work)
    assert queue(url) == {signature_of("a"): ("repair", SLOT, 0)}


@pytest.mark.parametrize("way", ["heard", "repair", "account"])
def test_who_heard_it_from_a_node_knows_better(url: str, way: str) -> None:
    async def work(hints: PostgresHints, inbox: PostgresInbox) -> None:
        await hints.queue(listed("a", slot=2**62))
        await inbox.defer(signature_of("a"), LATER, PutOff.EMPTY_ANSWER, "not there")
        assert await inbox.due(datetime.now(UTC), 10) == []
        if way == "heard":
            heard = HeardLog(signature_of("a"), SLOT, False, ())
            assert await inbox.record_heard([heard, heard], {}) == 0
        else:
            assert await inbox.enqueue([*listed("a"), *listed("a")], way) == 0
        (due,) = await inbox.due(datetime.now(UTC) + timedelta(seconds=1), 10)
        assert (due.slot, due.attempts, due.empty_answers, due.hinted_at) == (SLOT, 0, 0, None)
        # And the other way round it stays as it is.
        assert await inbox.enqueue(listed("a", slot=7), "webhook") == 0
        assert await hints.queue(listed("a", slot=7)) == 0

    use(url, work)
    assert queue(url) == {signature_of("a"): ("socket" if way == "heard" else way, SLOT, 0)}


def test_the_same_announced_twice_at_once_is_queued_once(url: str) -> None:
    async def work(_hints: PostgresHints, inbox: PostgresInbox) -> None:
        heard = HeardLog(signature_of("a"), SLOT, False, ())
        assert await inbox.record_heard([heard, heard], {}) == 1
        assert await inbox.enqueue([*listed("b"), *listed("b")], "repair") == 1

    use(url, work)


def test_hints_come_last_and_few_at_a_time(url: str) -> None:
    async def work(hints: PostgresHints, inbox: PostgresInbox) -> None:
        before = datetime.now(UTC) - timedelta(seconds=1)
        assert await hints.queue(listed(*range(1_000), slot=1)) == 1_000
        await inbox.enqueue(listed("late"), "repair")
        due = await inbox.due(LATER, 500)
        assert due[0].signature == signature_of("late")
        assert len(due) == 1 + HINTS_AT_A_TIME
        assert all(one.hinted_at is not None and one.hinted_at > before for one in due[1:])
        await inbox.enqueue(listed(*(f"more {number}" for number in range(99))), "repair")
        assert all(one.hinted_at is None for one in await inbox.due(LATER, 100))
        assert len(await inbox.due(LATER, 101)) == 101
        (of,) = await inbox.due_of([signature_of(5)], LATER)
        assert of.hinted_at is not None

    use(url, work)


def test_both_halves_of_what_is_due_are_read_by_index(url: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(
            "insert into fetch_queue (signature, slot, source) select 'h' || n, n, 'webhook' from generate_series(1, 20000) n"
        )
        connection.execute(
            "insert into fetch_queue (signature, slot, source) select 's' || n, n, 'socket' from generate_series(1, 20000) n"
        )
        connection.execute("vacuum analyze fetch_queue")
        plan = connection.execute(f"explain {DUE}", {"now": LATER, "limit": 500}).fetchall()
    text = "\n".join(row[0] for row in plan)
    assert "fetch_queue_told" in text
    assert "fetch_queue_hinted" in text
    assert "Seq Scan on fetch_queue" not in text
    assert "Sort" not in text


def test_two_who_queue_the_same_do_not_lock_each_other_out(url: str) -> None:
    """Hints and announcements of the same signatures in opposite orders, beside a feed that ends them."""
    names = list(range(200))

    async def work(hints: PostgresHints, inbox: PostgresInbox) -> None:
        async def hinting() -> None:
            for _ in range(20):
                await hints.queue(listed(*names))

        async def hearing() -> None:
            for _ in range(20):
                await inbox.record_heard(
                    [HeardLog(signature_of(name), SLOT, False, ()) for name in reversed(names)], {}
                )
                await inbox.discard([signature_of(name) for name in names[::3]])

        await asyncio.wait_for(asyncio.gather(hinting(), hearing()), 30)

    use(url, work)
    with psycopg.connect(url, connect_timeout=10) as connection:
        row = connection.execute("select deadlocks from pg_stat_database where datname = current_database()").fetchone()
    assert row == (0,)


def test_a_connection_that_broke_is_opened_again(url: str) -> None:
    async def work(hints: PostgresHints, _inbox: PostgresInbox) -> None:
        await hints.queue(listed("a"))
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            ended = connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'oof api hints'"
            ).fetchall()
            assert ended == [(True,)]
        assert await hints.queue(listed("b")) == 1

    use(url, work)


def test_a_database_that_is_away_or_locked_is_said_to_be_so_in_time(url: str) -> None:
    async def away() -> None:
        hints = PostgresHints(lambda: "postgresql://nobody:a-password@127.0.0.1:1/none")
        with pytest.raises(HintsNotKeptError) as caught:
            await hints.queue(listed("a"))
        assert "a-password" not in str(caught.value)

    asyncio.run(away())
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with psycopg.connect(url, connect_timeout=10) as connection:
            connection.execute("lock table fetch_queue")
            locked.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(10)

    async def work(hints: PostgresHints, _inbox: PostgresInbox) -> None:
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(HintsNotKeptError):
            await hints.queue(listed("a"))
        assert asyncio.get_running_loop().time() - began_s < 6
        done.set()
        await asyncio.to_thread(holder.join)
        assert await hints.queue(listed("a")) == 1

    use(url, work)


def test_what_was_refused_is_added_up_by_minute(url: str) -> None:
    minute = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)

    async def work(hints: PostgresHints, _inbox: PostgresInbox) -> None:
        await hints.note_refused({(minute, "busy"): (1, 0), (minute, "queue_full"): (2, 30)})
        await hints.note_refused({(minute, "queue_full"): (1, 5)})

    use(url, work)
    with psycopg.connect(url, connect_timeout=10) as connection:
        rows = connection.execute("select * from webhook_refusals order by reason").fetchall()
    assert rows == [(minute, "busy", 1, 0), (minute, "queue_full", 3, 35)]
