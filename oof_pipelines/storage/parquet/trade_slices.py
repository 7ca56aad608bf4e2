"""A day's trades out of market_events, some whole minutes at a time: memory is bounded by a slice, not by the day."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from oof_pipelines.features.bucket import key_of
from oof_pipelines.features.rows import BUCKET_SECONDS, BucketKey
from oof_pipelines.market.events import TRADE, Trade
from oof_pipelines.storage.parquet.market_rows import events_of
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.store import ParquetStore

ROWS_A_SLICE = 1_000_000
"""A slice has more only where a single minute has."""

_INSTANT = pl.Datetime("us", "UTC")
_BLOCK_TIME_COLUMN = list(MARKET_EVENTS.columns).index("block_time")


class ParquetTrades:
    """The trades of stored days. A file is opened more than once: whoever reads holds the lock of those that replace it."""

    def __init__(self, store: ParquetStore, *, rows_a_slice: int = ROWS_A_SLICE) -> None:
        self._store = store
        self._rows_a_slice = rows_a_slice

    def has_day(self, day: date) -> bool:
        """Whether the day has a file of market_events; it may hold no trade."""
        return self._store.path(MARKET_EVENTS.name, day).is_file()

    def slices(
        self, day: date, columns: Sequence[str], *, mints: Collection[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        """The day's trades (of `mints` alone, where named) in the dataset's order, in frames that share no minute."""
        return trade_slices(self._store.path(MARKET_EVENTS.name, day), columns, self._rows_a_slice, mints)

    def of_buckets(self, keys: Collection[BucketKey]) -> list[Trade]:
        """The stored trades of these buckets. Needs no lock."""
        by_day: dict[date, list[BucketKey]] = {}
        for key in keys:
            by_day.setdefault(datetime.fromtimestamp(key[1], UTC).date(), []).append(key)
        found: list[Trade] = []
        for day, its_keys in by_day.items():
            first = datetime.fromtimestamp(min(key[1] for key in its_keys), UTC)
            end = datetime.fromtimestamp(max(key[1] for key in its_keys) + BUCKET_SECONDS, UTC)
            path = self._store.path(MARKET_EVENTS.name, day)
            wanted = set(its_keys)
            for event in events_of(trades_within(path, first, end, {key[0] for key in its_keys})):
                if isinstance(event, Trade) and key_of(event) in wanted:
                    found.append(event)
        return found


def trade_slices(
    path: Path, columns: Sequence[str], rows_a_slice: int = ROWS_A_SLICE, mints: Collection[str] | None = None
) -> Iterator[pl.DataFrame]:
    """The trades of one file; see `ParquetTrades.slices`. Row groups of other minutes are skipped by their statistics."""
    trades = pl.scan_parquet(path, hive_partitioning=False).filter(pl.col("kind") == TRADE)
    if mints is not None:
        trades = trades.filter(pl.col("mint").is_in(list(mints)))
    minute = pl.col("block_time").dt.truncate("1m").alias("minute")
    counts = trades.group_by(minute).len().collect().sort("minute")
    for first, end in _stretches(counts, rows_a_slice):
        # By the column itself, not by its minute: only so do statistics tell what may be skipped.
        within = (pl.col("block_time") >= pl.lit(first, _INSTANT)) & (pl.col("block_time") < pl.lit(end, _INSTANT))
        yield trades.filter(within).select(columns).collect()


def _stretches(counts: pl.DataFrame, rows_a_slice: int) -> Iterator[tuple[datetime, datetime]]:
    """(first minute, end of the last) of each slice, from trades by minute."""
    stretch: list[datetime] = []
    rows = 0
    for minute, length in counts.iter_rows():
        if stretch and rows + length > rows_a_slice:
            yield stretch[0], stretch[-1] + timedelta(minutes=1)
            stretch, rows = [], 0
        stretch.append(minute)
        rows += length
    if stretch:
        yield stretch[0], stretch[-1] + timedelta(minutes=1)


def trades_within(path: Path, first: datetime, end: datetime, mints: Collection[str]) -> pl.DataFrame:
    """The trades of `mints` from `first` on and before `end`, in all columns of market_events; none where there is no file.

    The file is opened once, so that no lock is needed: it is read as it was then. Groups of rows of other times are left out.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return pl.DataFrame(schema=MARKET_EVENTS.columns)
    with file:
        parquet = pq.ParquetFile(file)
        groups = [group for group in range(parquet.num_row_groups) if _overlaps(parquet, group, first, end)]
        frame = pl.from_arrow(parquet.read_row_groups(groups, use_threads=False))
    assert isinstance(frame, pl.DataFrame)
    return frame.filter(
        pl.col("kind") == TRADE,
        pl.col("block_time") >= pl.lit(first, _INSTANT),
        pl.col("block_time") < pl.lit(end, _INSTANT),
        pl.col("mint").is_in(list(mints)),
    )


def _overlaps(parquet: pq.ParquetFile, group: int, first: datetime, end: datetime) -> bool:
    """Whether a group of rows may hold one of these times; one without statistics may."""
    statistics = parquet.metadata.row_group(group).column(_BLOCK_TIME_COLUMN).statistics
    if statistics is None or not statistics.has_min_max:
        return True
    return bool(statistics.min < end and statistics.max >= first)
