"""One view of a transaction, whatever encoding it was recorded in: keys, instructions in call order, balances.

`parse_transaction` reads the JSON of a getTransaction result (or of an element of a block) from bytes. Addresses are
base58 strings, instruction data are bytes, amounts are integers in base units. What the instructions *did* is decoding.
"""

import struct
from dataclasses import dataclass
from typing import Any

import msgspec
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import decode_base58
from oof_pipelines.chain.body import MAX_LAMPORTS, BodyError, QuarantineReason, read_wire

OUTER = -1
"""The inner index of an instruction of the message itself."""

# What one program may hand another (MAX_INSTRUCTION_DATA_LEN); reading base58 takes the square of its length, so it is
# bounded first. 138 characters hold at least 100 bytes.
_MAX_DATA_CHARACTERS = 10 * 1024 * 138 // 100 + 1
# msgspec checks neither the UTF-8 of what it skips nor how deep it is before it is read.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(slots=True)
class Instruction:
    """One call. `path` is (outer index, inner index), with `OUTER` for the outer one itself.

    `stack_height` is 1 for an outer instruction; inner ones without a recorded height count as 2. `data` are the raw
    bytes; a jsonParsed recording replaced those of well-known programs by its own words, which are `parsed` then
    (`{"type", "info"}`), with no `accounts` and no `data`.
    """

    path: tuple[int, int]
    stack_height: int
    program_id: str
    accounts: list[str]
    data: bytes
    parsed: dict[str, Any] | None = None


@dataclass(slots=True)
class TokenBalance:
    """A token account at one side of the transaction. `owner` and `program_id` are absent in old recordings."""

    account: str
    mint: str
    owner: str | None
    amount_raw: int
    decimals: int
    program_id: str | None


@dataclass(slots=True)
class ParsedTransaction:
    """A transaction as the chain ran it. Balances are lamports by position in `keys`; `slot` may be unknown."""

    signature: str
    slot: int | None
    block_time_s: int | None
    tx_index: int | None
    version: str
    error: Any
    fee_lamports: int
    signer_count: int
    keys: list[str]
    instructions: list[Instruction]
    pre_lamports: list[int]
    post_lamports: list[int]
    pre_tokens: list[TokenBalance]
    post_tokens: list[TokenBalance]
    log_messages: list[str]
    compute_units_consumed: int | None

    @property
    def is_failed(self) -> bool:
        return self.error is not None

    @property
    def fee_payer(self) -> str:
        return self.keys[0]

    @property
    def signers(self) -> list[str]:
        return self.keys[: self.signer_count]


class _UiAmount(msgspec.Struct):
    amount: str
    decimals: int = 0


class _TokenBalance(msgspec.Struct, rename="camel"):
    account_index: int
    mint: str
    ui_token_amount: _UiAmount
    owner: str | None = None
    program_id: str | None = None


class _Loaded(msgspec.Struct):
    writable: list[str] = []
    readonly: list[str] = []


class _Instruction(msgspec.Struct, rename="camel"):
    """Of any encoding: indexes, or names, or the node's own words."""

    program_id_index: int | None = None
    program_id: str | None = None
    accounts: list[int | str] | None = None
    data: str | None = None
    parsed: Any = None
    stack_height: int | None = None


class _InnerInstructions(msgspec.Struct):
    index: int
    instructions: list[_Instruction]


class _Meta(msgspec.Struct, rename="camel"):
    fee: int
    err: Any = None
    pre_balances: list[int] = []
    post_balances: list[int] = []
    pre_token_balances: list[_TokenBalance] | None = None
    post_token_balances: list[_TokenBalance] | None = None
    inner_instructions: list[_InnerInstructions] | None = None
    log_messages: list[str] | None = None
    loaded_addresses: _Loaded | None = None
    compute_units_consumed: int | None = None


class _Result(msgspec.Struct, rename="camel"):
    transaction: msgspec.Raw
    meta: _Meta | None = None
    slot: int | None = None
    block_time: int | None = None
    version: int | str | None = None
    transaction_index: int | None = None


class _Key(msgspec.Struct):
    pubkey: str
    signer: bool = False


class _Header(msgspec.Struct, rename="camel"):
    num_required_signatures: int


class _Message(msgspec.Struct, rename="camel"):
    account_keys: list[str | _Key]
    instructions: list[_Instruction]
    header: _Header | None = None


class _JsonTransaction(msgspec.Struct):
    signatures: list[str]
    message: _Message


@dataclass(slots=True)
class _Body:
    """The message, from either form."""

    signature: str
    version: str
    signer_count: int
    keys: list[str]
    instructions: list[_Instruction]


_result_decoder = msgspec.json.Decoder(_Result)
_json_transaction_decoder = msgspec.json.Decoder(_JsonTransaction)


def parse_transaction(body: bytes) -> ParsedTransaction:
    """The view of one recorded transaction; `BodyError` says what cannot be read and why."""
    try:
        result = _result_decoder.decode(body)
    except _UNREADABLE as error:
        raise BodyError(QuarantineReason.NOT_A_TRANSACTION, str(error)) from None
    meta = result.meta
    if meta is None:
        raise BodyError(QuarantineReason.MISSING_META, "meta is null or absent")
    if result.version not in (None, "legacy", 0):
        raise BodyError(QuarantineReason.UNKNOWN_VERSION, f"transaction version {result.version!r}")
    raw = bytes(result.transaction)
    try:
        message = _json_message(raw, result, meta) if raw[:1] == b"{" else _wire_message(raw, meta)
        _check_books(message, meta)
        return ParsedTransaction(
            signature=message.signature,
            slot=result.slot,
            block_time_s=result.block_time,
            tx_index=result.transaction_index,
            version=message.version,
            error=meta.err,
            fee_lamports=meta.fee,
            signer_count=message.signer_count,
            keys=message.keys,
            instructions=_in_call_order(message, meta),
            pre_lamports=meta.pre_balances,
            post_lamports=meta.post_balances,
            pre_tokens=_token_balances(meta.pre_token_balances, message.keys),
            post_tokens=_token_balances(meta.post_token_balances, message.keys),
            log_messages=meta.log_messages or [],
            compute_units_consumed=meta.compute_units_consumed,
        )
    except (ValueError, IndexError, struct.error) as error:
        if isinstance(error, BodyError):
            raise
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, str(error)) from None


def _json_message(raw: bytes, result: _Result, meta: _Meta) -> _Body:
    try:
        transaction = _json_transaction_decoder.decode(raw)
    except _UNREADABLE as error:
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, str(error)) from None
    message = transaction.message
    keys = [key if isinstance(key, str) else key.pubkey for key in message.account_keys]
    loaded = _loaded(meta)
    if not set(loaded) <= set(keys):  # jsonParsed, and some who re-write recordings, put them into the list themselves
        keys += loaded
    if not keys or not transaction.signatures:
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, "the message has no signature or no account")
    signer_count = (
        message.header.num_required_signatures
        if message.header is not None
        else sum(isinstance(key, _Key) and key.signer for key in message.account_keys)
    )
    version = "0" if result.version == 0 else "legacy"
    return _Body(transaction.signatures[0], version, signer_count or 1, keys, message.instructions)


def _wire_message(raw: bytes, meta: _Meta) -> _Body:
    encoding, wire = read_wire(raw)
    try:
        transaction = VersionedTransaction.from_bytes(wire)
    except Exception as error:  # solders raises its own error type for some faults and ValueError for others
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, f"{encoding} message: {error}") from None
    message = transaction.message
    keys = [str(key) for key in message.account_keys] + _loaded(meta)
    if not keys or not transaction.signatures:
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, "the message has no signature or no account")
    instructions = [
        _Instruction(program_id_index=one.program_id_index, accounts=list(one.accounts), data=bytes(one.data))  # type: ignore[arg-type]
        for one in message.instructions
    ]
    version = "0" if transaction.version() == 0 else "legacy"
    return _Body(str(transaction.signatures[0]), version, message.header.num_required_signatures, keys, instructions)


def _check_books(message: _Body, meta: _Meta) -> None:
    """Refuses what no run of a transaction can report; ValueError says what. A shortened account list is no such thing."""
    if len(set(message.keys)) != len(message.keys) or "" in message.keys:
        raise ValueError("an account without address, or listed twice")
    if not 0 < message.signer_count < 256:
        raise ValueError(f"{message.signer_count} signers")
    if len(meta.pre_balances) != len(meta.post_balances):
        raise ValueError(f"{len(meta.pre_balances)} balances before, {len(meta.post_balances)} after")
    stated = [meta.fee, *meta.pre_balances, *meta.post_balances]
    if min(stated) < 0 or max(stated) > MAX_LAMPORTS:
        raise ValueError(f"{min(stated) if min(stated) < 0 else max(stated)} is no number of lamports")
    for rows in (meta.pre_token_balances or (), meta.post_token_balances or ()):
        if len({row.account_index for row in rows}) != len(rows):
            raise ValueError("a token account is listed twice")
        for row in rows:
            if not 0 <= row.ui_token_amount.decimals < 256:
                raise ValueError(f"a token of {row.ui_token_amount.decimals} decimals")


def _loaded(meta: _Meta) -> list[str]:
    loaded = meta.loaded_addresses
    return loaded.writable + loaded.readonly if loaded else []


def _in_call_order(message: _Body, meta: _Meta) -> list[Instruction]:
    """Outer instructions, each followed by what it called, in the order of the calls."""
    groups = {group.index: group.instructions for group in meta.inner_instructions or ()}
    ordered = []
    for outer, instruction in enumerate(message.instructions):
        ordered.append(_resolve((outer, OUTER), 1, instruction, message.keys))
        for inner, called in enumerate(groups.get(outer, ())):
            ordered.append(_resolve((outer, inner), called.stack_height or 2, called, message.keys))
    return ordered


def _resolve(path: tuple[int, int], height: int, raw: _Instruction, keys: list[str]) -> Instruction:
    program_id = raw.program_id
    if program_id is None:
        program_id = _key(keys, raw.program_id_index)
    accounts = _accounts(raw.accounts or [], keys)
    parsed = raw.parsed if isinstance(raw.parsed, dict) else None
    return Instruction(path, height, program_id, accounts, _data(raw.data), parsed)


def _accounts(named: list[int | str], keys: list[str]) -> list[str]:
    """Addresses of indexes or of names; '' for an index beyond a shortened account list."""
    if named and isinstance(named[0], int):
        try:
            # Nearly always all are indexes within the list; names, negative or large indexes are for the slower way.
            if min(named) >= 0:  # type: ignore[operator]
                return [keys[index] for index in named]  # type: ignore[index]
        except (TypeError, IndexError):
            pass
    return [one if isinstance(one, str) else _key(keys, one) for one in named]


def _data(data: Any) -> bytes:
    """Instruction data: bytes from the wire, base58 from JSON, none where the node used its own words."""
    if isinstance(data, bytes):
        return data
    if not data:
        return b""
    if len(data) > _MAX_DATA_CHARACTERS:
        raise ValueError(f"instruction data of {len(data)} characters")
    return decode_base58(data)


def _key(keys: list[str], index: int | None) -> str:
    """The address at `index`; a recording with a shortened account list has none there, and '' says so."""
    return keys[index] if index is not None and 0 <= index < len(keys) else ""


def _token_balances(rows: list[_TokenBalance] | None, keys: list[str]) -> list[TokenBalance]:
    return [
        TokenBalance(
            _key(keys, row.account_index),
            row.mint,
            row.owner or None,
            _amount_raw(row.ui_token_amount.amount),
            row.ui_token_amount.decimals,
            row.program_id or None,
        )
        for row in rows or ()
    ]


def _amount_raw(text: str) -> int:
    # A u64 has at most 20 digits; int() alone would also take signs, blanks, underscores and digits of other scripts.
    if text.isascii() and text.isdecimal() and len(text) <= 20:
        amount_raw = int(text)
        if amount_raw <= MAX_LAMPORTS:
            return amount_raw
    raise ValueError(f"{text[:40]!r} is no token amount")
