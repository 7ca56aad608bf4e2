"""Candles from trades: one, five and sixty minutes of every pair, of the trades that are believed.

The day may be made in stretches of whole hours, each handed what the one before remembers; the result is the same. Five
and sixty minutes are folded from the minutes, only their signers are counted anew, since counts of people do not add up.
"""

from dataclasses import dataclass

import polars as pl

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.pricing.candle_columns import COUNTS, FROM_SWAPS, LENGTH, TIMEFRAMES, VOLUMES, shaped
from oof_pipelines.pricing.coarser import fold_minutes
from oof_pipelines.pricing.coded_trades import MINUTE_S, CodedTrades, code_trades
from oof_pipelines.pricing.confidence import with_confidence
from oof_pipelines.pricing.dollars import with_dollars
from oof_pipelines.pricing.filters import PriceFilters
from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.pricing.trust import BELIEVED, REASONS, mark_trades, no_levels
from oof_pipelines.pricing.two_step import second_steps, with_two_step

_RANKS = {USDC_MINT: 3, USDT_MINT: 2, NATIVE_MINT: 1}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Candles by timeframe, without what `finish_day` adds, and the levels for the next stretch."""

    by_timeframe: dict[str, pl.DataFrame]
    levels: pl.DataFrame


def day_candles(
    trades: pl.DataFrame, decimals: pl.DataFrame, filters: PriceFilters, reference: ReferencePrices
) -> dict[str, pl.DataFrame]:
    """Timeframe → candles of a whole day at once: `fold_stretch` and `finish_day`."""
    return finish_day([fold_stretch(trades, decimals, filters, no_levels()).by_timeframe], reference)


def fold_stretch(trades: pl.DataFrame, decimals: pl.DataFrame, filters: PriceFilters, before: pl.DataFrame) -> Stretch:
    """Candles of one stretch of whole hours, from its trades (see `code_trades`) and the levels of the stretch before."""
    coded = code_trades(trades, decimals)
    rows, levels = mark_trades(coded, filters, before)
    believed = rows.filter(pl.col("reason") == BELIEVED)
    minutes = _minutes(coded, rows, believed)
    by_timeframe = {}
    for name, seconds in TIMEFRAMES.items():
        is_finest = seconds == MINUTE_S
        working = minutes if is_finest else fold_minutes(minutes, _signers(coded, believed, seconds), seconds)
        by_timeframe[name] = shaped(working, seconds)
    return Stretch(by_timeframe, levels)


def finish_day(stretches: list[dict[str, pl.DataFrame]], reference: ReferencePrices) -> dict[str, pl.DataFrame]:
    """A day's stretches (one at least) joined, with confidence, prices by two steps, dollars and primaries.

    The stretches are emptied as they are joined, so that no timeframe is in memory twice for longer than its turn.
    """
    finished: dict[str, pl.DataFrame] = {}
    steps = None
    # What one stretch costs here is by the call and not by the row: its timeframes take one turn together.
    for names in [tuple(TIMEFRAMES)] if len(stretches) == 1 else [(name,) for name in TIMEFRAMES]:
        sure = with_confidence(pl.concat([stretch.pop(name) for name in names for stretch in stretches]))
        # The minutes come first: the second steps are theirs.
        steps = second_steps(sure) if steps is None else steps
        made = with_primary(with_dollars(with_two_step(sure, steps), reference))
        if len(names) == 1:
            finished[names[0]] = made
        else:
            finished = {name: made.filter(pl.duration(seconds=TIMEFRAMES[name]) == LENGTH) for name in names}
    return finished


def with_primary(candles: pl.DataFrame) -> pl.DataFrame:
    """`is_primary`: of a coin's candles of one time (from bucket_start to available_at), the one whose quote to believe.

    None where it has no price in money. Those known in dollars before the others, direct prices before those by two steps,
    then the most signers, the most trades, then USDC, USDT, SOL.
    """
    is_priced = pl.col("quote_mint").is_in(list(_RANKS)) & pl.col("vwap").is_not_null()
    rank = pl.col("quote_mint").replace_strict(_RANKS, default=0, return_dtype=pl.Int64)
    has_dollars = pl.col("vwap_usd").is_not_null().cast(pl.Int64)
    is_direct = (pl.col("source") == FROM_SWAPS).cast(pl.Int64)
    signers = pl.col("signers").cast(pl.Int64).clip(0, 2**24 - 1)
    # One number of 1 + 1 + 24 + 31 + 2 bits, since a maximum over groups is cheap and a sort is not.
    score = (((has_dollars * 2 + is_direct) * 2**24 + signers) * 2**31 + pl.col("trades").cast(pl.Int64)) * 4 + rank
    scored = candles.with_columns(pl.when(is_priced).then(score).alias("score"))
    is_best = pl.col("score") == pl.col("score").max().over("mint", "bucket_start", "available_at")
    return scored.with_columns(is_best.fill_null(False).alias("is_primary")).drop("score")


def _minutes(coded: CodedTrades, rows: pl.DataFrame, believed: pl.DataFrame) -> pl.DataFrame:
    """Working candles of a minute, sorted by pair and minute; also where nothing is believed, with what was excluded."""
    priced = believed.group_by("key", maintain_order=True).agg(
        pl.col("price").first().alias("open"),
        pl.col("price").max().alias("high"),
        pl.col("price").min().alias("low"),
        pl.col("price").last().alias("close"),
        pl.col("base_raw").sum().alias("base_volume_raw"),
        pl.col("quote_raw").sum().alias("quote_volume_raw"),
        pl.col("quote_reserve_raw").min(),
        pl.len().cast(pl.Int32).alias("trades"),
        pl.col("signer").n_unique().cast(pl.Int32).alias("signers"),
    )
    refused = rows.filter(pl.col("reason") != BELIEVED)
    excluded = refused.group_by("key", maintain_order=True).agg(
        pl.len().cast(pl.Int32).alias("excluded_trades"),
        pl.col("quote_raw").sum().alias("excluded_quote_raw"),
        *(
            (pl.col("reason") == reason).sum().cast(pl.Int32).alias(f"excluded_{name}")
            for name, reason in REASONS.items()
        ),
    )
    joined = coded.groups
    for found in (priced, excluded):
        joined = joined.join(found, on="key", how="left", maintain_order="left")
    return joined.with_columns(
        pl.col("signers", *COUNTS).fill_null(0), pl.col(VOLUMES).fill_null(pl.lit(0, dtype=pl.Int128))
    )


def _signers(coded: CodedTrades, believed: pl.DataFrame, seconds: int) -> pl.DataFrame:
    """pair, bucket (its number since 1970) → how many different signers the believed trades have."""
    buckets = coded.groups.select("key", "pair", (pl.col("minute") // (seconds // MINUTE_S)).alias("bucket"))
    rows = believed.select("key", "signer").join(buckets, on="key", maintain_order="left")
    return rows.group_by("pair", "bucket").agg(pl.col("signer").n_unique().cast(pl.Int32).alias("signers"))
