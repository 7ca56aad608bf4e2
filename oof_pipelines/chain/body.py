"""Reads the body of one transaction, the JSON `result` of getTransaction, far enough to store it and to find it again.

Every encoding a node offers is read: `json`, `jsonParsed`, `base64`, `base64+zstd`, `base58` and the oldest form, a bare
base58 string. What the instructions did is not looked at here; that is decoding.

Recorded data has warts that are survived (a missing `version`, null `blockTime`, null token balances, a shortened account
list); what makes a body useless is a `BodyError` with a reason that goes with it into quarantine.
"""

import base64
import enum
from dataclasses import dataclass
from typing import Any

import msgspec
import zstandard
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import decode_base58

VOTE_PROGRAM_ID = "Vote111111111111111111111111111111111111111"
COMPUTE_BUDGET_PROGRAM_ID = "ComputeBudget111111111111111111111111111111"
MAX_LAMPORTS = 2**64 - 1
MAX_SLOT = 2**40
"""Far past any slot this century: a larger number is damage."""
MAX_TX_INDEX = 2**31 - 1
MAX_WIRE_BYTES = 1232
"""The size of a Solana packet, so of any transaction on the wire (PACKET_DATA_SIZE)."""
# 138 base58 characters hold at least 100 bytes. Reading base58 takes the square of its length, so it is bounded first.
_MAX_BASE58_CHARACTERS = MAX_WIRE_BYTES * 138 // 100 + 1
# A node compresses with zstd's default level, whose window is 2 MB; a header that wants more is damage.
_MAX_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024


class QuarantineReason(enum.StrEnum):
    """Why a transaction cannot join the store. The value is what SQL shows."""

    NOT_JSON = "not_json"
    NOT_A_TRANSACTION = "not_a_transaction"
    MISSING_META = "missing_meta"
    MISSING_SLOT = "missing_slot"
    UNKNOWN_VERSION = "unknown_version"
    UNREADABLE_MESSAGE = "unreadable_message"
    SIGNATURE_MISMATCH = "signature_mismatch"
    OTHER_CLUSTER = "other_cluster"
    IN_THE_FUTURE = "in_the_future"
    NOT_FOUND = "not_found"
    RPC_REFUSED = "rpc_refused"
    UNSTORABLE = "unstorable"
    VANISHED = "vanished"


class BodyError(ValueError):
    """A body that cannot be stored: `reason` for machines, the message for people."""

    def __init__(self, reason: QuarantineReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class LoadedAddresses(msgspec.Struct, frozen=True):
    """Keys that a version 0 message took from address lookup tables, in the order the message counts them."""

    writable: list[str] = []
    readonly: list[str] = []


class Instruction(msgspec.Struct, frozen=True, rename="camel"):
    """Which program an instruction calls: by its place among the keys, or by name in a jsonParsed body."""

    program_id_index: int | None = None
    program_id: str | None = None


class InnerInstructions(msgspec.Struct, frozen=True):
    """The instructions called by outer instruction `index`."""

    index: int
    instructions: list[Instruction]


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """What running the transaction did, as far as storing needs it. `fee` is lamports; nodes leave `logMessages` null."""

    fee: int
    err: Any = None
    log_messages: list[str] | None = None
    inner_instructions: list[InnerInstructions] | None = None
    loaded_addresses: LoadedAddresses | None = None


class TransactionResult(msgspec.Struct, frozen=True, rename="camel"):
    """The getTransaction result; `transaction` stays raw because its shape depends on the encoding."""

    transaction: msgspec.Raw
    meta: Meta | None = None
    slot: int | None = None
    block_time: int | None = None
    version: int | str | None = None
    transaction_index: int | None = None


class _ParsedKey(msgspec.Struct, frozen=True):
    pubkey: str


class _Message(msgspec.Struct, frozen=True, rename="camel"):
    account_keys: list[str | _ParsedKey]
    instructions: list[Instruction]


class _JsonTransaction(msgspec.Struct, frozen=True):
    signatures: list[str]
    message: _Message


@dataclass(frozen=True, slots=True)
class BodyHeader:
    """What a body says of itself.

    `account_keys` are the message's own keys followed by those loaded from tables (writable, then readonly), each once
    in a jsonParsed body, whose list already holds the loaded ones. `program_ids` are those invoked at outer or inner
    level, each once, in the order of the first call; `lead_program_id` is the first outer one that does not merely prepare
    (Compute Budget). `tx_index` is the position in the block where the node said it. `is_simple_vote` is the class that
    logsSubscribe `all` leaves out: a legacy message of one or two signatures whose only instruction is the Vote program's.
    """

    signature: str
    slot: int | None
    block_time_s: int | None
    tx_index: int | None
    version: str
    encoding: str
    is_failed: bool
    fee_lamports: int
    fee_payer: str
    account_keys: tuple[str, ...]
    program_ids: tuple[str, ...]
    lead_program_id: str | None
    is_simple_vote: bool
    log_messages: tuple[str, ...] | None


_result_decoder = msgspec.json.Decoder(TransactionResult)
_json_transaction_decoder = msgspec.json.Decoder(_JsonTransaction)
_any_decoder = msgspec.json.Decoder()
# msgspec checks neither the UTF-8 of what it skips nor how deep it is before it is read.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_body(body: bytes) -> BodyHeader:
    """Read the header of one getTransaction result.

    Raises `BodyError` where the body is no transaction, has no meta, is of an unknown version or cannot be read.
    A missing slot is no error here (elements of a block have none); storing one is, see `check_storable`.
    """
    result = _read_result(body)
    meta = result.meta
    if meta is None:
        raise BodyError(QuarantineReason.MISSING_META, "the node kept no execution metadata (meta is null or absent)")
    version = _version_name(result.version)
    raw = bytes(result.transaction)
    if raw[:1] == b"{":
        encoding, signatures, keys, outer = _read_json_message(raw, meta)
    else:
        encoding, signatures, keys, outer, version = _read_wire_message(raw, meta)
    if not signatures or not keys:
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, "the message has no signature or no account")
    if not 0 <= meta.fee <= MAX_LAMPORTS or not 0 <= (result.slot or 0) <= MAX_SLOT:
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, f"fee {meta.fee} or slot {result.slot} is out of range")
    if not 0 <= (result.transaction_index or 0) <= MAX_TX_INDEX:
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, f"index {result.transaction_index} is out of range")
    return BodyHeader(
        signature=signatures[0],
        slot=result.slot,
        block_time_s=result.block_time,
        tx_index=result.transaction_index,
        version=version,
        encoding=encoding,
        is_failed=meta.err is not None,
        fee_lamports=meta.fee,
        fee_payer=keys[0],
        account_keys=tuple(keys),
        program_ids=tuple(dict.fromkeys(outer + _inner_programs(meta, keys))),
        lead_program_id=next((p for p in outer if p != COMPUTE_BUDGET_PROGRAM_ID), outer[0] if outer else None),
        is_simple_vote=version == "legacy" and len(signatures) <= 2 and outer == [VOTE_PROGRAM_ID],
        log_messages=None if meta.log_messages is None else tuple(meta.log_messages),
    )


def _read_result(body: bytes) -> TransactionResult:
    try:
        return _result_decoder.decode(body)
    except _UNREADABLE as error:
        problem = str(error)
    try:
        value = _any_decoder.decode(body)
    except _UNREADABLE:
        raise BodyError(QuarantineReason.NOT_JSON, f"the body is not JSON: {problem}") from None
    if isinstance(value, dict) and "transaction" in value and isinstance(value.get("meta"), dict):
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, problem)
    raise BodyError(QuarantineReason.NOT_A_TRANSACTION, f"no getTransaction result: {problem}")


def _version_name(version: int | str | None) -> str:
    """'legacy' or '0'. Nodes leave the key out where the asker named no version, so absence says legacy."""
    if version is None or version == "legacy":
        return "legacy"
    if version == 0 and not isinstance(version, str):
        return "0"
    raise BodyError(QuarantineReason.UNKNOWN_VERSION, f"transaction version {version!r} is not known here")


def _read_json_message(raw: bytes, meta: Meta) -> tuple[str, list[str], list[str], list[str]]:
    try:
        transaction = _json_transaction_decoder.decode(raw)
    except _UNREADABLE as error:
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, str(error)) from None
    is_parsed = any(isinstance(key, _ParsedKey) for key in transaction.message.account_keys)
    keys = [key.pubkey if isinstance(key, _ParsedKey) else key for key in transaction.message.account_keys]
    if not is_parsed:
        keys += _loaded_keys(meta)
    outer = [
        _program_of(instruction.program_id, instruction.program_id_index, keys)
        for instruction in transaction.message.instructions
    ]
    return "jsonParsed" if is_parsed else "json", transaction.signatures, keys, _present(outer)


def _read_wire_message(raw: bytes, meta: Meta) -> tuple[str, list[str], list[str], list[str], str]:
    encoding, wire = read_wire(raw)
    try:
        transaction = VersionedTransaction.from_bytes(wire)
    except Exception as error:  # solders raises its own error type for some faults and ValueError for others
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, f"{encoding} message: {error}") from None
    message = transaction.message
    keys = [str(key) for key in message.account_keys] + _loaded_keys(meta)
    outer = [_program_of(None, instruction.program_id_index, keys) for instruction in message.instructions]
    version = transaction.version()
    return encoding, [str(s) for s in transaction.signatures], keys, _present(outer), _wire_version_name(version)


def _wire_version_name(version: Any) -> str:
    # The message's own first byte knows better than a `version` key that the recorder may have dropped.
    return "0" if version == 0 else "legacy"


def read_wire(raw_transaction: bytes) -> tuple[str, bytes]:
    """The encoding's name and the wire bytes of a `transaction` value that is `[data, encoding]` or a bare base58 string."""
    try:
        value = _any_decoder.decode(raw_transaction)
    except _UNREADABLE as error:
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, str(error)) from None
    if isinstance(value, str):
        data, encoding = value, "base58"
    elif isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value):
        data, encoding = value
    else:
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, "transaction is neither a message nor [data, encoding]")
    try:
        if encoding == "base64":
            return encoding, base64.b64decode(data, validate=True)
        if encoding == "base64+zstd":
            return encoding, _decompress_wire(base64.b64decode(data, validate=True))
        if encoding == "base58":
            return encoding, _decode_wire_base58(data)
    except (ValueError, zstandard.ZstdError) as error:
        raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, f"{encoding}: {error}") from None
    raise BodyError(QuarantineReason.UNREADABLE_MESSAGE, f"unknown encoding {encoding!r}")


def _decompress_wire(compressed: bytes) -> bytes:
    # By a stream, because `decompress` believes the size a frame's header states and allocates it.
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW_BYTES)
    wire = decompressor.stream_reader(compressed).read(MAX_WIRE_BYTES + 1)
    if len(wire) > MAX_WIRE_BYTES:
        raise ValueError(f"more than the {MAX_WIRE_BYTES} bytes a transaction may have")
    return wire


def _decode_wire_base58(text: str) -> bytes:
    if len(text) > _MAX_BASE58_CHARACTERS:
        raise ValueError(f"{len(text)} characters, more than a transaction of {MAX_WIRE_BYTES} bytes has")
    return decode_base58(text)


def _loaded_keys(meta: Meta) -> list[str]:
    loaded = meta.loaded_addresses
    return loaded.writable + loaded.readonly if loaded else []


def _inner_programs(meta: Meta, keys: list[str]) -> list[str]:
    found = []
    for group in meta.inner_instructions or ():
        for instruction in group.instructions:
            found.append(_program_of(instruction.program_id, instruction.program_id_index, keys))
    return _present(found)


def _program_of(program_id: str | None, index: int | None, keys: list[str]) -> str | None:
    if program_id is not None:
        return program_id
    # A recording with a shortened account list points past its end; the program is then unknown, not an error.
    return keys[index] if index is not None and 0 <= index < len(keys) else None


def _present(program_ids: list[str | None]) -> list[str]:
    return [program_id for program_id in program_ids if program_id is not None]


def check_storable(header: BodyHeader, asked_signature: str) -> int:
    """The slot of a transaction that may be stored under `asked_signature`; `BodyError` where it may not."""
    if header.signature != asked_signature:
        raise BodyError(
            QuarantineReason.SIGNATURE_MISMATCH, f"asked for {asked_signature}, the body is of {header.signature}"
        )
    if header.slot is None:
        raise BodyError(QuarantineReason.MISSING_SLOT, "the body names no slot, so its place on the chain is unknown")
    return header.slot
