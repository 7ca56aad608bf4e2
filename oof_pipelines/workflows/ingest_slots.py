"""Store every transaction of a stretch of slots: list its blocks, fetch what is not stored yet, ask whether it is final.

The feed follows a chain as it grows; this reads what has happened, once, and ends. Both go through the same inbox: what is
stored is never fetched again, what is listed is queued before it is fetched, so a run that dies is ended by the next. Of the
queue only what was listed here is fetched, since the rest may be known to another node alone.
"""

import asyncio
import itertools
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from functools import partial

from oof_pipelines.interfaces import Clock, Inbox, ListedSignature, ProvisionalTransaction, TransactionSource
from oof_pipelines.workflows.fetch_queued import STORE_BATCH, QueueFetch, finalise_stored
from oof_pipelines.workflows.repair import history_begin_slot, repair_blocks

LISTING, FETCHING, FINALISING = "listing", "fetching", "finalising"
_STRETCHES_AT_ONCE = 4
_ROWS_A_PAGE = 4_096
# Whoever lists a stretch fetches it: a feed beside it has what happens now to do.
_QUEUED_AS = "backfill"

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
    signatures = {row.signature for row in listed}
    fetching = QueueFetch(source, inbox, clock, cluster=cluster, concurrency=concurrency)
    report.waiting = len(await fetching.fetch(signatures, partial(on_progress, FETCHING)))
    tally = fetching.tally
    report.fetched, report.stored, report.quarantined = tally.fetched, tally.stored, tally.quarantined
    provisional = await _provisional(inbox, signatures, report.last_slot)
    finalising = partial(on_progress, FINALISING)
    report.provisional = await finalise_stored(source, inbox, provisional, report.last_slot, finalising)
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


async def _provisional(inbox: Inbox, wanted: Set[str], up_to_slot: int) -> list[tuple[str, int]]:
    """(signature, slot) of what is stored of `wanted` and not final."""
    waiting: list[tuple[str, int]] = []
    after: ProvisionalTransaction | None = None
    while page := await inbox.provisional(up_to_slot, _ROWS_A_PAGE, after):
        waiting += [(row.signature, row.slot) for row in page if row.signature in wanted]
        after = page[-1]
    return waiting
