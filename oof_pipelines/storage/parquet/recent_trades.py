"""A few coins' trades of a day from some instant on, out of market_events."""

from collections.abc import Collection
from datetime import date, datetime

import polars as pl

from oof_pipelines.market.events import TRADE
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.minute_candles import read_unchanged
from oof_pipelines.storage.parquet.store import ParquetStore

_INSTANT = pl.Datetime("us", "UTC")


class ParquetRecentTrades:
    """Reads market_events of a store. Needs no lock: an answer is of one version of the file."""

    def __init__(self, store: ParquetStore) -> None:
        self._store = store

    def trades_since(self, day: date, mints: Collection[str], since: datetime) -> pl.DataFrame:
        """The day's trades of these coins on either side from `since` on, in the columns and the order of market_events.

        Groups of rows that are older are left out by their statistics. Raises `ReplacedMeanwhileError`.
        """
        path = self._store.path(MARKET_EVENTS.name, day)
        if not path.is_file() or not mints:
            return pl.DataFrame(schema=MARKET_EVENTS.columns)
        of_them = pl.col("mint").is_in(sorted(mints)) | pl.col("quote_mint").is_in(sorted(mints))
        wanted = (pl.col("block_time") >= pl.lit(since, _INSTANT)) & of_them & (pl.col("kind") == TRADE)
        return read_unchanged(
            MARKET_EVENTS.name,
            [path],
            lambda: pl.scan_parquet(path, hive_partitioning=False, glob=False).filter(wanted),
        )
