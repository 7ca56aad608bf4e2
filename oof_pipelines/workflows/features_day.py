"""features_1m of a day: its trades, slice by slice, become rows; these are checked, written, then served.

The day's market_events are the truth, and the rows are a function of them and of the SOL prices alone. They are read under
the lock of those that write them, until the serving rows are replaced: a trade that is folded meanwhile would otherwise
leave the feed's rows before it is in ours.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

import polars as pl

from oof_pipelines.features.frames import TRADE_COLUMNS, feature_frame, join_slices
from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.price_schemas import REFERENCE_PRICES
from oof_pipelines.storage.parquet.reference_rows import reference_prices
from oof_pipelines.workflows.decode_day import DECODED
from oof_pipelines.workflows.feature_checks import check_features
from oof_pipelines.workflows.fold import InvalidPartitionError, PartitionStore, WrittenFile
from oof_pipelines.workflows.partition_checks import CheckResult

_MINTS_SHOWN = 10


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

    def publish(self, day: date, features: pl.DataFrame, sha256: str) -> None:
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
    store: PartitionStore,
    trades: DayTrades,
    served: ServedFeatures,
    day: date,
    *,
    at_step: Callable[[str], None] = lambda _step: None,
) -> FeaturesReport:
    """Make one day. `at_step` is told each step's name before it is made (tests kill there).

    Raises `InvalidPartitionError` where the rows must not be published: nothing is written then.
    """
    with served.lock(DECODED, day), served.lock(FEATURES_1M.name, day):
        at_step("read")
        if not trades.has_day(day):
            return FeaturesReport(day)
        reference = reference_prices(store.read(REFERENCE_PRICES.name, day))
        frame, slots = _frame(trades, day, reference)
        at_step("validate")
        checks = check_features(day, frame, trades, reference)
        if not all(check.has_passed for check in checks):
            raise InvalidPartitionError(FEATURES_1M.name, day, checks)
        at_step("begin")
        served.begin(day)
        at_step("write")
        written = store.write(FEATURES_1M.name, day, frame)
        at_step("publish")
        served.publish(day, frame, written.sha256)
        at_step("done")
    return FeaturesReport(
        day=day,
        file=written,
        checks=checks,
        row_count=frame.height,
        trade_count=int(frame["trades"].sum()),
        mint_count=frame["mint"].n_unique(),
        first_slot=min((first for first, _ in slots), default=None),
        last_slot=max((last for _, last in slots), default=None),
        by_hour=dict(
            frame.group_by(pl.col("bucket_start").dt.hour()).agg(pl.col("trades").sum()).sort("bucket_start").rows()
        ),
        most_traded=_most_traded(frame),
    )


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


def _frame(trades: DayTrades, day: date, reference: ReferencePrices) -> tuple[pl.DataFrame, list[tuple[int, int]]]:
    """The day's rows in the dataset's order, and the first and last slot of each slice."""
    slots: list[tuple[int, int]] = []

    def features() -> Iterator[pl.DataFrame]:
        for part in trades.slices(day, ("slot", *TRADE_COLUMNS)):
            slots.append(part.select(pl.col("slot").min(), pl.col("slot").max().alias("last")).row(0))
            yield feature_frame(part, reference)

    return FEATURES_1M.arrange(join_slices(features())), slots


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
