"""Our trades beside another parser's: what agrees and how, what differs, and whom a transaction's own balances bear out."""

import json
import struct

import pytest
from crafted_bodies import FEE_LAMPORTS, TOKEN, Crafted, address, lamport_transfer, token_transfer
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.commands.bench_peer_compare import (
    AGGREGATE,
    AMOUNT,
    BOTH,
    MINTS,
    ONLY_OURS,
    ONLY_PEER,
    OURS,
    PEER,
    TRADER,
    UNDECIDED,
    Comparison,
    compare,
)
from oof_pipelines.commands.bench_peer_statements import PeerAnswer, PeerFee, PeerTrade
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.facts import INSIDE, ON_TOP, FeePart, Leg
from oof_pipelines.decode.routes import Route

PAYER, TRADER_WALLET, POOL, STRANGER = (address(name) for name in ("payer", "trader", "pool", "stranger"))
VENUE, ROUTER = address("venue"), address("router")
GOLD, IRON, TIN = (address(name) for name in ("gold", "iron", "tin"))
SOLD_RAW, BOUGHT_RAW = 1_000, 400


def crafted(sold_raw: int = SOLD_RAW, bought_raw: int = BOUGHT_RAW, error: object = None) -> Crafted:
    """A trader gives gold to a pool and is given iron by it; nothing moves where it failed."""
    moved_sold, moved_bought = (0, 0) if error else (sold_raw, bought_raw)
    rich = 10**12
    tokens = {
        address("his gold"): (GOLD, TRADER_WALLET, rich, rich - moved_sold),
        address("pool gold"): (GOLD, POOL, 5, 5 + moved_sold),
        address("his iron"): (IRON, TRADER_WALLET, 0, moved_bought),
        address("pool iron"): (IRON, POOL, rich, rich - moved_bought),
    }
    instructions = [
        token_transfer(address("his gold"), address("pool gold"), TRADER_WALLET, sold_raw),
        token_transfer(address("pool iron"), address("his iron"), POOL, bought_raw),
    ]
    lamports = {PAYER: (10**9, 10**9 - FEE_LAMPORTS)}
    return Crafted("swap", lamports, tokens, instructions, error=error)


def leg(**changes: object) -> Leg:
    values: dict[str, object] = {
        "path": "0",
        "program_id": VENUE,
        "venue": "venue",
        "pool": POOL,
        "trader": TRADER_WALLET,
        "sold_mint": GOLD,
        "sold_raw": SOLD_RAW,
        "bought_mint": IRON,
        "bought_raw": BOUGHT_RAW,
    }
    return Leg(**(values | changes))  # type: ignore[arg-type]


def route(*legs: Leg, via: str = "venue", fees: tuple[FeePart, ...] = (), **changes: object) -> Route:
    """The route of legs from the first's sold side to the last's bought side; a router's where `via` says so."""
    first, last = legs[0], legs[-1]
    is_routed = via == "router"
    values: dict[str, object] = {
        "path": "0",
        "program_id": ROUTER if is_routed else first.program_id,
        "via": via,
        "trader": first.trader,
        "sold_mint": first.sold_mint,
        "sold_raw": first.sold_raw,
        "bought_mint": last.bought_mint,
        "bought_raw": last.bought_raw,
        "recipient": "",
        "legs": legs,
        "fees": (*(fee for one in legs for fee in one.fees), *fees),
        "paths": ("0",),
    }
    return Route(**(values | changes))  # type: ignore[arg-type]


def trade(**changes: object) -> PeerTrade:
    values: dict[str, object] = {
        "path": "0-0",
        "user": TRADER_WALLET,
        "program_id": VENUE,
        "amm": "Venue",
        "sold_mint": GOLD,
        "sold_raw": str(SOLD_RAW),
        "bought_mint": IRON,
        "bought_raw": str(BOUGHT_RAW),
    }
    return PeerTrade(**(values | changes))  # type: ignore[arg-type]


def compared(
    transaction: Crafted,
    routes: list[Route],
    *trades: PeerTrade,
    aggregate: PeerTrade | None = None,
    is_nested: bool = False,
) -> Comparison:
    """What is found of these trades; `is_nested`: the first instruction called all others."""
    result = json.loads(transaction.body())
    if is_nested:
        outer, *inner = result["transaction"]["message"]["instructions"]
        result["transaction"]["message"]["instructions"] = [outer]
        result["meta"]["innerInstructions"] = [{"index": 0, "instructions": inner}]
    decoded: Decoded = replace(decode_transaction(parse_transaction(json.dumps(result).encode())), routes=routes)
    return compare(decoded, PeerAnswer(trades, aggregate))


def verdicts(found: Comparison) -> list[tuple[str, str]]:
    return [(one.kind, one.verdict) for one in found.differences]


def test_the_same_swap_agrees_with_a_leg():
    found = compared(crafted(), [route(leg())], trade())
    assert (dict(found.agreed), found.differences) == ({"a leg": 1}, [])


def test_wrapped_and_native_sol_are_one_mint():
    native, wrapped = "11111111111111111111111111111111", NATIVE_MINT
    ours = leg(bought_mint=wrapped)
    assert verdicts(compared(crafted(), [route(ours)], trade(bought_mint=wrapped))) == []
    # System's own address is no mint: the peer never uses it for SOL.
    assert verdicts(compared(crafted(), [route(ours)], trade(bought_mint=native))) != []


@pytest.mark.parametrize(
    ("sold_raw", "bought_raw"), [("1003", "400"), ("1010", "400"), ("1013", "400"), ("1000", "398"), ("1013", "398")]
)
def test_amounts_with_stated_fees_agree(sold_raw, bought_raw):
    fees = (
        FeePart("protocol", GOLD, 3, ON_TOP),
        FeePart("creator", GOLD, 10, ON_TOP),
        FeePart("platform", IRON, 2, ON_TOP),
    )
    found = compared(crafted(1_013, 398), [route(leg(fees=fees))], trade(sold_raw=sold_raw, bought_raw=bought_raw))
    assert (dict(found.agreed), found.differences) == ({"a leg, with its fees": 1}, [])


def test_fees_inside_an_amount_excuse_nothing():
    ours = route(leg(fees=(FeePart("lp", GOLD, 3, INSIDE),)))
    assert verdicts(compared(crafted(), [ours], trade(sold_raw="1003"))) == [(AMOUNT, OURS)]


@pytest.mark.parametrize(
    ("balances", "verdict"),
    [((1_000, 400), OURS), ((1_000, 390), PEER), ((1_000, 395), UNDECIDED)],
)
def test_other_amounts_are_judged_by_balances(balances, verdict):
    found = compared(crafted(*balances), [route(leg())], trade(bought_raw="390"))
    assert verdicts(found) == [(AMOUNT, verdict)]
    (difference,) = found.differences
    assert (difference.net_sold_raw, difference.net_bought_raw) == (-1_000, balances[1])


def test_our_fees_count_whole_when_balances_judge():
    """Ours say which fees are on top, so an amount with some of them is not borne out; the peer's amounts may hold any."""
    fees = (FeePart("protocol", IRON, 2, ON_TOP), FeePart("creator", IRON, 5, ON_TOP))
    ours = [route(leg(fees=fees))]
    assert verdicts(compared(crafted(1_000, 393), ours, trade(bought_raw="999"))) == [(AMOUNT, OURS)]
    assert verdicts(compared(crafted(1_000, 398), ours, trade(bought_raw="999"))) == [(AMOUNT, UNDECIDED)]


def test_a_stated_fee_of_the_peer_may_be_in_its_amount():
    ours = [route(leg(bought_raw=777))]
    with_fee = trade(bought_raw="405", fees=(PeerFee(IRON, "5"),))
    assert verdicts(compared(crafted(), ours, with_fee)) == [(AMOUNT, PEER)]


def test_a_trade_in_a_failed_transaction_never_was():
    found = compared(crafted(error={"InstructionError": [0, "Custom"]}), [], trade())
    assert verdicts(found) == [(ONLY_PEER, OURS)]


def test_a_trade_that_only_the_peer_has():
    assert verdicts(compared(crafted(), [], trade())) == [(ONLY_PEER, PEER)]
    unmoved = trade(user=STRANGER, sold_mint=TIN, bought_mint=GOLD)
    assert verdicts(compared(crafted(), [], unmoved)) == [(ONLY_PEER, OURS)]


def test_a_trade_that_only_we_have():
    found = compared(crafted(), [route(leg())])
    assert verdicts(found) == [(ONLY_OURS, OURS)]
    assert found.differences[0].peer is None


def test_a_trade_of_ours_that_moved_nothing_is_wrong():
    found = compared(crafted(), [route(leg(sold_mint=TIN, bought_mint=TIN, trader=STRANGER))])
    assert verdicts(found) == [(ONLY_OURS, PEER)]


def test_other_mints_at_the_same_call():
    found = compared(crafted(), [route(leg())], trade(sold_mint=IRON, bought_mint=GOLD))
    assert verdicts(found) == [(MINTS, OURS)]
    found = compared(crafted(), [route(leg())], trade(sold_mint=TIN))
    assert verdicts(found) == [(MINTS, OURS)]


def test_a_traders_accounts_are_no_pool():
    """Seen from the other side, his accounts gave gold and took iron as a pool would."""
    transaction = crafted()
    transaction.instructions = [(VENUE, [], b""), *transaction.instructions]
    reverse = trade(user=STRANGER, sold_mint=IRON, sold_raw="400", bought_mint=GOLD, bought_raw="1000")
    found = compared(transaction, [route(leg())], reverse, is_nested=True)
    assert [(one.kind, one.verdict, one.peer_evidence) for one in found.differences] == [(MINTS, OURS, "")]


def test_whose_trade_it_was_is_seen_by_whose_accounts_moved():
    assert verdicts(compared(crafted(), [route(leg())], trade(user=STRANGER))) == [(TRADER, OURS)]
    strange = route(leg(trader=STRANGER))
    assert verdicts(compared(crafted(), [strange], trade())) == [(TRADER, PEER)]


def test_a_stranger_is_told_of_once_a_route():
    hops = (leg(path="0.1", bought_mint=TIN, bought_raw=70), leg(path="0.3", sold_mint=TIN, sold_raw=70))
    ours = route(*hops, via="router")
    first = trade(bought_mint=TIN, bought_raw="70", user=STRANGER)
    second = trade(sold_mint=TIN, sold_raw="70", user=STRANGER)
    assert verdicts(compared(crafted(), [ours], first, second)) == [(TRADER, OURS)]


def test_the_routes_trader_may_stand_for_the_hops():
    hop = leg(path="0.1", trader=POOL)
    assert verdicts(compared(crafted(), [route(hop, via="router", trader=TRADER_WALLET)], trade())) == []


def test_a_hop_that_the_peer_lacks_is_told():
    hops = (leg(path="0.1", bought_mint=TIN, bought_raw=70), leg(path="0.3", sold_mint=TIN, sold_raw=70))
    found = compared(crafted(), [route(*hops, via="router")], trade(bought_mint=TIN, bought_raw="70"))
    assert [(one.kind, one.ours.path) for one in found.differences if one.ours] == [(ONLY_OURS, "0.3")]


def test_parts_of_a_swap_agree_added_up():
    parts = [trade(sold_raw="600", bought_raw="250"), trade(path="0-3", sold_raw="400", bought_raw="150")]
    found = compared(crafted(), [route(leg())], *parts)
    assert (dict(found.agreed), found.differences) == ({"a leg": 1}, [])
    found = compared(crafted(), [route(leg())], parts[0], parts[0])
    assert {kind for kind, _ in verdicts(found)} == {AMOUNT}


def test_a_swap_agrees_with_our_parts_added_up():
    parts = (leg(path="0.1", sold_raw=600, bought_raw=250), leg(path="0.3", sold_raw=400, bought_raw=150))
    ours = route(*parts, via="router", sold_raw=1_000, bought_raw=399)
    found = compared(crafted(), [ours], trade())
    assert (dict(found.agreed), found.differences) == ({"our sum": 1}, [])


def test_a_doubled_aggregate_is_a_difference_of_its_own():
    doubled = trade(sold_raw="2000")
    found = compared(crafted(), [route(leg())], trade(), aggregate=doubled)
    assert (dict(found.agreed), verdicts(found)) == ({"a leg": 1}, [(AGGREGATE, OURS)])
    fitted = trade(sold_raw="900", fees=(PeerFee(GOLD, "100"),))
    assert verdicts(compared(crafted(), [route(leg())], trade(), aggregate=fitted)) == [(AGGREGATE, OURS)]


def test_an_amount_that_is_no_whole_number_agrees_with_nothing():
    for text in ("", "NaN", "1e3", "1000.0"):
        assert verdicts(compared(crafted(), [route(leg())], trade(sold_raw=text))) == [(AMOUNT, OURS)]


def test_the_traders_accounts_outrank_the_pools():
    """The pool gave 400, of which 10 were withheld on the way: only of a hop are both right."""
    transaction = crafted()
    transaction.tokens[address("his iron")] = (IRON, TRADER_WALLET, 0, 390)
    peer = trade(bought_raw="390")
    assert verdicts(compared(transaction, [route(leg())], peer)) == [(AMOUNT, PEER)]
    assert verdicts(compared(transaction, [route(leg(bought_raw=390))], trade())) == [(AMOUNT, OURS)]
    first = leg(program_id=ROUTER, sold_mint=TIN, sold_raw=9, bought_mint=GOLD, bought_raw=SOLD_RAW)
    hops = route(first, leg(), via="router", bought_raw=390)
    told = trade(sold_mint=TIN, sold_raw="9", bought_mint=GOLD, bought_raw=str(SOLD_RAW))
    # The pool gave 400 of which 390 arrived, in one call of the venue.
    transaction.instructions = [(VENUE, [], b""), *transaction.instructions]
    assert verdicts(compared(transaction, [hops], told, trade(bought_raw="395"), is_nested=True)) == [(AMOUNT, OURS)]
    arrived = route(first, leg(bought_raw=390), via="router")
    assert verdicts(compared(transaction, [arrived], told, trade(), is_nested=True)) == [(AMOUNT, BOTH)]


def test_a_hop_at_a_venue_we_do_not_know_leaves_the_route_right():
    other_venue = trade(program_id=address("unknown venue"), sold_mint=TIN, sold_raw="70")
    transaction = crafted()
    transaction.tokens |= {
        address("his tin"): (TIN, TRADER_WALLET, 0, 0),
        address("other pool tin"): (TIN, address("other pool"), 0, 70),
    }
    pay = token_transfer(address("his tin"), address("other pool tin"), TRADER_WALLET, 70)
    transaction.instructions = [(ROUTER, [], b""), *transaction.instructions, pay]
    ours = route(leg(bought_mint=TIN, bought_raw=70), via="router", bought_mint=IRON, bought_raw=BOUGHT_RAW)
    named = trade(bought_mint=TIN, bought_raw="70")
    assert verdicts(compared(transaction, [ours], named, other_venue, is_nested=True)) == [(ONLY_PEER, BOTH)]


def test_a_leg_told_twice_is_one_too_many():
    ours = route(leg(), leg(trader="", bought_raw=401), via="router")
    assert [(one.kind, one.verdict) for one in compared(crafted(), [ours], trade()).differences] == [
        (ONLY_OURS, UNDECIDED)
    ]


def test_a_trade_names_the_leg_of_its_own_amounts():
    near = leg(path="0.1", sold_raw=997, fees=(FeePart("protocol", GOLD, 3, ON_TOP),))
    ours = [route(near, leg(path="0.3"), via="router")]
    unnamed = [one.ours.path for one in compared(crafted(), ours, trade()).differences if one.ours]
    assert unnamed == ["0.1"]
    twice = [route(leg(path="0.1"), leg(path="0.3"), via="router", sold_raw=2_000, bought_raw=800)]
    assert compared(crafted(), twice, trade(), trade()).differences == []


def test_an_order_is_paid_from_an_escrow():
    """The maker's gold lay in an escrow of the program; he is the trader, not the keeper who signed."""
    escrow, maker = address("escrow"), address("maker")
    transaction = crafted()
    transaction.tokens[address("his gold")] = (GOLD, escrow, 5_000, 4_000)
    transaction.tokens[address("his iron")] = (IRON, maker, 0, 400)
    ours = route(leg(trader=maker))
    assert verdicts(compared(transaction, [ours], trade(user=PAYER))) == [(TRADER, OURS)]
    assert compared(transaction, [ours], trade(user=PAYER)).differences[0].ours_evidence == "escrow"


def test_a_share_of_a_pool_is_no_trade():
    """Two things given and a share minted for them."""
    share, his_share = address("share"), address("his share")
    transaction = crafted(sold_raw=1_000, bought_raw=0)
    transaction.tokens |= {
        address("his iron"): (IRON, TRADER_WALLET, 900, 500),
        address("pool iron"): (IRON, POOL, 0, 400),
        his_share: (share, TRADER_WALLET, 0, 70),
    }
    transaction.instructions = [
        (VENUE, [], b""),
        token_transfer(address("his gold"), address("pool gold"), TRADER_WALLET, 1_000),
        token_transfer(address("his iron"), address("pool iron"), TRADER_WALLET, 400),
        (TOKEN, [share, his_share, POOL], struct.pack("<BQ", 7, 70)),
    ]
    peer = trade(bought_mint=share, bought_raw="70")
    assert verdicts(compared(transaction, [], peer, is_nested=True)) == [(ONLY_PEER, OURS)]


def sol_sale(bot_lamports: int) -> Crafted:
    """The fee payer buys 400 iron of a pool for 5,000,000 lamports, and pays somebody beside it."""
    paid = 5_000_000
    lamports = {
        TRADER_WALLET: (10**9, 10**9 - FEE_LAMPORTS - paid - bot_lamports),
        POOL: (10**9, 10**9 + paid),
        STRANGER: (10**6, 10**6 + bot_lamports),
    }
    tokens = {
        address("his iron"): (IRON, TRADER_WALLET, 0, 400),
        address("pool iron"): (IRON, POOL, 1_000, 600),
    }
    instructions = [
        lamport_transfer(TRADER_WALLET, POOL, paid),
        token_transfer(address("pool iron"), address("his iron"), POOL, 400),
        lamport_transfer(TRADER_WALLET, STRANGER, bot_lamports),
    ]
    return Crafted("sale", lamports, tokens, instructions)


def test_the_network_fee_and_a_bots_fee_are_no_part_of_the_amount():
    bot = FeePart("bot", NATIVE_MINT, 50_000, ON_TOP, STRANGER)
    ours = route(leg(sold_mint=NATIVE_MINT, sold_raw=5_000_000), fees=(bot,))
    peer = trade(sold_mint=NATIVE_MINT, sold_raw="5055000")
    assert verdicts(compared(sol_sale(50_000), [ours], peer)) == [(AMOUNT, OURS)]
    assert compared(sol_sale(50_000), [ours], peer).differences[0].ours_evidence == "net"
    assert verdicts(compared(sol_sale(60_000), [ours], peer)) != [(AMOUNT, OURS)]


amounts = st.integers(1, 10**11)


@given(sold_raw=amounts, bought_raw=amounts, off=st.integers(1, 10**6), is_of_sold=st.booleans())
def test_an_echo_agrees_and_any_error_is_found_out(sold_raw, bought_raw, off, is_of_sold):
    transaction = crafted(sold_raw, bought_raw)
    ours = [route(leg(sold_raw=sold_raw, bought_raw=bought_raw))]
    echo = trade(sold_raw=str(sold_raw), bought_raw=str(bought_raw))
    assert compared(transaction, ours, echo, aggregate=echo).differences == []
    wrong = (sold_raw + off, bought_raw) if is_of_sold else (sold_raw, bought_raw + off)
    err = trade(sold_raw=str(wrong[0]), bought_raw=str(wrong[1]))
    assert verdicts(compared(transaction, ours, err)) == [(AMOUNT, OURS)]
    false = [route(leg(sold_raw=wrong[0], bought_raw=wrong[1]))]
    assert verdicts(compared(transaction, false, echo)) == [(AMOUNT, PEER)]
