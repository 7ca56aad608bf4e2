"""BHD: at and just above the threshold, and what of a lot was still held at the trough."""

from decimal import Decimal

import msgspec
import pytest
from moment_inputs import DAY_S, HOUR_S, MINT, T0, Story, candle, usd

from oof_pipelines.detectors.bag_holder import BagHolder
from oof_pipelines.detectors.moment import FINAL, OPEN, Moment, moment_id
from oof_pipelines.positions.valued import PositionRules
from oof_pipelines.pricing.windows import MinuteCandle

WEEK_S = 7 * DAY_S
BOUGHT_AT = T0 + 30
COINS = 10**6


def bought(dollars: str | None = "100", units_raw: int = 100 * COINS) -> Story:
    """100 coins at a dollar each."""
    story = Story()
    story.buy(BOUGHT_AT, units_raw, dollars)
    return story


def found(
    story: Story, candles: list[MinuteCandle], as_of_s: int = T0 + 30 * DAY_S, rules: PositionRules | None = None
) -> list[Moment]:
    return BagHolder().detect(story.seen(candles, as_of_s, rules=rules))


def test_a_buy_before_a_fall() -> None:
    [moment] = found(bought(), [candle(T0 + DAY_S, "0.60"), candle(T0 + 2 * DAY_S, "0.40")])
    assert moment.id == moment_id("BHD", "Wa11et", MINT, "sig0", "3")
    assert moment.pct == Decimal("-0.600000000000000000")
    assert moment.missed_usd_e18 == usd("60")
    # Units worth 40 dollars into a pool of 10,000 bring 39.84: 60.16 lost.
    assert moment.reachable_usd_e18 == usd("60.159362549800796813")
    assert moment.severity == Decimal("0.6")
    assert (moment.window_start_s, moment.window_end_s) == (BOUGHT_AT, BOUGHT_AT + WEEK_S)
    assert (moment.status, moment.price_source, moment.confidence) == (FINAL, "par, swaps:par", Decimal("0.6"))
    assert moment.explain["held_at_trough_raw"] == str(100 * COINS)


@pytest.mark.parametrize(("price", "is_found"), [("0.7", True), ("0.700000000000000001", False)])
def test_thirty_per_cent_are_enough_and_nothing_less(price: str, is_found: bool) -> None:
    moments = found(bought(), [candle(T0 + DAY_S, price)])
    assert bool(moments) is is_found
    assert all(moment.severity == 0 for moment in moments)


@pytest.mark.parametrize(("dollars", "is_found"), [("2", True), ("1.999999", False)])
def test_dust_is_no_bag(dollars: str, is_found: bool) -> None:
    # Half of it is lost: one dollar, or next to one.
    story = bought(dollars=dollars, units_raw=2 * COINS)
    half = format(Decimal(dollars) / 4, "f")
    assert bool(found(story, [candle(T0 + DAY_S, half)])) is is_found


def test_only_what_is_held_at_the_trough_counts() -> None:
    story = bought()
    story.sell(T0 + DAY_S, 75 * COINS, "70")
    [moment] = found(story, [candle(T0 + 2 * DAY_S, "0.40")])
    assert moment.missed_usd_e18 == usd("15")
    assert moment.explain["held_at_trough_raw"] == str(25 * COINS)
    story.send(T0 + DAY_S + HOUR_S, 25 * COINS)
    assert not found(story, [candle(T0 + 2 * DAY_S, "0.40")])


def test_who_sold_in_the_second_of_the_trough_is_out_and_who_sells_in_its_minute_was_in() -> None:
    for sold_at_s, count in ((T0 + DAY_S, 0), (T0 + DAY_S + 1, 1)):
        story = bought()
        story.sell(sold_at_s, 100 * COINS, "40")
        assert len(found(story, [candle(T0 + DAY_S, "0.40")])) == count


def test_what_is_in_a_pool_is_held() -> None:
    story = bought()
    story.lp_add(T0 + HOUR_S, 100 * COINS, "Poo1")
    [moment] = found(story, [candle(T0 + DAY_S, "0.40")])
    assert moment.missed_usd_e18 == usd("60")


def test_first_in_first_out_tells_whose_units_were_sold() -> None:
    story = bought()
    story.buy(BOUGHT_AT + HOUR_S, 100 * COINS, "200")
    story.sell(BOUGHT_AT + 2 * HOUR_S, 100 * COINS, "150")
    [moment] = found(story, [candle(T0 + DAY_S, "0.50")])
    assert moment.signature == "sig1"
    assert moment.missed_usd_e18 == usd("150")


def test_the_trough_needs_volume_and_is_of_the_market() -> None:
    assert not found(bought(), [candle(T0 + DAY_S, "0.40", volume="99")])
    story = bought()
    story.sell(T0 + DAY_S + 5, COINS, "0.40")
    assert not found(story, [candle(T0 + DAY_S, "0.40", signers=1)])
    assert found(story, [candle(T0 + DAY_S, "0.40", signers=2)])


def test_the_window_is_a_week() -> None:
    minute_s = BOUGHT_AT // 60 * 60
    assert not found(bought(), [candle(minute_s, "0.40")])
    assert found(bought(), [candle(minute_s + WEEK_S - 60, "0.40")])
    assert not found(bought(), [candle(minute_s + WEEK_S, "0.40")])


def test_open_until_the_week_is_over() -> None:
    candles = [candle(T0 + DAY_S, "0.60"), candle(T0 + 3 * DAY_S, "0.30")]
    [early] = found(bought(), candles, as_of_s=T0 + 2 * DAY_S)
    [late] = found(bought(), candles, as_of_s=BOUGHT_AT + WEEK_S)
    assert (early.status, early.missed_usd_e18) == (OPEN, usd("40"))
    assert (late.status, late.missed_usd_e18, late.id) == (FINAL, usd("70"), early.id)


def test_without_a_cost_in_dollars_there_is_no_moment() -> None:
    received = Story()
    received.receive(BOUGHT_AT, 100 * COINS)
    for story in (received, bought(dollars=None)):
        assert not found(story, [candle(T0 + DAY_S, "0.40")])


def test_what_came_from_an_exchange_was_not_bought_here() -> None:
    story = Story()
    story.receive(BOUGHT_AT, 100 * COINS, sender="exchange")
    event = story.valued[0]
    story.valued[0] = msgspec.structs.replace(event, value_usd_e18=usd("100"), value_source="candle")
    rules = PositionRules(exchanges=frozenset({"exchange"}))
    seen = story.seen([candle(T0 + DAY_S, "0.40")], T0 + 30 * DAY_S, rules=rules)
    assert [lot.cost_usd_e18 for lot in seen.lots] == [usd("100")]
    assert BagHolder().detect(seen) == []


def test_a_transfer_within_the_owner_set_leaves_the_bag_where_it_is() -> None:
    candles, owned = [candle(T0 + DAY_S, "0.40")], PositionRules(owner_set=frozenset({"Wa11et", "second"}))
    story = bought()
    story.pass_on(T0 + HOUR_S, 100 * COINS, 100 * COINS, "second")
    assert not found(story, candles)
    [moment] = found(story, candles, rules=owned)
    assert moment.missed_usd_e18 == usd("60")


def test_what_a_mint_withholds_of_a_transfer_is_held_by_nobody() -> None:
    candles, owned = [candle(T0 + DAY_S, "0.40")], PositionRules(owner_set=frozenset({"Wa11et", "second"}))
    taxed = bought()
    taxed.pass_on(T0 + HOUR_S, 100 * COINS, 90 * COINS, "second")
    [moment] = found(taxed, candles, rules=owned)
    assert moment.missed_usd_e18 == usd("54"), "of the 90 that arrived"
    taxed.sell(T0 + 2 * HOUR_S, 90 * COINS, "90")
    assert not found(taxed, candles, rules=owned), "the other ten are nowhere"


def test_a_wallet_that_is_alone_with_its_coin_for_a_day_sees_no_bags() -> None:
    """Every one of its minutes is lower than the last, and none of them counts."""
    story, minutes = Story(), 1_200
    for minute in range(minutes):
        story.buy(T0 + minute * 60 + 5, COINS, "2")
    alone = [candle(T0 + minute * 60, str(Decimal(minutes - minute) / minutes), signers=1) for minute in range(minutes)]
    assert not found(story, alone)
    moments = found(story, [*alone, candle(T0 + DAY_S, "0.5")])
    assert len(moments) == minutes
    assert {moment.pct for moment in moments} == {Decimal("-0.75")}
