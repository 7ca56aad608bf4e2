"""What a webhook's body tells of: signatures and slots, and nothing else of it. Pure.

Two layouts of Helius are read, both arrays or a single object: raw (getTransaction results in the encoding `json`, with
`indexWithinBlock`: the signature is `transaction.signatures[0]`) and enhanced (`signature` beside `slot`). A body is a hint:
whatever else it holds is skipped unread, and what it names is fetched and verified by the feed.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from oof_pipelines.chain.base58 import is_signature
from oof_pipelines.interfaces import ListedSignature

MOST_ENTRIES = 5_000
"""Entries of one body. Helius sends few at a time; a body of 8 MB has room for some 500 raw ones."""

# Objects cost more memory than their text where they are tiny. A transaction has one object every 40 bytes or more.
_FEWEST_BYTES_AN_OBJECT = 16
_ALLOWED_OBJECTS = 1_000
_LARGEST_SLOT = (1 << 63) - 1


class NoHintsError(ValueError):
    """The body is no array of transactions; the message says what is wrong, and repeats nothing of the body."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What one body names, each signature once, in the order of the body; `refused` entries name nothing usable."""

    listed: tuple[ListedSignature, ...]
    refused: int


class _Entry(msgspec.Struct, gc=False):
    """One transaction, its values unread: one that is odd must not cost the others."""

    slot: msgspec.Raw = msgspec.Raw(b"")
    signature: msgspec.Raw = msgspec.Raw(b"")
    transaction: msgspec.Raw = msgspec.Raw(b"")


class _Transaction(msgspec.Struct):
    signatures: list[str]


_ENTRIES = msgspec.json.Decoder(list[_Entry])
_TRANSACTION = msgspec.json.Decoder(_Transaction)
_TEXT = msgspec.json.Decoder(str)
_NUMBER = msgspec.json.Decoder(int)


def read_hints(body: bytes, newest_slot: int | None) -> Hints:
    """The hints in `body`. Slots beyond `newest_slot` (None: not known) are refused, as are signatures that are none.

    Raises `NoHintsError` for what is no JSON, no array of objects, nested too deep, made to cost memory, or of no use at all.
    """
    is_single = not body.lstrip(b" \t\r\n").startswith(b"[")
    if is_single:
        body = b"[" + body + b"]"
    if body.count(b"{") > _ALLOWED_OBJECTS + len(body) // _FEWEST_BYTES_AN_OBJECT:
        raise NoHintsError("the body is no array of transactions")
    try:
        entries = _ENTRIES.decode(body)
    except RecursionError:
        raise NoHintsError("the body is nested too deep") from None
    except msgspec.ValidationError:
        raise NoHintsError("the body is no array of transactions") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NoHintsError("the body is no JSON") from None
    if is_single and len(entries) != 1:
        raise NoHintsError("the body is no JSON")
    if len(entries) > MOST_ENTRIES:
        raise NoHintsError(f"the body has more than {MOST_ENTRIES} entries")
    largest_slot = _LARGEST_SLOT if newest_slot is None else newest_slot
    listed: dict[str, ListedSignature] = {}
    refused = 0
    for entry in entries:
        hint = _hint(entry, largest_slot)
        if hint is None:
            refused += 1
        else:
            listed.setdefault(hint.signature, hint)
    if refused and not listed:
        raise NoHintsError("no entry has a signature and a slot")
    return Hints(tuple(listed.values()), refused)


def _hint(entry: _Entry, largest_slot: int) -> ListedSignature | None:
    slot = _decoded(_NUMBER, entry.slot)
    signature = _decoded(_TEXT, entry.signature)
    if signature is None:
        transaction = _decoded(_TRANSACTION, entry.transaction)
        signature = transaction.signatures[0] if transaction is not None and transaction.signatures else None
    if not isinstance(slot, int) or not 0 <= slot <= largest_slot or not isinstance(signature, str):
        return None
    return ListedSignature(signature, slot) if is_signature(signature) else None


def _decoded(decoder: msgspec.json.Decoder[Any], raw: msgspec.Raw) -> Any:
    """The value, or None where it is absent or of another type."""
    try:
        return decoder.decode(raw) if bytes(raw) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
