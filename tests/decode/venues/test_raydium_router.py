"""Raydium's router: recorded routes of one and two hops, and by hand the forms that are not recorded."""

import pytest
from hand_ledger import address
from ledger_calls import craft
from recorded_bodies import Recorded
from venue_facts import ReadTransaction, facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import RouterCall
from oof_pipelines.decode.venues.raydium_router import PROGRAM

PROGRAM_ID = PROGRAM.program_ids[0]

EXPECTED = {
    "2QKwmn6Bsev4Z8kDYc9XwCZLje17PmW1Ar91nBmpA5VXFC7WYMZnrCmnqvhVNV9r6xBFtzsRV6dnMwxnF3oCatfi": RouterCall(
        "1",
        PROGRAM_ID,
        "raydium_router",
        "31k2metxvXzW3rrmhe6xvrmGfY4s4fFVaaWf7qCzup15",
        "EeAmwhK2SF59egFVpukA29Aajk7nCkQdNRwdNNw8o3aQ",
        "4SxacsYhho5BbRvGZ4LJHV3uDa5YRMvbFfhxCgzuehdC",
        NATIVE_MINT,
        "XsueG8BtpquVJX9LVLLEGuViXUungE6WmK5YZ3p3bd1",
    ),
    "VYDwTuhxqaiLtsURhfjtqhuc6kBBtmH1wu6hNFhN1Fz397ReBkD9ScYN1D7vKyyQ7FrRy1NKjAaq1cpakcubyo6": RouterCall(
        "0",
        PROGRAM_ID,
        "raydium_router",
        "GxqAGVpWTqPE5X5FdkP83HHwYRUHbhnNbJcceDys7bGt",
        "2Kj2PJi71KTbtEaPfvZEhay6TAaxiBbq3TJj1YSB9LvH",
        "GEeSUybH8kkNGF69YUd8mLGrCMgauALqgddsEX8ZoTZg",
        "7tTMQNtJ8X1RFPy9CBeggVWvJk6DHk6HNvecr5Ndpump",
        "6EXCmHZeCcspoLFFpbiwXBtAiPz6rNqydMncVnDhpump",
    ),
}


@pytest.mark.parametrize("signature", EXPECTED, ids=lambda signature: signature[:8])
def test_recorded_routes_name_the_traders_accounts(signature: str, by_signature: dict[str, Recorded]) -> None:
    """The wrapping and unwrapping around them, by the same program, say nothing."""
    assert facts_of(by_signature[signature], PROGRAM.name) == [EXPECTED[signature]]


TOKENS = """
    source      coin   alice 100
    middle      usd    alice 0
    destination silver alice 0
"""
EXACT_OUT = ["token", "token22", "ata", "system", "alice"]
EXACT_OUT += ["raydium", "middle", "destination", "usd", "silver", "pool2", "vault3", "vault4"]
EXACT_OUT += ["raydium", "source", "middle", "coin", "usd", "pool1", "vault1", "vault2"]
OLD_ROUTE = ["alice", "token", "raydium", "source", "middle", "pool1", "raydium", "middle", "destination", "pool2"]
HALF = ["system", "token", "raydium", "pool1", "pool2"]


def _route(name: str, accounts: list[str], args: str) -> ReadTransaction:
    return craft(PROGRAM, name, TOKENS, "source → source 1", args=args, accounts=accounts)


def _expected(source: str, destination: str, sold: str, bought: str) -> RouterCall:
    accounts = address("alice"), address(source), address(destination)
    return RouterCall("0", PROGRAM_ID, "raydium_router", *accounts, address(sold), address(bought))


@pytest.mark.parametrize(("name", "accounts"), [("swap_base_out", EXACT_OUT), ("route", OLD_ROUTE)])
def test_a_route_of_groups_begins_and_ends_where_its_hops_do(name: str, accounts: list[str]) -> None:
    did = _route(name, accounts, "u64:5 u64:6")
    assert did.facts == [_expected("source", "destination", "coin", "silver")]


def test_the_oldest_route_comes_in_two_halves() -> None:
    first = _route("route_first_half", [*HALF, "source", "middle", "pda", "alice"], "u64:5 u64:6")
    second = _route("route_second_half", [*HALF, "middle", "destination", "pda", "alice"], "")
    assert first.facts == [_expected("source", "middle", "coin", "usd")]
    assert second.facts == [_expected("middle", "destination", "usd", "silver")]


def test_a_route_without_a_pools_program_is_unread() -> None:
    accounts = [name if name != "raydium" else "elsewhere" for name in EXACT_OUT]
    assert _route("swap_base_out", accounts, "u64:5 u64:6").reading.unread == ["0"]
