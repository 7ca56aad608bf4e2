"""Listing a gap: by address from the newest back, by blocks from the oldest on."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_chain import FIRST_SLOT, PROGRAM, MemoryChain, signature_of

from oof_pipelines.interfaces import (
    ListedSignature,
    MethodMissingError,
    SourceRefusedError,
    SourceUnavailableError,
    UnsupportedVersionError,
)
from oof_pipelines.workflows import repair
from oof_pipelines.workflows.repair import GapPage, repair_address, repair_blocks


def chain_of(slots: list[int]) -> MemoryChain:
    chain = MemoryChain()
    for number, offset in enumerate(slots):
        chain.land(number, slot=FIRST_SLOT + offset)
    return chain


async def pages_by_address(chain: MemoryChain, from_slot: int) -> list[GapPage]:
    return [page async for page in repair_address(chain, PROGRAM, from_slot, chain.tip)]


async def pages_by_blocks(chain: MemoryChain, from_slot: int, tip: int) -> list[GapPage]:
    return [page async for page in repair_blocks(chain, from_slot, tip, 3)]


def listed(pages: list[GapPage]) -> list[ListedSignature]:
    return [row for page in pages for row in page.listed]


def unproven(pages: list[GapPage]) -> list[tuple[int, int]]:
    """First and last slot of every stretch that is left open."""
    return [page.unproven[:2] for page in pages if page.unproven]


@given(st.lists(st.integers(1, 30), max_size=25), st.integers(0, 30), st.integers(2, 4))
def test_an_address_is_listed_back_to_the_gap(slots: list[int], begin: int, page_length: int) -> None:
    chain = chain_of(slots)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repair, "SIGNATURES_A_PAGE", page_length)
        pages = asyncio.run(pages_by_address(chain, FIRST_SLOT + begin))
    expected = {signature for signature, slot in chain.slots.items() if slot >= FIRST_SLOT + begin}
    assert len(listed(pages)) == len(expected)
    assert {row.signature for row in listed(pages)} == expected
    *earlier, last = pages
    assert all(page.complete_slot is None for page in earlier), "nothing is complete before the last page"
    assert last.complete_slot == max([FIRST_SLOT + begin, *chain.slots.values()])
    assert all(page.unproven is None for page in pages)
    assert chain.calls["signatures_for_address"] <= len(expected) // page_length + 2


@given(st.lists(st.integers(1, 30), max_size=15), st.integers(0, 30), st.integers(0, 10), st.integers(1, 7))
def test_blocks_are_listed_in_order_up_to_the_tip(slots: list[int], begin: int, length: int, range_slots: int) -> None:
    chain = chain_of(slots)
    first, tip = FIRST_SLOT + begin, FIRST_SLOT + begin + length
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repair, "SLOTS_A_RANGE", range_slots)
        pages = asyncio.run(pages_by_blocks(chain, first, tip))
    expected = {signature for signature, slot in chain.slots.items() if first <= slot <= tip}
    assert len(listed(pages)) == len(expected)
    assert {row.signature for row in listed(pages)} == expected
    reached = [page.complete_slot for page in pages if page.complete_slot is not None]
    assert reached == sorted(reached)
    assert reached[-1] == tip
    for page in pages:
        assert all(row.slot == page.complete_slot for row in page.listed), "a page completes its own slot"
        assert page.unproven is None


def test_an_error_is_not_an_empty_gap() -> None:
    chain = chain_of([1, 2])
    for method in ("blocks", "block_signatures"):
        chain.errors[method] = [SourceUnavailableError("429")]
        with pytest.raises(SourceUnavailableError):
            asyncio.run(pages_by_blocks(chain, FIRST_SLOT, FIRST_SLOT + 2))
    chain.errors["signatures_for_address"] = [SourceUnavailableError("429")]
    with pytest.raises(SourceUnavailableError):
        asyncio.run(pages_by_address(chain, FIRST_SLOT))


def test_a_gap_cut_in_one_slot_is_listed_with_that_slot() -> None:
    chain = chain_of([5, 5, 6])
    pages = asyncio.run(pages_by_address(chain, FIRST_SLOT + 5))
    assert {row.signature for row in listed(pages)} == {signature_of(n) for n in range(3)}


@pytest.mark.parametrize("method", ["blocks", "signatures_for_address"])
def test_a_node_behind_the_end_of_the_gap_lists_nothing(method: str) -> None:
    chain = chain_of([1, 2, 3])
    chain.behind[method] = [FIRST_SLOT + 1]
    by_blocks = method == "blocks"
    pages = pages_by_blocks(chain, FIRST_SLOT, FIRST_SLOT + 3) if by_blocks else pages_by_address(chain, FIRST_SLOT)
    with pytest.raises(SourceUnavailableError):
        asyncio.run(pages)


class ForgetfulOfCursors(MemoryChain):
    """Its node does not know as cursors what is in `unknown`, and then lists nothing."""

    unknown: frozenset[str] = frozenset()

    async def signatures_for_address(
        self, address: str, before: str | None, limit: int, min_slot: int
    ) -> list[ListedSignature]:
        rows = await super().signatures_for_address(address, before, limit, min_slot)
        return [] if before in self.unknown else rows


@pytest.mark.parametrize("length", [3, 4, 5, 6, 7, 9])
def test_an_empty_page_behind_a_full_one_is_no_end_before_another_cursor_shows_it(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setattr(repair, "SIGNATURES_A_PAGE", 3)
    chain = chain_of(list(range(1, length + 1)))
    everything = {(signature, slot) for signature, slot in chain.slots.items()}
    newest_first = sorted(chain.slots, key=lambda signature: -chain.slots[signature])
    forgetful = ForgetfulOfCursors(tip=chain.tip, slots=chain.slots, bodies=chain.bodies)
    forgetful.unknown = frozenset({newest_first[2]})  # the first page's end
    pages = asyncio.run(pages_by_address(forgetful, FIRST_SLOT))
    assert {(row.signature, row.slot) for row in listed(pages)} == everything
    assert len(listed(pages)) == length
    forgetful.unknown = frozenset(newest_first)
    with pytest.raises(SourceUnavailableError, match="nothing behind"):
        asyncio.run(pages_by_address(forgetful, FIRST_SLOT))


def test_what_lies_before_the_first_block_of_a_node_is_not_proven() -> None:
    chain = chain_of([2, 5, 9])
    chain.first_block = FIRST_SLOT + 4
    by_blocks = asyncio.run(pages_by_blocks(chain, FIRST_SLOT + 1, FIRST_SLOT + 9))
    assert unproven(by_blocks) == [(FIRST_SLOT + 1, FIRST_SLOT + 3)]
    assert {row.signature for row in listed(by_blocks)} == {signature_of(1), signature_of(2)}
    by_address = asyncio.run(pages_by_address(chain, FIRST_SLOT + 1))
    assert unproven(by_address) == [(FIRST_SLOT + 1, FIRST_SLOT + 3)]
    # All of the gap, and nothing of it.
    chain.first_block = FIRST_SLOT + 50
    (page,) = asyncio.run(pages_by_blocks(chain, FIRST_SLOT + 1, FIRST_SLOT + 9))
    assert page[:2] == (FIRST_SLOT + 9, [])
    assert unproven([page]) == [(FIRST_SLOT + 1, FIRST_SLOT + 9)]
    assert unproven(asyncio.run(pages_by_address(chain, FIRST_SLOT + 1))) == [(FIRST_SLOT + 1, FIRST_SLOT + 9)]


def test_a_tip_before_the_checkpoint_leaves_no_gap() -> None:
    chain = chain_of([2, 5])
    chain.first_block = FIRST_SLOT + 9
    assert asyncio.run(pages_by_blocks(chain, FIRST_SLOT + 8, FIRST_SLOT + 1)) == []


def test_an_address_whose_listing_passes_the_gap_is_proven_by_that() -> None:
    chain = chain_of([2, 5, 9])
    chain.first_block = FIRST_SLOT + 2
    assert asyncio.run(pages_by_address(chain, FIRST_SLOT + 3))[-1].unproven is None
    assert not chain.calls["first_available_block"]


def test_a_node_that_forgets_while_it_lists() -> None:
    class Pruned(MemoryChain):
        async def blocks(self, first_slot: int, last_slot: int, min_slot: int) -> list[int]:
            self.first_block = FIRST_SLOT + 4
            return await super().blocks(first_slot, last_slot, min_slot)

    class PrunedOnceListed(MemoryChain):
        async def blocks(self, first_slot: int, last_slot: int, min_slot: int) -> list[int]:
            slots = await super().blocks(first_slot, last_slot, min_slot)
            self.first_block = FIRST_SLOT + 4
            return slots

    class PrunedOnceAskedForABlock(MemoryChain):
        async def block_signatures(self, slot: int) -> list[str]:
            self.first_block = FIRST_SLOT + 4
            return await super().block_signatures(slot)

    for kind, stretch in (
        (Pruned, (FIRST_SLOT, FIRST_SLOT + 3)),
        (PrunedOnceListed, (FIRST_SLOT, FIRST_SLOT + 3)),
        (PrunedOnceAskedForABlock, (FIRST_SLOT, FIRST_SLOT)),
    ):
        chain = kind()
        chain.land("early", slot=FIRST_SLOT)
        chain.land("late", slot=FIRST_SLOT + 6)
        pages = asyncio.run(pages_by_blocks(chain, FIRST_SLOT, FIRST_SLOT + 6))
        assert unproven(pages) == [stretch], kind
        assert [row.signature for row in listed(pages)] == [signature_of("late")]


def test_a_node_that_does_not_tell_where_it_begins_is_believed() -> None:
    chain = chain_of([1, 2])
    chain.errors["first_available_block"] = [MethodMissingError(-32601, "Method not found")] * 2
    pages = asyncio.run(pages_by_blocks(chain, FIRST_SLOT, FIRST_SLOT + 2))
    assert len(listed(pages)) == 2
    assert all(page.unproven is None for page in pages)


@pytest.mark.parametrize("code", [-32001, -32007, -32009])
def test_a_listed_block_that_is_never_served_is_a_gap_of_its_slot_and_the_rest_is_listed(code: int) -> None:
    chain = chain_of([1, 2, 3, 4, 5])
    chain.errors["block_signatures"] = [SourceRefusedError(code, "gone for good")]
    pages = asyncio.run(pages_by_blocks(chain, FIRST_SLOT, FIRST_SLOT + 5))
    assert unproven(pages) == [(FIRST_SLOT + 1, FIRST_SLOT + 1)]
    assert {row.signature for row in listed(pages)} == {signature_of(n) for n in range(1, 5)}
    assert [page.complete_slot for page in pages] == [FIRST_SLOT + n for n in (1, 2, 3, 4, 5, 5)]
    assert [page.unproven.reason for page in pages if page.unproven] == [
        f"block {FIRST_SLOT + 1} is listed and not served: gone for good (code {code})"
    ]


@pytest.mark.parametrize(
    "error",
    [MethodMissingError(-32601, "no"), UnsupportedVersionError(-32015, "no"), SourceRefusedError(-32602, "no")],
)
def test_a_refusal_that_may_be_of_all_blocks_is_an_error(error: SourceRefusedError) -> None:
    chain = chain_of([1, 2])
    chain.errors["block_signatures"] = [error]
    with pytest.raises(SourceRefusedError):
        asyncio.run(pages_by_blocks(chain, FIRST_SLOT, FIRST_SLOT + 2))


def test_a_listed_block_that_a_fork_took_leaves_no_gap() -> None:
    chain = chain_of([1, 2])

    class Forking(MemoryChain):
        async def block_signatures(self, slot: int) -> list[str]:
            self.slots = {name: at for name, at in self.slots.items() if at != FIRST_SLOT + 1}
            return await super().block_signatures(slot)

    forking = Forking(tip=chain.tip, slots=dict(chain.slots), bodies=chain.bodies)
    pages = asyncio.run(pages_by_blocks(forking, FIRST_SLOT, FIRST_SLOT + 2))
    assert unproven(pages) == []
    assert [row.signature for row in listed(pages)] == [signature_of(1)]
