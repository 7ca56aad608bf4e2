"""What the results of JSON-RPC methods are read as: a result of another form is an endpoint's fault."""

import base64
import binascii

import msgspec

from oof_pipelines.chain.base58 import encode_base58, is_pubkey
from oof_pipelines.interfaces import HeldAccount, ListedSignature
from oof_pipelines.transport.wire_types import SignatureText, SlotNumber

OWNED_BYTES = 64
"""How much of a token account says whose it is: mint, then owner, 32 bytes each, in SPL Token and Token-2022 alike
(spl-token, state.rs, Account)."""
_KEY_BYTES = 32
_LARGEST_TIME_S = 2**40


class SignatureRow(msgspec.Struct, rename="camel"):
    """A row of getSignaturesForAddress."""

    signature: SignatureText
    slot: SlotNumber
    block_time: int | None = None

    def listed(self) -> ListedSignature:
        """The row, without a time that no block can have."""
        time_s = self.block_time
        return ListedSignature(
            self.signature, self.slot, time_s if time_s is not None and 0 <= time_s <= _LARGEST_TIME_S else None
        )


class Status(msgspec.Struct, rename="camel"):
    """One value of getSignatureStatuses."""

    slot: SlotNumber
    confirmation_status: str | None = None
    confirmations: int | None = None


class Context(msgspec.Struct, frozen=True):
    """Of which slot's state the answer is."""

    slot: SlotNumber | None = None


class Statuses(msgspec.Struct):
    """The result of getSignatureStatuses."""

    value: list[Status | None]
    context: Context = Context()


class BlockSignatures(msgspec.Struct):
    """The result of getBlock with signatures alone."""

    signatures: list[SignatureText]


class _KnownContext(msgspec.Struct):
    slot: SlotNumber


class _AccountData(msgspec.Struct):
    data: tuple[str, str]
    owner: str


class _KeyedAccount(msgspec.Struct):
    pubkey: str
    account: _AccountData


class TokenAccounts(msgspec.Struct):
    """The result of getTokenAccountsByOwner in base64, cut to `OWNED_BYTES`."""

    value: list[_KeyedAccount]
    context: _KnownContext

    def held_by(self, owner: str, min_slot: int) -> list[HeldAccount]:
        """The accounts by address. Raises `ValueError` for what is no token account of `owner`, and for an old state."""
        if self.context.slot < min_slot:
            raise ValueError(f"a node at slot {self.context.slot}, behind slot {min_slot}")
        return sorted((_held(row, owner) for row in self.value), key=lambda held: held.account)


def _held(row: _KeyedAccount, owner: str) -> HeldAccount:
    text, encoding = row.account.data
    if encoding != "base64":
        raise ValueError(f"an account in {encoding[:20]!r}")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"account {row.pubkey[:44]}: {error}") from None
    if len(data) < OWNED_BYTES or not is_pubkey(row.pubkey) or not is_pubkey(row.account.owner):
        raise ValueError(f"{len(data)} bytes of {row.pubkey[:44]!r} are no token account")
    if encode_base58(data[_KEY_BYTES:OWNED_BYTES]) != owner:
        raise ValueError(f"{row.pubkey} belongs to somebody else")
    return HeldAccount(row.pubkey, encode_base58(data[:_KEY_BYTES]), row.account.owner)
