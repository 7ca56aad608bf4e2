"""Prices looked up in candles: what a coin stood at at an instant, and the most and least it stood at in a window.

Nothing looks ahead. Who asks stands at `as_of`: candles that ended later do not count, whatever time is asked about. At t
counts the newest candle that had ended by t (available_at ≤ t), if it ended no longer ago than its timeframe allows
(`STALE_AFTER_S`). In [t0, t1] count candles that lie wholly inside. The price is a candle's volume-weighted mean, never a
single trade's: a peak needs volume. `timeframe_at` says which candles answer.
"""

from datetime import datetime

import polars as pl

from oof_pipelines.pricing.exact import MONEY, as_money, scaled_product, scaled_ratio

USD = "usd"
"""The unit of prices in dollars; any other unit is a quote mint."""

STALE_AFTER_S = {"1m": 3_600, "5m": 14_400, "1h": 86_400}
"""How long ago a candle may have ended to answer: an hour, four hours, a day."""

_DAY_S = 86_400
_OLDEST_S = {"1m": 7 * _DAY_S, "5m": 180 * _DAY_S, "1h": 730 * _DAY_S}
_JOINED_AT_ONCE = 4_000_000

CANDLE_COLUMNS = (
    "mint",
    "quote_mint",
    "bucket_start",
    "vwap",
    "vwap_usd",
    "source",
    "confidence",
    "usd_source",
    "usd_confidence",
    "is_primary",
    "available_at",
)
"""What a look-up reads of a candle."""

ANSWER = {
    "price": MONEY,
    "quote_mint": pl.String(),
    "source": pl.String(),
    "usd_source": pl.String(),
    "confidence": MONEY,
    "candle_start": pl.Datetime("us", "UTC"),
    "available_at": pl.Datetime("us", "UTC"),
    "timeframe": pl.String(),
}
"""The columns of an answer, all null where there is none. `usd_source` is '' where the unit is a quote mint."""


def timeframe_at(instant: pl.Expr, as_of: datetime) -> pl.Expr:
    """1m up to 7 days before `as_of` (and after it), 5m up to 180 days, 1h up to two years; null for what is older."""
    age_s = (pl.lit(as_of) - instant).dt.total_seconds(fractional=False)
    # Each older than the one before it, so the finest that reaches back that far comes first.
    return pl.coalesce(pl.when(age_s <= oldest_s).then(pl.lit(name)) for name, oldest_s in _OLDEST_S.items())


def prices_in(candles: pl.DataFrame, unit: str, as_of: datetime) -> pl.DataFrame:
    """mint and the columns of an answer, of the candles (`CANDLE_COLUMNS`) priced in `unit` that had ended by `as_of`."""
    is_usd = unit == USD
    candles = candles.filter(pl.col("available_at") <= as_of)
    if is_usd:
        chosen = candles.filter(pl.col("is_primary") & pl.col("vwap_usd").is_not_null())
        sure = scaled_product(chosen["confidence"].to_physical(), chosen["usd_confidence"].to_physical())
    else:
        chosen = candles.filter((pl.col("quote_mint") == unit) & pl.col("vwap").is_not_null())
        sure = chosen["confidence"].to_physical()
    return chosen.select(
        "mint",
        pl.col("vwap_usd" if is_usd else "vwap").alias("price"),
        "quote_mint",
        "source",
        (pl.col("usd_source") if is_usd else pl.lit("")).alias("usd_source"),
        as_money(sure.alias("confidence")),
        pl.col("bucket_start").alias("candle_start"),
        "available_at",
    )


def newest_prices(questions: pl.DataFrame, prices: pl.DataFrame, timeframe: str) -> pl.DataFrame:
    """Answers to `questions` (mint, at, and whatever else), a row each: the columns of an answer beside theirs.

    Of the confidence up to a half goes with age: (2 × limit − age) ÷ (2 × limit).
    """
    limit_s = STALE_AFTER_S[timeframe]
    # A candle and its time are all there is of a mint: those that ended at the same instant do not exist twice.
    found = questions.sort("at").join_asof(
        prices.sort("available_at").with_columns(pl.col("available_at").alias("known_at")),
        left_on="at",
        right_on="known_at",
        by="mint",
        strategy="backward",
        tolerance=f"{limit_s}s",
        check_sortedness=False,
    )
    age_s = found.select((pl.col("at") - pl.col("available_at")).dt.total_seconds()).to_series()
    weight = scaled_ratio(2 * limit_s - age_s, _repeated(18, found), _repeated(2 * limit_s, found))
    confidence = as_money(scaled_product(found["confidence"].to_physical(), weight).alias("confidence"))
    return _complete(found.with_columns(confidence), questions, timeframe)


def extreme_prices(questions: pl.DataFrame, prices: pl.DataFrame, timeframe: str, *, is_highest: bool) -> pl.DataFrame:
    """Answers to `questions` (mint, since, until, …): the highest or lowest price inside, of equal ones the earliest."""
    counts = prices.group_by("mint").agg(pl.len().cast(pl.Int64).alias("candles"))
    numbered = questions.with_row_index("question").join(counts, on="mint", how="left", maintain_order="left")
    # Each question is held against every candle of its mint: so many at once that memory stays bounded.
    part = numbered["candles"].fill_null(0).cum_sum() // _JOINED_AT_ONCE
    found = [
        _extremes(rows, prices, is_highest=is_highest)
        for rows in numbered.with_columns(part.alias("part")).partition_by("part", maintain_order=True)
    ]
    best = pl.concat(found) if found else _extremes(numbered.with_columns(part=0), prices, is_highest=is_highest)
    answered = questions.with_row_index("question").join(best, on="question", how="left", maintain_order="left")
    return _complete(answered, questions, timeframe)


def _extremes(numbered: pl.DataFrame, prices: pl.DataFrame, *, is_highest: bool) -> pl.DataFrame:
    inside = (
        numbered.select("question", "mint", "since", "until")
        .join(prices, on="mint")
        .filter((pl.col("candle_start") >= pl.col("since")) & (pl.col("available_at") <= pl.col("until")))
    )
    ordered = inside.sort(
        "question", "price", "candle_start", "quote_mint", descending=[False, is_highest, False, False]
    )
    return ordered.unique("question", keep="first", maintain_order=True).drop("mint", "since", "until")


def _complete(found: pl.DataFrame, questions: pl.DataFrame, timeframe: str) -> pl.DataFrame:
    name = pl.when(pl.col("price").is_not_null()).then(pl.lit(timeframe)).alias("timeframe")
    return found.with_columns(name).select(*questions.columns, *ANSWER)


def _repeated(number: int, frame: pl.DataFrame) -> pl.Series:
    return pl.repeat(number, frame.height, dtype=pl.Int64, eager=True)
