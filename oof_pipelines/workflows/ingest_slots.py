"""Store every transaction of a stretch of slots: list its blocks, fetch what is not stored yet, ask whether it is final.

The feed follows a chain as it grows; this reads what has happened, once, and ends. Both go through the same inbox: what is
stored is never fetched again, what is listed is queued before it is fetched, so a run that dies is ended by the next. Of the
queue only what was listed here is fetched, since the rest may be known to another node alone.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from datetime import timedelta

from oof_pipelines.interfaces import (
    Clock,
    Inbox,
    ListedSignature,
    ProvisionalTransaction,
    QuarantinedTransaction,
    QueuedSignature,
    StoredTransaction,
    TransactionSource,
)
from oof_pipelines.workflows.fetch import Fetcher
from oof_pipelines.workflows.finalise import STATUSES_A_CALL
from oof_pipelines.workflows.prepare import FetchedBody, prepare
from oof_pipelines.workflows.repair import history_begin_slot, repair_blocks

LISTING, FETCHING, FINALISING = "listing", "fetching", "finalising"
STORE_BATCH = 256
_STRETCHES_AT_ONCE = 4
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.2
_ROWS_A_PAGE = 4_096
# The queue knows what came by the socket, by listing, and after a fork.
_QUEUED_AS = "repair"
# Every deferral is over by then (they last seconds): whatever is queued counts as due.
_AHEAD = timedelta(hours=1)

OnProgress = Callable[[str, int, int], None]
"""Hears of a stage (`LISTING`, `FETCHING`, `FINALISING`), how much of it is done and how much there is; 0 for unknown."""


@dataclass(slots=True)
class IngestReport:
    """What one run did, in signatures. `fetched` were asked for; `waiting` could not be had and stay in the queue.

    `unproven` are reasons why some slots could not be listed. `provisional` are stored and not final yet.
    """

    first_slot: int = 0
    last_slot: int = 0
    listed: int = 0
    queued: int = 0
    fetched: int = 0
    stored: int = 0
    quarantined: int = 0
    waiting: int = 0
    provisional: int = 0
    unproven: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether a run over the same chain would find nothing to do."""
        return not (self.waiting or self.provisional or self.unproven)


async def ingest_slots(
    source: TransactionSource,
    inbox: Inbox,
    clock: Clock,
    *,
    cluster: str,
    concurrency: int,
    on_progress: OnProgress = lambda _stage, _done, _total: None,
) -> IngestReport:
    """Bring everything `source` has into `inbox`, from its first block to its finalised tip.

    Bodies are stored without their decoded rows, since whoever wants a stretch at once decodes its days next. Raises
    `SourceUnavailableError` where the listing or the finality cannot be had; what was stored stays.
    """
    report = IngestReport(await history_begin_slot(source), await source.slot("finalized"))
    listed = await _list(source, report, concurrency, on_progress)
    if (begin_slot := await history_begin_slot(source)) > report.first_slot:
        report.unproven.append(f"the node forgot the slots before {begin_slot} while they were listed")
    for start in range(0, len(listed), STORE_BATCH * 8):
        report.queued += await inbox.enqueue(listed[start : start + STORE_BATCH * 8], _QUEUED_AS)
    ingest = _Ingest(source, inbox, clock, cluster, concurrency, report, on_progress)
    signatures = {row.signature for row in listed}
    await ingest.fetch_queued(signatures)
    await ingest.finalise(signatures)
    return report


async def _list(
    source: TransactionSource, report: IngestReport, concurrency: int, on_progress: OnProgress
) -> list[ListedSignature]:
    """Every signature of the stretch, in slot order; a node's silent stretches are asked for side by side."""
    count = report.last_slot - report.first_slot + 1
    bounds = [report.first_slot + count * place // _STRETCHES_AT_ONCE for place in range(_STRETCHES_AT_ONCE + 1)]
    found = 0

    async def listed_of(first_slot: int, last_slot: int) -> list[ListedSignature]:
        nonlocal found
        rows: list[ListedSignature] = []
        at_once = max(1, concurrency // _STRETCHES_AT_ONCE)
        pages = repair_blocks(source, first_slot, last_slot, at_once, begin_slot=report.first_slot)
        async for page in pages:
            rows += page.listed
            if page.unproven is not None:
                report.unproven.append(page.unproven.reason)
            found += len(page.listed)
            on_progress(LISTING, found, 0)
        return rows

    parts = await asyncio.gather(
        *(listed_of(first, after - 1) for first, after in itertools.pairwise(bounds) if first < after)
    )
    listed = [row for part in parts for row in part]
    report.listed = len({row.signature for row in listed})
    return listed


class _Ingest:
    """Fetching, storing and finalising of one run."""

    def __init__(
        self,
        source: TransactionSource,
        inbox: Inbox,
        clock: Clock,
        cluster: str,
        concurrency: int,
        report: IngestReport,
        on_progress: OnProgress,
    ) -> None:
        self._source = source
        self._inbox = inbox
        self._clock = clock
        self._cluster = cluster
        self._turns = asyncio.Semaphore(concurrency)
        self._fetcher = Fetcher(source, inbox, clock)
        self._report = report
        self._on_progress = on_progress

    async def fetch_queued(self, wanted: Set[str]) -> None:
        """Fetch and store what is queued of `wanted`, until nothing is, or nothing more comes for two minutes.

        What another process took off the queue meanwhile is done as well.
        """
        unresolved = await self._still_queued(wanted)
        total, moved_at_s = len(unresolved), self._clock.monotonic_s()
        while unresolved and self._clock.monotonic_s() - moved_at_s < _PATIENCE_SECONDS:
            due = await self._due(unresolved)
            if not due:
                still_queued = await self._still_queued(unresolved)
                if still_queued != unresolved:
                    unresolved, moved_at_s = still_queued, self._clock.monotonic_s()
                    self._on_progress(FETCHING, total - len(unresolved), total)
                else:
                    await self._clock.sleep(_PAUSE_SECONDS)
                continue
            for start in range(0, len(due), STORE_BATCH):
                batch = due[start : start + STORE_BATCH]
                resolved = await self._store(batch, await asyncio.gather(*map(self._fetch, batch)))
                if resolved:
                    unresolved -= resolved
                    moved_at_s = self._clock.monotonic_s()
                self._on_progress(FETCHING, total - len(unresolved), total)
        self._report.waiting = len(await self._still_queued(unresolved)) if unresolved else 0

    async def _due(self, wanted: Set[str]) -> list[QueuedSignature]:
        """What is due of `wanted`, in the queue's order."""
        due = await self._inbox.due(self._clock.now(), await self._inbox.queue_length())
        return [one for one in due if one.signature in wanted]

    async def _still_queued(self, wanted: Set[str]) -> set[str]:
        """What is on the queue of `wanted`, due or not."""
        limit = 0
        while True:
            # A queue that grew since it was counted fills the limit, and what was cut off must not count as done.
            limit = max(limit, await self._inbox.queue_length()) + _ROWS_A_PAGE
            queued = await self._inbox.due(self._clock.now() + _AHEAD, limit)
            if len(queued) < limit:
                return {one.signature for one in queued if one.signature in wanted}

    async def _fetch(self, queued: QueuedSignature) -> FetchedBody | QuarantinedTransaction | None:
        async with self._turns:
            self._report.fetched += 1
            return await self._fetcher.fetch(queued)

    async def _store(
        self, batch: Sequence[QueuedSignature], outcomes: Sequence[FetchedBody | QuarantinedTransaction | None]
    ) -> set[str]:
        """Store a batch; the signatures that are off the queue by it."""
        now = self._clock.now()
        rows: list[StoredTransaction | QuarantinedTransaction | None] = [
            prepare(outcome, queued.slot, self._cluster, now, is_decoding=False)
            if isinstance(outcome, FetchedBody)
            else outcome
            for queued, outcome in zip(batch, outcomes, strict=True)
        ]
        kept = [row for row in rows if isinstance(row, StoredTransaction)]
        refused = [row for row in rows if isinstance(row, QuarantinedTransaction)]
        stored, quarantined = await self._inbox.store(kept, refused)
        self._report.stored += stored
        self._report.quarantined += quarantined
        return {row.signature for row in kept} | {row.signature for row in refused}

    async def finalise(self, wanted: Set[str]) -> None:
        """Ask after what is stored of `wanted` and not final; what the node does not call final stays provisional."""
        waiting: list[ProvisionalTransaction] = []
        after: ProvisionalTransaction | None = None
        while page := await self._inbox.provisional(self._report.last_slot, _ROWS_A_PAGE, after):
            waiting += [row for row in page if row.signature in wanted]
            after = page[-1]
        for start in range(0, len(waiting), STATUSES_A_CALL):
            batch = waiting[start : start + STATUSES_A_CALL]
            statuses = await self._source.signature_statuses([row.signature for row in batch], self._report.last_slot)
            final = [
                row.signature
                for row, status in zip(batch, statuses, strict=True)
                if status is not None and status.is_final and status.slot == row.slot
            ]
            await self._inbox.mark_final(final)
            self._report.provisional += len(batch) - len(final)
            self._on_progress(FINALISING, start + len(batch), len(waiting))
