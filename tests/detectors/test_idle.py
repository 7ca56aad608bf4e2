"""Idle: how long, how much, at which price; at and just under each threshold."""

from decimal import Decimal

import pytest
from moment_inputs import DAY_S, HOUR_S, T0, WALLET, Story, candle, usd

from oof_pipelines.detectors.idle import Idle, stretches_of
from oof_pipelines.detectors.input import BalanceChange
from oof_pipelines.detectors.moment import FINAL, OPEN, Moment, moment_id
from oof_pipelines.pricing.windows import MinuteCandle

OOF = "OofM1nt"
TOKENS = 10**6
# Of 36,500 tokens 12 % a year are 12 a day.
STAKE_RAW = 36_500 * TOKENS


def hourly(price: str, hours: int, since_s: int = T0) -> list[MinuteCandle]:
    """A candle in the minute that ends when each hour begins."""
    return [candle(since_s + hour * HOUR_S - 60, price, mint=OOF) for hour in range(hours)]


def held(units_raw: int, days_seconds: int) -> Story:
    """Held from T0 on, then staked."""
    story = Story()
    story.receive(T0, units_raw, mint=OOF)
    story.send(T0 + days_seconds, units_raw, mint=OOF, recipient="stake pool")
    return story


def found(
    story: Story, candles: list[MinuteCandle], as_of_s: int = T0 + 60 * DAY_S, idle_mint: str = OOF
) -> list[Moment]:
    return Idle().detect(story.seen(candles, as_of_s, idle_mint=idle_mint))


def test_ten_days_unstaked() -> None:
    [moment] = found(held(STAKE_RAW, 10 * DAY_S), hourly("0.50", 240))
    assert moment.id == moment_id("Idle", WALLET, OOF, "sig0", "3")
    # 12 tokens a day, ten days, half a dollar.
    assert moment.missed_usd_e18 == usd("60")
    assert moment.pct == Decimal("0.003287671232876712")
    assert moment.severity == Decimal("0.24")
    assert (moment.window_start_s, moment.window_end_s) == (T0, T0 + 10 * DAY_S)
    assert (moment.status, moment.price_source, moment.reachable_usd_e18) == (FINAL, "swaps:par", None)
    assert moment.explain["balances"] == [
        {"from_s": str(T0), "balance_raw": str(STAKE_RAW)},
        {"from_s": str(T0 + 10 * DAY_S), "balance_raw": "0"},
    ]


@pytest.mark.parametrize(("seconds", "is_found"), [(DAY_S, True), (DAY_S - 1, False)])
def test_a_day_is_enough_and_nothing_less(seconds: int, is_found: bool) -> None:
    assert bool(found(held(10 * STAKE_RAW, seconds), hourly("10", 24))) is is_found


@pytest.mark.parametrize(("units_raw", "is_found"), [(57_031_250_000, True), (57_031_249_999, False)])
def test_25_dollars_are_enough_and_nothing_less(units_raw: int, is_found: bool) -> None:
    # 57,031.25 tokens at a dollar for a day and a third: 57,031.25 × 12 % ÷ 365 × 4/3 = 25.
    moments = found(held(units_raw, 4 * DAY_S // 3), [candle(T0 - 60, "1", mint=OOF)])
    assert bool(moments) is is_found
    assert all(moment.missed_usd_e18 == usd("25") for moment in moments)


def test_the_balance_may_change_within_a_stretch() -> None:
    story = Story()
    story.receive(T0, STAKE_RAW, mint=OOF)
    story.receive(T0 + 4 * DAY_S, STAKE_RAW, mint=OOF)
    story.send(T0 + 6 * DAY_S, STAKE_RAW // 2, mint=OOF)
    # Four days of one, two of two, four of one and a half: 14 stakes' days at 12 a day.
    [moment] = found(story, hourly("1", 240), as_of_s=T0 + 10 * DAY_S)
    assert moment.missed_usd_e18 == usd("168")
    assert moment.status == OPEN
    assert moment.window_end_s == T0 + 10 * DAY_S


def test_two_stretches_are_two_moments_and_staking_between_them_counts_for_nothing() -> None:
    story = held(STAKE_RAW, 5 * DAY_S)
    story.receive(T0 + 20 * DAY_S, STAKE_RAW, mint=OOF)
    first, second = found(story, hourly("1", 240) + hourly("1", 240, T0 + 20 * DAY_S), as_of_s=T0 + 25 * DAY_S)
    assert (first.missed_usd_e18, first.status, first.signature) == (usd("60"), FINAL, "sig0")
    assert (second.missed_usd_e18, second.status, second.signature) == (usd("60"), OPEN, "sig2")


def test_the_price_is_the_mean_over_the_hours_that_have_one() -> None:
    # The first hour at a dollar, the next two at three, and nothing once that is more than an hour old.
    candles = [candle(T0 - 60, "1", mint=OOF), candle(T0 + HOUR_S - 60, "3", mint=OOF)]
    [moment] = found(held(STAKE_RAW, 10 * DAY_S), candles)
    assert moment.missed_usd_e18 == usd("280")
    assert moment.explain["priced_seconds"] == str(3 * HOUR_S)
    assert moment.explain["average_price_usd"] == "2.333333333333333333"
    # A stretch that ends within an hour weighs that hour less.
    part = [candle(T0 + hour * HOUR_S - 60, "5" if hour == 24 else "1", mint=OOF) for hour in range(25)]
    [moment] = found(held(10 * STAKE_RAW, DAY_S + HOUR_S // 2), part)
    mean = (Decimal(24) + Decimal(5) / 2) / (Decimal(24) + Decimal(1) / 2)
    assert abs(Decimal(str(moment.explain["average_price_usd"])) - mean) < Decimal("1e-17")


def test_no_price_no_token_no_moment() -> None:
    story = held(STAKE_RAW, 10 * DAY_S)
    assert not found(story, [])
    assert not found(story, hourly("1", 240), idle_mint="")
    assert not found(story, hourly("1", 240), idle_mint="another")


def change(at_s: int, change_raw: int) -> BalanceChange:
    return BalanceChange(WALLET, f"s{at_s}", "1", 1, at_s, "receive" if change_raw > 0 else "send", 6, change_raw)


def test_stretches() -> None:
    changes = [change(0, -5), change(10, 7), change(20, -7), change(20, 2), change(30, -9), change(40, 1)]
    first, second = stretches_of(changes, 45)
    assert (first.start.at_s, first.end_s, first.is_over, first.unit_seconds) == (10, 30, True, 70 + 20)
    assert (second.start.at_s, second.end_s, second.is_over, second.unit_seconds) == (40, 45, False, 5)
    assert not list(stretches_of([change(5, 3), change(5, -3)], 9)), "in and out within a second"
