"""Listing a gap: by address from the newest back, by blocks from the oldest on."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_chain import FIRST_SLOT, PROGRAM, MemoryChain, signature_of

from oof_pipelines.interfaces import ListedSignature, SourceUnavailableError
from oof_pipelines.workflows import repair
from oof_pipelines.workflows.repair import GapPage, repair_address, repair_blocks


def chain_of(slots: list[int]) -> MemoryChain:
    chain = MemoryChain()
    for number, offset in enumerate(slots):
        chain.land(number, slot=FIRST_SLOT + offset)
    return chain


async def pages_by_address(chain: MemoryChain, from_slot: int) -> list[GapPage]:
    return [page async for page in repair_address(chain, PROGRAM, from_slot)]


async def pages_by_blocks(chain: MemoryChain, from_slot: int, tip: int) -> list[GapPage]:
    return [page async for page in repair_blocks(chain, from_slot, tip, 3)]


def listed(pages: list[GapPage]) -> list[ListedSignature]:
    return [row for _, rows in pages for row in rows]


@given(st.lists(st.integers(1, 30), max_size=25), st.integers(0, 30), st.integers(1, 4))
def test_an_address_is_listed_back_to_the_gap(slots: list[int], begin: int, page_length: int) -> None:
    chain = chain_of(slots)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repair, "SIGNATURES_A_PAGE", page_length)
        pages = asyncio.run(pages_by_address(chain, FIRST_SLOT + begin))
    expected = {signature for signature, slot in chain.slots.items() if slot >= FIRST_SLOT + begin}
    assert len(listed(pages)) == len(expected)
    assert {row.signature for row in listed(pages)} == expected
    *earlier, (reached, _) = pages
    assert all(slot is None for slot, _ in earlier), "nothing is complete before the last page"
    assert reached == max([FIRST_SLOT + begin, *chain.slots.values()])
    assert chain.calls["signatures_for_address"] <= len(expected) // page_length + 1


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
    reached = [slot for slot, _ in pages if slot is not None]
    assert reached == sorted(reached)
    assert reached[-1] == tip
    for slot, rows in pages:
        assert all(row.slot == slot for row in rows), "a page completes its own slot"


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
