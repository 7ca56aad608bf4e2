"""What a decoded transaction says beside its moves: who took part, who traded, what decimals a mint has."""

import pytest
from hand_ledger import Call, address, check, decode_all
from made_up_programs import swap_data
from token_calls import send

pytestmark = pytest.mark.usefixtures("made_up_programs")

BEFORE = """
    alice    10000
    boxa   2039280  usdc  100  alice
    boxm   2039280  meme  0    alice
    poolu  2039280  usdc  900  pdapool
    poolm  2039280  meme  900  pdapool
"""


def swap(*legs: Call) -> Call:
    """A swap at a venue, whose legs are what it had the token program do."""
    return Call("pond", "pdapool boxa boxm poolu poolm", swap_data(), calls=list(legs))


def test_a_swap_is_of_the_signer_whose_accounts_changed() -> None:
    decoded = check(
        before=BEFORE,
        apply=[swap(send("boxa", "poolu", 40), send("poolm", "boxm", 7))],
        booked="""
            0.0  boxa   usdc  -40  transfer of alice
            0.0  poolu  usdc  +40  transfer of pdapool
            0.1  poolm  meme   -7  transfer of pdapool
            0.1  boxm   meme   +7  transfer of alice
        """,
        after="""
            alice     5000
            boxa   2039280  usdc  60   alice
            boxm   2039280  meme  7    alice
            poolu  2039280  usdc  940  pdapool
            poolm  2039280  meme  893  pdapool
        """,
        did="""
            0.0  transfer  alice → pdapool  usdc  40
            0.1  transfer  pdapool → alice  meme  7
            0    swap      alice            usdc  40 for meme 7
        """,
    )
    roles = [(one.wallet, one.role) for one in decoded.participants]
    assert roles == [
        (address("alice"), "fee_payer"),
        (address("alice"), "signer"),
        (address("alice"), "owner"),
        (address("pdapool"), "owner"),
        (address("alice"), "trader"),
        (address("pdapool"), "program_account"),
    ]
    (trade,) = [action for action in decoded.actions if action.kind == "swap"]
    assert trade.venue == "pond"
    assert trade.paths == ("0.0", "0.1")


def test_a_pool_is_no_trader_where_the_signer_only_gave() -> None:
    """Liquidity added: two assets go in and none comes out, so nobody swapped."""
    after = """
        alice     5000
        boxa   2039280  usdc  60   alice
        boxm   2039280  meme  0    alice
        poolu  2039280  usdc  940  pdapool
        poolm  2039280  meme  900  pdapool
    """
    decoded = decode_all(BEFORE, [swap(send("boxa", "poolu", 40))], after)
    assert [action.kind for action in decoded.actions] == ["fee", "transfer"]


def test_whoever_a_keeper_acts_for_is_the_trader() -> None:
    before = "keeper 10000\n" + BEFORE.strip()
    after = """
        keeper    5000
        alice    10000
        boxa   2039280  usdc  60   alice
        boxm   2039280  meme  7    alice
        poolu  2039280  usdc  940  pdapool
        poolm  2039280  meme  893  pdapool
    """
    decoded = decode_all(before, [swap(send("poolm", "boxm", 7), send("boxa", "poolu", 40))], after)
    (trade,) = [action for action in decoded.actions if action.kind == "swap"]
    assert trade.wallet == address("alice")
    assert (trade.asset, trade.amount_raw) == (address("usdc"), 40)


def test_decimals_are_those_of_the_balances() -> None:
    decoded = decode_all(BEFORE, [], BEFORE.replace("alice    10000", "alice 5000"))
    assert decoded.decimals == {address("usdc"): 0, address("meme"): 1}
