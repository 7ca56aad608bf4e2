"""A Geyser stream in memory over a chain in memory, and feeds that live and die over both."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from feed_world import World
from memory_chain import FIRST_SLOT, body_of, signature_of

from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.geyser_interfaces import (
    CONFIRMED,
    BlockMeta,
    GeyserEvent,
    GeyserFilters,
    GeyserSlot,
    GeyserTransaction,
    Resumed,
    ResumeRefused,
)
from oof_pipelines.interfaces import Dropped, Subscribed
from oof_pipelines.workflows.follow import Feed
from oof_pipelines.workflows.follow_geyser import GeyserFeed


def transaction(name: object, slot: int, *, is_good: bool = True, **changes: Any) -> GeyserTransaction:
    """The transaction that `MemoryChain.land(name, slot=slot)` lands, as a stream brings it."""
    signature = signature_of(name)
    value = json.loads(body_of(signature, slot, **changes))
    del value["blockTime"]
    body = json.dumps(value).encode() if is_good else None
    return GeyserTransaction(signature, slot, False, ("all",), body, "" if is_good else "damaged")


def meta(slot: int, parent_slot: int | None = None, *, count: int = 1, has_time: bool = True) -> BlockMeta:
    time_s = estimate_block_time_s(slot) if has_time else None
    return BlockMeta(slot, slot - 1 if parent_slot is None else parent_slot, time_s, count)


def status(slot: int, parent_slot: int | None = None) -> GeyserSlot:
    return GeyserSlot(slot, slot - 1 if parent_slot is None else parent_slot, CONFIRMED)


def block(*names: object, slot: int, parent_slot: int | None = None) -> list[GeyserEvent]:
    """All that a stream says of a confirmed block."""
    told: list[GeyserEvent] = [transaction(name, slot) for name in names]
    return [*told, meta(slot, parent_slot, count=len(names)), status(slot, parent_slot)]


@dataclass
class MemoryGeyser:
    """A `GeyserSource`. What is told goes to the connection that is open, in order; nobody listens before `connect`."""

    keeps_from_slot: int | None = None
    """The oldest slot that it replays; None: it refuses every resume. It replays what was told in `history`."""
    history: list[GeyserEvent] = field(default_factory=list)
    asked_from: list[int | None] = field(default_factory=list)
    """What each connection asked to resume from."""
    filters: GeyserFilters | None = None
    _queue: "asyncio.Queue[GeyserEvent | None] | None" = None

    def tell(self, *events: GeyserEvent) -> None:
        for event in events:
            self.history.append(event)
            if self._queue is not None:
                self._queue.put_nowait(event)

    def lose(self, *events: GeyserEvent) -> None:
        """They happened, and a replay has them, but nobody is told."""
        self.history.extend(events)

    def drop(self) -> None:
        assert self._queue is not None
        self._queue.put_nowait(None)

    @property
    def is_listened_to(self) -> bool:
        return self._queue is not None

    async def listen(
        self, filters: GeyserFilters, resume_from: Callable[[], int | None]
    ) -> AsyncGenerator[GeyserEvent, None]:
        self.filters = filters
        is_refused = False
        while True:
            from_slot = None if is_refused else resume_from()
            self.asked_from.append(from_slot)
            is_refused = from_slot is not None and (self.keeps_from_slot is None or from_slot < self.keeps_from_slot)
            if is_refused:
                assert from_slot is not None
                yield ResumeRefused(from_slot, self.keeps_from_slot, "too old")
                continue
            queue = self._queue = asyncio.Queue()
            try:
                if from_slot is None:
                    yield Subscribed("memory")
                else:
                    yield Resumed("memory", from_slot)
                    for event in [one for one in self.history if slot_of(one) >= from_slot]:
                        yield event
                while (told := await queue.get()) is not None:
                    yield told
            finally:
                if self._queue is queue:
                    self._queue = None
            yield Dropped("cut")
            await asyncio.sleep(0)


def slot_of(event: GeyserEvent) -> int:
    return event.slot if isinstance(event, GeyserTransaction | BlockMeta | GeyserSlot) else 0


@dataclass
class GeyserWorld(World):
    """A world whose feed hears by Geyser alone."""

    geyser: MemoryGeyser = field(default_factory=MemoryGeyser)

    def land(self, *names: object, slot: int, is_told: bool = True, parent_slot: int | None = None) -> list[str]:
        """A block with these transactions, on the chain and, where `is_told`, in the stream."""
        signatures = self.chain.land(*names, slot=slot, is_heard=False)
        (self.geyser.tell if is_told else self.geyser.lose)(*block(*names, slot=slot, parent_slot=parent_slot))
        return signatures

    @asynccontextmanager
    async def following(
        self, *targets: str, from_slot: int | None = None, has_begun: bool = True
    ) -> AsyncIterator[GeyserFeed]:
        """Both feeds, killed at the end."""
        names = targets or ("all",)
        feed = Feed(
            self.chain,
            self.chain,
            self.inbox,
            self.clock,
            targets=(),
            cluster="mainnet-beta",
            concurrency=3,
            is_leaving_out_votes="all" in names,
        )
        geyser = GeyserFeed(
            self.geyser,
            self.chain,
            self.inbox,
            self.clock,
            feed.storing,
            feed.listing,
            targets=names,
            from_slot=from_slot,
        )
        self.feed_counts = feed.counts
        tasks = [asyncio.create_task(feed.run()), asyncio.create_task(geyser.run())]
        try:
            await self.until(lambda: self.geyser.is_listened_to or not has_begun, tasks[1])
            yield geyser
            for task in tasks:
                assert not task.done(), task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def checkpoint(self, target: str = "all") -> int:
        """The target's slot; 0 before there is one."""
        checkpoint = self.inbox.checkpoints.get(f"geyser:{target}")
        return checkpoint.slot if checkpoint else 0


SLOT = FIRST_SLOT + 100
