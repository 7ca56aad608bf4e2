"""Rounds over provisional rows: final, landed again, vanished, or not to be told."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from memory_chain import FIRST_SLOT, HandClock, MemoryChain, body_of, signature_of
from memory_inbox import MemoryInbox

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.interfaces import (
    MethodMissingError,
    SignatureStatus,
    SourceRefusedError,
    SourceUnavailableError,
    StoredTransaction,
)
from oof_pipelines.workflows import finalise
from oof_pipelines.workflows.finalise import (
    ABSENCE_AFTER_SLOTS,
    ABSENCE_APART_SECONDS,
    ABSENCES_UNTIL_VANISHED,
    MOST_MOVES,
    Finality,
    FinalityResult,
)
from oof_pipelines.workflows.prepare import FetchedBody, prepare

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def world_with(*names: str) -> tuple[MemoryChain, MemoryInbox, list[str]]:
    """A chain, and an inbox that has stored what landed on it, a slot each."""
    chain, inbox = MemoryChain(), MemoryInbox()
    signatures = [signature for name in names for signature in chain.land(name)]
    for signature in signatures:
        store(chain, inbox, signature)
    return chain, inbox, signatures


def store(chain: MemoryChain, inbox: MemoryInbox, signature: str) -> None:
    """Fetch what is queued, or has landed, as the feed does."""
    row = prepare(FetchedBody(signature, chain.bodies[signature]), chain.slots[signature], "mainnet-beta", NOW)
    assert isinstance(row, StoredTransaction)
    asyncio.run(inbox.store([row], []))


def once(chain: MemoryChain, inbox: MemoryInbox, finality: Finality | None = None) -> FinalityResult:
    return asyncio.run((finality or Finality(chain, inbox, HandClock())).next_page())


def test_only_slots_behind_the_finalised_tip_are_asked_after() -> None:
    chain, inbox, (first, second) = world_with("a", "b")
    assert once(chain, inbox) == FinalityResult(FIRST_SLOT, 0, 0, has_more=False)
    assert not chain.calls["signature_statuses"]
    chain.finalized = FIRST_SLOT + 1
    assert once(chain, inbox) == FinalityResult(FIRST_SLOT + 1, 1, 0, has_more=False)
    assert inbox.final == {first}
    chain.finalized = FIRST_SLOT + 9
    assert once(chain, inbox).finalised == 1
    assert inbox.final == {first, second}


def test_what_vanished_is_taken_back_after_absences_apart_in_time() -> None:
    chain, inbox, (gone, kept) = world_with("gone", "kept")
    chain.forget(gone)
    clock = HandClock()
    finality = Finality(chain, inbox, clock)
    chain.finalized = FIRST_SLOT + 1 + ABSENCE_AFTER_SLOTS - 1
    for _ in range(ABSENCES_UNTIL_VANISHED + 1):
        clock.advance(ABSENCE_APART_SECONDS)
        assert once(chain, inbox, finality).retracted == 0, "its slot is too new to tell"
    assert inbox.final == {kept}
    chain.finalized += 1
    for _ in range(10):
        assert once(chain, inbox, finality).retracted == 0, "many answers at once are one"
    for _ in range(ABSENCES_UNTIL_VANISHED - 2):
        clock.advance(ABSENCE_APART_SECONDS)
        assert once(chain, inbox, finality).retracted == 0
    clock.advance(ABSENCE_APART_SECONDS)
    assert once(chain, inbox, finality).retracted == 1
    assert (set(inbox.stored), inbox.final) == ({kept}, {kept})
    assert inbox.quarantine[gone].reason is QuarantineReason.VANISHED


def test_what_a_pruned_node_no_longer_has_stays_provisional() -> None:
    chain, inbox, (pruned, also, gone) = world_with("pruned", "also pruned", "gone")
    chain.forget(gone)
    chain.finalized, chain.first_block = FIRST_SLOT + 500, FIRST_SLOT + 3
    clock = HandClock()
    finality = Finality(chain, inbox, clock)
    rounds = ABSENCES_UNTIL_VANISHED + 2
    for _ in range(rounds):
        once(chain, inbox, finality)
        clock.advance(ABSENCE_APART_SECONDS)
    assert set(inbox.quarantine) == {gone}, "its slot is the first that the node has"
    assert (set(inbox.stored), inbox.final) == ({pruned, also}, set())
    assert chain.calls["first_available_block"] == rounds, "once a page"
    chain.first_block = 0
    assert once(chain, inbox, finality).finalised == 2


def test_where_nobody_tells_the_first_block_an_absence_counts() -> None:
    chain, inbox, (gone,) = world_with("gone")
    chain.forget(gone)
    chain.finalized, chain.first_block = FIRST_SLOT + 500, FIRST_SLOT + 400
    chain.errors["first_available_block"] = [MethodMissingError(-32601, "no")] * ABSENCES_UNTIL_VANISHED
    clock = HandClock()
    finality = Finality(chain, inbox, clock)
    for _ in range(ABSENCES_UNTIL_VANISHED):
        once(chain, inbox, finality)
        clock.advance(ABSENCE_APART_SECONDS)
    assert set(inbox.quarantine) == {gone}


def test_what_is_there_again_begins_a_new_count() -> None:
    chain, inbox, (seen,) = world_with("seen")
    body, slot = chain.bodies[seen], chain.slots[seen]
    chain.finalized = FIRST_SLOT + 100
    clock = HandClock()
    finality = Finality(chain, inbox, clock)
    for _ in range(4):
        chain.forget(seen)
        for _ in range(ABSENCES_UNTIL_VANISHED - 1):
            clock.advance(ABSENCE_APART_SECONDS)
            once(chain, inbox, finality)
        chain.bodies[seen], chain.slots[seen] = body, slot
        chain.__class__ = NotYetFinal
        once(chain, inbox, finality)
        chain.__class__ = MemoryChain
    assert seen in inbox.stored
    assert once(chain, inbox, finality).finalised == 1


class NotYetFinal(MemoryChain):
    """A node that calls everything confirmed."""

    async def signature_statuses(self, signatures: Sequence[str], min_slot: int) -> list[SignatureStatus | None]:
        return [SignatureStatus(self.slots[signature], is_final=False) for signature in signatures]


class WithoutStatuses(MemoryChain):
    """A node whose status history does not reach back, though it serves the transactions."""

    async def signature_statuses(self, signatures: Sequence[str], min_slot: int) -> list[SignatureStatus | None]:
        return [None] * len(signatures)


def test_a_node_without_the_status_takes_nothing_back() -> None:
    chain, inbox, (kept, moved) = world_with("kept", "moved")
    chain.__class__ = WithoutStatuses
    chain.slots[moved] = chain.tip + 5
    chain.bodies[moved] = body_of(moved, chain.tip + 5)
    chain.finalized = chain.tip + 5
    assert once(chain, inbox).retracted == 0
    assert inbox.final == {kept}
    assert inbox.queue[moved].slot == chain.tip + 5, "served from another slot: it landed again"


def test_landed_again_waits_until_it_is_final_there() -> None:
    chain, inbox, (moved,) = world_with("moved")
    chain.slots[moved] = FIRST_SLOT + 50
    chain.bodies[moved] = body_of(moved, FIRST_SLOT + 50)
    chain.finalized = FIRST_SLOT + 10
    assert once(chain, inbox) == FinalityResult(FIRST_SLOT + 10, 0, 0, has_more=False)
    assert moved in inbox.stored
    chain.finalized = FIRST_SLOT + 50
    once(chain, inbox)
    assert (set(inbox.stored), inbox.queue[moved].slot) == (set(), FIRST_SLOT + 50)


class WithWrongStatuses(MemoryChain):
    """A node that tells of another slot than its bodies do, as where a signature was recorded twice."""

    async def signature_statuses(self, signatures: Sequence[str], min_slot: int) -> list[SignatureStatus | None]:
        return [SignatureStatus(self.slots[signature] + 1, is_final=True) for signature in signatures]


def test_a_status_of_another_slot_than_the_finalised_body_moves_nothing() -> None:
    chain, inbox, (kept,) = world_with("kept")
    chain.__class__ = WithWrongStatuses
    chain.finalized = chain.tip + 1
    assert once(chain, inbox).finalised == 1
    assert (set(inbox.stored), inbox.final, inbox.queue) == ({kept}, {kept}, {})


def test_bodies_of_two_slots_by_turns_come_to_an_end() -> None:
    chain, inbox, (torn,) = world_with("torn")
    chain.finalized = chain.tip + 100
    finality = Finality(chain, inbox, HandClock())
    for turn in range(MOST_MOVES + 1):
        assert torn in inbox.stored
        # Whoever answers next has it in another slot.
        chain.slots[torn] = FIRST_SLOT + 2 + turn
        chain.bodies[torn] = body_of(torn, chain.slots[torn])
        once(chain, inbox, finality)
        if torn in inbox.queue:
            store(chain, inbox, torn)
    assert (set(inbox.stored), inbox.queue) == (set(), {})
    assert inbox.moves[torn] == MOST_MOVES
    assert "by turns" in inbox.quarantine[torn].detail


@pytest.mark.parametrize("method", ["slot finalized", "signature_statuses", "transaction", "first_available_block"])
def test_a_failed_read_concludes_nothing(method: str) -> None:
    chain, inbox, (gone,) = world_with("gone")
    chain.forget(gone)
    chain.finalized = chain.tip + ABSENCE_AFTER_SLOTS
    chain.errors[method] = [SourceUnavailableError("away")]
    with pytest.raises(SourceUnavailableError):
        once(chain, inbox)
    assert (set(inbox.stored), inbox.final, inbox.quarantine) == ({gone}, set(), {})


def test_a_round_goes_page_by_page_past_what_does_not_become_final(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finalise, "STATUSES_A_CALL", 2)
    chain, inbox, signatures = world_with("a", "b", "c", "d", "e")
    chain.finalized = chain.tip
    for name in "ab":
        # Gone, but not for long enough to tell.
        chain.forget(signature_of(name))
    finality = Finality(chain, inbox, HandClock())
    assert [once(chain, inbox, finality).has_more for _ in range(3)] == [True, True, False]
    assert inbox.final == set(signatures[2:])
    assert [once(chain, inbox, finality).has_more for _ in range(2)] == [True, False], "and begins again"


def test_a_page_that_is_refused_does_not_keep_the_next_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finalise, "STATUSES_A_CALL", 1)
    chain, inbox, (first, second) = world_with("a", "b")
    chain.finalized = chain.tip
    chain.errors["signature_statuses"] = [SourceRefusedError(-32602, "no")]
    finality = Finality(chain, inbox, HandClock())
    with pytest.raises(SourceRefusedError):
        once(chain, inbox, finality)
    once(chain, inbox, finality)
    assert inbox.final == {second}
    once(chain, inbox, finality)
    once(chain, inbox, finality)
    assert inbox.final == {first, second}


def test_a_transaction_that_is_refused_does_not_keep_its_page_waiting() -> None:
    chain, inbox, (odd, fine) = world_with("odd", "fine")
    chain.finalized = chain.tip
    chain.slots.pop(odd)  # no status, so it is looked at more closely
    chain.errors["transaction"] = [SourceRefusedError(-32015, "version (1)")]
    assert once(chain, inbox).finalised == 1
    assert (set(inbox.stored), inbox.final) == ({odd, fine}, {fine})


def two_in_a_slot() -> tuple[MemoryChain, MemoryInbox, list[str]]:
    """A chain and an inbox in which two transactions share a slot and do not know their places."""
    chain, inbox = MemoryChain(), MemoryInbox()
    signatures = list(chain.land("b", "a"))
    for signature in signatures:
        store(chain, inbox, signature)
        inbox.stored[signature] = replace(inbox.stored[signature], tx_index=None)
    chain.finalized = FIRST_SLOT + 9
    return chain, inbox, signatures


def test_places_in_a_slot_are_asked_before_its_rows_are_final() -> None:
    chain, inbox, signatures = two_in_a_slot()
    assert once(chain, inbox).finalised == 2
    assert chain.calls["block_signatures"] == 1
    in_order = asyncio.run(chain.block_signatures(chain.slots[signatures[0]]))
    assert [inbox.stored[signature].tx_index for signature in in_order] == [0, 1]
    assert set(in_order) == set(signatures)


def test_a_block_that_cannot_be_had_does_not_hold_up_finality() -> None:
    chain, inbox, signatures = two_in_a_slot()
    chain.errors["block_signatures"] = [SourceUnavailableError("away")]
    assert once(chain, inbox).finalised == 2
    assert inbox.final == set(signatures)
    assert [inbox.stored[signature].tx_index for signature in signatures] == [None, None]
