"""Candles from trades: one, five and sixty minutes of every pair, of the trades that are believed.

The day may be made in stretches of whole hours, each handed what the one before remembers; the result is the same. Five
and sixty minutes are folded from the minutes, only their signers are counted anew, since counts of people do not add up.
"""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.pricing.candle_columns import COUNTS, FROM_SWAPS, LENGTH, TIMEFRAMES, VOLUMES, shaped
from oof_pipelines.pricing.coarser import fold_minutes
from oof_pipelines.pricing.coded_trades import MINUTE_S, CodedTrades, code_trades
from oof_pipelines.pricing.confidence import with_confidence
from oof_pipelines.pricing.dollars import with_dollars
from oof_pipelines.pricing.filters import MONEY_MINTS, PriceFilters
from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.pricing.trust import BELIEVED, REASONS, mark_trades, no_levels
from oof_pipelines.pricing.two_step import second_steps, with_two_step

PART_TRADES = 500_000
"""Trades that are folded at once: some 400 MB."""

FINEST = next(name for name, seconds in TIMEFRAMES.items() if seconds == MINUTE_S)

_RANKS = {USDC_MINT: 3, USDT_MINT: 2, NATIVE_MINT: 1}
_MONEY = list(MONEY_MINTS.values())


@dataclass(frozen=True, slots=True)
class Stretch:
    """Candles by timeframe, without what `finish_candles` adds, and the levels for the next stretch."""

    by_timeframe: dict[str, pl.DataFrame]
    levels: pl.DataFrame


def day_candles(
    trades: pl.DataFrame, decimals: pl.DataFrame, filters: PriceFilters, reference: ReferencePrices
) -> dict[str, pl.DataFrame]:
    """Timeframe → candles of a whole day at once: `fold_stretch` and `finish_day`."""
    return finish_day([fold_stretch(trades, decimals, filters, no_levels()).by_timeframe], reference)


def day_minutes(
    trades: pl.DataFrame, decimals: pl.DataFrame, filters: PriceFilters, reference: ReferencePrices
) -> pl.DataFrame:
    """Candles of a minute alone, of a whole day or of what it has from some minute on."""
    minutes = fold_stretch(trades, decimals, filters, no_levels(), timeframes=(FINEST,)).by_timeframe[FINEST]
    return finish_candles(minutes, steps_of(minutes, minutes["quote_mint"].unique()), reference)


def fold_stretch(
    trades: pl.DataFrame,
    decimals: pl.DataFrame,
    filters: PriceFilters,
    before: pl.DataFrame,
    *,
    timeframes: Collection[str] = tuple(TIMEFRAMES),
) -> Stretch:
    """Candles of one stretch of whole hours, from its trades (see `code_trades`) and the levels of the stretch before."""
    coded = code_trades(trades, decimals)
    rows, levels = mark_trades(coded, filters, before)
    believed = rows.filter(pl.col("reason") == BELIEVED)
    minutes = _minutes(coded, rows, believed)
    by_timeframe = {}
    for name in timeframes:
        seconds = TIMEFRAMES[name]
        is_finest = seconds == MINUTE_S
        working = minutes if is_finest else fold_minutes(minutes, _signers(coded, believed, seconds), seconds)
        by_timeframe[name] = shaped(working, seconds)
    return Stretch(by_timeframe, levels)


def fold_pieces(
    pieces: list[pl.DataFrame], decimals: pl.DataFrame, filters: PriceFilters, before: pl.DataFrame
) -> Stretch:
    """`fold_stretch` of pieces that follow each other, in parts where they have more than `PART_TRADES`: the same candles.

    A part has all trades of its pairs, from either side, so that nothing in one depends on another. Rows come in the parts'
    order. Mints and signers may be categories, of one kind in all pieces.
    """
    count = -(-sum(piece.height for piece in pieces) // PART_TRADES)
    if count <= 1:
        return fold_stretch(_as_text(pl.concat(pieces)), decimals, filters, before)
    mints = pieces[0].schema["mint"]
    mints = pl.Categorical(pl.Categories.random()) if mints == pl.String else mints
    folded = []
    for number in range(count):
        is_of_part = _part(mints, count) == number
        trades = _as_text(pl.concat([piece.filter(is_of_part) for piece in pieces]))
        known = before.filter(is_of_part)
        folded.append(fold_stretch(trades, decimals, filters, known) if trades.height else Stretch({}, known))
    made = [stretch.by_timeframe for stretch in folded if stretch.by_timeframe]
    joined = {name: pl.concat([by_timeframe[name] for by_timeframe in made]) for name in TIMEFRAMES}
    return Stretch(joined, pl.concat([stretch.levels for stretch in folded]))


def _part(mints: pl.DataType, count: int) -> pl.Expr:
    """The number of a pair's part: by one mint for both directions of a pair with a coin in it."""
    mint, quote = (pl.col(name).cast(mints).to_physical() for name in ("mint", "quote_mint"))
    is_sold_for_money, is_money = (pl.col(name).is_in(_MONEY) for name in ("quote_mint", "mint"))
    coin = pl.when(is_sold_for_money).then(mint).when(is_money).then(quote).otherwise(pl.min_horizontal(mint, quote))
    return coin % count


def _as_text(trades: pl.DataFrame) -> pl.DataFrame:
    return trades.with_columns(pl.col("mint", "quote_mint", "signer").cast(pl.String))


def steps_of(minutes: pl.DataFrame, coins: pl.Series) -> pl.DataFrame:
    """The second steps (see two_step.py) that unfinished candles of a minute give, of `coins` alone."""
    return second_steps(with_confidence(minutes.filter(pl.col("mint").is_in(coins.implode()))))


def finish_candles(candles: pl.DataFrame, steps: pl.DataFrame, reference: ReferencePrices) -> pl.DataFrame:
    """Folded candles with confidence, prices by two steps, dollars and primaries.

    `candles` are all that the day has of their mints in a timeframe, and may be of several timeframes; `steps` are all that
    the day has of the coins that are quotes.
    """
    return with_primary(with_dollars(with_two_step(with_confidence(candles), steps), reference))


def finish_day(stretches: list[dict[str, pl.DataFrame]], reference: ReferencePrices) -> dict[str, pl.DataFrame]:
    """Timeframe → a day's stretches (one at least) joined and finished, all of them in memory at once."""
    minutes = pl.concat([stretch["1m"] for stretch in stretches])
    folded = pl.concat([stretch[name] for name in TIMEFRAMES for stretch in stretches])
    finished = finish_candles(folded, steps_of(minutes, minutes["quote_mint"].unique()), reference)
    return {name: of_timeframe(finished, name) for name in TIMEFRAMES}


def of_timeframe(candles: pl.DataFrame, name: str) -> pl.DataFrame:
    """Of candles of several timeframes those of one."""
    return candles.filter(pl.duration(seconds=TIMEFRAMES[name]) == LENGTH)


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
