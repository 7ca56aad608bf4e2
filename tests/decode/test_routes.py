"""Routes by hand: what PnL books of routers, of venues called directly, of orders, and of programs nobody knows."""

import pytest
from hand_ledger import Call, address, body, decode_all
from made_up_programs import (
    LEND,
    ROUTE,
    charge_data,
    fill_data,
    hop_data,
    swap_data,
    swapped_data,
)
from settling import settled
from token_calls import send

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.decode.facts import INSIDE, ON_TOP, FeePart
from oof_pipelines.decode.routes import Route

pytestmark = pytest.mark.usefixtures("made_up_programs")

PEOPLE = ["alice", "bob", "pdapool", "pdaother", "pdaorder", "pdavault"]
PROGRAM_NAMES = ["pond", "ferry", "barge", "clerk", "program"]
SHORT = {address(name): name for name in (*PEOPLE, *PROGRAM_NAMES, "usdc", "meme", "nuts")}
BEFORE = """
    alice  1000000000
    bob    1000000000
    au        2039280  usdc  1000  alice
    am        2039280  meme  100   alice
    an        2039280  nuts  0     alice
    bu        2039280  usdc  1000  bob
    bm        2039280  meme  0     bob
    bn        2039280  nuts  0     bob
    eu        2039280  usdc  1000  pdaorder
    vu        2039280  usdc  1000  pdavault
    vm        2039280  meme  0     pdavault
    pu        2039280  usdc  9000  pdapool
    pm        2039280  meme  9000  pdapool
    qm        2039280  meme  9000  pdaother
    qn        2039280  nuts  9000  pdaother
"""


def routes(*calls: Call, error: object = None) -> list[Route]:
    """The routes of a transaction of alice's; balances after are what the calls made of those before."""
    decoded = decode_all(BEFORE, list(calls), settled(BEFORE, list(calls)), error=error)
    assert not decoded.has_residual or error
    return decoded.routes


def told(*calls: Call) -> list[str]:
    """Each route as 'path via trader sold → bought', with ' for recipient' and its legs' paths."""
    lines = []
    for one in routes(*calls):
        to = f" for {SHORT[one.recipient]}" if one.recipient else ""
        sides = f"{one.sold_raw} {SHORT[one.sold_mint]} → {one.bought_raw} {SHORT[one.bought_mint]}"
        legs = " ".join(leg.path for leg in one.legs)
        lines.append(f"{one.path} {SHORT.get(one.via, one.via)} {SHORT[one.trader]}{to}: {sides} [{legs}]")
    return lines


def swap(accounts: str, in_raw: int, out_raw: int, *more: Call, data: bytes = b"") -> Call:
    """pond's swap of `source destination vault_in vault_out`."""
    source, destination, vault_in, vault_out = accounts.split()
    legs = [send(source, vault_in, in_raw), send(vault_out, destination, out_raw), *more]
    return Call("pond", f"pdapool {accounts}", data or swap_data(in_raw), calls=legs)


def route(accounts: str, *calls: Call, router: str = "ferry", data: bytes = ROUTE) -> Call:
    """A router's route between two accounts."""
    return Call(router, accounts, data, calls=list(calls))


FIRST, SECOND = swap("au am pu pm", 400, 70), swap("am an qm qn", 70, 7)


# --- venues called directly, and by programs nobody knows ---


def test_a_swap_at_a_venue_is_a_route_of_its_own() -> None:
    assert told(FIRST, SECOND) == ["0 pond alice: 400 usdc → 70 meme [0]", "1 pond alice: 70 meme → 7 nuts [1]"]
    (found, _) = routes(FIRST, SECOND)
    assert (found.venue, found.program_id, found.paths) == ("pond", address("pond"), ("0.0", "0.1"))


def test_amounts_of_a_venue_leave_out_the_fee_on_top() -> None:
    (found,) = routes(swap("au am pu pm", 404, 70, data=charge_data(4)))
    assert (found.sold_raw, found.bought_raw) == (400, 70)
    assert found.fees == (FeePart("protocol", address("usdc"), 4, ON_TOP),)


def test_an_unknown_programs_swaps_stay_apart() -> None:
    calls = Call("program", "alice", b"?", calls=[FIRST, SECOND])
    expected = ["0.0 program alice: 400 usdc → 70 meme [0.0]", "0.3 program alice: 70 meme → 7 nuts [0.3]"]
    assert told(calls) == expected
    assert [one.venue for one in routes(calls)] == ["pond", "pond"]


def test_a_swap_beside_a_route_of_one_outer_instruction_is_booked_once() -> None:
    calls = Call("program", "alice", b"?", calls=[route("au am", FIRST), SECOND])
    assert told(calls) == ["0.0 ferry alice: 400 usdc → 70 meme [0.1]", "0.4 program alice: 70 meme → 7 nuts [0.4]"]


def test_two_traders_of_one_outer_instruction_stay_apart() -> None:
    others = swap("bu bm pu pm", 300, 50)
    found = told(Call("program", "alice", b"?", calls=[FIRST, others]))
    assert found == ["0.0 program alice: 400 usdc → 70 meme [0.0]", "0.3 program bob: 300 usdc → 50 meme [0.3]"]


def test_a_hop_at_a_venue_nobody_decodes_makes_it_the_books_trade() -> None:
    """What was bought at the known venue was handed to the unknown one: alice kept none of it."""
    unknown = Call("program2", "alice", b"?", calls=[send("am", "qm", 70), send("qn", "an", 7)])
    found = told(Call("program", "alice", b"?", calls=[FIRST, unknown]))
    assert found == ["0 program alice: 400 usdc → 7 nuts [0.0]"]


def test_a_swap_of_a_programs_own_account_is_who_paid_for_it() -> None:
    """A vault swaps what alice gave it and gives her what it got."""
    vaults = [send("au", "vu", 400), swap("vu vm pu pm", 400, 70), send("vm", "am", 70)]
    assert told(Call("program", "alice", b"?", calls=vaults)) == ["0 program alice: 400 usdc → 70 meme [0.1]"]


def test_nothing_that_moved_makes_a_route_of_a_venue_without_a_layout() -> None:
    calls = [swap("au am pu pm", 400, 70, data=b"no layout")]
    decoded = decode_all(BEFORE, calls, settled(BEFORE, calls))
    assert decoded.routes == []
    assert [(one.path, one.discriminator) for one in decoded.unknown] == [("0", b"no layou".hex())]


# --- routers ---


def test_a_routers_hops_are_one_route() -> None:
    assert told(route("au an", FIRST, SECOND)) == ["0 ferry alice: 400 usdc → 7 nuts [0.0 0.3]"]
    (found,) = routes(route("au an", FIRST, SECOND))
    assert (found.venue, found.program_id) == ("ferry", address("ferry"))
    assert found.paths == ("0.1", "0.2", "0.4", "0.5")


def test_a_commission_is_part_of_what_was_sold_and_a_fee_is_off_what_was_bought() -> None:
    found = told(route("au am", send("au", "bu", 5), FIRST, send("am", "bm", 2)))
    assert found == ["0 ferry alice: 405 usdc → 68 meme [0.1]"]


def test_a_circle_is_all_that_left_and_all_that_came_back() -> None:
    back = swap("am au pm pu", 70, 410)
    assert told(route("au au", FIRST, back)) == ["0 ferry alice: 400 usdc → 410 usdc [0.0 0.3]"]


def test_a_router_that_calls_a_router_is_one_route() -> None:
    inner = route("am an", SECOND, router="barge")
    assert told(route("au an", FIRST, inner)) == ["0 ferry alice: 400 usdc → 7 nuts [0.0 0.4]"]
    assert told(route("au am", route("au am", FIRST, router="barge"))) == ["0 ferry alice: 400 usdc → 70 meme [0.1]"]


def test_two_routes_of_a_transaction_are_two() -> None:
    assert told(route("au am", FIRST), route("am an", SECOND, router="barge")) == [
        "0 ferry alice: 400 usdc → 70 meme [0.0]",
        "1 barge alice: 70 meme → 7 nuts [1.0]",
    ]


def test_what_was_bought_for_another_names_him() -> None:
    bought = swap("au bm pu pm", 400, 70)
    assert told(route("au bm", bought)) == ["0 ferry alice for bob: 400 usdc → 70 meme [0.0]"]


def test_a_fee_on_top_at_a_hop_is_inside_what_the_route_gave() -> None:
    """A route's amounts are what left and reached alice, so the fee is in them; the leg still has it beside."""
    (found,) = routes(route("au am", swap("au am pu pm", 404, 70, data=charge_data(4))))
    assert (found.sold_raw, found.legs[0].sold_raw) == (404, 400)
    assert [fee.side for fee in found.fees] == [INSIDE]
    assert [fee.side for fee in found.legs[0].fees] == [ON_TOP]


def test_a_hop_that_only_the_router_tells_of_is_a_leg_too() -> None:
    unknown = Call("program", "alice", b"?", calls=[send("am", "qm", 70), send("qn", "an", 7)])
    read, other = (("usdc", 400), ("meme", 70)), (("meme", 70), ("nuts", 7))
    hops = [
        Call(name, "alice", hop_data(*words))
        for name, words in (("ferry", ("pond", *read)), ("ferry", ("program", *other)))
    ]
    (found,) = routes(route("au an", FIRST, hops[0], unknown, hops[1]))
    assert [(leg.path, SHORT[leg.program_id], leg.sold_raw, leg.bought_raw) for leg in found.legs] == [
        ("0.0", "pond", 400, 70),
        ("0.4", "program", 70, 7),
    ]
    assert found.legs[1].venue == address("program")


def test_a_routers_call_without_a_layout_is_read_off_the_book() -> None:
    assert told(route("au an", FIRST, SECOND, data=b"no layout")) == ["0 ferry alice: 400 usdc → 7 nuts [0.0 0.3]"]


def test_a_routers_instruction_that_is_no_route_is_none() -> None:
    assert told(route("au eu", send("au", "bu", 400), data=LEND)) == []


def test_a_route_that_neither_took_nor_gave_is_none() -> None:
    assert told(route("au am", Call("program", "alice", b"?"))) == []
    assert told(route("au am", send("au", "pu", 400))) == []


# --- whose money it is ---


def test_a_keeper_who_was_handed_the_money_trades_for_its_owner() -> None:
    handed = send("bu", "au", 400)
    delivered = swap("au bm pu pm", 400, 70)
    assert told(handed, route("au bm", delivered)) == ["1 ferry bob: 400 usdc → 70 meme [1.0]"]
    (found,) = routes(handed, route("au bm", delivered))
    assert found.paths == ("0", "1.1", "1.2")


def test_who_was_paid_for_something_else_trades_for_himself() -> None:
    paid = send("bu", "au", 399)
    assert told(paid, route("au am", FIRST)) == ["1 ferry alice: 400 usdc → 70 meme [1.0]"]


# --- orders ---


LENT = Call("clerk", "pdaorder", LEND, calls=[send("eu", "au", 400)])


def fill(*calls: Call, sold_raw: int = 400, bought_raw: int = 65, fee_raw: int = 0) -> Call:
    return Call("clerk", "pdaorder bob alice eu bm", fill_data(sold_raw, bought_raw, fee_raw), calls=list(calls))


def test_an_order_that_a_route_served_is_the_makers() -> None:
    """The keeper borrows from the escrow, trades, pays the maker what he asked, and keeps the rest."""
    paid = fill(send("am", "bm", 65), fee_raw=1)
    calls = (LENT, route("au am", FIRST), paid)
    assert told(*calls) == ["1 ferry bob: 400 usdc → 65 meme [1.0]"]
    (found,) = routes(*calls)
    assert found.fees == (FeePart("platform", address("meme"), 1, INSIDE),)
    assert found.paths == ("1.1", "1.2", "2.0")


def test_an_order_filled_from_the_takers_own_is_a_route_at_the_book_of_orders() -> None:
    paid = fill(send("eu", "au", 400), send("am", "bm", 65))
    assert told(paid) == ["0 clerk bob: 400 usdc → 65 meme []"]


def test_a_route_of_another_pair_serves_no_order() -> None:
    paid = fill(send("eu", "au", 400), send("am", "bm", 65))
    found = told(route("au an", FIRST, SECOND), paid)
    assert found == ["0 ferry alice: 400 usdc → 7 nuts [0.0 0.3]", "1 clerk bob: 400 usdc → 65 meme []"]


@pytest.mark.parametrize("amounts", [(0, 65), (400, 0), (0, 0)])
def test_an_order_that_was_not_filled_is_no_route(amounts: tuple[int, int]) -> None:
    assert told(fill(sold_raw=amounts[0], bought_raw=amounts[1])) == []


# --- what makes none ---


def test_a_failed_transaction_has_no_route() -> None:
    decoded = decode_transaction(parse_transaction(body(BEFORE, [FIRST], BEFORE, error="failed")))
    assert (decoded.routes, decoded.facts) == ([], [])


def test_routes_stand_in_the_order_of_their_paths() -> None:
    found = told(FIRST, route("am an", SECOND), swap("bu bm pu pm", 300, 50))
    assert [line.split()[0] for line in found] == ["0", "1", "2"]


def test_an_events_fee_is_part_of_the_route() -> None:
    swapped = swap("au am pu pm", 400, 70, Call("pond", "pdapool", swapped_data("pdapool", 3)))
    (found,) = routes(route("au am", swapped))
    assert found.fees == (FeePart("lp", address("meme"), 3, INSIDE),)
