"""One owner's story, told when somebody asks: the same figures as his buckets hold, and of an owner set one holding."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from position_world import COIN, DOLLAR, ELSEWHERE, NEIGHBOUR, OTHER_COIN, START, WALLET, World, address, candle, event

from oof_pipelines.detectors.moment import Moment
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.results import Episode, Lot, RealizedTrade
from oof_pipelines.storage.parquet.position_rows import structs_of
from oof_pipelines.workflows.analyze_wallets import WalletAnalysis, analyze_wallets, stored_events
from oof_pipelines.workflows.wallet_summary import holdings_of

WHOLE = 10**6
E18 = 10**18
FRIEND = address("friend")

EVENTS = (
    event("buy", 0, qty=1_000 * WHOLE, usdc=1_000 * DOLLAR, network_fee_lamports=5_000),
    event("send", 10, qty=400 * WHOLE, counterparty=ELSEWHERE),
    event("receive", 10, wallet=ELSEWHERE, qty=400 * WHOLE, counterparty=WALLET),
    event("sell", 60, wallet=ELSEWHERE, qty=400 * WHOLE, usdc=480 * DOLLAR, network_fee_lamports=5_000),
    event("receive", 70, mint=OTHER_COIN, qty=9 * WHOLE, counterparty=FRIEND),
    event("sell", 80, mint=OTHER_COIN, qty=4 * WHOLE, usdc=8 * DOLLAR),
    event("sell", 5 * 1_440, qty=100 * WHOLE, usdc=60 * DOLLAR),
    event("buy", 30, wallet=NEIGHBOUR, qty=5 * WHOLE, usdc=5 * DOLLAR),
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, as_of=START + timedelta(days=6))
    world.put_sol("100", START.date())
    sent, received = EVENTS[1], EVENTS[2]
    # The send and its receive are one transaction.
    world.put_events(*(replace(one, signature=sent.signature) if one is received else one for one in EVENTS))
    world.put_candles(
        candle(59, "1.2"),
        candle(120, "2.0"),
        candle(3_000, "0.6"),
        candle(6 * 1_440 - 30, "0.5"),
    )
    return world


def analyse(world: World, *wallets: str, days: int | None = None) -> WalletAnalysis:
    since = None if days is None else world.as_of - timedelta(days=days)
    return analyze_wallets(world.store, world.source, world.market, world.rules, wallets, world.as_of, since=since)


@pytest.mark.parametrize("wallet", [WALLET, ELSEWHERE, NEIGHBOUR])
def test_of_one_wallet_it_is_what_its_bucket_holds(world: World, wallet: str) -> None:
    world.position()
    world.look()
    found = analyse(world, wallet)
    bucket = 9 if wallet == ELSEWHERE else 7
    stored = {
        name: structs_of(made, world.store.read(name, bucket))
        for name, made in (
            ("realized_trades", RealizedTrade),
            ("lots", Lot),
            ("episodes", Episode),
            ("oof_moments", Moment),
        )
    }
    own = {name: [one for one in rows if one.wallet == wallet] for name, rows in stored.items()}  # type: ignore[attr-defined]
    assert sorted(map(repr, found.realized)) == sorted(map(repr, own["realized_trades"]))
    assert sorted(map(repr, found.episodes)) == sorted(map(repr, own["episodes"]))
    left = [lot for lot in own["lots"] if isinstance(lot, Lot) and lot.qty_remaining_raw + lot.qty_in_pool_raw]
    assert sorted(map(repr, found.lots)) == sorted(map(repr, left))
    assert found.moments == own["oof_moments"]


def test_of_an_owner_set_lots_move_with_their_cost(world: World) -> None:
    alone = analyse(world, ELSEWHERE)
    [unknown] = alone.realized
    assert (unknown.basis_status, unknown.cost_usd_e18) == ("unknown", None)
    assert alone.summary.unknown_proceeds_usd_e18 == 480 * E18
    both = analyse(world, WALLET, ELSEWHERE)
    [sale] = [row for row in both.realized if row.wallet == ELSEWHERE]
    assert (sale.basis_status, sale.cost_usd_e18, sale.realized_pnl_usd_e18) == ("known", 400 * E18, 80 * E18)
    assert both.moved == []
    assert [one.qty_raw for one in analyse(world, WALLET).moved] == [400 * WHOLE]
    assert both.summary.fees_usd_e18 == E18 // 1_000
    assert both.wallets == (WALLET, ELSEWHERE)


def test_what_a_wallet_passes_on_in_a_transaction_is_sold_by_the_next_at_its_cost(tmp_path: Path) -> None:
    world = World(tmp_path, as_of=START + timedelta(days=1))
    world.put_sol("100", START.date())
    signature = address("one transaction") * 2

    def at(kind: str, place: int, seq: int, **changes: Any) -> PositionEvent:
        return event(kind, 5, signature=signature, path=str(place), log_idx=place * 65_536, seq=seq, **changes)

    # The sale is its wallet's second event, the buy its wallet's third.
    world.put_events(
        at("receive", 0, 0, mint=OTHER_COIN, qty=9),
        at("send", 1, 1, mint=OTHER_COIN, qty=9, counterparty=FRIEND),
        at("buy", 2, 2, qty=7 * WHOLE, usdc=70 * DOLLAR),
        at("send", 3, 3, qty=7 * WHOLE, counterparty=ELSEWHERE),
        at("receive", 3, 0, wallet=ELSEWHERE, qty=7 * WHOLE, counterparty=WALLET),
        at("sell", 4, 1, wallet=ELSEWHERE, qty=7 * WHOLE, usdc=90 * DOLLAR),
    )
    both = analyse(world, WALLET, ELSEWHERE)
    [sale] = both.realized
    assert (sale.basis_status, sale.cost_usd_e18, sale.realized_pnl_usd_e18) == ("known", 70 * E18, 20 * E18)
    assert [one.mint for one in both.lots] == []


def test_the_order_of_the_wallets_does_not_show(world: World) -> None:
    one, other = analyse(world, WALLET, ELSEWHERE), analyse(world, ELSEWHERE, WALLET)
    assert (one.realized, one.episodes, one.moments, one.summary) == (
        other.realized,
        other.episodes,
        other.moments,
        other.summary,
    )


def test_the_summary_says_what_there_is(world: World) -> None:
    summary = analyse(world, WALLET, ELSEWHERE).summary
    [held, airdropped] = summary.holdings
    assert (held.mint, held.held_raw, held.cost_usd_e18) == (COIN, 500 * WHOLE, 500 * E18)
    assert (held.price_usd_e18, held.price_source, held.value_usd_e18) == (E18 // 2, "candle", 250 * E18)
    assert held.price_at_s == int(START.timestamp()) + (6 * 1_440 - 29) * 60
    assert held.unrealized_pnl_usd_e18 == -250 * E18
    assert (airdropped.mint, airdropped.held_raw, airdropped.unpriced_raw) == (OTHER_COIN, 5 * WHOLE, 5 * WHOLE)
    assert (airdropped.price_usd_e18, airdropped.value_usd_e18, airdropped.unrealized_pnl_usd_e18) == (None, None, None)
    assert (summary.held_value_usd_e18, summary.unrealized_pnl_usd_e18) == (250 * E18, -250 * E18)
    assert (summary.realized_pnl_usd_e18, summary.proceeds_usd_e18) == (40 * E18, 540 * E18)
    assert summary.unknown_proceeds_usd_e18 == 8 * E18
    assert (summary.sales, summary.wins, summary.losses, summary.win_rate) == (2, 1, 1, Decimal("0.5"))
    assert (summary.trades, summary.open_episodes, summary.episodes) == (4, 2, 2)
    assert (summary.first_activity_at_s, summary.last_activity_at_s) == (
        EVENTS[0].block_time_s,
        EVENTS[6].block_time_s,
    )
    assert summary.moments["S2E"] == 1
    assert summary.missed_usd_e18 >= 320 * E18


def test_what_is_told_begins_with_the_days_asked_and_costs_do_not(world: World) -> None:
    lately = analyse(world, WALLET, ELSEWHERE, days=2)
    [sale] = lately.realized
    assert (sale.cost_usd_e18, sale.realized_pnl_usd_e18) == (100 * E18, -40 * E18)
    assert lately.moments == []
    assert {one.mint for one in lately.episodes} == {COIN, OTHER_COIN}
    assert lately.summary.trades == 1
    assert lately.summary.holdings == analyse(world, WALLET, ELSEWHERE).summary.holdings
    assert lately.extremes.top_win is None


def test_as_of_bounds_everything(world: World) -> None:
    world.as_of = START + timedelta(minutes=30)
    then = analyse(world, WALLET, ELSEWHERE)
    assert (then.events, then.realized, then.moments) == (3, [], [])
    assert [(one.mint, one.held_raw) for one in then.summary.holdings] == [(COIN, 1_000 * WHOLE)]
    world.as_of = START - timedelta(days=1)
    nothing = analyse(world, WALLET)
    assert (nothing.events, nothing.summary.first_activity_at_s, nothing.summary.win_rate) == (0, None, None)


def test_a_wallet_nobody_stored_has_no_story(world: World) -> None:
    assert analyse(world, FRIEND).events == 0
    assert stored_events(world.store, [FRIEND], world.as_of) == []


def test_an_old_price_is_no_price_of_a_holding(world: World) -> None:
    lots = analyse(world, WALLET).lots
    as_of_s = int(world.as_of.timestamp())
    windows = world.market.candles.windows([COIN])
    [priced] = [one for one in holdings_of(lots, windows, as_of_s) if one.mint == COIN]
    [late] = [one for one in holdings_of(lots, windows, as_of_s + 86_400) if one.mint == COIN]
    assert (priced.price_usd_e18, late.price_usd_e18) == (E18 // 2, None)


def test_its_steps_are_told(world: World) -> None:
    steps: list[str] = []
    analyze_wallets(world.store, world.source, world.market, world.rules, [WALLET], world.as_of, at_step=steps.append)
    assert steps == ["read", "value", "fold", "detect", "summarize"]
