"""Stripes of mints: ranges in order, none above the ceiling but a mint by itself, each candle in one of them."""

from itertools import pairwise

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from trade_rows import COIN, OTHER, SOL, THIRD, USDC

from oof_pipelines.pricing.stripes import Stripes, choose_stripes, quote_coins, stripes_by_rows

_MINTS = st.text("abc", min_size=1, max_size=3)


def pairs(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"mint": pl.String, "quote_mint": pl.String, "trades": pl.Int64}, orient="row")


def test_a_small_day_is_one_stripe_and_so_is_one_without_trades() -> None:
    # One trade is a candle of each of three timeframes.
    assert choose_stripes(pairs((COIN, SOL, 1), (OTHER, SOL, 1)), 6) == Stripes(())
    assert choose_stripes(pairs((COIN, SOL, 1), (OTHER, SOL, 1)), 5) == Stripes((OTHER,))
    assert choose_stripes(pairs(), 1).count == 1


def test_more_trades_than_buckets_make_no_more_candles() -> None:
    of_a_pair = 1_440 + 288 + 24
    many = pairs((COIN, SOL, 10**9), (OTHER, SOL, 10**9), (THIRD, SOL, 10**9))
    assert choose_stripes(many, 3 * of_a_pair).count == 1
    assert choose_stripes(many, 3 * of_a_pair - 1).first_mints == (THIRD,)
    # A mint that is above the ceiling by itself is a stripe of its own.
    assert choose_stripes(many, 10).first_mints == (OTHER, THIRD)


def test_a_pair_of_coins_counts_on_either_side_with_a_row_by_two_steps() -> None:
    assert choose_stripes(pairs((COIN, OTHER, 1)), 12).count == 1
    assert choose_stripes(pairs((COIN, OTHER, 1)), 11).count == 2


def test_stripes_by_rows_are_full_but_never_above_the_ceiling_and_say_their_bounds() -> None:
    counts = pl.DataFrame({"mint": ["a", "b", "c", "d"], "rows": [2, 3, 9, 1]})
    stripes = stripes_by_rows(counts, 5)
    assert stripes == Stripes(("c", "d"))
    assert [stripes.bounds(number) for number in range(stripes.count)] == [("", "c"), ("c", "d"), ("d", None)]
    assert Stripes(()).bounds(0) == ("", None)


def test_coins_that_are_quotes_are_those_on_either_side_of_a_pair_of_coins() -> None:
    day = pairs((COIN, SOL, 5), (COIN, OTHER, 1), (SOL, THIRD, 1), (SOL, USDC, 2), ("lonely", USDC, 1))
    assert quote_coins(day).to_list() == sorted([COIN, OTHER, THIRD])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(_MINTS, st.just(SOL), st.integers(1, 50)), max_size=30), st.integers(1, 400))
def test_every_candle_is_in_one_stripe_in_the_order_of_the_mints(rows: list[tuple[str, str, int]], most: int) -> None:
    day = pairs(*rows)
    stripes = choose_stripes(day, most)
    parts = list(stripes.cut(day))

    numbers = [number for number, _ in parts]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(stripes.count))
    mints = [set(part["mint"]) for _, part in parts]
    assert sum(part.height for _, part in parts) == day.height
    assert all(max(one) < min(next_one) for one, next_one in pairwise(mints))
    for mint in set(day["mint"]):
        kept = pl.concat([part for _, part in parts]).filter(pl.col("mint") == mint)
        assert kept.equals(day.filter(pl.col("mint") == mint))
