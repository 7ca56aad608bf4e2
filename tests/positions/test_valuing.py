"""What an event was worth: par, SOL, candles; rounded once; never guessed."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from position_world import COIN, OTHER_COIN, START, event

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.positions.valuing import UnitPrice, needs_candle, value_event

E18 = 10**18
SOL_PRICE = UnitPrice(150 * E18, "klines", E18 * 9 // 10)
COIN_PRICE = UnitPrice(E18 // 4, "candle", E18 // 2)
T = int(START.timestamp())


class Sol:
    """A SOL price up to a second."""

    def __init__(self, price: UnitPrice | None = SOL_PRICE) -> None:
        self.price = price
        self.asked: list[int] = []

    def at(self, at_s: int) -> UnitPrice | None:
        self.asked.append(at_s)
        return self.price


class Coins:
    """One coin's price."""

    def __init__(self, price: UnitPrice | None = COIN_PRICE) -> None:
        self.price = price

    def at(self, mint: str, at_s: int) -> UnitPrice | None:
        return self.price if (mint, at_s) == (COIN, T) else None


def value(one: Any, sol: UnitPrice | None = SOL_PRICE, coin: UnitPrice | None = COIN_PRICE) -> tuple[Any, ...]:
    valued = value_event(one, Sol(sol), Coins(coin))
    return valued.value_usd_e18, valued.value_source, valued.value_confidence_e18


@pytest.mark.parametrize("mint", [USDC_MINT, USDT_MINT])
def test_stable_coins_are_at_par(mint: str) -> None:
    assert value(event("buy", 0, qty=7, usdc=2_500_000, other_mint=mint)) == (E18 * 5 // 2, "par", E18)
    assert value(event("sell", 0, qty=7, usdc=2_500_000, other_mint=mint), None, None) == (E18 * 5 // 2, "par", E18)


def test_sol_is_at_its_reference_price() -> None:
    assert value(event("buy", 0, qty=7, sol=2 * 10**9)) == (300 * E18, "klines", E18 * 9 // 10)
    assert value(event("sell", 0, qty=7, sol=2 * 10**9), None) == (None, "", None)


def test_another_token_is_at_its_candle() -> None:
    swap = event("buy", 0, mint=OTHER_COIN, qty=1, usdc=4_000_000, other_mint=COIN)
    assert value(swap) == (E18, "candle", E18 // 2)
    assert value(swap, SOL_PRICE, None) == (None, "", None)
    assert needs_candle(swap) == COIN


def test_a_dollar_sold_for_a_coin_is_a_dollar() -> None:
    swap = event("sell", 0, mint=USDT_MINT, qty=1_000_000, usdc=3_900_000, other_mint=COIN)
    assert value(swap) == value(swap, None, None) == (E18, "par", E18)
    assert needs_candle(swap) == ""


@pytest.mark.parametrize("kind", ["receive", "send", "claim", "burn", "lp_add", "lp_remove"])
def test_where_nothing_was_paid_the_units_tell(kind: str) -> None:
    one = event(kind, 0, qty=8_000_000)
    assert value(one) == (2 * E18, "candle", E18 // 2)
    assert value(one, SOL_PRICE, None) == (None, "", None)
    assert needs_candle(one) == COIN
    assert value(event(kind, 0, mint=USDC_MINT, qty=8_000_000), None, None) == (8 * E18, "par", E18)


def test_money_needs_no_candle() -> None:
    assert needs_candle(event("buy", 0, qty=1, usdc=1)) == needs_candle(event("sell", 0, qty=1, sol=1)) == ""
    assert needs_candle(event("cost", 0)) == ""


def test_nothing_of_a_coin_is_worth_nothing_even_without_a_price() -> None:
    circle = event("buy", 0, qty=5, usdc=0, other_mint=COIN)
    assert value(circle, None, None)[0] == 0
    assert value(circle)[0] == 0


def test_unknown_decimals_are_no_price() -> None:
    assert value(event("receive", 0, qty=5, decimals=None)) == (None, "", None)


def test_what_is_beyond_belief_is_no_value() -> None:
    absurd = UnitPrice(10**30, "candle", E18)
    assert value(event("receive", 0, qty=2**64 - 1), SOL_PRICE, absurd) == (None, "", None)


def test_fees_are_in_sol_and_rent_is_none() -> None:
    one = event("buy", 0, qty=1, usdc=1, network_fee_lamports=5_000, tip_lamports=995_000, rent_lamports=2_000_000)
    assert value_event(one, Sol(), Coins()).fees_usd_e18 == 150 * 10**15
    assert value_event(one, Sol(None), Coins()).fees_usd_e18 is None
    sol = Sol()
    cost = event("cost", 3, network_fee_lamports=10**9)
    valued = value_event(cost, sol, Coins())
    assert (valued.value_usd_e18, valued.fees_usd_e18, sol.asked) == (None, 150 * E18, [T + 180])
    untouched = Sol()
    assert value_event(event("buy", 0, qty=1, usdc=1), untouched, Coins()).fees_usd_e18 == 0
    assert untouched.asked == []


@given(st.integers(0, 2**64 - 1), st.integers(0, 12), st.integers(1, 10**24))
def test_rounding_is_half_even_at_18_places(units_raw: int, decimals: int, price_e18: int) -> None:
    price = UnitPrice(price_e18, "candle", E18)
    found = value_event(event("receive", 0, qty=units_raw, decimals=decimals), Sol(), Coins(price)).value_usd_e18
    with localcontext() as context:
        context.prec = 100
        exact = (Decimal(units_raw) * Decimal(price_e18)).scaleb(-decimals)
        wanted = int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))
    assert found == (wanted if wanted < 10**30 else None)


def test_sol_itself_is_never_valued_by_a_candle() -> None:
    assert value(event("claim", 0, mint=NATIVE_MINT, qty=10**9, decimals=9))[1] == "klines"
