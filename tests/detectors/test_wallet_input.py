"""From events to what detectors see: swaps once each, pools from the market's stream, nothing from after the time asked."""

import msgspec
from moment_inputs import DAY_S, MINT, ONE, T0, WALLET, Story, usd
from msgspec.structs import replace

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.detectors.wallet_input import pool_states_of, swaps_of
from oof_pipelines.market.events import EventPlace, Graduation, LiquidityChanged, PoolState, Trade
from oof_pipelines.positions.valued import PositionRules, ValuedEvent


def of_two_tokens(sold_confidence: int | None, bought_confidence: int | None) -> list[ValuedEvent]:
    """A swap of a coin for another as its two events, each valued by the other side."""
    story = Story()
    story.sell(T0, 500, "7")
    story.buy(T0, 900, "8", mint="other")
    sold, bought = (one.event for one in story.valued)
    sold = msgspec.structs.replace(sold, other_mint="other", other_raw=900)
    bought = msgspec.structs.replace(bought, signature=sold.signature, slot=sold.slot, other_mint=MINT, other_raw=500)
    rows = [(sold, usd("7"), "candle", sold_confidence), (bought, usd("8"), "par", bought_confidence)]
    return [ValuedEvent(event, None if sure is None else value, source, sure) for event, value, source, sure in rows]


def test_a_token_for_a_token_is_one_swap_of_the_better_known_value() -> None:
    for sure, other, value in ((ONE, 5, "7"), (5, ONE, "8"), (None, 0, "8"), (7, 7, "7")):
        [swap] = swaps_of(of_two_tokens(sure, other))
        assert (swap.sold_mint, swap.sold_raw, swap.bought_mint, swap.bought_raw) == (MINT, 500, "other", 900)
        assert swap.value_usd_e18 == usd(value)
    [swap] = swaps_of(of_two_tokens(None, None))
    assert swap.value_usd_e18 is None


def test_buys_and_sells_are_swaps_and_nothing_else_is() -> None:
    story = Story()
    story.buy(T0, 100, "5", pool="poo1")
    story.swap_for_sol(T0 + 1, 40, 3_000, "2")
    story.receive(T0 + 2, 5)
    story.send(T0 + 3, 5)
    story.lp_add(T0 + 4, 5, "poo1")
    bought, sold = swaps_of(story.valued)
    assert (bought.sold_mint, bought.sold_raw, bought.bought_raw, bought.pool) == (USDC_MINT, 5_000_000, 100, "poo1")
    assert (sold.sold_raw, sold.bought_mint, sold.bought_raw) == (40, NATIVE_MINT, 3_000)
    circle = msgspec.structs.replace(story.valued[0].event, other_mint=MINT, other_raw=0)
    unpaid = msgspec.structs.replace(story.valued[0].event, other_mint="", other_raw=None)
    assert swaps_of([ValuedEvent(circle), ValuedEvent(unpaid)]) == []


def test_nothing_is_later_than_the_time_asked() -> None:
    story = Story()
    story.buy(T0, 100, "5")
    story.sell(T0 + DAY_S, 40, "5")
    story.sell(T0 + 2 * DAY_S, 60, "5")
    seen = story.seen([], T0 + DAY_S, idle_mint=MINT)
    assert [row.sold_at_s for row in seen.realized] == [T0 + DAY_S]
    [lot] = seen.lots
    assert [one.qty_raw for one in lot.departures] == [40]
    assert [one.change_raw for one in seen.idle_changes] == [100, -40]
    assert len(seen.swaps) == 2
    assert seen.own_minutes == {MINT: frozenset({T0 // 60 * 60, (T0 + DAY_S) // 60 * 60})}
    assert story.seen([], T0, idle_mint="").idle_changes == ()


def test_decimals_are_those_that_any_event_shows() -> None:
    story = Story()
    story.buy(T0, 100, "5")
    story.sell(T0 + 1, 40, "5")
    story.receive(T0 + 2, 7, mint="unshown")
    shown = story.seen([], T0 + DAY_S, idle_mint=MINT)
    blind = [replace(one, event=replace(one.event, decimals=None)) for one in story.valued]
    story.valued = blind
    nowhere = story.seen([], T0 + DAY_S, idle_mint=MINT)
    assert {one.decimals for one in (*nowhere.lots, *nowhere.realized, *nowhere.idle_changes)} == {None}
    swap = replace(blind[0].event, signature="later", slot=2_000, mint="third", other_mint=MINT, other_decimals=6)
    story.valued = [*blind, ValuedEvent(swap)]
    told = story.seen([], T0 + DAY_S, idle_mint=MINT)
    assert [(one.mint, one.decimals) for one in told.lots] == [(MINT, 6), ("unshown", None), ("third", None)]
    assert (told.realized[:1], told.idle_changes) == (shown.realized, shown.idle_changes)


def test_a_balance_is_the_owners_whatever_his_wallets_send_each_other() -> None:
    story = Story()
    story.buy(T0, 100, "5")
    story.pass_on(T0 + 10, 60, 60, "second")
    story.pass_on(T0 + 20, 40, 38, "second")
    owned = PositionRules(owner_set=frozenset({WALLET, "second"}))
    changes = story.seen([], T0 + DAY_S, idle_mint=MINT, rules=owned).idle_changes
    assert [(one.at_s, one.change_raw) for one in changes] == [(T0, 100), (T0 + 20, -2)]


def test_what_one_wallet_passes_on_is_there_when_the_other_sells_it() -> None:
    story = Story()
    story.buy(T0, 100, "5")
    story.pass_on(T0, 100, 100, "second")
    story.sell(T0, 100, "9")
    bought, sent, received, sold = (one.event for one in story.valued)
    same = {"signature": bought.signature, "slot": bought.slot}
    events = [
        replace(bought, log_idx=2 * 65_536, seq=2),
        replace(sent, **same, log_idx=3 * 65_536, seq=3),
        replace(received, **same, log_idx=3 * 65_536, seq=0),
        replace(sold, **same, log_idx=5 * 65_536, seq=1, wallet="second"),
    ]
    story.valued = [replace(one, event=event) for one, event in zip(story.valued, events, strict=True)]
    [lot] = story.seen([], T0 + DAY_S, rules=PositionRules(owner_set=frozenset({WALLET, "second"}))).lots
    assert [(one.at_s, one.qty_raw) for one in lot.departures] == [(T0, 100)]


def place(slot: int) -> EventPlace:
    return EventPlace(f"s{slot}", slot, 1, T0 + slot, 65_536, 0)


def test_pool_states_are_what_events_left() -> None:
    venue = ("Program", "raydium_cpmm", "poo1", MINT, NATIVE_MINT)
    buy = Trade(place(2), *venue, True, 10, 20, 6, 9, WALLET, WALLET, "", None, "vault", 90, 120)
    sell = Trade(place(3), *venue, False, 10, 19, 6, 9, WALLET, WALLET, "", None, "virtual", 100, 101)
    added = LiquidityChanged(place(1), *venue, WALLET, True, 50, 60, 100, 100)
    taken = LiquidityChanged(place(4), *venue, WALLET, False, 50, 60, 50, 41)
    full = Graduation(place(5), "Program", "pumpfun", MINT, NATIVE_MINT, "curve")
    blind = Trade(place(6), *venue, True, 10, 20, 6, 9, WALLET, WALLET)
    twice = PoolState(place(2), *venue, "vault", 90, 120)
    states = pool_states_of([sell, buy, taken, added, full, blind, twice])
    assert [
        (one.slot, one.is_trade, one.is_virtual, one.base_reserve_raw, one.base_change_raw, one.quote_change_raw)
        for one in states
    ] == [
        (1, False, False, 100, 50, 60),
        (2, True, False, 90, -10, 20),
        (3, True, True, 100, 10, -19),
        (4, False, False, 50, -50, -60),
        (5, False, True, 0, None, None),
    ]
    assert [one.at_s for one in states] == [T0 + slot for slot in range(1, 6)]
