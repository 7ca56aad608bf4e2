"""BadRoute: against pools and quotes, at and just under the threshold, and what is worth how much."""

from decimal import Decimal

import msgspec
import pytest
from moment_inputs import MINT, T0, THRESHOLDS, usd
from pool_rows import SOL, after_trade, state, swap

from oof_pipelines.detectors.bad_route import BadRoute
from oof_pipelines.detectors.input import DetectorInput, PoolState, SeenQuote, Swap
from oof_pipelines.detectors.moment import FINAL, OPEN, Moment, moment_id
from oof_pipelines.pricing.windows import PriceWindows

# What 100 SOL and a million coins give for a SOL, 25 basis points off it.
BEST_RAW = 10**12 * 997_500_000 // (100 * 10**9 + 997_500_000)


def quote(sold_raw: int = 10**9, bought_raw: int = 10**10, **changes: object) -> SeenQuote:
    told = SeenQuote("q1", "jupiter", SOL, sold_raw, MINT, bought_raw, T0 + 20, 499, ("Whirlpool",))
    return msgspec.structs.replace(told, **changes)


def found(
    one: Swap,
    states: list[PoolState] | None = None,
    quotes: list[SeenQuote] | None = None,
    as_of_s: int = T0 + 10**6,
) -> list[Moment]:
    seen = DetectorInput(
        as_of_s=as_of_s,
        thresholds=THRESHOLDS,
        prices=PriceWindows({}),
        swaps=(one,),
        pool_states=tuple(states or ()),
        quotes=tuple(quotes or ()),
    )
    return BadRoute().detect(seen)


def test_another_pool_would_have_given_more() -> None:
    got_raw = BEST_RAW // 2
    [moment] = found(swap(bought_raw=got_raw), [state()])
    assert moment.id == moment_id("BadRoute", "Wa11et", MINT, "swap", "2")
    assert moment.mint == MINT
    assert moment.pct == Decimal(BEST_RAW - got_raw).scaleb(18).__floordiv__(BEST_RAW).scaleb(-18)
    # Twice as much was to be had for what was worth 200 dollars.
    assert moment.missed_usd_e18 is not None
    assert abs(moment.missed_usd_e18 - usd("200")) < usd("0.000001")
    assert moment.reachable_usd_e18 is None
    assert moment.severity == 1
    assert moment.explain["best_out_from"] == "pool_reserves"
    told = moment.explain["best"]
    assert isinstance(told, dict)
    assert (told["pool"], told["base_reserve_raw"], told["quote_reserve_raw"]) == ("poo1", str(10**12), str(10**11))
    assert (told["fee_bps"], told["is_proven_by_next_state"]) == ("25", "false")
    assert moment.price_source == "klines, pool_reserves"
    assert moment.confidence == Decimal("0.9")


@pytest.mark.parametrize(("got_raw", "is_found"), [(9_900_000_000, True), (9_900_000_001, False)])
def test_one_per_cent_is_enough_and_nothing_less(got_raw: int, is_found: bool) -> None:
    moments = found(swap(bought_raw=got_raw), quotes=[quote(bought_raw=10**10)])
    assert bool(moments) is is_found
    assert all((one.pct, one.severity) == (Decimal("0.01"), Decimal("0.1")) for one in moments)


@pytest.mark.parametrize(("best_raw", "is_found"), [(1_000, True), (999, False)])
def test_where_units_are_few_rounding_is_no_bad_route(best_raw: int, is_found: bool) -> None:
    assert bool(found(swap(bought_raw=best_raw // 2), quotes=[quote(bought_raw=best_raw)])) is is_found


def test_the_better_of_quote_and_pool_counts_and_is_named() -> None:
    one = swap(bought_raw=10**9)
    for quoted_raw, source in ((BEST_RAW, "quotes"), (BEST_RAW - 1, "pool_reserves")):
        [moment] = found(one, [state()], [quote(bought_raw=quoted_raw)])
        assert moment.explain["best_out_from"] == source
        assert moment.explain["best_out_raw"] == str(BEST_RAW)


def test_a_quote_is_of_the_pair_the_way_the_minute_and_the_amount_or_more() -> None:
    one = swap(bought_raw=10**9)
    minute_s = T0 // 60 * 60
    assert found(one, quotes=[quote(asked_at_s=minute_s)])
    assert found(one, quotes=[quote(asked_at_s=minute_s + 59)])
    for strange in (
        quote(asked_at_s=minute_s - 1),
        quote(asked_at_s=minute_s + 60),
        quote(sold_mint=MINT, bought_mint=SOL),
        quote(bought_mint="another"),
        quote(sold_raw=10**9 - 1),
    ):
        assert not found(one, quotes=[strange])
    # Ten times the amount for nine times the coins: at least nine tenths of it for a tenth.
    [moment] = found(one, quotes=[quote(sold_raw=10**10, bought_raw=9 * 10**10)])
    assert moment.explain["best_out_raw"] == str(9 * 10**9)


def test_of_several_pools_the_best() -> None:
    states = [
        state(pool="thin", quote_raw=10**10, base_raw=10**11),
        state(pool="deep"),
        state(pool="dear", base_raw=10**11),
    ]
    [moment] = found(swap(bought_raw=10**9), states)
    told = moment.explain["best"]
    assert isinstance(told, dict)
    assert told["pool"] == "deep"
    assert told["pools_compared"] == ["raydium_cpmm dear", "raydium_cpmm deep", "raydium_cpmm thin"]


def test_a_swap_at_its_own_pools_price_is_no_bad_route() -> None:
    # The swap itself is the next state of the pool, and proves the one before.
    before = state(slot=400, at_s=T0 - 300)
    after = after_trade(before, sold_sol=10**9, fee_bps=25, slot=500, at_s=T0)
    assert not found(swap(tx_index=0, bought_raw=BEST_RAW), [before, after])
    assert found(swap(tx_index=0, bought_raw=BEST_RAW * 98 // 100), [before, after])


def test_who_knows_a_pool_by_the_wallets_own_trades_alone_accuses_nobody() -> None:
    # Bought, others sold it down (unseen), sold at half the price: the state known before the sale is stale.
    bought = state(slot=400, at_s=T0 - 30, base_raw=10**12, quote_raw=100 * 10**9)
    sold = after_trade(state(base_raw=10**12, quote_raw=50 * 10**9), sold_sol=10**8, fee_bps=25, slot=500, at_s=T0)
    sale = swap(tx_index=0, sold_mint=MINT, sold_raw=10**9, bought_mint=SOL, bought_raw=49 * 10**6)
    assert not found(sale, [bought, sold])


def test_without_a_price_the_share_stands_alone() -> None:
    [moment] = found(swap(bought_raw=10**9, value_usd_e18=None), [state()])
    assert moment.missed_usd_e18 is None
    assert moment.explain["value_usd"] == "unknown"


def test_nothing_to_compare_with_nothing_to_say() -> None:
    assert not found(swap(bought_raw=1))
    assert not found(swap(bought_raw=0), [state()])


def test_open_while_a_later_state_may_still_speak() -> None:
    one = swap(bought_raw=10**9)
    proof_seconds = THRESHOLDS.bad_route.proof_seconds
    for as_of_s, status in ((T0, OPEN), (T0 + proof_seconds - 1, OPEN), (T0 + proof_seconds, FINAL)):
        [moment] = found(one, [state()], as_of_s=as_of_s)
        assert moment.status == status
    assert not found(one, [state()], as_of_s=T0 - 1)
