"""Pool arithmetic, and which of a pool's known states says what it held at a swap."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moment_inputs import MINT, T0, THRESHOLDS
from pool_rows import SOL, after_trade, state, swap

from oof_pipelines.detectors.input import PoolState
from oof_pipelines.detectors.pools import (
    KnownPools,
    PoolOffer,
    constant_product_out_raw,
    out_after_fee_raw,
)

LIMITS = THRESHOLDS.bad_route
AMOUNTS = st.integers(1, 10**19)


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_the_product_of_the_reserves_never_falls(sold_raw: int, in_raw: int, out_raw: int) -> None:
    bought_raw = constant_product_out_raw(sold_raw, in_raw, out_raw)
    assert 0 <= bought_raw < out_raw
    assert (in_raw + sold_raw) * (out_raw - bought_raw) >= in_raw * out_raw
    assert (in_raw + sold_raw) * (out_raw - bought_raw - 1) < in_raw * out_raw, "one unit more would be too much"


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.integers(0, 1_000), st.sampled_from(["input", "quote"]), st.booleans())
def test_a_fee_only_takes(
    sold_raw: int, in_raw: int, out_raw: int, fee_bps: int, fee_from: str, is_quote_in: bool
) -> None:
    kept_raw = out_after_fee_raw(sold_raw, in_raw, out_raw, fee_bps, fee_from=fee_from, is_quote_in=is_quote_in)
    assert 0 <= kept_raw <= constant_product_out_raw(sold_raw, in_raw, out_raw)
    # Never more than the exact figures allow.
    exact = Fraction(out_raw * sold_raw, in_raw + sold_raw)
    assert kept_raw <= exact


def test_fees_by_hand() -> None:
    # Raydium's way: 25 of 10,000 off 1,000,001, rounded up, is 2,501; 997,500 go in.
    by_input = out_after_fee_raw(1_000_001, 10**9, 10**9, 25, fee_from="input", is_quote_in=True)
    assert by_input == 10**9 * 997_500 // (10**9 + 997_500) == 996_505
    # On top of the money: of 1,012,500 paid at 125, a million goes in.
    on_top = out_after_fee_raw(1_012_500, 10**9, 10**9, 125, fee_from="quote", is_quote_in=True)
    assert on_top == 10**9 * 10**6 // (10**9 + 10**6) == 999_000
    # Off the money that comes out: 999,000 less 12,487.5 rounded up.
    off = out_after_fee_raw(10**6, 10**9, 10**9, 125, fee_from="quote", is_quote_in=False)
    assert off == 999_000 - 12_488
    assert out_after_fee_raw(5, 0, 10**9, 25, fee_from="input", is_quote_in=True) == 0


def offers(states: list[PoolState], *, at_s: int = T0, slot: int = 500, tx_index: int | None = 3) -> list[PoolOffer]:
    known = KnownPools(states, LIMITS, as_of_s=T0 + 10**6)
    return known.offers(swap(at_s=at_s, slot=slot, tx_index=tx_index))


def test_the_newest_state_before_the_transaction() -> None:
    states = [
        state(slot=497, base_raw=10**12, at_s=T0 - 4),
        state(slot=500, tx_index=2, base_raw=2 * 10**12, at_s=T0),
        state(slot=500, tx_index=3, base_raw=3 * 10**12, at_s=T0 + 90_000),
    ]
    [offer] = offers(states)
    assert offer.state.base_reserve_raw == 2 * 10**12
    # Of its own slot nothing counts where the positions in the block are not known.
    [offer] = offers(states[:1], tx_index=None)
    assert offer.state.base_reserve_raw == 10**12
    assert not offers(states[1:2], tx_index=None)
    assert not offers(states[2:])


def test_a_state_nothing_follows_is_believed_for_seconds_only() -> None:
    assert len(offers([state(at_s=T0 - LIMITS.unproven_age_seconds)])) == 1
    assert not offers([state(at_s=T0 - LIMITS.unproven_age_seconds - 1)])


def test_the_next_state_proves_that_nothing_happened_in_between() -> None:
    first = state(slot=400, at_s=T0 - LIMITS.pool_state_age_seconds)
    following = after_trade(first, sold_sol=10**9, fee_bps=25, slot=600, at_s=T0 + 60)
    [offer] = offers([first, following])
    assert offer.is_proven
    too_old = state(slot=400, at_s=T0 - LIMITS.pool_state_age_seconds - 1)
    assert not offers([too_old, after_trade(too_old, sold_sol=10**9, fee_bps=25, slot=600, at_s=T0 + 60)])


def test_a_trade_that_nobody_stored_shows_in_the_next_state() -> None:
    first = state(slot=400, at_s=T0 - 60)
    unseen = after_trade(first, sold_sol=2 * 10**9, fee_bps=25, slot=450, at_s=T0 - 30)
    following = after_trade(unseen, sold_sol=10**9, fee_bps=25, slot=600, at_s=T0 + 60)
    assert not offers([first, following])
    assert len(offers([first, unseen, following])) == 1
    # Also where the state would be fresh enough without a proof: it is known to be wrong.
    fresh = state(slot=499, at_s=T0 - 1)
    assert len(offers([fresh])) == 1
    assert not offers([fresh, following])


def test_a_proof_comes_within_the_hour() -> None:
    first = state(slot=400, at_s=T0 - 60)
    for after_s, count in ((LIMITS.proof_seconds, 1), (LIMITS.proof_seconds + 1, 0)):
        following = after_trade(first, sold_sol=10**9, fee_bps=25, slot=9_000, at_s=T0 + after_s)
        assert len(offers([first, following])) == count


@pytest.mark.parametrize(("change_bps", "is_believed"), [(20, True), (21, False)])
def test_next_to_nothing_may_have_changed_unseen(change_bps: int, is_believed: bool) -> None:
    first = state(slot=400, at_s=T0 - 60)
    nudged = state(slot=400, at_s=T0 - 60, base_raw=first.base_reserve_raw * (10_000 + change_bps) // 10_000)
    following = after_trade(nudged, sold_sol=0, fee_bps=0, slot=600, at_s=T0 + 60)
    assert bool(offers([first, following])) is is_believed


@pytest.mark.parametrize(("fee_bps", "told_bps"), [(25, 25), (10, 25), (100, 100), (400, 400)])
def test_a_pool_takes_what_its_own_trades_show_but_never_less_than_its_venue(fee_bps: int, told_bps: int) -> None:
    first = state(slot=400, at_s=T0 - 60)
    newest = after_trade(first, sold_sol=10**9, fee_bps=fee_bps, slot=499, at_s=T0 - 1)
    [offer] = offers([newest])
    assert offer.fee_bps == told_bps


def test_the_next_trade_may_show_more() -> None:
    first = state(slot=400, at_s=T0 - 60)
    following = after_trade(first, sold_sol=10**9, fee_bps=400, slot=600, at_s=T0 + 60)
    [offer] = offers([first, following])
    assert offer.fee_bps == 400
    assert not offers([first, after_trade(first, sold_sol=10**9, fee_bps=1_200, slot=600, at_s=T0 + 60)])


def test_dust_says_nothing_against_a_pool() -> None:
    before = state(slot=400, at_s=T0 - 60)
    # Fifteen coins' units for one lamport: one and a half was due, so a third is lost to rounding and none to a fee.
    dust = msgspec.structs.replace(before, slot=499, at_s=T0 - 1, base_change_raw=15, quote_change_raw=-1)
    [offer] = offers([dust])
    assert offer.fee_bps == 25
    nothing = msgspec.structs.replace(before, slot=499, at_s=T0 - 1, base_change_raw=0, quote_change_raw=4)
    [offer] = offers([before, nothing])
    assert offer.fee_bps == 25


def test_a_pool_nobody_is_known_to_have_traded_in_is_left_out() -> None:
    filled = msgspec.structs.replace(state(), is_trade=False)
    assert not offers([filled])
    assert offers([state(slot=400, at_s=T0 - 60), filled])


def test_a_pool_that_its_reserves_do_not_price_is_left_out() -> None:
    first = state(slot=400, at_s=T0 - 60)
    newest = after_trade(first, sold_sol=10**9, fee_bps=1_001, slot=499, at_s=T0 - 1)
    assert not offers([newest])
    assert offers([after_trade(first, sold_sol=10**9, fee_bps=999, slot=499, at_s=T0 - 1)])


def test_unknown_venues_other_reserves_and_empty_pools_are_left_out() -> None:
    assert offers([state()])
    assert not offers([state(venue="raydium_clmm")])
    assert not offers([state(is_virtual=True)])
    assert not offers([state(base_raw=0)])
    assert offers([state(venue="pumpfun", is_virtual=True)])
    assert not offers([state(mint="another")])


def test_nothing_from_after_as_of() -> None:
    states = [state(slot=499, at_s=T0 - 1)]
    assert KnownPools(states, LIMITS, as_of_s=T0 - 1).offers(swap())
    assert not KnownPools(states, LIMITS, as_of_s=T0 - 2).offers(swap())


def test_offers_are_for_the_way_of_the_swap() -> None:
    # A SOL into 100 SOL and a million coins, 25 basis points off it.
    [buying] = offers([state()])
    assert buying.best_raw == 10**12 * 997_500_000 // (100 * 10**9 + 997_500_000)
    selling = KnownPools([state()], LIMITS, as_of_s=T0).offers(
        swap(sold_mint=MINT, sold_raw=10**10, bought_mint=SOL, bought_raw=1)
    )
    assert selling[0].best_raw == 100 * 10**9 * 9_975_000_000 // (10**12 + 9_975_000_000)
