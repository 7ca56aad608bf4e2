"""Gap repair: what happened while nobody listened, by listing signatures of an address or of whole blocks.

A node's listing is not trusted further than it proves itself. It has to come from a node that has reached the gap's end
(`min_slot`), or a node behind would list a part as the whole. Before the first block that a node still has, nothing is
proven. An unknown `until` returns the newest page, so pages go by `before` alone until their slots have passed the gap's
beginning; and an unknown `before` returns an empty page, so that one is no end. A skipped slot is not a gap; a block that
is listed and that nobody serves is one, of a single slot.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import NamedTuple

from oof_pipelines.interfaces import (
    ListedSignature,
    MethodMissingError,
    SourceRefusedError,
    SourceUnavailableError,
    TransactionSource,
)

logger = logging.getLogger(__name__)

SIGNATURES_A_PAGE = 1_000
SLOTS_A_RANGE = 500_000
"""Most slots that getBlocks takes at once."""

_CURSORS_KEPT = 4

# The codes that say of one block that it will not be served: cleaned up, skipped after a ledger jump, missing in long-term
# storage (agave's rpc-client-api, custom_error.rs). Any other refusal may be of all blocks alike.
_BLOCK_GONE_CODES = frozenset({-32001, -32007, -32009})


class Unproven(NamedTuple):
    """A stretch that no node could list, both slots included, and why."""

    first_slot: int
    last_slot: int
    reason: str


class GapPage(NamedTuple):
    """Signatures to queue, and how far the target is complete once they are.

    `complete_slot` is None where that is not known yet. What is `unproven` counts as complete for the checkpoint, and has
    to be remembered.
    """

    complete_slot: int | None
    listed: list[ListedSignature]
    unproven: Unproven | None = None


async def repair_address(
    source: TransactionSource, address: str, from_slot: int, min_slot: int
) -> AsyncIterator[GapPage]:
    """Pages of `address`'s signatures from the newest back to `from_slot` (included: it may have been cut in two).

    Newest come first, so nothing is complete before the last page: only it carries a slot, the newest one listed.
    """
    newest_slot = from_slot
    page = await source.signatures_for_address(address, None, SIGNATURES_A_PAGE, min_slot)
    while True:
        newest_slot = max([newest_slot, *(row.slot for row in page)])
        in_gap = [row for row in page if row.slot >= from_slot]
        has_passed_the_gap = len(in_gap) < len(page)
        if has_passed_the_gap or len(page) < SIGNATURES_A_PAGE:
            break
        yield GapPage(None, in_gap)
        page = await next_page(source, address, page, min_slot)
    unproven = None
    if not has_passed_the_gap:
        unproven = await _unproven(source, from_slot, max(newest_slot, min_slot))
    yield GapPage(newest_slot, in_gap, unproven)


async def next_page(
    source: TransactionSource, address: str, page: list[ListedSignature], min_slot: int
) -> list[ListedSignature]:
    """What is behind a full `page`. Where that seems to be nothing, an earlier cursor has to show the page's own end.

    Raises `SourceUnavailableError` where none does: the cursors were dropped by a fork, or the node does not know them.
    """
    last, *earlier = [row.signature for row in reversed(page[-_CURSORS_KEPT:])]
    behind = await source.signatures_for_address(address, last, SIGNATURES_A_PAGE, min_slot)
    if behind:
        return behind
    known = {row.signature for row in page}
    for cursor in earlier:
        again = await source.signatures_for_address(address, cursor, SIGNATURES_A_PAGE, min_slot)
        behind = [row for row in again if row.signature not in known]
        if behind:
            return await _whole_page(source, address, behind, min_slot)
        if again:
            return []
    raise SourceUnavailableError(f"getSignaturesForAddress: nothing behind {last}, nor behind the ones before it")


async def _whole_page(
    source: TransactionSource, address: str, rows: list[ListedSignature], min_slot: int
) -> list[ListedSignature]:
    """`rows` made up to a full page where there is more, since a page that is not full counts as the last."""
    while len(rows) < SIGNATURES_A_PAGE:
        more = await source.signatures_for_address(address, rows[-1].signature, SIGNATURES_A_PAGE - len(rows), min_slot)
        if not more:
            break
        rows = rows + more
    return rows


async def repair_blocks(
    source: TransactionSource, from_slot: int, tip: int, concurrency: int, *, begin_slot: int | None = None
) -> AsyncIterator[GapPage]:
    """Signatures of every block from `from_slot` to `tip`, both included, in slot order; a page completes its slot.

    `begin_slot` is where the node's history begins, for a caller who looks after it himself; else it is asked for.
    """
    unproven = await _unproven(source, from_slot, tip, begin_slot)
    if unproven is not None:
        yield GapPage(unproven.last_slot, [], unproven)
        from_slot = unproven.last_slot + 1
    for first_slot in range(from_slot, tip + 1, SLOTS_A_RANGE):
        last_slot = min(first_slot + SLOTS_A_RANGE - 1, tip)
        slots = await source.blocks(first_slot, last_slot, tip)
        # Asked again after the listing: a node forgets its oldest blocks as it goes.
        unproven = await _unproven(source, first_slot, last_slot, begin_slot)
        if unproven is not None:
            yield GapPage(None, [], unproven)
            # A gap of one of them would take the place of the whole stretch, where both begin in one slot.
            slots = [slot for slot in slots if slot > unproven.last_slot]
        for start in range(0, len(slots), concurrency):
            some = slots[start : start + concurrency]
            blocks = await asyncio.gather(*(_block_signatures(source, slot, tip) for slot in some))
            for slot, block in zip(some, blocks, strict=True):
                if isinstance(block, Unproven):
                    yield GapPage(slot, [], block)
                else:
                    yield GapPage(slot, [ListedSignature(signature, slot) for signature in block])
        yield GapPage(last_slot, [])


async def _block_signatures(source: TransactionSource, slot: int, tip: int) -> list[str] | Unproven:
    """The signatures of a listed block; none where a fork has taken it from the list since.

    Unproven where it is still listed, so that the node cannot show what it says there is, or where the node has forgotten
    it since. Raises `SourceRefusedError` where the refusal is not of this block.
    """
    try:
        return await source.block_signatures(slot)
    except SourceRefusedError as error:
        if error.code not in _BLOCK_GONE_CODES:
            raise
        if slot in await source.blocks(slot, slot, tip):
            return Unproven(slot, slot, f"block {slot} is listed and not served: {error}")
        return await _unproven(source, slot, slot) or []


async def _unproven(
    source: TransactionSource, first_slot: int, last_slot: int, begin_slot: int | None = None
) -> Unproven | None:
    """The part of a stretch that lies before the node's first block. A stretch that ends before it begins has none."""
    if last_slot < first_slot:
        return None
    if begin_slot is None:
        begin_slot = await history_begin_slot(source)
    if begin_slot <= first_slot:
        return None
    last_slot = min(begin_slot - 1, last_slot)
    return Unproven(first_slot, last_slot, f"the node's blocks begin after slot {last_slot}")


async def history_begin_slot(source: TransactionSource) -> int:
    """The slot before which a node's silence proves nothing; 0, so everything is believed, where it does not tell."""
    try:
        return await source.first_available_block()
    except MethodMissingError as error:
        logger.warning("the node does not tell where its history begins, so it is believed whole: %s", error)
        return 0
