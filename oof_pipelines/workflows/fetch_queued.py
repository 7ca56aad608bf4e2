"""Fetching and storing signatures that are queued, and asking whether they are final, for a run that ends.

The feed does the same for ever with whatever is due; this takes what its caller listed, and stops when nothing more comes.
Bodies are stored without decoded rows, since whoever reads a stretch at once decodes its days next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from oof_pipelines.chain.body import BodyError, read_body
from oof_pipelines.interfaces import (
    Clock,
    Inbox,
    QuarantinedTransaction,
    QueuedSignature,
    SourceRefusedError,
    StoredTransaction,
    TransactionSource,
)
from oof_pipelines.workflows.fetch import Fetcher
from oof_pipelines.workflows.finalise import STATUSES_A_CALL
from oof_pipelines.workflows.prepare import FetchedBody, prepare

ItemT = TypeVar("ItemT")

STORE_BATCH = 256
PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.2
_SIGNATURES_A_QUESTION = 8_192
# Every deferral is over by then (they last seconds): whatever is queued counts as due.
_AHEAD = timedelta(hours=1)

Fetched = tuple[FetchedBody, StoredTransaction]
BeforeStore = Callable[[Sequence[Fetched]], Awaitable[Sequence[StoredTransaction]]]
"""What to do with fetched transactions before they are stored; the rows to store, in the same order."""


@dataclass(slots=True)
class FetchTally:
    """`fetched` were asked for, again and again where the node put them off; `stored` and `quarantined` are new ones."""

    fetched: int = 0
    stored: int = 0
    quarantined: int = 0


class QueueFetch:
    """Fetches what is queued of given signatures. `concurrency` requests are under way at once.

    It has patience once: two minutes in which nothing came, over all its calls; after that it only tries what is due.
    `most_left` says how many may still be asked for, None for any number; `has_to_stop` is asked between batches.
    """

    def __init__(
        self,
        source: TransactionSource,
        inbox: Inbox,
        clock: Clock,
        *,
        cluster: str,
        concurrency: int,
        before_store: BeforeStore | None = None,
        most_left: Callable[[], int | None] = lambda: None,
        has_to_stop: Callable[[], bool] = lambda: False,
        on_fetched: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self._cluster = cluster
        self._turns = asyncio.Semaphore(concurrency)
        self._fetcher = Fetcher(source, inbox, clock)
        self._before_store = before_store
        self._most_left = most_left
        self._has_to_stop = has_to_stop
        self._on_fetched = on_fetched
        self._is_patient = True
        self.tally = FetchTally()

    async def fetch(self, wanted: Set[str], on_done: Callable[[int, int], None]) -> set[str]:
        """Fetch and store what is queued of `wanted`, until nothing is, or no more may be had; what still is queued.

        `on_done` hears how many are off the queue, of how many. What another process took off it counts as well.
        """
        unresolved = await self._queued(wanted)
        total, moved_at_s = len(unresolved), self._clock.monotonic_s()
        while unresolved and not self._has_to_stop():
            due = await self._due(unresolved)
            if not due:
                still_queued = await self._queued(unresolved)
                if still_queued != unresolved:
                    unresolved, moved_at_s = still_queued, self._clock.monotonic_s()
                    on_done(total - len(unresolved), total)
                    continue
                if not self._is_patient or self._clock.monotonic_s() - moved_at_s >= PATIENCE_SECONDS:
                    self._is_patient = False
                    break
                await self._clock.sleep(_PAUSE_SECONDS)
                continue
            for batch in _batches(due, STORE_BATCH):
                resolved = await self._fetch_batch(batch)
                if resolved is None:
                    return await self._queued(unresolved)
                if resolved:
                    unresolved -= resolved
                    moved_at_s = self._clock.monotonic_s()
                on_done(total - len(unresolved), total)
            if self._clock.monotonic_s() - moved_at_s >= PATIENCE_SECONDS:
                self._is_patient = False
                break
        return await self._queued(unresolved) if unresolved else set()

    async def _fetch_batch(self, batch: Sequence[QueuedSignature]) -> set[str] | None:
        """The signatures of `batch` that are off the queue by it; None where no more may be asked for."""
        left = None if self._has_to_stop() else self._most_left()
        if self._has_to_stop() or left == 0:
            return None
        batch = batch[:left]
        self._on_fetched(len(batch))
        return await self._store(batch, await asyncio.gather(*map(self._fetch, batch)))

    async def _due(self, wanted: Set[str]) -> list[QueuedSignature]:
        """What is due of `wanted`, the newest slot first."""
        now = self._clock.now()
        parts = [await self._inbox.due_of(some, now) for some in _batches(sorted(wanted), _SIGNATURES_A_QUESTION)]
        return sorted((one for part in parts for one in part), key=lambda one: (-one.slot, one.signature))

    async def _queued(self, wanted: Set[str]) -> set[str]:
        """What is on the queue of `wanted`, due or not."""
        later = self._clock.now() + _AHEAD
        parts = [await self._inbox.due_of(some, later) for some in _batches(sorted(wanted), _SIGNATURES_A_QUESTION)]
        return {one.signature for part in parts for one in part}

    async def _fetch(self, queued: QueuedSignature) -> FetchedBody | QuarantinedTransaction | None:
        async with self._turns:
            self.tally.fetched += 1
            return await self._fetcher.fetch(queued)

    async def _store(
        self, batch: Sequence[QueuedSignature], outcomes: Sequence[FetchedBody | QuarantinedTransaction | None]
    ) -> set[str]:
        """Store a batch; the signatures that are off the queue by it."""
        now = self._clock.now()
        fetched: list[Fetched] = []
        refused: list[QuarantinedTransaction] = []
        for queued, outcome in zip(batch, outcomes, strict=True):
            row = (
                prepare(outcome, queued.slot, self._cluster, now, is_decoding=False)
                if isinstance(outcome, FetchedBody)
                else outcome
            )
            if isinstance(row, StoredTransaction):
                assert isinstance(outcome, FetchedBody)
                fetched.append((outcome, row))
            elif row is not None:
                refused.append(row)
        kept = [row for _, row in fetched]
        if self._before_store is not None and fetched:
            kept = list(await self._before_store(fetched))
        stored, quarantined = await self._inbox.store(kept, refused)
        self.tally.stored += stored
        self.tally.quarantined += quarantined
        return {row.signature for row in kept} | {row.signature for row in refused}


async def finalise_stored(
    source: TransactionSource,
    inbox: Inbox,
    placed: Sequence[tuple[str, int]],
    finalized_slot: int,
    on_done: Callable[[int, int], None] = lambda _done, _total: None,
) -> int:
    """Ask after stored (signature, slot), the slots of which finality has passed; how many stay provisional.

    Nodes lose statuses, so where there is none the finalised body counts. What the node does not call final in its own slot
    stays provisional: taking it back is the feed's, which asks several times.
    """
    provisional = 0
    for start in range(0, len(placed), STATUSES_A_CALL):
        batch = placed[start : start + STATUSES_A_CALL]
        statuses = await source.signature_statuses([signature for signature, _ in batch], finalized_slot)
        final: list[str] = []
        for (signature, slot), status in zip(batch, statuses, strict=True):
            if status is None:
                is_final = await _final_slot(source, signature) == slot
            else:
                is_final = status.is_final and status.slot == slot
            if is_final:
                final.append(signature)
        await inbox.mark_final(final)
        provisional += len(batch) - len(final)
        on_done(start + len(batch), len(placed))
    return provisional


async def _final_slot(source: TransactionSource, signature: str) -> int | None:
    """The slot of the finalised body; None where there is none, or where it is refused."""
    try:
        body = await source.transaction(signature, "finalized")
        return None if body is None else read_body(body).slot
    except (SourceRefusedError, BodyError):
        return None


def _batches(items: Iterable[ItemT], size: int) -> Iterator[list[ItemT]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
