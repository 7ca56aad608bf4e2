"""Reading a stretch of slots into the inbox: everything once, nothing twice, nothing of others."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_chain import FIRST_SLOT, HandClock, MemoryChain, signature_of
from memory_inbox import MemoryInbox, Waiting

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.interfaces import QueuedSignature, SourceRefusedError, SourceUnavailableError
from oof_pipelines.workflows import fetch_queued
from oof_pipelines.workflows.ingest_slots import FETCHING, LISTING, IngestReport, ingest_slots


class QuickClock(HandClock):
    """Sleeping moves it at once."""

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)


def chain_of(count: int, *, apart: int = 3) -> MemoryChain:
    chain = MemoryChain(first_block=FIRST_SLOT)
    for number in range(count):
        chain.land(number, slot=FIRST_SLOT + number // 2 * apart)
    chain.finalized = chain.tip
    return chain


def ingest(
    chain: MemoryChain, inbox: MemoryInbox, *, clock: QuickClock | None = None, **options: object
) -> IngestReport:
    async def run() -> IngestReport:
        return await ingest_slots(chain, inbox, clock or QuickClock(), cluster="mainnet-beta", concurrency=8, **options)

    return asyncio.run(run())


@given(st.integers(0, 30), st.integers(1, 9))
def test_everything_is_stored_once_and_final(count: int, apart: int) -> None:
    chain, inbox = chain_of(count, apart=apart), MemoryInbox()
    report = ingest(chain, inbox)
    assert set(inbox.stored) == set(chain.bodies) == inbox.final
    assert (report.listed, report.queued, report.fetched, report.stored) == (count,) * 4
    assert report.is_complete
    assert max(chain.served.values(), default=0) <= 1
    assert all(row.decoded is None for row in inbox.stored.values())


def test_a_second_run_lists_and_asks_for_no_transaction() -> None:
    chain, inbox = chain_of(20), MemoryInbox()
    ingest(chain, inbox)
    before = chain.calls["transaction"]
    report = ingest(chain, inbox)
    assert (chain.calls["transaction"], report.fetched, report.queued, report.listed) == (before, 0, 0, 20)
    assert report.is_complete


def test_only_what_is_new_is_fetched_where_the_chain_has_grown() -> None:
    chain, inbox = chain_of(10), MemoryInbox()
    ingest(chain, inbox)
    chain.land("later", slot=FIRST_SLOT + 500)
    chain.finalized = chain.tip
    assert ingest(chain, inbox).fetched == 1
    assert signature_of("later") in inbox.final


def test_what_another_node_has_to_serve_stays_queued() -> None:
    chain, inbox = chain_of(4), MemoryInbox(queue={"other": Waiting(FIRST_SLOT + 1)})
    ingest(chain, inbox)
    assert inbox.queue == {"other": Waiting(FIRST_SLOT + 1)}


def test_a_run_that_died_is_ended_by_the_next() -> None:
    chain, inbox = chain_of(12), MemoryInbox()
    chain.errors["signature_statuses"] = [SourceUnavailableError("gone")]
    with pytest.raises(SourceUnavailableError):
        ingest(chain, inbox)
    assert set(inbox.stored) == set(chain.bodies)
    assert not inbox.final
    report = ingest(chain, inbox)
    assert report.fetched == 0
    assert inbox.final == set(chain.bodies)


def test_null_answers_and_outages_are_asked_again() -> None:
    chain, inbox = chain_of(6), MemoryInbox()
    late = signature_of(3)
    chain.empty_answers[late] = 3
    chain.errors["transaction"] = [SourceUnavailableError("busy")]
    report = ingest(chain, inbox)
    assert late in inbox.final
    assert report.is_complete
    assert report.fetched == 6 + 3 + 1


def test_what_is_refused_for_good_is_in_quarantine() -> None:
    chain, inbox = chain_of(2), MemoryInbox()
    chain.errors["transaction"] = [SourceRefusedError(-32602, "no")] * 12
    report = ingest(chain, inbox)
    assert {row.reason for row in inbox.quarantine.values()} == {QuarantineReason.RPC_REFUSED}
    assert (report.quarantined, report.stored, report.waiting) == (2, 0, 0)


def test_what_never_comes_is_left_waiting_and_the_run_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_queued, "PATIENCE_SECONDS", 5.0)
    chain, inbox = chain_of(3), MemoryInbox()
    chain.errors["transaction"] = [SourceUnavailableError("down")] * 100
    report = ingest(chain, inbox)
    assert (report.waiting, report.stored, report.is_complete) == (3, 0, False)
    assert len(inbox.queue) == 3


class SharedInbox(MemoryInbox):
    """Another process ends `others` (signature → whether it stores it) once this run knows its queue."""

    def __init__(self, others: dict[str, bool], elsewhere: MemoryInbox) -> None:
        super().__init__()
        self._others, self._stored_there = others, elsewhere.stored
        self._asked = 0

    async def due_of(self, signatures: Sequence[str], now: datetime) -> list[QueuedSignature]:
        self._asked += 1
        if self._asked == 2:
            for signature, is_stored in self._others.items():
                self.queue.pop(signature)
                if is_stored:
                    self.stored[signature] = self._stored_there[signature]
        return await super().due_of(signatures, now)


def test_what_another_process_ends_meanwhile_is_done_at_once() -> None:
    chain, elsewhere = chain_of(6), MemoryInbox()
    ingest(chain, elsewhere)
    clock = QuickClock()
    begin_s = clock.monotonic_s()
    told: list[tuple[str, int, int]] = []
    inbox = SharedInbox({signature_of(0): True, signature_of(1): False}, elsewhere)
    report = ingest(chain, inbox, clock=clock, on_progress=lambda *row: told.append(row))
    assert (report.fetched, report.stored, report.waiting, report.is_complete) == (4, 4, 0, True)
    assert clock.monotonic_s() - begin_s < 1
    assert inbox.final == set(chain.bodies) - {signature_of(1)}
    assert [row for row in told if row[0] == FETCHING][-1] == (FETCHING, 6, 6)


def test_what_is_listed_waits_for_this_run_and_not_for_the_feed() -> None:
    chain, inbox = chain_of(3), MemoryInbox()
    chain.errors["transaction"] = [SourceUnavailableError("down")] * 3
    seen: list[list[QueuedSignature]] = []

    class WatchedClock(QuickClock):
        async def sleep(self, seconds: float) -> None:
            seen.append(await inbox.due(self.now() + timedelta(hours=1), 10))
            await super().sleep(seconds)

    ingest(chain, inbox, clock=WatchedClock())
    assert seen
    assert not any(seen)
    assert len(inbox.stored) == 3


def test_a_deferral_of_an_earlier_run_is_waited_for() -> None:
    chain, inbox = chain_of(1), MemoryInbox()
    later = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=10)
    inbox.queue[signature_of(0)] = Waiting(FIRST_SLOT, not_before=later)
    assert ingest(chain, inbox).stored == 1


def test_what_is_not_final_yet_makes_the_run_incomplete() -> None:
    chain, inbox = chain_of(4), MemoryInbox()
    report = asyncio.run(_with_a_status_of_another_slot(chain, inbox))
    assert report.provisional == 1
    assert not report.is_complete
    assert len(inbox.final) == 3


async def _with_a_status_of_another_slot(chain: MemoryChain, inbox: MemoryInbox) -> IngestReport:
    told = chain.signature_statuses

    async def statuses(signatures, min_slot):
        answers = await told(signatures, min_slot)
        return [type(answers[0])(answers[0].slot + 1, True), *answers[1:]]

    chain.signature_statuses = statuses  # type: ignore[method-assign]
    return await ingest_slots(chain, inbox, QuickClock(), cluster="mainnet-beta", concurrency=8)


@pytest.mark.parametrize("has_body", [True, False])
def test_where_a_status_is_lost_the_finalised_body_counts(has_body: bool) -> None:
    chain, inbox = chain_of(4), MemoryInbox()
    told, lost = chain.signature_statuses, signature_of(2)

    async def statuses(signatures, min_slot):
        if not has_body:
            chain.empty_answers[lost] = 1
        answers = await told(signatures, min_slot)
        return [None if s == lost else answer for s, answer in zip(signatures, answers, strict=True)]

    chain.signature_statuses = statuses  # type: ignore[method-assign]
    report = ingest(chain, inbox)
    assert (lost in inbox.final, report.provisional) == (has_body, int(not has_body))


def test_a_block_that_nobody_serves_is_said_and_makes_the_run_incomplete() -> None:
    chain, inbox = chain_of(6), MemoryInbox()
    chain.withheld = {FIRST_SLOT + 3}
    report = ingest(chain, inbox)
    assert len(inbox.stored) == 4
    assert len(report.unproven) == 1
    assert str(FIRST_SLOT + 3) in report.unproven[0]
    assert not report.is_complete


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    ingest(chain_of(8), MemoryInbox(), on_progress=lambda *row: told.append(row))
    assert max(done for stage, done, _ in told if stage == LISTING) == 8
    assert [row for row in told if row[0] == FETCHING][-1] == (FETCHING, 8, 8)
