"""A day's candles while they are made: folded by stretches of hours, cut by stripes of mints, finished stripe by stripe.

Where the day is one stripe its frames stay in memory; where it is more they wait on disk, and one stripe is in memory at a
time. The rows are the same.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import polars as pl

from oof_pipelines.pricing.candle_columns import TIMEFRAMES
from oof_pipelines.pricing.candles import finish_candles, fold_pieces, of_timeframe, steps_of
from oof_pipelines.pricing.filters import PriceFilters
from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.pricing.stripes import choose_stripes, quote_coins
from oof_pipelines.pricing.trust import no_levels
from oof_pipelines.pricing.two_step import second_steps
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS, timeframe_of
from oof_pipelines.workflows.price_checks import TradeTotals
from oof_pipelines.workflows.priced_trades import TradeOutline

STRIPE_CANDLES = 1_000_000
"""Candles of all timeframes that a stripe has at most, by a bound that is up to twice what there are."""

FEW_CANDLES = 200_000
"""Up to so many are finished in one turn: what they cost there is by the call and not by the row."""


class Frames(Protocol):
    """Frames put aside by name."""

    def add(self, name: str, frame: pl.DataFrame) -> None:
        """Put a frame behind those that the name has."""
        ...

    def frames(self, name: str) -> list[pl.DataFrame]:
        """The name's frames in the order in which they came; none where it has none."""
        ...

    def drop(self, name: str) -> None:
        """Forget the name's frames."""
        ...


class HeldFrames:
    """Frames in memory."""

    def __init__(self) -> None:
        self._frames: dict[str, list[pl.DataFrame]] = {}

    def add(self, name: str, frame: pl.DataFrame) -> None:
        self._frames.setdefault(name, []).append(frame)

    def frames(self, name: str) -> list[pl.DataFrame]:
        return list(self._frames.get(name, []))

    def drop(self, name: str) -> None:
        self._frames.pop(name, None)


class StripedCandles:
    """One day's candles. `fold`, then `finish`, then read them by stripe or by dataset."""

    def __init__(self, outline: TradeOutline, spilled: Frames) -> None:
        self._stripes = choose_stripes(outline.pairs, STRIPE_CANDLES)
        self._coins = quote_coins(outline.pairs)
        self._decimals = outline.decimals
        self._frames = spilled if self._stripes.count > 1 else HeldFrames()
        self._steps: list[pl.DataFrame] = []
        self._counts = [0] * self._stripes.count

    def fold(self, stretches: Iterable[list[pl.DataFrame]], filters: PriceFilters) -> TradeTotals:
        """Fold a day's stretches, ascending; what their trades say by themselves."""
        totals, levels = TradeTotals(), no_levels()
        for pieces in stretches:
            for piece in pieces:
                totals = totals.plus(piece)
            stretch = fold_pieces(pieces, self._decimals, filters, levels)
            levels = stretch.levels
            if self._coins.len():
                self._steps.append(steps_of(stretch.by_timeframe["1m"], self._coins))
            for timeframe, candles in stretch.by_timeframe.items():
                for number, part in self._stripes.cut(candles):
                    self._counts[number] += part.height
                    self._frames.add(_folded(number, timeframe), part)
        return totals

    def finish(self, reference: ReferencePrices) -> None:
        """Add what is known of each candle only when the whole day is folded, stripe by stripe."""
        steps = pl.concat([second_steps(_none("price_1m")), *self._steps])
        self._steps = []
        for number, count in enumerate(self._counts):
            if not count:
                continue
            every = tuple(TIMEFRAMES)
            for turn in [every] if count <= FEW_CANDLES else [(timeframe,) for timeframe in every]:
                self._finish_turn(number, turn, steps, reference)

    def stripes(self) -> Iterator[dict[str, pl.DataFrame]]:
        """The finished candles of each stripe by dataset, in the datasets' columns and order."""
        for number in range(self._stripes.count):
            yield {
                name: pl.concat(self._frames.frames(_made(number, name)) or [_none(name)]) for name in CANDLE_DATASETS
            }

    def pieces(self, dataset: str) -> Iterator[pl.DataFrame]:
        """A dataset's finished candles, in pieces that follow each other in its order."""
        for number in range(self._stripes.count):
            yield from self._frames.frames(_made(number, dataset))

    def _finish_turn(
        self, number: int, timeframes: tuple[str, ...], steps: pl.DataFrame, reference: ReferencePrices
    ) -> None:
        names = [_folded(number, timeframe) for timeframe in timeframes]
        folded = pl.concat([frame for name in names for frame in self._frames.frames(name)])
        for name in names:
            self._frames.drop(name)
        finished = finish_candles(folded, steps, reference)
        del folded
        for name, dataset in CANDLE_DATASETS.items():
            if timeframe_of(name) in timeframes:
                own = finished if len(timeframes) == 1 else of_timeframe(finished, timeframe_of(name))
                self._frames.add(_made(number, name), dataset.arrange(own))


def _none(dataset: str) -> pl.DataFrame:
    return pl.DataFrame(schema=CANDLE_DATASETS[dataset].columns)


def _folded(stripe: int, timeframe: str) -> str:
    return f"folded-{stripe:05}-{timeframe}"


def _made(stripe: int, dataset: str) -> str:
    return f"finished-{stripe:05}-{dataset}"
