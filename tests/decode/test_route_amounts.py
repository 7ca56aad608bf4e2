"""Circles that their callers name otherwise, and whom a swap at a venue paid, by hand."""

import pytest
from hand_ledger import Call, address
from msgspec.structs import replace
from scenes import Stage, moved
from test_routes import FIRST, route, routes, swap, told
from token_calls import RENT, send

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT
from oof_pipelines.decode.facts import Leg, RouterCall
from oof_pipelines.decode.route_amounts import RouteAmounts, circle_within, recipient_of

pytestmark = pytest.mark.usefixtures("made_up_programs")

BACK = swap("am au pm pu", 70, 410)


# --- circles ---


@pytest.mark.parametrize("end", ["am", "alice", "an"])
def test_a_circle_whose_caller_names_another_end_is_a_circle(end: str) -> None:
    """Nothing checks the end: callers name an account of the middle token, the wallet itself, or what else they have."""
    assert told(route(f"au {end}", FIRST, BACK)) == ["0 ferry alice: 400 usdc → 410 usdc [0.0 0.3]"]
    (found,) = routes(route(f"au {end}", FIRST, BACK))
    assert found.paths == ("0.1", "0.2", "0.4", "0.5")


@pytest.mark.parametrize("back_raw", [390, 400])
def test_a_circle_that_lost_or_left_even_is_no_trade_for_the_dust_of_its_middle(back_raw: int) -> None:
    """One unit of 700 stays behind; the loss was not paid for it."""
    out, back = swap("au am pu pm", 400, 700), swap("am au pm pu", 699, back_raw)
    assert told(route("au am", out, back)) == [f"0 ferry alice: 400 usdc → {back_raw} usdc [0.0 0.3]"]


def test_more_than_dust_in_the_middle_was_bought() -> None:
    out, back = swap("au am pu pm", 400, 700), swap("am au pm pu", 350, 190)
    assert told(route("au am", out, back)) == ["0 ferry alice: 210 usdc → 350 meme [0.0 0.3]"]


def test_what_a_route_gave_back_in_part_is_off_what_was_sold() -> None:
    """Half of it came back, but nothing that was bought went on: the end is as it was named."""
    assert told(route("au am", FIRST, send("pu", "au", 200))) == ["0 ferry alice: 200 usdc → 70 meme [0.0]"]


def test_a_circle_is_counted_within_its_call_alone() -> None:
    """What the program around it moves of the same token is no part of it."""
    lent, repaid = send("bu", "au", 300), send("au", "bu", 301)
    found = told(Call("program", "alice", b"?", calls=[lent, route("au am", FIRST, BACK), repaid]))
    assert found == ["0.1 ferry alice: 400 usdc → 410 usdc [0.2 0.5]"]


def test_a_call_that_handed_back_without_a_swap_is_none() -> None:
    assert told(route("au am", send("au", "pu", 400), send("pu", "au", 410))) == []


def test_a_call_that_left_something_else_is_no_circle() -> None:
    on = swap("am an qm qn", 35, 3)
    assert told(route("au am", FIRST, swap("am au pm pu", 35, 405), on)) == []


def test_what_came_back_to_less_than_half_is_no_circle() -> None:
    assert told(route("au alice", FIRST, swap("am au pm pu", 70, 199))) == []
    assert told(route("au alice", FIRST, swap("am au pm pu", 70, 200))) == [
        "0 ferry alice: 400 usdc → 200 usdc [0.0 0.3]"
    ]


@pytest.mark.parametrize("back_lamports", [900, 1_100])
def test_rent_that_comes_back_with_a_circle_of_sol_is_no_gain(back_lamports: int) -> None:
    """The router closed the trader's account for wrapped SOL to itself and pays all of it out."""
    rent = [
        replace(one, kind="rent") for one in (moved("0.1", "aw", -RENT, owner="alice"), moved("0.1", "ferry", RENT))
    ]
    paid = [
        moved("0.0", "alice", -1_000),
        moved("0.0", "pool", 1_000),
        *rent,
        moved("0.2", "ferry", -RENT - back_lamports),
        moved("0.2", "alice", RENT + back_lamports),
    ]
    calls = [("0", 1, "ferry", "alice am", b""), *((f"0.{number}", 2, "system", "", b"") for number in range(3))]
    call = RouterCall("0", address("ferry"), "ferry", address("alice"), "", address("am"), NATIVE_MINT, address("meme"))
    found = circle_within(Stage(calls, paid).scene(), call)
    assert found == RouteAmounts(address("alice"), NATIVE_MINT, 1_000, NATIVE_MINT, back_lamports, "")


# --- who was paid ---


def test_a_swap_at_a_venue_for_another_names_him() -> None:
    assert told(swap("au bm pu pm", 400, 70)) == ["0 pond alice for bob: 400 usdc → 70 meme [0]"]


def test_a_swap_kept_names_nobody() -> None:
    assert told(FIRST) == ["0 pond alice: 400 usdc → 70 meme [0]"]


def test_a_smaller_share_beside_it_is_a_fees() -> None:
    shared = swap("au bm pu pm", 400, 70, send("pm", "vm", 3))
    assert told(shared) == ["0 pond alice for bob: 400 usdc → 70 meme [0]"]


def test_who_only_handed_it_on_is_not_the_recipient() -> None:
    through = swap("au vm pu pm", 400, 70, send("vm", "bm", 70))
    found = told(Call("pond", "pdapool au bm pu pm", through.data, calls=through.calls))
    assert found == ["0 pond alice for bob: 400 usdc → 70 meme [0]"]


def test_two_that_got_as_much_leave_a_doubt() -> None:
    assert told(swap("au bm pu pm", 400, 70, send("pm", "vm", 70))) == ["0 pond alice: 400 usdc → 70 meme [0]"]


def test_what_came_to_the_trader_in_part_was_bought_for_him() -> None:
    assert told(swap("au bm pu pm", 400, 70, send("pm", "am", 1))) == ["0 pond alice: 400 usdc → 70 meme [0]"]


@pytest.mark.parametrize(("owner", "recipient"), [("bob", "bob"), ("", "")])
def test_an_account_without_a_recorded_owner_is_nobody(owner: str, recipient: str) -> None:
    moves = [moved("0.0", "pm", -70, "meme", "pdapool"), moved("0.0", "bm", 70, "meme", owner)]
    scene = Stage([("0", 1, "pond", "", b""), ("0.0", 2, "token", "pm bm", b"")], moves).scene()
    sides = (address("usdc"), 400, address("meme"), 70)
    leg = Leg("0", address("pond"), "pond", address("pdapool"), address("alice"), *sides)
    assert recipient_of(scene, leg) == (address(recipient) if recipient else "")
    assert recipient_of(scene, replace(leg, trader="")) == ""


def test_sol_paid_to_a_wallet_itself_is_given_to_it() -> None:
    moves = [moved("0", "pdapool", -70), moved("0", "bob", 70)]
    scene = Stage([("0", 1, "pond", "pdapool bob", b"")], moves).scene()
    leg = Leg("0", address("pond"), "pond", address("pdapool"), address("alice"), address("meme"), 4, NATIVE_MINT, 70)
    assert {move.asset for move in moves} == {LAMPORTS_ASSET}
    assert recipient_of(scene, leg) == address("bob")
