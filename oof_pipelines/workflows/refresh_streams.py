"""Keep what a stream brings (prices as they are published, order books four times a second), a batch a second.

A stream opens itself again; here it is only listened to, until cancelled. What was heard last is kept on the way out.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from oof_pipelines.interfaces import Clock
from oof_pipelines.market_interfaces import DepthSource, PriceStream, StreamDown, StreamItem, StreamUp
from oof_pipelines.market_store import Harvest, Kept, MarketStore, What, without_stale_ticks
from oof_pipelines.pricing.readings import DepthSnapshot, PriceTick, RefusedReading

ItemT = TypeVar("ItemT")
HeardT = TypeVar("HeardT", bound=StreamItem | DepthSnapshot)

logger = logging.getLogger(__name__)

KEEP_SECONDS = 1.0
"""How long what was heard waits for the database at most."""

DEPTH_KEPT = timedelta(hours=6)
"""Order books come four times a second: older ones are dropped."""

_FORGET_SECONDS = 60.0
# While the database is away: ten minutes of books. Beyond that the oldest are lost, and counted.
_MOST_WAITING = 2_400


@dataclass(slots=True)
class StreamCounts:
    """Since the start. `lost` were heard and not kept: the database was away for too long, or refused them."""

    heard: int = 0
    stored: int = 0
    refused: int = 0
    lost: int = 0
    downs: int = 0
    is_up: bool = False


async def keep_prices(
    name: str, source: PriceStream, source_name: str, store: MarketStore, clock: Clock, counts: StreamCounts
) -> None:
    """Keep every price a stream publishes, until cancelled."""
    await _listen(_Waiting(name, source_name, What.PRICES, clock, counts), source.stream(), store)


async def keep_depth(
    name: str,
    source: DepthSource,
    source_name: str,
    store: MarketStore,
    clock: Clock,
    counts: StreamCounts,
    *,
    symbol: str = "SOLUSDT",
) -> None:
    """Keep an exchange's order book as it changes, the last six hours of it, until cancelled."""
    async with asyncio.TaskGroup() as group:
        forgetting = group.create_task(_forget_depth(store, clock))
        try:
            await _listen(_Waiting(name, source_name, What.DEPTH, clock, counts), source.snapshots(symbol), store)
        finally:
            forgetting.cancel()


@dataclass(slots=True)
class _Waiting:
    """What was heard and is not kept yet."""

    name: str
    source: str
    what: What
    clock: Clock
    counts: StreamCounts
    ticks: list[PriceTick] = field(default_factory=list)
    depth: list[DepthSnapshot] = field(default_factory=list)
    refused: list[RefusedReading] = field(default_factory=list)
    error: str | None = None
    unkept: Harvest | None = None

    def add(self, item: StreamItem | DepthSnapshot) -> None:
        if isinstance(item, StreamUp | StreamDown):
            self._note(item)
            return
        self.counts.is_up = True
        if isinstance(item, RefusedReading):
            self._push(self.refused, item)
        elif isinstance(item, DepthSnapshot):
            self.counts.heard += 1
            self._push(self.depth, item)
        else:
            self.counts.heard += 1
            self._push(self.ticks, item)

    def take(self) -> Harvest | None:
        """Everything that waits, the same again until it is `count`ed as kept; None where nothing does."""
        if self.unkept is not None:
            return self.unkept
        if not (self.ticks or self.depth or self.refused or self.error):
            return None
        fresh, stale = without_stale_ticks(self.ticks)
        self.unkept = Harvest(
            self.source,
            self.what,
            self.clock.now(),
            ticks=fresh,
            depth=tuple(self.depth),
            refused=(*self.refused, *stale),
            error=self.error,
        )
        self.ticks, self.depth, self.refused, self.error = [], [], [], None
        return self.unkept

    def count(self, kept: Kept) -> None:
        self.unkept = None
        self.counts.stored += kept.stored
        self.counts.refused += kept.refused

    def give_up(self, harvest: Harvest) -> None:
        """It cannot be kept: what waits behind it goes on."""
        self.unkept = None
        self.counts.lost += harvest.reading_count

    def _note(self, item: StreamUp | StreamDown) -> None:
        self.counts.is_up = isinstance(item, StreamUp)
        if isinstance(item, StreamDown):
            self.counts.downs += 1
            self.error = item.reason
            logger.warning("a market stream is down", extra={"stream": self.name, "reason": item.reason})
        else:
            logger.info("a market stream is up", extra={"stream": self.name})

    def _push(self, waiting: list[ItemT], item: ItemT) -> None:
        waiting.append(item)
        if len(waiting) > _MOST_WAITING:
            del waiting[0]
            self.counts.lost += 1


async def _listen(waiting: _Waiting, items: AsyncGenerator[HeardT, None], store: MarketStore) -> None:
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(_keep_on(waiting, store))
        try:
            async with aclosing(items):
                async for item in items:
                    waiting.add(item)
        finally:
            keeping.cancel()
            # Twice: once what was being kept as we were cancelled, once what came after.
            await _keep(waiting, store)
            await _keep(waiting, store)
            waiting.counts.is_up = False


async def _keep_on(waiting: _Waiting, store: MarketStore) -> None:
    while True:
        await waiting.clock.sleep(KEEP_SECONDS)
        await _keep(waiting, store)


async def _keep(waiting: _Waiting, store: MarketStore) -> None:
    harvest = waiting.take()
    if harvest is None:
        return
    try:
        kept = await store.keep(harvest)
    except Exception:
        # What the database refuses it would refuse for ever, and nothing that came later would be kept.
        waiting.give_up(harvest)
        raise
    waiting.count(kept)


async def _forget_depth(store: MarketStore, clock: Clock) -> None:
    while True:
        await store.forget_depth(clock.now() - DEPTH_KEPT)
        await clock.sleep(_FORGET_SECONDS)
