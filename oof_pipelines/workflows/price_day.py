"""Price a day: its trades become candles of one, five and sixty minutes, checked, written, then served.

Memory is bounded by the busiest hour's trades and a stripe's candles: trades are read some at a time (priced_trades.py), and
candles of more than a stripe wait on disk (priced_stripes.py). The files are a function of market_events, reference_prices
and the thresholds. Both are read under the locks of those that write them, until the candles are served: what is replaced
meanwhile would otherwise look older than they are.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from oof_pipelines.pricing.filters import PriceFilters
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS, REFERENCE_PRICES
from oof_pipelines.storage.parquet.reference_rows import reference_prices
from oof_pipelines.workflows.decode_day import DECODED
from oof_pipelines.workflows.fold import InvalidPartitionError, WrittenFile
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.price_checks import CandleChecks, TradeTotals
from oof_pipelines.workflows.priced_stripes import Frames, StripedCandles
from oof_pipelines.workflows.priced_trades import EventFiles, read_outline, stretches

PRICES = "prices"
"""The lock that whoever writes a day's candles holds: one for all timeframes."""


class PriceStore(EventFiles, Protocol):
    """Where days of market_events and reference_prices are read and days of candles written."""

    def read(self, dataset: str, day: date) -> pl.DataFrame | None: ...

    def spill(self, name: str, day: date) -> AbstractContextManager[Frames]:
        """A place for frames that do not fit in memory, for the block; what a killed run left in it is removed."""
        ...

    def write_pieces(self, dataset: str, day: date, pieces: Iterable[pl.DataFrame]) -> WrittenFile:
        """Replace the day's file by pieces that follow each other in the dataset's order."""
        ...


class ServedCandles(Protocol):
    """The side of the database that serves candles."""

    def lock(self, dataset: str, day: date) -> AbstractContextManager[None]:
        """Exclude every other writer of the partition for the block."""
        ...

    def days_published(self) -> set[date]:
        """Days whose served candles are those of their files."""
        ...

    def begin(self, day: date) -> None:
        """The day's files are about to be replaced; the day counts as published again after `publish`."""
        ...

    def publish(self, day: date, pieces: Mapping[str, Iterable[pl.DataFrame]], sha256: str) -> None:
        """Replace the day's served candles in one transaction; `pieces` are by dataset, `sha256` is the files'."""
        ...


@dataclass(frozen=True, slots=True)
class PriceReport:
    """One day. `files` are by dataset, empty where the day has no market_events. `counts` are for the run's metadata."""

    day: date
    row_counts: dict[str, int]
    counts: dict[str, int | str]
    files: dict[str, WrittenFile]
    checks: tuple[CheckResult, ...]


def price_day(
    store: PriceStore,
    served: ServedCandles,
    filters: PriceFilters,
    day: date,
    *,
    at_step: Callable[[str], None] = lambda _step: None,
) -> PriceReport:
    """Price one day. `at_step` is told each step's name before it is made (tests kill there).

    Raises `InvalidPartitionError` where the rows must not be published: nothing is written then.
    """
    with (
        served.lock(DECODED, day),
        served.lock(REFERENCE_PRICES.name, day),
        served.lock(PRICES, day),
        store.spill(PRICES, day) as spilled,
    ):
        at_step("read")
        outline = read_outline(store, day)
        if outline is None:
            return PriceReport(day, {}, {}, {}, ())
        reference = reference_prices(store.read(REFERENCE_PRICES.name, day))
        candles = StripedCandles(outline, spilled)
        at_step("fold")
        totals = candles.fold(stretches(store, day, outline), filters)
        at_step("finish")
        candles.finish(reference)
        at_step("validate")
        checks, told = CandleChecks(day), _Told()
        for frames in candles.stripes():
            checks.add(frames)
            told.add(frames["price_1m"])
            # One stripe is to be in memory at a time, not this one while the next is read.
            frames.clear()
        results = checks.results(totals)
        if not all(check.has_passed for check in results):
            raise InvalidPartitionError(PRICES, day, results)
        at_step("begin")
        served.begin(day)
        files: dict[str, WrittenFile] = {}
        for name in CANDLE_DATASETS:
            at_step(f"write {name}")
            files[name] = store.write_pieces(name, day, candles.pieces(name))
        at_step("publish")
        pieces = {name: candles.pieces(name) for name in CANDLE_DATASETS}
        served.publish(day, pieces, " ".join(file.sha256 for file in files.values()))
        at_step("done")
    return PriceReport(day, checks.row_counts, told.counts(totals), files, results)


class FileTimes(Protocol):
    """When files were written."""

    def days(self, dataset: str) -> list[date]: ...

    def written_at_ns(self, dataset: str, partition: date) -> int | None: ...


def days_to_price(files: FileTimes, served: ServedCandles) -> list[date]:
    """Days whose candles lag behind: not served, or a file written before the trades or the prices that they are made of."""
    published = served.days_published()
    lagging = []
    for day in files.days(MARKET_EVENTS.name):
        made_at_ns = min(files.written_at_ns(name, day) or 0 for name in CANDLE_DATASETS)
        inputs = (files.written_at_ns(dataset.name, day) or 0 for dataset in (MARKET_EVENTS, REFERENCE_PRICES))
        if day not in published or made_at_ns < max(inputs):
            lagging.append(day)
    return lagging


class _Told:
    """What a run says of a day's candles, counted stripe by stripe. A mint is in one stripe alone."""

    def __init__(self) -> None:
        self._mints = 0
        columns = (name for name in CANDLE_DATASETS["price_1m"].columns if name.startswith("excluded_"))
        self._excluded = {name: 0 for name in columns if not name.endswith("_raw")}
        self._sources: set[str] = set()

    def add(self, minutes: pl.DataFrame) -> None:
        self._mints += minutes["mint"].n_unique()
        for name in self._excluded:
            self._excluded[name] += int(minutes[name].cast(pl.Int64).sum())
        self._sources |= set(minutes["usd_source"].unique()) - {""}

    def counts(self, totals: TradeTotals) -> dict[str, int | str]:
        sources = ", ".join(sorted(self._sources)) or "none"
        return {"trades": totals.trades, "mints": self._mints, **self._excluded, "usd_sources": sources}
