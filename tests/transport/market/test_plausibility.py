"""Which figures are believed: exactly those within the bounds, whatever else a decimal may be."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_scene import START

from oof_pipelines.pricing.readings import ReadingRefusedError
from oof_pipelines.transport.market.freshness import Freshness
from oof_pipelines.transport.market.plausibility import (
    LEAST_PRICE,
    MOST_DIGITS,
    MOST_PLACES,
    MOST_PRICE,
    check_fraction,
    check_price,
    check_volume,
)


@settings(deadline=None)
@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_price_comes_out_as_it_is_or_not_at_all(value: Decimal) -> None:
    is_sound = value.is_finite() and LEAST_PRICE <= value <= MOST_PRICE and len(value.as_tuple().digits) <= MOST_DIGITS
    if is_sound:
        assert check_price("it", "mint", "price", value) is value
    else:
        with pytest.raises(ReadingRefusedError, match="it: mint: price"):
            check_price("it", "mint", "price", value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1e400", "above"),
        ("-1e400", "negative"),
        ("1e-400", "below 1E-18"),
        ("9e9999999", "above"),
        ('"NaN"', "no number"),
        ('"-Infinity"', "no number"),
        ('"sNaN"', "no number"),
        ("0", "is zero"),
        ("-0.0", "is zero"),
        ("-5", "negative"),
        ("0." + "1" * 500, "digits"),
        ("9" * 5000, "digits"),
    ],
)
def test_absurd_figures_as_json_sends_them(text: str, reason: str) -> None:
    value = msgspec.json.decode(text.encode(), type=Decimal)
    with pytest.raises(ReadingRefusedError, match=reason) as caught:
        check_price("it", "mint", "price", value)
    assert len(str(caught.value)) < 200


@settings(deadline=None)
@given(st.decimals(min_value=LEAST_PRICE, max_value=MOST_PRICE, allow_nan=False, places=18))
def test_json_numbers_become_decimals_without_a_float_between(value: Decimal) -> None:
    text = f"{value:f}".encode()
    assert msgspec.json.decode(text, type=Decimal) == value
    assert str(msgspec.json.decode(text, type=Decimal)) == str(Decimal(f"{value:f}"))


def test_volumes_may_be_zero_and_fractions_negative() -> None:
    assert check_volume("it", "venue", "volume", Decimal(0)) == 0
    assert check_fraction("it", "pair", "impact", Decimal("-0.5")) == Decimal("-0.5")
    for check, value in ((check_volume, "-0.01"), (check_volume, "1e16"), (check_fraction, "1.01")):
        with pytest.raises(ReadingRefusedError):
            check("it", "venue", "figure", Decimal(value))


@pytest.mark.parametrize("text", ["1e-30000000", "0e-30000000", "0e30000000", "0e-31", "1.5e-31"])
def test_figures_that_are_long_only_when_written_out_are_refused(text: str) -> None:
    for check in (check_volume, check_fraction):
        with pytest.raises(ReadingRefusedError, match="more than 30 places"):
            check("it", "venue", "figure", Decimal(text))


@settings(deadline=None)
@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_believed_volume_is_short_when_written_out(value: Decimal) -> None:
    try:
        believed = check_volume("it", "venue", "volume", value)
    except ReadingRefusedError:
        return
    assert len(format(believed, "f")) <= 2 + MOST_PLACES + MOST_DIGITS


def test_a_small_figure_within_the_places_is_believed() -> None:
    for text in ("1e-30", "0", "0.00000000"):
        assert check_volume("it", "venue", "volume", Decimal(text)) == Decimal(text)


@pytest.mark.parametrize("age_seconds", [-59, 0, 60])
def test_young_enough(age_seconds: int) -> None:
    assert not Freshness(60).check("it", "mint", START - timedelta(seconds=age_seconds), START)


def test_old_ones_are_refused_or_marked_and_future_ones_always_refused() -> None:
    old, ahead = START - timedelta(seconds=61), START + timedelta(seconds=61)
    with pytest.raises(ReadingRefusedError, match="stale: 61 s old, more than 60"):
        Freshness(60).check("it", "mint", old, START)
    assert Freshness(60, is_stale_refused=False).check("it", "mint", old, START)
    with pytest.raises(ReadingRefusedError, match="published 61 s from now"):
        Freshness(60, is_stale_refused=False).check("it", "mint", ahead, START)
