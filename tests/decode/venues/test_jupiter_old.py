"""Jupiter before v6: what is recorded of it, and its layouts' seats by calls made by hand."""

import pytest
from crafted_bodies import address
from crafted_calls import CraftedTransaction, called, pays, venue
from recorded_bodies import Recorded
from route_facts import said
from swap_of_a_route import BOUGHT, DESTINATION, POOL_OUT, SOLD, SOURCE, SWAP, SWAP_TOKENS, TRADER

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.decode.facts import RouterCall
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.decode.venues.jupiter_old import PROGRAMS

V2, V3, V4 = PROGRAMS


def test_a_recorded_swap_of_v2(by_signature: dict[str, Recorded]) -> None:
    one = by_signature["3QhMnVeS2yjqyt1LpprGnK8qTsvnXeWYuFJBEquqPc6G5EWzfCZMaH5E2swkkYuUr6Ctd7a5ggetR8c6zHX1WLep"]
    assert said(one, [V2]) == [
        RouterCall(
            "1",
            V2.program_ids[0],
            "jupiter_v2",
            "CFRdMhAUBs7NcWv2AXS4gnkAaL2AB5ntK5EBdKHJVEAW",
            "DLQ7c27vaBoS1pYjgbkA14kFPJ9NRPCzYJjrdCEPX9hs",
            "E6LwBnyj7JaTf2BjqpfVsddmRo3CqgLSmHTLAejNNzTp",
            USDT_MINT,
            USDC_MINT,
        )
    ]


def test_recorded_swaps_of_v3_hand_on_from_account_to_account(recorded: list[Recorded]) -> None:
    """What they called is not recorded, so only the seats show: out of the lent dollars, through the ledger, back."""
    found = [
        fact
        for one in recorded
        if V3.program_ids[0].encode() in one.body
        for fact in said(one, [V3])
        if isinstance(fact, RouterCall)
    ]
    assert len(found) == 2
    there, back = found
    assert (there.source_account, there.destination_account) == (back.destination_account, back.source_account)
    assert there.trader == back.trader == "JARehRjGUkkEShpjzfuV4ERJS25j8XhamL776FAktNGm"
    assert (there.sold_mint, back.bought_mint) == (USDC_MINT, USDC_MINT)


def test_every_recorded_call_is_known(recorded: list[Recorded]) -> None:
    seen = set()
    for one in recorded:
        if b"JUP" not in one.body:
            continue
        for call in parse_transaction(one.body).instructions:
            for program in PROGRAMS:
                if call.program_id in program.program_ids:
                    layout = program.layout_of(call.data, None)
                    assert layout is not None, call.data[:8].hex()
                    seen.add((program.name, layout.name))
    assert seen >= {
        ("jupiter_v2", "mercurial_exchange"),
        ("jupiter_v3", "lifinity_token_swap"),
        ("jupiter_v3", "saber_swap"),
        ("jupiter_v4", "route"),
    }


@pytest.mark.parametrize("name", [one.name for one in V2.instructions if "source" in one.seats])
def test_seats_of_one_swap(name: str) -> None:
    accounts = {"authority": TRADER, "source": SOURCE, "destination": DESTINATION}
    facts = CraftedTransaction([called(V2, name, accounts, SWAP)], SWAP_TOKENS).facts()
    assert facts == [RouterCall("0", V2.program_ids[0], "jupiter_v2", TRADER, SOURCE, DESTINATION, SOLD, BOUGHT)]


@pytest.mark.parametrize("name", [one.name for one in V2.instructions if "first_side" in one.seats])
@pytest.mark.parametrize("sides", [(SOURCE, DESTINATION), (DESTINATION, SOURCE)])
def test_of_two_sides_the_source_is_the_one_that_gave(name: str, sides: tuple[str, str]) -> None:
    accounts = {"authority": TRADER, "first_side": sides[0], "second_side": sides[1]}
    facts = CraftedTransaction([called(V2, name, accounts, SWAP)], SWAP_TOKENS).facts()
    assert facts == [RouterCall("0", V2.program_ids[0], "jupiter_v2", TRADER, SOURCE, DESTINATION, SOLD, BOUGHT)]
    assert CraftedTransaction([called(V2, name, accounts)], SWAP_TOKENS).facts() == []


def test_a_route_of_v4_sells_what_the_one_other_account_gave() -> None:
    accounts = {"authority": TRADER, "destination": DESTINATION}
    facts = CraftedTransaction([called(V4, "route", accounts, SWAP)], SWAP_TOKENS).facts()
    assert facts == [RouterCall("0", V4.program_ids[0], "jupiter_v4", TRADER, SOURCE, DESTINATION, SOLD, BOUGHT)]


def test_a_route_of_v4_has_no_source_where_two_accounts_gave() -> None:
    other, pool = address("another source"), address("another pool")
    mint = address("another mint")
    tokens = {**SWAP_TOKENS, other: (mint, TRADER, 10), pool: (mint, address("pool"), 0)}
    accounts = {"authority": TRADER, "destination": DESTINATION}
    [fact] = CraftedTransaction([called(V4, "route", accounts, SWAP, pays(other, pool, 5))], tokens).facts()
    assert isinstance(fact, RouterCall)
    assert (fact.trader, fact.source_account, fact.sold_mint) == (TRADER, "", "")


def test_a_circle_of_v4_begins_where_it_ends() -> None:
    """What was given for the first hop comes back by the last one; the account in between ends as it began."""
    pool, between = address("pool"), address("between")
    tokens = {
        DESTINATION: (BOUGHT, TRADER, 500),
        between: (SOLD, TRADER, 0),
        **{address(f"pool {number}"): (BOUGHT, pool, 900) for number in (1, 4)},
        **{address(f"pool {number}"): (SOLD, pool, 900) for number in (2, 3)},
    }
    there = venue("a", pays(DESTINATION, address("pool 1"), 100), pays(address("pool 2"), between, 90))
    and_back = venue("b", pays(between, address("pool 3"), 90), pays(address("pool 4"), DESTINATION, 103))
    accounts = {"authority": TRADER, "destination": DESTINATION}
    made = CraftedTransaction([called(V4, "route", accounts, there, and_back)], tokens)
    assert made.facts() == [
        RouterCall("0", V4.program_ids[0], "jupiter_v4", TRADER, DESTINATION, DESTINATION, BOUGHT, BOUGHT)
    ]
    [route] = decode_transaction(made.parsed()).routes
    assert (route.trader, route.sold_mint, route.bought_mint) == (TRADER, BOUGHT, BOUGHT)
    assert (route.sold_raw, route.bought_raw) == (100, 103)


def test_a_route_of_v4_that_gave_nothing_has_no_source() -> None:
    accounts = {"authority": TRADER, "destination": DESTINATION}
    [fact] = CraftedTransaction([called(V4, "route", accounts, pays(POOL_OUT, DESTINATION, 5))], SWAP_TOKENS).facts()
    assert isinstance(fact, RouterCall)
    assert (fact.source_account, fact.sold_mint) == ("", "")
