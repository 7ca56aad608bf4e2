"""Candles of one minute and SOL prices as a wallet's story needs them: of many days at once, few columns, some coins.

The files of all days are read in one query: Polars leaves out the groups of rows of other coins by their statistics, since
candles are sorted by coin. An answer counts only where no file was replaced while it was read.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl

from oof_pipelines.storage.parquet.price_schemas import PRICE_1M, REFERENCE_PRICES
from oof_pipelines.storage.parquet.store import ParquetStore

CANDLE_COLUMNS = (
    "mint",
    "bucket_start",
    "available_at",
    "vwap_usd",
    "close_usd",
    "volume_usd",
    "trades",
    "signers",
    "quote_reserve_raw",
    "quote_decimals",
    "quote_usd",
    "source",
    "usd_source",
    "confidence",
    "usd_confidence",
)
"""What is read of a candle."""

RATE_COLUMNS = ("minute_start", "price_usd", "source", "confidence")
"""What is read of a minute's SOL price."""

_ATTEMPTS = 5


class ReplacedMeanwhileError(RuntimeError):
    """Files were replaced again and again while they were read; doing it again will do. The line names the dataset."""


class ParquetMinuteCandles:
    """Reads price_1m and reference_prices of a store."""

    def __init__(self, store: ParquetStore) -> None:
        self._store = store

    def candles(self, mints: Collection[str], first_day: date, last_day: date) -> pl.DataFrame:
        """The primary candles of `mints` with a price in dollars, in `CANDLE_COLUMNS`, by mint and time."""
        found = self._read(PRICE_1M.name, first_day, last_day, _priced_of(mints), CANDLE_COLUMNS)
        if found is None:
            return pl.DataFrame(schema={name: PRICE_1M.columns[name] for name in CANDLE_COLUMNS})
        # A coin's primary candles of a day may be of several quotes, and files are sorted by those before time.
        return found.sort("mint", "bucket_start")

    def candle_counts(self, mints: Collection[str], first_day: date, last_day: date) -> dict[str, int]:
        """How many rows `candles` has of each of `mints` that has any; of the files only what tells them is read."""
        found = self._read(PRICE_1M.name, first_day, last_day, _priced_of(mints), ("mint",))
        if found is None:
            return {}
        counts = found["mint"].value_counts()
        return dict(zip(counts["mint"], counts["count"], strict=True))

    def sol_rates(self, minutes: Collection[datetime]) -> pl.DataFrame:
        """What a SOL was worth at the start of each of `minutes`, in `RATE_COLUMNS`; no row where nobody said."""
        schema = {name: REFERENCE_PRICES.columns[name] for name in RATE_COLUMNS}
        if not minutes:
            return pl.DataFrame(schema=schema)
        wanted = pl.Series("minute_start", sorted(minutes), dtype=REFERENCE_PRICES.columns["minute_start"])
        days = wanted.dt.date().unique()
        found = self._read(
            REFERENCE_PRICES.name,
            days.min(),  # type: ignore[arg-type]
            days.max(),  # type: ignore[arg-type]
            pl.col("minute_start").is_in(wanted.implode()),
            RATE_COLUMNS,
            set(days),
        )
        return pl.DataFrame(schema=schema) if found is None else found

    def _read(
        self,
        dataset: str,
        first_day: date,
        last_day: date,
        wanted: pl.Expr,
        columns: Sequence[str],
        days: Collection[date] | None = None,
    ) -> pl.DataFrame | None:
        stored = [day for day in self._store.days(dataset) if first_day <= day <= last_day]
        paths = [self._store.path(dataset, day) for day in stored if days is None or day in days]
        if not paths:
            return None
        return read_unchanged(
            dataset,
            paths,
            lambda: pl.scan_parquet(paths, hive_partitioning=False, glob=False).filter(wanted).select(columns),
        )


def _priced_of(mints: Collection[str]) -> pl.Expr:
    return (
        pl.col("mint").is_in(sorted(mints))
        & pl.col("is_primary")
        & pl.col("vwap_usd").is_not_null()
        & pl.col("close_usd").is_not_null()
    )


def read_unchanged(name: str, paths: Sequence[Path], query: Callable[[], pl.LazyFrame]) -> pl.DataFrame:
    """What `query` gives over `paths`, asked again where one of them was replaced meanwhile.

    Raises `ReplacedMeanwhileError` where that happens again and again, and Polars' own error where a file is damaged.
    """
    for _attempt in range(_ATTEMPTS):
        before = list(map(_version, paths))
        try:
            frame = query().collect()
        except (pl.exceptions.PolarsError, OSError):
            if before == list(map(_version, paths)):
                raise
            continue
        if before == list(map(_version, paths)):
            return frame
    raise ReplacedMeanwhileError(f"{name}: files were replaced while they were read; do it again")


def _version(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
