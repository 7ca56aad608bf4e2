"""Token-2022: fees withheld, harvested and withdrawn, balances encrypted, accounts grown, its own wrapped SOL."""

from struct import pack

import pytest
from hand_ledger import Call, body, check, decode_all, key
from test_system_ledger import create, transfer
from token_calls import close, open_account, send, send_checked, sync

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.decode.operations import MoveTokens
from oof_pipelines.decode.transfer_fees import FeeRate, solve_fee_rates


def test_a_stated_fee_is_withheld() -> None:
    amounts = {"tokenAmount": {"amount": "1000"}, "feeAmount": {"amount": "15"}}
    words = ("transferCheckedWithFee", {"source": "boxa", "mint": "fees", "destination": "boxb"} | amounts)
    data = b"\x1a\x01" + pack("<QBQ", 1_000, 6, 15)
    check(
        before="""
            alice    10000
            boxa   2100000  fees  1000  alice
            boxb   2100000  fees  0     bob
        """,
        apply=[Call("token22", "boxa fees boxb alice", data, words)],
        booked="""
            0  boxa             fees  -1000  transfer of alice
            0  boxb             fees   +985  transfer of bob
            0  (withheld_fees)  fees    +15  transfer
        """,
        after="""
            alice     5000
            boxa   2100000  fees  0    alice
            boxb   2100000  fees  985  bob
        """,
        did="0  transfer  alice → bob  fees  1000",
    )


def test_a_fee_nobody_states_is_found_through_a_chain_of_accounts() -> None:
    check(
        before="""
            alice    10000
            boxa   2100000  fees  1001  alice
            boxb   2100000  fees  0     bob
            boxc   2100000  fees  0     carol
        """,
        apply=[
            send_checked("boxa", "fees", "boxb", 1_001, "token22"),
            send_checked("boxb", "fees", "boxc", 900, "token22"),
        ],
        booked="""
            0  boxa             fees  -1001  transfer of alice
            0  boxb             fees   +985  transfer of bob
            0  (withheld_fees)  fees    +16  transfer
            1  boxb             fees   -900  transfer of bob
            1  boxc             fees   +886  transfer of carol
            1  (withheld_fees)  fees    +14  transfer
        """,
        after="""
            alice     5000
            boxa   2100000  fees  0    alice
            boxb   2100000  fees  85   bob
            boxc   2100000  fees  886  carol
        """,
        did="""
            0  transfer  alice → bob  fees  1001
            1  transfer  bob → carol  fees  900
        """,
    )


def test_rate_and_maximum_are_found_together() -> None:
    moved = [(MoveTokens("a", "b", 10_000, "m"), "m"), (MoveTokens("a", "c", 1_000_000, "m"), "m")]
    lacking = {("b", "m"): -150, ("c", "m"): -2_000}
    assert solve_fee_rates(moved, lacking) == {"m": FeeRate(150, 2_000)}


def test_no_rate_is_assumed_where_none_fits() -> None:
    moved = [(MoveTokens("a", "b", 10_000, "m"), "m"), (MoveTokens("a", "c", 10_000, "m"), "m")]
    assert solve_fee_rates(moved, {("b", "m"): -150, ("c", "m"): -151}) == {}
    assert solve_fee_rates(moved, {("a", "m"): 7}) == {}


@pytest.mark.parametrize("source", ["mint", "accounts"])
def test_withdrawn_fees_come_back_from_where_they_were_withheld(source: str) -> None:
    word = "withdrawWithheldTokensFromMint" if source == "mint" else "withdrawWithheldTokensFromAccounts"
    data = b"\x1a\x02" if source == "mint" else b"\x1a\x03\x02"
    words = (word, {"mint": "fees", "feeRecipient": "boxa", "withdrawWithheldAuthority": "alice"})
    harvest = Call("token22", "fees boxb", b"\x1a\x04", ("harvestWithheldTokensToMint", {"mint": "fees"}))
    check(
        before="""
            alice    10000
            boxa   2100000  fees  5    alice
            boxb   2100000  fees  100  bob
        """,
        apply=[harvest, Call("token22", "fees boxa alice boxb", data, words)],
        booked="""
            1  boxa             fees  +40  transfer of alice
            1  (withheld_fees)  fees  -40  transfer
        """,
        after="""
            alice     5000
            boxa   2100000  fees  45   alice
            boxb   2100000  fees  100  bob
        """,
        did="1  withheld_collect  alice  fees  40",
    )


def test_withdrawn_fees_that_are_sent_on_at_once() -> None:
    withdraw = Call("token22", "fees boxa alice", b"\x1a\x02")
    before = "alice 10000\nboxa 2100000 fees 0 alice\nboxb 2100000 fees 0 bob"
    after = "alice 5000\nboxb 2100000 fees 40 bob\nboxc 2100000"
    decoded = decode_all(
        before, [withdraw, send("boxa", "boxb", 40, "token22"), close("boxa", "boxc", "token22")], after
    )
    assert not decoded.has_residual
    assert sum(m.delta_raw for m in decoded.moves if m.account == "withheld_fees") == -40


def test_what_goes_into_and_comes_out_of_an_encrypted_balance() -> None:
    deposit = Call("token22", "boxa hush alice", b"\x1b\x05" + pack("<QB", 60, 2))
    deposit_words = ("depositConfidentialTransfer", {"account": "boxa", "mint": "hush", "amount": 60, "owner": "alice"})
    withdraw = Call("token22", "boxa hush alice", b"\x1b\x06" + pack("<QB", 25, 2) + bytes(36 + 2))
    withdraw_words = ("withdrawConfidentialTransfer", {"source": "boxa", "destination": "hush", "mint": "alice"})
    unseen = Call("token22", "boxa hush boxb alice", b"\x1b\x07" + bytes(40))
    check(
        before="""
            alice    10000
            boxa   2100000  hush  100  alice
        """,
        apply=[
            Call("token22", deposit.accounts, deposit.data, deposit_words),
            unseen,
            Call("token22", withdraw.accounts, withdraw.data, (withdraw_words[0], withdraw_words[1] | {"amount": 25})),
        ],
        booked="""
            0  boxa            hush  -60  confidential_deposit of alice
            0  (confidential)  hush  +60  confidential_deposit
            2  boxa            hush  +25  confidential_withdraw of alice
            2  (confidential)  hush  -25  confidential_withdraw
        """,
        after="""
            alice     5000
            boxa   2100000  hush  65  alice
        """,
        did="""
            0  confidential_deposit   alice  hush  60
            2  confidential_withdraw  alice  hush  25
        """,
    )


def test_growing_an_account_is_rent() -> None:
    words = ("reallocate", {"account": "boxa", "payer": "alice"})
    grow = Call("token22", "boxa alice system alice", b"\x1d\x08\x00", words, calls=[transfer("alice", "boxa", 6_960)])
    check(
        before="""
            alice    20000
            boxa   2039280  hush  0  alice
        """,
        apply=[grow],
        booked="""
            0.0  alice  lamports  -6960  rent
            0.0  boxa   lamports  +6960  rent of alice
        """,
        after="""
            alice     8040
            boxa   2046240  hush  0  alice
        """,
        did="0.0  account_open  alice → boxa  lamports  6960",
    )


def test_a_burn_that_needs_permission() -> None:
    check(
        before="""
            alice    10000
            boxa   2100000  gate  9  alice
        """,
        apply=[Call("token22", "boxa gate alice alice", b"\x2e\x02" + pack("<QB", 4, 0))],
        booked="""
            0  boxa      gate  -4  burn of alice
            0  (supply)  gate  +4  burn
        """,
        after="""
            alice     5000
            boxa   2100000  gate  5  alice
        """,
        did="0  burn  alice  gate  4",
    )


def test_excess_lamports_leave_what_the_account_needs() -> None:
    words = ("withdrawExcessLamports", {"source": "boxa", "destination": "alice", "authority": "alice"})
    check(
        before="""
            alice    10000
            boxa   2500000  hush  1  alice
        """,
        apply=[Call("token22", "boxa alice alice", b"\x26", words)],
        booked="""
            0  boxa   lamports  -400000  excess of alice
            0  alice  lamports  +400000  excess
        """,
        after="""
            alice   405000
            boxa   2100000  hush  1  alice
        """,
        did="0  self_transfer  alice → alice  lamports  400000",
    )


def test_the_programs_own_wrapped_sol_is_wrapped_sol() -> None:
    rent = 2_074_080
    decoded = check(
        before="alice  10000000",
        apply=[
            create("alice", "temp", rent, "token22"),
            open_account("temp", "wsol22", "alice", "token22"),
            transfer("alice", "temp", 500),
            sync("temp", "token22"),
        ],
        booked="""
            0  alice   lamports  -2074080  rent
            0  temp    lamports  +2074080  rent of alice
            2  alice   lamports      -500  transfer
            2  temp    lamports      +500  transfer of alice
            3  temp    wsol22        +500  wrap of alice
            3  (wrap)  wsol22        -500  wrap
        """,
        after="""
            alice  7920420
            temp   2074580  wsol22  500  alice
        """,
        did="""
            0  account_open  alice → temp  lamports  2074080
            3  wrap          alice         wsol22    500
        """,
    )
    assert not decoded.has_residual


def test_a_mint_the_account_does_not_hold_moves_nothing() -> None:
    before = "alice 10000\nboxa 2100000 usdc 9 alice\nboxb 2100000 meme 0 bob"
    raw = body(before, [send_checked("boxa", "usdc", "boxb", 4)], before.replace("alice 10000", "alice 5000"))
    decoded = decode_transaction(parse_transaction(raw))
    assert {move.path for move in decoded.moves} == {"fee"}
    assert key("usdc") != key("meme")
