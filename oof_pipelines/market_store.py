"""Where readings of market services are kept, as a Protocol, and what one asking brings: readings, refusals, an error."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from oof_pipelines.pricing.readings import (
    DepthSnapshot,
    Kline,
    PriceTick,
    Quote,
    RefusedReading,
    TokenMetadata,
    VolumeReading,
)


class What(enum.StrEnum):
    """What a source is asked for."""

    PRICES = "prices"
    QUOTES = "quotes"
    VOLUMES = "volumes"
    KLINES = "klines"
    DEPTH = "depth"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Harvest:
    """What came of asking one source once, at `asked_at`. Everything may be empty, and an error may follow readings.

    `is_breaker_open` says that nothing was asked, because the source failed too often in a row.
    """

    source: str
    what: What
    asked_at: datetime
    ticks: tuple[PriceTick, ...] = ()
    quotes: tuple[Quote, ...] = ()
    volumes: tuple[VolumeReading, ...] = ()
    klines: tuple[Kline, ...] = ()
    depth: tuple[DepthSnapshot, ...] = ()
    tokens: tuple[TokenMetadata, ...] = ()
    refused: tuple[RefusedReading, ...] = ()
    error: str | None = None
    is_breaker_open: bool = False

    @property
    def reading_count(self) -> int:
        """Readings that were believed. A token of which the source knows nothing is an answer as well."""
        kinds = (self.ticks, self.quotes, self.volumes, self.klines, self.depth, self.tokens)
        return sum(map(len, kinds))


@dataclass(frozen=True, slots=True)
class Kept:
    """What storing a harvest changed: readings and refusals not stored before, and when the source was last good."""

    stored: int
    refused: int
    last_good_at: datetime | None


class MarketStore(Protocol):
    """The side of the database that keeps readings. Every write may be made twice; the second changes nothing."""

    async def keep(self, harvest: Harvest) -> Kept:
        """Store readings, refusals and how the source does, in one transaction."""
        ...

    async def touched_mints(self, days: int, limit: int) -> list[str]:
        """Mints swapped within `days` before the newest stored transaction, most often swapped first."""
        ...

    async def mints_lacking_metadata(self, source: str, asked_before: datetime, limit: int) -> list[str]:
        """Mints seen in transactions that `source` was not asked about since `asked_before`, last seen first."""
        ...

    async def newest_kline_at(self, source: str, symbol: str, interval: str) -> datetime | None:
        """When the newest stored kline opens."""
        ...

    async def forget_depth(self, before: datetime) -> int:
        """Drop order books older than `before`; returns how many."""
        ...


def without_stale_ticks(ticks: Sequence[PriceTick]) -> tuple[tuple[PriceTick, ...], tuple[RefusedReading, ...]]:
    """(fresh ticks, the stale ones as refusals): an old price must not pass for one of now."""
    stale = tuple(
        RefusedReading(
            tick.source, tick.mint, f"stale: price {tick.price_usd} of {tick.published_at}", tick.received_at
        )
        for tick in ticks
        if tick.is_stale
    )
    return tuple(tick for tick in ticks if not tick.is_stale), stale
