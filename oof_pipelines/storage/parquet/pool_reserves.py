"""What each pool held last within a day: rows of the table pool_reserves, out of a day's market events."""

import polars as pl

from oof_pipelines.market.events import LIQUIDITY_CHANGED, POOL_STATE, TRADE

_PAIR = ("pool", "mint", "quote_mint")
_ORDER = ("slot", "tx_index", "signature", "log_idx", "kind", "ordinal")
COLUMNS = (
    "pool, mint, quote_mint, venue, is_virtual, base_reserve_raw, quote_reserve_raw, slot, tx_index, ts, sig, log_idx"
)
"""Of the table, in the order of `newest_reserves`' columns."""


def newest_reserves(events: pl.DataFrame) -> pl.DataFrame:
    """A row a pool and pair, by those, of the last event that shows what it holds of the money. See market_schemas.py.

    Where only the money moved the event names no coin: the last such of a pool and money is a row of its own with mint ''.
    Which coin it is about may have been told on another day, so the view pool_liquidity finds it.
    """
    shown = events.filter(
        pl.col("kind").is_in([TRADE, POOL_STATE, LIQUIDITY_CHANGED]),
        pl.col("quote_reserve_raw").is_not_null(),
        pl.col("pool") != "",
        pl.col("quote_mint") != "",
    )
    newest = shown.sort(_ORDER, nulls_last=True).unique(_PAIR, keep="last", maintain_order=True)
    return newest.sort(_PAIR).select(
        *_PAIR,
        "venue",
        pl.col("reserve_kind") == "virtual",
        "base_reserve_raw",
        "quote_reserve_raw",
        "slot",
        "tx_index",
        "block_time",
        "signature",
        "log_idx",
    )
