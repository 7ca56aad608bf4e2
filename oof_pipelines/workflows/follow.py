"""The feed: announcement → signature → getTransaction → inbox. The one place where the chain is heard.

Nothing is kept only in memory. An announcement is queued in the inbox before it counts; a queued signature stays queued
until its body is stored or quarantined; and a checkpoint says up to which slot a target is complete. So a feed may die at
any point: the next one subscribes first, then repairs from the checkpoint, and holds the checkpoint until that is done.
A stretch that no node can list any more holds nothing up: it is warned of and kept as a gap beside the checkpoint, and
every later subscription closes it where a node's history reaches back to it.
"""

import asyncio
import functools
import logging
from contextlib import aclosing
from dataclasses import dataclass, field

from oof_pipelines.interfaces import (
    Checkpoint,
    Clock,
    Dropped,
    Gap,
    HeardLog,
    Inbox,
    LogSource,
    QueuedSignature,
    SourceRefusedError,
    SourceUnavailableError,
    StoreListener,
    Subscribed,
    TransactionSource,
)
from oof_pipelines.workflows.decode_tally import DecodeTally
from oof_pipelines.workflows.feed_counts import FeedCounts
from oof_pipelines.workflows.fetch import Fetcher
from oof_pipelines.workflows.finalise import Finality
from oof_pipelines.workflows.list_gaps import GapListing
from oof_pipelines.workflows.prepare import FetchedBody
from oof_pipelines.workflows.store_bodies import Arrival, BodyStoring

logger = logging.getLogger(__name__)

HEARD_QUEUE_LENGTH = 10_000
HEARD_BATCH = 500
DUE_BATCH = 500
# Announcements of one slot may come after those of a later one; a slot this far behind the newest is complete.
SETTLED_AFTER_SLOTS = 32
_IDLE_POLL_SECONDS = 0.25
_UNAVAILABLE_PAUSE_SECONDS = 1.0


@dataclass(slots=True)
class _Target:
    """One followed target and how far it is proven complete. While `is_repairing` the checkpoint is held.

    `repairs` are (subscription number, slot to list up to, slot the checkpoint may reach by that): only the repair of the
    newest subscription ends the holding, since an older one may end while the tip of the newest is still being asked
    for. `unproven_tip` is that tip, until the first announcement of the subscription has confirmed it.
    """

    name: str
    checkpoint: Checkpoint | None = None
    newest_slot: int = 0
    is_repairing: bool = True
    subscriptions: int = 0
    unproven_tip: int | None = None
    repairs: asyncio.Queue[tuple[int, int, int]] = field(default_factory=asyncio.Queue)


class Feed:
    """Follows targets into an inbox until it is cancelled. `counts` may be read at any time.

    Without targets it listens to nobody and does the rest: it fetches what others queue, stores what they bring
    (`storing`), lists what they missed (`listing`), and sees to finality. `is_leaving_out_votes` is what `all` implies.
    Events of `anchor_programs` are decoded.
    """

    def __init__(
        self,
        source: TransactionSource,
        logs: LogSource,
        inbox: Inbox,
        clock: Clock,
        *,
        targets: tuple[str, ...],
        cluster: str,
        concurrency: int = 16,
        finality_poll_seconds: float = 2.0,
        from_slot: int | None = None,
        listener: StoreListener | None = None,
        is_leaving_out_votes: bool = False,
        anchor_programs: tuple[str, ...] = (),
    ) -> None:
        self._source = source
        self._logs = logs
        self._inbox = inbox
        self._clock = clock
        self._targets = [_Target(name) for name in targets]
        self._concurrency = concurrency
        self._finality_poll_seconds = finality_poll_seconds
        self._from_slot = from_slot
        self._heard: asyncio.Queue[tuple[_Target, HeardLog]] = asyncio.Queue(HEARD_QUEUE_LENGTH)
        self._to_fetch: asyncio.Queue[QueuedSignature] = asyncio.Queue(DUE_BATCH)
        self._fetcher = Fetcher(source, inbox, clock)
        self._finality = Finality(source, inbox, clock, listener)
        self._in_flight: set[str] = set()
        self._work_waits = asyncio.Event()
        self.counts = FeedCounts()
        self.storing = BodyStoring(
            inbox,
            clock,
            self.counts,
            cluster=cluster,
            is_leaving_out_votes=is_leaving_out_votes or "all" in targets,
            listener=listener,
            anchor_programs=anchor_programs,
        )
        self.listing = GapListing(
            source,
            inbox,
            self.counts,
            concurrency=concurrency,
            is_unwanted=self.storing.is_dropped_vote,
            on_queued=self._work_waits.set,
        )

    @property
    def tally(self) -> DecodeTally:
        """What was decoded of the stored transactions."""
        return self.storing.tally

    async def run(self) -> None:
        """Follow for ever. Ends by cancellation, or with the first error that no retry mends."""
        async with asyncio.TaskGroup() as tasks:
            for target in self._targets:
                tasks.create_task(self._listen(target))
                tasks.create_task(self._repair(target))
            tasks.create_task(self._record())
            tasks.create_task(self._dispatch())
            for _worker in range(self._concurrency):
                tasks.create_task(self._fetch())
            tasks.create_task(self.storing.run())
            tasks.create_task(self._finalise())

    # --- hearing ---

    async def _listen(self, target: _Target) -> None:
        async with aclosing(self._logs.listen(target.name)) as events:
            async for event in events:
                match event:
                    case HeardLog():
                        self.counts.heard += 1
                        await self._prove_tip(target, event.slot)
                        await self._heard.put((target, event))
                    case Subscribed():
                        self.counts.subscriptions += 1
                        logger.info("subscribed", extra={"target": target.name, "endpoint": event.endpoint})
                        await self._begin_repair(target)
                    case Dropped():
                        self.counts.drops += 1
                        target.is_repairing = True
                        logger.warning("socket dropped", extra={"target": target.name, "reason": event.reason})

    async def _begin_repair(self, target: _Target) -> None:
        """The subscription stands: find the tip, and have everything from the checkpoint to it listed."""
        target.is_repairing = True
        target.subscriptions += 1
        subscription = target.subscriptions
        tip = await self._ask_tip()
        if target.checkpoint is None:
            target.checkpoint = await self._inbox.checkpoint(target.name)
        if target.checkpoint is None:
            first_slot = tip if self._from_slot is None else min(self._from_slot, tip)
            target.checkpoint = Checkpoint(first_slot, has_heard=self._from_slot is not None)
            await self._inbox.save_checkpoint(target.name, target.checkpoint)
        target.unproven_tip = tip
        await target.repairs.put((subscription, tip, tip))

    async def _prove_tip(self, target: _Target, heard_slot: int) -> None:
        """The first announcement of a subscription: where it is past the tip, the stretch between is listed as well.

        The tip may come from another backend than the announcements, one that is behind; what was confirmed between that
        tip and the subscription would be neither listed nor heard. A target that never heard anything has no such stretch.
        """
        tip, target.unproven_tip = target.unproven_tip, None
        has_heard = target.checkpoint is not None and target.checkpoint.has_heard
        if tip is not None and has_heard and heard_slot > tip:
            target.is_repairing = True
            await target.repairs.put((target.subscriptions, heard_slot, heard_slot - SETTLED_AFTER_SLOTS))

    async def _ask_tip(self) -> int:
        while True:
            try:
                return await self._source.slot("confirmed")
            except SourceUnavailableError as error:
                logger.warning("no endpoint tells the tip", extra={"reason": str(error)})
                await self._clock.sleep(_UNAVAILABLE_PAUSE_SECONDS)

    async def _record(self) -> None:
        while True:
            batch = [await self._heard.get()]
            while len(batch) < HEARD_BATCH and not self._heard.empty():
                batch.append(self._heard.get_nowait())
            checkpoints: dict[str, Checkpoint] = {}
            for target, log in batch:
                self.counts.newest_slot = max(self.counts.newest_slot, log.slot)
                advanced = _advance(target, log.slot)
                if advanced is not None:
                    target.checkpoint = checkpoints[target.name] = advanced
            unique = {log.signature: log for _, log in batch}
            self.counts.queued += await self._inbox.record_heard(list(unique.values()), checkpoints)
            self._work_waits.set()

    # --- repairing ---

    async def _repair(self, target: _Target) -> None:
        while True:
            subscription, last_slot, settled_slot = await target.repairs.get()
            try:
                await self._repair_up_to(target, last_slot, settled_slot)
            except SourceUnavailableError as error:
                logger.warning("repair interrupted", extra={"target": target.name, "reason": str(error)})
                await self._clock.sleep(_UNAVAILABLE_PAUSE_SECONDS)
                await target.repairs.put((subscription, last_slot, settled_slot))
            except SourceRefusedError as error:
                # The node cannot list the gap. What is heard is kept; the checkpoint stays where it is, so that the next
                # subscription, a later start, or another node repairs it.
                target.unproven_tip = None
                first_slot = target.checkpoint.slot if target.checkpoint else None
                gap = {"target": target.name, "first_slot": first_slot, "last_slot": last_slot}
                logger.error("gap not repaired, checkpoint held", extra={**gap, "reason": str(error)})
            else:
                if subscription == target.subscriptions and target.repairs.empty():
                    target.is_repairing = False
                    await self.listing.close_known(target.name, target.name)

    async def _repair_up_to(self, target: _Target, last_slot: int, settled_slot: int) -> None:
        start = target.checkpoint
        if start is None:
            return
        async for slot, listed, unproven in self.listing.pages(target.name, start.slot, last_slot):
            if unproven is not None:
                # Kept before the checkpoint passes it.
                await self.listing.note(Gap(target.name, *unproven))
            await self.listing.enqueue(listed)
            reached = target.checkpoint
            # A first announcement may have put the checkpoint back meanwhile; then the gap is not what was listed.
            complete_slot = None if slot is None else min(slot, settled_slot)
            if complete_slot is not None and reached is not None and start.slot <= reached.slot < complete_slot:
                target.checkpoint = Checkpoint(complete_slot, reached.has_heard)
                await self._inbox.save_checkpoint(target.name, target.checkpoint)

    # --- fetching ---

    async def _dispatch(self) -> None:
        """Move due signatures from the inbox's queue to the workers, each once at a time."""
        while True:
            self._work_waits.clear()
            due = await self._inbox.due(self._clock.now(), DUE_BATCH + len(self._in_flight))
            fresh = [queued for queued in due if queued.signature not in self._in_flight]
            for queued in fresh:
                self._in_flight.add(queued.signature)
                await self._to_fetch.put(queued)
            self.counts.in_flight = len(self._in_flight)
            if not fresh:
                try:
                    async with asyncio.timeout(_IDLE_POLL_SECONDS):
                        await self._work_waits.wait()
                except TimeoutError:
                    continue

    async def _fetch(self) -> None:
        while True:
            queued = await self._to_fetch.get()
            outcome = await self._fetcher.fetch(queued)
            if outcome is None:
                self._in_flight.discard(queued.signature)
                continue
            self.counts.fetched += isinstance(outcome, FetchedBody)
            await self.storing.put(
                Arrival(queued.signature, queued.slot, outcome, functools.partial(self._finish, queued.signature))
            )

    def _finish(self, signature: str) -> None:
        self._in_flight.discard(signature)
        self._work_waits.set()

    # --- finality ---

    async def _finalise(self) -> None:
        while True:
            try:
                result = await self._finality.next_page()
            except (SourceUnavailableError, SourceRefusedError) as error:
                logger.warning("finality unknown", extra={"reason": str(error)})
            else:
                self.counts.finalised += result.finalised
                self.counts.retracted += result.retracted
                self.counts.finalized_slot = result.finalized_slot
                if result.has_more:
                    continue
            await self._clock.sleep(self._finality_poll_seconds)


def _advance(target: _Target, heard_slot: int) -> Checkpoint | None:
    """The target's next checkpoint after hearing `heard_slot`; None where it stays.

    The first announcement ever may be older than the tip the node gave (a replay, a lagging backend): what counts is
    where the announcements begin. Later ones only move the checkpoint forward, and not while a repair is under way.
    """
    target.newest_slot = max(target.newest_slot, heard_slot)
    checkpoint = target.checkpoint
    if checkpoint is None:
        return None
    if not checkpoint.has_heard:
        return Checkpoint(max(0, min(checkpoint.slot, heard_slot - 1)), has_heard=True)
    settled_slot = target.newest_slot - SETTLED_AFTER_SLOTS
    if target.is_repairing or settled_slot <= checkpoint.slot:
        return None
    return Checkpoint(settled_slot, has_heard=True)
