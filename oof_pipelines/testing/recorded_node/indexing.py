"""Reads from one body what the node must know to list, announce and order it. Pure.

A body that `read_body` refuses is indexed too, with whatever can be found in it: a client has to meet such bodies. What
no node could announce is refused: a transaction without a valid signature, or in a slot that cannot be.
"""

from dataclasses import dataclass
from typing import Any, TypeGuard

import msgspec
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import decode_base58, is_pubkey
from oof_pipelines.chain.body import MAX_WIRE_BYTES, BodyError, read_body, read_wire
from oof_pipelines.testing.recorded_node.recordings import (
    NO_SIGNATURE,
    UNUSABLE_SLOT,
    RecordingError,
    is_signature_text,
)

VOTE_PROGRAM = "Vote111111111111111111111111111111111111111"
MEMO_PROGRAMS = frozenset(
    {"Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo", "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"}
)
MAX_RECORDED_SLOT = 2**33
"""A slot past this one is damage: at 0.4 s a slot it lies a century after genesis. The tip runs on from the last slot, and
a client that repairs a gap asks for every stretch of 500,000 slots, so one absurd slot would keep it busy for hours."""
_MAX_VOTE_SIGNATURES = 2
_MAX_PUBKEY_CHARACTERS = 44
_MAX_BLOCK_TIME_SECONDS = 2**62


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


class _MetaErr(msgspec.Struct):
    err: msgspec.Raw = msgspec.Raw(b"null")


class _BodyErr(msgspec.Struct):
    meta: _MetaErr | None = None


_tail_err_decoder = msgspec.json.Decoder(_BodyErr)
_tail_decoder = msgspec.json.Decoder(_BodyTail)
_any_decoder = msgspec.json.Decoder()


def index_body(body: bytes, hinted_signature: str | None) -> IndexedBody:
    """The index of `body`.

    Raises `RecordingError` where no valid signature is found, neither in it nor as `hinted_signature`, and where it names
    a slot that is none, or one after `MAX_RECORDED_SLOT`.
    """
    try:
        header = read_body(body)
        tail = _tail_decoder.decode(body)
    except (BodyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _index_leniently(body, hinted_signature)
    if not is_signature_text(header.signature):
        return _index_leniently(body, hinted_signature)
    if header.slot is not None and header.slot > MAX_RECORDED_SLOT:
        raise RecordingError(UNUSABLE_SLOT)
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
        block_time_seconds=_block_time_seconds(header.block_time_s),
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
        program = item.get("programId") or _at(keys, item.get("programIdIndex"))
        parsed = item.get("parsed")
        data: bytes | str = parsed if isinstance(parsed, str) else b""
        if program in MEMO_PROGRAMS and isinstance(item.get("data"), str):
            data = _instruction_data(item["data"])
        found.append((program, data))
    return len(value["signatures"]), found


def _at(keys: tuple[str, ...], index: int | None) -> str | None:
    return keys[index] if index is not None and 0 <= index < len(keys) else None


def _instruction_data(text: str) -> bytes:
    if len(text) > 2 * MAX_WIRE_BYTES:
        return b""
    try:
        return decode_base58(text)
    except ValueError:
        return b""


def _memo_text(data: bytes | str) -> str:
    """`[length in bytes] text`, the form agave keeps memos in (transaction-status, extract_and_fmt_memos)."""
    if isinstance(data, str):
        return f"[{len(data.encode())}] {data}"
    try:
        return f"[{len(data)}] {data.decode()}"
    except UnicodeDecodeError:
        return f"[{len(data)}] (unparseable)"


def _index_leniently(body: bytes, hinted_signature: str | None) -> IndexedBody:
    try:
        value = _any_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RecordingError(NO_SIGNATURE) from None
    transaction = value.get("transaction")
    signatures = transaction.get("signatures") if isinstance(transaction, dict) else _wire_signatures(transaction)
    signature = signatures[0] if isinstance(signatures, list) and signatures else None
    if not is_signature_text(signature):
        signature = hinted_signature
    if signature is None:
        raise RecordingError(NO_SIGNATURE)
    slot = value.get("slot")
    if slot is not None and (_integer(slot) is None or slot > MAX_RECORDED_SLOT):
        raise RecordingError(UNUSABLE_SLOT)
    meta = value.get("meta")
    version = value.get("version", "legacy")
    return IndexedBody(
        signature=signature,
        slot=slot,
        block_time_seconds=_block_time_seconds(_integer(value.get("blockTime"))),
        tx_index=_integer(value.get("transactionIndex")),
        encoding=_guess_encoding(transaction),
        version="legacy" if version is None else str(version),
        err=_lenient_err(body),
        is_vote=False,
        memo=None,
        account_keys=_lenient_keys(transaction, meta),
        token_owners=(),
    )


def _lenient_err(body: bytes) -> bytes:
    try:
        return bytes((_tail_err_decoder.decode(body).meta or _MetaErr()).err)
    except msgspec.DecodeError:
        return b"null"


def _wire_signatures(transaction: Any) -> list[str] | None:
    try:
        _, wire = read_wire(msgspec.json.encode(transaction))
        return [str(signature) for signature in VersionedTransaction.from_bytes(wire).signatures]
    except Exception:  # solders raises its own error type for some faults; whatever it is, the bytes name no signature
        return None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _block_time_seconds(value: int | None) -> int | None:
    # What no node can answer to getBlockTime (a signed 64-bit number of seconds) is as good as no block time.
    return value if value is not None and 0 <= value <= _MAX_BLOCK_TIME_SECONDS else None


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
    return tuple(dict.fromkeys(key for key in named if _is_key(key)))


def _is_key(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= _MAX_PUBKEY_CHARACTERS and is_pubkey(value)
