"""features_1m of a day: its trades, slice by slice, become rows; these are checked, written, then served.

Memory is bounded by a slice's trades and a stripe's rows: rows of more than a stripe wait on disk (striped_features.py).
The day's market_events are the truth, and the rows are a function of them and of the SOL prices alone. They are read under
the lock of those that write them, until the serving rows are replaced: a trade that is folded meanwhile would otherwise
leave the feed's rows before it is in ours.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

import polars as pl

from oof_pipelines.features.frames import TRADE_COLUMNS, feature_frame
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.price_schemas import REFERENCE_PRICES
from oof_pipelines.storage.parquet.reference_rows import reference_prices
from oof_pipelines.workflows.decode_day import DECODED
from oof_pipelines.workflows.feature_checks import FeatureChecks
from oof_pipelines.workflows.fold import InvalidPartitionError, WrittenFile
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.priced_stripes import Frames
from oof_pipelines.workflows.striped_features import StripedFeatures

_MINTS_SHOWN = 10


class FeatureStore(Protocol):
    """Where days of reference_prices are read and days of features_1m written."""

    def read(self, dataset: str, day: date) -> pl.DataFrame | None: ...

    def spill(self, name: str, day: date) -> AbstractContextManager[Frames]:
        """A place for frames that do not fit in memory, for the block; what a killed run left in it is removed."""
        ...

    def write_pieces(self, dataset: str, day: date, pieces: Iterable[pl.DataFrame]) -> WrittenFile:
        """Replace the day's file by pieces that follow each other in the dataset's order."""
        ...


class DayTrades(Protocol):
    """Where a day's trades are read."""

    def has_day(self, day: date) -> bool:
        """Whether the day has market_events at all."""
        ...

    def slices(
        self, day: date, columns: Sequence[str], *, mints: Collection[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        """Rows of market_events of kind trade, in their order, in frames that share no minute."""
        ...


class ServedFeatures(Protocol):
    """The side of the database that serves features."""

    def lock(self, dataset: str, day: date) -> AbstractContextManager[None]:
        """Exclude every other writer of the partition for the block."""
        ...

    def days_published(self) -> set[date]:
        """Days whose served rows are those of their file."""
        ...

    def begin(self, day: date) -> None:
        """The day's file is about to be replaced; the day counts as published again after `publish`."""
        ...

    def publish(self, day: date, pieces: Iterable[pl.DataFrame], sha256: str) -> None:
        """Replace the day's rows in one transaction, but for those of buckets with trades that no file holds yet."""
        ...


@dataclass(frozen=True, slots=True)
class BusyMint:
    """A coin's day over all venues and moneys. Sums are None where no bucket has the column."""

    mint: str
    trades: int
    most_traders: int
    venues: int
    net_inflow_sol: Decimal | None
    volume_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class FeaturesReport:
    """One day's features. `file` is None, with no checks, where the day has no market_events. `by_hour` counts trades."""

    day: date
    file: WrittenFile | None = None
    checks: tuple[CheckResult, ...] = ()
    row_count: int = 0
    trade_count: int = 0
    mint_count: int = 0
    first_slot: int | None = None
    last_slot: int | None = None
    by_hour: dict[int, int] = field(default_factory=dict)
    most_traded: tuple[BusyMint, ...] = ()


def features_day(
    store: FeatureStore,
    trades: DayTrades,
    served: ServedFeatures,
    day: date,
    *,
    at_step: Callable[[str], None] = lambda _step: None,
) -> FeaturesReport:
    """Make one day. `at_step` is told each step's name before it is made (tests kill there).

    Raises `InvalidPartitionError` where the rows must not be published: nothing is written then.
    """
    with (
        served.lock(DECODED, day),
        served.lock(FEATURES_1M.name, day),
        store.spill(FEATURES_1M.name, day) as spilled,
    ):
        at_step("read")
        if not trades.has_day(day):
            return FeaturesReport(day)
        reference = reference_prices(store.read(REFERENCE_PRICES.name, day))
        features, told = StripedFeatures(spilled), _Told()
        for part in trades.slices(day, ("slot", *TRADE_COLUMNS)):
            told.add_slots(part)
            features.add(feature_frame(part, reference))
        at_step("finish")
        features.finish()
        at_step("validate")
        checks = FeatureChecks(day, features.trade_count)
        for stripe in features.stripes():
            checks.add(stripe)
            told.add(stripe)
            # One stripe is to be in memory at a time, not this one while the next is read.
            del stripe
        results = checks.results(trades, reference)
        if not all(check.has_passed for check in results):
            raise InvalidPartitionError(FEATURES_1M.name, day, results)
        at_step("begin")
        served.begin(day)
        at_step("write")
        written = store.write_pieces(FEATURES_1M.name, day, features.pieces())
        at_step("publish")
        served.publish(day, features.pieces(), written.sha256)
        at_step("done")
    return told.report(day, written, results)


class FileTimes(Protocol):
    """When files were written."""

    def days(self, dataset: str) -> list[date]: ...

    def written_at_ns(self, dataset: str, partition: date) -> int | None: ...


def days_to_make(files: FileTimes, served: ServedFeatures) -> list[date]:
    """Days whose features lag behind: not served, or written before the trades or the prices that they are made of."""
    published = served.days_published()
    lagging = []
    for day in files.days(MARKET_EVENTS.name):
        made_at_ns = files.written_at_ns(FEATURES_1M.name, day)
        inputs = (files.written_at_ns(dataset.name, day) or 0 for dataset in (MARKET_EVENTS, REFERENCE_PRICES))
        if made_at_ns is None or day not in published or made_at_ns < max(inputs):
            lagging.append(day)
    return lagging


class _Told:
    """What a run says of a day's features, counted stripe by stripe. A coin is in one stripe alone."""

    def __init__(self) -> None:
        self._slots: list[int] = []
        self._rows = 0
        self._trades = 0
        self._mints = 0
        self._by_hour: Counter[int] = Counter()
        self._most_traded: list[BusyMint] = []

    def add_slots(self, trades: pl.DataFrame) -> None:
        slots = trades.select(pl.col("slot").min(), pl.col("slot").max().alias("last")).row(0)
        self._slots = [min((*self._slots, *slots)), max((*self._slots, *slots))]

    def add(self, stripe: pl.DataFrame) -> None:
        self._rows += stripe.height
        self._trades += int(stripe["trades"].sum())
        self._mints += stripe["mint"].n_unique()
        hours = stripe.group_by(pl.col("bucket_start").dt.hour()).agg(pl.col("trades").sum())
        self._by_hour.update(dict(hours.rows()))
        busiest = [*self._most_traded, *_most_traded(stripe)]
        self._most_traded = sorted(busiest, key=lambda one: (-one.trades, one.mint))[:_MINTS_SHOWN]

    def report(self, day: date, file: WrittenFile, checks: tuple[CheckResult, ...]) -> FeaturesReport:
        return FeaturesReport(
            day=day,
            file=file,
            checks=checks,
            row_count=self._rows,
            trade_count=self._trades,
            mint_count=self._mints,
            first_slot=self._slots[0] if self._slots else None,
            last_slot=self._slots[-1] if self._slots else None,
            by_hour=dict(sorted(self._by_hour.items())),
            most_traded=tuple(self._most_traded),
        )


def _most_traded(frame: pl.DataFrame) -> tuple[BusyMint, ...]:
    # Lazily: only so does Polars raise where a sum of decimals does not fit, instead of wrapping.
    def total(name: str) -> pl.Expr:
        return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)

    busiest = (
        frame.lazy()
        .group_by("mint")
        .agg(
            pl.col("trades").sum(),
            most_traders=pl.col("holders_touched").max(),
            venues=pl.col("venue").n_unique(),
            net_inflow_sol=total("net_inflow_sol"),
            volume_usd=total("volume_usd"),
        )
        .sort("trades", "mint", descending=[True, False])
        .head(_MINTS_SHOWN)
        .collect()
    )
    return tuple(BusyMint(*row) for row in busiest.rows())
