"""A price by way of another coin: what is traded only for a coin that has a price in SOL gets one in SOL, believed less.

The second step is taken at the mean price of the other coin's newest minute that was closed when the candle began, at most
`MAX_AGE_S` before, so that nothing looks ahead.
"""

from decimal import Decimal

import polars as pl

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.pricing.candle_columns import PRICES, TWO_STEP
from oof_pipelines.pricing.coded_trades import MOST_PRICE
from oof_pipelines.pricing.exact import MONEY, PLACES, as_money, scaled_product, scaled_ratio
from oof_pipelines.pricing.filters import MONEY_DECIMALS, MONEY_MINTS
from oof_pipelines.pricing.reference import MAX_AGE_S

_MONEY = list(MONEY_MINTS.values())
_SOL_DECIMALS = MONEY_DECIMALS[NATIVE_MINT]
_RAW = pl.Decimal(38, 0)
_TIME_OF_A_COIN = ["mint", "bucket_start", "available_at"]
# Three digits at 18 places, and what a candle's prices are below.
_LEAST = pl.lit(Decimal("1e-16"), dtype=MONEY)
_MOST = pl.lit(Decimal(MOST_PRICE // 10**PLACES), dtype=MONEY)


def second_steps(minutes: pl.DataFrame) -> pl.DataFrame:
    """What each coin stood at in SOL, and from when on that was known, by candles of a minute with their confidence."""
    steps = minutes.lazy().filter((pl.col("quote_mint") == NATIVE_MINT) & pl.col("vwap").is_not_null())
    return steps.select(
        pl.col("mint").alias("quote_mint"),
        pl.col("available_at").alias("known_at"),
        pl.col("vwap").alias("step_price"),
        pl.col("confidence").alias("step_confidence"),
    ).collect()


def with_two_step(candles: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """`candles` with a row in SOL more for each coin and time that has a price in coins only and a second step to SOL.

    Candles of several lengths may be among them: those of one time are from one bucket_start to one available_at. `steps`
    as `second_steps` gives them, of the day and of every coin that is a quote here. The volume in SOL is an estimate:
    converted at the second step's price.
    """
    is_money = pl.col("quote_mint").is_in(_MONEY)
    if steps.is_empty() or not candles.select((~is_money).any()).item():
        return candles
    priced = candles.filter(pl.col("vwap").is_not_null())
    # A row in SOL that has no price stays: it counts what was excluded, and keys are unique.
    taken = pl.concat([priced.filter(is_money), candles.filter(pl.col("quote_mint") == NATIVE_MINT)])
    first = priced.filter(~is_money).join(taken, on=_TIME_OF_A_COIN, how="anti", maintain_order="left")
    joined = first.sort("bucket_start").join_asof(
        steps.sort("known_at"),
        left_on="bucket_start",
        right_on="known_at",
        by="quote_mint",
        strategy="backward",
        tolerance=f"{MAX_AGE_S}s",
        check_sortedness=False,
    )
    joined = joined.filter(pl.col("step_price").is_not_null())
    if joined.is_empty():
        return candles
    best = joined.sort("signers", "trades", "quote_mint", descending=[True, True, False]).unique(
        _TIME_OF_A_COIN, keep="first", maintain_order=True
    )
    converted = _converted(best).filter((pl.col("low") >= _LEAST) & (pl.col("high") < _MOST))
    return pl.concat([candles, converted.select(candles.columns)])


def _converted(rows: pl.DataFrame) -> pl.DataFrame:
    step = rows["step_price"].to_physical()
    prices = [as_money(scaled_product(rows[name].to_physical(), step).alias(name)) for name in PRICES]
    volumes = [_in_lamports(rows, name, step) for name in ("quote_volume_raw", "excluded_quote_raw")]
    halves = pl.repeat(10**PLACES // 2, rows.height, dtype=pl.Int128, eager=True)
    confidence = scaled_product(rows["confidence"].to_physical(), rows["step_confidence"].to_physical())
    halved = scaled_product(confidence, halves).alias("confidence")
    return rows.with_columns(
        *prices,
        *volumes,
        as_money(halved),
        pl.lit(NATIVE_MINT).alias("quote_mint"),
        pl.lit(_SOL_DECIMALS, dtype=pl.Int16).alias("quote_decimals"),
        pl.lit(None, dtype=_RAW).alias("quote_reserve_raw"),
        pl.lit(TWO_STEP).alias("source"),
    )


def _in_lamports(rows: pl.DataFrame, name: str, step: pl.Series) -> pl.Series:
    """Raw amounts of the first step's quote in lamports, at the second step's price."""
    ones = pl.repeat(1, rows.height, dtype=pl.Int128, eager=True)
    whole = scaled_ratio(rows[name], PLACES - rows["quote_decimals"].cast(pl.Int64), ones)
    sol = scaled_product(whole, step)
    down = pl.repeat(_SOL_DECIMALS - PLACES, rows.height, dtype=pl.Int64, eager=True)
    return scaled_ratio(sol, down, ones).alias(name).cast(_RAW)
