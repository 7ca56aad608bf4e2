"""Rug: a coin lost nearly all of its highest price, stayed down for a day, and was held when it fell."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate

import msgspec

from oof_pipelines.detectors.input import DetectorInput, HeldLot
from oof_pipelines.detectors.moment import (
    ONE_E18,
    RUG,
    Explained,
    Moment,
    clamped_e18,
    decimal_of_e18,
    moment_id,
    rounded_e18,
    seen_until,
    status_at,
    text_of_e18,
    value_usd,
)
from oof_pipelines.detectors.seen_prices import (
    SeenPrices,
    explained_candle,
    explained_share,
    joined_sources,
    least_confidence_e18,
    source_of,
)
from oof_pipelines.detectors.thresholds import RugThresholds
from oof_pipelines.pricing.windows import MinuteCandle

HOUR_S = 3_600


class HourClose(msgspec.Struct, frozen=True):
    """The last candle of an hour that ends at `at_s`, and the one with the highest price with volume so far."""

    at_s: int
    last: MinuteCandle
    highest: MinuteCandle | None


class Collapse(msgspec.Struct, frozen=True):
    """A price that stayed down from the hourly close at `onset_s` up to `end_s` at least; `at_end` is the close then."""

    onset_s: int
    end_s: int
    at_onset: HourClose
    at_end: HourClose
    volume_usd_e18: int


def hour_closes(candles: Sequence[MinuteCandle], is_peak: Callable[[MinuteCandle], bool]) -> Iterator[HourClose]:
    """The close of every hour that has a candle, in order. Hours without a trade carry the close before on.

    Only what `is_peak` says may be one is a highest price.
    """
    highest: MinuteCandle | None = None
    for place, candle in enumerate(candles):
        # Asked last: next to no candle is higher than all before.
        if (highest is None or candle.vwap_usd_e18 > highest.vwap_usd_e18) and is_peak(candle):
            highest = candle
        hour = candle.start_s // HOUR_S
        if place + 1 == len(candles) or candles[place + 1].start_s // HOUR_S != hour:
            yield HourClose((hour + 1) * HOUR_S, candle, highest)


def collapses_of(prices: SeenPrices, mint: str, limits: RugThresholds) -> Iterator[Collapse]:
    """Of every time that the coin was down, the first stretch that is long enough and has volume."""
    candles = prices.windows.candles(mint, 0, prices.as_of_s)
    run: list[HourClose] = []
    # An hour that is not over at `as_of` may be among them: it ends a run where it begins, and is too young to begin one.
    for close in hour_closes(candles, prices.is_peak):
        if _is_down(close, limits):
            run.append(close)
        else:
            yield from _collapse(prices, mint, limits, run, close.at_s - HOUR_S)
            run = []
    yield from _collapse(prices, mint, limits, run, prices.as_of_s // HOUR_S * HOUR_S)


def _is_down(close: HourClose, limits: RugThresholds) -> bool:
    if close.highest is None:
        return False
    return close.last.close_usd_e18 * ONE_E18 <= limits.most_close_share_e18 * close.highest.vwap_usd_e18


def _collapse(
    prices: SeenPrices, mint: str, limits: RugThresholds, run: list[HourClose], last_down_s: int
) -> Iterator[Collapse]:
    """Of closes that are all down up to the one at `last_down_s`, the first with volume in the hours after it."""
    if not run:
        return
    length_s = limits.least_hours * HOUR_S
    first_s = run[0].at_s
    candles = prices.windows.candles(mint, first_s, last_down_s)
    starts_s = [candle.start_s for candle in candles]
    volumes = [0, *accumulate(candle.volume_usd_e18 for candle in candles)]
    for onset_s in range(first_s, last_down_s - length_s + 1, HOUR_S):
        # Hours begin and end with minutes, so no candle lies across their ends.
        first, end = bisect_left(starts_s, onset_s), bisect_left(starts_s, onset_s + length_s)
        volume = volumes[end] - volumes[first]
        if volume >= limits.least_volume_usd_e18:
            at_onset, at_end = _close_at(run, onset_s), _close_at(run, onset_s + length_s)
            yield Collapse(onset_s, onset_s + length_s, at_onset, at_end, volume)
            return


def _close_at(run: Sequence[HourClose], at_s: int) -> HourClose:
    """The newest close at an hour's end; what has none of its own carries it on."""
    return run[bisect_right(run, at_s, key=lambda close: close.at_s) - 1]


class Rug:
    """One moment a collapse and last entry before it: who bought nothing since the last collapse was rugged once."""

    kind = RUG
    version = 2

    def detect(self, seen: DetectorInput) -> list[Moment]:
        """The moments of an input, by mint in the order of the first lots, then by onset."""
        prices, by_mint = SeenPrices(seen), dict[str, list[HeldLot]]()
        for lot in seen.lots:
            by_mint.setdefault(lot.mint, []).append(lot)
        found: dict[str, Moment] = {}
        for mint, lots in by_mint.items():
            if self._may_have_collapsed(prices, mint, seen.thresholds.rug):
                for collapse in collapses_of(prices, mint, seen.thresholds.rug):
                    moment = self._of_collapse(seen, lots, collapse)
                    if moment is not None:
                        found.setdefault(moment.id, moment)
        return list(found.values())

    def _may_have_collapsed(self, prices: SeenPrices, mint: str, limits: RugThresholds) -> bool:
        """Whether the lowest close is far enough below the highest price at all: what most coins fail is cheap to ask."""
        candles = prices.windows.candles(mint, 0, prices.as_of_s)
        highest = prices.highest(mint, 0, prices.as_of_s)
        if highest is None:
            return False
        lowest = min(candle.close_usd_e18 for candle in candles)
        return lowest * ONE_E18 <= limits.most_close_share_e18 * highest.vwap_usd_e18

    def _of_collapse(self, seen: DetectorInput, lots: Sequence[HeldLot], collapse: Collapse) -> Moment | None:
        limits = seen.thresholds.rug
        held = [(lot, lot.held_raw(collapse.onset_s)) for lot in lots]
        held = [(lot, units_raw) for lot, units_raw in held if units_raw > 0]
        # Of units that nobody knows the cost of, nobody knows what was lost.
        priced = [(lot, units_raw) for lot, units_raw in held if lot.cost_usd_e18 is not None]
        highest = collapse.at_end.highest
        if not priced or highest is None or any(lot.decimals is None for lot, _units_raw in priced):
            return None
        basis = sum((_cost(lot, units_raw) for lot, units_raw in priced), Fraction(0))
        last = collapse.at_end.last
        left = sum((_worth(lot, units_raw, last) for lot, units_raw in priced), Fraction(0))
        missed = basis - left
        if missed <= 0 or missed * ONE_E18 < limits.least_missed_usd_e18:
            return None
        # The last entry before the fall stands for it: it is an event of the wallet, and no price moves it.
        trigger = held[-1][0]
        confidences = (highest.confidence_e18, last.confidence_e18, *(lot.confidence_e18 for lot, _units_raw in priced))
        sources = (source_of(highest), source_of(last), *(lot.price_source for lot, _units_raw in priced))
        return Moment(
            id=moment_id(RUG, trigger.wallet, trigger.mint, trigger.signature, trigger.path),
            wallet=trigger.wallet,
            mint=trigger.mint,
            kind=RUG,
            t_event_s=collapse.onset_s,
            window_start_s=collapse.onset_s,
            window_end_s=collapse.end_s,
            pct=decimal_of_e18(rounded_e18(Fraction(last.close_usd_e18, highest.vwap_usd_e18) - 1)),
            missed_usd_e18=rounded_e18(missed),
            reachable_usd_e18=None,
            severity=decimal_of_e18(clamped_e18(missed / basis)),
            signature=trigger.signature,
            path=trigger.path,
            slot=trigger.slot,
            version=str(self.version),
            status=status_at(collapse.end_s, seen.as_of_s),
            price_source=joined_sources(sources),
            confidence=decimal_of_e18(least_confidence_e18(confidences)),
            explain=self._explained(seen, collapse, held, basis, left),
        )

    def _explained(
        self,
        seen: DetectorInput,
        collapse: Collapse,
        held: Sequence[tuple[HeldLot, int]],
        basis: Fraction,
        left: Fraction,
    ) -> dict[str, Explained]:
        limits, highest = seen.thresholds.rug, collapse.at_end.highest
        lots: list[Explained] = [
            {
                "signature": lot.signature,
                "path": lot.path,
                "held_raw": str(units_raw),
                "qty_raw": str(lot.qty_raw),
                "cost_usd": "unknown" if lot.cost_usd_e18 is None else text_of_e18(lot.cost_usd_e18),
            }
            for lot, units_raw in held
        ]
        return {
            "detector": f"{RUG} {self.version}",
            "seen_until_s": seen_until(collapse.end_s, seen.as_of_s),
            "signature": held[-1][0].signature,
            "onset_s": str(collapse.onset_s),
            "lots_held_at_onset": lots,
            "decimals": str(held[-1][0].decimals),
            "basis_usd": text_of_e18(rounded_e18(basis)),
            "value_at_end_usd": text_of_e18(rounded_e18(left)),
            "volume_usd": text_of_e18(collapse.volume_usd_e18),
            "all_time_high": "unknown" if highest is None else explained_candle(highest),
            "close_at_onset": explained_candle(collapse.at_onset.last),
            "close_at_end": explained_candle(collapse.at_end.last),
            "thresholds": {
                "most_close_share": explained_share(limits.most_close_share_e18),
                "least_hours": str(limits.least_hours),
                "least_volume_usd": explained_share(limits.least_volume_usd_e18),
                "least_missed_usd": explained_share(limits.least_missed_usd_e18),
                "least_volume_usd_of_a_minute": explained_share(seen.thresholds.prices.least_volume_usd_e18),
            },
        }


def _cost(lot: HeldLot, units_raw: int) -> Fraction:
    """What `units_raw` of a lot cost, in dollars."""
    return Fraction((lot.cost_usd_e18 or 0) * units_raw, lot.qty_raw * ONE_E18)


def _worth(lot: HeldLot, units_raw: int, candle: MinuteCandle) -> Fraction:
    """What `units_raw` of a lot are worth at a candle's close, in dollars."""
    return value_usd(units_raw, lot.decimals or 0, candle.close_usd_e18)
