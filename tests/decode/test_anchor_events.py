"""Events of configured programs: from the log and from calls of a program to itself, made up and recorded."""

import base64
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from recorded_bodies import read_recorded
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from oof_pipelines.chain.actions import action_id
from oof_pipelines.chain.body import BodyError
from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction
from oof_pipelines.decode.anchor_events import CALL, LOG, AnchorEvent
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.storage.parquet.told_rows import anchor_event_rows
from oof_pipelines.testing.synthetic_world import Actor
from oof_pipelines.testing.synthetic_written_calls import event_call
from oof_pipelines.testing.synthetic_written_ledger import WrittenLedger
from oof_pipelines.testing.synthetic_written_transaction import Place, TransactionWriter

STAKING, OTHER = (Pubkey.from_bytes(sha256(name).digest()) for name in (b"staking program", b"another program"))
AUTHORITY = Pubkey.from_bytes(sha256(b"event authority").digest())
PUMP, CPMM = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P", "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"
PAYER = Keypair.from_seed(sha256(b"payer").digest())
FIRST, SECOND = (sha256(f"event:{name}".encode()).digest()[:8] + bytes(40) for name in ("Staked", "Claimed"))


def landed(write: Callable[[TransactionWriter], None]) -> ParsedTransaction:
    """A transaction whose calls `write` writes."""
    ledger = WrittenLedger()
    ledger.fund(PAYER.pubkey(), 10**9)
    writer = TransactionWriter(ledger, Actor(PAYER.pubkey(), PAYER))
    write(writer)
    return parse_transaction(msgspec.json.encode(writer.land(Place(400_000_000, 1_777_000_000, 0), 1).result))


def call(program: Pubkey, data: bytes = b"\1") -> Instruction:
    return Instruction(program, data, [AccountMeta(AUTHORITY, False, False)])


def two_events(writer: TransactionWriter) -> None:
    with writer.call(call(OTHER)):
        writer.log_data(b"another program's, and no concern of ours")
    with writer.call(call(STAKING)):
        writer.log_data(FIRST)
        writer.log_data(b"short")
        with writer.call(call(OTHER)):
            writer.log_data(b"logged within our call, by another")
        writer.log_data(SECOND)
        event_call(writer, STAKING, AUTHORITY, SECOND, is_logged=False)


def told(transaction: ParsedTransaction) -> Decoded:
    return decode_transaction(transaction, frozenset({str(STAKING)}))


def test_events_come_from_the_log_of_the_programs_own_call_and_from_calls_to_itself() -> None:
    decoded = told(landed(two_events))
    wallet = str(PAYER.pubkey())
    assert decoded.anchor_events == (
        AnchorEvent("1", 0, str(STAKING), wallet, LOG, FIRST),
        AnchorEvent("1", 1, str(STAKING), wallet, LOG, SECOND),
        AnchorEvent("1.1", 0, str(STAKING), wallet, CALL, SECOND),
    )
    assert not decoded.is_anchor_log_cut
    signature = decoded.transaction.signature
    actions = [one for one in decoded.actions if one.kind == "anchor_event"]
    assert [(one.path, one.program_id, one.wallet) for one in actions] == [
        (path, str(STAKING), wallet) for path in ("1", "1", "1.1")
    ]
    assert [one.id for one in actions] == [
        action_id(signature, path, "anchor_event", ordinal) for path, ordinal in (("1", 0), ("1", 1), ("1.1", 0))
    ]
    assert {(one.asset, one.amount_raw, one.bought_raw) for one in actions} == {("", 0, 0)}
    rows = list(anchor_event_rows((signature, 1, 0, None), decoded.anchor_events))
    assert [row[7] for row in rows] == [one.id for one in actions]
    assert [row[-2:] for row in rows] == [
        (event.data[:8].hex(), base64.b64encode(event.data).decode()) for event in decoded.anchor_events
    ]


def test_nothing_changes_without_configured_programs() -> None:
    transaction = landed(two_events)
    plain, other = decode_transaction(transaction), decode_transaction(transaction, ["nobody"])
    assert plain.anchor_events == other.anchor_events == ()
    with_events = told(transaction)
    assert [one for one in with_events.actions if one.kind != "anchor_event"] == plain.actions
    assert (with_events.moves, with_events.participants) == (plain.moves, plain.participants)


def test_a_failed_transaction_emits_nothing() -> None:
    def failing(writer: TransactionWriter) -> None:
        writer.doom(6_000, "Error: no")
        two_events(writer)

    decoded = told(landed(failing))
    assert decoded.transaction.is_failed
    assert decoded.anchor_events == ()
    assert not any(one.kind == "anchor_event" for one in decoded.actions)


def test_a_log_that_was_cut_is_told_of_and_calls_are_read_all_the_same() -> None:
    def cut(writer: TransactionWriter) -> None:
        with writer.call(call(STAKING)):
            writer.log_data(FIRST)
            writer.log("Log truncated")
            event_call(writer, STAKING, AUTHORITY, SECOND, is_logged=False)

    transaction = landed(cut)
    messages = transaction.log_messages[: transaction.log_messages.index("Log truncated") + 1]
    transaction.log_messages[:] = messages
    decoded = told(transaction)
    assert [(one.source, one.data) for one in decoded.anchor_events] == [(LOG, FIRST), (CALL, SECOND)]
    assert decoded.is_anchor_log_cut
    assert not decode_transaction(transaction).is_anchor_log_cut


@pytest.mark.parametrize(("program", "source", "least"), [(PUMP, CALL, 25), (CPMM, LOG, 4)])
def test_recorded_programs_tell_as_often_as_their_logs_and_calls_say(
    program: str, source: str, least: int, fixtures_dir: Path
) -> None:
    """Counted by a rough reading of the log and of the data, apart from what decodes."""
    found = 0
    for one in read_recorded(fixtures_dir):
        if program.encode() not in one.body:
            continue
        try:
            transaction = parse_transaction(one.body)
        except BodyError:
            continue
        decoded = decode_transaction(transaction, [program])
        if transaction.is_failed:
            assert decoded.anchor_events == ()
            continue
        calls = [x for x in transaction.instructions if x.program_id == program]
        by_call = sum(x.data[:8] == bytes.fromhex("e445a52e51cb9a1d") for x in calls)
        assert sum(event.source == CALL for event in decoded.anchor_events) == by_call
        if "Log truncated" not in transaction.log_messages and transaction.log_messages:
            assert sum(event.source == LOG for event in decoded.anchor_events) == logged(transaction, program)
        found += sum(event.source == source for event in decoded.anchor_events)
    assert found >= least


def logged(transaction: ParsedTransaction, program: str) -> int:
    """Lines of data that are written while `program` is the innermost call, of eight bytes and more."""
    count, running = 0, []
    for message in transaction.log_messages:
        if begun := re.fullmatch(r"Program (\w+) invoke \[\d+\]", message):
            running.append(begun[1])
        elif re.fullmatch(r"Program \w+ (success|failed: .*)", message):
            running.pop()
        elif message.startswith("Program data: ") and running[-1:] == [program]:
            count += len(base64.b64decode(message.split(" ")[2])) >= 8
    return count
