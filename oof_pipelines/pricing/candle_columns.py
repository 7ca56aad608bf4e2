"""The columns of a candle while it is computed (whole numbers) and as the datasets have them (Decimal), and the way between.

Working columns: open, high, low, close (Int128, × 10^18), base_volume_raw, quote_volume_raw, excluded_quote_raw,
quote_reserve_raw (Int128), the counts (Int32), mint, quote_mint, minute (Int64 since 1970: the candle's first),
base_decimals, quote_decimals.
"""

import polars as pl

from oof_pipelines.pricing.coded_trades import MINUTE_S
from oof_pipelines.pricing.exact import PLACES, as_money, scaled_ratio
from oof_pipelines.pricing.trust import REASONS

TIMEFRAMES = {"1m": 60, "5m": 300, "1h": 3_600}
"""Timeframe → seconds."""

LENGTH = pl.col("available_at") - pl.col("bucket_start")
"""How long a candle is, which tells the timeframes apart."""

FROM_SWAPS = "swaps"
TWO_STEP = "swaps_two_step"

OHLC = ("open", "high", "low", "close")
PRICES = (*OHLC, "vwap")
COUNTS = ("trades", "excluded_trades", *(f"excluded_{name}" for name in REASONS))
VOLUMES = ("base_volume_raw", "quote_volume_raw", "excluded_quote_raw")

_RAW = pl.Decimal(38, 0)


def shaped(working: pl.DataFrame, seconds: int) -> pl.DataFrame:
    """Working columns as the datasets have them, with vwap (of the sums, rounded once), bucket_start and available_at."""
    power = working.select(pl.col("base_decimals").cast(pl.Int64) - pl.col("quote_decimals").cast(pl.Int64) + PLACES)
    vwap = scaled_ratio(working["quote_volume_raw"], power.to_series(), working["base_volume_raw"])
    instant = (pl.col("minute") * (MINUTE_S * 1_000_000)).cast(pl.Datetime("us", "UTC"))
    return working.with_columns(*(as_money(working[name]) for name in OHLC), as_money(vwap.alias("vwap"))).select(
        "mint",
        "quote_mint",
        instant.alias("bucket_start"),
        *PRICES,
        pl.col(*VOLUMES[:2]).cast(_RAW),
        "base_decimals",
        "quote_decimals",
        "trades",
        "signers",
        *COUNTS[1:],
        pl.col("excluded_quote_raw", "quote_reserve_raw").cast(_RAW),
        pl.lit(FROM_SWAPS).alias("source"),
        (instant + pl.duration(seconds=seconds)).alias("available_at"),
    )
