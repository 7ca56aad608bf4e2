"""The parsed view: keys, call order, balances, warts that survive, damage that is refused by name."""

import base64
import json
from typing import Any

import pytest
import zstandard

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.body import BodyError, QuarantineReason
from oof_pipelines.chain.transaction import OUTER, ParsedTransaction, TokenBalance, parse_transaction
from oof_pipelines.testing.synthetic_chain import generate

SYSTEM = "11111111111111111111111111111111"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"


def body(**changes: Any) -> dict[str, Any]:
    """A small whole body; `changes` replace keys of `meta`, or of the result where it has them."""
    result: dict[str, Any] = {
        "slot": 5,
        "blockTime": 1_700_000_000,
        "transactionIndex": 3,
        "version": 0,
        "meta": {
            "fee": 5_000,
            "err": None,
            "preBalances": [10, 20, 1],
            "postBalances": [5, 20, 1],
            "preTokenBalances": [],
            "postTokenBalances": [],
            "innerInstructions": [],
            "logMessages": ["log"],
            "computeUnitsConsumed": 150,
        },
        "transaction": {
            "signatures": ["sig"],
            "message": {
                "header": {"numRequiredSignatures": 1},
                "accountKeys": ["payer", "box", SYSTEM],
                "instructions": [{"programIdIndex": 2, "accounts": [0, 1], "data": encode_base58(b"\x02abc")}],
            },
        },
    }
    for name, value in changes.items():
        (result if name in result else result["meta"])[name] = value
    return result


def parse(value: dict[str, Any]) -> ParsedTransaction:
    return parse_transaction(json.dumps(value).encode())


def test_everything_a_body_says() -> None:
    parsed = parse(body())
    assert (parsed.signature, parsed.slot, parsed.block_time_s, parsed.tx_index) == ("sig", 5, 1_700_000_000, 3)
    assert (parsed.version, parsed.fee_lamports, parsed.fee_payer, parsed.signers) == ("0", 5_000, "payer", ["payer"])
    assert (parsed.is_failed, parsed.log_messages, parsed.compute_units_consumed) == (False, ["log"], 150)
    assert parsed.keys == ["payer", "box", SYSTEM]
    assert (parsed.pre_lamports, parsed.post_lamports) == ([10, 20, 1], [5, 20, 1])
    (instruction,) = parsed.instructions
    assert (instruction.path, instruction.stack_height, instruction.program_id) == ((0, OUTER), 1, SYSTEM)
    assert (instruction.accounts, instruction.data) == (["payer", "box"], b"\x02abc")


def test_calls_come_in_the_order_they_were_made() -> None:
    value = body(
        innerInstructions=[
            {"index": 1, "instructions": [{"programIdIndex": 2, "accounts": [], "data": "", "stackHeight": 2}]},
            {
                "index": 0,
                "instructions": [
                    {"programIdIndex": 2, "accounts": [1], "data": "", "stackHeight": None},
                    {"programIdIndex": 2, "accounts": [0], "data": "", "stackHeight": 3},
                ],
            },
        ]
    )
    value["transaction"]["message"]["instructions"] *= 2
    calls = [(one.path, one.stack_height) for one in parse(value).instructions]
    assert calls == [((0, OUTER), 1), ((0, 0), 2), ((0, 1), 3), ((1, OUTER), 1), ((1, 0), 2)]


def test_keys_from_tables_follow_the_messages_own_writable_first() -> None:
    loaded = {"writable": ["w1", "w2"], "readonly": ["r1"]}
    value = body(loadedAddresses=loaded, preBalances=[1] * 6, postBalances=[1] * 6)
    assert parse(value).keys == ["payer", "box", SYSTEM, "w1", "w2", "r1"]


def test_keys_from_tables_that_the_list_holds_already_are_not_counted_twice() -> None:
    value = body(loadedAddresses={"writable": ["box"], "readonly": [SYSTEM]})
    assert parse(value).keys == ["payer", "box", SYSTEM]
    value["transaction"]["message"]["accountKeys"] = [
        {"pubkey": "payer", "signer": True},
        {"pubkey": "box", "signer": False, "source": "lookupTable"},
        {"pubkey": SYSTEM, "signer": False, "source": "lookupTable"},
    ]
    del value["transaction"]["message"]["header"]
    assert parse(value).keys == ["payer", "box", SYSTEM]
    assert parse(value).signers == ["payer"]


def test_a_nodes_own_words_replace_accounts_and_data() -> None:
    value = body()
    words = {"type": "transfer", "info": {"lamports": 5}}
    value["transaction"]["message"]["instructions"] = [
        {"programId": SYSTEM, "program": "system", "parsed": words},
        {"programId": TOKEN, "accounts": ["box"], "data": encode_base58(b"\x09")},
        {"programId": "Memo", "parsed": "hello"},
    ]
    first, second, third = parse(value).instructions
    assert (first.parsed, first.accounts, first.data) == (words, [], b"")
    assert (second.parsed, second.accounts, second.data) == (None, ["box"], b"\x09")
    assert (third.parsed, third.data) == (None, b"")


def test_token_balances_survive_what_old_nodes_left_out() -> None:
    row = {"accountIndex": 1, "mint": "mint", "uiTokenAmount": {"amount": str(2**64 - 1), "decimals": 6}}
    parsed = parse(body(preTokenBalances=[row], postTokenBalances=None))
    assert parsed.pre_tokens == [TokenBalance("box", "mint", None, 2**64 - 1, 6, None)]
    assert parsed.post_tokens == []


def test_a_shortened_account_list_survives() -> None:
    row = {"accountIndex": 9, "mint": "mint", "owner": "", "uiTokenAmount": {"amount": "7", "decimals": 6}}
    value = body(preTokenBalances=[row])
    value["transaction"]["message"]["instructions"].append({"programIdIndex": 40, "accounts": [0, 41], "data": ""})
    parsed = parse(value)
    assert parsed.pre_tokens[0].account == ""
    assert (parsed.instructions[1].program_id, parsed.instructions[1].accounts) == ("", ["payer", ""])


def test_the_least_a_body_can_say() -> None:
    message = {"accountKeys": ["payer"], "instructions": []}
    parsed = parse({"meta": {"fee": 0}, "transaction": {"signatures": ["s"], "message": message}})
    assert (parsed.slot, parsed.block_time_s, parsed.tx_index, parsed.version) == (None, None, None, "legacy")
    assert (parsed.signers, parsed.log_messages, parsed.instructions) == (["payer"], [], [])


@pytest.mark.parametrize("value", [None, {"InstructionError": [0, {"Custom": 1}]}, "AccountInUse"])
def test_failure_is_an_error_of_any_shape(value: object) -> None:
    assert parse(body(err=value)).is_failed is (value is not None)


def _token(**changes: Any) -> list[dict[str, Any]]:
    row: dict[str, Any] = {"accountIndex": 1, "mint": "m", "uiTokenAmount": {"amount": "7", "decimals": 6}}
    row["uiTokenAmount"] |= {name: value for name, value in changes.items() if name in ("amount", "decimals")}
    return [row]


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"meta": None}, QuarantineReason.MISSING_META, "null or absent"),
        ({"version": 1}, QuarantineReason.UNKNOWN_VERSION, "version 1"),
        ({"fee": -1}, QuarantineReason.UNREADABLE_MESSAGE, "-1 is no number of lamports"),
        ({"fee": 2**64}, QuarantineReason.UNREADABLE_MESSAGE, "no number of lamports"),
        ({"fee": 1.5}, QuarantineReason.NOT_A_TRANSACTION, "fee"),
        ({"preBalances": [1, 2]}, QuarantineReason.UNREADABLE_MESSAGE, "2 balances before, 3 after"),
        ({"postBalances": [1, 2, 2**64]}, QuarantineReason.UNREADABLE_MESSAGE, "no number of lamports"),
        ({"preTokenBalances": _token() * 2}, QuarantineReason.UNREADABLE_MESSAGE, "listed twice"),
        ({"preTokenBalances": _token(amount="-7")}, QuarantineReason.UNREADABLE_MESSAGE, "'-7' is no token amount"),
        ({"preTokenBalances": _token(amount="1_0")}, QuarantineReason.UNREADABLE_MESSAGE, "no token amount"),
        ({"preTokenBalances": _token(amount="٣")}, QuarantineReason.UNREADABLE_MESSAGE, "no token amount"),
        ({"preTokenBalances": _token(amount=str(2**64))}, QuarantineReason.UNREADABLE_MESSAGE, "no token amount"),
        ({"preTokenBalances": _token(amount="9" * 9_000)}, QuarantineReason.UNREADABLE_MESSAGE, "no token amount"),
        ({"preTokenBalances": _token(decimals=256)}, QuarantineReason.UNREADABLE_MESSAGE, "256 decimals"),
        ({"transaction": "1111"}, QuarantineReason.UNREADABLE_MESSAGE, ""),
        ({"transaction": ["!", "base64"]}, QuarantineReason.UNREADABLE_MESSAGE, ""),
        ({"transaction": ["", "base99"]}, QuarantineReason.UNREADABLE_MESSAGE, "base99"),
    ],
)
def test_damage_is_refused_by_name(changes: dict[str, Any], reason: QuarantineReason, words: str) -> None:
    with pytest.raises(BodyError) as refusal:
        parse(body(**changes))
    assert refusal.value.reason is reason
    assert words in refusal.value.detail


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("accountKeys", []),
        ("accountKeys", ["payer", "payer"]),
        ("accountKeys", ["payer", ""]),
        ("header", {"numRequiredSignatures": -1}),
        ("header", {"numRequiredSignatures": 300}),
        ("instructions", [{"programIdIndex": 2, "accounts": [], "data": "0OIl"}]),
        ("instructions", [{"programIdIndex": 2, "accounts": [], "data": "2" * 20_000}]),
        ("instructions", None),
    ],
)
def test_a_message_no_chain_could_run_is_refused(key: str, value: object) -> None:
    damaged = body()
    damaged["transaction"]["message"][key] = value
    with pytest.raises(BodyError) as refusal:
        parse(damaged)
    assert refusal.value.reason is QuarantineReason.UNREADABLE_MESSAGE


def test_wire_and_text_of_one_transaction_give_one_view() -> None:
    versions = set()
    for transaction in generate(21, 80):
        wire, text = (parse_transaction(transaction.to_json_bytes(encoding)) for encoding in ("base64", "json"))
        assert wire == text
        assert wire.signature == transaction.signature
        versions.add(wire.version)
    assert versions == {"0", "legacy"}


@pytest.mark.parametrize("encoding", ["base58", "base64+zstd", "bare base58"])
def test_rarer_forms_of_the_wire_are_read_alike(encoding: str) -> None:
    for transaction in generate(22, 12):
        usual = transaction.to_json_bytes("base64")
        result = json.loads(usual)
        wire = base64.b64decode(result["transaction"][0])
        result["transaction"] = {
            "base58": [encode_base58(wire), "base58"],
            "base64+zstd": [base64.b64encode(zstandard.compress(wire)).decode(), "base64+zstd"],
            "bare base58": encode_base58(wire),
        }[encoding]
        assert parse(result) == parse_transaction(usual)


def test_an_index_before_the_account_list_names_nobody() -> None:
    told = body()
    told["transaction"]["message"]["instructions"] = [{"programIdIndex": -1, "accounts": [0, -1, 999], "data": ""}]
    told["meta"]["innerInstructions"] = []
    only = parse(told).instructions[0]
    assert (only.program_id, only.accounts[1:]) == ("", ["", ""])
    assert only.accounts[0] == parse(told).fee_payer


def test_of_a_transaction_stated_twice_the_last_counts() -> None:
    """As JSON has it, also where the first one is no transaction."""
    text = json.dumps(body())
    assert parse_transaction(('{"transaction": 5, ' + text[1:]).encode()) == parse_transaction(text.encode())
