"""The vectorised features are those that folding gives: on trades made up by Hypothesis, and cut into slices."""

from decimal import Decimal
from math import isqrt

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_trades import MINUTE_S, PRICES_USD, rates, trade, trade_frame, trades
from polars.testing import assert_frame_equal

from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.features.exact import return_ppb as exact_return_ppb
from oof_pipelines.features.finished_rows import FEATURE_TYPES
from oof_pipelines.features.frame_arithmetic import integer_square_root, return_ppb
from oof_pipelines.features.frames import feature_frame, join_slices
from oof_pipelines.features.trade_frames import folded, frame_of, trades_of
from oof_pipelines.market.events import Trade

KEY = ["mint", "bucket_start", "venue", "quote_mint"]


def assert_equal(ours: pl.DataFrame, expected: pl.DataFrame) -> None:
    assert_frame_equal(ours.sort(KEY), expected.sort(KEY), check_exact=True)


@settings(max_examples=100, deadline=None)
@given(trades(), PRICES_USD, st.randoms(use_true_random=False))
@example([trade(base_raw=10**9, quote_raw=0)], "150.25", None)
def test_columns_equal_the_fold(some: list[Trade], price_usd: str | None, chance: object) -> None:
    reference = rates(price_usd) if price_usd else None
    if chance is not None:
        chance.shuffle(some)  # type: ignore[attr-defined]
    vectorised = feature_frame(trade_frame(some), reference)
    assert dict(vectorised.schema) == FEATURE_TYPES
    assert_equal(vectorised, frame_of(folded(some, reference)))


def test_a_frame_of_trades_reads_back_as_the_trades() -> None:
    made = [trade(), trade(signature="two", tx_index=None, base_decimals=None, is_buy=False, quote_raw=2**64)]
    assert list(trades_of(trade_frame(made))) == made


def test_no_trades_make_no_rows_of_the_same_types() -> None:
    assert dict(feature_frame(trade_frame([])).schema) == FEATURE_TYPES
    assert feature_frame(trade_frame([trade(quote_raw=2**64)])).height == 0
    assert dict(frame_of([]).schema) == FEATURE_TYPES


def test_slices_of_minutes_join_to_the_whole() -> None:
    some = [trade(MINUTE_S + 60 * (n % 7) + n, signature=f"s{n}", slot=n, quote_raw=10**9 + n) for n in range(50)]
    whole = trade_frame(some)
    cut = pl.col("block_time").dt.epoch("s") < MINUTE_S + 180
    slices = [feature_frame(part, rates()) for part in (whole.filter(cut), whole.filter(~cut))]
    assert_equal(join_slices(slices), feature_frame(whole, rates()))
    assert dict(join_slices([]).schema) == FEATURE_TYPES


@given(st.lists(st.integers(0, 10**36), min_size=1))
@example([0, 1, 2, 3, 4, 2**53**1, (2**53 + 1) ** 2, (2**53 + 1) ** 2 - 1, (10**18) ** 2 - 1, 10**36])
def test_integer_square_roots_are_exact(numbers: list[int]) -> None:
    found = pl.DataFrame({"n": pl.Series(numbers, dtype=pl.Int128)}).select(integer_square_root(pl.col("n")))
    assert found.to_series().to_list() == [isqrt(number) for number in numbers]


AMOUNT = st.one_of(st.integers(1, 2**63 - 1), st.integers(1, 10**6), st.just(2**63 - 1))


@given(st.tuples(AMOUNT, AMOUNT), st.tuples(AMOUNT, AMOUNT))
def test_returns_are_the_same_in_columns(before: tuple[int, int], after: tuple[int, int]) -> None:
    frame = pl.DataFrame(
        [pl.Series(name, [value], dtype=pl.Int128) for name, value in zip("abcd", (*before, *after), strict=True)]
    )
    assert frame.select(return_ppb(*map(pl.col, "abcd"))).item() == exact_return_ppb(before, after)


def test_a_dollar_bucket_beyond_128_bits_is_still_exact() -> None:
    """amount × 10^21 passes 10^38 here."""
    some = [trade(quote_mint=USDC_MINT, quote_raw=2**64 - 1, signature=f"s{n}") for n in range(3)]
    row = feature_frame(trade_frame(some), rates("183.123456789")).row(0, named=True)
    expected = Decimal(round(3 * (2**64 - 1) * 10**21 / 183123456789)).scaleb(-18)
    assert abs(row["vol_in_sol"] / expected - 1) < Decimal("1e-14")
    assert_equal(
        feature_frame(trade_frame(some), rates("183.123456789")), frame_of(folded(some, rates("183.123456789")))
    )
