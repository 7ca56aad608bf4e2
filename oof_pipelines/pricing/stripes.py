"""Stripes: ranges of mints whose rows are finished one range after the other, so that a day need not fit in memory.

Whatever finishing a candle looks at is of its own mint: confidence, dollars, primaries, prices by two steps. Only the second
steps are of other mints, and those are few: of the coins that occur as quotes (`quote_coins`). A row of features is of one
mint anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from oof_pipelines.pricing.candle_columns import TIMEFRAMES
from oof_pipelines.pricing.filters import MONEY_MINTS

_DAY_S = 86_400
_MONEY = list(MONEY_MINTS.values())


@dataclass(frozen=True, slots=True)
class Stripes:
    """Contiguous ranges in the order of the mints. `first_mints` are those that the second and later ranges begin with."""

    first_mints: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.first_mints) + 1

    def bounds(self, number: int) -> tuple[str, str | None]:
        """The mints of a stripe: from the first, which is '' where it has no bound, to before the second, None likewise."""
        first_mints = ("", *self.first_mints, None)
        return first_mints[number] or "", first_mints[number + 1]

    def cut(self, candles: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
        """(number of the stripe from 0, its rows in their order), ascending, of the stripes that have rows."""
        if not self.first_mints:
            yield 0, candles
            return
        numbers = pl.Series(self.first_mints).search_sorted(candles["mint"], side="right")
        numbered = candles.with_columns(numbers.alias("stripe"))
        parts = numbered.partition_by("stripe", as_dict=True, include_key=False, maintain_order=True)
        for (number,), part in sorted(parts.items()):
            yield number, part


def choose_stripes(pairs: pl.DataFrame, most_candles: int) -> Stripes:
    """Stripes of at most `most_candles` over all timeframes; a mint that has more by itself is a stripe of its own.

    `pairs` has mint, quote_mint and trades (how many the day has, as they were made). What is counted is an upper bound.
    """
    return stripes_by_rows(_most_candles(pairs), most_candles)


def stripes_by_rows(rows_by_mint: pl.DataFrame, most_rows: int) -> Stripes:
    """Stripes of at most `most_rows`; a mint that has more by itself is a stripe of its own.

    `rows_by_mint` has two columns, mint and how many rows it has, sorted by mint.
    """
    first_mints = []
    held = 0
    for mint, rows in rows_by_mint.iter_rows():
        if held and held + rows > most_rows:
            first_mints.append(mint)
            held = 0
        held += rows
    return Stripes(tuple(first_mints))


def quote_coins(pairs: pl.DataFrame) -> pl.Series:
    """The mints that others are traded for and that are no money. A trade of two coins has either as the quote."""
    of_coins = pairs.filter(~pl.col("quote_mint").is_in(_MONEY))
    both = pl.concat([of_coins["quote_mint"], of_coins["mint"].alias("quote_mint")])
    return both.filter(~both.is_in(_MONEY)).unique().sort()


def _most_candles(pairs: pl.DataFrame) -> pl.DataFrame:
    """mint → candles of all its pairs and timeframes at most, sorted by mint."""
    of_coins = pairs.filter(~pl.col("quote_mint").is_in(_MONEY))
    turned = of_coins.rename({"mint": "quote_mint", "quote_mint": "mint"})
    # A pair of coins may have a row in SOL by two steps beside each of its own.
    sides = [pairs, of_coins, turned, turned]
    columns = ("mint", "quote_mint", "trades")
    seen_from_either = pl.concat([side.select(columns) for side in sides]).with_columns(pl.col("trades").cast(pl.Int64))
    buckets = [pl.min_horizontal("trades", pl.lit(_DAY_S // seconds)) for seconds in TIMEFRAMES.values()]
    return (
        seen_from_either.with_columns(pl.sum_horizontal(buckets).alias("candles"))
        .group_by("mint")
        .agg(pl.col("candles").sum())
        .sort("mint")
    )
