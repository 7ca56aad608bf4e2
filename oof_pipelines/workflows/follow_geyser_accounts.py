"""Accounts by a Geyser stream: pools, mints and balances as they change, handed to whoever keeps them.

A stream of its own beside the one of transactions, so that neither waits for the other. What is asked for are all accounts
of some programs, single ones, and the vaults of the pools that were discovered, newest first: those are accounts of the token
programs, and nobody wants all of these. An account tells its whole state, so after a gap it is right again with its next
change; what a server cannot replay is kept as a gap (`feed_gaps`, target `geyser:accounts`), since no node lists states of
the past.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from oof_pipelines.account_interfaces import AccountStore, AccountStoreBusyError
from oof_pipelines.geyser_interfaces import (
    CONFIRMED,
    BlockMeta,
    GeyserAccount,
    GeyserEvent,
    GeyserFilters,
    GeyserSlot,
    GeyserSource,
    Resumed,
    ResumeRefused,
)
from oof_pipelines.interfaces import Checkpoint, Clock, Dropped, Gap, Inbox, Subscribed
from oof_pipelines.workflows.keep_accounts import AccountKeeper

logger = logging.getLogger(__name__)

TARGET = "geyser:accounts"
SETTLED_AFTER_SLOTS = 32
MOST_VAULTS = 2_000
"""How many vaults are asked for beside what the settings name: servers take only so many addresses in a filter."""
_SAVE_EVERY_SLOTS = 25
_LOOK_FOR_VAULTS_SECONDS = 30.0


@dataclass(slots=True)
class AccountFeedCounts:
    """What was done since the start; gauges are as of now."""

    subscriptions: int = 0
    resumptions: int = 0
    refusals: int = 0
    drops: int = 0
    vaults: int = 0
    newest_slot: int = 0


class AccountFeed:
    """Follows accounts until it is cancelled. `counts` and the keeper's may be read at any time."""

    def __init__(
        self,
        stream: GeyserSource,
        keeper: AccountKeeper,
        store: AccountStore,
        inbox: Inbox,
        clock: Clock,
        *,
        account_owners: tuple[str, ...],
        accounts: tuple[str, ...],
    ) -> None:
        self._stream = stream
        self._keeper = keeper
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._account_owners = account_owners
        self._accounts = accounts
        self._checkpoint: Checkpoint | None = None
        self._is_beginning = True
        self._vaults: tuple[str, ...] = ()
        self.counts = AccountFeedCounts()

    async def run(self) -> None:
        """Follow for ever. Ends by cancellation, or with the first error that no retry mends."""
        self._checkpoint = await self._inbox.checkpoint(TARGET)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keeper.run())
            tasks.create_task(self._listen_for_ever())

    async def _listen_for_ever(self) -> None:
        """Listen, and begin anew where the last connection ended, with the vaults of the pools discovered meanwhile."""
        while True:
            self._vaults = await self._known_vaults()
            self.counts.vaults = len(self._vaults)
            accounts = tuple(dict.fromkeys((*self._accounts, *self._vaults)))
            filters = GeyserFilters(account_owners=self._account_owners, accounts=accounts)
            listening = asyncio.create_task(self._listen(self._stream.listen(filters, self._resume_slot)))
            looking = asyncio.create_task(self._wait_for_vaults())
            try:
                await asyncio.wait({listening, looking}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                looking.cancel()
                is_failed = listening.done() and not listening.cancelled()
                listening.cancel()
                await asyncio.gather(listening, looking, return_exceptions=True)
            if is_failed:
                listening.result()
            if looking.done() and not looking.cancelled():
                looking.result()

    async def _wait_for_vaults(self) -> None:
        while self._account_owners:
            await self._clock.sleep(_LOOK_FOR_VAULTS_SECONDS)
            if set(await self._known_vaults()) - set(self._vaults):
                return
        await asyncio.Event().wait()

    async def _known_vaults(self) -> tuple[str, ...]:
        """Of the pools that changed last; those asked for already where the database is too busy to say."""
        if not self._account_owners:
            return ()
        try:
            return tuple(await self._store.vaults(MOST_VAULTS))
        except AccountStoreBusyError as error:
            logger.warning("no new vaults are asked for", extra={"reason": str(error)})
            return self._vaults

    def _resume_slot(self) -> int | None:
        return None if self._checkpoint is None else self._checkpoint.slot

    async def _listen(self, events: AsyncGenerator[GeyserEvent, None]) -> None:
        async with aclosing(events):
            async for event in events:
                match event:
                    case GeyserAccount():
                        await self._keeper.heard(event)
                    case BlockMeta():
                        self._keeper.told(event)
                        await self._reach(event.slot)
                    case GeyserSlot(slot=slot, status=status) if status == CONFIRMED:
                        await self._reach(slot)
                    case Subscribed():
                        self.counts.subscriptions += 1
                        self._is_beginning = True
                        logger.info("account stream begins", extra={"endpoint": event.endpoint})
                    case Resumed():
                        self.counts.resumptions += 1
                        self._is_beginning = False
                        logger.info(
                            "account stream resumes", extra={"endpoint": event.endpoint, "from_slot": event.from_slot}
                        )
                    case ResumeRefused():
                        self.counts.refusals += 1
                        logger.warning("the Geyser server cannot resume accounts", extra={"reason": event.reason})
                    case Dropped():
                        self.counts.drops += 1
                        logger.warning("account stream dropped", extra={"reason": event.reason})
                    case _:
                        continue

    async def _reach(self, slot: int) -> None:
        """A confirmed slot was heard. Where the stream began at the tip, what lies before it was not."""
        self.counts.newest_slot = max(self.counts.newest_slot, slot)
        checkpoint = self._checkpoint
        if checkpoint is None:
            await self._save(Checkpoint(slot, has_heard=True))
        elif self._is_beginning and slot > checkpoint.slot + 1:
            reason = "account changes of the time without a stream are not listed by any node"
            await self._inbox.note_gap(Gap(TARGET, checkpoint.slot + 1, slot - 1, reason))
            await self._save(Checkpoint(slot, has_heard=True))
        else:
            await self._advance(checkpoint)
        self._is_beginning = False

    async def _advance(self, checkpoint: Checkpoint) -> None:
        """Behind what is kept, and behind the newest slots, which a restart hears again."""
        complete_slot = self.counts.newest_slot - SETTLED_AFTER_SLOTS
        unkept_slot = self._keeper.first_unkept_slot()
        if unkept_slot is not None:
            complete_slot = min(complete_slot, unkept_slot - 1)
        if complete_slot >= checkpoint.slot + _SAVE_EVERY_SLOTS:
            await self._save(Checkpoint(complete_slot, has_heard=True))

    async def _save(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        await self._inbox.save_checkpoint(TARGET, checkpoint)
