"""One view of a transaction, whatever encoding it was recorded in: keys, instructions in call order, balances.

`parse_transaction` reads the JSON of a getTransaction result (or of an element of a block) from bytes. Addresses are
base58 strings, instruction data are bytes, amounts are integers in base units. What the instructions *did* is decoding.
"""

import struct
from collections.abc import Sequence
from typing import Any

import msgspec
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import decode_base58
from oof_pipelines.chain.body import MAX_LAMPORTS, BodyError, QuarantineReason, read_wire
from oof_pipelines.chain.call_heights import heights_by_log
from oof_pipelines.chain.native import Parts, TokenRow, read_json
from oof_pipelines.chain.transaction_json import (
    JsonInstruction,
    JsonKey,
    JsonMeta,
    JsonOutline,
    JsonResult,
    JsonTokenBalance,
    JsonTransaction,
    Wire,
    WireInstruction,
    json_transaction_decoder,
    result_decoder,
    result_in_parts_decoder,
)

OUTER = -1
"""The inner index of an instruction of the message itself."""
_UNTOLD_HEIGHT = 2

# What one program may hand another (MAX_INSTRUCTION_DATA_LEN); reading base58 takes the square of its length, so it is
# bounded first. 138 characters hold at least 100 bytes.
_MAX_DATA_CHARACTERS = 10 * 1024 * 138 // 100 + 1
# msgspec checks neither the UTF-8 of what it skips nor how deep it is before it is read.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Instruction(msgspec.Struct, gc=False):
    """One call. `path` is (outer index, inner index), with `OUTER` for the outer one itself.

    `stack_height` is 1 for an outer instruction; of inner ones without a recorded height it is what the log says, and 2
    where that says nothing. `data` are the raw
    bytes; a jsonParsed recording replaced those of well-known programs by its own words, which are `parsed` then
    (`{"type", "info"}`), with no `accounts` and no `data`.
    """

    path: tuple[int, int]
    stack_height: int
    program_id: str
    accounts: list[str]
    data: bytes
    parsed: dict[str, Any] | None = None


class TokenBalance(msgspec.Struct, gc=False):
    """A token account at one side of the transaction. `owner` and `program_id` are absent in old recordings."""

    account: str
    mint: str
    owner: str | None
    amount_raw: int
    decimals: int
    program_id: str | None


class ParsedTransaction(msgspec.Struct, gc=False):
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


class _Body(msgspec.Struct, gc=False):
    """The message, from either form."""

    signature: str
    version: str
    signer_count: int
    keys: list[str]
    instructions: Sequence[JsonInstruction | WireInstruction]
    has_names: bool = False
    """Whether instructions name accounts instead of counting them."""


_Addresses = dict[int | str | None, str]
"""Address by its index in the account list, and by itself, for instructions that name what they take."""


def parse_transaction(body: bytes) -> ParsedTransaction:
    """The view of one recorded transaction; `BodyError` says what cannot be read and why."""
    parts = read_json(body) if read_json is not None else None
    if parts is not None:
        return _of_parts(parts)
    result = _read(body)
    meta = _meta_of(result)
    try:
        transaction = result.transaction
        if isinstance(transaction, JsonTransaction):
            message = _json_message(transaction, result, meta)
        else:
            message = _wire_message(*transaction, meta)
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


def _of_parts(parts: Parts) -> ParsedTransaction:
    """The same of what the compiled reader found."""
    (signature, slot, block_time_s, tx_index, version, error, fee_lamports, signer_count, keys) = parts[:9]
    rows, pre_lamports, post_lamports, before, after, log_messages, units, is_told = parts[9:]
    instructions = [
        Instruction((outer, inner), height, program_id, accounts, data, parsed)
        for outer, inner, height, program_id, accounts, data, parsed in rows
    ]
    if not is_told:
        _set_heights(instructions, log_messages)
    return ParsedTransaction(
        signature,
        slot,
        block_time_s,
        tx_index,
        version,
        error,
        fee_lamports,
        signer_count,
        keys,
        instructions,
        pre_lamports,
        post_lamports,
        _balances_of(before),
        _balances_of(after),
        log_messages,
        units,
    )


def _balances_of(rows: list[TokenRow]) -> list[TokenBalance]:
    return [
        TokenBalance(account, mint, owner, amount_raw, decimals, program_id)
        for account, mint, owner, amount_raw, decimals, program_id in rows
    ]


def _read(body: bytes) -> JsonResult:
    try:
        result = result_decoder.decode(body)
        if isinstance(result.transaction, JsonTransaction) or result.transaction[1] == "base64":
            return result
    except _UNREADABLE:
        pass
    return _read_in_parts(body)


def _read_in_parts(body: bytes) -> JsonResult:
    """Reads what cannot be read at once: a rare encoding, or a fault, whose reason depends on the part that has it."""
    try:
        outline = result_in_parts_decoder.decode(body)
    except _UNREADABLE as error:
        raise BodyError(QuarantineReason.NOT_A_TRANSACTION, str(error)) from None
    _meta_of(outline)
    raw = bytes(outline.transaction)
    transaction: JsonTransaction | Wire
    if raw[:1] == b"{":
        try:
            transaction = json_transaction_decoder.decode(raw)
        except _UNREADABLE as error:
            raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, str(error)) from None
    else:
        encoding, wire = read_wire(raw)
        transaction = (wire, encoding)
    return JsonResult(
        transaction=transaction,
        meta=outline.meta,
        slot=outline.slot,
        block_time=outline.block_time,
        version=outline.version,
        transaction_index=outline.transaction_index,
    )


def _meta_of(result: JsonOutline) -> JsonMeta:
    if result.meta is None:
        raise BodyError(QuarantineReason.MISSING_META, "meta is null or absent")
    if result.version not in (None, "legacy", 0):
        raise BodyError(QuarantineReason.UNKNOWN_VERSION, f"transaction version {result.version!r}")
    return result.meta


def _json_message(transaction: JsonTransaction, result: JsonResult, meta: JsonMeta) -> _Body:
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
        else sum(isinstance(key, JsonKey) and key.signer for key in message.account_keys)
    )
    version = "0" if result.version == 0 else "legacy"
    has_names = message.header is None
    return _Body(transaction.signatures[0], version, signer_count or 1, keys, message.instructions, has_names)


def _wire_message(wire: bytes, encoding: str, meta: JsonMeta) -> _Body:
    try:
        transaction = VersionedTransaction.from_bytes(wire)
    except Exception as error:  # solders raises its own error type for some faults and ValueError for others
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, f"{encoding} message: {error}") from None
    message = transaction.message
    keys = [str(key) for key in message.account_keys] + _loaded(meta)
    if not keys or not transaction.signatures:
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, "the message has no signature or no account")
    instructions = [
        WireInstruction(one.program_id_index, bytes(one.accounts), one.data) for one in message.instructions
    ]
    version = "0" if transaction.version() == 0 else "legacy"
    return _Body(str(transaction.signatures[0]), version, message.header.num_required_signatures, keys, instructions)


def _check_books(message: _Body, meta: JsonMeta) -> None:
    """Refuses what no run of a transaction can report; ValueError says what. A shortened account list is no such thing."""
    distinct = set(message.keys)
    if len(distinct) != len(message.keys) or "" in distinct:
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


def _loaded(meta: JsonMeta) -> list[str]:
    loaded = meta.loaded_addresses
    return loaded.writable + loaded.readonly if loaded else []


def _in_call_order(message: _Body, meta: JsonMeta) -> list[Instruction]:
    """Outer instructions, each followed by what it called, in the order of the calls."""
    addresses: _Addresses = dict(enumerate(message.keys))
    if message.has_names:
        addresses.update(zip(message.keys, message.keys, strict=True))
    groups = {group.index: group.instructions for group in meta.inner_instructions or ()}
    ordered = []
    is_told = True
    for outer, instruction in enumerate(message.instructions):
        ordered.append(_resolve((outer, OUTER), 1, instruction, addresses))
        for inner, called in enumerate(groups.get(outer, ())):
            height = called.stack_height
            is_told = is_told and height is not None
            ordered.append(_resolve((outer, inner), height or _UNTOLD_HEIGHT, called, addresses))
    if not is_told:
        _set_heights(ordered, meta.log_messages or [])
    return ordered


def _set_heights(ordered: list[Instruction], messages: list[str]) -> None:
    """The heights that the log tells, where it does."""
    are_outer = [one.path[1] == OUTER for one in ordered]
    heights = heights_by_log([one.program_id for one in ordered], are_outer, messages)
    for one, height in zip(ordered, heights, strict=True):
        one.stack_height = height or one.stack_height


def _resolve(
    path: tuple[int, int], height: int, raw: JsonInstruction | WireInstruction, addresses: _Addresses
) -> Instruction:
    """'' stands for an address beyond a shortened account list."""
    program_id = raw.program_id
    if program_id is None:
        program_id = addresses.get(raw.program_id_index, "")
    try:
        accounts = list(map(addresses.__getitem__, raw.accounts or ()))
    except KeyError:
        accounts = [one if isinstance(one, str) else addresses.get(one, "") for one in raw.accounts or ()]
    parsed = raw.parsed if isinstance(raw.parsed, dict) else None
    return Instruction(path, height, program_id, accounts, _data(raw.data) if raw.data else b"", parsed)


def _data(data: Any) -> bytes:
    """Instruction data: bytes from the wire, base58 from JSON."""
    if isinstance(data, bytes):
        return data
    if len(data) > _MAX_DATA_CHARACTERS:
        raise ValueError(f"instruction data of {len(data)} characters")
    return decode_base58(data)


def _token_balances(rows: list[JsonTokenBalance] | None, keys: list[str]) -> list[TokenBalance]:
    return [
        TokenBalance(
            keys[row.account_index] if 0 <= row.account_index < len(keys) else "",
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
