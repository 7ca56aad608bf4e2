"""S2E: at, just under and just over each threshold, and what makes no peak."""

from decimal import Decimal

import pytest
from moment_inputs import DAY_S, HOUR_S, MINT, ONE, T0, Story, candle, usd

from oof_pipelines.detectors.moment import FINAL, OPEN, Moment, moment_id
from oof_pipelines.detectors.sold_too_early import SoldTooEarly
from oof_pipelines.pricing.windows import MinuteCandle

WEEK_S = 7 * DAY_S
SOLD_AT = T0 + 30


def sold(dollars: str | None = "100", units_raw: int = 100 * 10**6) -> Story:
    """100 coins bought for 50 dollars an hour before, and sold for 100: a dollar each."""
    story = Story()
    story.buy(SOLD_AT - HOUR_S, units_raw, "50")
    story.sell(SOLD_AT, units_raw, dollars)
    return story


def found(story: Story, candles: list[MinuteCandle], as_of_s: int = T0 + 30 * DAY_S) -> list[Moment]:
    return SoldTooEarly().detect(story.seen(candles, as_of_s))


def test_a_sale_before_a_rise() -> None:
    [moment] = found(sold(), [candle(T0 + DAY_S, "1.50"), candle(T0 + 2 * DAY_S, "1.20")])
    assert moment.id == moment_id("S2E", "Wa11et", MINT, "sig1", "3")
    assert (moment.kind, moment.signature, moment.path, moment.slot) == ("S2E", "sig1", "3", 1_001)
    assert moment.pct == Decimal("0.500000000000000000")
    assert moment.missed_usd_e18 == usd("50")
    # 150 dollars into a pool of 10,000: 150 × 10,000 ÷ 10,150 − 100.
    assert moment.reachable_usd_e18 == usd("47.783251231527093596")
    assert moment.severity == Decimal("0.666666666666666667")
    assert (moment.t_event_s, moment.window_start_s, moment.window_end_s) == (SOLD_AT, SOLD_AT, SOLD_AT + WEEK_S)
    assert (moment.status, moment.version) == (FINAL, "1")
    assert moment.price_source == "par, swaps:par"
    assert moment.confidence == Decimal("0.6")
    peak = moment.explain["peak"]
    assert isinstance(peak, dict)
    assert peak["vwap_usd"] == "1.500000000000000000"
    assert peak["start_s"] == str(T0 + DAY_S)
    assert moment.explain["exit_price_usd"] == "1.000000000000000000"


@pytest.mark.parametrize(
    ("price", "is_found"),
    [("1.25", True), ("1.249999999999999999", False), ("1.250000000000000001", True)],
)
def test_a_quarter_is_enough_and_nothing_less(price: str, is_found: bool) -> None:
    assert bool(found(sold(units_raw=1_000 * 10**6, dollars="1000"), [candle(T0 + DAY_S, price)])) is is_found


@pytest.mark.parametrize(("price", "is_found"), [("3.5", True), ("3.499999999999999999", False)])
def test_25_dollars_are_enough_and_nothing_less(price: str, is_found: bool) -> None:
    assert bool(found(sold(units_raw=10 * 10**6, dollars="10"), [candle(T0 + DAY_S, price)])) is is_found


@pytest.mark.parametrize(("volume", "is_found"), [("100", True), ("99.999999999999999999", False)])
def test_a_peak_needs_volume(volume: str, is_found: bool) -> None:
    assert bool(found(sold(), [candle(T0 + DAY_S, "2", volume=volume)])) is is_found


def test_the_window_is_a_week_and_candles_lie_wholly_inside() -> None:
    minute_s = SOLD_AT // 60 * 60
    assert not found(sold(), [candle(minute_s, "2")]), "the minute of the sale began before it"
    assert found(sold(), [candle(minute_s + 60, "2")])
    assert found(sold(), [candle(minute_s + WEEK_S - 60, "2")])
    assert not found(sold(), [candle(minute_s + WEEK_S, "2")]), "ends half a minute after the week"


def test_open_until_the_week_is_over_and_seen_as_of_the_time_asked() -> None:
    candles = [candle(T0 + DAY_S, "1.50"), candle(T0 + 2 * DAY_S, "3")]
    [early] = found(sold(), candles, as_of_s=T0 + DAY_S + HOUR_S)
    [late] = found(sold(), candles, as_of_s=SOLD_AT + WEEK_S)
    assert (early.status, early.missed_usd_e18) == (OPEN, usd("50"))
    assert (late.status, late.missed_usd_e18) == (FINAL, usd("200"))
    assert early.id == late.id
    assert not found(sold(), candles, as_of_s=T0 + DAY_S), "the minute had not ended"
    [almost] = found(sold(), candles, as_of_s=SOLD_AT + WEEK_S - 1)
    assert almost.status == OPEN


def test_no_candle_no_value_no_moment() -> None:
    assert not found(sold(), [])
    assert not found(sold(dollars=None), [candle(T0 + DAY_S, "9")])


def test_slices_are_sales_of_their_own_and_dust_is_none() -> None:
    story = Story()
    story.buy(SOLD_AT - HOUR_S, 1_000 * 10**6, "500")
    for number in range(10):
        story.sell(SOLD_AT + number, 99 * 10**6, "99")
    story.sell(SOLD_AT + 20, 1_000, "0.001")
    moments = found(story, [candle(T0 + DAY_S, "2")])
    assert [moment.signature for moment in moments] == [f"sig{number}" for number in range(1, 11)]
    assert {moment.missed_usd_e18 for moment in moments} == {usd("99")}


def test_the_rows_of_one_sale_are_one_moment_and_an_unknown_basis_is_said() -> None:
    story = Story()
    story.receive(SOLD_AT - 2 * HOUR_S, 40 * 10**6)
    story.buy(SOLD_AT - HOUR_S, 60 * 10**6, "30")
    story.sell(SOLD_AT, 100 * 10**6, "100")
    [moment] = found(story, [candle(T0 + DAY_S, "2")])
    assert moment.missed_usd_e18 == usd("100")
    assert moment.explain["qty_raw_by_basis_status"] == {"known": "60000000", "unknown": "40000000"}


def test_a_minute_in_which_only_the_wallet_traded_is_no_peak() -> None:
    story = sold()
    story.buy(T0 + DAY_S + 5, 10**6, "3")
    alone, others = candle(T0 + DAY_S, "3", signers=1), candle(T0 + DAY_S, "3", signers=2)
    later = candle(T0 + 2 * DAY_S, "1.50")
    assert [moment.missed_usd_e18 for moment in found(story, [alone, later])] == [usd("50")]
    assert [moment.missed_usd_e18 for moment in found(story, [others, later])] == [usd("200")]
    assert [moment.missed_usd_e18 for moment in found(sold(), [alone, later])] == [usd("200")], "a minute of another"


def test_of_equal_peaks_the_earliest_and_no_liquidity_no_reachable_figure() -> None:
    [moment] = found(sold(), [candle(T0 + DAY_S, "2", reserve=None), candle(T0 + 2 * DAY_S, "2")])
    assert moment.reachable_usd_e18 is None
    assert moment.explain["reachable_proceeds_usd"] == "unknown"


def test_a_large_sale_may_reach_less_than_it_got() -> None:
    [moment] = found(sold(), [candle(T0 + DAY_S, "2", reserve="100")])
    # 200 dollars into 100: 66.67, a third less than the sale brought.
    assert moment.reachable_usd_e18 == -usd("33.333333333333333333")


def test_severity_is_at_most_one() -> None:
    [moment] = found(sold(), [candle(T0 + DAY_S, "40")])
    assert moment.severity == 1
    assert moment.pct == 39


def test_burns_and_transfers_are_no_sales() -> None:
    story = Story()
    story.buy(SOLD_AT - HOUR_S, 200 * 10**6, "100")
    story.burn(SOLD_AT, 100 * 10**6)
    story.send(SOLD_AT + 1, 100 * 10**6)
    assert not found(story, [candle(T0 + DAY_S, "9")])


def test_the_least_confidence_counts() -> None:
    [moment] = found(sold(), [candle(T0 + DAY_S, "2", confidence_e18=ONE // 10)])
    assert moment.confidence == Decimal("0.1")
