"""Reads from one body what the node must know to list, announce and order it. Pure.

A body that `read_body` refuses is indexed too, with whatever can be found in it: a client has to meet such bodies.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import decode_base58, is_pubkey, is_signature
from oof_pipelines.chain.body import BodyError, read_body, read_wire

VOTE_PROGRAM = "Vote111111111111111111111111111111111111111"
MEMO_PROGRAMS = frozenset(
    {"Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo", "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"}
)
_MAX_VOTE_SIGNATURES = 2


@dataclass(frozen=True, slots=True)
class IndexedBody:
    """What one body says. `version` is 'legacy', '0' or the text of an unknown one; `err` is JSON text, `null` if none.

    `account_keys` hold the loaded addresses too. `token_owners` own a token account that a balance list names, before
    or after. `memo` is as getSignaturesForAddress prints it.
    """

    signature: str
    slot: int | None
    block_time_seconds: int | None
    tx_index: int | None
    encoding: str
    version: str
    err: bytes
    is_vote: bool
    memo: str | None
    account_keys: tuple[str, ...]
    token_owners: tuple[str, ...]


class _Balance(msgspec.Struct):
    owner: str | None = None


class _MetaTail(msgspec.Struct, rename="camel"):
    err: msgspec.Raw = msgspec.Raw(b"null")
    pre_token_balances: list[_Balance] | None = None
    post_token_balances: list[_Balance] | None = None


class _BodyTail(msgspec.Struct):
    transaction: msgspec.Raw
    meta: _MetaTail | None = None


_tail_decoder = msgspec.json.Decoder(_BodyTail)
_any_decoder = msgspec.json.Decoder()


def index_body(body: bytes, hinted_signature: str | None) -> IndexedBody | None:
    """The index of `body`; None where no signature is found, neither in it nor as `hinted_signature`."""
    try:
        header = read_body(body)
        tail = _tail_decoder.decode(body)
    except (BodyError, msgspec.DecodeError, RecursionError):
        return _index_leniently(body, hinted_signature)
    meta = tail.meta or _MetaTail()
    keys = header.account_keys
    is_vote, memo = False, None
    if VOTE_PROGRAM in header.program_ids or not MEMO_PROGRAMS.isdisjoint(header.program_ids):
        signature_count, outer = _outer_instructions(bytes(tail.transaction), keys)
        is_vote = (
            header.version == "legacy"
            and signature_count <= _MAX_VOTE_SIGNATURES
            and [program for program, _ in outer] == [VOTE_PROGRAM]
        )
        memo = "; ".join(_memo_text(data) for program, data in outer if program in MEMO_PROGRAMS) or None
    balances = (meta.pre_token_balances or []) + (meta.post_token_balances or [])
    return IndexedBody(
        signature=header.signature,
        slot=header.slot,
        block_time_seconds=header.block_time_s,
        tx_index=header.tx_index,
        encoding=header.encoding,
        version=header.version,
        err=bytes(meta.err),
        is_vote=is_vote,
        memo=memo,
        account_keys=tuple(dict.fromkeys(keys)),
        token_owners=tuple(dict.fromkeys(balance.owner for balance in balances if balance.owner)),
    )


_Instruction = tuple[str | None, bytes | str]


def _outer_instructions(raw: bytes, keys: tuple[str, ...]) -> tuple[int, list[_Instruction]]:
    """The number of signatures, and (program, data) of each outer instruction; data is text where it came parsed."""
    if raw[:1] != b"{":
        transaction = VersionedTransaction.from_bytes(read_wire(raw)[1])
        wire = [(_at(keys, item.program_id_index), item.data) for item in transaction.message.instructions]
        return len(transaction.signatures), [(program, bytes(data)) for program, data in wire]
    value = _any_decoder.decode(raw)
    found: list[_Instruction] = []
    for item in value["message"]["instructions"]:
        program = item.get("programId") or _at(keys, item.get("programIdIndex", -1))
        parsed = item.get("parsed")
        data: bytes | str = parsed if isinstance(parsed, str) else b""
        if program in MEMO_PROGRAMS and isinstance(item.get("data"), str):
            data = decode_base58(item["data"])
        found.append((program, data))
    return len(value["signatures"]), found


def _at(keys: tuple[str, ...], index: int) -> str | None:
    return keys[index] if 0 <= index < len(keys) else None


def _memo_text(data: bytes | str) -> str:
    """`[length in bytes] text`, the form agave keeps memos in (transaction-status, extract_and_fmt_memos)."""
    if isinstance(data, str):
        return f"[{len(data.encode())}] {data}"
    try:
        return f"[{len(data)}] {data.decode()}"
    except UnicodeDecodeError:
        return f"[{len(data)}] (unparseable)"


def _index_leniently(body: bytes, hinted_signature: str | None) -> IndexedBody | None:
    try:
        value = _any_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    transaction = value.get("transaction")
    signatures = transaction.get("signatures") if isinstance(transaction, dict) else _wire_signatures(transaction)
    signature = signatures[0] if isinstance(signatures, list) and signatures else None
    if not (isinstance(signature, str) and is_signature(signature)):
        signature = hinted_signature
    if signature is None:
        return None
    meta = value.get("meta")
    version = value.get("version", "legacy")
    return IndexedBody(
        signature=signature,
        slot=_integer(value.get("slot")),
        block_time_seconds=_integer(value.get("blockTime")),
        tx_index=_integer(value.get("transactionIndex")),
        encoding=_guess_encoding(transaction),
        version="legacy" if version is None else str(version),
        err=msgspec.json.encode(meta.get("err") if isinstance(meta, dict) else None),
        is_vote=False,
        memo=None,
        account_keys=_lenient_keys(transaction, meta),
        token_owners=(),
    )


def _wire_signatures(transaction: Any) -> list[str] | None:
    try:
        _, wire = read_wire(msgspec.json.encode(transaction))
        return [str(signature) for signature in VersionedTransaction.from_bytes(wire).signatures]
    except Exception:  # solders raises its own error type for some faults; whatever it is, the bytes name no signature
        return None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _guess_encoding(transaction: Any) -> str:
    if isinstance(transaction, list) and len(transaction) == 2 and isinstance(transaction[1], str):
        return transaction[1]
    if isinstance(transaction, str):
        return "base58"
    keys = _message_keys(transaction)
    return "jsonParsed" if any(isinstance(key, dict) for key in keys) else "json"


def _message_keys(transaction: Any) -> list[Any]:
    message = transaction.get("message") if isinstance(transaction, dict) else None
    keys = message.get("accountKeys") if isinstance(message, dict) else None
    return keys if isinstance(keys, list) else []


def _lenient_keys(transaction: Any, meta: Any) -> tuple[str, ...]:
    named = [key.get("pubkey") if isinstance(key, dict) else key for key in _message_keys(transaction)]
    loaded = meta.get("loadedAddresses") if isinstance(meta, dict) else None
    if isinstance(loaded, dict):
        for part in ("writable", "readonly"):
            addresses = loaded.get(part)
            named += addresses if isinstance(addresses, list) else []
    return tuple(dict.fromkeys(key for key in named if isinstance(key, str) and is_pubkey(key)))
