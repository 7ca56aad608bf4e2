"""features_1m over frames of trades: the vectorised twin of folding them with `step`, equal to the last digit.

A Python loop over a day's millions of trades would take minutes. What is the same in both is the arithmetic (`exact.py`,
`frame_arithmetic.py`); that the rows are the same is what the check `agrees_with_step` wants of every day.

Text is what costs: mints and wallets become codes once, each bucket a number, and all grouping is by integers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from oof_pipelines.features import exact
from oof_pipelines.features import frame_arithmetic as arithmetic
from oof_pipelines.features.finished_rows import FEATURE_TYPES, finished_rows
from oof_pipelines.features.rows import (
    BUCKET_SECONDS,
    LARGE_TRADE_RAW,
    LEAST_PRICED_RAW,
    MOST_PRICED_RAW,
    WHALES,
)
from oof_pipelines.pricing.reference import ReferencePrices

TRADE_COLUMNS = (
    "block_time",
    "venue",
    "mint",
    "quote_mint",
    "wallet",
    "signer",
    "is_buy",
    "base_raw",
    "quote_raw",
    "base_decimals",
    "quote_decimals",
)
"""What of market_events the features read."""

_KEYS = ("mint", "venue", "quote_mint", "minute")
_MINUTE_US = BUCKET_SECONDS * 1_000_000
_NO_LARGE_TRADE = 2**64 - 1


@dataclass(frozen=True, slots=True)
class _Coded:
    """Trades sorted by bucket, within it in their order; `bucket` counts from 0. `keys` are the buckets' own columns."""

    trades: pl.DataFrame
    keys: pl.DataFrame


def feature_frame(trades: pl.DataFrame, rates: ReferencePrices | None = None) -> pl.DataFrame:
    """The features of `trades`, a row a bucket, in the columns of features_1m, in no order.

    `trades` are rows of market_events (`TRADE_COLUMNS` at least) of kind trade, in the dataset's order, and hold every
    trade of each minute that they touch. Needs some 300 bytes a trade.
    """
    coded = _coded(trades)
    if coded is None:
        return pl.DataFrame(schema=FEATURE_TYPES)
    buckets = (
        _sums(coded)
        .join(_signers(coded.trades), on="bucket", how="left")
        .join(_traders(coded.trades), on="bucket", how="left")
        .join(_prices(coded.trades), on="bucket", how="left")
        .join(_rates(coded.keys["minute"], rates), on="minute", how="left")
    )
    return finished_rows(buckets)


def join_slices(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The features of a day from those of its slices, which share no minute."""
    return pl.concat([pl.DataFrame(schema=FEATURE_TYPES), *frames])


def _coded(trades: pl.DataFrame) -> _Coded | None:
    """None where no trade counts."""
    # Categories of their own for this frame alone: the process-wide ones would grow with every wallet ever seen.
    categories = {name: pl.Categories.random() for name in ("mint", "venue", "quote_mint", "wallet")}
    counted = trades.lazy().select(
        minute=pl.col("block_time").dt.epoch("us") // _MINUTE_US,
        **{name: pl.col(name).cast(pl.Categorical(categories[name])) for name in ("mint", "venue", "quote_mint")},
        trader=pl.col("wallet").cast(pl.Categorical(categories["wallet"])).to_physical(),
        signer=pl.col("signer").cast(pl.Categorical(categories["wallet"])).to_physical(),
        is_buy="is_buy",
        # Null where it is no u64.
        base_raw=pl.col("base_raw").cast(pl.UInt64, strict=False),
        quote_raw=pl.col("quote_raw").cast(pl.UInt64, strict=False),
        base_decimals="base_decimals",
        quote_decimals="quote_decimals",
    )
    frame = counted.filter(pl.col("base_raw").is_not_null() & pl.col("quote_raw").is_not_null()).collect()
    if frame.is_empty():
        return None
    frame = frame.with_columns(_packed_key(frame)).sort("key", maintain_order=True)
    frame = frame.with_columns(bucket=pl.col("key").rle_id())
    keys = frame.group_by("bucket", maintain_order=True).agg(pl.col(*_KEYS).first())
    keys = keys.with_columns(pl.col("mint", "venue", "quote_mint").cast(pl.String))
    return _Coded(frame.drop(*_KEYS, "key"), keys)


def _packed_key(frame: pl.DataFrame) -> pl.Expr:
    """One integer a bucket: (mint, venue, quote, minute), each counted from 0."""
    first_minute = frame["minute"].min()
    parts = [pl.col(name).to_physical().cast(pl.UInt64) for name in _KEYS[:3]]
    parts.append((pl.col("minute") - first_minute).cast(pl.UInt64))
    sizes = frame.select(part.max() + 1 for part in parts).row(0)
    if sizes[0] * sizes[1] * sizes[2] * sizes[3] >= 2**64:
        raise ValueError("a slice of trades has too many coins and minutes to number its buckets")
    key = parts[0]
    for part, size in zip(parts[1:], sizes[1:], strict=True):
        key = key * size + part
    return key.alias("key")


def _sums(coded: _Coded) -> pl.DataFrame:
    quotes = coded.keys.select(
        "bucket",
        large_from=pl.col("quote_mint").replace_strict(
            LARGE_TRADE_RAW, default=_NO_LARGE_TRADE, return_dtype=pl.UInt64
        ),
    )
    large = coded.trades.select("bucket", "quote_raw").join(quotes, on="bucket", how="left", maintain_order="left")
    large_raw = large.select(
        "bucket", large_raw=pl.when(pl.col("quote_raw") >= pl.col("large_from")).then("quote_raw").otherwise(0)
    )
    quote = pl.col("quote_raw").cast(pl.Int128)
    sums = (
        coded.trades.lazy()
        .with_columns(large_raw["large_raw"])
        .group_by("bucket", maintain_order=True)
        .agg(
            trades=pl.len().cast(pl.Int64),
            buys=pl.col("is_buy").sum().cast(pl.Int64),
            vol_raw=quote.sum(),
            vol_in_raw=pl.when("is_buy").then(quote).otherwise(0).sum(),
            large_raw=pl.col("large_raw").cast(pl.Int128).sum(),
            base_volume_raw=pl.col("base_raw").cast(pl.Int128).sum(),
            base_decimals=pl.col("base_decimals").max(),
            shown_quote_decimals=pl.col("quote_decimals").max(),
        )
        .collect()
    )
    return pl.concat([coded.keys, sums.drop("bucket")], how="horizontal")


def _pair(name: str) -> pl.Expr:
    return (pl.col("bucket").cast(pl.UInt64) * 2**32 + pl.col(name)).alias("pair")


def _signers(trades: pl.DataFrame) -> pl.DataFrame:
    pairs = trades.select(_pair("signer")).unique()
    buckets = pairs.select(bucket=(pl.col("pair") // 2**32).cast(pl.UInt32))
    return buckets.group_by("bucket").agg(uniq_signers=pl.len().cast(pl.Int64))


def _traders(trades: pl.DataFrame) -> pl.DataFrame:
    """How many traders, and the quote volume of the largest five."""
    by_trader = (
        trades.lazy()
        .group_by(_pair("trader"))
        .agg(pl.col("quote_raw").cast(pl.Int128).sum())
        .with_columns(bucket=(pl.col("pair") // 2**32).cast(pl.UInt32))
        .collect()
    )
    counts = by_trader.group_by("bucket").agg(
        holders_touched=pl.len().cast(pl.Int64), whales_raw=pl.col("quote_raw").sum()
    )
    # Where there are five or fewer, they are the whales, all of them.
    crowded = counts.lazy().filter(pl.col("holders_touched") > WHALES).select("bucket")
    largest = (
        by_trader.lazy()
        .join(crowded, on="bucket", how="semi")
        .sort("bucket", "quote_raw", descending=[False, True])
        .group_by("bucket", maintain_order=True)
        .agg(largest_raw=pl.col("quote_raw").head(WHALES).sum())
        .collect()
    )
    return counts.join(largest, on="bucket", how="left").select(
        "bucket", "holders_touched", whales_raw=pl.coalesce("largest_raw", "whales_raw")
    )


def _prices(trades: pl.DataFrame) -> pl.DataFrame:
    """First and last amounts that make a price, and the sum of squared returns between them."""
    decimals = pl.col("base_decimals")
    least_base_raw = (
        pl.when(decimals == 0).then(1).when(decimals == 1).then(10).when(decimals == 2).then(100)
    ).otherwise(LEAST_PRICED_RAW)
    priced = trades.select("bucket", "base_raw", "quote_raw", "base_decimals").filter(
        pl.col("base_raw").is_between(least_base_raw.cast(pl.UInt64), pl.lit(MOST_PRICED_RAW, pl.UInt64)),
        pl.col("quote_raw").is_between(pl.lit(LEAST_PRICED_RAW, pl.UInt64), pl.lit(MOST_PRICED_RAW, pl.UInt64)),
    )
    priced = priced.select("bucket", quote=pl.col("quote_raw").cast(pl.Int128), base=pl.col("base_raw").cast(pl.Int128))
    is_wide = _has_wide_products(priced)
    is_next = pl.col("bucket") == pl.col("bucket").shift(1)
    before = (pl.col("quote").shift(1), pl.col("base").shift(1))
    return_ppb = arithmetic.return_ppb(*before, pl.col("quote"), pl.col("base"), is_wide=is_wide)
    returns = priced.lazy().with_columns(return_ppb=pl.when(is_next).then(return_ppb).otherwise(0))
    return (
        returns.with_columns(squared=pl.col("return_ppb") * pl.col("return_ppb"))
        .group_by("bucket", maintain_order=True)
        .agg(
            pl.col("squared").sum(),
            open_quote=pl.col("quote").first(),
            open_base=pl.col("base").first(),
            close_quote=pl.col("quote").last(),
            close_base=pl.col("base").last(),
        )
        .collect()
    )


def _has_wide_products(priced: pl.DataFrame) -> bool:
    """Whether a quote amount times a base amount of these may reach 2^96."""
    if priced.is_empty():
        return False
    most_quote, most_base = priced.select(pl.col("quote").max(), pl.col("base").max().alias("most_base")).row(0)
    return bool(most_quote * most_base >= exact.UNSHIFTED_BELOW)


def _rates(minutes: pl.Series, rates: ReferencePrices | None) -> pl.DataFrame:
    """The SOL price known at the start of each minute, in billionths; null and '' without one."""
    rows: list[tuple[int, int | None, str, int | None]] = []
    for minute in minutes.unique().to_list():
        price = rates.at(minute * BUCKET_SECONDS) if rates is not None else None
        rate_e9 = exact.rate_e9_of(price.price_usd) if price else None
        if price is None or rate_e9 is None:
            rows.append((minute, None, "", None))
        else:
            rows.append((minute, rate_e9, price.source, exact.confidence_e18(price.confidence)))
    schema = {"minute": pl.Int64, "rate_e9": pl.Int128, "sol_usd_source": pl.String, "confidence_e18": pl.Int128}
    return pl.DataFrame(rows, schema=schema, orient="row")
