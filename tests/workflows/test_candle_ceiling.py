"""Which coins are priced under a ceiling of candle reads, and what a story says of the others."""

from datetime import timedelta
from pathlib import Path

import pytest
from position_world import COIN, DOLLAR, OTHER_COIN, START, World, address, candle, event

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.workflows.analyze_wallets import WalletAnalysis, analyze_wallets
from oof_pipelines.workflows.candle_ceiling import mints_beyond, mints_by_newest

WHOLE = 10**6
WALLET = event("buy", 0).wallet
THIRD = address("third coin")


def test_the_coin_last_dealt_with_comes_first_and_money_is_no_coin() -> None:
    events = [
        event("buy", 0, mint=COIN),
        event("buy", 1, mint=OTHER_COIN),
        event("receive", 2, mint=USDC_MINT),
        event("cost", 3, mint=NATIVE_MINT),
        event("sell", 4, mint=COIN),
        event("buy", 5, mint=THIRD, other_mint=OTHER_COIN, other_raw=5),
    ]
    # What was paid with has the same newest event as what it bought, and the smaller address is first.
    assert mints_by_newest(events) == [*sorted((THIRD, OTHER_COIN)), COIN]
    assert mints_by_newest([]) == []


@pytest.mark.parametrize(
    ("most", "beyond"),
    [(0, ["a", "c"]), (9, ["a", "c"]), (10, ["c"]), (14, ["c"]), (15, []), (100, [])],
)
def test_a_coin_is_priced_whole_or_not_at_all(most: int, beyond: list[str]) -> None:
    assert mints_beyond(["a", "b", "c", "unknown"], {"a": 10, "b": 0, "c": 5}, most) == beyond


def test_the_first_that_does_not_fit_ends_it() -> None:
    assert mints_beyond(["a", "b", "c"], {"a": 5, "b": 100, "c": 1}, 50) == ["b", "c"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two coins received and held, of which candles alone say what they are worth: two of the older, one of the newer."""
    world = World(tmp_path, as_of=START + timedelta(hours=2))
    world.put_events(
        event("receive", 10, mint=COIN, qty=3 * WHOLE, counterparty=address("friend")),
        event("receive", 20, mint=OTHER_COIN, qty=5 * WHOLE, counterparty=address("friend")),
        event("buy", 21, mint=THIRD, qty=WHOLE, usdc=DOLLAR),
    )
    world.put_candles(candle(5, "2"), candle(60, "4"), candle(15, "7", mint=OTHER_COIN))
    return world


def analyse(world: World, most: int | None) -> WalletAnalysis:
    return analyze_wallets(
        world.store, world.source, world.market, world.rules, [WALLET], world.as_of, most_candle_reads=most
    )


def test_a_story_reads_no_more_than_it_may_and_names_what_it_left_out(world: World) -> None:
    whole = analyse(world, None)
    assert (whole.candle_reads, whole.mints_left_out) == (3, ())
    assert whole.mints == (THIRD, OTHER_COIN, COIN)
    assert analyse(world, 3).summary == whole.summary
    part = analyse(world, 2)
    assert (part.candle_reads, part.mints_left_out) == (1, (COIN,))
    prices = {one.mint: one.price_usd_e18 for one in part.summary.holdings}
    assert prices[COIN] is None
    assert prices[OTHER_COIN] == 7 * 10**18
    nothing = analyse(world, 0)
    assert (nothing.candle_reads, nothing.mints_left_out) == (0, (OTHER_COIN, COIN))
    # What was paid for in money keeps its cost whatever may be read.
    assert {one.mint: one.cost_usd_e18 for one in nothing.summary.holdings}[THIRD] == 10**18
