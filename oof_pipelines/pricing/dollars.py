"""Candles in dollars: USDC and USDT at par, SOL by the reference price known at the candle's start, else null."""

from decimal import Decimal

import polars as pl

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.pricing.candle_columns import PRICES
from oof_pipelines.pricing.exact import MONEY, PLACES, as_money, scaled_product, scaled_ratio
from oof_pipelines.pricing.reference import ReferencePrices

PAR = "par"
"""The rule that one USDC and one USDT are one dollar. It is a rule and no measurement."""

_VALUES_AT_ONCE = 100_000
_PAR_MINTS = (USDC_MINT, USDT_MINT)
_RATES = {
    "bucket_start": pl.Datetime("us", "UTC"),
    "sol_usd": MONEY,
    "sol_source": pl.String(),
    "sol_confidence": MONEY,
}


def with_dollars(candles: pl.DataFrame, reference: ReferencePrices) -> pl.DataFrame:
    """`candles` with quote_usd, usd_source, usd_confidence, each price in dollars and volume_usd.

    A price in dollars is the price of the column beside it times quote_usd, half to even at 18 places; the volume is that of
    the raw quote.
    """
    joined = candles.join(_rates(candles, reference), on="bucket_start", how="left", maintain_order="left")
    is_par, is_sol = pl.col("quote_mint").is_in(_PAR_MINTS), pl.col("quote_mint") == NATIVE_MINT
    one = pl.lit(Decimal(1), dtype=MONEY)
    joined = joined.with_columns(
        pl.when(is_par).then(one).when(is_sol).then("sol_usd").alias("quote_usd"),
        pl.when(is_par).then(pl.lit(PAR)).when(is_sol).then("sol_source").fill_null("").alias("usd_source"),
        pl.when(is_par).then(one).when(is_sol).then("sol_confidence").alias("usd_confidence"),
    )
    whole = scaled_ratio(joined["quote_volume_raw"], PLACES - joined["quote_decimals"].cast(pl.Int64), _ones(joined))
    told = [*(joined[name].to_physical().alias(f"{name}_usd") for name in PRICES), whole.alias("volume_usd")]
    dollars = _in_dollars(told, joined["quote_usd"].to_physical())
    return joined.drop("sol_usd", "sol_source", "sol_confidence").with_columns(dollars)


def _in_dollars(columns: list[pl.Series], rate: pl.Series) -> list[pl.Series]:
    """Scaled columns times the rate. Short ones are laid below each other: then it is the call that costs, not the row."""
    height = rate.len()
    at_once = max(1, _VALUES_AT_ONCE // max(1, height))
    dollars = []
    for first in range(0, len(columns), at_once):
        turn = columns[first : first + at_once]
        scaled = pl.concat([column.alias("scaled") for column in turn])
        products = as_money(scaled_product(scaled, pl.concat([rate] * len(turn))))
        dollars += [products.slice(place * height, height).alias(column.name) for place, column in enumerate(turn)]
    return dollars


def _rates(candles: pl.DataFrame, reference: ReferencePrices) -> pl.DataFrame:
    """bucket_start → what a SOL was worth as known then, for every bucket that has one."""
    rows = []
    for start in candles["bucket_start"].unique().sort():
        price = reference.at(int(start.timestamp()))
        if price is not None:
            rows.append((start, price.price_usd, price.source, price.confidence))
    return pl.DataFrame(rows, schema=_RATES, orient="row")


def _ones(frame: pl.DataFrame) -> pl.Series:
    return pl.repeat(1, frame.height, dtype=pl.Int128, eager=True)
