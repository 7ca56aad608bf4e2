"""What the workflows need of the outside world, as Protocols, and the plain values that pass between them."""

import enum
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.decode.decoded import Decoded


class SourceUnavailableError(Exception):
    """No endpoint gave an answer within the retry budget. Says nothing about what was asked for: try again later."""


class SourceRefusedError(Exception):
    """The node understood and refuses what was asked for; asking again gives the same. `code` is the JSON-RPC code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code


class UnsupportedVersionError(SourceRefusedError):
    """The transaction has a message version newer than the ones read here."""


class MethodMissingError(SourceRefusedError):
    """No endpoint has the method at all. Says nothing about what was asked for."""


@dataclass(frozen=True, slots=True)
class ListedSignature:
    """One row of a signature listing. `block_time_s` (Unix seconds) is None where the node does not say."""

    signature: str
    slot: int
    block_time_s: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class HeldAccount:
    """A token account that is open, by the node's state: its address, mint and token program."""

    account: str
    mint: str
    token_program: str


@dataclass(frozen=True, slots=True)
class SignatureStatus:
    """Where a signature stands. `slot` may differ from the one first heard: the transaction landed again on another fork."""

    slot: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class HeardLog:
    """One log announcement."""

    signature: str
    slot: int
    is_failed: bool
    logs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The socket is up and the node has confirmed the subscription."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """The socket went away; what is announced until the next `Subscribed` is not heard."""

    reason: str


class TransactionSource(Protocol):
    """A chain that can be asked. Every method raises `SourceUnavailableError` or `SourceRefusedError`.

    Behind one address there may be many nodes, some of them behind others. Where a method takes `min_slot`, an answer
    of a node that has not reached it is none, so `SourceUnavailableError`.
    """

    async def genesis_hash(self) -> str: ...

    async def slot(self, commitment: str) -> int: ...

    async def transaction(self, signature: str, commitment: str = "confirmed") -> bytes | None:
        """The getTransaction result, byte for byte as sent; None where the node does not have it (yet)."""
        ...

    async def signatures_for_address(
        self, address: str, before: str | None, limit: int, min_slot: int
    ) -> list[ListedSignature]:
        """Newest first. Empty also where the node does not know `before`, and short where its history ends."""
        ...

    async def first_available_block(self) -> int:
        """The lowest slot whose block the node still has: what it lists of earlier slots proves nothing."""
        ...

    async def blocks(self, first_slot: int, last_slot: int, min_slot: int) -> list[int]:
        """Slots with a confirmed block in the closed range (at most 500,000 slots), ascending."""
        ...

    async def block_signatures(self, slot: int) -> list[str]:
        """Signatures of one block in block order. A slot without a block is a `SourceRefusedError`."""
        ...

    async def block_time_s(self, slot: int) -> int | None: ...

    async def signature_statuses(self, signatures: Sequence[str], min_slot: int) -> list[SignatureStatus | None]:
        """One entry a signature (at most 256), history included; None where the node knows nothing of it."""
        ...


class WalletSource(TransactionSource, Protocol):
    """A chain that also tells which token accounts an owner has."""

    async def token_accounts_of(self, owner: str, token_program: str, min_slot: int) -> list[HeldAccount]:
        """The owner's open accounts of one token program, by the finalised state of a slot not before `min_slot`."""
        ...


class LogSource(Protocol):
    """A chain that can be listened to."""

    def listen(self, target: str) -> AsyncGenerator[Subscribed | HeardLog | Dropped, None]:
        """Announcements that mention `target` ('all', 'allWithVotes' or an address), reconnecting for ever."""
        ...


@dataclass(frozen=True, slots=True)
class QueuedSignature:
    """A signature known to exist whose body has yet to be fetched.

    `attempts` counts every time it was put off; `empty_answers` and `refusals` those that count towards giving it up.
    `hinted_at` is set where nobody but a webhook told of it, and then neither the signature nor the slot need be true.
    """

    signature: str
    slot: int
    attempts: int
    empty_answers: int = 0
    refusals: int = 0
    hinted_at: datetime | None = field(default=None, compare=False)


class PutOff(enum.StrEnum):
    """Why a signature stays queued: the node has not got it, refuses it, or nobody could be asked."""

    EMPTY_ANSWER = "empty_answer"
    REFUSAL = "refusal"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class ProvisionalTransaction:
    """A stored transaction not yet seen finalised. `moves` counts how often it was taken back for another slot."""

    signature: str
    slot: int
    moves: int


@dataclass(frozen=True, slots=True)
class StoredTransaction:
    """A body that passed the checks, ready for the inbox. `logs` is None where the node kept none.

    `decoded` is None where decoding failed on it, which never keeps a body out of the store.
    """

    signature: str
    slot: int
    tx_index: int | None
    block_time: datetime
    is_block_time_estimated: bool
    version: str
    is_failed: bool
    fee_lamports: int
    fee_payer: str
    program_ids: tuple[str, ...]
    lead_program_id: str
    is_simple_vote: bool
    logs: tuple[str, ...] | None
    body_zstd: bytes
    decoded: Decoded | None = field(default=None, compare=False, repr=False)

    @property
    def day(self) -> date:
        return self.block_time.date()


@dataclass(frozen=True, slots=True)
class QuarantinedTransaction:
    """A transaction that cannot be stored, with the reason and, where there is one, the body as it came."""

    signature: str
    slot: int | None
    reason: QuarantineReason
    detail: str
    body_zstd: bytes | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Up to which slot a followed target is complete, but for its gaps; `has_heard` is False until its first announcement."""

    slot: int
    has_heard: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Slots before a target's checkpoint, both ends included, of which nobody could prove that they are complete."""

    target: str
    first_slot: int
    last_slot: int
    reason: str


class Inbox(Protocol):
    """Where the feed keeps what it heard. Every write is one transaction, idempotent, and safe to repeat after a crash."""

    async def record_heard(self, heard: Sequence[HeardLog], checkpoints: dict[str, Checkpoint]) -> int:
        """Keep announcements of unknown signatures and queue them; returns how many were new."""
        ...

    async def enqueue(self, listed: Sequence[ListedSignature], source: str) -> int:
        """Queue unknown signatures; returns how many were new. `source` is one of fetch_queue's (0021)."""
        ...

    async def due(self, now: datetime, limit: int) -> list[QueuedSignature]:
        """What the feed is to fetch now; what a backfill listed is not among it."""
        ...

    async def due_of(self, signatures: Sequence[str], now: datetime) -> list[QueuedSignature]:
        """Those of `signatures` that are queued, by whomever, and due; the newest slot first."""
        ...

    async def defer(self, signature: str, not_before: datetime, why: PutOff, detail: str) -> None:
        """Leave a signature queued until `not_before` and count why. `detail` may be a node's text, whatever it holds."""
        ...

    async def discard(self, signatures: Sequence[str]) -> None:
        """Take signatures off the queue that are not wanted (votes, where votes are not followed)."""
        ...

    async def store(
        self, stored: Sequence[StoredTransaction], refused: Sequence[QuarantinedTransaction]
    ) -> tuple[int, int]:
        """Put bodies into the inbox or quarantine and take them off the queue; returns how many of each were new.

        A quarantined one is told anew where its old reason may pass (not found, vanished, refused), which counts as new.
        """
        ...

    async def provisional(
        self, up_to_slot: int, limit: int, after: ProvisionalTransaction | None
    ) -> list[ProvisionalTransaction]:
        """Stored transactions not yet seen finalised, by slot and signature, from behind `after` on."""
        ...

    async def mark_final(self, signatures: Sequence[str]) -> None: ...

    async def unplaced_slots(self, signatures: Sequence[str]) -> list[int]:
        """Slots of these rows in which a wallet has several, and one of these does not know its position in the block."""
        ...

    async def place_in_slot(self, slot: int, signatures: Sequence[str]) -> int:
        """Rows of `slot` that do not know their position, and are in no file yet, take it from the block's `signatures`.

        Returns how many did.
        """
        ...

    async def retract(self, signature: str, detail: str) -> None:
        """Take back a provisional transaction that left the chain; its body stays in quarantine as the correction."""
        ...

    async def move_slot(self, signature: str, slot: int) -> None:
        """A provisional transaction landed again in another slot: forget the old body, queue the signature again."""
        ...

    async def checkpoint(self, target: str) -> Checkpoint | None: ...

    async def save_checkpoint(self, target: str, checkpoint: Checkpoint) -> None: ...

    async def gaps(self, target: str) -> list[Gap]:
        """What is still unproven, by first slot."""
        ...

    async def note_gap(self, gap: Gap) -> None:
        """Remember a gap; one with the same first slot is replaced."""
        ...

    async def close_gap(self, gap: Gap) -> None: ...

    async def queue_length(self) -> int: ...


class StoreListener(Protocol):
    """Told what the feed has stored, and around what it takes back, one after the other."""

    async def stored(self, transactions: Sequence[StoredTransaction]) -> None:
        """They are in the inbox. The same ones may come again."""
        ...

    def taking_back(self, signature: str) -> AbstractAsyncContextManager[None]:
        """Entered while the transaction's rows are still there, left when they are gone."""
        ...


class Clock(Protocol):
    """Time, passed in."""

    def now(self) -> datetime:
        """The instant, in UTC."""
        ...

    def monotonic_s(self) -> float: ...

    def cpu_ms(self) -> int:
        """Milliseconds of processor that this process has used."""
        ...

    async def sleep(self, seconds: float) -> None: ...
