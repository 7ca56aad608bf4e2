"""The body reader: every encoding a node offers, every recorded transaction, and damage of every kind."""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.body import (
    COMPUTE_BUDGET_PROGRAM_ID,
    MAX_LAMPORTS,
    VOTE_PROGRAM_ID,
    BodyError,
    BodyHeader,
    QuarantineReason,
    check_storable,
    read_body,
)

PAYER = Keypair.from_seed(bytes([7] * 32))
PROGRAM, INNER, LOADED = (Pubkey(bytes([n] * 32)) for n in (11, 12, 13))
TABLE = AddressLookupTableAccount(Pubkey(bytes([14] * 32)), [LOADED, Pubkey(bytes([15] * 32))])
BLOCKHASH = Hash(bytes([9] * 32))


def signed(*programs: Pubkey | str, is_versioned: bool = False) -> VersionedTransaction:
    """A transaction of PAYER that calls `programs` in turn; a version 0 one reads LOADED from a table."""
    keys = [program if isinstance(program, Pubkey) else Pubkey.from_string(program) for program in programs]
    accounts = [AccountMeta(INNER, is_signer=False, is_writable=True)]
    if is_versioned:
        accounts.append(AccountMeta(LOADED, is_signer=False, is_writable=True))
    calls = [Instruction(key, b"\1\2", accounts) for key in keys]
    if is_versioned:
        return VersionedTransaction(MessageV0.try_compile(PAYER.pubkey(), calls, [TABLE], BLOCKHASH), [PAYER])
    return VersionedTransaction(Message.new_with_blockhash(calls, PAYER.pubkey(), BLOCKHASH), [PAYER])


def wire_form(transaction: VersionedTransaction, encoding: str) -> Any:
    wire = bytes(transaction)
    match encoding:
        case "base64":
            return [base64.b64encode(wire).decode(), encoding]
        case "base64+zstd":
            # As a node writes it: a stream, so a frame that does not state its size.
            compressor = zstandard.ZstdCompressor().compressobj()
            return [base64.b64encode(compressor.compress(wire) + compressor.flush()).decode(), encoding]
        case "base58":
            return [encode_base58(wire), encoding]
        case "bare base58":
            return encode_base58(wire)
    raise AssertionError(encoding)


def json_form(transaction: VersionedTransaction, *, is_parsed: bool) -> dict[str, Any]:
    message = transaction.message
    keys = [str(key) for key in message.account_keys]
    calls: list[dict[str, Any]] = [
        {"programIdIndex": call.program_id_index, "data": "x"} for call in message.instructions
    ]
    shown: list[Any] = list(keys)
    if is_parsed:
        everyone = [*keys, *loaded_keys(transaction)["writable"]]
        shown = [{"pubkey": key, "signer": False, "writable": True, "source": "transaction"} for key in everyone]
        calls = [{"programId": keys[call["programIdIndex"]], "accounts": [], "data": "x"} for call in calls]
    return {
        "signatures": [str(transaction.signatures[0])],
        "message": {"accountKeys": shown, "instructions": calls, "recentBlockhash": str(BLOCKHASH)},
    }


def loaded_keys(transaction: VersionedTransaction) -> dict[str, list[str]]:
    return {"writable": [str(LOADED)] if transaction.version() == 0 else [], "readonly": []}


def result(signed_one: VersionedTransaction, shape: Any, **changes: Any) -> dict[str, Any]:
    """A getTransaction result around `shape`; `changes` replace keys, of `meta` where they are its."""
    inner_index = list(signed_one.message.account_keys).index(INNER)
    meta: dict[str, Any] = {
        "err": None,
        "fee": 5000,
        "logMessages": ["Program log: hello"],
        "innerInstructions": [{"index": 0, "instructions": [{"programIdIndex": inner_index, "stackHeight": 2}]}],
        "loadedAddresses": loaded_keys(signed_one),
        "returnData": {"data": ["", "base64"], "programId": str(PROGRAM)},
    }
    meta |= {key: value for key, value in changes.items() if key in meta}
    whole = {
        "slot": 400_000_000,
        "blockTime": 1_771_000_000,
        "version": 0 if signed_one.version() == 0 else "legacy",
        "transaction": shape,
        "meta": meta,
    }
    return whole | {key: value for key, value in changes.items() if key not in meta}


def body_of(signed_one: VersionedTransaction, encoding: str = "base64", **changes: Any) -> bytes:
    if encoding.startswith("json"):
        shape: Any = json_form(signed_one, is_parsed=encoding == "jsonParsed")
    else:
        shape = wire_form(signed_one, encoding)
    return json.dumps(result(signed_one, shape, **changes)).encode()


def reason_for(body: bytes) -> QuarantineReason:
    with pytest.raises(BodyError) as raised:
        read_body(body)
    assert raised.value.detail
    return raised.value.reason


@pytest.mark.parametrize("is_versioned", [False, True])
@pytest.mark.parametrize("encoding", ["json", "jsonParsed", "base64", "base64+zstd", "base58", "bare base58"])
def test_every_encoding_says_the_same(encoding: str, is_versioned: bool) -> None:
    transaction = signed(COMPUTE_BUDGET_PROGRAM_ID, PROGRAM, is_versioned=is_versioned)
    body = body_of(transaction, encoding, err={"InstructionError": [0, "Custom"]}, fee=MAX_LAMPORTS, transactionIndex=3)
    loaded = (str(LOADED),) if is_versioned else ()
    assert read_body(body) == BodyHeader(
        signature=str(transaction.signatures[0]),
        slot=400_000_000,
        block_time_s=1_771_000_000,
        tx_index=3,
        version="0" if is_versioned else "legacy",
        encoding=encoding.removeprefix("bare "),
        is_failed=True,
        fee_lamports=MAX_LAMPORTS,
        fee_payer=str(PAYER.pubkey()),
        account_keys=tuple(str(key) for key in transaction.message.account_keys) + loaded,
        program_ids=(COMPUTE_BUDGET_PROGRAM_ID, str(PROGRAM), str(INNER)),
        lead_program_id=str(PROGRAM),
        is_simple_vote=False,
        log_messages=("Program log: hello",),
    )


def test_a_program_from_a_lookup_table_is_named() -> None:
    transaction = signed(PROGRAM, is_versioned=True)
    position = len(transaction.message.account_keys)
    body = body_of(transaction, innerInstructions=[{"index": 0, "instructions": [{"programIdIndex": position}]}])
    assert read_body(body).program_ids == (str(PROGRAM), str(LOADED))


def test_votes_are_told_as_the_node_tells_them() -> None:
    assert read_body(body_of(signed(VOTE_PROGRAM_ID))).is_simple_vote
    assert not read_body(body_of(signed(VOTE_PROGRAM_ID, VOTE_PROGRAM_ID))).is_simple_vote
    assert not read_body(body_of(signed(VOTE_PROGRAM_ID, is_versioned=True))).is_simple_vote


def test_only_preparing_programs_lead_themselves() -> None:
    assert read_body(body_of(signed(COMPUTE_BUDGET_PROGRAM_ID))).lead_program_id == COMPUTE_BUDGET_PROGRAM_ID


def test_warts_are_survived() -> None:
    body = result(signed(PROGRAM), wire_form(signed(PROGRAM), "base64"), blockTime=None, logMessages=None)
    del body["version"], body["meta"]["loadedAddresses"]
    body["meta"] |= {"innerInstructions": None, "preTokenBalances": None, "rewards": None}
    header = read_body(json.dumps(body).encode())
    assert (header.version, header.block_time_s, header.log_messages) == ("legacy", None, None)
    del body["slot"]
    block_element = read_body(json.dumps(body).encode())
    assert block_element.slot is None
    with pytest.raises(BodyError, match="names no slot"):
        check_storable(block_element, block_element.signature)


def test_a_missing_version_is_read_from_the_message() -> None:
    body = result(signed(PROGRAM, is_versioned=True), wire_form(signed(PROGRAM, is_versioned=True), "base64"))
    del body["version"]
    assert read_body(json.dumps(body).encode()).version == "0"


def test_a_shortened_account_list_hides_a_program_only() -> None:
    shape = json_form(signed(PROGRAM), is_parsed=False)
    shape["message"]["accountKeys"] = shape["message"]["accountKeys"][:1]
    header = read_body(json.dumps(result(signed(PROGRAM), shape)).encode())
    assert (header.program_ids, header.lead_program_id) == ((), None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"meta": None}, QuarantineReason.MISSING_META),
        ({"version": 1}, QuarantineReason.UNKNOWN_VERSION),
        ({"version": "0"}, QuarantineReason.UNKNOWN_VERSION),
        ({"version": True}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"fee": -1}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"fee": 2**64}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"fee": 1.5}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"slot": -1}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"slot": 2**40 + 1}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"transactionIndex": -1}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"transactionIndex": 2**31}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"transaction": None}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"transaction": []}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"transaction": ["AAAA", "base32"]}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"transaction": ["AAAA", "base64"]}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"transaction": ["!", "base64"]}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"transaction": ["AAAA", "base64+zstd"]}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"transaction": "0OIl"}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"transaction": "z" * 5_000_000}, QuarantineReason.UNREADABLE_MESSAGE),
        ({"transaction": {"signatures": [], "message": {}}}, QuarantineReason.UNREADABLE_MESSAGE),
        (
            {"transaction": {"signatures": [], "message": {"accountKeys": ["a"], "instructions": []}}},
            QuarantineReason.UNREADABLE_MESSAGE,
        ),
        (
            {"innerInstructions": [{"index": 0, "instructions": [{"programId": []}]}]},
            QuarantineReason.UNREADABLE_MESSAGE,
        ),
        (
            {"innerInstructions": [{"index": 0, "instructions": [{"programIdIndex": "x"}]}]},
            QuarantineReason.UNREADABLE_MESSAGE,
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_damage_has_its_reason(changes: dict[str, Any], reason: QuarantineReason) -> None:
    assert reason_for(body_of(signed(PROGRAM), **changes)) is reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", QuarantineReason.NOT_JSON),
        (b"{", QuarantineReason.NOT_JSON),
        (b'"\xff"', QuarantineReason.NOT_JSON),
        (b"[" * 100_000, QuarantineReason.NOT_JSON),
        (b"null", QuarantineReason.NOT_A_TRANSACTION),
        (b"[]", QuarantineReason.NOT_A_TRANSACTION),
        (b'{"transaction":{}}', QuarantineReason.MISSING_META),
        (b'{"slot":1}', QuarantineReason.NOT_A_TRANSACTION),
        (b'{"meta":{"fee":1},"transaction":["\xff","base64"]}', QuarantineReason.UNREADABLE_MESSAGE),
        (b'{"meta":{"fee":1},"transaction":{"signatures":["\xff"]}}', QuarantineReason.UNREADABLE_MESSAGE),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_no_transaction_has_its_reason(body: bytes, reason: QuarantineReason) -> None:
    assert reason_for(body) is reason


def test_every_truncation_of_the_wire_is_refused() -> None:
    wire = bytes(signed(PROGRAM))
    for length in range(len(wire)):
        cut = base64.b64encode(wire[:length]).decode()
        assert reason_for(body_of(signed(PROGRAM), transaction=[cut, "base64"])) is QuarantineReason.UNREADABLE_MESSAGE


def test_a_frame_may_not_grow_past_a_packet() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(50_000_000))
    liar = b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little") + b"\x01\x00\x00"
    for frame in (bomb, liar):
        shape = [base64.b64encode(frame).decode(), "base64+zstd"]
        assert reason_for(body_of(signed(PROGRAM), transaction=shape)) is QuarantineReason.UNREADABLE_MESSAGE


def test_odd_characters_in_logs() -> None:
    assert read_body(body_of(signed(PROGRAM), logMessages=["a\0b", "snow ☃"])).log_messages == ("a\0b", "snow ☃")
    # A lone surrogate is no text in any encoding: the body is kept, in quarantine.
    assert reason_for(body_of(signed(PROGRAM), logMessages=["\ud800"])) is QuarantineReason.NOT_JSON


def test_a_body_of_another_signature_is_refused() -> None:
    header = read_body(body_of(signed(PROGRAM)))
    assert check_storable(header, header.signature) == 400_000_000
    with pytest.raises(BodyError, match="asked for") as raised:
        check_storable(header, "1" * 64)
    assert raised.value.reason is QuarantineReason.SIGNATURE_MISMATCH


def recorded_bodies(fixtures_dir: Path) -> list[Path]:
    folders = ("tx_json", "tx_json_parsed", "tx_base64", "tx_block_element")
    paths = [path for folder in folders for path in sorted((fixtures_dir / folder).iterdir())]
    return [path for path in paths if path.name.endswith(".json") and not path.name.endswith(".expected.json")]


def test_every_recorded_transaction_reads(fixtures_dir: Path) -> None:
    encodings = {"tx_json": {"json"}, "tx_json_parsed": {"jsonParsed"}, "tx_base64": {"base64"}}
    paths = recorded_bodies(fixtures_dir)
    assert len(paths) > 200
    failed = 0
    for path in paths:
        header = read_body(path.read_bytes())
        assert header.signature == path.name.removesuffix(".json"), path
        assert header.encoding in encodings.get(path.parent.name, {"json", "jsonParsed", "base64"}), path
        assert header.program_ids, path
        assert header.lead_program_id in header.program_ids, path
        failed += header.is_failed
    assert failed > 10


@cache
def real_bodies() -> list[bytes]:
    transaction = signed(COMPUTE_BUDGET_PROGRAM_ID, PROGRAM, is_versioned=True)
    return [
        body_of(transaction, encoding)
        for encoding in ("json", "jsonParsed", "base64", "base64+zstd", "base58", "bare base58")
    ]


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_body_error_only(body: bytes) -> None:
    with pytest.raises(BodyError):
        read_body(body)


@given(st.data())
def test_mutated_bodies_raise_body_error_only(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(real_bodies())))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(body) - 1))
        body[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        header = read_body(bytes(body))
    except BodyError:
        return
    assert 0 <= header.fee_lamports <= MAX_LAMPORTS
    assert all(isinstance(program_id, str) for program_id in header.program_ids)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_replaced_values_raise_body_error_only(data: st.DataObject) -> None:
    """Any value anywhere in a true body may be any JSON."""
    body = json.loads(data.draw(st.sampled_from(real_bodies())))
    node, key = body, data.draw(st.sampled_from(sorted(body)))
    while isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
        node = node[key]
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
    node[key] = data.draw(JSON)
    try:
        header = read_body(msgspec.json.encode(body))
    except BodyError:
        return
    assert all(isinstance(key, str) for key in header.account_keys)
