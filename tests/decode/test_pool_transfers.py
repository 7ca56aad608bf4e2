"""Transfers told apart by the pair of accounts: what an account's sum within a call does not show."""

from hand_ledger import Call as HandCall
from hand_ledger import address, body
from hypothesis import given
from hypothesis import strategies as st
from token_calls import send

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.book import book_transaction
from oof_pipelines.decode.call import Call, Scene
from oof_pipelines.decode.facts import INSIDE, FeePart
from oof_pipelines.decode.pool_transfers import Transfer, transferred
from oof_pipelines.decode.venues.raydium_clmm import PROGRAM

NAMES = ("alice1", "alice2", "vault1", "vault2")
LARGE = 10**12


def call_with(transfers: list[tuple[str, str, int]]) -> Call:
    """A call of some program that made these transfers of one mint."""
    held = dict.fromkeys(NAMES, LARGE)
    for source, destination, amount_raw in transfers:
        held[source] -= amount_raw
        held[destination] += amount_raw
    before = "\n".join(f"{name} 1 coin {LARGE} owner{name}" for name in NAMES)
    after = "\n".join(f"{name} 1 coin {raw} owner{name}" for name, raw in held.items())
    outer = HandCall("program", "alice1", b"\1", calls=[send(*one) for one in transfers])
    transaction = parse_transaction(body(f"payer 9000\n{before}", [outer], f"payer 4000\n{after}"))
    scene = Scene(transaction, book_transaction(transaction).moves)
    return Call(scene, 0, PROGRAM, PROGRAM.instructions[0].take([], b""))


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(1, 1000)).filter(
            lambda one: one[0] != one[1]
        ),
        min_size=1,
        max_size=8,
    )
)
def test_transfers_of_all_pairs_add_up_to_what_moved(transfers: list[tuple[str, str, int]]) -> None:
    call = call_with(transfers)
    for name in NAMES:
        others = [other for other in NAMES if other != name]
        got = [transferred(call, address(other), address(name)) for other in others]
        gave = [transferred(call, address(name), address(other)) for other in others]
        net_raw = sum(one.arrived_raw for one in got if one) - sum(one.left_raw for one in gave if one)
        assert net_raw == call.moved(address(name))


def test_what_passes_through_stays_visible_and_keeps_its_first_path() -> None:
    call = call_with([("vault1", "alice1", 7), ("alice1", "vault2", 7), ("vault1", "alice1", 5)])
    assert transferred(call, address("vault1"), address("alice1")) == Transfer("0.0", address("coin"), 12, 12)
    assert transferred(call, address("alice1"), address("vault2")) == Transfer("0.1", address("coin"), 7, 7)
    assert transferred(call, address("alice1"), address("alice2")) is None


def test_what_the_token_withholds_is_told_once() -> None:
    passed = Transfer("0", "coin", 100, 98)
    assert passed.withheld == (FeePart("transfer", "coin", 2, INSIDE),)
    assert passed.handed_on() == Transfer("0", "coin", 98, 98)
    assert passed.handed_on().withheld == ()
