"""Sums by owner: over all accounts an owner owns they are what the chain's balances say, rent and wrapping included."""

import json
from collections import defaultdict
from typing import Any

from hand_ledger import Call, address, check, decode_all
from outside_count import account_keys
from recorded_bodies import Recorded
from test_system_ledger import create, transfer
from token_calls import RENT, close, open_account, send, sync

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT, NATIVE_MINTS, RESIDUAL_PATH
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.nets import net_by_owner

Nets = dict[str, dict[str, int]]


def reported_nets(body: dict[str, Any]) -> Nets | None:
    """Owner → asset → post − pre from the balance lists alone; None where they leave owners or accounts out."""
    keys, meta = account_keys(body), body["meta"]
    nets: Nets = defaultdict(lambda: defaultdict(int))
    for sign, lamports, tokens in (
        (-1, "preBalances", "preTokenBalances"),
        (1, "postBalances", "postTokenBalances"),
    ):
        rows = meta.get(tokens) or []
        if any(row["accountIndex"] >= len(keys) or not row.get("owner") for row in rows):
            return None
        owners = {keys[row["accountIndex"]]: row["owner"] for row in rows}
        for account, amount in zip(keys, meta.get(lamports, []), strict=False):
            nets[owners.get(account, account)][NATIVE_MINT] += sign * amount
        for row in rows:
            if row["mint"] not in NATIVE_MINTS:
                nets[row["owner"]][row["mint"]] += sign * int(row["uiTokenAmount"]["amount"])
    return without_zeros(nets)


def without_zeros(nets: Nets) -> Nets:
    left = {owner: {asset: raw for asset, raw in assets.items() if raw} for owner, assets in nets.items()}
    return {owner: assets for owner, assets in left.items() if assets}


def test_nets_by_owner_are_what_the_balances_did(recorded: list[Recorded]) -> None:
    wrong, compared = {}, 0
    for one in recorded:
        decoded = decode_transaction(parse_transaction(one.body))
        named = {move.account for move in decoded.moves if not move.is_virtual}
        reported = reported_nets(json.loads(one.body))
        is_told = decoded.transaction.pre_tokens or all(move.asset == LAMPORTS_ASSET for move in decoded.moves)
        if reported is None or not is_told or not named <= set(decoded.transaction.keys):
            continue
        compared += 1
        if without_zeros(net_by_owner(decoded.moves)) != reported:
            wrong[one.file] = decoded.transaction.signature
    assert wrong == {}
    assert compared >= 940


def test_wrapping_is_counted_once_wherever_it_happens(by_signature: dict[str, Recorded]) -> None:
    expected = {
        "2VvCxb438uarJi9duWbCKegGNEzg2exiciNezWFD56KVNvDWxe16tmoBZsqX5nKFhcAsgFuBQUaEQGJvWjTfEJJd": -42_002,
        "gauADRJViXKL8S5gazpDGQsLTTd5xNeqXfnfG89h5uAQBSsZkMvumxkQhGUKJHC4YA91XmcqRMrAZjzwri9hWng": -14_94,
        "2ffHb9AXeKNVs3KSusTHTY3GTPnUJ2WLr48pjHDZjhMYfLC9P6XWXMuDkev13X49qLp6A5CkDmAJciJgieQUFidV": -30_01,
    }
    scales = dict(zip(expected, (10**6, 10**7, 10**7), strict=True))
    for signature, parts in expected.items():
        decoded = decode_transaction(parse_transaction(by_signature[signature].body))
        net_lamports = net_by_owner(decoded.moves)[decoded.transaction.fee_payer][NATIVE_MINT]
        assert abs(net_lamports - parts * scales[signature]) < 2 * scales[signature], signature


def rent_by_owner(decoded: Decoded, accounts: set[str]) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for move in decoded.moves:
        if move.kind == "rent" and move.account in accounts:
            sums[move.account, move.owner] += move.delta_raw
    return {key: total for key, total in sums.items() if total}


def test_rent_of_accounts_that_open_and_close_stays_with_one_owner(recorded: list[Recorded]) -> None:
    seen = 0
    for one in recorded:
        decoded = decode_transaction(parse_transaction(one.body))
        transaction = decoded.transaction
        lamports = zip(transaction.keys, transaction.pre_lamports, transaction.post_lamports, strict=False)
        passing = {account for account, pre, post in lamports if pre == post == 0}
        rents = [move for move in decoded.moves if move.kind == "rent" and move.account in passing]
        with_rent = {move.account for move in rents if move.delta_raw > 0}
        with_rent &= {move.account for move in rents if move.delta_raw < 0}
        seen += len(with_rent)
        assert rent_by_owner(decoded, with_rent) == {}, one.file
    assert seen > 20


def test_what_an_account_held_before_passes_to_the_owner_it_gets() -> None:
    decoded = check(
        before="""
            alice  10000000
            box         300
        """,
        apply=[create("alice", "box", RENT - 300, "token"), open_account("box", "usdc", "bob"), close("box", "alice")],
        booked="""
            0  alice  lamports  -2038980  rent
            0  box    lamports  +2038980  rent of bob
            1  box    lamports      -300  owner_change
            1  box    lamports      +300  owner_change of bob
            2  box    lamports  -2039280  rent of bob
            2  alice  lamports  +2039280  rent
        """,
        after="alice  9995300",
        did="""
            0  account_open   alice → box    lamports  2038980
            1  owner_change   box → bob      lamports  300
            2  account_close  bob → alice    lamports  2039280
        """,
    )
    nets = {owner: assets for owner, assets in net_by_owner(decoded.moves).items() if assets}
    assert nets == {address("alice"): {NATIVE_MINT: 300 - 5_000}, address("box"): {NATIVE_MINT: -300}}


def test_what_leaves_before_the_account_opens_is_its_own_beyond_what_came_in() -> None:
    before = "alice 10000000\nbox 9000\nbob 0"
    calls = [
        transfer("box", "bob", 1_000),
        create("alice", "box", RENT, "token"),
        transfer("box", "bob", 2_000),
        open_account("box", "usdc", "carol"),
    ]
    after = "alice 7955720\nbox 2045280 usdc 0 carol\nbob 3000"
    decoded = decode_all(before, calls, after)
    of_box = [(move.path, move.owner, move.delta_raw) for move in decoded.moves if move.account == address("box")]
    box, carol = address("box"), address("carol")
    assert of_box == [
        ("0", box, -1_000),
        ("1", carol, RENT),
        ("2", carol, -2_000),
        ("3", box, -8_000),
        ("3", carol, 8_000),
    ]


def test_a_wrapped_account_has_its_owner_from_the_first_lamport() -> None:
    before = "alice 10000000"
    calls = [
        transfer("alice", "temp", 700),
        create("alice", "temp", RENT, "token"),
        open_account("temp", "wsol", "alice"),
        close("temp", "alice"),
    ]
    decoded = decode_all(before, calls, "alice 9995000")
    assert net_by_owner(decoded.moves) == {address("alice"): {NATIVE_MINT: -5_000}}
    kinds = [action.kind for action in decoded.actions]
    assert kinds == ["fee", "account_open", "account_open", "wrap", "unwrap", "account_close"]
    opened = [move.delta_raw for move in decoded.moves if move.kind == "rent" and move.delta_raw > 0]
    assert opened == [700, RENT - 700, RENT], "rent is paid once, whatever came first"


def test_lamports_sent_to_be_wrapped_are_no_rent() -> None:
    """A router that opens the account, fills it and has it synchronised in one instruction."""
    before = "alice 10000000"
    inner = [
        create("alice", "temp", RENT, "token"),
        open_account("temp", "wsol", "alice"),
        transfer("alice", "temp", 700),
        sync("temp"),
    ]
    decoded = decode_all_inner(before, inner, "alice 7955020\ntemp 2039980 wsol 700 alice")
    assert [(move.path, move.kind) for move in decoded.moves if move.account == address("temp")] == [
        ("0.0", "rent"),
        ("0.2", "transfer"),
        ("0.3", "wrap"),
    ]


def test_an_account_filled_twice_before_it_opens_pays_its_rent_once() -> None:
    before = "alice 10000000"
    inner = [
        create("alice", "temp", RENT, "token"),
        transfer("alice", "temp", 700),
        open_account("temp", "wsol", "alice"),
    ]
    decoded = decode_all_inner(before, inner, "alice 7955020\ntemp 2039980 wsol 700 alice")
    of_temp = [(move.kind, move.delta_raw) for move in decoded.moves if move.account == address("temp")]
    assert of_temp == [("rent", RENT), ("transfer", 700), ("wrap", 700)]


def decode_all_inner(before: str, inner: list[Call], after: str) -> Decoded:
    """Decoded with the calls made by a program."""
    return decode_all(before, [Call("program", "alice temp", b"\x01", calls=inner)], after)


def test_lamports_into_wrapped_sol_of_another_are_a_transfer() -> None:
    before = "alice 10000000\nwbox 2039280 wsol 0 bob"
    decoded = decode_all(
        before, [transfer("alice", "wbox", 50), sync("wbox")], "alice 9994950\nwbox 2039330 wsol 50 bob"
    )
    assert [(one.kind, one.wallet, one.counterparty) for one in decoded.actions[1:]] == [
        ("transfer", address("alice"), address("bob")),
        ("wrap", address("bob"), ""),
    ]


def test_every_owner_takes_part() -> None:
    decoded = decode_all("alice 10000\nbob 0", [transfer("alice", "bob", 5)], "alice 4995\nbob 5")
    roles = {(one.wallet, one.role) for one in decoded.participants}
    assert roles >= {(address("alice"), "owner"), (address("bob"), "owner")}


def test_wrapped_sol_that_a_program_put_there_is_residual_of_that_account() -> None:
    """A program may add lamports to an account by no instruction and have them synchronised; sending them shows it."""
    before = """
        alice     10000
        wbox    2039280  wsol  0    pdapool
        wend    2039280  wsol  0    bob
        pdaold      900
    """
    after = """
        alice   2044280
        wend    2040080  wsol  800  bob
        pdaold      100
    """
    calls = [Call("program", "pdaold wbox", b"\x01"), sync("wbox"), send("wbox", "wend", 800), close("wbox", "alice")]
    decoded = decode_all(before, calls, after)
    residual = {(move.account, move.owner): move.delta_raw for move in decoded.moves if move.path == RESIDUAL_PATH}
    assert residual == {
        (address("pdaold"), address("pdaold")): -800,
        (address("wbox"), address("pdapool")): 800,
    }
    of_alice = [move.delta_raw for move in decoded.moves if move.account == address("alice")]
    assert of_alice == [-5_000, RENT], "nobody else pays for it"
    assert all(move.asset == LAMPORTS_ASSET for move in decoded.moves if move.path == RESIDUAL_PATH)
