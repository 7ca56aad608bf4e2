"""What the workflows need of market services, as Protocols; the values are those of pricing/readings.py.

Every awaited method raises `SourceUnavailableError` (no answer within the budget, or the breaker is open: try again later)
or `ReadingRefusedError` (the whole answer is not believed). A mint a service does not know is `missing`, never an error.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from oof_pipelines.interfaces import SourceUnavailableError
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

ValueT_co = TypeVar("ValueT_co", covariant=True)


class BreakerOpenError(SourceUnavailableError):
    """The service failed too often in a row and is left alone for a while; nothing was sent."""


@dataclass(frozen=True, slots=True)
class LastGood(Generic[ValueT_co]):
    """The newest value that was believed, and how old it is by now. Never handed out in place of a fresh one unasked."""

    value: ValueT_co
    age_seconds: float


@dataclass(frozen=True, slots=True)
class StreamUp:
    """The stream is open; prices follow."""

    source: str


@dataclass(frozen=True, slots=True)
class StreamDown:
    """The stream ended or failed; it is opened again after a pause."""

    source: str
    reason: str


StreamItem = PriceTick | RefusedReading | StreamUp | StreamDown


class SpotPrices(Protocol):
    """Prices of any mints, now (Jupiter price v3)."""

    async def prices(self, mints: Sequence[str]) -> PriceBatch: ...

    def last_good_price(self, mint: str) -> LastGood[PriceTick] | None: ...


class PriceStream(Protocol):
    """Prices as they are published (Pyth Hermes). `stream` goes on over disconnects until it is closed."""

    def stream(self) -> AsyncGenerator[StreamItem, None]: ...

    def last_good_price(self, mint: str) -> LastGood[PriceTick] | None: ...


class QuoteSource(Protocol):
    """What a swap would bring, now (Jupiter). None where there is no route."""

    async def quote(self, sold_mint: str, bought_mint: str, sold_raw: int, slippage_bps: int) -> Quote | None: ...


class VolumeSource(Protocol):
    """Volumes of a chain's venues over the last day and week (DeFiLlama: all of them, or one venue by its slug)."""

    async def volumes(self) -> VolumeBatch: ...

    async def venue_volumes(self, slug: str) -> VolumeBatch: ...

    def last_good_volumes(self) -> LastGood[VolumeBatch] | None: ...


class CoinVolumeSource(Protocol):
    """Volumes of single coins over the last day (pump.fun); the name of a reading is the mint."""

    async def coin_volumes(self, mints: Sequence[str]) -> VolumeBatch: ...

    def last_good_volume(self, mint: str) -> LastGood[VolumeReading] | None: ...


class KlineSource(Protocol):
    """Bars of an exchange, ascending; at most `limit` (1..1000) that open at or after `from_at`."""

    async def klines(self, symbol: str, interval: str, from_at: datetime | None, limit: int) -> list[Kline]: ...


class DepthSource(Protocol):
    """Order books of an exchange. `snapshots` asks again every period until it is closed."""

    async def snapshot(self, symbol: str) -> DepthSnapshot: ...

    def snapshots(self, symbol: str) -> AsyncGenerator[DepthSnapshot | RefusedReading | StreamDown, None]: ...


class MetadataSource(Protocol):
    """Names, symbols, logos and decimals of mints."""

    async def metadata(self, mints: Sequence[str]) -> MetadataBatch: ...
