"""Listing what a wallet signed: a node is believed as far as it proves itself."""

from datetime import UTC, datetime

import pytest
from memory_chain import FIRST_SLOT
from wallet_chain import WALLET, World

from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.interfaces import ListedSignature, SourceUnavailableError
from oof_pipelines.workflows import repair


def at(slot: int) -> datetime:
    return datetime.fromtimestamp(estimate_block_time_s(slot), UTC)


def test_a_cut_by_block_time_leaves_what_is_older() -> None:
    world = World()
    slots = [FIRST_SLOT + number for number in range(0, 40, 2)]
    for slot in slots:
        world.chain.act(slot, slot)
    # Two or three slots share a second; all that have the second belong to it.
    since = at(slots[10])
    world.backfill(since=since)
    kept = {world.chain.slots[signature] for signature in world.inbox.stored}
    assert kept == {slot for slot in slots if at(slot) >= since}
    world.assert_nothing_untrue()


def test_rows_without_a_time_are_listed_until_they_are_certainly_older() -> None:
    world = World()
    world.chain.has_times = False
    near, far = FIRST_SLOT + 10, FIRST_SLOT - 50_000_000
    for slot in (far, near, FIRST_SLOT + 20):
        world.chain.act(slot, slot)
    world.backfill(since=at(FIRST_SLOT + 15))
    assert {world.chain.slots[signature] for signature in world.inbox.stored} == {near, FIRST_SLOT + 20}
    world.assert_nothing_untrue()


def test_before_the_nodes_first_block_nothing_is_proven() -> None:
    world = World()
    for slot in (FIRST_SLOT + 1, FIRST_SLOT + 100):
        world.chain.act(slot, slot)
    world.chain.first_block = FIRST_SLOT + 50
    report = world.backfill()
    assert report.wallets[WALLET].first_slot == FIRST_SLOT + 50
    assert not report.is_complete
    assert f"begin in slot {FIRST_SLOT + 50}" in report.unproven[0]
    assert world.backfill().calls == {}, "the node has no more to say for now"
    assert world.backfill().unproven == report.unproven
    world.clock.advance(100)
    world.chain.first_block = 0
    report = world.backfill()
    assert report.is_complete
    assert len(world.inbox.stored) == 2
    world.assert_nothing_untrue()


def test_a_node_that_forgets_while_it_lists_proves_only_what_it_still_has() -> None:
    world = World()
    for slot in (FIRST_SLOT + 1, FIRST_SLOT + 100):
        world.chain.act(slot, slot)
    listing = world.chain.signatures_for_address

    async def forgetting(*arguments: object) -> object:
        world.chain.first_block = FIRST_SLOT + 50
        return await listing(*arguments)

    world.chain.signatures_for_address = forgetting  # type: ignore[assignment, method-assign]
    report = world.backfill()
    assert report.wallets[WALLET].first_slot == FIRST_SLOT + 50
    world.assert_nothing_untrue()


def test_an_outage_is_no_end_of_history() -> None:
    world = World()
    for number in range(5):
        world.chain.act(number, FIRST_SLOT + number)
    world.chain.errors["signatures_for_address"] = [SourceUnavailableError("429")]
    with pytest.raises(SourceUnavailableError):
        world.backfill()
    assert world.coverage.proven == {}
    assert world.backfill().is_complete
    assert len(world.inbox.final) == 5


def test_a_node_behind_the_tip_is_not_believed() -> None:
    world = World()
    world.chain.act(1, FIRST_SLOT + 1)
    world.chain.act(2, FIRST_SLOT + 9)
    world.chain.behind["signatures_for_address"] = [FIRST_SLOT + 5]
    with pytest.raises(SourceUnavailableError):
        world.backfill()
    assert world.coverage.proven == {}


def test_what_is_not_final_yet_is_left_to_the_feed_and_not_proven() -> None:
    world = World()
    final = world.chain.act(1, FIRST_SLOT + 1)
    world.chain.act(2, FIRST_SLOT + 11)
    world.chain.finalized = FIRST_SLOT + 10
    report = world.backfill()
    assert set(world.inbox.stored) == {final}
    assert report.wallets[WALLET].last_slot == FIRST_SLOT + 10
    world.clock.advance(100)
    world.chain.finalized = FIRST_SLOT + 50
    assert world.backfill().stored == 1


def test_a_page_out_of_order_is_refused() -> None:
    world = World()
    world.chain.act(1, FIRST_SLOT + 1)
    world.chain.act(2, FIRST_SLOT + 2)
    listing = world.chain.signatures_for_address

    async def shuffled(*arguments: object) -> object:
        return (await listing(*arguments))[::-1]

    world.chain.signatures_for_address = shuffled  # type: ignore[assignment, method-assign]
    with pytest.raises(SourceUnavailableError, match="not in order"):
        world.backfill()


def test_a_signature_that_is_listed_twice_is_one() -> None:
    world = World()
    world.chain.act(1, FIRST_SLOT + 1)
    listing, enqueue = world.chain.signatures_for_address, world.inbox.enqueue

    async def doubled(*arguments: object) -> object:
        return [row for row in await listing(*arguments) for _ in range(2)]

    async def strict(listed, source):
        assert len({row.signature for row in listed}) == len(listed)
        return await enqueue(listed, source)

    world.chain.signatures_for_address = doubled  # type: ignore[assignment, method-assign]
    world.inbox.enqueue = strict  # type: ignore[method-assign]
    assert world.backfill().stored == 1


def test_a_cursor_the_node_does_not_know_costs_pages_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "SIGNATURES_A_PAGE", 3)
    world = World()
    for number in range(12):
        world.chain.act(number, FIRST_SLOT + number * 1_000)
    world.backfill(since=at(FIRST_SLOT + 6_000))
    (part,) = world.coverage.proven[WALLET][WALLET]
    assert part.cursor is not None
    world.chain.forgotten_cursors.add(part.cursor)
    report = world.backfill()
    assert len(world.inbox.final) == 12
    assert report.is_complete
    world.assert_nothing_untrue()


def test_a_page_that_is_cut_short_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    for number in range(20):
        world.chain.act(number, FIRST_SLOT + number * 10)
    whole_page = world.chain.signatures_for_address

    async def at_most_seven(address: str, before: str | None, limit: int, min_slot: int) -> list[ListedSignature]:
        return (await whole_page(address, before, limit, min_slot))[:7]

    monkeypatch.setattr(world.chain, "signatures_for_address", at_most_seven)
    monkeypatch.setattr(repair, "SIGNATURES_A_PAGE", 10)
    report = world.backfill()
    assert (report.listed, report.is_complete) == (20, True)
    world.assert_nothing_untrue()
