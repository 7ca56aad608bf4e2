"""Idle: OOF tokens in the wallet for a day and longer, which staking would have paid for.

What is not in the wallet is not idle: staking moves tokens to the program's accounts, as does putting them into a pool or
sending them away. A stretch lasts from the first token to the last; within it the balance may go up and down.
"""

import hashlib
from collections.abc import Iterator, Sequence
from fractions import Fraction

import msgspec

from oof_pipelines.detectors.input import DAY_S, BalanceChange, DetectorInput
from oof_pipelines.detectors.moment import (
    FINAL,
    IDLE,
    ONE_E18,
    OPEN,
    Explained,
    Moment,
    clamped_e18,
    decimal_of_e18,
    moment_id,
    rounded_e18,
    seen_until,
    text_of_e18,
)
from oof_pipelines.detectors.seen_prices import (
    SeenPrices,
    explained_candle,
    explained_share,
    joined_sources,
    least_confidence_e18,
    source_of,
)
from oof_pipelines.pricing.windows import MinuteCandle

HOUR_S = 3_600
_YEAR_DAYS = 365


class Stretch(msgspec.Struct, frozen=True):
    """A balance above nothing from `start` on, up to `end_s`; `is_over` where it came to nothing then.

    `unit_seconds` is base units times seconds, `steps` are (from second, balance).
    """

    start: BalanceChange
    end_s: int
    is_over: bool
    unit_seconds: int
    steps: tuple[tuple[int, int], ...]


class MeanPrice(msgspec.Struct, frozen=True):
    """A price averaged over time, of the seconds that have one."""

    usd_e18: Fraction
    priced_seconds: int
    candles: tuple[MinuteCandle, ...]


def stretches_of(changes: Sequence[BalanceChange], as_of_s: int) -> Iterator[Stretch]:
    """Maximal stretches of a balance above nothing; the last one reaches to `as_of_s`.

    Changes of one second are taken together, so that what leaves and comes back within it ends nothing.
    """
    balance_raw, unit_seconds = 0, 0
    start: BalanceChange | None = None
    steps: list[tuple[int, int]] = []
    for place, change in enumerate(changes):
        if start is not None:
            unit_seconds += balance_raw * (change.at_s - steps[-1][0])
        # More may have left than was seen to come in: nobody holds less than nothing.
        balance_raw = max(0, balance_raw + change.change_raw)
        if start is None:
            if not balance_raw:
                continue
            start, steps, unit_seconds = change, [], 0
        steps.append((change.at_s, balance_raw))
        is_last_of_second = place + 1 == len(changes) or changes[place + 1].at_s != change.at_s
        if not balance_raw and is_last_of_second:
            if unit_seconds:
                yield Stretch(start, change.at_s, True, unit_seconds, tuple(steps))
            start = None
    if start is not None and balance_raw:
        unit_seconds += balance_raw * (as_of_s - steps[-1][0])
        yield Stretch(start, as_of_s, False, unit_seconds, tuple(steps))


class Idle:
    """A moment a stretch, as far as the OOF token has a price in it."""

    kind = IDLE
    version = 1

    def detect(self, seen: DetectorInput) -> list[Moment]:
        """The moments of an input, in the order of its stretches; none where no OOF token is configured."""
        if not seen.idle_mint:
            return []
        prices = SeenPrices(seen)
        changes = [change for change in seen.idle_changes if change.at_s <= seen.as_of_s]
        found = (self._of_stretch(seen, prices, stretch) for stretch in stretches_of(changes, seen.as_of_s))
        return [moment for moment in found if moment is not None]

    def _of_stretch(self, seen: DetectorInput, prices: SeenPrices, stretch: Stretch) -> Moment | None:
        limits, start = seen.thresholds.idle, stretch.start
        seconds = stretch.end_s - start.at_s
        if seconds < limits.least_seconds or start.decimals is None:
            return None
        mean = mean_price(prices, seen.idle_mint, start.at_s, stretch.end_s)
        if mean is None:
            return None
        rate = Fraction(limits.apr_share_e18, ONE_E18 * _YEAR_DAYS)
        token_days = Fraction(stretch.unit_seconds, 10**start.decimals * DAY_S)
        missed = token_days * rate * mean.usd_e18 / ONE_E18
        if missed * ONE_E18 < limits.least_missed_usd_e18:
            return None
        return Moment(
            id=moment_id(IDLE, start.wallet, seen.idle_mint, start.signature, start.path),
            wallet=start.wallet,
            mint=seen.idle_mint,
            kind=IDLE,
            t_event_s=start.at_s,
            window_start_s=start.at_s,
            window_end_s=stretch.end_s,
            pct=decimal_of_e18(rounded_e18(rate * seconds / DAY_S)),
            missed_usd_e18=rounded_e18(missed),
            reachable_usd_e18=None,
            severity=decimal_of_e18(clamped_e18(missed * ONE_E18 / limits.full_severity_usd_e18)),
            signature=start.signature,
            path=start.path,
            slot=start.slot,
            version=str(self.version),
            status=FINAL if stretch.is_over else OPEN,
            price_source=joined_sources(source_of(candle) for candle in mean.candles),
            confidence=decimal_of_e18(least_confidence_e18(candle.confidence_e18 for candle in mean.candles)),
            explain=self._explained(seen, stretch, mean),
        )

    def _explained(self, seen: DetectorInput, stretch: Stretch, mean: MeanPrice) -> dict[str, Explained]:
        limits = seen.thresholds.idle
        return {
            "detector": f"{IDLE} {self.version}",
            "seen_until_s": seen_until(stretch.end_s, seen.as_of_s),
            "signature": stretch.start.signature,
            "began_by": stretch.start.kind,
            "is_over": "true" if stretch.is_over else "false",
            "balances": [{"from_s": str(at_s), "balance_raw": str(balance)} for at_s, balance in stretch.steps],
            "decimals": str(stretch.start.decimals),
            "balance_raw_times_seconds": str(stretch.unit_seconds),
            "average_price_usd": text_of_e18(rounded_e18(mean.usd_e18 / ONE_E18)),
            "priced_seconds": str(mean.priced_seconds),
            "seconds": str(stretch.end_s - stretch.start.at_s),
            "prices": _explained_prices(mean.candles),
            "thresholds": {
                "least_seconds": str(limits.least_seconds),
                "least_missed_usd": explained_share(limits.least_missed_usd_e18),
                "apr_share": explained_share(limits.apr_share_e18),
                "full_severity_usd": explained_share(limits.full_severity_usd_e18),
            },
        }


def _explained_prices(candles: Sequence[MinuteCandle]) -> dict[str, Explained]:
    """The hourly prices: the outermost of them, and a digest of all, which are too many to list."""
    lines = [f"{candle.start_s} {text_of_e18(candle.vwap_usd_e18)}" for candle in candles]
    lowest = min(candles, key=lambda one: (one.vwap_usd_e18, one.start_s))
    highest = min(candles, key=lambda one: (-one.vwap_usd_e18, one.start_s))
    return {
        "count": str(len(candles)),
        "first": explained_candle(candles[0]),
        "last": explained_candle(candles[-1]),
        "lowest": explained_candle(lowest),
        "highest": explained_candle(highest),
        "sha256_of_lines_start_s_vwap_usd": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    }


def mean_price(prices: SeenPrices, mint: str, since_s: int, until_s: int) -> MeanPrice | None:
    """The mean of the prices known at `since_s` and every hour after, each for the time up to the next; None without any.

    Hours without a price count for nothing. In whole 10^-18 dollars, exactly.
    """
    weighed, priced_seconds = 0, 0
    candles: list[MinuteCandle] = []
    for at_s in range(since_s, until_s, HOUR_S):
        candle = prices.at(mint, at_s)
        if candle is None:
            continue
        seconds = min(at_s + HOUR_S, until_s) - at_s
        weighed += candle.vwap_usd_e18 * seconds
        priced_seconds += seconds
        candles.append(candle)
    return MeanPrice(Fraction(weighed, priced_seconds), priced_seconds, tuple(candles)) if priced_seconds else None
