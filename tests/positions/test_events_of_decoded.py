"""Events of told transactions: trades and their fees, who else was on the other side, pools, claims, costs, order."""

import pytest
from told_transactions import (
    COIN,
    OTHER,
    SOL,
    address,
    deposit,
    lines_of,
    paid_fee,
    route,
    sent,
    supplied,
    tipped,
    told,
)

from oof_pipelines.chain.moves import LAMPORTS_ASSET, TOKEN_2022_NATIVE_MINT, Move
from oof_pipelines.decode.facts import INSIDE, ON_TOP, Claim, FeePart, Liquidity
from oof_pipelines.positions.events import KINDS, SIGNS, TRADES, PositionEvent
from oof_pipelines.positions.from_decoded import position_events_of


def test_a_purchase_costs_what_was_sold_and_the_fees_on_top() -> None:
    fees = (FeePart("protocol", SOL, 3, ON_TOP), FeePart("creator", SOL, 50, INSIDE), FeePart("lp", COIN, 2, ON_TOP))
    bought = route("anna", (100, SOL), (10, COIN), fees=fees, paths=("2.1",))
    assert lines_of(told(sent("2.1", "x-pool", "anna", COIN, 8), routes=(bought,))) == [
        "anna 0@2 buy 8 Coin for 103 SOL with x-pool"
    ]


def test_a_sale_brings_what_was_bought_less_the_fees_on_top() -> None:
    fees = (FeePart("protocol", SOL, 3, ON_TOP), FeePart("bot", COIN, 1, ON_TOP))
    sold = route("anna", (10, COIN), (100, SOL), fees=fees, paths=("2.1",))
    assert lines_of(told(sent("2.1", "anna", "x-pool", COIN, 11), routes=(sold,))) == [
        "anna 0@2 sell 11 Coin for 97 SOL with x-pool"
    ]


def test_wrapped_sol_of_either_program_is_the_same_money() -> None:
    fees = (FeePart("protocol", TOKEN_2022_NATIVE_MINT, 3, ON_TOP),)
    bought = route("anna", (100, TOKEN_2022_NATIVE_MINT), (10, COIN), fees=fees, paths=("2.1",))
    moves = sent("2.0", "anna", "x-pool", TOKEN_2022_NATIVE_MINT, 100), sent("2.1", "x-pool", "anna", COIN, 10)
    assert lines_of(told(*moves, routes=(bought,))) == ["anna 0@2 buy 10 Coin for 103 SOL with x-pool"]


def test_a_token_for_a_token_is_a_sale_and_then_a_purchase_and_the_sale_bears_the_costs() -> None:
    swapped = route("anna", (10, COIN), (7, OTHER), paths=("2.0", "2.1"), pools=("x-pool", "y-pool"))
    moves = sent("2.0", "anna", "x-pool", COIN, 10), sent("2.1", "y-pool", "anna", OTHER, 7), paid_fee("anna", 5)
    assert lines_of(told(*moves, routes=(swapped,))) == [
        "anna 0@2 sell 10 Coin for 7 Other costs 5 0 0",
        "anna 1@2 buy 7 Other for 10 Coin",
    ]


@pytest.mark.parametrize(
    ("sold_raw", "bought_raw", "line"),
    [(100, 104, "buy 4 Coin for 0 Coin"), (100, 97, "sell 3 Coin for 0 Coin"), (100, 100, "")],
)
def test_a_circle_is_what_it_gained_or_lost(sold_raw: int, bought_raw: int, line: str) -> None:
    circle = route("anna", (sold_raw, COIN), (bought_raw, COIN), paths=("2.0", "2.1"))
    moves = sent("2.0", "anna", "x-pool", COIN, sold_raw), sent("2.1", "x-pool", "anna", COIN, bought_raw)
    assert lines_of(told(*moves, routes=(circle,))) == ([f"anna 0@2 {line} with x-pool"] if line else [])


def test_a_circle_of_sol_leaves_the_costs_alone() -> None:
    circle = route("anna", (100, SOL), (104, SOL))
    assert lines_of(told(paid_fee("anna", 5), routes=(circle,))) == ["anna 0@fee cost 0 SOL costs 5 0 0"]


def test_mints_that_a_route_passes_through_are_no_events_but_a_rest_is() -> None:
    traded = route("anna", (100, SOL), (10, COIN), paths=("2.0", "2.1", "2.2"), pools=("x-pool", "y-pool"))
    through = (
        sent("2.0", "x-pool", "anna", OTHER, 50),
        sent("2.1", "anna", "y-pool", OTHER, 48),
        sent("2.2", "y-pool", "anna", COIN, 10),
    )
    assert lines_of(told(*through, routes=(traded,))) == [
        "anna 0@2 buy 10 Coin for 100 SOL",
        "anna 1@2.0 receive 2 Other with x-pool",
    ]


def test_what_another_was_given_is_bought_and_sent_and_received() -> None:
    given = route("anna", (100, SOL), (10, COIN), recipient="bert", paths=("2.1",))
    assert lines_of(told(sent("2.1", "x-pool", "bert", COIN, 10), routes=(given,))) == [
        "anna 0@2 buy 10 Coin for 100 SOL with x-pool",
        "anna 1@2 send 10 Coin with bert",
        "bert 0@2 receive 10 Coin with anna",
    ]


def test_money_given_to_another_is_the_sellers_proceeds_and_no_event_of_the_other() -> None:
    given = route("anna", (10, COIN), (100, SOL), recipient="bert", paths=("2.0",))
    assert lines_of(told(sent("2.0", "anna", "x-pool", COIN, 10), routes=(given,))) == [
        "anna 0@2 sell 10 Coin for 100 SOL with x-pool"
    ]


def test_a_program_account_that_trades_has_no_events() -> None:
    traded = route("x-pool", (100, SOL), (10, COIN), recipient="bert", paths=("2.1",))
    assert lines_of(told(sent("2.1", "y-pool", "bert", COIN, 10), routes=(traded,))) == [
        "bert 0@2 receive 10 Coin with x-pool"
    ]


def test_each_of_those_who_sent_or_got_something_is_named() -> None:
    moves = (
        sent("0", "bert", "anna", COIN, 30),
        sent("1", "anna", "carl", COIN, 20),
        sent("2", "anna", "bert", COIN, 4),
    )
    assert lines_of(told(*moves)) == [
        "anna 0@0 receive 26 Coin with bert",
        "anna 1@1 send 20 Coin with carl",
        "bert 0@0 send 26 Coin with anna",
        "carl 0@1 receive 20 Coin with anna",
    ]


def test_what_came_and_went_on_is_told_although_nothing_is_left_of_it() -> None:
    assert lines_of(told(sent("0", "bert", "anna", COIN, 30), sent("1", "anna", "carl", COIN, 30))) == [
        "anna 0@0 receive 30 Coin with bert",
        "anna 1@1 send 30 Coin with carl",
        "bert 0@0 send 30 Coin with anna",
        "carl 0@1 receive 30 Coin with anna",
    ]


def test_what_is_bought_before_it_is_sent_and_sold_behind_what_came_in() -> None:
    bought = route("anna", (100, SOL), (10, COIN), paths=("2.1",))
    sold = route("anna", (12, COIN), (100, SOL), path="5", paths=("5.1",))
    moves = (
        sent("2.1", "x-pool", "anna", COIN, 10),
        sent("3", "bert", "anna", COIN, 6),
        sent("5.1", "anna", "x-pool", COIN, 12),
        sent("10", "anna", "carl", COIN, 4),
    )
    assert lines_of(told(*moves, routes=(bought, sold)))[:4] == [
        "anna 0@2 buy 10 Coin for 100 SOL with x-pool",
        "anna 1@3 receive 6 Coin with bert",
        "anna 2@5 sell 12 Coin for 100 SOL with x-pool",
        "anna 3@10 send 4 Coin with carl",
    ]


def test_what_a_bot_took_by_a_transfer_of_its_own_to_sell_it_is_sold_once() -> None:
    """The route is anna's, but its tokens left her before the route's own call."""
    sold = route("anna", (10, COIN), (100, SOL), path="3", paths=("3.1",))
    moves = sent("2", "anna", "bert", COIN, 12), sent("3.1", "bert", "x-pool", COIN, 10)
    assert lines_of(told(*moves, routes=(sold,))) == [
        "anna 0@3 sell 10 Coin for 100 SOL with x-pool",
        "anna 1@2 send 2 Coin with bert",
        "bert 0@2 receive 12 Coin with anna",
        "bert 1@3.1 send 10 Coin with x-pool",
    ]


def test_an_order_is_filled_with_what_its_maker_put_aside_and_that_came_in_first() -> None:
    filled = route("anna", (10, COIN), (7, OTHER), paths=("1", "2.0", "2.1"))
    moves = (
        sent("1", "y-pool", "bert", COIN, 10),
        sent("2.0", "bert", "x-pool", COIN, 10),
        sent("2.1", "x-pool", "anna", OTHER, 7),
    )
    assert lines_of(told(*moves, routes=(filled,)))[:3] == [
        "anna 0@2 receive 10 Coin with y-pool",
        "anna 1@2 sell 10 Coin for 7 Other with x-pool",
        "anna 2@2 buy 7 Other for 10 Coin with x-pool",
    ]


def test_minted_tokens_come_from_nobody_and_burned_ones_are_burned() -> None:
    assert lines_of(told(supplied("0", "anna", COIN, 9), supplied("1", "anna", COIN, -4))) == [
        "anna 0@0 receive 9 Coin",
        "anna 1@1 burn 4 Coin",
    ]


def liquidity(kind: str, *amounts: tuple[str, int], share_raw: int = 0) -> Liquidity:
    share = ("Share", share_raw) if share_raw else ("", 0)
    return Liquidity("4", "program", "venue", kind, address("x-pool"), address("anna"), amounts, *share)


def test_liquidity_goes_into_the_pool_and_its_own_token_comes_from_it() -> None:
    added = liquidity("liquidity_add", (SOL, 100), (COIN, 10), share_raw=5)
    moves = sent("4", "anna", "x-pool", COIN, 10), supplied("4", "anna", "Share", 5), paid_fee("anna", 5)
    assert lines_of(told(*moves, facts=(added,))) == [
        "anna 0@4 receive 5 Share with x-pool",
        "anna 1@4 lp_add 10 Coin with x-pool",
        "anna 2@fee cost 0 SOL costs 5 0 0",
    ]


def test_liquidity_comes_back_and_the_pools_own_token_is_no_burn_of_the_wallet() -> None:
    removed = liquidity("liquidity_remove", (SOL, 100), (COIN, 11), share_raw=5)
    moves = sent("4", "x-pool", "anna", COIN, 11), supplied("4", "anna", "Share", -5)
    assert lines_of(told(*moves, facts=(removed,))) == [
        "anna 0@4 lp_remove 11 Coin with x-pool",
        "anna 1@4 send 5 Share with x-pool",
    ]


def test_what_a_fact_says_otherwise_than_the_moves_ends_in_what_moved() -> None:
    """A token that withholds a part of every transfer: more was taken out of the pool than came in."""
    removed = liquidity("liquidity_remove", (COIN, 11))
    assert lines_of(told(sent("4", "x-pool", "anna", COIN, 10), facts=(removed,))) == [
        "anna 0@4 lp_remove 11 Coin with x-pool",
        "anna 1@4 send 1 Coin",
    ]


def test_a_claim_of_tokens_is_one_and_of_sol_is_money() -> None:
    claims = tuple(
        Claim("4", "program", "venue", "reward_claim", address("anna"), mint, 3, address("x-pool"))
        for mint in (COIN, SOL)
    )
    assert lines_of(told(sent("4", "x-pool", "anna", COIN, 3), facts=claims)) == ["anna 0@4 claim 3 Coin with x-pool"]


def test_costs_stand_on_the_first_trade_and_once() -> None:
    moves = (
        paid_fee("anna", 5),
        tipped("1", "anna", 7),
        sent("0", "bert", "anna", OTHER, 1),
        sent("2.1", "x-pool", "anna", COIN, 10),
        sent("3.1", "anna", "x-pool", COIN, 10),
    )
    routes = (
        route("anna", (100, SOL), (10, COIN), paths=("2.1",)),
        route("anna", (10, COIN), (99, SOL), path="3", paths=("3.1",)),
    )
    actions = deposit("1", "anna", 20), deposit("4", "anna", 8, is_back=True)
    assert lines_of(told(*moves, routes=routes, actions=actions))[:3] == [
        "anna 0@0 receive 1 Other with bert",
        "anna 1@2 buy 10 Coin for 100 SOL with x-pool costs 5 7 12",
        "anna 2@3 sell 10 Coin for 99 SOL with x-pool",
    ]


def test_who_pays_for_another_bears_the_fee_and_deposits_come_back_to_whom_they_came_back() -> None:
    bought = route("anna", (100, SOL), (10, COIN), paths=("2.1",))
    moves = paid_fee("payer", 5), sent("2.1", "x-pool", "anna", COIN, 10)
    assert lines_of(told(*moves, routes=(bought,), actions=(deposit("4", "bert", 8, is_back=True),))) == [
        "anna 0@2 buy 10 Coin for 100 SOL with x-pool",
        "bert 0@fee cost 0 SOL costs 0 0 -8",
        "payer 0@fee cost 0 SOL costs 5 0 0",
    ]


def test_a_deposit_that_came_back_in_full_costs_nothing() -> None:
    both = deposit("1", "anna", 20), deposit("4", "anna", 20, is_back=True)
    assert lines_of(told(actions=both)) == []


def test_a_failed_transaction_costs_its_fee_and_does_nothing() -> None:
    bought = route("anna", (100, SOL), (10, COIN))
    failed = told(paid_fee("payer", 5), routes=(bought,), error={"InstructionError": [0, "Custom"]})
    assert lines_of(failed) == ["payer 0@fee cost 0 SOL costs 5 0 0"]


def test_sol_sent_wrapped_or_not_is_no_event() -> None:
    plain = [
        Move("0", address(who), address(who), LAMPORTS_ASSET, raw, "transfer")
        for who, raw in (("anna", -5), ("bert", 5))
    ]
    assert lines_of(told(plain, sent("1", "anna", "bert", SOL, 9))) == []


def test_between_accounts_of_one_owner_nothing_happens() -> None:
    assert lines_of(told(sent("0", "anna", "anna", COIN, 9))) == []


def test_each_event_stands_where_its_transaction_does() -> None:
    bought = route("anna", (100, SOL), (10, COIN), paths=("2.1",))
    [event] = position_events_of(
        "signature", 7, None, 1_700_000_000, told(sent("2.1", "x-pool", "anna", COIN, 10), routes=(bought,))
    )
    assert event == PositionEvent(
        "signature",
        7,
        None,
        1_700_000_000,
        2 * 65_536,
        "2",
        0,
        address("anna"),
        "buy",
        COIN,
        6,
        10,
        SOL,
        9,
        100,
        address("x-pool"),
        "venue",
        0,
        0,
        0,
    )
    assert event.change_raw == 10


def test_decimals_that_nothing_shows_or_that_are_none_are_unknown() -> None:
    [first, _] = position_events_of("signature", 7, 3, 0, told(sent("1", "anna", "bert", "Unseen", 9)))
    assert (first.decimals, first.other_decimals, first.other_raw) == (None, None, None)
    [mangled, _] = position_events_of("signature", 7, 3, 0, told(sent("1", "anna", "bert", "Mangled", 9)))
    assert mangled.decimals is None


def test_events_are_ordered_by_the_chain_and_unknown_places_come_behind_known_ones() -> None:
    [event, _] = position_events_of("b", 7, 3, 0, told(sent("1", "anna", "bert", COIN, 9)))
    places = [(6, None, "z", 0), (7, 2, "c", 1), (7, 2, "c", 2), (7, 10, "b", 0), (7, None, "a", 0)]
    made = []
    for slot, tx_index, signature, seq in places:
        values = {name: getattr(event, name) for name in event.__struct_fields__}
        made.append(PositionEvent(**{**values, "slot": slot, "tx_index": tx_index, "signature": signature, "seq": seq}))
    shuffled = [made[at] for at in (3, 1, 4, 0, 2)]
    assert sorted(shuffled, key=lambda one: one.order_key) == made


def test_every_kind_has_a_sign_and_trades_are_kinds() -> None:
    assert set(SIGNS) == set(KINDS) > TRADES
    assert {SIGNS[kind] for kind in KINDS} == {-1, 0, 1}


def test_nothing_of_a_mint_is_no_event_of_it() -> None:
    dust = told(
        sent("2", "anna", "x-pool", COIN, 1), routes=(route("anna", (1, COIN), (0, OTHER), path="2"),), actions=()
    )
    eaten = told(
        sent("2", "x-pool", "anna", OTHER, 0),
        routes=(route("anna", (7, SOL), (0, OTHER), path="2"),),
    )

    assert lines_of(dust) == ["anna 0@2 sell 1 Coin for 0 Other with x-pool"]
    assert lines_of(eaten) == []
