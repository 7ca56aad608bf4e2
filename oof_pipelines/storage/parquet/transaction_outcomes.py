"""Which stored transactions failed: read from raw_transactions, without their bodies."""

from collections.abc import Collection
from datetime import date, datetime

import polars as pl

from oof_pipelines.storage.parquet.minute_candles import read_unchanged
from oof_pipelines.storage.parquet.schemas import RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore


class ParquetOutcomes:
    """Reads raw_transactions of a store."""

    def __init__(self, store: ParquetStore) -> None:
        self._store = store

    def outcomes(self, signatures: Collection[str], days: Collection[date]) -> dict[str, bool]:
        """Signature → whether it failed, of those of `signatures` that are stored on one of `days`."""
        stored = [day for day in self._store.days(RAW_TRANSACTIONS.name) if day in days]
        paths = [self._store.path(RAW_TRANSACTIONS.name, day) for day in stored]
        if not paths or not signatures:
            return {}
        found = read_unchanged(
            RAW_TRANSACTIONS.name,
            paths,
            lambda: (
                pl.scan_parquet(paths, hive_partitioning=False, glob=False)
                .filter(pl.col("signature").is_in(sorted(signatures)))
                .select("signature", "is_failed")
            ),
        )
        return dict(found.rows())

    def newest_block_at(self) -> datetime | None:
        """The block time of the newest stored transaction: what "now" is where nobody says otherwise."""
        days = self._store.days(RAW_TRANSACTIONS.name)
        if not days:
            return None
        times = self._store.read(RAW_TRANSACTIONS.name, days[-1], ["block_time"])
        newest = None if times is None else times["block_time"].max()
        return newest if isinstance(newest, datetime) else None
