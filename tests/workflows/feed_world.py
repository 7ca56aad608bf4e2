"""A chain, an inbox and a clock in memory, with feeds that live and die over them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from memory_chain import HandClock, MemoryChain
from memory_inbox import MemoryInbox

from oof_pipelines.workflows.follow import Feed

PATIENCE_S = 5.0


@dataclass
class World:
    """What outlives a feed: the chain, the inbox, and time."""

    chain: MemoryChain = field(default_factory=MemoryChain)
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    clock: HandClock = field(default_factory=HandClock)

    def feed(self, target: str = "all", from_slot: int | None = None) -> Feed:
        return Feed(
            self.chain,
            self.chain,
            self.inbox,
            self.clock,
            targets=(target,),
            cluster="mainnet-beta",
            concurrency=3,
            from_slot=from_slot,
        )

    @asynccontextmanager
    async def running(self, target: str = "all", from_slot: int | None = None) -> AsyncIterator[Feed]:
        """A feed past its first repair; killed at the end."""
        feed = self.feed(target, from_slot)
        task = asyncio.create_task(feed.run())
        try:
            await self.until(lambda: not feed._targets[0].is_repairing, task)
            yield feed
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, is_so: Callable[[], bool], task: asyncio.Task[None] | None = None) -> None:
        """Move the clock until `is_so`; fails where it does not come."""
        deadline_s = asyncio.get_running_loop().time() + PATIENCE_S
        while not is_so():
            if task is not None and task.done():
                task.result()
            assert asyncio.get_running_loop().time() < deadline_s, (self.inbox, self.chain.calls)
            self.clock.advance(0.5)
            await asyncio.sleep(0.001)

    async def settle(self) -> None:
        """Let everything run that runs without the clock."""
        for _ in range(200):
            await asyncio.sleep(0)
