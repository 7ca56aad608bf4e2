"""Routes against the balances, counted straight from a recorded body's JSON.

A trader's balances have changed by what his routes of a transaction say: tokens by −(sold + on top) and +(bought − on top),
to the unit. Of SOL everything he owns counts, his own account and his token accounts with their
rent, and what is no part of a trade is taken out: network fee, tips and rent by the kinds of the book's moves (the book
itself is held against the balances by `test_conservation.py`), and what System sent for him at top level to anybody who is
no listed bot. What a maker trades may lie in the escrow of his order, so both count as his.

What cannot be checked so stands in `BESIDE`, with the amount it is off by and the reason.
"""

import json
from collections import defaultdict
from dataclasses import dataclass

import pytest
from outer_transfers import outer_lamport_transfers
from outside_count import account_keys
from recorded_bodies import Recorded

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT
from oof_pipelines.chain.replaced import replaced as replace
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.bot_fees import BOT_FEE_WALLETS
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.facts import INSIDE, ON_TOP, OrderFill
from oof_pipelines.decode.routes import Route

NO_PART_OF_A_TRADE = ("rent", "tip", "fee_base", "fee_priority")
BESIDE: dict[tuple[str, str], tuple[int, str]] = {
    # (signature, mint), by their first letters: (what the balances have more than the route, why)
    ("36B2ToBixb", "6VxNwwn7"): (-164905867173019, "all that was bought is burned by the next instruction"),
    ("4kHFU68Wn1", "6VxNwwn7"): (-202933216267544, "all that was bought is burned by the next instruction"),
    ("2EKpsQBk8K", "LqVj9r23"): (-90498805254, "the program that had it bought takes all of it and burns it"),
    ("2EKpsQBk8K", "So111111"): (-10000000, "the program that had it bought takes as much SOL again"),
    ("4A2DYHUqkM", "So111111"): (-55932618, "all that was bought is sent on by another program"),
    ("58F9fNP78F", "EPjFWdd5"): (-34852339, "what was bought is put into another program"),
    ("5zboPBMgR2", "EPjFWdd5"): (-128590113, "what was bought is sent on by the next instruction"),
    ("z8ca7694VE", "FeMbDoX7"): (-26941299, "all that was bought is sent on by another program"),
    ("z8ca7694VE", "So111111"): (-6089028, "the rest of SOL is sent on by another program, less what it gave back"),
    ("3KueivTTEP", "So111111"): (2039280, "rent paid for a passing account comes back as part of a transfer"),
    ("5EDHe12Kqo", "So111111"): (-890880, "rent of the creator's vault is sent to it by a plain transfer"),
    ("5F3rNHPy4i", "kinXdEcp"): (-4744455002, "the recording names no owners of token accounts"),
    ("5F3rNHPy4i", "So111111"): (-2039280, "the recording names no owners of token accounts, so rent is not his"),
}


@dataclass
class Balances:
    """What a body's JSON says changed: (owner, mint) → token amount, account → lamports, owner → his token accounts."""

    tokens: dict[tuple[str, str], int]
    lamports: dict[str, int]
    accounts: dict[str, set[str]]


def balances_of(body: dict[str, object]) -> Balances:
    keys, meta = account_keys(body), body["meta"]
    assert isinstance(meta, dict)
    tokens: dict[tuple[str, str], int] = defaultdict(int)
    accounts: dict[str, set[str]] = defaultdict(set)
    for sign, side in ((-1, "preTokenBalances"), (1, "postTokenBalances")):
        for row in meta.get(side) or []:
            owner = row.get("owner", "")
            tokens[owner, row["mint"]] += sign * int(row["uiTokenAmount"]["amount"])
            accounts[owner].add(keys[row["accountIndex"]])
    changes = zip(keys, meta["preBalances"], meta["postBalances"], strict=False)
    return Balances(tokens, {key: after - before for key, before, after in changes}, accounts)


def expected_of(routes: list[Route]) -> dict[tuple[str, str], int]:
    """(wallet, mint) → change that the routes of a transaction say there was."""
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for route in routes:
        receiver = route.recipient or route.trader
        expected[route.trader, route.sold_mint] -= route.sold_raw
        expected[receiver, route.bought_mint] += route.bought_raw
        for fee in route.fees:
            if fee.side == ON_TOP:
                is_off_the_bought = fee.mint == route.bought_mint != route.sold_mint
                expected[receiver if is_off_the_bought else route.trader, fee.mint] -= fee.amount_raw
    return expected


def changed_raw(wallets: set[str], mint: str, body: dict[str, object], decoded: Decoded) -> int:
    """By how much the wallets' balances of a mint changed, without what is no part of a trade."""
    balances = balances_of(body)
    if mint != NATIVE_MINT:
        return sum(balances.tokens[wallet, mint] for wallet in wallets)
    own = wallets | {account for wallet in wallets for account in balances.accounts[wallet]}
    lamports = sum(balances.lamports.get(account, 0) for account in own)
    lamports -= sum(
        move.delta_raw
        for move in decoded.moves
        if move.asset == LAMPORTS_ASSET
        and move.owner in wallets
        and not move.is_virtual
        and move.kind in NO_PART_OF_A_TRADE
    )
    # Accounts that opened and closed meanwhile are in neither list of balances; only the book knows whose they were.
    own |= {move.account for move in decoded.moves if move.owner in wallets or move.kind in NO_PART_OF_A_TRADE}
    for source, destination, sent_lamports in outer_lamport_transfers(body):
        if source in wallets and destination not in own and destination not in BOT_FEE_WALLETS:
            lamports += sent_lamports
    return lamports


def differences(signature: str, one: Recorded) -> dict[tuple[str, str, str], int]:
    """(signature, mint, wallet), by their first letters → what the balances have more than the routes, zeros included."""
    decoded = decode_transaction(parse_transaction(one.body))
    orders = {fact.maker: fact.order for fact in decoded.facts if isinstance(fact, OrderFill) and fact.order}
    body, found = json.loads(one.body), {}
    for (wallet, mint), raw in expected_of(decoded.routes).items():
        wallets = {wallet, orders.get(wallet, wallet)}
        found[signature[:10], mint[:8], wallet[:8]] = changed_raw(wallets, mint, body, decoded) - raw
    return found


@pytest.fixture(scope="module")
def found(by_signature: dict[str, Recorded]) -> dict[tuple[str, str, str], int]:
    """What is off, zeros included, over every recorded transaction that has a route."""
    return {key: raw for signature, one in by_signature.items() for key, raw in differences(signature, one).items()}


def test_routes_are_what_the_balances_did(found: dict[tuple[str, str, str], int]) -> None:
    off = [((signature, mint), raw) for (signature, mint, _), raw in found.items() if raw]
    assert sorted(off) == sorted((key, raw) for key, (raw, _) in BESIDE.items())


def test_nearly_all_can_be_checked(found: dict[tuple[str, str, str], int]) -> None:
    assert len(found) >= 350
    assert len(BESIDE) <= len(found) // 20


def test_the_count_sees_a_route_that_is_off(by_signature: dict[str, Recorded]) -> None:
    """One unit more on either side shows, and so does a fee on the wrong side."""
    signature = next(one for one in by_signature if one.startswith("3EBWPyZHcv"))
    body = json.loads(by_signature[signature].body)
    decoded = decode_transaction(parse_transaction(by_signature[signature].body))
    (route,) = decoded.routes
    (fee,) = route.fees
    assert fee.side == ON_TOP

    def is_right(route: Route) -> bool:
        return all(
            changed_raw({wallet}, mint, body, decoded) == raw for (wallet, mint), raw in expected_of([route]).items()
        )

    assert is_right(route)
    assert not is_right(replace(route, sold_raw=route.sold_raw + 1))
    assert not is_right(replace(route, bought_raw=route.bought_raw - 1))
    assert not is_right(replace(route, fees=(replace(fee, side=INSIDE),)))
    assert not is_right(replace(route, trader=fee.recipient))
