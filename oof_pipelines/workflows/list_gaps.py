"""What a source missed, listed over RPC and queued: the part of a repair that is the same whoever missed it."""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict

from oof_pipelines.interfaces import (
    Gap,
    Inbox,
    ListedSignature,
    SourceRefusedError,
    SourceUnavailableError,
    TransactionSource,
)
from oof_pipelines.workflows.feed_counts import FeedCounts
from oof_pipelines.workflows.repair import GapPage, repair_address, repair_blocks

logger = logging.getLogger(__name__)

WHOLE_CHAIN = ("all", "allWithVotes")
"""Targets that no address stands for: their gaps are listed block by block."""


class GapListing:
    """Lists stretches of targets. `is_unwanted` names signatures not to queue, `on_queued` is called after each queueing."""

    def __init__(
        self,
        source: TransactionSource,
        inbox: Inbox,
        counts: FeedCounts,
        *,
        concurrency: int,
        is_unwanted: Callable[[str], bool],
        on_queued: Callable[[], None],
    ) -> None:
        self._source = source
        self._inbox = inbox
        self._counts = counts
        self._concurrency = concurrency
        self._is_unwanted = is_unwanted
        self._on_queued = on_queued

    def pages(self, target: str, from_slot: int, last_slot: int) -> AsyncIterator[GapPage]:
        """Pages of everything of `target` in the stretch, both ends included, and of what is newer where that is cheaper.

        Raises `SourceUnavailableError` and `SourceRefusedError`.
        """
        if target in WHOLE_CHAIN:
            return repair_blocks(self._source, from_slot, last_slot, self._concurrency)
        return repair_address(self._source, target, from_slot, last_slot)

    async def enqueue(self, listed: list[ListedSignature], source: str = "repair") -> None:
        """Queue what is wanted of it."""
        wanted = [row for row in listed if not self._is_unwanted(row.signature)]
        new = await self._inbox.enqueue(wanted, source)
        if source == "repair":
            self._counts.repaired += new
        self._counts.queued += new
        self._on_queued()

    async def note(self, gap: Gap) -> None:
        """Remember a stretch that nobody could prove complete."""
        await self._inbox.note_gap(gap)
        self._counts.unproven_gaps += 1
        logger.warning("gap not proven complete: transactions may be missing", extra=asdict(gap))

    async def close_known(self, name: str, target: str) -> None:
        """List the gaps left earlier under `name`, where a node's history reaches back to them now; the rest is left."""
        try:
            for gap in await self._inbox.gaps(name):
                if await self._source.first_available_block() > gap.first_slot:
                    continue
                is_proven = True
                async for _slot, listed, unproven in self.pages(target, gap.first_slot, gap.last_slot):
                    await self.enqueue([row for row in listed if row.slot <= gap.last_slot])
                    is_proven &= unproven is None
                if is_proven:
                    await self._inbox.close_gap(gap)
                    logger.info("gap closed", extra={"target": name, "first_slot": gap.first_slot})
        except (SourceUnavailableError, SourceRefusedError) as error:
            logger.warning("gaps stay open", extra={"target": name, "reason": str(error)})
