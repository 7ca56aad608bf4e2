"""What pools held, as of now: the files' rows, and those that the feed read and no file holds yet."""

from collections.abc import Collection
from datetime import date

import polars as pl

from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.workflows.pool_states import PoolEvents


class FreshPools:
    """A `PoolEvents` of two others."""

    def __init__(self, files: PoolEvents, hot: PoolEvents) -> None:
        self._files = files
        self._hot = hot

    def pool_events(self, days: Collection[date], mints: Collection[str], venues: Collection[str]) -> pl.DataFrame:
        """Trades, changed liquidity and graduations of pairs of `mints` at `venues` on these days, in the chain's order."""
        # What is hot first: what leaves it meanwhile is in the files by then.
        waiting = self._hot.pool_events(days, mints, venues)
        filed = self._files.pool_events(days, mints, venues)
        if waiting.is_empty():
            return filed
        fresh = waiting.join(filed.select("signature").unique(), on="signature", how="anti")
        return MARKET_EVENTS.arrange(pl.concat([filed, fresh]))
