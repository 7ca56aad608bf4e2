"""Accounts by a Geyser stream: what is asked for, where it begins, what is a gap, and what its checkpoint waits for."""

import asyncio
from collections.abc import Callable

from accounts_told import RAYDIUM_CPMM, SYSTEM, cpmm_pool, heard
from memory_accounts import MemoryAccounts, SpokenStream
from memory_chain import FIRST_SLOT, HandClock, MemoryChain
from memory_inbox import MemoryInbox

from oof_pipelines.geyser_interfaces import (
    CONFIRMED,
    FINALIZED,
    BlockMeta,
    GeyserEvent,
    GeyserSlot,
    Resumed,
    ResumeRefused,
)
from oof_pipelines.interfaces import Checkpoint, Dropped, Subscribed
from oof_pipelines.workflows.follow_geyser_accounts import SETTLED_AFTER_SLOTS, TARGET, AccountFeed
from oof_pipelines.workflows.keep_accounts import AccountKeeper

WALLET = "7n9jvPADeWJrqPeZXgUXQ1uauQoCNiP4fHsAxw5nfKwR"
POOL, POOL_DATA = cpmm_pool()
VAULTS = ("7kr6P33VCitwmwpShpUwXKpjnnXQkVyNZNqLktYKRKm9", "9rtx1zk5rSXFjg9oDKhzTnJWeVhuA8CJFvvgdKppsz8a")
SLOT = FIRST_SLOT + 10


class Scene:
    def __init__(self, *, owners: tuple[str, ...] = (), accounts: tuple[str, ...] = (WALLET,)) -> None:
        self.stream, self.store, self.chain = SpokenStream(), MemoryAccounts(), MemoryChain()
        self.clock, self.inbox = HandClock(), MemoryInbox()
        self.keeper = AccountKeeper(self.store, self.chain, self.clock, watched=accounts)
        self.feed = AccountFeed(
            self.stream, self.keeper, self.store, self.inbox, self.clock, account_owners=owners, accounts=accounts
        )

    def run(self, *steps: tuple[tuple[GeyserEvent, ...], Callable[[], bool]], step_seconds: float = 0.1) -> None:
        async def scenario() -> None:
            running = asyncio.create_task(self.feed.run())
            try:
                async with asyncio.timeout(20):
                    for events, is_done in steps:
                        for event in events:
                            self.stream.said.put_nowait(event)
                        while not is_done():
                            self.clock.advance(step_seconds)
                            await asyncio.sleep(0)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        asyncio.run(scenario())

    def checkpoint(self) -> int | None:
        saved = self.inbox.checkpoints.get(TARGET)
        return saved.slot if saved else None


def meta(slot: int) -> BlockMeta:
    return BlockMeta(slot, slot - 1, 1_777_000_000, 1)


def test_what_the_settings_name_is_asked_for_and_kept() -> None:
    scene = Scene()
    change = heard(WALLET, SYSTEM, b"", SLOT, 1, lamports=5)
    scene.run(((Subscribed("memory"), change, meta(SLOT)), lambda: bool(scene.store.kept)))
    ((filters, resume_from),) = scene.stream.asked
    assert (filters.targets, filters.account_owners, filters.accounts, resume_from) == ((), (), (WALLET,), None)
    assert scene.checkpoint() == SLOT, "the first slot ever"


def test_the_vaults_of_discovered_pools_are_asked_for_from_where_the_stream_was() -> None:
    scene = Scene(owners=(RAYDIUM_CPMM,), accounts=())
    change = heard(POOL, RAYDIUM_CPMM, POOL_DATA, SLOT, 1)
    scene.run(
        ((Subscribed("memory"), change, meta(SLOT)), lambda: len(scene.stream.asked) == 2),
        ((Resumed("memory", SLOT), meta(SLOT + 1)), lambda: scene.feed.counts.newest_slot == SLOT + 1),
    )
    (first, _), (second, resume_from) = scene.stream.asked
    assert (first.accounts, second.account_owners) == ((), (RAYDIUM_CPMM,))
    assert sorted(second.accounts) == sorted(VAULTS)
    assert resume_from == SLOT
    assert (scene.feed.counts.vaults, scene.feed.counts.resumptions) == (2, 1)
    assert not scene.inbox.open_gaps


def test_a_server_that_cannot_resume_leaves_a_gap() -> None:
    scene = Scene()
    scene.inbox.checkpoints[TARGET] = Checkpoint(SLOT, has_heard=True)
    refused = ResumeRefused(SLOT, SLOT + 40, "too old")
    scene.run(
        (
            (Dropped("cut"), refused, Subscribed("memory"), GeyserSlot(SLOT + 50, SLOT + 49, CONFIRMED)),
            lambda: scene.checkpoint() == SLOT + 50,
        )
    )
    (gap,) = scene.inbox.open_gaps.values()
    assert (gap.target, gap.first_slot, gap.last_slot) == (TARGET, SLOT + 1, SLOT + 49)
    assert (scene.feed.counts.drops, scene.feed.counts.refusals, scene.feed.counts.subscriptions) == (1, 1, 1)


def test_the_checkpoint_stays_behind_what_is_not_kept_yet() -> None:
    scene = Scene()
    scene.inbox.checkpoints[TARGET] = Checkpoint(SLOT, has_heard=True)
    unplaced = heard(WALLET, SYSTEM, b"", SLOT + 60, 1, lamports=5)
    far = SLOT + 200
    scene.run(
        (
            (Resumed("memory", SLOT), unplaced, GeyserSlot(far, far - 1, CONFIRMED), GeyserSlot(far, None, FINALIZED)),
            lambda: scene.checkpoint() == SLOT + 59 and scene.keeper.first_unkept_slot() == SLOT + 60,
        ),
        ((meta(SLOT + 60),), lambda: bool(scene.store.kept)),
        ((meta(far + 1),), lambda: scene.checkpoint() == far + 1 - SETTLED_AFTER_SLOTS),
        step_seconds=0.001,
    )
    assert not scene.inbox.open_gaps
