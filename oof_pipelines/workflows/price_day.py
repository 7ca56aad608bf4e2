"""Price a day: its trades become candles of one, five and sixty minutes, checked, written, then served.

The day is read twice, some trades at a time: once for what it says of itself (decimals, where its hours lie), once for its
trades, which are folded by stretches of whole hours, so that memory does not grow with the trades. The files are a function
of market_events, reference_prices and the thresholds. Both are read under the locks of those that write them, until the
candles are served: what is replaced meanwhile would otherwise look older than they are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from oof_pipelines.market.events import TRADE
from oof_pipelines.pricing.candles import finish_day, fold_stretch
from oof_pipelines.pricing.coded_trades import TRADE_COLUMNS, known_decimals
from oof_pipelines.pricing.filters import PriceFilters
from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.pricing.trust import no_levels
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS, REFERENCE_PRICES, timeframe_of
from oof_pipelines.storage.parquet.reference_rows import reference_prices
from oof_pipelines.workflows.decode_day import DECODED
from oof_pipelines.workflows.fold import InvalidPartitionError, WrittenFile
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.price_checks import TradeTotals, check_candles

PRICES = "prices"
"""The lock that whoever writes a day's candles holds: one for all timeframes."""

STRETCH_TRADES = 200_000
"""Hours are folded together until they have this many trades: a fold costs some 50 ms however small it is."""

_HOUR_S = 3_600
_SAID = ["mint", "quote_mint", "base_decimals", "quote_decimals", "block_time"]


class PriceStore(Protocol):
    """Where days of market_events and reference_prices are read and days of candles written."""

    def written_at_ns(self, dataset: str, partition: date) -> int | None:
        """When the day's file was written; None where it has none."""
        ...

    def read(self, dataset: str, day: date) -> pl.DataFrame | None: ...

    def batches(
        self, dataset: str, day: date, *, columns: list[str] | None = None, where: pl.Expr | None = None
    ) -> Iterator[pl.DataFrame]:
        """A day's rows in its file's order, some at a time: the same pieces for the same `where`."""
        ...

    def write(self, dataset: str, day: date, frame: pl.DataFrame) -> WrittenFile: ...


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

    def publish(self, day: date, frames: Mapping[str, pl.DataFrame], sha256: str) -> None:
        """Replace the day's served candles in one transaction; `frames` are by dataset, `sha256` is the files'."""
        ...


@dataclass(frozen=True, slots=True)
class PriceReport:
    """One day. `files` are by dataset, empty where the day has no market_events. `counts` are for the run's metadata."""

    day: date
    row_counts: dict[str, int]
    counts: dict[str, int | str]
    files: dict[str, WrittenFile]
    checks: tuple[CheckResult, ...]


class ChangedMeanwhileError(RuntimeError):
    """The day's market_events were replaced while they were read; doing it again will do."""


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
    ):
        at_step("read")
        outline = _outline(store, day)
        if outline is None:
            return PriceReport(day, {}, {}, {}, ())
        reference = reference_prices(store.read(REFERENCE_PRICES.name, day))
        at_step("fold")
        frames, totals = _candles(store, day, outline, filters, reference)
        at_step("validate")
        checks = check_candles(day, frames, totals)
        if not all(check.has_passed for check in checks):
            raise InvalidPartitionError(PRICES, day, checks)
        at_step("begin")
        served.begin(day)
        files: dict[str, WrittenFile] = {}
        for name, frame in frames.items():
            at_step(f"write {name}")
            files[name] = store.write(name, day, frame)
        at_step("publish")
        served.publish(day, frames, " ".join(file.sha256 for file in files.values()))
        at_step("done")
    row_counts = {name: frame.height for name, frame in frames.items()}
    return PriceReport(day, row_counts, _counts(frames["price_1m"], totals), files, checks)


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


@dataclass(frozen=True, slots=True)
class _Outline:
    """Decimals of the day's mints, and of each batch the first hour from which on nothing earlier comes any more."""

    decimals: pl.DataFrame
    safe_hours: list[int]


def _outline(store: PriceStore, day: date) -> _Outline | None:
    """None where the day has no market_events."""
    if store.written_at_ns(MARKET_EVENTS.name, day) is None:
        return None
    decimals = [known_decimals(pl.LazyFrame(schema=_NOTHING_SAID))]
    first_hours = []
    for trades in _trade_batches(store, day, _SAID):
        decimals.append(known_decimals(trades.lazy()))
        first_hours.append(_first_hour(trades))
    merged = pl.concat(decimals).group_by("mint").agg(pl.col("decimals").max()).sort("mint")
    # Times may run backwards a little: an hour is whole once no later batch reaches back into it.
    safe_hours = [min(first_hours[place:], default=_NEVER) for place in range(1, len(first_hours) + 1)]
    return _Outline(merged, safe_hours)


_NEVER = 2**62
_NOTHING_SAID = {name: MARKET_EVENTS.columns[name] for name in _SAID}


def _candles(
    store: PriceStore, day: date, outline: _Outline, filters: PriceFilters, reference: ReferencePrices
) -> tuple[dict[str, pl.DataFrame], TradeTotals]:
    """(candles by dataset, in the datasets' order; what the trades say by themselves)."""
    totals, levels = TradeTotals(), no_levels()
    stretches = []
    for trades in _stretches(store, day, outline):
        totals = totals.plus(trades)
        stretch = fold_stretch(trades, outline.decimals, filters, levels)
        levels = stretch.levels
        stretches.append(stretch.by_timeframe)
    if not stretches:
        return {name: pl.DataFrame(schema=dataset.columns) for name, dataset in CANDLE_DATASETS.items()}, totals
    finished = finish_day(stretches, reference)
    arranged = {name: dataset.arrange(finished.pop(timeframe_of(name))) for name, dataset in CANDLE_DATASETS.items()}
    return arranged, totals


def _stretches(store: PriceStore, day: date, outline: _Outline) -> Iterator[pl.DataFrame]:
    """The day's trades by stretches of whole hours, ascending."""
    held: list[pl.DataFrame] = []
    done_hour = -1
    for place, batch in enumerate(_trade_batches(store, day, TRADE_COLUMNS)):
        if place >= len(outline.safe_hours) or _first_hour(batch) < done_hour:
            raise ChangedMeanwhileError(f"{MARKET_EVENTS.name} {day}: replaced while it was read; do it again")
        held.append(batch)
        if sum(frame.height for frame in held) >= STRETCH_TRADES:
            trades = pl.concat(held)
            safe = _hour() < outline.safe_hours[place]
            whole, rest = trades.filter(safe), trades.filter(~safe)
            if whole.height:
                done_hour = outline.safe_hours[place]
                held = [rest]
                yield whole
    if held and (last := pl.concat(held)).height:
        yield last


def _trade_batches(store: PriceStore, day: date, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The same pieces whatever columns are asked for."""
    batches = store.batches(MARKET_EVENTS.name, day, columns=list(columns), where=pl.col("kind") == TRADE)
    return (batch for batch in batches if batch.height)


def _first_hour(trades: pl.DataFrame) -> int:
    return int(trades.select(_hour().min()).item())


def _hour() -> pl.Expr:
    return pl.col("block_time").dt.epoch("s") // _HOUR_S


def _counts(minutes: pl.DataFrame, totals: TradeTotals) -> dict[str, int | str]:
    names = [name for name in minutes.columns if name.startswith("excluded_") and not name.endswith("_raw")]
    sources = sorted(set(minutes["usd_source"]) - {""})
    return {
        "trades": totals.trades,
        "mints": minutes["mint"].n_unique(),
        **{name: int(minutes[name].cast(pl.Int64).sum()) for name in names},
        "usd_sources": ", ".join(sources) or "none",
    }
