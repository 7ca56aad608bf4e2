"""Recorded trades of constant-product pools: what the arithmetic says they had to bring, and that they accuse nobody."""

from collections import defaultdict
from pathlib import Path

import msgspec
import pytest
from moment_inputs import THRESHOLDS
from recorded_trades import recorded_trading, trades_in

from oof_pipelines.detectors.bad_route import BadRoute
from oof_pipelines.detectors.input import DetectorInput, PoolState, Swap
from oof_pipelines.detectors.pools import out_after_fee_raw
from oof_pipelines.detectors.thresholds import QUOTE_FEE
from oof_pipelines.detectors.wallet_input import pool_states_of
from oof_pipelines.pricing.windows import PriceWindows

LIMITS = THRESHOLDS.bad_route


@pytest.fixture(scope="module")
def by_venue(fixtures_dir: Path) -> dict[str, list[PoolState]]:
    """What each recorded trade of a venue with a rule left in its pool."""
    found: dict[str, list[PoolState]] = defaultdict(list)
    for row in recorded_trading(fixtures_dir):
        for state in pool_states_of(trades_in(row)):
            if state.venue in LIMITS.pools and state.base_change_raw and state.quote_change_raw:
                found[state.venue].append(state)
    return found


def before_and_swap(state: PoolState) -> tuple[PoolState, Swap] | None:
    """What the pool held before a trade, and the trade; None where the trade took nothing or gave nothing."""
    base, quote = state.base_change_raw or 0, state.quote_change_raw or 0
    if base * quote >= 0:
        return None
    before = msgspec.structs.replace(
        state,
        slot=state.slot - 1,
        is_trade=False,
        base_reserve_raw=state.base_reserve_raw - base,
        quote_reserve_raw=state.quote_reserve_raw - quote,
        base_change_raw=None,
        quote_change_raw=None,
    )
    sold, bought = (state.quote_mint, quote), (state.mint, -base)
    if base > 0:
        sold, bought = (state.mint, base), (state.quote_mint, -quote)
    swap = Swap(
        "w",
        state.signature,
        "0",
        state.slot,
        state.tx_index,
        state.at_s,
        *sold,
        *bought,
        state.venue,
        "",
        None,
        "",
        None,
    )
    return before, swap


def test_what_a_trade_brought_is_what_the_product_gives(by_venue: dict[str, list[PoolState]]) -> None:
    exact, near, all_of = 0, 0, 0
    for venue in ("raydium_amm_v4", "pumpfun", "pumpswap"):
        rule = LIMITS.pools[venue]
        for state in by_venue[venue]:
            pair = before_and_swap(state)
            if pair is None:
                continue
            before, swap = pair
            reserves = (before.quote_reserve_raw, before.base_reserve_raw)
            is_quote_in = swap.sold_mint == state.quote_mint
            into_raw, out_raw = reserves if is_quote_in else reserves[::-1]
            # The venue's own amounts leave fees on top out.
            fee_bps = 0 if rule.fee_from == QUOTE_FEE else rule.fee_bps
            due_raw = out_after_fee_raw(
                swap.sold_raw, into_raw, out_raw, fee_bps, fee_from=rule.fee_from, is_quote_in=is_quote_in
            )
            all_of += 1
            exact += abs(due_raw - swap.bought_raw) <= 1
            near += abs(due_raw - swap.bought_raw) * 1_000 <= swap.bought_raw
    assert all_of >= 100
    # To the unit where the vaults show all; pools with money put aside, or fees kept in the vault, differ by their share.
    assert exact >= all_of * 45 // 100
    assert near >= all_of * 90 // 100


def test_a_trade_is_no_bad_route_beside_its_own_pool(by_venue: dict[str, list[PoolState]]) -> None:
    """The pool's earlier trades show its fee, or this one does; what does not come out of the reserves says nothing."""
    compared = 0
    for state in (state for states in by_venue.values() for state in states):
        pair = before_and_swap(state)
        if pair is None:
            continue
        before, swap = pair
        seen = DetectorInput(
            as_of_s=state.at_s + 10**6,
            thresholds=THRESHOLDS,
            prices=PriceWindows({}),
            swaps=(swap,),
            pool_states=(before, state),
        )
        assert BadRoute().detect(seen) == [], state
        compared += 1
        # With half of what it brought it would have been one, wherever the pool is believed at all.
        halved = msgspec.structs.replace(swap, bought_raw=max(1, swap.bought_raw // 2))
        found = BadRoute().detect(msgspec.structs.replace(seen, swaps=(halved,)))
        assert all(moment.pct > 0 for moment in found)
        compared += bool(found) * 1_000
    assert compared % 1_000 >= 100
    assert compared // 1_000 >= 80
