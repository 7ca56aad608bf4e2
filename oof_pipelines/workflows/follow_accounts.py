"""Accounts of our own programs as a source: a change of one is a hint that transactions touched it, and they are listed.

A notification names a slot, not a transaction, and of several changes in a slot only one may be told. So after each of them,
and after each subscription, the account's signatures are listed from where it was last complete up to that slot, and queued:
the feed fetches and verifies them like everything else. The checkpoint of an account advances behind such a listing alone,
and stays a while behind it, since a fork may still change what a recent slot holds.
"""

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, field

from oof_pipelines.account_interfaces import AccountSource, HeardChange
from oof_pipelines.interfaces import (
    Checkpoint,
    Clock,
    Dropped,
    Gap,
    Inbox,
    SourceRefusedError,
    SourceUnavailableError,
    Subscribed,
    TransactionSource,
)
from oof_pipelines.workflows.repair import repair_address

logger = logging.getLogger(__name__)

SETTLED_AFTER_SLOTS = 32
"""A listing of a slot this far behind the newest does not change any more, as with announcements (follow.py)."""
_PAUSE_SECONDS = 1.0


@dataclass(slots=True)
class AccountHintCounts:
    """What was done since the start."""

    heard: int = 0
    subscriptions: int = 0
    drops: int = 0
    listings: int = 0
    queued: int = 0
    unproven_gaps: int = 0


@dataclass(slots=True)
class _Watched:
    """An account, the newest slot of which a listing is owed (None: none is), and what says that one is."""

    account: str
    wanted_slot: int | None = None
    is_wanted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def target(self) -> str:
        return f"account:{self.account}"

    def want(self, slot: int) -> None:
        self.wanted_slot = slot if self.wanted_slot is None else max(self.wanted_slot, slot)
        self.is_wanted.set()


class AccountHints:
    """Watches accounts until it is cancelled. `counts` may be read at any time."""

    def __init__(
        self,
        changes: AccountSource,
        source: TransactionSource,
        inbox: Inbox,
        clock: Clock,
        *,
        accounts: tuple[str, ...],
        from_slot: int | None = None,
    ) -> None:
        self._changes = changes
        self._source = source
        self._inbox = inbox
        self._clock = clock
        self._watched = [_Watched(account) for account in dict.fromkeys(accounts)]
        self._from_slot = from_slot
        self.counts = AccountHintCounts()

    async def run(self) -> None:
        """Watch for ever. Ends by cancellation, or with the first error that no retry mends."""
        async with asyncio.TaskGroup() as tasks:
            for watched in self._watched:
                tasks.create_task(self._listen(watched))
                tasks.create_task(self._list_for_ever(watched))

    async def _listen(self, watched: _Watched) -> None:
        async with aclosing(self._changes.listen(watched.account)) as events:
            async for event in events:
                match event:
                    case HeardChange():
                        self.counts.heard += 1
                        watched.want(event.slot)
                    case Subscribed():
                        self.counts.subscriptions += 1
                        logger.info(
                            "subscribed to an account", extra={"account": watched.account, "endpoint": event.endpoint}
                        )
                        # It stands: from here on changes are heard, and what came before is listed.
                        watched.want(await self._tip())
                    case Dropped():
                        self.counts.drops += 1
                        logger.warning(
                            "account socket dropped", extra={"account": watched.account, "reason": event.reason}
                        )

    async def _tip(self) -> int:
        while True:
            try:
                return await self._source.slot("confirmed")
            except SourceUnavailableError as error:
                logger.warning("no endpoint tells the tip", extra={"reason": str(error)})
                await self._clock.sleep(_PAUSE_SECONDS)

    async def _list_for_ever(self, watched: _Watched) -> None:
        while True:
            await watched.is_wanted.wait()
            watched.is_wanted.clear()
            slot, watched.wanted_slot = watched.wanted_slot, None
            if slot is None:
                continue
            try:
                await self._list(watched, slot)
            except (SourceUnavailableError, SourceRefusedError) as error:
                # Nothing was passed over: the checkpoint stands, and the listing is owed still.
                logger.warning("account not listed", extra={"account": watched.account, "reason": str(error)})
                watched.want(slot)
                await self._clock.sleep(_PAUSE_SECONDS)

    async def _list(self, watched: _Watched, slot: int) -> None:
        """Queue everything that touched the account from its checkpoint up to `slot`."""
        checkpoint = await self._inbox.checkpoint(watched.target)
        if checkpoint is None:
            first_slot = slot if self._from_slot is None else min(self._from_slot, slot)
            checkpoint = Checkpoint(first_slot, has_heard=True)
            await self._inbox.save_checkpoint(watched.target, checkpoint)
        self.counts.listings += 1
        complete_slot: int | None = None
        async for page in repair_address(self._source, watched.account, checkpoint.slot, slot):
            if page.unproven is not None:
                await self._inbox.note_gap(Gap(watched.target, *page.unproven))
                self.counts.unproven_gaps += 1
            self.counts.queued += await self._inbox.enqueue(page.listed, "account")
            complete_slot = page.complete_slot
        if complete_slot is not None:
            settled_slot = max(complete_slot, slot) - SETTLED_AFTER_SLOTS
            if settled_slot > checkpoint.slot:
                await self._inbox.save_checkpoint(watched.target, Checkpoint(settled_slot, has_heard=True))
