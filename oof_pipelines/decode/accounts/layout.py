"""How a program's accounts are told apart and read: by an Anchor discriminator, or by their size alone."""

from collections.abc import Callable, Iterable
from hashlib import sha256

import msgspec

from oof_pipelines.decode.accounts.facts import AccountFacts
from oof_pipelines.decode.records import Record, RecordLayout

DISCRIMINATOR_BYTES = 8
NO_ADDRESS = "11111111111111111111111111111111"
"""The address of zeros: how a program writes that there is none."""


class UnknownAccountError(ValueError):
    """The account's program is known here and its layout is not: another discriminator, size or state. One line."""


class AccountReader(msgspec.Struct, frozen=True):
    """One program's accounts. `read` takes address, owner and data; None for an account of theirs that says nothing here.

    It raises `UnknownAccountError` for what the program is not known to keep, `LayoutError` where data end too early.
    """

    name: str
    program_ids: tuple[str, ...]
    source: str
    read: Callable[[str, str, bytes], AccountFacts | None]


def account_tag(name: str) -> bytes:
    """Anchor's discriminator of an account: the first eight bytes of sha256("account:Name")."""
    return sha256(f"account:{name}".encode()).digest()[:DISCRIMINATOR_BYTES]


def tags_of(names: str) -> frozenset[bytes]:
    """The discriminators of several accounts, their names apart by spaces."""
    return frozenset(account_tag(name) for name in names.split())


def anchor_record(
    data: bytes, name: str, layout: RecordLayout, sizes: Iterable[int], quiet: frozenset[bytes]
) -> Record | None:
    """The fields of the Anchor account `name`; None for one of the `quiet` accounts of its program.

    Raises `UnknownAccountError` for any other discriminator, and where the size is none of `sizes`: a program whose
    account has grown is read again only once somebody has looked at it.
    """
    tag = data[:DISCRIMINATOR_BYTES]
    if tag in quiet:
        return None
    if tag != account_tag(name):
        raise UnknownAccountError(f"discriminator {tag.hex() or 'none'} in {len(data)} bytes")
    if len(data) not in sizes:
        raise UnknownAccountError(f"{name} of {len(data)} bytes")
    return Record(layout, data, DISCRIMINATOR_BYTES)


def address_or_none(address: str) -> str:
    """'' for the address of zeros."""
    return "" if address == NO_ADDRESS else address
