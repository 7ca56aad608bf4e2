"""Minute prices of a wallet's story: what an instant and a window answer, against a plain scan."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oof_pipelines.pricing.windows import STALE_AFTER_S, MinuteCandle, PriceWindows


def candle(minute: int, price: int, volume: int = 100, mint: str = "M") -> MinuteCandle:
    return MinuteCandle(mint, minute * 60, minute * 60 + 60, price, price, volume, 1, 1, None, "swaps", "par", 10**18)


def scanned(
    candles: list[MinuteCandle], since_s: int, until_s: int, least: int, left_out: frozenset[int], *, is_highest: bool
) -> MinuteCandle | None:
    inside = [
        one
        for one in candles
        if one.start_s >= since_s
        and one.end_s <= until_s
        and one.volume_usd_e18 >= least
        and one.start_s not in left_out
    ]
    sign = -1 if is_highest else 1
    return min(inside, key=lambda one: (sign * one.vwap_usd_e18, one.start_s), default=None)


# Few prices and wide gaps: ties, empty windows and blocks of nothing that counts come up all the time.
MINUTES = st.lists(st.integers(0, 2_000), unique=True, max_size=600).map(sorted)


@settings(max_examples=120, deadline=None)
@given(
    MINUTES,
    st.randoms(use_true_random=False),
    st.integers(-90, 130_000),
    st.integers(0, 130_000),
    st.sampled_from([0, 100, 200, 500]),
)
def test_extremes_are_those_of_a_plain_scan(
    minutes: list[int], random: object, since_s: int, length_s: int, least: int
) -> None:
    choose = random.choice  # type: ignore[attr-defined]
    candles = [candle(minute, choose([5, 7, 7, 9, 10**36]), choose([50, 100, 300])) for minute in minutes]
    left_out = frozenset(one.start_s for one in candles if choose([True, False, False]))
    windows = PriceWindows({"M": candles, "other": [candle(3, 99, mint="other")]})
    until_s = since_s + length_s
    # A second at which no candle begins leaves nothing out.
    masked = windows.without_extremes("M", left_out | {-60, 30, 10**9})
    # Asked in this order: a view changes nothing of what it is of.
    for seen, without in ((windows, frozenset[int]()), (masked, left_out), (windows, frozenset[int]())):
        highest = seen.highest("M", since_s, until_s, least)
        assert highest == scanned(candles, since_s, until_s, least, without, is_highest=True)
        lowest = seen.lowest("M", since_s, until_s, least)
        assert lowest == scanned(candles, since_s, until_s, least, without, is_highest=False)
        assert list(seen.candles("M", since_s, until_s)) == [
            one for one in candles if one.start_s >= since_s and one.end_s <= until_s
        ]


def test_a_whole_window_of_blocks_and_its_edges() -> None:
    candles = [candle(minute, 1_000 - abs(minute - 700)) for minute in range(1_500)]
    windows = PriceWindows({"M": candles})
    assert windows.highest("M", 0, 1_500 * 60, 0) is candles[700]
    assert windows.highest("M", 701 * 60, 1_500 * 60, 0) is candles[701]
    assert windows.lowest("M", 60, 1_400 * 60, 0) is candles[1]
    # Wholly inside: the last candle ends with the window, one second less and it does not.
    assert windows.lowest("M", 690 * 60, 1_500 * 60, 0) is candles[1_499]
    assert windows.lowest("M", 690 * 60, 1_500 * 60 - 1, 0) is candles[1_498]


def test_an_instant_has_the_newest_candle_that_had_ended_within_the_hour() -> None:
    windows = PriceWindows.of([candle(12, 8), candle(10, 7)])
    assert windows.at("M", 11 * 60 - 1) is None
    for at_s, price in ((11 * 60, 7), (13 * 60 - 1, 7), (13 * 60, 8), (13 * 60 + STALE_AFTER_S, 8)):
        found = windows.at("M", at_s)
        assert found is not None
        assert found.vwap_usd_e18 == price
    assert windows.at("M", 13 * 60 + STALE_AFTER_S + 1) is None
    assert windows.at("other", 13 * 60) is None


def test_leaving_out_thousands_of_minutes_asks_for_none_of_them_again() -> None:
    """Each of the first five thousand would be the highest: found one by one they would be as many questions in a row."""
    candles = [candle(minute, 100_000 - minute) for minute in range(6_000)]
    windows = PriceWindows({"M": candles})
    masked = windows.without_extremes("M", frozenset(minute * 60 for minute in range(5_000)))
    began = time.process_time()
    for minute in range(200):
        assert masked.highest("M", minute * 60, 6_000 * 60, 0) is candles[5_000]
    assert masked.highest("M", 0, 5_000 * 60, 0) is None
    assert masked.lowest("M", 0, 6_000 * 60, 0) is candles[-1]
    assert time.process_time() - began < 1
    assert windows.highest("M", 0, 6_000 * 60, 0) is candles[0]
    assert masked.at("M", 60) is candles[0], "a price it still is"


def test_what_is_left_out_of_one_mint_is_nothing_of_another() -> None:
    windows = PriceWindows({"M": [candle(1, 5)], "N": [candle(1, 7, mint="N")]})
    assert windows.without_extremes("M", {60}).highest("M", 0, 600, 0) is None
    assert windows.without_extremes("L", {60}).highest("L", 0, 600, 0) is None
    twice = windows.without_extremes("M", ()).without_extremes("M", {60})
    assert twice.highest("M", 0, 600, 0) is None


def test_an_unknown_mint_has_no_extremes() -> None:
    windows = PriceWindows({})
    assert windows.highest("M", 0, 10**9, 0) is None
    assert windows.lowest("M", 0, 10**9, 0) is None
    assert windows.candles("M", 0, 10**9) == ()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([candle(2, 1), candle(1, 1)], "from 60 to 120 is out of order"),
        ([candle(2, 1), candle(2, 1)], "from 120 to 180 is out of order"),
        ([candle(2, 1, mint="N")], "one is of N"),
    ],
)
def test_candles_out_of_order_are_refused(rows: list[MinuteCandle], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PriceWindows({"M": rows})
