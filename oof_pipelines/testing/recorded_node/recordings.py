"""Cuts the text of one recording file into transactions. Pure: bytes in, bytes out.

What a recording may hold: a getTransaction result, a getBlock result, an element of a block, a Helius
`transactionNotification`, any of these as the `result` of a JSON-RPC envelope, or a list of them; a byte order mark
before it is passed over. A body leaves here byte for byte as recorded, unless something that its wrapping knew (slot,
block time, index) has to be put into it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from oof_pipelines.chain.base58 import is_signature

_MAX_NESTING = 6
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SIGNATURE_CHARACTERS = range(64, 89)
_MAX_INTEGER = 2**63 - 1
# A client decodes an answer deeper in its own calls than we are here, and inside an envelope: what is only just shallow
# enough for us would be too deep for it.
_SPARE_DEPTH = 300
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_integer_decoder = msgspec.json.Decoder(int | None)
_any_decoder = msgspec.json.Decoder()


class RecordingError(ValueError):
    """A text that gives no transaction; the message is one of the reasons that the skip tally counts."""


EMPTY = "empty"
BROKEN_JSON = "broken JSON"
TOO_DEEP = "JSON nested too deeply"
NO_TRANSACTION = "no transaction in it"
NO_SIGNATURE = "a transaction without a valid signature"
UNUSABLE_SLOT = "a transaction whose slot is no slot of this century"
OTHER_SLOT = "a transaction recorded before, in another slot"


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """What is known of a recording from outside its JSON: from an INDEX.tsv row or from the file's name."""

    slot: int | None = None
    block_time_seconds: int | None = None
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class CutTransaction:
    """One getTransaction result. `is_whole_text`: `body` is the text that was given, blanks at the ends aside."""

    body: bytes
    is_whole_text: bool
    hinted_signature: str | None


@dataclass(frozen=True, slots=True)
class BlockFrame:
    """What a getBlock result says beside its transactions; each value is the recorded JSON text."""

    slot: int
    fields: dict[str, bytes]


@dataclass(slots=True)
class Recording:
    """The transactions and block frames of one text, in recorded order."""

    transactions: list[CutTransaction] = field(default_factory=list)
    blocks: list[BlockFrame] = field(default_factory=list)


def cut_recording(text: bytes, known: KnownFacts) -> Recording:
    """Every transaction in `text`; raises `RecordingError` where it is not JSON or holds none."""
    unmarked = without_mark(text).strip()
    _check_json(unmarked)
    recording = Recording()
    for body, facts, is_changed in _walk(unmarked, known, recording, _MAX_NESTING):
        is_whole = not is_changed and len(body) == len(text.strip())
        recording.transactions.append(CutTransaction(body, is_whole, facts.signature))
    if not recording.transactions:
        raise RecordingError(NO_TRANSACTION)
    return recording


def without_mark(text: bytes) -> bytes:
    """`text` less the byte order mark that some editors write before UTF-8."""
    return text.removeprefix(_BYTE_ORDER_MARK)


def is_signature_text(value: object) -> bool:
    """Whether `value` is the base58 form of 64 bytes. The length goes first: reading base58 takes its square."""
    return isinstance(value, str) and len(value) in _SIGNATURE_CHARACTERS and is_signature(value)


def _check_json(text: bytes) -> None:
    if not text:
        raise RecordingError(EMPTY)
    try:
        _any_decoder.decode(text)
    except RecursionError:
        raise RecordingError(TOO_DEEP) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RecordingError(BROKEN_JSON) from None
    if text.count(b"[") + text.count(b"{") > _SPARE_DEPTH:
        try:
            _any_decoder.decode(b"[" * _SPARE_DEPTH + text + b"]" * _SPARE_DEPTH)
        except RecursionError:
            raise RecordingError(TOO_DEEP) from None


def is_line_recording(text: bytes) -> bool:
    """Whether `text`, which is no JSON document as a whole, looks like one document a line."""
    for line in without_mark(text).splitlines():
        if line.strip():
            try:
                _object_decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return False
            return True
    return False


_Found = tuple[bytes, KnownFacts, bool]


def _walk(text: bytes, known: KnownFacts, recording: Recording, depth: int) -> Iterator[_Found]:
    if depth == 0:
        return
    if text[:1] == b"[":
        for item in _list_decoder.decode(text):
            yield from _walk(bytes(item), known, recording, depth - 1)
        return
    if text[:1] != b"{":
        return
    fields = _object_decoder.decode(text)
    if "transaction" in fields and "meta" in fields:
        body, is_changed = complete_body(text, fields, known.slot, known.block_time_seconds)
        yield body, known, is_changed
    elif "transactions" in fields and ("blockhash" in fields or "parentSlot" in fields):
        yield from _walk_block(fields, known, recording)
    elif "params" in fields and bytes(fields["params"])[:1] == b"{":
        yield from _walk_notification(_object_decoder.decode(fields["params"]))
    elif "result" in fields:
        yield from _walk(bytes(fields["result"]), known, recording, depth - 1)


def _walk_block(fields: dict[str, msgspec.Raw], known: KnownFacts, recording: Recording) -> Iterator[_Found]:
    slot = known.slot
    if slot is None:
        parent_slot = _integer(fields.get("parentSlot"))
        slot = None if parent_slot is None else parent_slot + 1
    block_time_seconds = _integer(fields.get("blockTime"))
    if block_time_seconds is None:
        block_time_seconds = known.block_time_seconds
    if slot is not None:
        frame = {name: bytes(value) for name, value in fields.items() if name != "transactions"}
        recording.blocks.append(BlockFrame(slot, frame))
    raw = bytes(fields["transactions"])
    for index, item in enumerate(_list_decoder.decode(raw) if raw[:1] == b"[" else []):
        element = bytes(item)
        if element[:1] != b"{":
            continue
        element_fields = _object_decoder.decode(element)
        if "transaction" in element_fields and "meta" in element_fields:
            body, _ = complete_body(element, element_fields, slot, block_time_seconds, index)
            yield body, KnownFacts(slot, block_time_seconds), True


def _walk_notification(params: dict[str, msgspec.Raw]) -> Iterator[_Found]:
    # Shape: {"subscription": n, "result": {"transaction": {"transaction", "meta", "version"}, "signature", "slot"}}, as
    # Helius documents transactionSubscribe.
    result = params.get("result")
    if result is None or bytes(result)[:1] != b"{":
        return
    outer = _object_decoder.decode(result)
    inner = outer.get("transaction")
    if inner is None or bytes(inner)[:1] != b"{":
        return
    element = _object_decoder.decode(inner)
    if "transaction" in element and "meta" in element:
        body, _ = complete_body(bytes(inner), element, _integer(outer.get("slot")), None)
        yield body, KnownFacts(signature=_signature(outer.get("signature"))), True


def complete_body(
    body: bytes,
    fields: dict[str, msgspec.Raw],
    slot: int | None,
    block_time_seconds: int | None,
    tx_index: int | None = None,
) -> tuple[bytes, bool]:
    """`body` with the keys it lacks added, and whether any was; a recorded value, null included, is never changed."""
    additions = {"slot": slot, "blockTime": block_time_seconds, "transactionIndex": tx_index}
    missing = {name: value for name, value in additions.items() if value is not None and name not in fields}
    if not missing:
        return body, False
    added: dict[str, object] = {**fields, **missing}
    return msgspec.json.encode(added), True


def _integer(raw: msgspec.Raw | None) -> int | None:
    try:
        value = None if raw is None else _integer_decoder.decode(raw)
    except msgspec.DecodeError:
        return None
    return value if value is not None and -_MAX_INTEGER <= value <= _MAX_INTEGER else None


def _signature(raw: msgspec.Raw | None) -> str | None:
    value = None if raw is None else _any_decoder.decode(raw)
    return value if is_signature_text(value) else None
