"""Days of any size for benchmarks: executed transactions, told again with other accounts, signatures, slots and places.

A virtual machine executes a few thousand transactions a second; a day of a million takes more. So a base set is executed,
and the rest are re-encodings of it: in the wire bytes, in the data of instructions and in the meta, every account that is
written, every signer, mint and owner gets a new address, the same one throughout a retelling of the base. Programs, sysvars,
tip accounts and wrapped SOL keep theirs. Each is a true encoding that no other equals, of its own length and its own
base58; what it is not is signed: the signatures of retellings are fresh bytes that verify against nothing, and derived
addresses derive from nothing. Amounts and logs are the base's.

Pure: the same base, day and count give the same bytes.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256, sha512
from typing import Any

import msgspec
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import decode_base58, encode_base58, is_pubkey
from oof_pipelines.chain.body import BodyHeader, read_body
from oof_pipelines.chain.moves import NATIVE_MINTS
from oof_pipelines.decode.fees import TIP_ACCOUNTS

_ADDRESS_BYTES = 32
_SIGNATURE_BYTES = 64
# Numbers and the wire are marked before the result is encoded, so that they are found again whatever else it holds.
_MARKED = re.compile(rb'("@@slot@@"|"@@time@@"|"@@index@@"|@@wire@@|[1-9A-HJ-NP-Za-km-z]{32,})')
_SLOTS_A_DAY = 216_000
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class VolumeTransaction:
    """One transaction of a day. `body` is the getTransaction result; `header` is of the base, with its own accounts."""

    signature: str
    slot: int
    tx_index: int
    block_time_s: int
    is_time_known: bool
    fee_payer: str
    body: bytes
    header: BodyHeader


@dataclass(frozen=True, slots=True)
class _Place:
    slot: int
    block_time_s: int
    tx_index: int


_Names = dict[bytes, tuple[bytes, bytes]]
"""Address → what stands for it in this retelling: its 32 bytes, and its base58 in ASCII."""


class _Template:
    """One base transaction, cut where a retelling differs."""

    def __init__(self, result: dict[str, Any], renamed: frozenset[bytes]) -> None:
        self._wire = base64.b64decode(result["transaction"][0])
        # A compact-u16 below 128 is one byte, and no packet holds more than 19 signatures.
        self._signature_count = self._wire[0]
        start = 1 + self._signature_count * _SIGNATURE_BYTES
        self._places_in_wire = _occurrences(self._wire, renamed, start)
        self.is_time_known = result["blockTime"] is not None
        self.header = read_body(msgspec.json.encode(result))
        self._fee_payer = decode_base58(self.header.fee_payer)
        marked = {**result, "slot": "@@slot@@", "transactionIndex": "@@index@@", "transaction": ["@@wire@@", "base64"]}
        if self.is_time_known:
            marked["blockTime"] = "@@time@@"
        self._pieces = _MARKED.split(msgspec.json.encode(marked, order="sorted"))
        self._names: dict[int, bytes] = {}
        self._data: dict[int, tuple[bytes, list[tuple[int, bytes]]]] = {}
        for position in range(1, len(self._pieces), 2):
            self._find_addresses(position, self._pieces[position], renamed)

    def _find_addresses(self, position: int, piece: bytes, renamed: frozenset[bytes]) -> None:
        if b"@@" in piece:
            return
        decoded = decode_base58(piece.decode())
        if decoded in renamed:
            self._names[position] = decoded
        elif inside := _occurrences(decoded, renamed, 0):
            self._data[position] = decoded, inside

    def told(self, names: _Names, salt: bytes, place: _Place) -> VolumeTransaction:
        """The transaction with other names at another place."""
        wire = bytearray(self._wire)
        for number in range(self._signature_count):
            start = 1 + number * _SIGNATURE_BYTES
            wire[start : start + _SIGNATURE_BYTES] = sha512(salt + wire[start : start + _SIGNATURE_BYTES]).digest()
        return self._text(wire, names, place, names[self._fee_payer][1].decode())

    def original(self, place: _Place) -> VolumeTransaction:
        """The transaction as it was executed and signed, at another place."""
        return self._text(self._wire, {}, place, self.header.fee_payer)

    def _text(self, wire: bytes | bytearray, names: _Names, place: _Place, fee_payer: str) -> VolumeTransaction:
        pieces = self._pieces.copy()
        if names:
            assert isinstance(wire, bytearray)
            _rename(wire, self._places_in_wire, names)
            for position, address in self._names.items():
                pieces[position] = names[address][1]
            for position, (data, places) in self._data.items():
                changed = bytearray(data)
                _rename(changed, places, names)
                pieces[position] = encode_base58(bytes(changed)).encode()
        values = {
            b'"@@slot@@"': b"%d" % place.slot,
            b'"@@time@@"': b"%d" % place.block_time_s,
            b'"@@index@@"': b"%d" % place.tx_index,
            b"@@wire@@": base64.b64encode(wire),
        }
        for position in range(1, len(pieces), 2):
            pieces[position] = values.get(pieces[position], pieces[position])
        return VolumeTransaction(
            signature=str(Signature.from_bytes(bytes(wire[1 : 1 + _SIGNATURE_BYTES]))),
            slot=place.slot,
            tx_index=place.tx_index,
            block_time_s=place.block_time_s,
            is_time_known=self.is_time_known,
            fee_payer=fee_payer,
            body=b"".join(pieces),
            header=self.header,
        )


class Volume:
    """Days made of a base set of getTransaction results in base64."""

    def __init__(self, results: Sequence[dict[str, Any]]) -> None:
        if not results:
            raise ValueError("a volume needs at least one transaction to begin with")
        self._renamed = _renamed_addresses(results)
        self._templates = [_Template(result, self._renamed) for result in results]

    @property
    def base_count(self) -> int:
        return len(self._templates)

    def day(self, number: int, count: int, first_slot: int, opens_s: int) -> Iterator[VolumeTransaction]:
        """`count` transactions in ledger order, spread evenly over the slots from `first_slot`, opened at `opens_s` (Unix).

        Day 0 begins with the base itself, as executed; all else, of any day, is told with names of its own. Lazy: holds one
        retelling's names.
        """
        slot, tx_index = -1, 0
        for position in range(count):
            retelling, base = divmod(position, self.base_count)
            if base == 0:
                salt = f"day {number} retelling {retelling} ".encode()
                names = {} if number == 0 and retelling == 0 else self._new_names(salt)
            before, slot = slot, first_slot + position * _SLOTS_A_DAY // count
            tx_index = tx_index + 1 if slot == before else 0
            place = _Place(slot, opens_s + (slot - first_slot) * _SECONDS_A_DAY // _SLOTS_A_DAY, tx_index)
            template = self._templates[base]
            yield template.told(names, salt, place) if names else template.original(place)

    def _new_names(self, salt: bytes) -> _Names:
        digests = {address: sha256(salt + address).digest() for address in self._renamed}
        return {address: (new, str(Pubkey.from_bytes(new)).encode()) for address, new in digests.items()}


def _occurrences(data: bytes, addresses: frozenset[bytes], start: int) -> list[tuple[int, bytes]]:
    """(offset, address) of every address in `data` from `start` on."""
    offsets = range(start, len(data) - _ADDRESS_BYTES + 1)
    windows = ((offset, data[offset : offset + _ADDRESS_BYTES]) for offset in offsets)
    return [(offset, window) for offset, window in windows if window in addresses]


def _rename(data: bytearray, places: list[tuple[int, bytes]], names: _Names) -> None:
    for offset, address in places:
        data[offset : offset + _ADDRESS_BYTES] = names[address][0]


def _renamed_addresses(results: Sequence[dict[str, Any]]) -> frozenset[bytes]:
    """Addresses that mean nothing to a decoder: accounts that are written, signers, mints and owners."""
    found: set[str] = set()
    kept: set[str] = set(TIP_ACCOUNTS | NATIVE_MINTS)
    for result in results:
        meta = result["meta"]
        message = VersionedTransaction.from_bytes(base64.b64decode(result["transaction"][0])).message
        keys, header = message.account_keys, message.header
        found |= {str(key) for key in keys[: len(keys) - header.num_readonly_unsigned_accounts]}
        loaded = meta.get("loadedAddresses") or {"writable": [], "readonly": []}
        if isinstance(message, MessageV0):
            found.update(loaded["writable"])
        for balance in (meta.get("preTokenBalances") or []) + (meta.get("postTokenBalances") or []):
            found |= {balance["mint"], balance.get("owner") or balance["mint"]}
        names = [*map(str, keys), *loaded["writable"], *loaded["readonly"]]
        kept |= {names[one.program_id_index] for one in message.instructions}
        for group in meta.get("innerInstructions") or []:
            kept |= {names[one["programIdIndex"]] for one in group["instructions"]}
    return frozenset(decode_base58(address) for address in found - kept if is_pubkey(address))
