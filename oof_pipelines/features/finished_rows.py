"""From the sums of buckets to rows of features_1m: what is computed once a bucket, over columns. The twin of `bucket.py`."""

import polars as pl

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.features import frame_arithmetic as arithmetic
from oof_pipelines.features.exact import MOST_PRICE_DECIMALS, PLACES
from oof_pipelines.features.rows import (
    BUCKET_SECONDS,
    DOLLARS,
    LARGE_TRADE_RAW,
    MOST_VOLUME_RAW,
    PAR,
    QUOTE_DECIMALS,
)
from oof_pipelines.pricing.exact import MONEY, as_money, scaled_ratio

_INSTANT = pl.Datetime("us", "UTC")
RAW = pl.Decimal(38, 0)
"""Amounts in base units."""
_MINUTE_US = BUCKET_SECONDS * 1_000_000

FEATURE_TYPES: dict[str, pl.DataType] = {
    "mint": pl.String(),
    "bucket_start": _INSTANT,
    "venue": pl.String(),
    "quote_mint": pl.String(),
    **dict.fromkeys(("trades", "buys", "sells", "uniq_signers", "holders_touched"), pl.Int64()),
    **dict.fromkeys(("vol_in_raw", "vol_out_raw", "base_volume_raw"), RAW),
    **dict.fromkeys(("base_decimals", "quote_decimals"), pl.Int16()),
    **dict.fromkeys(("vol_in_sol", "vol_out_sol", "net_inflow_sol", "volume_usd"), MONEY),
    "usd_source": pl.String(),
    "sol_usd": MONEY,
    "sol_usd_source": pl.String(),
    **dict.fromkeys(("sol_usd_confidence", "whale_share_top5", "large_trade_share"), MONEY),
    **dict.fromkeys(("open_price", "close_price", "price_change", "realised_volatility"), MONEY),
    "available_at": _INSTANT,
}
"""The columns of features_1m; what they mean says `rows.FeatureRow`."""

_PPB_IN_E18 = 10**9


def finished_rows(buckets: pl.DataFrame) -> pl.DataFrame:
    """The rows of features_1m, one a row of `buckets`.

    Those have the keys (minutes since 1970), counts, sums (128-bit integers: vol_raw, vol_in_raw, large_raw, whales_raw,
    base_volume_raw), greatest decimals shown, amounts of the first and the last price (open_quote …, null without one), the
    sum of squared returns, and the rate in billionths of a dollar with its source and confidence.
    """
    known = buckets.with_columns(
        vol_out_raw=pl.col("vol_raw") - pl.col("vol_in_raw"),
        quote_decimals=pl.col("quote_mint").replace_strict(
            QUOTE_DECIMALS, default=pl.col("shown_quote_decimals"), return_dtype=pl.Int16
        ),
        is_sol=pl.col("quote_mint") == NATIVE_MINT,
        is_dollar=pl.col("quote_mint").is_in(list(DOLLARS)),
    )
    change = arithmetic.return_ppb(*(pl.col(name) for name in ("open_quote", "open_base", "close_quote", "close_base")))
    known = known.with_columns(
        *_in_sol(known),
        *_shares(known),
        *_shown_prices(known),
        volume_usd=_in_usd(),
        sol_usd=pl.col("rate_e9") * arithmetic.whole(10**9),
        sol_usd_confidence=pl.col("confidence_e18"),
        price_change=change * arithmetic.whole(_PPB_IN_E18),
        realised_volatility=arithmetic.integer_square_root(pl.col("squared")) * arithmetic.whole(_PPB_IN_E18),
    )
    return _typed(known)


def _in_sol(buckets: pl.DataFrame) -> list[pl.Series]:
    """vol_in_sol and vol_out_sol."""
    columns = []
    for name in ("vol_in", "vol_out"):
        raw = buckets[f"{name}_raw"]
        is_converted = buckets["is_dollar"] & (raw <= MOST_VOLUME_RAW)
        dollars = pl.select(pl.when(is_converted).then(raw)).to_series()
        sol_of_dollars = scaled_ratio(dollars, _repeated(21, raw), buckets["rate_e9"])
        columns.append(
            buckets.select(
                pl.when("is_sol").then(raw * arithmetic.whole(10**9)).otherwise(sol_of_dollars).alias(f"{name}_sol")
            ).to_series()
        )
    return columns


def _in_usd() -> pl.Expr:
    vol = pl.col("vol_raw")
    is_bounded = vol <= arithmetic.whole(MOST_VOLUME_RAW)
    return (
        pl.when(is_bounded & pl.col("is_dollar"))
        .then(vol * arithmetic.whole(10**12))
        .when(is_bounded & pl.col("is_sol"))
        .then(vol * pl.col("rate_e9"))
    )


def _shares(buckets: pl.DataFrame) -> list[pl.Series]:
    vol = buckets["vol_raw"]
    known_raw = buckets.select(pl.when(pl.col("quote_mint").is_in(list(LARGE_TRADE_RAW))).then("large_raw")).to_series()
    return [
        scaled_ratio(part, _repeated(PLACES, vol), vol).alias(name)
        for name, part in (("whale_share_top5", buckets["whales_raw"]), ("large_trade_share", known_raw))
    ]


def _shown_prices(buckets: pl.DataFrame) -> list[pl.Series]:
    decimals = (pl.col("base_decimals"), pl.col("quote_decimals"))
    is_known = pl.max_horizontal(*decimals) <= MOST_PRICE_DECIMALS
    power = buckets.select(
        pl.when(is_known).then(PLACES + decimals[0].cast(pl.Int64) - decimals[1].cast(pl.Int64))
    ).to_series()
    return [
        scaled_ratio(buckets[f"{end}_quote"], power, buckets[f"{end}_base"]).alias(f"{end}_price")
        for end in ("open", "close")
    ]


def _typed(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of features_1m, in their types."""
    has_usd = pl.col("volume_usd").is_not_null()
    named = rows.with_columns(
        net_inflow_sol=pl.col("vol_in_sol") - pl.col("vol_out_sol"),
        sells=pl.col("trades") - pl.col("buys"),
        usd_source=pl.when(has_usd & pl.col("is_dollar"))
        .then(pl.lit(PAR))
        .when(has_usd)
        .then("sol_usd_source")
        .otherwise(pl.lit("")),
        bucket_start=(pl.col("minute") * _MINUTE_US).cast(_INSTANT),
        available_at=((pl.col("minute") + 1) * _MINUTE_US).cast(_INSTANT),
        **{name: pl.col(name).cast(RAW) for name, dtype in FEATURE_TYPES.items() if dtype == RAW},
    )
    money = [as_money(named[name]) for name, dtype in FEATURE_TYPES.items() if dtype == MONEY]
    return named.with_columns(money).select(list(FEATURE_TYPES))


def _repeated(number: int, like: pl.Series) -> pl.Series:
    return pl.repeat(number, len(like), dtype=pl.Int64, eager=True)
