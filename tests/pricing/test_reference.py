"""The SOL/USD reference as it was known at a second: newest, not stale, never from the future."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.pricing.reference import MAX_AGE_S, ReferencePrice, ReferencePrices


def price(at_s: int, usd: str = "150", *, available_at_s: int | None = None, source: str = "klines") -> ReferencePrice:
    known_at_s = at_s if available_at_s is None else available_at_s
    return ReferencePrice(at_s, Decimal(usd), source, Decimal("0.9"), known_at_s)


def test_the_newest_price_known_at_the_second_counts() -> None:
    prices = ReferencePrices([price(600, "152"), price(0, "150"), price(300, "151")])

    assert [prices.at(second).price_usd for second in (0, 299, 300, 599, 600)] == [150, 150, 151, 151, 152]
    assert prices.at(-1) is None


def test_a_price_older_than_the_limit_is_none() -> None:
    prices = ReferencePrices([price(1_000)])

    assert prices.at(1_000 + MAX_AGE_S) == price(1_000)
    assert prices.at(1_000 + MAX_AGE_S + 1) is None


def test_a_price_counts_from_when_it_was_known() -> None:
    prices = ReferencePrices([price(100, "150"), price(200, "151", available_at_s=260)])

    assert prices.at(259) == price(100, "150")
    assert prices.at(260).price_usd == 151


def test_an_older_price_that_came_late_does_not_replace_a_newer_one() -> None:
    prices = ReferencePrices([price(200, "151"), price(100, "150", available_at_s=300)])

    assert prices.at(300).price_usd == 151


@pytest.mark.parametrize(
    "bad",
    [
        price(0, "0"),
        price(0, "-1"),
        price(0, "NaN"),
        price(0, "Infinity"),
        price(10, available_at_s=9),
        ReferencePrice(0, Decimal(1), "klines", Decimal("1.1"), 0),
        ReferencePrice(0, Decimal(1), "klines", Decimal("NaN"), 0),
    ],
)
def test_what_is_no_price_is_refused(bad: ReferencePrice) -> None:
    with pytest.raises(ValueError, match="reference price of klines"):
        ReferencePrices([bad])


def test_sources_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="several sources: klines, pyth"):
        ReferencePrices([price(0), price(1, source="pyth")])


_PRICES = st.lists(
    st.builds(
        lambda at_s, late_s, cents: price(at_s, str(Decimal(cents) / 100), available_at_s=at_s + late_s),
        st.integers(0, 5_000),
        st.integers(0, 100),
        st.integers(1, 10**6),
    ),
    max_size=20,
    unique_by=lambda one: one.at_s,
)


@given(_PRICES, st.integers(-10, 7_000))
def test_it_is_what_a_look_at_every_price_finds(prices: list[ReferencePrice], second: int) -> None:
    known = [one for one in prices if one.available_at_s <= second]
    newest = max(known, key=lambda one: one.at_s, default=None)
    expected = newest if newest is not None and second - newest.at_s <= MAX_AGE_S else None

    assert ReferencePrices(prices).at(second) == expected
