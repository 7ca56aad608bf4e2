"""One pass over provisional rows: final, landed again, vanished, or not to be told."""

import asyncio

import pytest
from memory_chain import FIRST_SLOT, MemoryChain, body_of, signature_of
from memory_inbox import MemoryInbox

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.interfaces import SignatureStatus, SourceUnavailableError, StoredTransaction
from oof_pipelines.workflows import finalise
from oof_pipelines.workflows.finalise import FinalityResult, finalise_once
from oof_pipelines.workflows.prepare import FetchedBody, prepare


def world_with(*names: str) -> tuple[MemoryChain, MemoryInbox, list[str]]:
    """A chain, and an inbox that has stored what landed on it, a slot each."""
    chain, inbox = MemoryChain(), MemoryInbox()
    signatures = [signature for name in names for signature in chain.land(name)]
    for signature in signatures:
        row = prepare(FetchedBody(signature, chain.bodies[signature]), chain.slots[signature], "mainnet-beta")
        assert isinstance(row, StoredTransaction)
        inbox.stored[signature] = row
    return chain, inbox, signatures


def once(chain: MemoryChain, inbox: MemoryInbox) -> FinalityResult:
    return asyncio.run(finalise_once(chain, inbox))


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


def test_what_vanished_is_taken_back() -> None:
    chain, inbox, (gone, kept) = world_with("gone", "kept")
    chain.forget(gone)
    chain.finalized = chain.tip
    assert once(chain, inbox) == FinalityResult(chain.tip, 1, 1, has_more=False)
    assert (set(inbox.stored), inbox.final) == ({kept}, {kept})
    assert inbox.quarantine[gone].reason is QuarantineReason.VANISHED


class WithoutStatuses(MemoryChain):
    """A node whose status history does not reach back, though it serves the transactions."""

    async def signature_statuses(self, signatures: object) -> list[SignatureStatus | None]:
        return [None] * len(list(signatures))  # type: ignore[call-overload]


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
    chain.finalized = FIRST_SLOT + 10
    assert once(chain, inbox) == FinalityResult(FIRST_SLOT + 10, 0, 0, has_more=False)
    assert moved in inbox.stored
    chain.finalized = FIRST_SLOT + 50
    once(chain, inbox)
    assert (set(inbox.stored), inbox.queue[moved].slot) == (set(), FIRST_SLOT + 50)


@pytest.mark.parametrize("method", ["slot finalized", "signature_statuses", "transaction"])
def test_a_failed_read_concludes_nothing(method: str) -> None:
    chain, inbox, (gone,) = world_with("gone")
    chain.forget(gone)
    chain.finalized = chain.tip
    chain.errors[method] = [SourceUnavailableError("away")]
    with pytest.raises(SourceUnavailableError):
        once(chain, inbox)
    assert (set(inbox.stored), inbox.final, inbox.quarantine) == ({gone}, set(), {})


def test_a_full_page_says_that_more_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finalise, "STATUSES_A_CALL", 2)
    chain, inbox, signatures = world_with("a", "b", "c")
    chain.finalized = chain.tip
    assert once(chain, inbox).has_more
    assert not once(chain, inbox).has_more
    assert inbox.final == set(signatures)
    assert signature_of("a") in inbox.final
