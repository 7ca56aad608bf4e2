"""The feed's inbox in a real PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from stored_rows import PROGRAM, SLOT, signature_of, stored

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.interfaces import (
    Checkpoint,
    Gap,
    HeardLog,
    ListedSignature,
    ProvisionalTransaction,
    PutOff,
    QuarantinedTransaction,
    QueuedSignature,
)
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres import inbox as inbox_module
from oof_pipelines.storage.postgres.inbox import FeedIsRunningError, PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate

LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


def use(url: str, work: Callable[[PostgresInbox], Awaitable[Any]]) -> Any:
    async def scenario() -> Any:
        async with PostgresInbox(lambda: url, patience_seconds=5) as inbox:
            return await work(inbox)

    return asyncio.run(scenario())


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, connect_timeout=10) as connection:
        return connection.execute(query).fetchall()


def heard(name: object, slot: int = SLOT, *logs: str, is_failed: bool = False) -> HeardLog:
    return HeardLog(signature_of(name), slot, is_failed, logs)


def refused(name: object, reason: QuarantineReason, detail: str = "why") -> QuarantinedTransaction:
    return QuarantinedTransaction(signature_of(name), SLOT, reason, detail, b"body")


def test_what_is_heard_is_queued_once_with_its_checkpoint(url: str) -> None:
    async def work(inbox: PostgresInbox) -> None:
        logs = ("Program ComputeBudget111111111111111111111111111111 invoke [1]", f"Program {PROGRAM} invoke [1]")
        both = [heard("a", SLOT + 1, *logs), heard("b", SLOT)]
        assert await inbox.record_heard(both, {"all": Checkpoint(SLOT, True)}) == 2
        assert await inbox.record_heard([*both, both[0]], {"all": Checkpoint(SLOT + 1, True)}) == 0
        assert await inbox.enqueue([ListedSignature(signature_of("a"), SLOT + 1)], "repair") == 0
        assert await inbox.enqueue([ListedSignature(signature_of("c"), SLOT + 2)], "repair") == 1
        assert await inbox.queue_length() == 3
        assert await inbox.checkpoint("all") == Checkpoint(SLOT + 1, True)
        assert await inbox.checkpoint("other") is None
        assert [queued.slot for queued in await inbox.due(LATER, 2)] != []

    use(url, work)
    assert rows(url, "select program_id from raw_logs order by slot") == [("",), (PROGRAM,)]


def test_deferred_signatures_wait_their_time(url: str) -> None:
    async def work(inbox: PostgresInbox) -> None:
        now = datetime.now(UTC)
        await inbox.enqueue([ListedSignature(signature_of("a"), SLOT)], "repair")
        for why in (PutOff.EMPTY_ANSWER, PutOff.OUTAGE, PutOff.REFUSAL, PutOff.OUTAGE, PutOff.EMPTY_ANSWER):
            await inbox.defer(signature_of("a"), now + timedelta(hours=1), why, "not yet")
        assert await inbox.due(now, 10) == []
        queued = QueuedSignature(signature_of("a"), SLOT, attempts=5, empty_answers=2, refusals=1)
        assert await inbox.due(now + timedelta(hours=1), 10) == [queued]
        await inbox.discard([signature_of("a")])
        assert await inbox.queue_length() == 0

    use(url, work)


def test_what_a_node_says_may_hold_anything(url: str) -> None:
    async def work(inbox: PostgresInbox) -> None:
        await inbox.enqueue([ListedSignature(signature_of("a"), SLOT)], "repair")
        await inbox.defer(signature_of("a"), LATER, PutOff.REFUSAL, "NUL \0 and \ud800, and ☃")
        await inbox.note_gap(Gap("all", 1, 2, "NUL \0"))

    use(url, work)
    assert rows(url, "select last_error from fetch_queue") == [("NUL  and ?, and ☃",)]


def test_storing_is_idempotent_and_whole(url: str) -> None:
    async def work(inbox: PostgresInbox) -> None:
        await inbox.record_heard([heard("a", SLOT, "cut short")], {})
        batch = [stored("a", tx_index=3), stored("b", is_failed=True, logs=None)]
        assert await inbox.store(batch, [refused("c", QuarantineReason.NOT_FOUND)]) == (2, 1)
        assert await inbox.store(batch, [refused("c", QuarantineReason.NOT_FOUND)]) == (0, 0)
        assert await inbox.queue_length() == 0
        assert await inbox.record_heard([heard("a"), heard("b")], {}) == 0

    use(url, work)
    assert rows(url, "select sum(fee_lamports), count(*) from inbox_transactions") == [(2 * (2**64 - 1), 2)]
    assert rows(url, "select day::text from inbox_transactions group by 1") == [("2026-02-13",)]
    assert rows(url, "select sig, status, tx_index from tx_raw order by status desc") == [
        (signature_of("a"), "ok", 3),
        (signature_of("b"), "failed", None),
    ]
    kept = dict(rows(url, "select signature, logs from raw_logs"))
    assert kept == {signature_of("a"): list(stored("a").logs or ()), signature_of("b"): []}, "the body's logs win"


def test_one_row_that_cannot_be_stored_does_not_stop_the_batch(url: str) -> None:
    async def work(inbox: PostgresInbox) -> None:
        for name in "abcd":
            await inbox.enqueue([ListedSignature(signature_of(name), SLOT)], "repair")
        batch = [stored("a"), stored("b", fee_payer="NUL \0"), stored("c", tx_index=2**40), stored("d")]
        counts = await inbox.store(batch, [refused("e", QuarantineReason.UNREADABLE_MESSAGE, "NUL \0 and \ud800")])
        assert counts == (2, 3)
        assert await inbox.queue_length() == 0

    use(url, work)
    assert {row[0] for row in rows(url, "select sig from tx_raw")} == {signature_of("a"), signature_of("d")}
    reasons = dict(rows(url, "select signature, reason from quarantine"))
    assert reasons == {
        signature_of("b"): "unstorable",
        signature_of("c"): "unstorable",
        signature_of("e"): "unreadable_message",
    }
    assert rows(url, "select count(*) from quarantine where body_zstd is null") == [(0,)]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("a\0b", "ab"),
        (r"a backslash and u0000: \u0000", r"a backslash and u0000: \u0000"),
        ("ends with \\u0000", "ends with \\u0000"),
        ("lone \ud800 surrogate", "lone ? surrogate"),
        ('quotes " and ☃', 'quotes " and ☃'),
    ],
)
def test_odd_characters_in_logs_are_survived(url: str, line: str, kept: str) -> None:
    async def work(inbox: PostgresInbox) -> None:
        assert await inbox.record_heard([heard("a", SLOT, line, "Program \0 invoke [1]")], {}) == 1
        assert await inbox.store([stored("b", logs=(line,))], []) == (1, 0)

    use(url, work)
    assert [row[0][0] for row in rows(url, "select logs from raw_logs order by id")] == [kept, kept]


def test_finality_and_what_is_taken_back(url: str) -> None:
    async def work(inbox: PostgresInbox) -> None:
        await inbox.store([stored("a"), stored("b", slot=SLOT + 1), stored("c", slot=SLOT + 2)], [])
        await inbox.mark_final([signature_of("a")])
        assert await inbox.provisional(SLOT + 1, 10, None) == [ProvisionalTransaction(signature_of("b"), SLOT + 1, 0)]
        await inbox.retract(signature_of("a"), "final rows stay")
        await inbox.retract(signature_of("b"), "left the chain")
        await inbox.retract(signature_of("b"), "left the chain")
        assert await inbox.provisional(2**40, 10, None) == [ProvisionalTransaction(signature_of("c"), SLOT + 2, 0)]
        await inbox.move_slot(signature_of("c"), SLOT + 9)
        assert [(q.signature, q.slot) for q in await inbox.due(LATER, 9)] == [(signature_of("c"), SLOT + 9)]

    use(url, work)
    assert rows(url, "select sig from tx_raw") == [(signature_of("a"),)]
    assert rows(url, "select sig from inbox_transactions") == [(signature_of("a"),)]
    assert rows(url, "select signature from raw_logs") == [(signature_of("a"),)]
    assert rows(url, "select signature, reason, detail, body_zstd from quarantine") == [
        (signature_of("b"), "vanished", "left the chain", stored("b", slot=SLOT + 1).body_zstd)
    ]


def test_what_vanished_may_land_again_and_other_reasons_do_not_pass(url: str) -> None:
    async def work(inbox: PostgresInbox) -> None:
        reasons = [QuarantineReason.VANISHED, QuarantineReason.NOT_FOUND, QuarantineReason.OTHER_CLUSTER]
        await inbox.store([], [refused(reason, reason) for reason in reasons])
        assert await inbox.record_heard([heard(reason) for reason in reasons], {}) == 2
        assert await inbox.enqueue([ListedSignature(signature_of(reason), SLOT) for reason in reasons], "repair") == 0
        await inbox.store([stored(QuarantineReason.VANISHED)], [refused(QuarantineReason.NOT_FOUND, reasons[1])])
        assert await inbox.queue_length() == 0

    use(url, work)
    assert {row[0] for row in rows(url, "select reason from quarantine")} == {"not_found", "other_cluster"}


def test_what_was_refused_without_a_body_is_asked_for_anew(url: str) -> None:
    def unread(name: object, reason: QuarantineReason, body: bytes | None) -> QuarantinedTransaction:
        return QuarantinedTransaction(signature_of(name), SLOT, reason, "why", body)

    async def work(inbox: PostgresInbox) -> None:
        kinds = [
            unread("refused", QuarantineReason.RPC_REFUSED, None),
            unread("too new to serve", QuarantineReason.UNKNOWN_VERSION, None),
            unread("too new to read", QuarantineReason.UNKNOWN_VERSION, b"body"),
        ]
        await inbox.store([], kinds)
        assert (
            await inbox.record_heard([heard("refused"), heard("too new to serve"), heard("too new to read")], {}) == 2
        )

    use(url, work)
    assert {row[0] for row in rows(url, "select signature from fetch_queue")} == {
        signature_of("refused"),
        signature_of("too new to serve"),
    }


@pytest.mark.parametrize("old", [QuarantineReason.NOT_FOUND, QuarantineReason.VANISHED, QuarantineReason.RPC_REFUSED])
def test_quarantine_tells_what_was_found_out_last(url: str, old: QuarantineReason) -> None:
    new = QuarantinedTransaction(signature_of("a"), SLOT + 5, QuarantineReason.OTHER_CLUSTER, "of another", b"newer")

    async def work(inbox: PostgresInbox) -> None:
        assert await inbox.store([], [refused("a", old)]) == (0, 1)
        assert await inbox.store([], [refused("a", old)]) == (0, 0)
        without_body = QuarantinedTransaction(signature_of("a"), SLOT, QuarantineReason.NOT_FOUND, "never served", None)
        assert await inbox.store([], [without_body]) == (0, 1)
        assert rows(url, "select reason, body_zstd from quarantine") == [("not_found", b"body")], "the body is kept"
        assert await inbox.store([], [new]) == (0, 1)
        assert await inbox.store([], [refused("a", old), refused("a", QuarantineReason.NOT_JSON)]) == (0, 0)

    use(url, work)
    assert rows(url, "select slot, reason, detail, body_zstd from quarantine") == [
        (SLOT + 5, "other_cluster", "of another", b"newer")
    ]


def test_provisional_rows_come_page_by_page_with_their_moves(url: str) -> None:
    async def work(inbox: PostgresInbox) -> None:
        batch = [stored(name, slot=SLOT + number // 2) for number, name in enumerate("abcde")]
        await inbox.store(batch, [])
        found, after = [], None
        while page := await inbox.provisional(2**40, 2, after):
            found += page
            after = page[-1]
        assert [(row.slot, row.signature) for row in found] == sorted((tx.slot, tx.signature) for tx in batch)
        for turn in (1, 2):
            await inbox.move_slot(signature_of("a"), SLOT + turn)
            await inbox.move_slot(signature_of("a"), SLOT + turn)
            await inbox.store([stored("a", slot=SLOT + turn)], [])
        moved = [row for row in await inbox.provisional(2**40, 9, None) if row.moves]
        assert moved == [ProvisionalTransaction(signature_of("a"), SLOT + 2, 2)]

    use(url, work)


def test_gaps_are_remembered_until_they_are_closed(url: str) -> None:
    async def work(inbox: PostgresInbox) -> None:
        first, second = Gap("all", 5, 9, "why"), Gap("all", 20, 30, "why")
        for gap in (second, first, first, Gap("other", 5, 6, "why")):
            await inbox.note_gap(gap)
        assert await inbox.gaps("all") == [first, second]
        await inbox.note_gap(Gap("all", 5, 12, "more"))
        await inbox.close_gap(second)
        await inbox.close_gap(second)
        assert await inbox.gaps("all") == [Gap("all", 5, 12, "more")]

    use(url, work)


@pytest.mark.parametrize("was_heard", [True, False])
def test_a_body_without_logs_leaves_the_same_row_heard_or_repaired(url: str, was_heard: bool) -> None:
    async def work(inbox: PostgresInbox) -> None:
        if was_heard:
            await inbox.record_heard([heard("a", SLOT, f"Program {PROGRAM} invoke [1]")], {})
        await inbox.store([stored("a", logs=None)], [])

    use(url, work)
    assert rows(url, "select signature, slot, program_id, is_failed, logs from raw_logs") == [
        (signature_of("a"), SLOT, PROGRAM, False, [])
    ]


def test_a_second_feed_is_refused_while_the_first_lives(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "_LOCK_ATTEMPTS", 2)

    async def second(_first: PostgresInbox) -> None:
        with pytest.raises(FeedIsRunningError, match="DATABASE_URL"):
            async with PostgresInbox(lambda: url):
                pass
        assert rows(url, "select count(*) from pg_stat_activity where application_name = 'oof feed'") == [(1,)]

    use(url, second)
    assert use(url, lambda inbox: inbox.queue_length()) == 0


def test_a_cut_connection_is_opened_again(url: str) -> None:
    async def work(inbox: PostgresInbox) -> None:
        await inbox.enqueue([ListedSignature(signature_of("a"), SLOT)], "repair")
        rows(url, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'oof feed'")
        assert await inbox.queue_length() == 1

    use(url, work)


def test_a_server_that_stays_away_is_an_error_after_a_while() -> None:
    async def scenario() -> None:
        async with PostgresInbox(lambda: "postgresql://nobody@127.0.0.1:1/none", patience_seconds=0.1):
            pass

    with pytest.raises(psycopg.OperationalError):
        asyncio.run(scenario())
