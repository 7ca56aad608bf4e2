"""What a Geyser stream says, as plain values, and the Protocol of whoever brings it.

A stream is one subscription: whole transactions, account changes, where each slot stands, and what a block says of itself.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Protocol

from oof_pipelines.interfaces import Dropped, Subscribed

PROCESSED, CONFIRMED, FINALIZED, DEAD = "processed", "confirmed", "finalized", "dead"
"""What a `GeyserSlot` may say of its slot; of steps between them nothing is said here."""


@dataclass(frozen=True, slots=True)
class GeyserFilters:
    """What a subscription asks for, at commitment `confirmed`. Slots and block meta always come along.

    `targets` are as OOF_FOLLOW names them: 'all' (all but votes), 'allWithVotes', or addresses that a transaction mentions.
    `account_owners` are programs of whose accounts every change is wanted, `accounts` single ones.
    """

    targets: tuple[str, ...] = ()
    account_owners: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResumeRefused:
    """The server cannot begin at `from_slot`: what was missed has to be listed elsewhere. The next try begins at the tip.

    `first_slot` is the oldest slot that it still has, where it says so.
    """

    from_slot: int
    first_slot: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """The server lets us in and replays everything from `from_slot` on."""

    endpoint: str
    from_slot: int


@dataclass(frozen=True, slots=True)
class GeyserTransaction:
    """A whole transaction. `targets` are those of the subscription that it met.

    `body` is a getTransaction result in base64 without its block time, which the stream tells apart; None where the wire
    bytes cannot be had again from what was sent, for the reason in `trouble`: then the signature is a hint, no more.
    """

    signature: str
    slot: int
    is_vote: bool
    targets: tuple[str, ...]
    body: bytes | None = field(repr=False)
    trouble: str = ""

    def body_at(self, block_time_s: int | None) -> bytes:
        """The getTransaction result with its block time (null where it is not known). Raises `ValueError` without a body."""
        if self.body is None:
            raise ValueError(f"{self.signature}: {self.trouble}")
        time = b"null" if block_time_s is None else b"%d" % block_time_s
        return b'{"blockTime":%s,%s' % (time, self.body[1:])


@dataclass(frozen=True, slots=True)
class GeyserSlot:
    """`slot` has reached `status`. `parent_slot` is the block it builds on, where the server says so."""

    slot: int
    parent_slot: int | None
    status: str


@dataclass(frozen=True, slots=True)
class BlockMeta:
    """What a confirmed block says of itself. It comes after the transactions of its slot.

    `transaction_count` counts all that were executed, votes and failed ones too.
    """

    slot: int
    parent_slot: int
    block_time_s: int | None
    transaction_count: int


@dataclass(frozen=True, slots=True)
class GeyserAccount:
    """An account as it is after a write in `slot`; of several writes of a slot the one with the highest `write_version`.

    `signature` is the transaction that wrote it, where the server says so; `is_startup` that it was there before.
    """

    pubkey: str
    owner: str
    lamports: int
    data: bytes = field(repr=False)
    slot: int
    write_version: int
    signature: str | None
    is_executable: bool = False
    is_startup: bool = False


GeyserEvent = (
    Subscribed | Resumed | ResumeRefused | Dropped | GeyserTransaction | GeyserSlot | BlockMeta | GeyserAccount
)


class GeyserSource(Protocol):
    """A chain that tells what happens without being asked."""

    def listen(
        self, filters: GeyserFilters, resume_from: Callable[[], int | None]
    ) -> AsyncGenerator[GeyserEvent, None]:
        """Events for ever, reconnecting; `resume_from` says before each connection where to begin, None for the tip.

        Each connection brings `Resumed`, or `Subscribed` where it begins at the tip, before anything else, and `Dropped`
        at its end. Whoever does not take events keeps the server from sending.
        """
        ...
