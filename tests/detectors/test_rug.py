"""Rug: how far down, how long, with how much volume, and what was held when it fell."""

from decimal import Decimal

import pytest
from moment_inputs import DAY_S, HOUR_S, MINT, T0, Story, candle, usd
from msgspec.structs import replace

from oof_pipelines.detectors.moment import FINAL, Moment, moment_id
from oof_pipelines.detectors.rug import Rug
from oof_pipelines.pricing.windows import MinuteCandle

COINS = 10**6
BOUGHT_AT = T0 + 90
FALL_AT = T0 + 5 * HOUR_S
# The hour of the fall ends.
ONSET = FALL_AT + HOUR_S


def bought(dollars: str | None = "100") -> Story:
    """100 coins at a dollar each, before a fall."""
    story = Story()
    story.buy(BOUGHT_AT, 100 * COINS, dollars)
    return story


def bought_at(price: str) -> Story:
    """Ten coins at a price, an hour and 90 seconds after the story began."""
    story = Story()
    story.buy(T0 + HOUR_S + 90, 10 * COINS, format(Decimal(price) * 10, "f"))
    return story


def fall(close: str = "0.05", *, back_at_s: int | None = None, volume: str = "100") -> list[MinuteCandle]:
    """A dollar, then `close` from FALL_AT on, traded again an hour later, and back at a dollar where it is told when."""
    rows = [candle(T0, "1"), candle(FALL_AT + 60, close), candle(ONSET + HOUR_S, close, volume=volume)]
    return [*rows, candle(back_at_s, "1")] if back_at_s is not None else rows


def found(story: Story, candles: list[MinuteCandle], as_of_s: int = T0 + 30 * DAY_S) -> list[Moment]:
    return Rug().detect(story.seen(candles, as_of_s))


def test_a_coin_that_fell_and_stayed_down() -> None:
    [moment] = found(bought(), fall("0.02"))
    assert moment.id == moment_id("Rug", "Wa11et", MINT, "sig0", "3")
    assert (moment.t_event_s, moment.window_start_s, moment.window_end_s) == (ONSET, ONSET, ONSET + DAY_S)
    assert moment.pct == Decimal("-0.98")
    assert moment.missed_usd_e18 == usd("98")
    assert moment.severity == Decimal("0.98")
    assert (moment.status, moment.version) == (FINAL, "2")
    assert (moment.price_source, moment.confidence) == ("par, swaps:par", Decimal("0.6"))
    assert moment.explain["basis_usd"] == "100.000000000000000000"


@pytest.mark.parametrize(("close", "is_found"), [("0.05", True), ("0.050000000000000001", False)])
def test_a_twentieth_is_enough_and_nothing_more(close: str, is_found: bool) -> None:
    assert bool(found(bought(), fall(close))) is is_found


@pytest.mark.parametrize(
    ("back_at_s", "is_found"), [(ONSET + DAY_S, True), (ONSET + DAY_S - 1, False), (ONSET + DAY_S - HOUR_S, False)]
)
def test_it_stays_down_for_a_day(back_at_s: int, is_found: bool) -> None:
    # A candle in the last hour of the day makes that hour's close; one right after it makes the next one's.
    assert bool(found(bought(), fall(back_at_s=back_at_s))) is is_found


def test_it_is_said_when_the_day_is_over() -> None:
    assert found(bought(), fall(), as_of_s=ONSET + DAY_S)
    assert not found(bought(), fall(), as_of_s=ONSET + DAY_S - 1)


@pytest.mark.parametrize(("volume", "is_found"), [("100", True), ("99.999999999999999999", False)])
def test_a_price_that_nobody_trades_at_is_no_rug(volume: str, is_found: bool) -> None:
    assert bool(found(bought(), fall(volume=volume))) is is_found


def test_the_high_needs_volume() -> None:
    spike = candle(T0 + HOUR_S, "30", volume="99")
    assert not found(bought(), [candle(T0, "1"), spike, candle(FALL_AT, "1"), candle(ONSET + 60, "1")])
    real = candle(T0 + HOUR_S, "30", volume="100")
    assert found(bought_at("30"), [candle(T0, "1"), real, candle(FALL_AT, "1"), candle(ONSET + 60, "1")])


def test_only_who_holds_when_it_falls() -> None:
    before = bought()
    before.sell(ONSET - 1, 100 * COINS, "5")
    assert not found(before, fall())
    part = bought()
    part.sell(ONSET - 1, 60 * COINS, "5")
    [moment] = found(part, fall())
    assert moment.missed_usd_e18 == usd("38")
    dip = Story()
    dip.buy(ONSET + 1, 100 * COINS, "10")
    assert not found(dip, fall()), "bought after it fell"


def test_what_is_sold_within_the_day_was_held_when_it_fell() -> None:
    story = bought()
    story.sell(ONSET + HOUR_S, 100 * COINS, "5")
    assert found(story, fall())


def test_several_lots_are_one_moment_and_the_last_entry_stands_for_it() -> None:
    story = bought()
    story.receive(BOUGHT_AT + 1, 50 * COINS)
    story.buy(BOUGHT_AT + 2, 100 * COINS, "200")
    [moment] = found(story, fall("0.02"))
    assert moment.signature == "sig2"
    assert moment.missed_usd_e18 == usd("296"), "what came in for nothing has no basis to lose"
    lots = moment.explain["lots_held_at_onset"]
    assert isinstance(lots, list)
    assert [lot["cost_usd"] for lot in lots if isinstance(lot, dict)] == [
        "100.000000000000000000",
        "unknown",
        "200.000000000000000000",
    ]


def test_no_basis_no_loss_no_moment() -> None:
    received = Story()
    received.receive(BOUGHT_AT, 100 * COINS)
    assert not found(received, fall())
    assert not found(bought(dollars="5"), fall("0.05")), "worth as much as it cost"
    assert not found(bought(dollars="5.999999"), fall("0.05")), "next to a dollar lost"
    assert found(bought(dollars="6"), fall("0.05"))
    assert not found(bought(), [])


def test_fallen_twice_without_buying_in_between_is_one_rug_and_with_it_two() -> None:
    second_fall_at = T0 + 4 * DAY_S
    twice = [
        *fall(back_at_s=T0 + 3 * DAY_S),
        candle(second_fall_at, "0.02"),
        candle(second_fall_at + 2 * HOUR_S, "0.02"),
    ]
    [moment] = found(bought(), twice)
    assert moment.t_event_s == ONSET
    story = bought()
    story.buy(T0 + 3 * DAY_S + HOUR_S, 10 * COINS, "10")
    first, second = found(story, twice)
    assert (first.id, first.missed_usd_e18) == (moment.id, moment.missed_usd_e18)
    assert (second.signature, second.t_event_s) == ("sig1", second_fall_at + HOUR_S)
    assert second.missed_usd_e18 == usd("107.8")


def test_hours_without_a_trade_carry_the_close_on() -> None:
    # The last close before the silence is high: what counts is when it is seen to fall.
    silent = [candle(T0, "1"), candle(T0 + 3 * DAY_S, "0.01"), candle(T0 + 3 * DAY_S + 2 * HOUR_S, "0.01")]
    [moment] = found(bought(), silent)
    assert moment.t_event_s == T0 + 3 * DAY_S + HOUR_S


def test_a_high_that_the_wallet_made_alone_is_none() -> None:
    story = Story()
    story.buy(T0 + 90, COINS, "100")
    story.buy(T0 + HOUR_S + 90, 20 * COINS, "60")
    lone = candle(T0 + 90, "100", signers=1)
    later = [candle(T0 + hour * HOUR_S, "3") for hour in range(1, 40)]
    assert not found(story, [lone, *later]), "down from what nobody else would have paid"
    [moment] = found(story, [candle(T0 + 90, "100", signers=2), *later])
    assert moment.pct == Decimal("-0.97")


def test_a_coin_that_nobody_trades_at_first_falls_when_somebody_does() -> None:
    quiet_hours = 30
    traded_at = ONSET + quiet_hours * HOUR_S
    dust = [candle(ONSET + hour * HOUR_S, "0.02", volume="1") for hour in range(quiet_hours)]
    candles = [*fall("0.02", volume="1"), *dust[2:], candle(traded_at, "0.01"), candle(traded_at + DAY_S, "0.015")]
    [moment] = found(bought(), candles)
    # The first hour's end from which the trades are less than a day away, or end with it.
    onset_s = traded_at + HOUR_S - DAY_S
    assert (moment.t_event_s, moment.window_end_s) == (onset_s, onset_s + DAY_S)
    assert (moment.pct, moment.missed_usd_e18) == (Decimal("-0.99"), usd("99"))
    assert moment.explain["volume_usd"] == "1023.000000000000000000"
    close = moment.explain["close_at_onset"]
    assert isinstance(close, dict)
    assert close["start_s"] == str(onset_s - HOUR_S)
    assert not found(bought(), candles, as_of_s=onset_s + DAY_S - 1)
    for days in (2, 3, 9):
        assert found(bought(), candles, as_of_s=onset_s + days * DAY_S) == [moment]


def test_a_later_onset_is_in_the_same_time_down() -> None:
    back_at_s = ONSET + DAY_S + 5 * HOUR_S
    candles = [*fall("0.02", volume="1", back_at_s=back_at_s), candle(back_at_s - HOUR_S, "0.02")]
    [moment] = found(bought(), sorted(candles, key=lambda one: one.start_s))
    assert moment.window_end_s == back_at_s
    short = [*fall("0.02", volume="1", back_at_s=back_at_s - 60), candle(back_at_s - HOUR_S, "0.02")]
    assert not found(bought(), sorted(short, key=lambda one: one.start_s)), "back before a day with trades was over"


def test_a_lot_whose_transaction_shows_no_decimals_hides_none_of_the_others() -> None:
    story = bought()
    story.buy(BOUGHT_AT + 60, 10 * COINS, "1")
    last = story.valued[-1]
    story.valued[-1] = replace(last, event=replace(last.event, decimals=None))
    [moment] = found(story, fall("0.02"))
    assert moment.missed_usd_e18 == usd("98.8")
    assert moment.explain["decimals"] == "6"
    nowhere = Story()
    nowhere.valued = [replace(one, event=replace(one.event, decimals=None)) for one in story.valued]
    assert not found(nowhere, fall("0.02")), "units of unknown size are worth nobody knows what"
