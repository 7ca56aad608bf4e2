"""Prices for many wallets' stories: candles of one minute by coin and SOL by minute, read when first asked for.

One `MinuteCandles` serves all buckets of a run: a coin's candles are read once, while they fit in memory, and whoever asks
for several coins has them read in one query. What was read stays what it was, so a run sees one state of the files a coin.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from itertools import chain, repeat
from typing import Any, Protocol

import polars as pl

from oof_pipelines.positions.valuing import CANDLE, UnitPrice
from oof_pipelines.pricing.exact import PLACES, scaled_product, scaled_ratio
from oof_pipelines.pricing.windows import MinuteCandle, PriceWindows

MOST_CANDLES_KEPT = 1_500_000
"""Some 400 bytes each."""

_MINUTE_S = 60


class CandleSource(Protocol):
    """Where candles and reference prices are read, over many days at once."""

    def candles(self, mints: Collection[str], first_day: date, last_day: date) -> pl.DataFrame:
        """The primary candles of `mints` that have a price in dollars, by mint and time."""
        ...

    def sol_rates(self, minutes: Collection[datetime]) -> pl.DataFrame:
        """minute_start, price_usd, source, confidence: a row for each of `minutes` that has a reference price."""
        ...


class CandleCounts(Protocol):
    """Where candles can be counted without being read."""

    def candle_counts(self, mints: Collection[str], first_day: date, last_day: date) -> dict[str, int]:
        """How many candles `candles` would give of each of `mints`; a mint without any may be missing."""
        ...


class MinuteCandles:
    """Candles of the days from `first_day` to `last_day`, both included, by coin."""

    def __init__(
        self, source: CandleSource, first_day: date, last_day: date, *, most_kept: int = MOST_CANDLES_KEPT
    ) -> None:
        self._source = source
        self._first_day, self._last_day = first_day, last_day
        self._most_kept = most_kept
        self._by_mint: dict[str, list[MinuteCandle]] = {}
        self._kept = 0
        self._newest: tuple[list[str], PriceWindows] | None = None
        self._left_out: frozenset[str] = frozenset()
        self.read_count = 0
        """Candles read from the source so far."""

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day, both included."""
        return self._first_day, self._last_day

    def leave_out(self, mints: Collection[str]) -> None:
        """From now on these coins have no candles, and none of them are read."""
        self._left_out = frozenset(mints)
        self._newest = None

    def windows(self, mints: Collection[str]) -> PriceWindows:
        """What is known of these coins; those that never had a price are simply not there."""
        wanted = sorted(set(mints) - self._left_out)
        if self._newest is not None and self._newest[0] == wanted:
            return self._newest[1]
        missing = [mint for mint in wanted if mint not in self._by_mint]
        if missing:
            read = candles_by_mint(self._source.candles(missing, self._first_day, self._last_day))
            coming = sum(map(len, read.values()))
            self.read_count += coming
            self._make_room(set(wanted), coming)
            for mint in missing:
                self._by_mint[mint] = read.get(mint, [])
                self._kept += len(self._by_mint[mint])
        windows = PriceWindows({mint: self._by_mint[mint] for mint in wanted if self._by_mint[mint]})
        # One story asks for the same coins several times.
        self._newest = wanted, windows
        return windows

    def _make_room(self, wanted: Collection[str], coming: int) -> None:
        """Drop what was asked for longest ago, never what is wanted now."""
        for mint in [mint for mint in self._by_mint if mint not in wanted]:
            if self._kept + coming <= self._most_kept:
                return
            self._kept -= len(self._by_mint.pop(mint))


def candles_by_mint(frame: pl.DataFrame) -> dict[str, list[MinuteCandle]]:
    """Rows of price_1m (by mint and time) as candles by mint, each mint's in the order of time."""
    candles = _candles(frame)
    runs = frame["mint"].rle().struct.unnest()
    by_mint: dict[str, list[MinuteCandle]] = {}
    first = 0
    for length, mint in zip(runs["len"], runs["value"], strict=True):
        by_mint[mint] = candles[first : first + length]
        first += length
    return by_mint


def _candles(frame: pl.DataFrame) -> list[MinuteCandle]:
    # The reserve is in base units of the quote, and a quote unit is worth quote_usd.
    reserve = scaled_ratio(
        frame["quote_reserve_raw"],
        PLACES - frame["quote_decimals"].cast(pl.Int64),
        pl.repeat(1, frame.height, eager=True),
    )
    columns = (
        frame["mint"],
        frame["bucket_start"].dt.epoch("s"),
        frame["available_at"].dt.epoch("s"),
        frame["vwap_usd"].to_physical(),
        frame["close_usd"].to_physical(),
        frame["volume_usd"].to_physical().fill_null(0),
        frame["trades"],
        frame["signers"],
        scaled_product(reserve, frame["quote_usd"].to_physical()),
        frame["source"],
        frame["usd_source"],
        scaled_product(frame["confidence"].to_physical(), frame["usd_confidence"].to_physical()).fill_null(0),
    )
    return list(map(MinuteCandle, *map(_values, columns)))


def _values(column: pl.Series) -> list[Any]:
    """The column's values; of texts, which come in long runs, one object a run."""
    if column.dtype != pl.String:
        return column.to_list()
    runs = column.rle().struct.unnest()
    return list(chain.from_iterable(map(repeat, runs["value"], runs["len"])))


class CandlePrices:
    """What coins were worth, from candles: the newest that had ended, if it ended no longer than an hour before."""

    def __init__(self, windows: PriceWindows) -> None:
        self._windows = windows

    def at(self, mint: str, at_s: int) -> UnitPrice | None:
        candle = self._windows.at(mint, at_s)
        return None if candle is None else UnitPrice(candle.vwap_usd_e18, CANDLE, candle.confidence_e18)


class MinuteRates:
    """What a SOL was worth: the reference price known at the start of a second's minute, as candles take it."""

    def __init__(self, by_minute: Mapping[int, UnitPrice]) -> None:
        self._by_minute = by_minute

    def at(self, at_s: int) -> UnitPrice | None:
        return self._by_minute.get(at_s - at_s % _MINUTE_S)


def sol_rates(source: CandleSource, seconds: Iterable[int]) -> MinuteRates:
    """The SOL prices of the minutes that these seconds lie in, read in one query."""
    minutes = {second - second % _MINUTE_S for second in seconds}
    frame = source.sol_rates([datetime.fromtimestamp(minute, UTC) for minute in minutes])
    columns = (
        frame["minute_start"].dt.epoch("s"),
        frame["price_usd"].to_physical(),
        frame["source"],
        frame["confidence"].to_physical(),
    )
    rows = zip(*(column.to_list() for column in columns), strict=True)
    return MinuteRates({minute: UnitPrice(price, who, sure) for minute, price, who, sure in rows})
