"""Candles of five minutes and of an hour, folded from those of one minute."""

import polars as pl

from oof_pipelines.pricing.candle_columns import COUNTS, VOLUMES
from oof_pipelines.pricing.coded_trades import MINUTE_S


def fold_minutes(minutes: pl.DataFrame, signers: pl.DataFrame, seconds: int) -> pl.DataFrame:
    """Working candles (see candle_columns.py) of `seconds` from those of a minute, which are sorted by `pair` and minute.

    Both have `pair`; `signers` says for each pair and bucket (its number since 1970) how many different ones there were.
    """
    length = seconds // MINUTE_S
    minutes = minutes.with_columns((pl.col("minute") // length).alias("bucket"))
    whole = minutes.group_by("pair", "bucket", maintain_order=True).agg(
        pl.col("mint", "quote_mint", "base_decimals", "quote_decimals").first(),
        pl.col(*COUNTS, *VOLUMES).sum(),
    )
    priced = (
        minutes.filter(pl.col("open").is_not_null())
        .group_by("pair", "bucket", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("quote_reserve_raw").min(),
        )
    )
    for found in (priced, signers):
        whole = whole.join(found, on=["pair", "bucket"], how="left", maintain_order="left")
    return whole.with_columns(pl.col("signers").fill_null(0), (pl.col("bucket") * length).alias("minute"))
