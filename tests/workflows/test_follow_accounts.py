"""Watched accounts as hints: listed up to the slot that was told, again after every gap, nothing passed over by a failure."""

import asyncio
from collections.abc import Callable

from memory_accounts import SpokenChanges
from memory_chain import FIRST_SLOT, PAYER, HandClock, MemoryChain, signature_of
from memory_inbox import MemoryInbox

from oof_pipelines.account_interfaces import HeardChange
from oof_pipelines.interfaces import Checkpoint, Dropped, SourceRefusedError, SourceUnavailableError, Subscribed
from oof_pipelines.workflows.follow_accounts import SETTLED_AFTER_SLOTS, AccountHints

TARGET = f"account:{PAYER}"
SLOT = FIRST_SLOT + 10


class Scene:
    def __init__(self, *, from_slot: int | None = None) -> None:
        self.changes, self.chain, self.clock, self.inbox = SpokenChanges(), MemoryChain(), HandClock(), MemoryInbox()
        self.hints = AccountHints(
            self.changes, self.chain, self.inbox, self.clock, accounts=(PAYER, PAYER), from_slot=from_slot
        )

    def say(self, *events: Subscribed | HeardChange | Dropped) -> None:
        for event in events:
            self.changes.said.put_nowait(event)

    async def until(self, is_so: Callable[[], bool], *, step_seconds: float = 0.0) -> None:
        async with asyncio.timeout(20):
            while not is_so():
                self.clock.advance(step_seconds)
                await asyncio.sleep(0)

    def run(self, *steps: tuple[Callable[[], None], Callable[[], bool]], step_seconds: float = 0.0) -> None:
        async def scenario() -> None:
            running = asyncio.create_task(self.hints.run())
            try:
                for act, is_done in steps:
                    act()
                    await self.until(is_done, step_seconds=step_seconds)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        asyncio.run(scenario())

    def queued(self) -> set[str]:
        return set(self.inbox.queue)


def change(slot: int) -> HeardChange:
    return HeardChange(PAYER, slot)


def test_two_changes_told_as_one_are_both_queued() -> None:
    scene = Scene()
    scene.chain.tip = SLOT

    def land() -> None:
        scene.chain.land("one", "two", slot=SLOT + 1)
        scene.say(change(SLOT + 1))

    scene.run(
        (lambda: scene.say(Subscribed("memory")), lambda: TARGET in scene.inbox.checkpoints),
        (land, lambda: len(scene.queued()) == 2),
    )
    assert scene.queued() == {signature_of("one"), signature_of("two")}
    assert {waiting.source for waiting in scene.inbox.queue.values()} == {"account"}
    assert scene.changes.accounts == [PAYER]
    assert (scene.hints.counts.heard, scene.hints.counts.queued) == (1, 2)


def test_what_happened_while_the_socket_was_away_is_listed_with_the_next_subscription() -> None:
    scene = Scene()
    scene.inbox.checkpoints[TARGET] = Checkpoint(SLOT, has_heard=True)
    scene.chain.land("before", slot=SLOT - 1)
    scene.chain.land("during", slot=SLOT + 5)
    scene.chain.land("later", slot=SLOT + 100)
    scene.run(
        (
            lambda: scene.say(Dropped("cut"), Subscribed("memory")),
            lambda: scene.inbox.checkpoints[TARGET].slot == SLOT + 100 - SETTLED_AFTER_SLOTS,
        )
    )
    assert scene.queued() == {signature_of("during"), signature_of("later")}
    assert (scene.hints.counts.drops, scene.hints.counts.subscriptions) == (1, 1)


def test_a_first_start_may_begin_in_the_past() -> None:
    scene = Scene(from_slot=FIRST_SLOT)
    scene.chain.land("old", slot=FIRST_SLOT + 1)
    scene.chain.tip = SLOT
    scene.run((lambda: scene.say(Subscribed("memory")), lambda: bool(scene.queued())))
    assert scene.queued() == {signature_of("old")}


def test_a_listing_that_fails_is_owed_until_it_is_made() -> None:
    scene = Scene()
    scene.inbox.checkpoints[TARGET] = Checkpoint(SLOT, has_heard=True)
    scene.chain.land("one", slot=SLOT + 1)
    scene.chain.errors["slot confirmed"] = [SourceUnavailableError("away")]
    scene.chain.errors["signatures_for_address"] = [SourceUnavailableError("away"), SourceRefusedError(-32005, "no")]
    # A node that is behind the slot would list a part as the whole.
    scene.chain.behind["signatures_for_address"] = [SLOT]
    scene.run((lambda: scene.say(Subscribed("memory")), lambda: bool(scene.queued())), step_seconds=1.0)
    assert scene.queued() == {signature_of("one")}
    assert scene.inbox.checkpoints[TARGET].slot == SLOT


def test_a_history_that_begins_later_leaves_a_gap() -> None:
    scene = Scene()
    scene.inbox.checkpoints[TARGET] = Checkpoint(SLOT, has_heard=True)
    scene.chain.land("one", slot=SLOT + 50)
    scene.chain.first_block = SLOT + 20
    scene.run((lambda: scene.say(Subscribed("memory")), lambda: bool(scene.inbox.open_gaps)))
    (gap,) = scene.inbox.open_gaps.values()
    assert (gap.target, gap.first_slot, gap.last_slot) == (TARGET, SLOT, SLOT + 19)
    assert scene.hints.counts.unproven_gaps == 1
