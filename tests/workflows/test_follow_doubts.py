"""The feed where nodes are behind, forgetful, away or of two minds: it neither gives up too soon nor promises too much."""

import asyncio

import pytest
from feed_world import World
from memory_chain import FIRST_SLOT, PROGRAM, body_of, signature_of

from oof_pipelines.chain.body import VOTE_PROGRAM_ID, QuarantineReason
from oof_pipelines.interfaces import (
    Gap,
    MethodMissingError,
    SourceRefusedError,
    SourceUnavailableError,
    UnsupportedVersionError,
)
from oof_pipelines.workflows import follow, store_bodies
from oof_pipelines.workflows.fetch import EMPTY_ANSWERS_UNTIL_GIVEN_UP, REFUSALS_UNTIL_GIVEN_UP
from oof_pipelines.workflows.finalise import ABSENCE_AFTER_SLOTS, MOST_MOVES


@pytest.fixture(autouse=True)
def short_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one wait of the feed that is by the real clock."""
    monkeypatch.setattr(follow, "_IDLE_POLL_SECONDS", 0.002)


def test_an_outage_does_not_count_towards_giving_up() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            outage = [SourceUnavailableError("away"), MethodMissingError(-32601, "Method not found")]
            refusals = [SourceRefusedError(-32602, "no")] * (REFUSALS_UNTIL_GIVEN_UP - 1)
            world.chain.errors["transaction"] = [*outage * EMPTY_ANSWERS_UNTIL_GIVEN_UP, *refusals, *outage]
            late = signature_of("late")
            world.chain.empty_answers[late] = EMPTY_ANSWERS_UNTIL_GIVEN_UP - 1
            world.chain.land("late")
            slot = world.chain.slots.pop(late)
            world.chain.finalized = world.chain.tip
            await world.until(lambda: not world.chain.errors["transaction"])
            # Whoever is asked for a status meanwhile does not know it either.
            await world.until(lambda: world.chain.empty_answers[late] == 0)
            assert not world.inbox.quarantine
            world.chain.slots[late] = slot
            await world.until(lambda: late in world.inbox.stored)
            assert not world.inbox.quarantine

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        ([SourceRefusedError(-32602, "no")] * REFUSALS_UNTIL_GIVEN_UP, QuarantineReason.RPC_REFUSED),
        ([UnsupportedVersionError(-32015, "version (1)")], QuarantineReason.UNKNOWN_VERSION),
    ],
)
def test_what_was_refused_is_asked_anew_when_heard_again(errors: list[Exception], reason: QuarantineReason) -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            world.chain.errors["transaction"] = list(errors)
            (refused,) = world.chain.land("refused")
            await world.until(lambda: refused in world.inbox.quarantine)
            assert world.inbox.quarantine[refused].reason is reason
            world.chain.announce(refused)
            await world.until(lambda: refused in world.inbox.stored)
            assert not world.inbox.quarantine

    asyncio.run(scenario())


def test_one_node_that_is_behind_takes_nothing_back() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running() as feed:
            (kept,) = world.chain.land("kept")
            await world.until(lambda: kept in world.inbox.stored)
            body, slot = world.chain.bodies[kept], world.chain.slots[kept]
            world.chain.forget(kept)
            world.chain.tip = world.chain.finalized = slot + ABSENCE_AFTER_SLOTS
            asked = world.chain.calls["signature_statuses"]
            await world.until(lambda: world.chain.calls["signature_statuses"] > asked)
            world.chain.bodies[kept], world.chain.slots[kept] = body, slot
            await world.until(lambda: kept in world.inbox.final)
            assert feed.counts.retracted == 0

    asyncio.run(scenario())


def test_a_signature_of_two_slots_is_not_fetched_for_ever() -> None:
    """Recorded twice: the status tells of one slot, the body of another."""

    async def scenario() -> None:
        world = World()
        async with world.running():
            torn = signature_of("torn")
            world.chain.land("torn", is_heard=False)
            world.chain.bodies[torn] = body_of(torn, world.chain.slots[torn] + 7)
            world.chain.announce(torn)
            await world.until(lambda: torn in world.inbox.stored)
            world.chain.tip = world.chain.finalized = world.chain.tip + ABSENCE_AFTER_SLOTS
            await world.until(lambda: torn in world.inbox.final)
            assert world.chain.served[torn] <= 1 + 2 * MOST_MOVES
            assert world.inbox.stored[torn].slot == FIRST_SLOT + 8

    asyncio.run(scenario())


@pytest.mark.parametrize("target", ["all", PROGRAM])
def test_a_node_behind_the_tip_does_not_make_a_gap_complete(target: str) -> None:
    async def scenario() -> None:
        world = World()
        async with world.running(target):
            world.chain.land("heard")
            await world.until(lambda: bool(world.inbox.stored))
            world.chain.drop()
            (missed,) = world.chain.land("missed", slot=world.chain.tip + 40)
            world.chain.tip += 100
            method = "blocks" if target == "all" else "signatures_for_address"
            world.chain.behind[method] = [FIRST_SLOT + 20] * 2
            world.chain.is_up = True
            await world.until(lambda: world.inbox.checkpoints[target].slot > FIRST_SLOT + 20)
            await world.until(lambda: missed in world.inbox.stored)

    asyncio.run(scenario())


@pytest.mark.parametrize("target", ["all", PROGRAM])
def test_what_no_node_can_list_is_a_gap_that_is_remembered_and_closed_later(
    target: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        world = World()
        (lost,) = world.chain.land("lost", is_heard=False)
        (kept,) = world.chain.land("kept", slot=FIRST_SLOT + 10, is_heard=False)
        world.chain.first_block = FIRST_SLOT + 5
        async with world.running(target, from_slot=FIRST_SLOT) as feed:
            await world.until(lambda: kept in world.inbox.stored)
            (gap,) = await world.inbox.gaps(target)
            assert (gap.first_slot, gap.last_slot) == (FIRST_SLOT, FIRST_SLOT + 4)
            assert feed.counts.unproven_gaps == 1
            assert "gap not proven complete" in caplog.text
            # The feed goes on, and so does its checkpoint.
            world.chain.land("far ahead", slot=world.chain.tip + 1000)
            await world.until(lambda: world.inbox.checkpoints[target].slot > FIRST_SLOT + 500)
            world.chain.drop()
            world.chain.is_up = True
            await world.settle()
            assert lost not in world.inbox.stored
            # Another node, whose history is longer.
            world.chain.first_block = 0
            world.chain.drop()
            world.chain.is_up = True
            await world.until(lambda: lost in world.inbox.stored)
            await world.until(lambda: not world.inbox.open_gaps)
        assert set(world.chain.served.values()) == {1}

    asyncio.run(scenario())


def test_a_block_that_is_listed_and_never_served_holds_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        world = World()
        (withheld,) = world.chain.land("withheld", is_heard=False)
        behind = world.chain.land(*range(5), slot=FIRST_SLOT + 9, is_heard=False)
        world.chain.withheld = {FIRST_SLOT + 1}
        async with world.running(from_slot=FIRST_SLOT) as feed:
            await world.until(lambda: set(world.inbox.stored) == set(behind))
            (gap,) = await world.inbox.gaps("all")
            assert (gap.first_slot, gap.last_slot, feed.counts.unproven_gaps) == (FIRST_SLOT + 1, FIRST_SLOT + 1, 1)
            assert "gap not proven complete" in caplog.text
            world.chain.land("far ahead", slot=FIRST_SLOT + 1000)
            await world.until(lambda: world.inbox.checkpoints["all"].slot > FIRST_SLOT + 500)
            world.chain.drop()
            world.chain.is_up = True
            await world.until(lambda: feed.counts.subscriptions == 2 and not feed._targets[0].is_repairing)
            await world.settle()
            assert await world.inbox.gaps("all") == [gap], "still not served"
            world.chain.withheld.clear()
            world.chain.drop()
            world.chain.is_up = True
            await world.until(lambda: withheld in world.inbox.stored)
            await world.until(lambda: not world.inbox.open_gaps)

    asyncio.run(scenario())


def test_what_lies_before_the_nodes_history_is_put_off_and_not_given_up() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            world.chain.first_block = FIRST_SLOT + 2
            (pruned,) = world.chain.land("pruned")
            (ghost,) = world.chain.land("ghost")
            world.chain.forget(ghost)
            world.chain.tip = world.chain.finalized = FIRST_SLOT + 100
            await world.until(lambda: ghost in world.inbox.quarantine)
            await world.until(lambda: world.inbox.queue[pruned].empty_answers > EMPTY_ANSWERS_UNTIL_GIVEN_UP + 1)
            assert set(world.inbox.quarantine) == {ghost}
            assert "blocks begin in slot" in world.inbox.queue[pruned].error
            world.chain.first_block = 0
            await world.until(lambda: pruned in world.inbox.stored)

    asyncio.run(scenario())


def test_where_nobody_tells_the_first_block_what_is_never_served_is_given_up() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            world.chain.first_block = FIRST_SLOT + 90
            world.chain.errors["first_available_block"] = [MethodMissingError(-32601, "Method not found")]
            (ghost,) = world.chain.land("ghost")
            world.chain.forget(ghost)
            world.chain.tip = world.chain.finalized = FIRST_SLOT + 100
            await world.until(lambda: ghost in world.inbox.quarantine)
            assert world.inbox.quarantine[ghost].reason is QuarantineReason.NOT_FOUND

    asyncio.run(scenario())


def test_a_gap_stays_open_while_it_cannot_be_listed() -> None:
    async def scenario() -> None:
        world = World()
        (lost,) = world.chain.land("lost", is_heard=False)
        gap = Gap("all", FIRST_SLOT, FIRST_SLOT + 4, "why")
        await world.inbox.note_gap(gap)
        world.chain.tip += 100
        world.chain.errors["block_signatures"] = [SourceUnavailableError("away")]
        async with world.running():
            await world.settle()
            assert await world.inbox.gaps("all") == [gap]
            world.chain.drop()
            world.chain.is_up = True
            await world.until(lambda: lost in world.inbox.stored)
            await world.until(lambda: not world.inbox.open_gaps)

    asyncio.run(scenario())


def test_dropped_votes_are_not_fetched_again_by_the_next_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world = World()
        votes = world.chain.land("vote 1", "vote 2", program=VOTE_PROGRAM_ID, is_heard=False)
        async with world.running(from_slot=FIRST_SLOT) as feed:
            await world.until(lambda: feed.counts.ignored_votes == 2)
            for _ in range(3):
                subscriptions = feed.counts.subscriptions
                world.chain.drop()
                world.chain.is_up = True
                await world.until(lambda seen=subscriptions: feed.counts.subscriptions > seen)
                await world.until(lambda: not feed._targets[0].is_repairing)
            assert not world.inbox.queue
            assert [world.chain.served[vote] for vote in votes] == [1, 1]
            monkeypatch.setattr(store_bodies, "VOTES_REMEMBERED", 1)
            feed.storing._remember_votes(["3"])
            assert not feed.storing.is_dropped_vote(votes[0])
            assert feed.storing.is_dropped_vote("3")

    asyncio.run(scenario())
