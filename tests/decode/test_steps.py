"""When a program's own doings take effect: debits it tells of or logs, and the accounts it closes when a call ends."""

import base64

import pytest
from hand_ledger import Call, address, check, decode_all
from made_up_programs import POND, paid_data, swap_data
from scenes import Stage
from settling import settled
from token_calls import sync

from oof_pipelines.decode.logged_data import LoggedData
from oof_pipelines.decode.operations import CloseProgramAccount, MoveLamports, SyncNative
from oof_pipelines.decode.program import VENUE, Program, anchor_instruction, event
from oof_pipelines.decode.programs import BY_ID
from oof_pipelines.decode.steps import Step, steps_of

pytestmark = pytest.mark.usefixtures("made_up_programs")

PAY, LEAVE = anchor_instruction("pay"), anchor_instruction("leave")
TOKEN = "token"
SYNC = b"\x11"
Calls = list[tuple[str, int, str, str, bytes]]


def steps(calls: Calls, *, logs: list[str] | None = None, error: object = None) -> tuple[list[Step], list[str]]:
    transaction = Stage(calls, logs=logs or [], error=error).transaction()
    return steps_of(transaction, LoggedData(transaction))


def paid(lamports: int) -> MoveLamports:
    return MoveLamports(address("curve"), address("alice"), lamports)


CALL = ("0", 1, "pond", "curve alice", PAY)


def test_what_a_program_tells_it_paid_is_booked_at_the_events_path() -> None:
    found, unread = steps([CALL, ("0.0", 2, TOKEN, "box", SYNC), ("0.1", 2, "pond", "", paid_data(7))])
    assert found == [Step("0.0", SyncNative(address("box"))), Step("0.1", paid(7))]
    assert unread == []


def test_of_nested_calls_the_innermost_told_it() -> None:
    calls: Calls = [
        ("0", 1, "pond", "outer alice", PAY),
        ("0.0", 2, "program", "", b""),
        ("0.1", 3, "pond", "curve alice", PAY),
        ("0.2", 4, "pond", "", paid_data(7)),
        ("0.3", 2, "pond", "", paid_data(8)),
    ]
    found, _ = steps(calls)
    assert found == [Step("0.2", paid(7)), Step("0.3", MoveLamports(address("outer"), address("alice"), 8))]


@pytest.mark.parametrize(
    "calls",
    [
        [("0", 1, "pond", "", paid_data(7))],
        [CALL, ("1", 1, "pond", "", paid_data(7))],
        [CALL, ("0.0", 2, "program", "", paid_data(7))],
        [("0", 1, "pond", "curve alice", b"no layout"), ("0.0", 2, "pond", "", paid_data(7))],
    ],
    ids=["by itself", "after the call", "by another program", "within an unknown call"],
)
def test_an_event_that_no_call_of_its_program_told_moves_nothing(calls: Calls) -> None:
    assert steps(calls) == ([], [])


def test_a_debit_comes_before_the_sync_that_the_same_call_had_done() -> None:
    """A program that pays into a wrapped SOL account has it synced, and tells of it only at its end."""
    into_wrapped = ("1", 1, "pond", "curve box", PAY)
    calls: Calls = [
        ("0", 1, TOKEN, "box", SYNC),
        into_wrapped,
        ("1.0", 2, TOKEN, "other", SYNC),
        ("1.1", 2, TOKEN, "box", SYNC),
        ("1.2", 2, "pond", "", paid_data(7)),
    ]
    found, _ = steps(calls)
    assert [step.path for step in found] == ["0", "1.0", "1.2", "1.1"], "not before what was synced ere the call began"


# --- what was only logged ---


def logs_of(*data: bytes) -> list[str]:
    lines = [f"Program data: {base64.b64encode(one).decode()}" for one in data]
    return [f"Program {address('pond')} invoke [1]", *lines, f"Program {address('pond')} success"]


def test_what_a_program_only_logged_is_booked_when_its_call_ends() -> None:
    calls: Calls = [CALL, ("0.0", 2, TOKEN, "box", SYNC)]
    logs = logs_of(paid_data(7)[8:])
    logs[1:1] = [f"Program {address('token')} invoke [2]", f"Program {address('token')} success"]
    assert steps(calls, logs=logs) == ([Step("0.0", SyncNative(address("box"))), Step("0", paid(7))], [])


def test_what_was_told_and_logged_is_booked_once() -> None:
    calls: Calls = [CALL, ("0.0", 2, "pond", "", paid_data(7))]
    assert steps(calls, logs=logs_of(paid_data(7)[8:])) == ([Step("0.0", paid(7))], [])


def test_several_logged_ones_keep_their_order() -> None:
    found, _ = steps([CALL], logs=logs_of(paid_data(7)[8:], b"something else", paid_data(8)[8:]))
    assert found == [Step("0", paid(7)), Step("0", paid(8))]


# --- what fits no layout ---


@pytest.mark.parametrize("end", [0, 1, 7])
def test_an_event_that_is_cut_short_leaves_its_call_unread(end: int) -> None:
    short = paid_data(7)[: 16 + end]
    assert steps([CALL, ("0.0", 2, "pond", "", short)]) == ([], ["0.0"])
    assert steps([CALL], logs=logs_of(short[8:])) == ([], ["0"])
    nested: Calls = [CALL, ("1", 1, "program", "", b"")]
    assert steps(nested, logs=logs_of(short[8:])) == ([], ["0"]), "in the midst of a transaction as at its end"


def test_an_event_told_from_a_call_without_its_accounts_leaves_it_unread() -> None:
    seatless = ("0", 1, "pond", "a b c d e", swap_data())
    assert steps([seatless, ("0.0", 2, "pond", "", paid_data(7))]) == ([], ["0.0"])
    assert steps([("0", 1, "pond", "curve", PAY), ("0.0", 2, "pond", "", paid_data(7))]) == ([], ["0.0"])


def test_an_event_that_names_a_stranger_leaves_its_call_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event's own words may be anything; only accounts of the transaction can have changed."""
    stranger = event(
        "Paid", "lamports:u64", debits=lambda told, _: [MoveLamports("stranger", "alice", told["lamports"])]
    )
    odd = Program("pond", VENUE, (address("pond"),), "made up", POND.instructions, events=(stranger,))
    monkeypatch.setitem(BY_ID, address("pond"), odd)
    assert steps([CALL, ("0.0", 2, "pond", "", paid_data(7))]) == ([], ["0.0"])
    assert steps([CALL], logs=logs_of(paid_data(7)[8:])) == ([], ["0"])


def test_a_failed_transaction_takes_no_step() -> None:
    assert steps([CALL, ("0.0", 2, "pond", "", paid_data(7))], error="failed") == ([], [])


# --- accounts that programs close ---


def test_an_account_is_closed_when_the_call_ends() -> None:
    calls: Calls = [
        ("0", 1, "pond", "ticket alice", LEAVE),
        ("0.0", 2, TOKEN, "box", SYNC),
        ("1", 1, TOKEN, "box", SYNC),
    ]
    found, _ = steps(calls)
    assert [step.path for step in found] == ["0.0", "0", "1"]
    assert found[1].operation == CloseProgramAccount(address("ticket"), address("alice"))


@pytest.mark.parametrize("accounts", ["", "ticket"])
def test_an_account_that_the_call_does_not_have_is_not_closed(accounts: str) -> None:
    assert steps([("0", 1, "pond", accounts, LEAVE)]) == ([], [])


def test_rent_of_a_closed_account_is_booked_and_nothing_of_one_that_stays() -> None:
    leave = Call("pond", "ticket alice", LEAVE)
    check(
        before="alice 10000\nticket 700",
        apply=[leave],
        booked="0 ticket lamports -700 rent\n0 alice lamports +700 rent",
        after="alice 5700\nticket 0",
        did="0 account_close ticket → alice lamports 700",
    )
    kept = decode_all("alice 10000\nticket 700", [leave], "alice 5000\nticket 700")
    assert [move.path for move in kept.moves] == ["fee", "fee"]


def test_a_debit_is_part_of_the_book() -> None:
    """A curve pays alice by no instruction; without its word the lamports would be a residual."""
    before = "alice 10000\ncurve 900"
    for told, has_residual in ((paid_data(7), False), (b"no event", True)):
        calls = [Call("pond", "curve alice", PAY, calls=[Call("pond", "", told)])]
        decoded = decode_all(before, calls, settled(before, calls, paid={"curve": -7, "alice": 7}))
        assert decoded.has_residual is has_residual
    synced = "alice 10000\ncurve 900\nbox 2039280 wsol 0 alice"
    calls = [Call("pond", "curve box", PAY, calls=[sync("box"), Call("pond", "", paid_data(7))])]
    after = settled(synced, calls, paid={"curve": -7, "box": 7}).replace("wsol 0", "wsol 7")
    decoded = decode_all(synced, calls, after)
    assert not decoded.has_residual
    assert [(move.path, move.kind) for move in decoded.moves if move.path != "fee"] == [
        ("0.1", "transfer"),
        ("0.1", "transfer"),
        ("0.0", "wrap"),
        ("0.0", "wrap"),
    ]
