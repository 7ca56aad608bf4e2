"""The Geyser feed: whole transactions off a stream into the inbox, and over RPC whatever the stream did not bring.

It takes the same way as everything that is heard: its bodies are checked, stored and told of by the feed's own storing, and
what it can only name is queued for the feed to fetch. What it missed is told by the stream's interruptions, where the server
cannot resume, by links to blocks of which nothing was said, and, where votes are followed too, by the number of a block's
transactions; it is listed over RPC. Nothing is kept only in memory that the checkpoint has passed: `geyser:TARGET` stays
behind what is held, unstored, doubted or still to be listed, and behind the newest slots, which a restart hears again.
"""

import asyncio
import functools
import logging
from collections import Counter
from contextlib import aclosing

from oof_pipelines.geyser_interfaces import (
    CONFIRMED,
    DEAD,
    FINALIZED,
    BlockMeta,
    GeyserEvent,
    GeyserFilters,
    GeyserSlot,
    GeyserSource,
    GeyserTransaction,
    Resumed,
    ResumeRefused,
)
from oof_pipelines.interfaces import (
    Clock,
    Dropped,
    Gap,
    Inbox,
    ListedSignature,
    SourceRefusedError,
    SourceUnavailableError,
    Subscribed,
    TransactionSource,
)
from oof_pipelines.workflows.block_counts import BlockCounts
from oof_pipelines.workflows.feed_counts import GeyserCounts
from oof_pipelines.workflows.follow import SETTLED_AFTER_SLOTS
from oof_pipelines.workflows.geyser_targets import GeyserTargets, Stretch
from oof_pipelines.workflows.held_transactions import HeldTransactions
from oof_pipelines.workflows.list_gaps import GapListing
from oof_pipelines.workflows.prepare import FetchedBody
from oof_pipelines.workflows.slot_chain import Missed, SlotChain
from oof_pipelines.workflows.store_bodies import Arrival, BodyStoring

logger = logging.getLogger(__name__)

# A block meta comes right behind its transactions; so does the slot behind its child, where the server put them in disorder.
_PATIENCE_SECONDS = 2.0
_TICK_SECONDS = 0.25
_UNAVAILABLE_PAUSE_SECONDS = 1.0
_WATCH_SECONDS = 10.0
# A stream may be behind the RPC endpoint by a few slots; this many are a minute.
LAGGING_SLOTS = 150


class GeyserFeed:
    """Follows targets by a Geyser stream, beside or instead of a feed that hears logs, until it is cancelled.

    `storing` and `listing` are the running feed's. `counts` may be read at any time. `from_slot` is where a target that was
    never followed by Geyser begins; its past up to the stream's beginning is listed over RPC.
    """

    def __init__(
        self,
        stream: GeyserSource,
        rpc: TransactionSource,
        inbox: Inbox,
        clock: Clock,
        storing: BodyStoring,
        listing: GapListing,
        *,
        targets: tuple[str, ...],
        from_slot: int | None = None,
    ) -> None:
        self._stream = stream
        self._rpc = rpc
        self._clock = clock
        self._storing = storing
        self._listing = listing
        self._filters = GeyserFilters(targets=targets)
        self._from_slot = from_slot
        self._targets = GeyserTargets(inbox, targets)
        self._chain = SlotChain(_PATIENCE_SECONDS)
        self._held = HeldTransactions(_PATIENCE_SECONDS)
        self._block_counts = BlockCounts(_PATIENCE_SECONDS) if "allWithVotes" in targets else None
        self._unstored: Counter[int] = Counter()
        self._repairs: asyncio.Queue[Stretch] = asyncio.Queue()
        self._is_first_slot_awaited = False
        self._resumed_from: int | None = None
        self._listening: asyncio.Task[None] | None = None
        self._is_taking = False
        self.counts = GeyserCounts()

    async def run(self) -> None:
        """Follow for ever. Ends by cancellation, or with the first error that no retry mends."""
        await self._targets.load()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._keep_time())
            tasks.create_task(self._repair())
            tasks.create_task(self._watch_lag())

    # --- hearing ---

    async def _listen(self) -> None:
        while True:
            self._listening = asyncio.create_task(self._listen_once())
            try:
                await self._listening
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                self.counts.reconnections += 1

    async def _listen_once(self) -> None:
        async with aclosing(self._stream.listen(self._filters, self._targets.resume_slot)) as events:
            async for event in events:
                self._is_taking = True
                await self._take(event)
                self._is_taking = False

    async def _take(self, event: GeyserEvent) -> None:
        match event:
            case GeyserTransaction():
                await self._hear(event)
            case BlockMeta():
                await self._hear_block(event)
            case GeyserSlot():
                await self._hear_slot(event)
            case Subscribed():
                self._begin(event.endpoint, None)
            case Resumed():
                self._begin(event.endpoint, event.from_slot)
            case ResumeRefused():
                self.counts.refusals += 1
                refused = {"from_slot": event.from_slot, "reason": event.reason}
                logger.warning("the Geyser server cannot resume, RPC lists what was missed", extra=refused)
            case Dropped():
                self.counts.drops += 1
                logger.warning("Geyser stream dropped", extra={"reason": event.reason})

    def _begin(self, endpoint: str, from_slot: int | None) -> None:
        self._is_first_slot_awaited = True
        self._resumed_from = from_slot
        if from_slot is None:
            self.counts.subscriptions += 1
            self._chain.begin()
        else:
            self.counts.resumptions += 1
            self._chain.resume(from_slot)
        logger.info("Geyser stream begins", extra={"endpoint": endpoint, "from_slot": from_slot})

    async def _reach(self, slot: int) -> None:
        """Something of `slot` is heard. The first time after a beginning: what lies before it is listed, unless replayed.

        The first slot may be heard in part, so it is listed too.
        """
        self.counts.newest_slot = max(self.counts.newest_slot, slot)
        if not self._is_first_slot_awaited:
            return
        self._is_first_slot_awaited = False
        is_resumed = self._resumed_from is not None
        first_slot = slot if self._resumed_from is None else self._resumed_from
        for stretch in await self._targets.begin(first_slot, new_from_slot=self._from_slot, is_resumed=is_resumed):
            self._repairs.put_nowait(stretch)

    async def _hear(self, event: GeyserTransaction) -> None:
        await self._reach(event.slot)
        if self._held.is_repeated(event):
            return
        self.counts.transactions += 1
        if self._block_counts is not None:
            self._block_counts.hear(event.slot)
        if event.body is None:
            await self._hint([event], event.trouble)
        elif self._held.knows_time(event.slot):
            await self._store_of_block([event], event.slot, self._held.time_s(event.slot))
        else:
            self._held.hold(event, self._clock.monotonic_s())

    async def _hear_block(self, event: BlockMeta) -> None:
        await self._reach(event.slot)
        self.counts.block_metas += 1
        self._chain.tell(event.slot, event.parent_slot, self._clock.monotonic_s())
        if self._block_counts is not None:
            self._block_counts.expect(event.slot, event.transaction_count, self._clock.monotonic_s())
        held = self._held.release(event.slot, event.block_time_s)
        await self._store_of_block(held, event.slot, event.block_time_s)

    async def _hear_slot(self, event: GeyserSlot) -> None:
        if event.status == CONFIRMED:
            await self._reach(event.slot)
            self._chain.tell(event.slot, event.parent_slot, self._clock.monotonic_s())
        elif event.status == FINALIZED:
            self.counts.finalized_slot = max(self.counts.finalized_slot, event.slot)
        elif event.status == DEAD:
            self._chain.bury(event.slot)

    # --- storing ---

    async def _store_of_block(self, transactions: list[GeyserTransaction], slot: int, block_time_s: int | None) -> None:
        """Store what came of a block that has said its time, or that it has none."""
        if block_time_s is not None:
            await self._store(transactions, block_time_s)
        elif transactions:
            await self._store_untimed(slot, transactions, is_block_silent=True)

    async def _store(
        self, transactions: list[GeyserTransaction], block_time_s: int | None, known_block_time_s: int | None = None
    ) -> None:
        """Hand the bodies over; waits where the database does not keep up, and so lets the server wait.

        `known_block_time_s` is what the node said where the block itself is silent.
        """
        for one in transactions:
            self._unstored[one.slot] += 1
        for one in transactions:
            body = FetchedBody(one.signature, one.body_at(block_time_s), known_block_time_s)
            done = functools.partial(self._note_stored, one.slot)
            await self._storing.put(Arrival(one.signature, one.slot, body, done, is_told=True))

    def _note_stored(self, slot: int) -> None:
        self._unstored[slot] -= 1
        if not self._unstored[slot]:
            del self._unstored[slot]

    async def _hint(self, transactions: list[GeyserTransaction], reason: str) -> None:
        """Only the signatures are known to be good: the feed fetches their bodies."""
        self.counts.hints += len(transactions)
        if transactions:
            logger.debug("fetched instead", extra={"signature": transactions[0].signature, "reason": reason})
            await self._listing.enqueue([ListedSignature(one.signature, one.slot) for one in transactions], "socket")

    # --- as time goes ---

    async def _keep_time(self) -> None:
        while True:
            await self._clock.sleep(_TICK_SECONDS)
            now_s = self._clock.monotonic_s()
            for slot, transactions in self._held.overdue(now_s):
                await self._store_untimed(slot, transactions, is_block_silent=False)
            missed = self._chain.missed(now_s)
            if self._block_counts is not None:
                missed += [Missed(slot, slot) for slot in self._block_counts.short(now_s)]
            for one in missed:
                self.counts.gaps += 1
                logger.warning(
                    "the Geyser stream left out slots", extra={"first": one.first_slot, "last": one.last_slot}
                )
                for stretch in self._targets.miss(one):
                    self._repairs.put_nowait(stretch)
            self.counts.held = len(self._held)
            await self._targets.complete(self._complete_slot())

    async def _store_untimed(self, slot: int, transactions: list[GeyserTransaction], *, is_block_silent: bool) -> None:
        """The stream did not say the time: the node is asked.

        Of a block that is silent itself, a node prints no time in its bodies either, and so they stay without one here.
        """
        # Held no longer and not handed over yet: the checkpoint must not pass them meanwhile.
        self._unstored[slot] += 1
        try:
            block_time_s = await self._rpc.block_time_s(slot)
        except SourceRefusedError:
            await self._store(transactions, None)
        except SourceUnavailableError as error:
            # The time decides the day, so nobody may guess it who could know it later.
            await self._hint(transactions, str(error))
        else:
            await self._store(transactions, None if is_block_silent else block_time_s, block_time_s)
        self._note_stored(slot)

    def _complete_slot(self) -> int:
        """Up to which slot everything is heard and in the database; 0 where that is not known."""
        if self._is_first_slot_awaited:
            return 0
        behind = [self._held.first_slot(), min(self._unstored, default=None), self._chain.first_doubted_slot()]
        if self._block_counts is not None:
            behind.append(self._block_counts.first_slot())
        settled_slot = self._chain.newest_slot - SETTLED_AFTER_SLOTS
        return max(0, min([settled_slot, *(slot - 1 for slot in behind if slot is not None)]))

    # --- repairing ---

    async def _repair(self) -> None:
        while True:
            stretch = await self._repairs.get()
            try:
                await self._list(stretch)
            except SourceUnavailableError as error:
                logger.warning("repair interrupted", extra={"target": stretch.key, "reason": str(error)})
                await self._clock.sleep(_UNAVAILABLE_PAUSE_SECONDS)
                await self._repairs.put(stretch)
                continue
            except SourceRefusedError as error:
                missed = stretch.missed
                await self._listing.note(Gap(stretch.key, missed.first_slot, missed.last_slot, str(error)))
            else:
                await self._listing.close_known(stretch.key, stretch.target)
            self._targets.close(stretch)

    async def _list(self, stretch: Stretch) -> None:
        first_slot, last_slot = stretch.missed.first_slot, stretch.missed.last_slot
        async for complete_slot, listed, unproven in self._listing.pages(stretch.target, first_slot, last_slot):
            if unproven is not None:
                # Kept before the checkpoint passes it.
                await self._listing.note(Gap(stretch.key, *unproven))
            await self._listing.enqueue(listed)
            if complete_slot is not None:
                await self._targets.reach(stretch, min(complete_slot, self._stored_slot()))

    def _stored_slot(self) -> int:
        """Before the first slot of which something waits in memory."""
        waiting = [slot for slot in (self._held.first_slot(), min(self._unstored, default=None)) if slot is not None]
        return min(waiting, default=self._chain.newest_slot + 1) - 1

    # --- lagging ---

    async def _watch_lag(self) -> None:
        """Begin anew with a server that keeps the stream open and tells of no more slots while the chain goes on."""
        newest_slot, metas, tip = 0, 0, 0
        while True:
            await self._clock.sleep(_WATCH_SECONDS)
            try:
                new_tip = await self._rpc.slot("confirmed")
            except (SourceUnavailableError, SourceRefusedError):
                continue
            self.counts.lag_slots = max(0, new_tip - self.counts.newest_slot)
            # A replay tells of old slots for a while, and moves on all the same.
            is_moving = self.counts.newest_slot > newest_slot or self.counts.block_metas > metas
            has_stopped = newest_slot > 0 and not is_moving and new_tip - tip > 0
            newest_slot, metas, tip = self.counts.newest_slot, self.counts.block_metas, new_tip
            if self.counts.lag_slots <= LAGGING_SLOTS:
                continue
            logger.warning("the Geyser stream lags", extra={"slots": self.counts.lag_slots})
            # Where it is we who wait, for the database or the node, what is in hand would be lost with the stream.
            if has_stopped and not self._is_taking and self._listening is not None:
                self._listening.cancel()
