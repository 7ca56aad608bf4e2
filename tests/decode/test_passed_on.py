"""Lamports that a program nobody decodes moved out of an account of its own: when that can be told, by a ledger."""

import struct

import pytest
from hand_ledger import PROGRAMS, Call, address, booked_lines, check, decode_all, names_of
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_programs import POND, declare

from oof_pipelines.chain.moves import LAMPORTS_ASSET
from oof_pipelines.decode.conservation import conservation_faults
from oof_pipelines.decode.decoded import Decoded


def pay(source: str, destination: str, lamports: int) -> Call:
    """System's transfer."""
    words = ("transfer", {"source": source, "destination": destination, "lamports": str(lamports)})
    return Call("system", f"{source} {destination}", struct.pack("<IQ", 2, lamports), words)


BEFORE = "alice 10000\n pdatransit 5000\n bob 10\n carol 20\n"
AFTER = "alice 4700\n pdatransit 5000\n bob 210\n carol 120\n"
EVERYBODY = "alice pdatransit bob carol"


def decode(calls: list[Call], before: str = BEFORE, after: str = AFTER, *, error: object = None) -> Decoded:
    """A transaction after which its moves add up, whatever was made of it."""
    decoded = decode_all(before, calls, after, error=error)
    assert conservation_faults(decoded.transaction, decoded.moves) == []
    return decoded


def test_a_transit_account_passes_on_what_a_trader_paid_it() -> None:
    check(
        before=BEFORE,
        apply=[Call("program", EVERYBODY, b"\1", calls=[pay("alice", "pdatransit", 300)])],
        booked="""
            0.0  alice       lamports  -300  transfer
            0.0  pdatransit  lamports  +300  transfer
            0    pdatransit  lamports  -200  transfer
            0    bob         lamports  +200  transfer
            0    pdatransit  lamports  -100  transfer
            0    carol       lamports  +100  transfer
        """,
        after=AFTER,
        did="""
            0.0  transfer  alice → pdatransit  lamports  300
            0    transfer  pdatransit → bob    lamports  200
            0    transfer  pdatransit → carol  lamports  100
        """,
    )


def test_what_reaches_a_tip_account_is_a_tip() -> None:
    before, after = "alice 10000\n pdatransit 5000\n jito 10\n", "alice 5000\n pdatransit 4800\n jito 210\n"
    decoded = decode([Call("program", "alice pdatransit jito", b"\1")], before, after)
    passed = [(move.path, move.account, move.delta_raw) for move in decoded.moves if move.kind == "tip"]
    assert passed == [("0", address("pdatransit"), -200), ("0", address("jito"), 200)]
    assert not decoded.has_residual


PAID = pay("alice", "pdatransit", 300)


@pytest.mark.parametrize(
    "calls",
    [
        # another call was given the giver, or one who got: which of them moved it cannot be told
        [Call("program", EVERYBODY, b"\1", calls=[PAID]), Call("program2", "pdatransit", b"\1")],
        [Call("program", EVERYBODY, b"\1", calls=[PAID]), Call("memo", "carol", b"\1")],
        # one who got was given to no call, so that what is known comes to nothing else than zero
        [Call("program", "alice pdatransit bob", b"\1", calls=[PAID])],
        [Call("memo", "alice", b"\1"), PAID],
    ],
)
def test_whatever_more_than_one_call_may_have_moved_stays_unexplained(calls: list[Call]) -> None:
    decoded = decode(calls)
    assert decoded.has_residual
    assert not any(move.path == "0" for move in decoded.moves), "nor is a part of it told as known"


def test_two_that_gave_leave_a_doubt_of_who_gave_whom() -> None:
    before = "alice 10000\n pdatransit 5000\n pdaother 5000\n bob 10\n carol 20\n"
    after = "alice 5000\n pdatransit 4800\n pdaother 4900\n bob 210\n carol 120\n"
    assert decode([Call("program", f"{EVERYBODY} pdaother", b"\1")], before, after).has_residual


def test_out_of_a_wallet_that_signed_system_alone_takes() -> None:
    calls = [Call("program", "alice bob", b"\1")]
    assert decode(calls, "alice 10000\n bob 10\n", "alice 4800\n bob 210\n").has_residual


def test_a_failed_transaction_passed_nothing_on() -> None:
    calls = [Call("program", EVERYBODY, b"\1")]
    after = "alice 5000\n pdatransit 4700\n bob 210\n carol 120\n"
    assert not decode(calls, after=after).has_residual
    failed = decode(calls, after=after, error="failed")
    assert failed.has_residual
    assert {move.kind for move in failed.moves} == {"fee_base", "residual"}


@pytest.mark.parametrize("program", ["pond", "token", "system", "raydium"])
def test_a_program_that_is_decoded_has_to_tell_itself(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch)
    before = "alice 10000\n pdatransit 5000\n bob 10\n carol 20\n"
    after = "alice 5000\n pdatransit 4700\n bob 210\n carol 120\n"
    assert program in (POND.name, *PROGRAMS)
    assert decode([Call(program, EVERYBODY, b"no layout")], before, after).has_residual


def test_an_unknown_program_that_hands_the_account_to_a_decoded_one_did_not_do_it_for_sure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declare(monkeypatch)
    after = "alice 5000\n pdatransit 4700\n bob 210\n carol 120\n"
    inner = [Call("pond", "pdatransit bob", b"no layout")]
    assert decode([Call("program", EVERYBODY, b"\1", calls=inner)], after=after).has_residual
    beside = [Call("pond", "bob carol", b"no layout")]
    assert not decode([Call("program", EVERYBODY, b"\1", calls=beside)], after=after).has_residual


def test_a_decoded_program_that_calls_an_unknown_one_keeps_its_residual(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch)
    after = "alice 5000\n pdatransit 4700\n bob 210\n carol 120\n"
    inner = [Call("program", EVERYBODY, b"\1")]
    assert decode([Call("pond", "bob carol", b"no layout", calls=inner)], after=after).has_residual


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=1_000), min_size=1, max_size=4))
def test_what_is_passed_on_sums_to_zero_and_to_what_each_got(shares: list[int]) -> None:
    """Every account's moves are its post − pre, one giver's to each who got."""
    takers = [f"taker{number}" for number in range(len(shares))]
    before = "alice 10000\n pdatransit 5000\n" + "".join(f" {one} 7\n" for one in takers)
    after = f"alice 5000\n pdatransit {5_000 - sum(shares)}\n"
    after += "".join(f" {one} {7 + share}\n" for one, share in zip(takers, shares, strict=True))
    calls = [Call("program", " ".join(["alice", "pdatransit", *takers]), b"\1")]
    decoded = decode(calls, before, after)
    passed = [move for move in decoded.moves if move.path == "0"]
    assert not decoded.has_residual
    assert sum(move.delta_raw for move in passed) == 0
    assert {move.asset for move in passed} <= {LAMPORTS_ASSET}
    names = names_of(before, calls, after)
    lines = [
        line
        for one, share in zip(takers, shares, strict=True)
        if share
        for line in (
            f"0 pdatransit lamports -{share} transfer",
            f"0 {one} lamports +{share} transfer",
        )
    ]
    assert sorted(booked_lines(decoded, names)) == sorted(lines)
