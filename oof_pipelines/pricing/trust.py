"""Why a trade is not believed: no price can be said, dust, a thin pool, or a price that its surroundings do not bear out.

No price beats a wrong price: what is excluded is counted, and a minute in which nothing is believed has no price.
"""

import polars as pl

from oof_pipelines.pricing.coded_trades import CodedTrades
from oof_pipelines.pricing.filters import PriceFilters

BELIEVED, UNPRICED, DUST, THIN, OUTLIER = range(5)
REASONS = {"unpriced": UNPRICED, "dust": DUST, "thin": THIN, "outlier": OUTLIER}

LEVELS = {"mint": pl.String(), "quote_mint": pl.String(), "minute": pl.Int64(), "level": pl.Int128()}
"""What the marking remembers of minutes before: about where the price of a pair stood (× 10^18), believed or not."""

_LOOK_BACK_MINUTES = 60
_BEFORE = 3
_NEIGHBOURS = (-4, -3, -2, -1, 1, 2, 3, 4)
# Three digits at 18 places.
_LEAST_PRICE = 100


def no_levels() -> pl.DataFrame:
    """The memory before any trade."""
    return pl.DataFrame(schema=LEVELS)


def mark_trades(coded: CodedTrades, filters: PriceFilters, before: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(`coded.rows` with `reason` (UInt8), levels to hand on). `before` are the levels handed on by the stretch before.

    Stretches must end with a whole minute. Whole days and slices of them are marked the same.
    """
    rows = coded.rows.with_columns(_reasons_of_their_own(coded, filters))
    candidates = rows.filter(pl.col("reason") == BELIEVED)
    if candidates.is_empty():
        return rows, before
    stats = _levels(candidates, filters)
    stats = coded.groups.select("key", "pair", "mint", "quote_mint", "minute").join(
        stats, on="key", maintain_order="left"
    )
    rejected, levels = _minutes_alone(stats, filters, before)
    outliers = _outliers(candidates, stats, rejected, filters)
    # A row's number among all rows leads back from the candidates.
    numbers = rows.select(pl.arg_where(pl.col("reason") == BELIEVED)).to_series().filter(outliers)
    reason = rows["reason"].scatter(numbers, OUTLIER) if numbers.len() else rows["reason"]
    return rows.with_columns(reason), levels


def _reasons_of_their_own(coded: CodedTrades, filters: PriceFilters) -> pl.Series:
    """What speaks against a trade whatever the others are."""
    per_group = coded.groups.select(
        "key",
        _threshold(filters.smallest_trade_raw).alias("smallest"),
        _threshold(filters.thinnest_reserve_raw).alias("thinnest"),
    )
    rows = coded.rows.join(per_group, on="key", maintain_order="left")
    fewest = pl.lit(filters.fewest_raw, dtype=pl.Int128)
    is_dust = (
        (pl.col("base_raw") < fewest)
        | (pl.col("quote_raw") < fewest)
        | (pl.col("quote_raw") < pl.col("smallest"))
        | (pl.col("price") < pl.lit(_LEAST_PRICE, dtype=pl.Int128))
    )
    is_unpriced = pl.col("price").is_null() | (pl.col("base_raw") <= 0) | (pl.col("quote_raw") <= 0)
    is_thin = (pl.col("quote_reserve_raw") < pl.col("thinnest")).fill_null(False)
    reason = (
        pl.when(is_unpriced)
        .then(UNPRICED)
        .when(is_dust.fill_null(False))
        .then(DUST)
        .when(is_thin)
        .then(THIN)
        .otherwise(BELIEVED)
    )
    return rows.select(reason.cast(pl.UInt8).alias("reason")).to_series()


def _threshold(by_mint: object) -> pl.Expr:
    """The threshold of the group's quote; null where the quote is no money."""
    assert isinstance(by_mint, dict)
    return pl.col("quote_mint").replace_strict(by_mint, default=None, return_dtype=pl.Int64).cast(pl.Int128)


def _levels(candidates: pl.DataFrame, filters: PriceFilters) -> pl.DataFrame:
    """key → count, signers, is_uneven, level: the volume-weighted median, or where all prices are near, the first.

    The median wants a sort by price, so it is made only where prices lie so far apart that some may be outliers.
    """
    stats = candidates.group_by("key", maintain_order=True).agg(
        pl.col("price").min().alias("least"),
        pl.col("price").max().alias("most"),
        pl.col("price").first().alias("level"),
        pl.len().cast(pl.Int64).alias("count"),
        pl.col("signer").n_unique().cast(pl.Int64).alias("signers"),
    )
    stats = stats.with_columns(
        (~_is_within(pl.col("most"), pl.col("least"), filters.outlier_factor * 100)).alias("is_wide"),
        (~_is_within(pl.col("most"), pl.col("least"), filters.spike_percent)).alias("is_uneven"),
    )
    wide = candidates.join(stats.filter("is_wide").select("key"), on="key", how="semi")
    if wide.is_empty():
        return stats
    ordered = wide.select("key", "price", "quote_raw").sort("key", "price")
    ordered = ordered.with_columns(
        pl.col("quote_raw").cum_sum().over("key").alias("up_to"), pl.col("quote_raw").sum().over("key").alias("total")
    )
    reaches_half = pl.col("up_to") * _whole(2) >= pl.col("total")
    medians = ordered.filter(reaches_half).group_by("key", maintain_order=True).agg(pl.col("price").first().alias("m"))
    stats = stats.join(medians, on="key", how="left", maintain_order="left")
    return stats.with_columns(pl.coalesce("m", "level").alias("level")).drop("m")


def _minutes_alone(
    stats: pl.DataFrame, filters: PriceFilters, before: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(keys of minutes that are outliers as a whole, levels to hand on).

    A minute with little behind it must lie near one of the last three that had candidates, where the last hour has any.
    """
    known = before.with_columns(pl.lit(None, dtype=pl.Int64).alias("key"), pl.lit(True).alias("is_backed"))
    is_backed = (pl.col("count") >= filters.backing_trades) & (pl.col("signers") >= filters.backing_signers)
    fresh = stats.select(*LEVELS, "key", is_backed.alias("is_backed"))
    line = pl.concat([known.select(fresh.columns), fresh]).sort("mint", "quote_mint", "minute")
    has_before, is_near = pl.lit(False), pl.lit(False)
    for back in range(1, _BEFORE + 1):
        is_same = (
            (pl.col("mint").shift(back) == pl.col("mint"))
            & (pl.col("quote_mint").shift(back) == pl.col("quote_mint"))
            & (pl.col("minute") - pl.col("minute").shift(back) <= _LOOK_BACK_MINUTES)
        ).fill_null(False)
        level, earlier = pl.col("level"), pl.col("level").shift(back)
        has_before = has_before | is_same
        is_near = is_near | (is_same & _is_within(level, earlier, filters.outlier_factor * 100).fill_null(False))
    alone = line.filter(pl.col("key").is_not_null() & ~pl.col("is_backed") & has_before & ~is_near)
    last_minute = pl.col("minute").max()
    kept = line.filter(last_minute - pl.col("minute") < _LOOK_BACK_MINUTES).select(list(LEVELS))
    return alone.select("key"), kept.group_by("mint", "quote_mint", maintain_order=True).tail(_BEFORE).select(
        list(LEVELS)
    )


def _outliers(
    candidates: pl.DataFrame, stats: pl.DataFrame, rejected: pl.DataFrame, filters: PriceFilters
) -> pl.Series:
    """Of each candidate, whether it is an outlier."""
    # Only minutes that are uneven or rejected can hold one: the others are not looked at trade by trade.
    suspects = stats.select("key", "level", "is_uneven").with_columns(
        pl.col("key").is_in(rejected["key"].implode()).alias("is_rejected")
    )
    suspects = suspects.filter(pl.col("is_uneven") | pl.col("is_rejected"))
    marks = pl.repeat(False, candidates.height, dtype=pl.Boolean, eager=True)
    if suspects.is_empty():
        return marks
    numbered = candidates.select("key", "price", "signer").with_row_index("row")
    looked_at = numbered.join(suspects, on="key", maintain_order="left")
    around, near, very_near = (pl.lit(0, dtype=pl.Int32) for _ in range(3))
    for step in _NEIGHBOURS:
        price = pl.col("price").shift(step)
        is_there = (pl.col("key").shift(step) == pl.col("key")).fill_null(False)
        is_others = is_there & (pl.col("signer").shift(step) != pl.col("signer"))
        around = around + is_there.cast(pl.Int32)
        near = near + _counted(is_others & _is_within(pl.col("price"), price, filters.neighbour_factor * 100))
        very_near = very_near + _counted(is_others & _is_within(pl.col("price"), price, filters.spike_percent))
    is_far = ~_is_within(pl.col("price"), pl.col("level"), filters.outlier_factor * 100)
    is_spike = (around >= filters.spike_neighbours) & (very_near == 0)
    is_outlier = pl.col("is_rejected") | is_spike | (is_far & (near < filters.confirming_neighbours))
    rows = looked_at.filter(is_outlier)["row"]
    return marks.scatter(rows, True) if rows.len() else marks


def _counted(is_so: pl.Expr) -> pl.Expr:
    return is_so.fill_null(False).cast(pl.Int32)


def _is_within(one: pl.Expr, other: pl.Expr, percent: int) -> pl.Expr:
    """Whether neither is more than `percent` % of the other.

    Prices are below 10^32 (MOST_PRICE), percentages at most 10^6 (filters.py), so no product leaves Int128 (1.7 × 10^38).
    """
    factor, whole = _whole(percent), _whole(100)
    return (one * whole <= other * factor) & (other * whole <= one * factor)


def _whole(number: int) -> pl.Expr:
    return pl.lit(number, dtype=pl.Int128)
