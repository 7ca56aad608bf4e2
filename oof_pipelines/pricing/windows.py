"""Minute prices in dollars as a wallet's story needs them: at an instant, and the highest and lowest of a window.

Only candles of one minute that are a coin's primary ones and have a price in dollars are here, whatever their age, so that an
answer about the past stays the same as time goes on. A price is a candle's volume-weighted mean, never a single trade's.
Plain Python: a wallet asks tens of thousands of questions about a few candles each; columns would answer each too slowly.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy

import msgspec

STALE_AFTER_S = 3_600
"""An hour after its end a candle answers for no instant any more, as in pricing/lookup.py."""

_BLOCK = 128
# Above and below every price, which has at most 38 digits.
_ABOVE_ALL = 10**40
_BELOW_ALL = -1


class MinuteCandle(msgspec.Struct, frozen=True, gc=False):
    """What the market made of one coin in one minute, [start_s, end_s), known from `end_s` on.

    Times are whole seconds since 1970, UTC. Prices and volume are whole numbers of 10^-18 dollars, a whole coin's and of all
    believed trades. `signers` counts the different fee payers behind the `trades`. `quote_reserve_usd_e18` is the least that
    a pool of a believed trade held of its money, None where none shows it. `source` says how the price was made (swaps,
    swaps_two_step), `usd_source` whose word the dollars are (par, klines, pyth, jupiter). `confidence_e18` is that of the
    candle times that of its dollars, from 0 to 10^18.
    """

    mint: str
    start_s: int
    end_s: int
    vwap_usd_e18: int
    close_usd_e18: int
    volume_usd_e18: int
    trades: int
    signers: int
    quote_reserve_usd_e18: int | None
    source: str
    usd_source: str
    confidence_e18: int


class PriceWindows:
    """Candles by mint, each mint's in the order of time. Raises `ValueError` where one is out of order or of another mint.

    What a question about a mint costs does not grow with the other mints; a window's extreme costs a step for each of its
    blocks of candles.
    """

    def __init__(self, candles: Mapping[str, Sequence[MinuteCandle]]) -> None:
        self._by_mint: dict[str, _MintCandles] = {mint: _MintCandles(mint, rows) for mint, rows in candles.items()}

    @classmethod
    def of(cls, candles: Iterable[MinuteCandle]) -> "PriceWindows":
        """From candles in any order."""
        by_mint: dict[str, list[MinuteCandle]] = {}
        for candle in sorted(candles, key=lambda one: (one.mint, one.start_s)):
            by_mint.setdefault(candle.mint, []).append(candle)
        return cls(by_mint)

    def at(self, mint: str, at_s: int) -> MinuteCandle | None:
        """The newest candle that had ended by `at_s`, if it ended no more than `STALE_AFTER_S` before. O(log n)."""
        own = self._by_mint.get(mint)
        place = bisect_right(own.ends, at_s) - 1 if own is not None else -1
        if own is None or place < 0 or at_s - own.ends[place] > STALE_AFTER_S:
            return None
        return own.candles[place]

    def without_extremes(self, mint: str, starts_s: Collection[int]) -> "PriceWindows":
        """Of this mint alone the same, but candles that begin at a second of `starts_s` are neither highest nor lowest.

        What `at` and `candles` answer stays. Costs a copy of the mint's prices, and a block for each such candle, when an
        extreme is first asked for.
        """
        view = PriceWindows({})
        own = self._by_mint.get(mint)
        if own is not None:
            view._by_mint[mint] = _MaskedCandles(own, starts_s)
        return view

    def highest(self, mint: str, since_s: int, until_s: int, least_volume_usd_e18: int) -> MinuteCandle | None:
        """The candle wholly inside [since_s, until_s] with the highest mean price, of equal ones the earliest.

        Candles of less than `least_volume_usd_e18` do not count.
        """
        return self._extreme(mint, since_s, until_s, least_volume_usd_e18, is_highest=True)

    def lowest(self, mint: str, since_s: int, until_s: int, least_volume_usd_e18: int) -> MinuteCandle | None:
        """As `highest`, the one with the lowest mean price, of equal ones the earliest."""
        return self._extreme(mint, since_s, until_s, least_volume_usd_e18, is_highest=False)

    def candles(self, mint: str, since_s: int, until_s: int) -> Sequence[MinuteCandle]:
        """The candles wholly inside [since_s, until_s], in the order of time."""
        own = self._by_mint.get(mint)
        if own is None:
            return ()
        first, end = own.inside(since_s, until_s)
        return own.candles[first:end]

    def _extreme(
        self, mint: str, since_s: int, until_s: int, least_volume: int, *, is_highest: bool
    ) -> MinuteCandle | None:
        own = self._by_mint.get(mint)
        if own is None:
            return None
        place = own.extremes(least_volume, is_highest=is_highest).best(*own.inside(since_s, until_s))
        return None if place is None else own.candles[place]


class _MintCandles:
    """One mint's candles, and by volume floor what finds their extremes, made when first asked for."""

    def __init__(self, mint: str, candles: Sequence[MinuteCandle]) -> None:
        self.candles = candles
        self.starts = [candle.start_s for candle in candles]
        self.ends = [candle.end_s for candle in candles]
        self._extremes: dict[tuple[int, bool], _Blocks] = {}
        strange = next((candle for candle in candles if candle.mint != mint), None)
        if strange is not None:
            raise ValueError(f"candles of {mint}: one is of {strange.mint}")
        ends_before = [self.starts[0], *self.ends] if candles else []
        for start_s, end_s, end_before_s in zip(self.starts, self.ends, ends_before, strict=False):
            if end_s <= start_s or start_s < end_before_s:
                raise ValueError(f"candles of {mint}: the one from {start_s} to {end_s} is out of order")

    def inside(self, since_s: int, until_s: int) -> tuple[int, int]:
        """First place, and one past the last, of the candles wholly inside."""
        return bisect_left(self.starts, since_s), bisect_right(self.ends, until_s)

    def extremes(self, least_volume: int, *, is_highest: bool) -> "_Blocks":
        """What finds the highest, or the lowest, of those that count."""
        key = (least_volume, is_highest)
        made = self._extremes.get(key)
        if made is None:
            made = self._extremes[key] = self._blocks(least_volume, is_highest=is_highest)
        return made

    def _blocks(self, least_volume: int, *, is_highest: bool) -> "_Blocks":
        uncounted = _BELOW_ALL if is_highest else _ABOVE_ALL
        prices = [one.vwap_usd_e18 if one.volume_usd_e18 >= least_volume else uncounted for one in self.candles]
        return _Blocks(prices, is_highest=is_highest)


class _MaskedCandles(_MintCandles):
    """One mint's candles without some extremes. Lists are shared with the whole they are of; it was checked."""

    def __init__(self, whole: _MintCandles, starts_s: Collection[int]) -> None:
        self.candles = whole.candles
        self.starts = whole.starts
        self.ends = whole.ends
        self._extremes = {}
        self._whole = whole
        places = ((bisect_left(self.starts, start_s), start_s) for start_s in starts_s)
        self._places = [
            place for place, start_s in places if place < len(self.starts) and self.starts[place] == start_s
        ]

    def _blocks(self, least_volume: int, *, is_highest: bool) -> "_Blocks":
        return self._whole.extremes(least_volume, is_highest=is_highest).without(self._places)


class _Blocks:
    """Prices with the extreme of each block of them: a window looks into the blocks at its edges alone."""

    def __init__(self, prices: list[int], *, is_highest: bool) -> None:
        self._prices = prices
        self._best = max if is_highest else min
        self._uncounted = _BELOW_ALL if is_highest else _ABOVE_ALL
        self._blocks = [self._best(prices[first : first + _BLOCK]) for first in range(0, len(prices), _BLOCK)]

    def without(self, places: Iterable[int]) -> "_Blocks":
        """A copy in which the prices at these places do not count."""
        copied = copy(self)
        copied._prices, copied._blocks = self._prices.copy(), self._blocks.copy()
        touched = set()
        for place in places:
            copied._prices[place] = self._uncounted
            touched.add(place // _BLOCK)
        for block in touched:
            first = block * _BLOCK
            copied._blocks[block] = self._best(copied._prices[first : first + _BLOCK])
        return copied

    def best(self, first: int, end: int) -> int | None:
        """The place of the extreme among places `first` to before `end`, of equal ones the first."""
        if first >= end:
            return None
        first_block, last_block = -(-first // _BLOCK), end // _BLOCK
        if first_block >= last_block:
            return self._within(first, end)
        parts = [
            part
            for part in (
                self._within(first, first_block * _BLOCK),
                self._within_blocks(first_block, last_block),
                self._within(last_block * _BLOCK, end),
            )
            if part is not None
        ]
        # max and min both keep the first of equals.
        return self._best(parts, key=lambda place: self._prices[place]) if parts else None

    def _within(self, first: int, end: int) -> int | None:
        if first >= end:
            return None
        price = self._best(self._prices[first:end])
        return None if price == self._uncounted else self._prices.index(price, first, end)

    def _within_blocks(self, first_block: int, last_block: int) -> int | None:
        price = self._best(self._blocks[first_block:last_block])
        if price == self._uncounted:
            return None
        first = self._blocks.index(price, first_block, last_block) * _BLOCK
        return self._prices.index(price, first, first + _BLOCK)
