"""The feed's inbox in memory: what the Protocol promises, and nothing that the database does besides."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.interfaces import (
    Checkpoint,
    HeardLog,
    ListedSignature,
    QuarantinedTransaction,
    QueuedSignature,
    StoredTransaction,
)

_MAY_COME_BACK = (QuarantineReason.VANISHED, QuarantineReason.NOT_FOUND)


@dataclass
class Waiting:
    """One queued signature."""

    slot: int
    attempts: int = 0
    not_before: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    error: str = ""


@dataclass
class MemoryInbox:
    """An `Inbox` that outlives the feeds of a test, as the database does."""

    queue: dict[str, Waiting] = field(default_factory=dict)
    stored: dict[str, StoredTransaction] = field(default_factory=dict)
    final: set[str] = field(default_factory=set)
    quarantine: dict[str, QuarantinedTransaction] = field(default_factory=dict)
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    checkpoint_history: list[Checkpoint] = field(default_factory=list)

    def _is_known(self, signature: str) -> bool:
        refused = self.quarantine.get(signature)
        is_refused = refused is not None and refused.reason not in _MAY_COME_BACK
        return signature in self.stored or is_refused or signature in self.queue

    async def record_heard(self, heard: Sequence[HeardLog], checkpoints: dict[str, Checkpoint]) -> int:
        new = [log for log in heard if not self._is_known(log.signature)]
        self.queue |= {log.signature: Waiting(log.slot) for log in new}
        for target, checkpoint in checkpoints.items():
            await self.save_checkpoint(target, checkpoint)
        return len(new)

    async def enqueue(self, listed: Sequence[ListedSignature], source: str) -> int:
        new = [row for row in listed if not self._is_known(row.signature)]
        self.queue |= {row.signature: Waiting(row.slot) for row in new}
        return len(new)

    async def due(self, now: datetime, limit: int) -> list[QueuedSignature]:
        ready = [(w.not_before, w.slot, signature, w) for signature, w in self.queue.items() if w.not_before <= now]
        return [QueuedSignature(signature, w.slot, w.attempts) for _, _, signature, w in sorted(ready)[:limit]]

    async def defer(self, signature: str, not_before: datetime, error: str) -> None:
        waiting = self.queue[signature]
        waiting.attempts += 1
        waiting.not_before, waiting.error = not_before, error

    async def discard(self, signatures: Sequence[str]) -> None:
        for signature in signatures:
            self.queue.pop(signature, None)

    async def store(
        self, stored: Sequence[StoredTransaction], refused: Sequence[QuarantinedTransaction]
    ) -> tuple[int, int]:
        new = {row.signature: row for row in stored if row.signature not in self.stored}
        new_refused = {row.signature: row for row in refused if row.signature not in self.quarantine}
        self.stored |= new
        for signature in new:
            self.quarantine.pop(signature, None)
        self.quarantine |= new_refused
        await self.discard([row.signature for row in (*stored, *refused)])
        return len(new), len(new_refused)

    async def provisional(self, up_to_slot: int, limit: int) -> list[ListedSignature]:
        rows = [(tx.slot, s) for s, tx in self.stored.items() if s not in self.final and tx.slot <= up_to_slot]
        return [ListedSignature(signature, slot) for slot, signature in sorted(rows)[:limit]]

    async def mark_final(self, signatures: Sequence[str]) -> None:
        self.final.update(signatures)

    async def retract(self, signature: str, detail: str) -> None:
        gone = self.stored.pop(signature)
        self.quarantine[signature] = QuarantinedTransaction(
            signature, gone.slot, QuarantineReason.VANISHED, detail, gone.body_zstd
        )

    async def move_slot(self, signature: str, slot: int) -> None:
        assert signature not in self.final
        del self.stored[signature]
        self.queue[signature] = Waiting(slot)

    async def checkpoint(self, target: str) -> Checkpoint | None:
        return self.checkpoints.get(target)

    async def save_checkpoint(self, target: str, checkpoint: Checkpoint) -> None:
        self.checkpoints[target] = checkpoint
        self.checkpoint_history.append(checkpoint)

    async def queue_length(self) -> int:
        return len(self.queue)
