"""What an unknown program keeps back for itself beside the one swap it has made: a fee, or too much to be one."""

import pytest
from hand_ledger import PROGRAMS, Call, address, decode_all
from made_up_programs import ROUTE, swap_data
from settling import settled
from token_calls import send

from oof_pipelines.decode.facts import ON_TOP, FeePart

BONKBOT = "ZG98FUCjb8mJ824Gbs6RsgVmr1FhXb2oNiJHa2dwmPd"
BEFORE = """
    alice  1000000000
    au        2039280  usdc  10000  alice
    am        2039280  meme  0      alice
    an        2039280  nuts  500    alice
    tu        2039280  usdc  0      taker
    tm        2039280  meme  0      taker
    tn        2039280  nuts  0      taker
    fu        2039280  usdc  0      bonkbot
    pu        2039280  usdc  9000   pdapool
    pm        2039280  meme  9000   pdapool
"""
SWAP = Call("pond", "pdapool au am pu pm", swap_data(), calls=[send("au", "pu", 1_000), send("pm", "am", 200)])


@pytest.fixture(autouse=True)
def _named(made_up_programs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROGRAMS, "bonkbot", BONKBOT)


def platform_fees(*calls: Call, program: str = "program") -> list[list[FeePart]]:
    """Platform fees of each route of one outer call."""
    outer = [Call(program, "au am", ROUTE, calls=list(calls))]
    decoded = decode_all(BEFORE, outer, settled(BEFORE, outer))
    return [[fee for fee in route.fees if fee.kind == "platform"] for route in decoded.routes]


def kept(mint: str, amount_raw: int) -> FeePart:
    return FeePart("platform", address(mint), amount_raw, ON_TOP)


def test_what_is_kept_of_either_side_is_a_fee_on_top() -> None:
    assert platform_fees(send("au", "tu", 10), SWAP) == [[kept("usdc", 10)]]
    assert platform_fees(SWAP, send("am", "tm", 2)) == [[kept("meme", 2)]]
    assert platform_fees(send("au", "tu", 10), SWAP, send("am", "tm", 2)) == [[kept("usdc", 10), kept("meme", 2)]]


def test_a_tenth_is_a_fee_and_more_is_another_payment() -> None:
    assert platform_fees(send("au", "tu", 100), SWAP) == [[kept("usdc", 100)]]
    assert platform_fees(send("au", "tu", 101), SWAP) == [[]]


def test_what_is_kept_of_another_mint_is_none() -> None:
    assert platform_fees(SWAP, send("an", "tn", 1)) == [[]]


def test_where_two_swaps_are_made_it_cannot_be_told_whose_it_is() -> None:
    assert platform_fees(send("au", "tu", 10), SWAP, SWAP) == [[], []]


def test_a_bots_fee_is_not_told_twice() -> None:
    assert platform_fees(SWAP, send("au", "fu", 10)) == [[]]


def test_a_router_tells_of_its_fees_itself() -> None:
    assert platform_fees(send("au", "tu", 10), SWAP, program="ferry") == [[]]
