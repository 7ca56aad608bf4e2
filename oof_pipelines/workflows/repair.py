"""Gap repair: what happened while nobody listened, by listing signatures of an address or of whole blocks.

A node's paging is not trusted further than it proves itself: an unknown `until` returns the newest page, so pages go by
`before` alone until their slots have passed the gap's beginning. A skipped slot is not a gap.
"""

import asyncio
from collections.abc import AsyncIterator

from oof_pipelines.interfaces import ListedSignature, TransactionSource

SIGNATURES_A_PAGE = 1_000
SLOTS_A_RANGE = 500_000
"""Most slots that getBlocks takes at once."""


GapPage = tuple[int | None, list[ListedSignature]]
"""Signatures to queue, and the slot up to which the target is complete once they are; None where that is not known yet."""


async def repair_address(source: TransactionSource, address: str, from_slot: int) -> AsyncIterator[GapPage]:
    """Pages of `address`'s signatures from the newest back to `from_slot` (included: it may have been cut in two).

    Newest come first, so nothing is complete before the last page: only it carries a slot, the newest one listed.
    """
    before: str | None = None
    newest_slot = from_slot
    while True:
        page = await source.signatures_for_address(address, before, SIGNATURES_A_PAGE)
        newest_slot = max([newest_slot, *(row.slot for row in page)])
        in_gap = [row for row in page if row.slot >= from_slot]
        is_last = len(page) < SIGNATURES_A_PAGE or len(in_gap) < len(page)
        yield (newest_slot if is_last else None), in_gap
        if is_last:
            return
        before = page[-1].signature


async def repair_blocks(
    source: TransactionSource, from_slot: int, tip: int, concurrency: int
) -> AsyncIterator[GapPage]:
    """Signatures of every block from `from_slot` to `tip`, both included, in slot order; a page completes its slot."""
    for first_slot in range(from_slot, tip + 1, SLOTS_A_RANGE):
        last_slot = min(first_slot + SLOTS_A_RANGE - 1, tip)
        slots = await source.blocks(first_slot, last_slot)
        for start in range(0, len(slots), concurrency):
            some = slots[start : start + concurrency]
            blocks = await asyncio.gather(*(source.block_signatures(slot) for slot in some))
            for slot, signatures in zip(some, blocks, strict=True):
                yield slot, [ListedSignature(signature, slot) for signature in signatures]
        yield last_slot, []
