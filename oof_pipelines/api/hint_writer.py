"""Hints into the queue, those of all requests under way in one transaction: what costs time is the commit, not the rows.

A request is answered once its hints are committed. What cannot be kept is refused at once, for the sender to try again, and
counted by the minute: a sender that gives up leaves a gap, and the table says when.
"""

import asyncio
import contextlib
import logging
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from oof_pipelines.interfaces import Clock, ListedSignature
from oof_pipelines.storage.postgres.webhook_hints import HintsNotKeptError

logger = logging.getLogger(__name__)

MOST_QUEUED = 200_000
"""Hints in the queue above which none is taken: more than an hour of fetching at 50 requests a second, and 60 MB of rows."""
MOST_WAITING = 20_000
"""Hints that wait for their commit: some seconds of a database that is slow, not a minute of one that hangs."""
MOST_IN_ONE = 5_000
WRITE_SECONDS = 4.0
"""The longest wait for a commit. Senders wait one second; whoever waits longer is told to come again."""
_COUNT_SECONDS = 1.0
_COUNT_SELDOM_SECONDS = 10.0
_NOTE_SECONDS = 5.0
_RETRY_SECONDS = {"queue_full": 30, "busy": 1, "database": 2, "stopping": 5}
REASONS = tuple(_RETRY_SECONDS)


class HintsRefusedError(Exception):
    """Hints that are not kept, for one of `REASONS`; `retry_after_seconds` is when to come again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = _RETRY_SECONDS[reason]


class HintStore(Protocol):
    """Where hints are queued. Every method raises `HintsNotKeptError`, and ends within seconds."""

    async def queue(self, hints: Sequence[ListedSignature]) -> int:
        """Queue what is neither stored, quarantined for good nor queued; returns how many were new. One transaction."""
        ...

    async def standing(self, at_most: int) -> tuple[int, int | None]:
        """How many hints wait to be fetched, counted up to `at_most`, and the newest slot of a stored transaction or a
        checkpoint, None where there is none."""
        ...

    async def note_refused(self, minutes: Mapping[tuple[datetime, str], tuple[int, int]]) -> None:
        """Add (requests, hints) to what was refused in a minute, by reason."""
        ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class HintCounts:
    """Since the start; `queued` and `newest_slot` are as of some seconds ago."""

    new: int = 0
    known: int = 0
    commits: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    queued: int = 0
    newest_slot: int | None = None


class HintWriter:
    """Takes hints of many requests and commits them together, in the order in which they came."""

    def __init__(
        self, store: HintStore, clock: Clock, *, most_queued: int = MOST_QUEUED, most_waiting: int = MOST_WAITING
    ) -> None:
        self._store = store
        self._clock = clock
        self._most_queued = most_queued
        self._most_waiting = most_waiting
        self._waiting: deque[tuple[Sequence[ListedSignature], asyncio.Future[None]]] = deque()
        self._waiting_hints = 0
        self._has_work = asyncio.Event()
        self._is_stopping = False
        self._to_note: Counter[tuple[datetime, str]] = Counter()
        self._hints_to_note: Counter[tuple[datetime, str]] = Counter()
        self.counts = HintCounts()

    async def write(self, hints: Sequence[ListedSignature]) -> None:
        """Return when `hints` are committed. Raises `HintsRefusedError`; they may be committed even so."""
        if self._is_stopping:
            raise self.refuse("stopping", len(hints))
        if self.counts.queued >= self._most_queued:
            raise self.refuse("queue_full", len(hints))
        if self._waiting_hints + len(hints) > self._most_waiting:
            raise self.refuse("busy", len(hints))
        if not hints:
            return
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((hints, committed))
        self._waiting_hints += len(hints)
        self._has_work.set()
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await committed
        except (TimeoutError, HintsNotKeptError):
            raise self.refuse("database", len(hints)) from None

    def refuse(self, reason: str, hints: int) -> HintsRefusedError:
        """Count a refused request of so many hints (0: not read) and return the error that says so."""
        minute_at = self._clock.now().replace(second=0, microsecond=0)
        if not self._to_note:
            logger.warning("webhook hints refused: senders that give up leave a gap", extra={"reason": reason})
        self._to_note[(minute_at, reason)] += 1
        self._hints_to_note[(minute_at, reason)] += hints
        self.counts.refused[reason] += 1
        return HintsRefusedError(reason)

    async def run(self) -> None:
        """Commit and count until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._commit_for_ever())
            tasks.create_task(self._note_for_ever())

    async def finish(self) -> None:
        """Take no more; commit or refuse what waits, note what was refused, and close the store. After `run` has ended."""
        self._is_stopping = True
        while self._waiting:
            await self._commit(self._next_batch())
        await self._note()
        await self._store.close()

    async def _commit_for_ever(self) -> None:
        next_count_s = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_COUNT_SECONDS):
                    await self._has_work.wait()
            self._has_work.clear()
            while self._waiting:
                batch = self._next_batch()
                try:
                    await self._commit(batch)
                except asyncio.CancelledError:
                    # It may have been committed or not: it is said not to be, and queueing it again does no harm.
                    _answer(batch, HintsNotKeptError())
                    raise
            if self._clock.monotonic_s() >= next_count_s:
                await self._count()
                # Counting makes the hints of that moment wait: often is soon enough where the ceiling is near.
                is_near = self.counts.queued * 2 > self._most_queued
                next_count_s = self._clock.monotonic_s() + (_COUNT_SECONDS if is_near else _COUNT_SELDOM_SECONDS)

    def _next_batch(self) -> list[tuple[Sequence[ListedSignature], asyncio.Future[None]]]:
        batch: list[tuple[Sequence[ListedSignature], asyncio.Future[None]]] = []
        size = 0
        while self._waiting and (not batch or size + len(self._waiting[0][0]) <= MOST_IN_ONE):
            hints, committed = self._waiting.popleft()
            self._waiting_hints -= len(hints)
            if committed.done():
                # Nobody waits for it any more: it was told to come again.
                continue
            batch.append((hints, committed))
            size += len(hints)
        return batch

    async def _commit(self, batch: list[tuple[Sequence[ListedSignature], asyncio.Future[None]]]) -> None:
        once = {hint.signature: hint for hints, _ in reversed(batch) for hint in reversed(hints)}
        if not once:
            return
        try:
            new = await self._store.queue(list(once.values()))
        except HintsNotKeptError as error:
            _answer(batch, error)
            return
        _answer(batch, None)
        self.counts.new += new
        self.counts.known += sum(len(hints) for hints, _ in batch) - new
        self.counts.commits += 1
        self.counts.queued += new

    async def _count(self) -> None:
        with contextlib.suppress(HintsNotKeptError):
            self.counts.queued, self.counts.newest_slot = await self._store.standing(self._most_queued)

    async def _note_for_ever(self) -> None:
        while True:
            await self._clock.sleep(_NOTE_SECONDS)
            await self._note()

    async def _note(self) -> None:
        """Write down what was refused; what cannot be written now is kept for the next time."""
        noted = {key: (requests, self._hints_to_note[key]) for key, requests in self._to_note.items()}
        if not noted:
            return
        try:
            await self._store.note_refused(noted)
        except HintsNotKeptError:
            return
        for key, (requests, hints) in noted.items():
            self._to_note[key] -= requests
            self._hints_to_note[key] -= hints
        self._to_note, self._hints_to_note = +self._to_note, +self._hints_to_note
        logger.warning(
            "webhook hints were refused", extra={"requests": sum(requests for requests, _ in noted.values())}
        )


def _answer(
    batch: list[tuple[Sequence[ListedSignature], asyncio.Future[None]]], error: HintsNotKeptError | None
) -> None:
    for _, committed in batch:
        if committed.done():
            continue
        if error is None:
            committed.set_result(None)
        else:
            committed.set_exception(error)
