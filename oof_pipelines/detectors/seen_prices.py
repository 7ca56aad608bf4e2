"""Prices as a wallet's detectors may use them: none from after `as_of`, no peak without volume, none that it made itself."""

from collections.abc import Iterable

from oof_pipelines.detectors.input import DetectorInput
from oof_pipelines.detectors.moment import ONE_E18, Explained, text_of_e18
from oof_pipelines.pricing.windows import MinuteCandle, PriceWindows


class SeenPrices:
    """The windows of an input. A minute in which nobody but the wallet traded the coin is no peak and no trough."""

    def __init__(self, seen: DetectorInput) -> None:
        self.windows: PriceWindows = seen.prices
        self.as_of_s = seen.as_of_s
        self.least_volume_usd_e18 = seen.thresholds.prices.least_volume_usd_e18
        self._own_minutes = seen.own_minutes
        self._alone: dict[str, frozenset[int]] = {}
        self._without_alone: dict[str, PriceWindows] = {}

    def at(self, mint: str, at_s: int) -> MinuteCandle | None:
        """The newest candle known at `at_s`, at most an hour old; None from after `as_of`."""
        return self.windows.at(mint, at_s) if at_s <= self.as_of_s else None

    def highest(self, mint: str, since_s: int, until_s: int) -> MinuteCandle | None:
        """The highest price of others' making wholly inside the window and before `as_of`."""
        until_s = min(until_s, self.as_of_s)
        return self._others(mint).highest(mint, since_s, until_s, self.least_volume_usd_e18)

    def lowest(self, mint: str, since_s: int, until_s: int) -> MinuteCandle | None:
        """As `highest`, the lowest."""
        until_s = min(until_s, self.as_of_s)
        return self._others(mint).lowest(mint, since_s, until_s, self.least_volume_usd_e18)

    def alone(self, mint: str) -> frozenset[int]:
        """The minutes (their first seconds) in which the wallet traded the coin and no other fee payer did."""
        known = self._alone.get(mint)
        if known is None:
            known = frozenset(
                candle.start_s
                for minute_s in self._own_minutes.get(mint, ())
                for candle in self.windows.candles(mint, minute_s, minute_s + 60)
                if candle.signers <= 1
            )
            self._alone[mint] = known
        return known

    def is_peak(self, candle: MinuteCandle) -> bool:
        """Whether it may be a peak or a trough at all: it has the volume, and others had a part in it."""
        return candle.volume_usd_e18 >= self.least_volume_usd_e18 and candle.start_s not in self.alone(candle.mint)

    def _others(self, mint: str) -> PriceWindows:
        """The windows in which the minutes of the wallet alone are no extremes of the mint."""
        known = self._without_alone.get(mint)
        if known is None:
            alone = self.alone(mint)
            known = self.windows.without_extremes(mint, alone) if alone else self.windows
            self._without_alone[mint] = known
        return known


def source_of(candle: MinuteCandle) -> str:
    """How a candle's dollars came about: its source and that of its dollars."""
    return f"{candle.source}:{candle.usd_source}"


def joined_sources(sources: Iterable[str]) -> str:
    """Each once, in order of the alphabet."""
    return ", ".join(sorted({source for source in sources if source}))


def least_confidence_e18(confidences: Iterable[int | None]) -> int:
    """The least of those told; 0 where none is."""
    return min((one for one in confidences if one is not None), default=0)


def explained_candle(candle: MinuteCandle) -> dict[str, Explained]:
    """A candle's inputs as text."""
    reserve = candle.quote_reserve_usd_e18
    return {
        "start_s": str(candle.start_s),
        "end_s": str(candle.end_s),
        "vwap_usd": text_of_e18(candle.vwap_usd_e18),
        "close_usd": text_of_e18(candle.close_usd_e18),
        "volume_usd": text_of_e18(candle.volume_usd_e18),
        "trades": str(candle.trades),
        "signers": str(candle.signers),
        "quote_reserve_usd": "unknown" if reserve is None else text_of_e18(reserve),
        "source": candle.source,
        "usd_source": candle.usd_source,
        "confidence": text_of_e18(candle.confidence_e18),
    }


def explained_share(share_e18: int) -> str:
    """A threshold's share or dollars as short text: 0.25, not 0.250000000000000000."""
    whole, rest = divmod(share_e18, ONE_E18)
    digits = f"{rest:018d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
