"""The feed's inbox in memory: what the Protocol promises, and nothing that the database does besides."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.interfaces import (
    Checkpoint,
    Gap,
    HeardLog,
    ListedSignature,
    ProvisionalTransaction,
    PutOff,
    QuarantinedTransaction,
    QueuedSignature,
    StoredTransaction,
)

_REASONS_THAT_MAY_END = (QuarantineReason.VANISHED, QuarantineReason.NOT_FOUND, QuarantineReason.RPC_REFUSED)


def _may_end(refused: QuarantinedTransaction) -> bool:
    is_unread = refused.reason is QuarantineReason.UNKNOWN_VERSION and refused.body_zstd is None
    return refused.reason in _REASONS_THAT_MAY_END or is_unread


@dataclass
class Waiting:
    """One queued signature."""

    slot: int
    attempts: int = 0
    empty_answers: int = 0
    refusals: int = 0
    not_before: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    error: str = ""
    source: str = "socket"


@dataclass
class MemoryInbox:
    """An `Inbox` that outlives the feeds of a test, as the database does."""

    queue: dict[str, Waiting] = field(default_factory=dict)
    stored: dict[str, StoredTransaction] = field(default_factory=dict)
    final: set[str] = field(default_factory=set)
    quarantine: dict[str, QuarantinedTransaction] = field(default_factory=dict)
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    checkpoint_history: list[Checkpoint] = field(default_factory=list)
    open_gaps: dict[tuple[str, int], Gap] = field(default_factory=dict)
    moves: Counter[str] = field(default_factory=Counter)

    def _is_known(self, signature: str) -> bool:
        refused = self.quarantine.get(signature)
        is_refused = refused is not None and not _may_end(refused)
        return signature in self.stored or is_refused or signature in self.queue

    async def record_heard(self, heard: Sequence[HeardLog], checkpoints: dict[str, Checkpoint]) -> int:
        new = [log for log in heard if not self._is_known(log.signature)]
        self.queue |= {log.signature: Waiting(log.slot) for log in new}
        for target, checkpoint in checkpoints.items():
            await self.save_checkpoint(target, checkpoint)
        return len(new)

    async def enqueue(self, listed: Sequence[ListedSignature], source: str) -> int:
        new = {row.signature: row for row in listed if not self._is_known(row.signature)}
        self.queue |= {signature: Waiting(row.slot, source=source) for signature, row in new.items()}
        for row in listed:
            if source != "backfill" and row.signature in self.queue and self.queue[row.signature].source == "backfill":
                self.queue[row.signature].source = source
        return len(new)

    async def due(self, now: datetime, limit: int) -> list[QueuedSignature]:
        ready = [
            (w.not_before, w.slot, signature, w)
            for signature, w in self.queue.items()
            if w.not_before <= now and w.source != "backfill"
        ]
        return [
            QueuedSignature(signature, w.slot, w.attempts, w.empty_answers, w.refusals)
            for _, _, signature, w in sorted(ready, key=lambda row: row[:3])[:limit]
        ]

    async def due_of(self, signatures: Sequence[str], now: datetime) -> list[QueuedSignature]:
        ready = [(-w.slot, s, w) for s in signatures if (w := self.queue.get(s)) is not None and w.not_before <= now]
        return [
            QueuedSignature(signature, w.slot, w.attempts, w.empty_answers, w.refusals)
            for _, signature, w in sorted(ready, key=lambda row: row[:2])
        ]

    async def defer(self, signature: str, not_before: datetime, why: PutOff, detail: str) -> None:
        waiting = self.queue[signature]
        waiting.attempts += 1
        waiting.empty_answers += why is PutOff.EMPTY_ANSWER
        waiting.refusals += why is PutOff.REFUSAL
        waiting.not_before, waiting.error = not_before, detail

    async def discard(self, signatures: Sequence[str]) -> None:
        for signature in signatures:
            self.queue.pop(signature, None)

    async def store(
        self, stored: Sequence[StoredTransaction], refused: Sequence[QuarantinedTransaction]
    ) -> tuple[int, int]:
        new = {row.signature: row for row in stored if row.signature not in self.stored}
        new_refused = {row.signature: row for row in refused if self._is_news(row)}
        self.stored |= new
        for signature in new:
            self.quarantine.pop(signature, None)
        self.quarantine |= new_refused
        await self.discard([row.signature for row in (*stored, *refused)])
        return len(new), len(new_refused)

    def _is_news(self, row: QuarantinedTransaction) -> bool:
        old = self.quarantine.get(row.signature)
        return old is None or (
            _may_end(old) and (old.slot, old.reason, old.detail) != (row.slot, row.reason, row.detail)
        )

    async def provisional(
        self, up_to_slot: int, limit: int, after: ProvisionalTransaction | None
    ) -> list[ProvisionalTransaction]:
        rows = [(tx.slot, s) for s, tx in self.stored.items() if s not in self.final and tx.slot <= up_to_slot]
        if after is not None:
            rows = [row for row in rows if row > (after.slot, after.signature)]
        return [ProvisionalTransaction(s, slot, self.moves[s]) for slot, s in sorted(rows)[:limit]]

    async def mark_final(self, signatures: Sequence[str]) -> None:
        self.final.update(signatures)

    async def retract(self, signature: str, detail: str) -> None:
        gone = self.stored.pop(signature)
        self.quarantine[signature] = QuarantinedTransaction(
            signature, gone.slot, QuarantineReason.VANISHED, detail, gone.body_zstd
        )

    async def unplaced_slots(self, signatures: Sequence[str]) -> list[int]:
        rows = [self.stored[signature] for signature in signatures if signature in self.stored]
        slots = Counter(row.slot for row in self.stored.values())
        return sorted({row.slot for row in rows if row.tx_index is None and slots[row.slot] > 1})

    async def place_in_slot(self, slot: int, signatures: Sequence[str]) -> int:
        places = {signature: place for place, signature in enumerate(signatures)}
        found = [
            row for row in self.stored.values() if row.slot == slot and row.tx_index is None and row.signature in places
        ]
        self.stored |= {row.signature: replace(row, tx_index=places[row.signature]) for row in found}
        return len(found)

    async def move_slot(self, signature: str, slot: int) -> None:
        assert signature not in self.final
        del self.stored[signature]
        self.moves[signature] += 1
        self.queue[signature] = Waiting(slot)

    async def checkpoint(self, target: str) -> Checkpoint | None:
        return self.checkpoints.get(target)

    async def save_checkpoint(self, target: str, checkpoint: Checkpoint) -> None:
        self.checkpoints[target] = checkpoint
        self.checkpoint_history.append(checkpoint)

    async def gaps(self, target: str) -> list[Gap]:
        return [gap for key, gap in sorted(self.open_gaps.items()) if key[0] == target]

    async def note_gap(self, gap: Gap) -> None:
        self.open_gaps[gap.target, gap.first_slot] = gap

    async def close_gap(self, gap: Gap) -> None:
        self.open_gaps.pop((gap.target, gap.first_slot), None)

    async def queue_length(self) -> int:
        return len(self.queue)
