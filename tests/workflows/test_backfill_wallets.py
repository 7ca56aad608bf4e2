"""Backfill of wallets: everything of theirs once, nothing twice, and no word more than is proven."""

from datetime import UTC, datetime

import pytest
from memory_chain import FIRST_SLOT
from wallet_chain import COIN, OTHER, STRANGER, WALLET, World, address_of, held

from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.interfaces import SourceRefusedError, SourceUnavailableError
from oof_pipelines.storage.wallet_history import WHOLE_HISTORY_AT
from oof_pipelines.workflows import fetch_queued
from oof_pipelines.workflows.backfill_wallets import FETCHING, FINALISING, LISTING


def at(slot: int) -> datetime:
    return datetime.fromtimestamp(estimate_block_time_s(slot), UTC)


def test_a_wallet_and_its_accounts_are_stored_once_final_and_proven() -> None:
    world, mine = World(), address_of("mine")
    signed = world.chain.act(1, FIRST_SLOT + 1, balances=((mine, COIN, WALLET),))
    world.chain.held[WALLET] = [held("mine")]
    # Somebody sends a coin: the wallet itself is not named, but its token account is.
    received = world.chain.act(2, FIRST_SLOT + 5, signers=(STRANGER,), named=(mine,))
    report = world.backfill()
    assert set(world.inbox.stored) == world.inbox.final == {signed, received}
    assert all(row.decoded is None for row in world.inbox.stored.values())
    assert report.is_complete, report
    proof = report.wallets[WALLET]
    assert (proof.first_slot, proof.last_slot, proof.from_at) == (0, FIRST_SLOT + 5, WHOLE_HISTORY_AT)
    assert (proof.accounts, proof.accounts_proven, proof.accounts_left_out) == (1, 1, 0)
    assert proof.is_whole
    assert max(world.chain.served.values()) == 1
    world.assert_nothing_untrue()


def test_a_second_run_right_after_asks_nothing_at_all() -> None:
    world = World()
    world.chain.act(1, FIRST_SLOT + 1)
    world.backfill()
    before = world.chain.calls.copy()
    report = world.backfill()
    assert (world.chain.calls, report.tip_slot, report.calls) == (before, None, {})
    assert report.is_complete
    assert report.wallets[WALLET].last_slot == FIRST_SLOT + 1
    assert world.backfill(is_asked_again=True).calls["getTransaction"] == 0
    assert world.chain.calls != before


def test_whoever_asks_further_back_is_not_answered_from_memory() -> None:
    world = World()
    old, new = world.chain.act("old", FIRST_SLOT + 1), world.chain.act("new", FIRST_SLOT + 50_000)
    world.backfill(since=at(FIRST_SLOT + 40_000))
    assert set(world.inbox.stored) == {new}
    assert world.backfill(since=at(FIRST_SLOT + 45_000)).calls == {}
    report = world.backfill(since=at(FIRST_SLOT))
    assert set(world.inbox.stored) == {new, old}
    assert (report.fetched, report.listed) == (1, 1)
    world.assert_nothing_untrue()


def test_a_later_run_fetches_only_what_is_new() -> None:
    world = World()
    for number in range(5):
        world.chain.act(number, FIRST_SLOT + number)
    world.backfill()
    world.clock.advance(100)
    new = world.chain.act("new", FIRST_SLOT + 50)
    report = world.backfill()
    assert (report.fetched, report.stored, report.listed, report.calls["getSignaturesForAddress"]) == (1, 1, 1, 1)
    assert new in world.inbox.final
    world.clock.advance(100)
    report = world.backfill()
    assert (report.fetched, report.calls["getTransaction"], report.calls["getSignaturesForAddress"]) == (0, 0, 0)
    assert report.calls["getSlot"] == 1


def test_a_second_wallet_fetches_only_what_it_does_not_share() -> None:
    world = World()
    for number in range(4):
        world.chain.act(f"both {number}", FIRST_SLOT + number, signers=(WALLET, OTHER))
    world.chain.act("mine", FIRST_SLOT + 10)
    theirs = world.chain.act("theirs", FIRST_SLOT + 11, signers=(OTHER,))
    assert world.backfill(WALLET).fetched == 5
    report = world.backfill(OTHER)
    assert (report.listed, report.queued, report.fetched, report.calls["getTransaction"]) == (5, 1, 1, 1)
    assert theirs in world.inbox.final
    assert report.wallets[OTHER].signatures.settled == 5


def test_several_wallets_at_once_fetch_what_they_share_once() -> None:
    world = World()
    for number in range(6):
        world.chain.act(number, FIRST_SLOT + number, signers=(WALLET, OTHER))
    report = world.backfill(WALLET, OTHER, WALLET)
    assert (report.fetched, report.queued, report.is_complete) == (6, 6, True)
    assert [proof.signatures.settled for proof in report.wallets.values()] == [6, 6]


def test_null_answers_and_outages_are_asked_again() -> None:
    world = World()
    late = world.chain.act("late", FIRST_SLOT + 1)
    world.chain.act("other", FIRST_SLOT + 2)
    world.chain.empty_answers[late] = 3
    world.chain.errors["transaction"] = [SourceUnavailableError("busy")]
    report = world.backfill()
    assert report.is_complete
    assert report.fetched == 2 + 3 + 1
    assert late in world.inbox.final


def test_what_the_node_lists_and_never_serves_ends_in_quarantine_and_counts() -> None:
    world = World()
    gone, there = world.chain.act("gone", FIRST_SLOT + 1), world.chain.act("there", FIRST_SLOT + 2)
    world.chain.empty_answers[gone] = 1_000
    statuses = world.chain.signature_statuses

    async def without(signatures, min_slot):
        answers = await statuses(signatures, min_slot)
        return [None if s == gone else answer for s, answer in zip(signatures, answers, strict=True)]

    world.chain.signature_statuses = without  # type: ignore[method-assign]
    report = world.backfill()
    assert (report.quarantined, report.stored, report.waiting) == (1, 1, 0)
    assert set(world.inbox.stored) == {there}
    assert report.wallets[WALLET].signatures.refused == 1
    assert world.backfill(is_asked_again=True).calls["getTransaction"] == 0


def test_what_never_comes_is_left_waiting_and_taken_up_by_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_queued, "PATIENCE_SECONDS", 5.0)
    world = World()
    for number in range(3):
        world.chain.act(number, FIRST_SLOT + number)
    world.chain.errors["transaction"] = [SourceUnavailableError("down")] * 100
    report = world.backfill()
    assert (report.waiting, report.stored, report.is_complete) == (3, 0, False)
    assert not report.wallets[WALLET].is_whole
    world.chain.errors.clear()
    world.clock.advance(20)
    report = world.backfill()
    assert (report.stored, report.is_complete) == (3, True)
    assert report.calls["getSignaturesForAddress"] == 0, "the listing was proven already"


def test_what_the_queue_lost_is_queued_again() -> None:
    world = World()
    signature = world.chain.act(1, FIRST_SLOT + 1)
    discard = world.inbox.discard
    enqueue = world.inbox.enqueue
    lost = []

    async def losing(listed, source):
        count = await enqueue(listed, source)
        if not lost:
            lost.append(signature)
            await discard([signature])
        return count

    world.inbox.enqueue = losing  # type: ignore[method-assign]
    assert world.backfill().is_complete
    assert signature in world.inbox.final


def test_the_order_within_a_slot_is_asked_once_where_bodies_do_not_say() -> None:
    world = World()
    together = [world.chain.act(f"t{number}", FIRST_SLOT + 7) for number in range(3)]
    alone = world.chain.act("alone", FIRST_SLOT + 8)
    told = world.chain.act("told", FIRST_SLOT + 9, transactionIndex=41)
    world.chain.act("told too", FIRST_SLOT + 9, transactionIndex=42)
    report = world.backfill()
    assert [world.inbox.stored[signature].tx_index for signature in together] == [0, 1, 2]
    assert (world.inbox.stored[alone].tx_index, world.inbox.stored[told].tx_index) == (None, 41)
    assert (report.calls["getBlock"], report.unordered) == (1, 0)


def test_the_order_is_learnt_for_what_was_stored_alone_and_waits_to_be_folded() -> None:
    world, mine = World(), address_of("mine")
    first = world.chain.act("first", FIRST_SLOT + 7, balances=((mine, COIN, WALLET),))
    folded = world.chain.act("folded", FIRST_SLOT + 9, balances=((mine, COIN, WALLET),))
    world.backfill()
    assert world.inbox.stored[first].tx_index is None
    world.coverage.folded.add(folded)
    world.chain.act("second", FIRST_SLOT + 7, signers=(STRANGER,), named=(address_of("later found"),))
    world.chain.act("third", FIRST_SLOT + 9, signers=(STRANGER,), named=(address_of("later found"),))
    world.chain.held[WALLET] = [held("later found")]
    world.clock.advance(100)
    report = world.backfill()
    assert world.inbox.stored[first].tx_index == 0
    assert world.inbox.stored[folded].tx_index is None
    assert (report.unordered, report.folded_unordered) == (1, 1)


def test_a_block_that_is_refused_leaves_the_order_unknown() -> None:
    world = World()
    for number in range(2):
        world.chain.act(number, FIRST_SLOT + 7)
    world.chain.withheld = {FIRST_SLOT + 7}
    report = world.backfill()
    assert [row.tx_index for row in world.inbox.stored.values()] == [None, None]
    assert (report.unordered, report.is_complete) == (2, True)


def test_progress_is_told_by_stage() -> None:
    told: list[tuple[str, int, int]] = []
    world = World()
    for number in range(8):
        world.chain.act(number, FIRST_SLOT + number)
    world.backfill(on_progress=lambda *row: told.append(row))
    assert [row for row in told if row[0] == LISTING][-1] == (LISTING, 8, 0)
    assert [row for row in told if row[0] == FETCHING][-1] == (FETCHING, 8, 8)
    assert [row for row in told if row[0] == FINALISING][-1] == (FINALISING, 8, 8)


def test_what_was_refused_and_somebody_stored_later_is_looked_through_after_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    closed = address_of("closed")
    shared = world.chain.act("shared", FIRST_SLOT + 5, signers=(WALLET, OTHER), balances=((closed, COIN, WALLET),))
    only_the_account = world.chain.act("paid", FIRST_SLOT + 3, signers=(STRANGER,), named=(closed,))
    serve = world.chain.transaction

    async def refusing(signature: str, commitment: str = "confirmed") -> bytes | None:
        if signature == shared:
            raise SourceRefusedError(-32602, "no")
        return await serve(signature, commitment)

    with monkeypatch.context() as refused:
        refused.setattr(world.chain, "transaction", refusing)
        assert world.backfill().quarantined == 1
    asked_then = world.chain.served.copy()
    assert world.backfill(is_asked_again=True).fetched == 0
    assert world.chain.served == asked_then
    assert world.backfill(OTHER).stored == 1
    assert not world.backfill(is_asked_again=True).waiting
    assert (WALLET, closed) in world.coverage.known
    assert only_the_account in world.inbox.stored
