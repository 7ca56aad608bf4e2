"""Binance's public market data: klines, and order books polled every 250 ms.

Books are polled (GET /api/v3/depth) and not streamed: four requests a second of weight 5 are a fifth of the 6,000 a minute
that an address has, a lost answer is followed by a whole book a quarter of a second later, and the partial depth stream
(@100ms) states no instant either. No key is needed. https://developers.binance.com/docs/binance-spot-api-docs
"""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import msgspec

from oof_pipelines.interfaces import SourceRefusedError, SourceUnavailableError
from oof_pipelines.market_interfaces import LastGood, StreamDown
from oof_pipelines.pricing.readings import (
    BINANCE,
    DepthLevel,
    DepthSnapshot,
    Kline,
    ReadingRefusedError,
    RefusedReading,
)
from oof_pipelines.transport.market.last_good import LastGoodValues
from oof_pipelines.transport.market.plausibility import MOST_AHEAD, check_price, check_volume
from oof_pipelines.transport.market.service import MarketService, ServiceClient, ServicePolicy
from oof_pipelines.transport.market.wire import MillisecondsOfEpoch

BINANCE_POLICY = ServicePolicy(requests=10, timeout_seconds=5.0, attempts=3, give_up_seconds=10.0, most_bytes=2**20)
DEPTH_PERIOD_SECONDS = 0.25
MOST_KLINES = 1000
INTERVAL_SECONDS = {
    "1m": 60,
    "3m": 180,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "2h": 7200,
    "4h": 14_400,
    "6h": 21_600,
    "8h": 28_800,
    "12h": 43_200,
    "1d": 86_400,
}
"""Intervals of a fixed length; weeks and months are not read here."""

_DEPTH_LEVELS = 20
# A newest bar may lag by the one that is being made, and a quiet minute or two.
_STALE_BARS = 3


class _Bar(msgspec.Struct, array_like=True):
    """The twelve columns of a kline; the last three (taker volumes, one that is unused) are not read."""

    open_ms: MillisecondsOfEpoch
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    base_volume: Decimal
    close_ms: MillisecondsOfEpoch
    quote_volume: Decimal
    trades: int


class _Level(msgspec.Struct, array_like=True):
    price: Decimal
    quantity: Decimal


class _Book(msgspec.Struct, rename="camel"):
    last_update_id: int
    bids: list[_Level]
    asks: list[_Level]


_decode_bars = msgspec.json.Decoder(list[_Bar]).decode
_decode_book = msgspec.json.Decoder(_Book).decode


class BinanceClient(ServiceClient):
    """`KlineSource` and `DepthSource` over one `MarketService` of the source `binance`. Symbols as SOLUSDT."""

    def __init__(self, service: MarketService) -> None:
        super().__init__(service)
        self._last_good: LastGoodValues[DepthSnapshot] = LastGoodValues(service.clock)

    async def klines(self, symbol: str, interval: str, from_at: datetime | None, limit: int) -> list[Kline]:
        """Bars ascending, the newest `limit` ones where `from_at` is None. An answer with one bad bar is refused whole."""
        if interval not in INTERVAL_SECONDS or not 1 <= limit <= MOST_KLINES:
            raise ValueError(f"no interval {interval!r}, or a limit ({limit}) outside 1 to {MOST_KLINES}")
        parameters = [("symbol", symbol), ("interval", interval), ("limit", str(limit))]
        if from_at is not None:
            parameters.append(("startTime", str(_milliseconds(from_at))))
        answer = await self.service.get("/api/v3/klines", _decode_bars, parameters)
        klines = [_kline(symbol, interval, bar, answer.came_at) for bar in answer.value]
        for earlier, later in pairwise(klines):
            if later.open_at < earlier.close_at:
                raise ReadingRefusedError(BINANCE, symbol, "the bars are not in order")
        if from_at is None:
            _check_newest(symbol, interval, klines, answer.came_at)
        elif klines and klines[0].open_at < from_at:
            raise ReadingRefusedError(BINANCE, symbol, "bars from before the time asked for")
        return klines

    async def snapshot(self, symbol: str) -> DepthSnapshot:
        """The best 20 levels of either side, now."""
        parameters = [("symbol", symbol), ("limit", str(_DEPTH_LEVELS))]
        answer = await self.service.get("/api/v3/depth", _decode_book, parameters)
        snapshot = _snapshot(symbol, answer.value, answer.came_at)
        before = self._last_good.of(symbol)
        if before is not None and snapshot.last_update_id < before.value.last_update_id:
            raise ReadingRefusedError(BINANCE, symbol, "stale: an older book than the one before")
        self._last_good.remember(symbol, snapshot)
        return snapshot

    def last_good_snapshot(self, symbol: str) -> LastGood[DepthSnapshot] | None:
        """The newest believed book, with its age."""
        return self._last_good.of(symbol)

    async def snapshots(self, symbol: str) -> AsyncGenerator[DepthSnapshot | RefusedReading | StreamDown, None]:
        """A book every 250 ms, or what stood in its way; slots that a slow answer ran into are skipped. For ever."""
        clock = self.service.clock
        due_s = clock.monotonic_s()
        while True:
            try:
                yield await self.snapshot(symbol)
            except ReadingRefusedError as error:
                yield RefusedReading(error.source, error.subject, error.reason, clock.now())
            except (SourceUnavailableError, SourceRefusedError) as error:
                yield StreamDown(BINANCE, str(error))
            missed = int((clock.monotonic_s() - due_s) / DEPTH_PERIOD_SECONDS)
            due_s += (missed + 1) * DEPTH_PERIOD_SECONDS
            await clock.sleep(max(0.0, due_s - clock.monotonic_s()))


def _kline(symbol: str, interval: str, bar: _Bar, came_at: datetime) -> Kline:
    for name, price in (("open", bar.open), ("high", bar.high), ("low", bar.low), ("close", bar.close)):
        check_price(BINANCE, symbol, name, price)
    for name, volume in (("volume", bar.base_volume), ("quote volume", bar.quote_volume)):
        check_volume(BINANCE, symbol, name, volume)
    if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        raise ReadingRefusedError(BINANCE, symbol, "a bar whose open or close is outside low and high")
    if bar.trades < 0:
        raise ReadingRefusedError(BINANCE, symbol, "a bar with a negative number of trades")
    if bar.close_ms + 1 - bar.open_ms != INTERVAL_SECONDS[interval] * 1000:
        raise ReadingRefusedError(BINANCE, symbol, f"a bar that is not {interval} long")
    open_at = datetime.fromtimestamp(bar.open_ms // 1000, UTC)
    # Beside being no bar of now, it would be where the next asking goes on from, or end beyond the calendar.
    if open_at - came_at > MOST_AHEAD:
        raise ReadingRefusedError(BINANCE, symbol, f"a bar that begins at {open_at:%Y-%m-%d %H:%M} has not begun")
    close_at = open_at + timedelta(seconds=INTERVAL_SECONDS[interval])
    return Kline(
        source=BINANCE,
        symbol=symbol,
        interval=interval,
        open_at=open_at,
        close_at=close_at,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        base_volume=bar.base_volume,
        quote_volume=bar.quote_volume,
        trades=bar.trades,
        is_closed=close_at <= came_at,
    )


def _check_newest(symbol: str, interval: str, klines: list[Kline], came_at: datetime) -> None:
    if not klines:
        raise ReadingRefusedError(BINANCE, symbol, "no bar at all")
    age_seconds = (came_at - klines[-1].open_at).total_seconds()
    if age_seconds > _STALE_BARS * INTERVAL_SECONDS[interval]:
        raise ReadingRefusedError(BINANCE, symbol, f"stale: the newest bar began {age_seconds:.0f} s ago")


def _snapshot(symbol: str, book: _Book, came_at: datetime) -> DepthSnapshot:
    bids, asks = _levels(symbol, book.bids), _levels(symbol, book.asks)
    if not bids or not asks:
        raise ReadingRefusedError(BINANCE, symbol, "a book with an empty side")
    is_sorted = all(above.price > below.price for above, below in pairwise(bids)) and all(
        below.price < above.price for below, above in pairwise(asks)
    )
    if not is_sorted or bids[0].price >= asks[0].price:
        raise ReadingRefusedError(BINANCE, symbol, "a book that is crossed or out of order")
    return DepthSnapshot(BINANCE, symbol, bids, asks, book.last_update_id, came_at)


def _levels(symbol: str, levels: list[_Level]) -> tuple[DepthLevel, ...]:
    for level in levels:
        check_price(BINANCE, symbol, "price", level.price)
        check_volume(BINANCE, symbol, "quantity", level.quantity)
    return tuple(DepthLevel(level.price, level.quantity) for level in levels)


def _milliseconds(instant: datetime) -> int:
    return int((instant - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
