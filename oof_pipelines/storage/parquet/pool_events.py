"""What happened in pools, for many days and a few coins at once: rows of market_events that tell a pool's reserves."""

from collections.abc import Collection
from datetime import date

import polars as pl

from oof_pipelines.market.events import GRADUATION, LIQUIDITY_CHANGED, TRADE
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.minute_candles import read_unchanged
from oof_pipelines.storage.parquet.store import ParquetStore

POOL_EVENT_KINDS = (TRADE, LIQUIDITY_CHANGED, GRADUATION)
"""What may tell the reserves of a pool."""

_COLUMNS = (
    "signature",
    "slot",
    "tx_index",
    "block_time",
    "log_idx",
    "kind",
    "ordinal",
    "program_id",
    "venue",
    "pool",
    "mint",
    "quote_mint",
    "is_buy",
    "is_add",
    "base_raw",
    "quote_raw",
    "reserve_kind",
    "base_reserve_raw",
    "quote_reserve_raw",
)
"""What tells a pool's reserves; the other half of the columns is not read."""


class ParquetPoolEvents:
    """Reads market_events of a store."""

    def __init__(self, store: ParquetStore) -> None:
        self._store = store

    def pool_events(self, days: Collection[date], mints: Collection[str], venues: Collection[str]) -> pl.DataFrame:
        """Trades, changed liquidity and graduations of pairs of `mints` at `venues` on these days, in the files' order.

        In the columns of market_events; those that say nothing of reserves are empty.
        """
        stored = [day for day in self._store.days(MARKET_EVENTS.name) if day in days]
        paths = [self._store.path(MARKET_EVENTS.name, day) for day in stored]
        if not paths or not mints:
            return pl.DataFrame(schema=MARKET_EVENTS.columns)
        of_pair = pl.col("mint").is_in(sorted(mints)) & pl.col("quote_mint").is_in(sorted(mints))
        wanted = of_pair & pl.col("venue").is_in(sorted(venues)) & pl.col("kind").is_in(list(POOL_EVENT_KINDS))
        read = read_unchanged(
            MARKET_EVENTS.name,
            paths,
            lambda: pl.scan_parquet(paths, hive_partitioning=False, glob=False).filter(wanted).select(_COLUMNS),
        )
        return read.select(pl.col(name) if name in _COLUMNS else _empty(name) for name in MARKET_EVENTS.columns)


def _empty(name: str) -> pl.Expr:
    """A column of nothing: null, or '' where the column takes no nulls."""
    value = None if MARKET_EVENTS.schema.columns[name].nullable else ""
    return pl.lit(value, dtype=MARKET_EVENTS.columns[name]).alias(name)
