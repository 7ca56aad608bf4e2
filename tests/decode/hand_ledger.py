"""Hand-built transactions that an accountant can read: balances before, instructions, what is booked, balances after.

Balances are lines `account lamports`, a token account's `account lamports mint amount owner`. Names stand for addresses
made from them, so a table reads `alice` where a body has base58. A body is built in every encoding a node offers; each
must decode to the same.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from solders.hash import Hash
from solders.instruction import CompiledInstruction
from solders.message import Message, MessageHeader
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.moves import FEE_PATH
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.book import Booked
from oof_pipelines.decode.decoded import Decoded, decode_transaction

FEE_LAMPORTS = 5_000
PROGRAMS = {
    "system": "11111111111111111111111111111111",
    "token": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    "token22": "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
    "ata": "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
    "stake": "Stake11111111111111111111111111111111111111",
    "vote": "Vote111111111111111111111111111111111111111",
    "budget": "ComputeBudget111111111111111111111111111111",
    "memo": "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr",
    "raydium": "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8",
    "wsol": "So11111111111111111111111111111111111111112",
    "wsol22": "9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXej9",
    "jito": "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
}
VIRTUAL = ("supply", "wrap", "withheld_fees", "validator_fee", "unexplained", "confidential")


def address(name: str) -> str:
    """The address a name stands for; a key that is on the curve, as a wallet's is, unless the name starts with `pda`."""
    if name in PROGRAMS:
        return PROGRAMS[name]
    for attempt in range(64):
        key = Pubkey.from_bytes(hashlib.sha256(f"{name}/{attempt}".encode()).digest())
        if key.is_on_curve() != name.startswith("pda"):
            return str(key)
    raise AssertionError(name)


def key(name: str) -> bytes:
    """The 32 bytes of a name's address."""
    return bytes(Pubkey.from_string(address(name)))


@dataclass(frozen=True, slots=True)
class Call:
    """One instruction, what it calls, and the words a node would put in its place (`type` and `info` with names)."""

    program: str
    accounts: str
    data: bytes
    words: tuple[str, dict[str, Any]] | None = None
    calls: list["Call"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """One account's balances."""

    lamports: int
    mint: str = ""
    amount_raw: int = 0
    owner: str = ""


def with_called(calls: list[Call], height: int = 1) -> Iterator[tuple[Call, int]]:
    """Calls with all they call, at any depth, in the order in which they run, each with its height."""
    for call in calls:
        yield call, height
        yield from with_called(call.calls, height + 1)


def read_lines(table: str) -> dict[str, Line]:
    """The balances of a table by account."""
    lines: dict[str, Line] = {}
    for row in table.strip().splitlines():
        name, lamports, *token = row.split()
        lines[name] = Line(int(lamports), token[0], int(token[1]), token[2]) if token else Line(int(lamports))
    return lines


def body(
    before: str,
    calls: list[Call],
    after: str,
    encoding: str = "json",
    *,
    error: object = None,
    fee_lamports: int = 0,
    logs: list[str] | None = None,
) -> bytes:
    """The getTransaction result of a hand-built transaction. The first line of `before` pays the fee.

    `logs` are its log messages, none where the node kept none.
    """
    pre, post = read_lines(before), read_lines(after)
    named = [name for one, _ in with_called(calls) for name in (*one.accounts.split(), one.program)]
    names = list(dict.fromkeys([*pre, *post, *named]))
    index = {name: number for number, name in enumerate(names)}
    mints = list(dict.fromkeys(line.mint for line in (*pre.values(), *post.values()) if line.mint))

    def rows(side: dict[str, Line]) -> list[dict[str, Any]]:
        return [
            {
                "accountIndex": index[name],
                "mint": address(line.mint),
                "owner": address(line.owner),
                "uiTokenAmount": {"amount": str(line.amount_raw), "decimals": mints.index(line.mint)},
            }
            for name, line in side.items()
            if line.mint
        ]

    is_parsed = encoding == "jsonParsed"
    groups = [
        {
            "index": number,
            "instructions": [
                _instruction(one, index, height, is_parsed=is_parsed) for one, height in with_called(call.calls, 2)
            ],
        }
        for number, call in enumerate(calls)
        if call.calls
    ]
    meta = {
        "err": error,
        "fee": fee_lamports or FEE_LAMPORTS,
        "preBalances": [pre[name].lamports if name in pre else 0 for name in names],
        "postBalances": [post[name].lamports if name in post else 0 for name in names],
        "preTokenBalances": rows(pre),
        "postTokenBalances": rows(post),
        "innerInstructions": groups,
        "logMessages": logs,
    }
    transaction = _transaction(names, index, calls, encoding)
    return json.dumps({"slot": 1, "blockTime": 1, "meta": meta, "transaction": transaction}).encode()


def _instruction(call: Call, index: dict[str, int], height: int, *, is_parsed: bool) -> dict[str, Any]:
    if is_parsed and call.words is not None:
        kind, info = call.words
        told = {name: _told(name, value) for name, value in info.items()}
        parsed = {"type": kind, "info": told}
        return {"programId": address(call.program), "parsed": parsed, "stackHeight": height}
    data = encode_base58(call.data)
    if is_parsed:
        accounts = [address(name) for name in call.accounts.split()]
        return {"programId": address(call.program), "accounts": accounts, "data": data, "stackHeight": height}
    numbers = [index[name] for name in call.accounts.split()]
    return {"programIdIndex": index[call.program], "accounts": numbers, "data": data, "stackHeight": height}


def _told(name: str, value: object) -> object:
    """A word's value: names become addresses, but for words that are no account's."""
    is_account = isinstance(value, str) and not value.isdecimal() and name not in ("authorityType", "seed")
    return address(str(value)) if is_account else value


def _transaction(names: list[str], index: dict[str, int], calls: list[Call], encoding: str) -> Any:
    signature = Signature(hashlib.sha512(repr((names, calls)).encode()).digest())
    if encoding == "base64":
        compiled = [
            CompiledInstruction(index[one.program], one.data, bytes(index[name] for name in one.accounts.split()))
            for one in calls
        ]
        keys = [Pubkey.from_string(address(name)) for name in names]
        message = Message.new_with_compiled_instructions(1, 0, 0, keys, Hash.default(), compiled)
        assert message.header == MessageHeader(1, 0, 0)
        wire = bytes(VersionedTransaction.populate(message, [signature]))
        return [base64.b64encode(wire).decode(), "base64"]
    is_parsed = encoding == "jsonParsed"
    message_json: dict[str, Any] = {
        "accountKeys": [
            {"pubkey": address(name), "signer": number == 0} if is_parsed else address(name)
            for number, name in enumerate(names)
        ],
        "instructions": [_instruction(one, index, 1, is_parsed=is_parsed) for one in calls],
    }
    if not is_parsed:
        message_json["header"] = {"numRequiredSignatures": 1}
    return {"signatures": [str(signature)], "message": message_json}


def decode_all(before: str, calls: list[Call], after: str, *, error: object = None) -> Decoded:
    """The transaction decoded from each encoding; they have to agree."""
    results = [
        decode_transaction(parse_transaction(body(before, calls, after, encoding, error=error)))
        for encoding in ("json", "base64", "jsonParsed")
    ]
    for other in results[1:]:
        assert other.moves == results[0].moves
        assert other.actions == results[0].actions
        assert other.participants == results[0].participants
        assert (other.routes, other.facts) == (results[0].routes, results[0].facts)
        assert (other.decimals, other.unread, other.unknown) == (
            results[0].decimals,
            results[0].unread,
            results[0].unknown,
        )
    return results[0]


def names_of(before: str, calls: list[Call], after: str, *more: str) -> dict[str, str]:
    """Address → name, of everything a transaction names."""
    names = {*PROGRAMS, *more}
    for line_name, line in [*read_lines(before).items(), *read_lines(after).items()]:
        names |= {line_name, line.mint, line.owner} - {""}
    for one, _ in with_called(calls):
        names |= {*one.accounts.split(), one.program}
        words = one.words[1] if one.words else {}
        names |= {str(value) for name, value in words.items() if isinstance(value, str) and name != "authorityType"}
    return {address(name): name for name in names} | {name: name for name in (*VIRTUAL, "lamports", "")}


def booked_lines(decoded: Decoded | Booked, names: dict[str, str]) -> list[str]:
    """The moves as lines `path account asset delta kind`, with ` of OWNER` where another owns the account; no fee."""
    lines = []
    for move in decoded.moves:
        if move.path != FEE_PATH:
            owner = f" of {names[move.owner]}" if move.owner != move.account else ""
            account = f"({move.account})" if move.is_virtual else names[move.account]
            lines.append(f"{move.path} {account} {names[move.asset]} {move.delta_raw:+d} {move.kind}{owner}")
    return lines


def action_lines(decoded: Decoded, names: dict[str, str]) -> list[str]:
    """The actions as lines `path kind wallet → counterparty asset amount`, a swap's with what it brought; no fee."""
    lines = []
    for action in decoded.actions:
        if action.kind != "fee":
            to = f" → {names[action.counterparty]}" if action.counterparty else ""
            bought = f" for {names[action.bought_asset]} {action.bought_raw}" if action.bought_asset else ""
            what = f"{names[action.asset]} {action.amount_raw}{bought}"
            lines.append(f"{action.path} {action.kind} {names[action.wallet]}{to} {what}")
    return lines


def squeeze(table: str) -> list[str]:
    """A table's lines with single blanks between the words."""
    return [" ".join(row.split()) for row in table.strip().splitlines()]


def check(before: str, apply: list[Call], booked: str, after: str, did: str) -> Decoded:
    """Decode in every encoding, and hold moves and actions against the tables; the fee is told by the balances."""
    decoded = decode_all(before, apply, after)
    names = names_of(before, apply, after, "program")
    assert booked_lines(decoded, names) == squeeze(booked)
    assert action_lines(decoded, names) == squeeze(did)
    payer = address(next(iter(read_lines(before))))
    fee = [(move.account, move.delta_raw, move.kind) for move in decoded.moves if move.path == FEE_PATH]
    assert fee == [(payer, -FEE_LAMPORTS, "fee_base"), ("validator_fee", FEE_LAMPORTS, "fee_base")]
    return decoded
