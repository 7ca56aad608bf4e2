"""The order of transactions within a slot, where the node did not say it: their block is asked once for its signatures.

A wallet that sells in the slot in which it bought is told wrongly by any other order. Where the block cannot be had, the rows
stay sorted by signature: an order that is not known never holds up anything else.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Protocol

from oof_pipelines.interfaces import SourceRefusedError, SourceUnavailableError

logger = logging.getLogger(__name__)

BLOCKS_AT_ONCE = 4
"""A block's signatures are some 200 kB."""


class BlockOrder(Protocol):
    """A chain that can be asked for a block's signatures in their order."""

    async def block_signatures(self, slot: int) -> list[str]: ...


class PlacedRows(Protocol):
    """Where stored transactions learn their position in the block."""

    async def place_in_slot(self, slot: int, signatures: Sequence[str]) -> int:
        """Stored rows of `slot` that do not know their position and are in no file yet take it from `signatures`, a whole
        block in its order; returns how many did.
        """
        ...


async def order_slots(source: BlockOrder, rows: PlacedRows, slots: Collection[int]) -> int:
    """Ask each slot's block, the newest first, and have its stored rows take their positions; returns how many did.

    Raises nothing that the source raises: a slot whose block cannot be had is left as it is, and the log says so.
    """
    turn = asyncio.Semaphore(BLOCKS_AT_ONCE)

    async def order(slot: int) -> int:
        async with turn:
            try:
                signatures = await source.block_signatures(slot)
            except (SourceUnavailableError, SourceRefusedError) as error:
                logger.warning("order within a slot not known", extra={"slot": slot, "reason": str(error)})
                return 0
        return await rows.place_in_slot(slot, signatures)

    return sum(await asyncio.gather(*(order(slot) for slot in sorted(set(slots), reverse=True))))
