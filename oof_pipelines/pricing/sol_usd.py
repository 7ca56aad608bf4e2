"""Dollars a SOL out of what each source tells: closing prices of klines, and ticks; with how far each is believed.

klines   0.95 of a minute, 0.9 of up to five, 0.8 of up to fifteen, 0.6 of longer ones; against Tether, taken at par
pyth     1 − 20 × its own interval ÷ price, rounded down to thousandths; 0.8 where it states no interval
jupiter  likewise; it states none
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import floor

from oof_pipelines.pricing.reference import ReferencePrice, ReferencePrices

KLINES = "klines"
MINUTE_S = 60
DAY_S = 86_400

_KLINE_CONFIDENCE = ((60, Decimal("0.95")), (300, Decimal("0.9")), (900, Decimal("0.8")))
_LONG_KLINE_CONFIDENCE = Decimal("0.6")
_NO_INTERVAL_CONFIDENCE = Decimal("0.8")
_INTERVAL_WEIGHT = 20
_THOUSAND = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ClosedKline:
    """The closing price of an interval of `length_s` seconds that ended at `closed_at_s` (whole seconds since 1970)."""

    closed_at_s: int
    length_s: int
    close: Decimal


@dataclass(frozen=True, slots=True)
class Tick:
    """A price as a source published it; `confidence_usd` is half its interval, None where it states none."""

    published_at: datetime
    price_usd: Decimal
    confidence_usd: Decimal | None


def prices_of_klines(klines: list[ClosedKline]) -> list[ReferencePrice]:
    """One price for each instant at which a kline closed: of several, the shortest one's, and of those the lowest."""
    best: dict[int, ClosedKline] = {}
    for kline in sorted(klines, key=lambda one: (one.closed_at_s, one.length_s, one.close)):
        best.setdefault(kline.closed_at_s, kline)
    return [
        ReferencePrice(kline.closed_at_s, kline.close, KLINES, _kline_confidence(kline.length_s), kline.closed_at_s)
        for kline in best.values()
    ]


def prices_of_ticks(ticks: list[Tick], source: str) -> list[ReferencePrice]:
    """One price a second: the last published in it, known when the second ends."""
    last: dict[int, Tick] = {}
    for tick in sorted(ticks, key=lambda one: one.published_at):
        last[_second_after(tick.published_at)] = tick
    return [
        ReferencePrice(second, tick.price_usd, source, _tick_confidence(tick), second) for second, tick in last.items()
    ]


def minute_prices(prices: ReferencePrices, first_s: int) -> list[tuple[int, ReferencePrice]]:
    """(minute's start, price known then) of the day that begins at `first_s`; minutes without one are left out."""
    found = ((minute_s, prices.at(minute_s)) for minute_s in range(first_s, first_s + DAY_S, MINUTE_S))
    return [(minute_s, price) for minute_s, price in found if price is not None]


def _second_after(instant: datetime) -> int:
    """The first whole second that is not before `instant`, in integers: a timestamp as a float is a rounded one."""
    since = instant - _EPOCH
    return since.days * DAY_S + since.seconds + (since.microseconds > 0)


def _kline_confidence(length_s: int) -> Decimal:
    return next((share for longest_s, share in _KLINE_CONFIDENCE if length_s <= longest_s), _LONG_KLINE_CONFIDENCE)


def _tick_confidence(tick: Tick) -> Decimal:
    if tick.confidence_usd is None:
        return _NO_INTERVAL_CONFIDENCE
    interval = Fraction(tick.confidence_usd) / Fraction(tick.price_usd)
    return Decimal(max(0, floor(_THOUSAND * (1 - _INTERVAL_WEIGHT * interval)))) / _THOUSAND
