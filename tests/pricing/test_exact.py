"""Column arithmetic against Python's own integers and fractions, at sizes where Int128 would wrap as well."""

from decimal import Decimal
from fractions import Fraction

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.pricing.exact import MONEY, as_money, half_even, scaled_product, scaled_ratio

_AMOUNT = st.integers(0, 2**90) | st.integers(0, 2**20)


def expected(value: Fraction) -> int | None:
    # Python rounds fractions half to even.
    rounded = round(value)
    return rounded if rounded < 10**38 else None


@given(st.lists(st.tuples(_AMOUNT, st.integers(-38, 60), st.integers(1, 2**90) | st.integers(1, 9)), max_size=20))
def test_scaled_ratios_are_exact(rows: list[tuple[int, int, int]]) -> None:
    columns = [pl.Series([row[place] for row in rows], dtype=type_) for place, type_ in _RATIO_TYPES]

    assert scaled_ratio(*columns).to_list() == [expected(Fraction(n) * Fraction(10) ** e / d) for n, e, d in rows]


_RATIO_TYPES = ((0, pl.Int128), (1, pl.Int64), (2, pl.Int128))


@given(st.lists(st.tuples(st.integers(0, 10**38 - 1) | _AMOUNT, _AMOUNT), max_size=20))
def test_scaled_products_are_exact(rows: list[tuple[int, int]]) -> None:
    left, right = (pl.Series([row[place] for row in rows], dtype=pl.Int128) for place in (0, 1))

    assert scaled_product(left, right).to_list() == [expected(Fraction(a * b, 10**18)) for a, b in rows]


@given(st.integers(0, 10**30), st.integers(1, 10**12))
def test_the_rule_is_half_to_even(numerator: int, denominator: int) -> None:
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))


def test_nothing_is_made_of_nothing() -> None:
    numbers = [pl.Series(values, dtype=pl.Int64) for values in ([1, 1, None, 1], [0, None, 0, 0], [0, 1, 1, 2])]

    assert scaled_ratio(*numbers).to_list() == [None, None, None, 0]
    assert scaled_product(pl.Series([None, 1]), pl.Series([1, None])).to_list() == [None, None]


def test_money_keeps_every_digit() -> None:
    scaled = pl.Series("price", [1, None, 10**38 - 1, 0, 1_500_000_000_000_000_000], dtype=pl.Int128)

    money = as_money(scaled.slice(1))
    assert (money.name, money.dtype) == ("price", MONEY)
    assert as_money(scaled).to_list()[0] == Decimal("1e-18")
    assert money.to_list() == [None, Decimal("99999999999999999999.999999999999999999"), Decimal(0), Decimal("1.5")]
    assert money.to_physical().to_list() == scaled.to_list()[1:]
