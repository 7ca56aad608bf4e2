"""Fees of trading bots: which payments count, for which route, and what is none."""

import pytest
from hand_ledger import PROGRAMS, Call, address, decode_all
from made_up_programs import ROUTE, swap_data
from settling import settled
from solders.pubkey import Pubkey
from test_system_ledger import transfer
from token_calls import send, sync

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.bot_fees import BOT_FEE_WALLETS
from oof_pipelines.decode.facts import ON_TOP, FeePart
from oof_pipelines.decode.fees import TIP_ACCOUNTS

BONKBOT = "ZG98FUCjb8mJ824Gbs6RsgVmr1FhXb2oNiJHa2dwmPd"
BEFORE = """
    alice    1000000000
    bob      1000000000
    bonkbot  1000000000
    au          2039280  usdc  1000  alice
    am          2039280  meme  0     alice
    bu          2039280  usdc  1000  bob
    bm          2039280  meme  0     bob
    fu          2039280  usdc  0     bonkbot
    fm          2039280  meme  0     bonkbot
    fw          2039280  wsol  0     bonkbot
    pu          2039280  usdc  9000  pdapool
    pm          2039280  meme  9000  pdapool
"""


@pytest.fixture(autouse=True)
def _named(made_up_programs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROGRAMS, "bonkbot", BONKBOT)


def swap(trader: str, in_raw: int = 100) -> Call:
    """pond's swap by the wallet whose accounts begin with a letter."""
    legs = [send(f"{trader}u", "pu", in_raw), send("pm", f"{trader}m", 7)]
    return Call("pond", f"pdapool {trader}u {trader}m pu pm", swap_data(), calls=legs)


def bot_fees(*calls: Call, before: str = BEFORE) -> dict[str, list[tuple[str, int]]]:
    """Path of a route → (mint, base units) of its bot fees; each is on top, to the wallet."""
    decoded = decode_all(before, list(calls), settled(before, list(calls)))
    assert not decoded.has_residual
    found: dict[str, list[tuple[str, int]]] = {}
    for route in decoded.routes:
        parts = [fee for fee in route.fees if fee.kind == "bot"]
        assert all(fee == FeePart("bot", fee.mint, fee.amount_raw, ON_TOP, BONKBOT) for fee in parts)
        found[route.path] = [(fee.mint, fee.amount_raw) for fee in parts]
    return found


def test_a_payment_to_a_bots_wallet_is_a_fee_of_the_trade() -> None:
    sol, usdc = (NATIVE_MINT, 5), (address("usdc"), 6)
    assert bot_fees(swap("a"), transfer("alice", "bonkbot", 5)) == {"0": [sol]}
    assert bot_fees(transfer("alice", "bonkbot", 5), swap("a")) == {"1": [sol]}, "before the trade too"
    assert bot_fees(swap("a"), send("au", "fu", 6), transfer("alice", "bonkbot", 5)) == {"0": [usdc, sol]}


def test_wrapped_sol_is_paid_once() -> None:
    before = BEFORE + "    aw 2039289 wsol 9 alice\n"
    assert bot_fees(swap("a"), send("aw", "fw", 9), before=before) == {"0": [(NATIVE_MINT, 9)]}


def test_a_payment_belongs_to_the_last_trade_of_its_payer_before_it() -> None:
    found = bot_fees(
        transfer("alice", "bonkbot", 1),
        swap("a"),
        transfer("alice", "bonkbot", 2),
        swap("b"),
        transfer("alice", "bonkbot", 3),
        swap("a"),
        transfer("alice", "bonkbot", 4),
        transfer("bob", "bonkbot", 5),
    )
    assert found == {
        "1": [(NATIVE_MINT, 1), (NATIVE_MINT, 2), (NATIVE_MINT, 3)],
        "3": [(NATIVE_MINT, 5)],
        "5": [(NATIVE_MINT, 4)],
    }


def test_who_did_not_trade_paid_for_no_trade() -> None:
    assert bot_fees(swap("a"), transfer("bob", "bonkbot", 5)) == {"0": []}
    assert bot_fees(transfer("alice", "bonkbot", 5)) == {}


def test_what_anybody_else_is_paid_is_no_bot_fee() -> None:
    assert bot_fees(swap("a"), transfer("alice", "bob", 5)) == {"0": []}


def test_what_a_router_paid_within_its_route_is_in_its_amounts() -> None:
    route = Call("ferry", "au am", ROUTE, calls=[send("au", "fu", 6), swap("a")])
    assert bot_fees(route) == {"0": []}


def test_a_bot_that_trades_pays_itself_nothing() -> None:
    """It wraps SOL of its own before its trade."""
    wraps = (transfer("bonkbot", "fw", 5), sync("fw"))
    before = BEFORE.replace("fu          2039280  usdc  0 ", "fu          2039280  usdc  500 ")
    after = settled(before, [*wraps, swap("f")]).replace("wsol 0", "wsol 5")
    decoded = decode_all(before, [*wraps, swap("f")], after)
    (route,) = decoded.routes
    assert route.trader == BONKBOT
    assert route.fees == ()


def test_wallets_are_addresses_of_bots_by_name_and_no_tip_accounts() -> None:
    for wallet, bot in BOT_FEE_WALLETS.items():
        assert str(Pubkey.from_string(wallet)) == wallet
        assert bot == bot.lower()
        assert wallet not in TIP_ACCOUNTS
    assert len(BOT_FEE_WALLETS) > 80
    assert BOT_FEE_WALLETS[BONKBOT] == "bonkbot"
