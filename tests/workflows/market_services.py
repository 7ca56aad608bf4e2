"""Market services and their store in memory: each says what a test tells it to, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from market_readings import AT, kline, quote, tick, token, volume

from oof_pipelines.market_interfaces import LastGood, StreamDown, StreamItem
from oof_pipelines.market_store import Harvest, Kept
from oof_pipelines.pricing.readings import (
    DepthSnapshot,
    Kline,
    MetadataBatch,
    PriceBatch,
    PriceTick,
    Quote,
    RefusedReading,
    VolumeBatch,
    VolumeReading,
)

T = TypeVar("T")


class HandClock:
    """Stands still but for sleeps, which take no time."""

    def __init__(self) -> None:
        self.slept_s = 0.0

    def now(self) -> datetime:
        return AT + timedelta(seconds=self.slept_s)

    def monotonic_s(self) -> float:
        return self.slept_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        await asyncio.sleep(0)


@dataclass
class MemoryStore:
    """A `MarketStore` that keeps harvests as they come."""

    touched: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    newest_at: datetime | None = None
    harvests: list[Harvest] = field(default_factory=list)
    asked: list[tuple[object, ...]] = field(default_factory=list)
    forgotten: list[datetime] = field(default_factory=list)
    is_stuck: asyncio.Event | None = None
    is_asked: bool = False

    async def keep(self, harvest: Harvest) -> Kept:
        self.is_asked = True
        if self.is_stuck is not None:
            await self.is_stuck.wait()
        self.harvests.append(harvest)
        good_at = harvest.asked_at if harvest.reading_count else None
        return Kept(harvest.reading_count, len(harvest.refused), good_at)

    async def touched_mints(self, days: int, limit: int) -> list[str]:
        self.asked.append(("touched", days, limit))
        return self.touched[:limit]

    async def mints_lacking_metadata(self, source: str, asked_before: datetime, limit: int) -> list[str]:
        self.asked.append(("lacking", source, asked_before, limit))
        return self.lacking[:limit]

    async def newest_kline_at(self, source: str, symbol: str, interval: str) -> datetime | None:
        return self.newest_at

    async def forget_depth(self, before: datetime) -> int:
        self.forgotten.append(before)
        return 0


@dataclass
class Service:
    """Every market service in one. `trouble` maps a method's nth call (from 0) to what it raises."""

    trouble: dict[tuple[str, int], Exception] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    refused: tuple[RefusedReading, ...] = ()
    ticks: dict[str, PriceTick] = field(default_factory=dict)
    items: list[StreamItem] = field(default_factory=list)
    books: list[DepthSnapshot] = field(default_factory=list)
    has_route: bool = True
    calls: list[tuple[str, object]] = field(default_factory=list)

    def _called(self, name: str, about: object) -> None:
        number = sum(1 for called, _ in self.calls if called == name)
        self.calls.append((name, about))
        if (name, number) in self.trouble:
            raise self.trouble[name, number]

    async def prices(self, mints: Sequence[str]) -> PriceBatch:
        self._called("prices", list(mints))
        known = [mint for mint in mints if mint not in self.unknown]
        ticks = tuple(self.ticks.get(mint) or tick(mint=mint) for mint in known)
        return PriceBatch(ticks, tuple(mint for mint in mints if mint in self.unknown), self.refused)

    def last_good_price(self, mint: str) -> LastGood[PriceTick] | None:
        return None

    async def quote(self, sold_mint: str, bought_mint: str, sold_raw: int, slippage_bps: int) -> Quote | None:
        self._called("quote", (sold_mint, bought_mint, sold_raw, slippage_bps))
        return quote() if self.has_route else None

    async def volumes(self) -> VolumeBatch:
        self._called("volumes", None)
        return VolumeBatch((volume(), volume(name="raydium")), self.refused)

    async def venue_volumes(self, slug: str) -> VolumeBatch:
        self._called("venue_volumes", slug)
        return VolumeBatch((volume(name=slug),), self.refused)

    def last_good_volumes(self) -> LastGood[VolumeBatch] | None:
        return None

    async def coin_volumes(self, mints: Sequence[str]) -> VolumeBatch:
        self._called("coin_volumes", list(mints))
        readings = tuple(volume(name=mint) for mint in mints if mint not in self.unknown)
        return VolumeBatch(readings, self.refused, tuple(mint for mint in mints if mint in self.unknown))

    def last_good_volume(self, mint: str) -> LastGood[VolumeReading] | None:
        return None

    async def klines(self, symbol: str, interval: str, from_at: datetime | None, limit: int) -> list[Kline]:
        self._called("klines", (symbol, interval, from_at, limit))
        return [kline(), kline(5, is_closed=False)]

    async def snapshot(self, symbol: str) -> DepthSnapshot:
        self._called("snapshot", symbol)
        return self.books[0]

    async def snapshots(self, symbol: str) -> AsyncGenerator[DepthSnapshot | RefusedReading | StreamDown, None]:
        self._called("snapshots", symbol)
        for book in self.books:
            yield book
        await asyncio.Event().wait()

    async def stream(self) -> AsyncGenerator[StreamItem, None]:
        self._called("stream", None)
        for item in self.items:
            yield item
        await asyncio.Event().wait()

    async def metadata(self, mints: Sequence[str]) -> MetadataBatch:
        self._called("metadata", list(mints))
        tokens = tuple(token(mint) for mint in mints if mint not in self.unknown)
        return MetadataBatch(tokens, tuple(mint for mint in mints if mint in self.unknown), self.refused)


@dataclass
class Services:
    """A `MarketSources` of services that can fail one by one."""

    jupiter: Service = field(default_factory=Service)
    pyth: Service = field(default_factory=Service)
    pyth_stream: Service = field(default_factory=Service)
    defillama: Service = field(default_factory=Service)
    pump_fun: Service = field(default_factory=Service)
    binance: Service = field(default_factory=Service)
    das: Service | None = field(default_factory=Service)
    mints: Service | None = None
