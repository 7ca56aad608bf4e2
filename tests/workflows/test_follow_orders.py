"""Whatever the order of landing, dropping, crashing and lagging: nothing is lost, nothing is doubled."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from feed_world import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_chain import FIRST_SLOT, PROGRAM, signature_of

from oof_pipelines.interfaces import SourceUnavailableError
from oof_pipelines.workflows import follow
from oof_pipelines.workflows.finalise import ABSENCE_AFTER_SLOTS

STEPS = st.one_of(
    st.tuples(st.just("land"), st.integers(1, 3), st.integers(1, 60)),
    st.tuples(st.just("land unheard"), st.integers(1, 2), st.integers(1, 60)),
    st.tuples(st.just("land late"), st.integers(1, 3), st.integers(0, 20)),
    st.tuples(st.just("announce again"), st.integers(0, 50), st.integers(0, 3)),
    st.tuples(st.just("drop"), st.integers(0, 60), st.just(0)),
    st.tuples(st.just("crash"), st.integers(0, 60), st.just(0)),
    st.tuples(st.just("unavailable"), st.integers(1, 4), st.integers(0, 3)),
    st.tuples(st.just("finalise"), st.integers(0, 50), st.just(0)),
    st.tuples(st.just("vanish"), st.integers(0, 50), st.just(0)),
    st.tuples(st.just("wait"), st.integers(0, 60), st.integers(0, 4)),
)
FAILING = ("transaction", "blocks", "signatures_for_address", "slot confirmed")


@pytest.fixture(autouse=True)
def short_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_IDLE_POLL_SECONDS", 0.0005)


async def live_through(target: str, steps: list[tuple[str, int, int]]) -> tuple[World, int]:
    """The world after `steps` and the calm after them, and how often the feed was killed."""
    world, landed, crashes = World(), 0, 0
    world.chain.land("the first", is_heard=False)
    feed = asyncio.create_task(world.feed(target, FIRST_SLOT).run())
    for kind, first, second in steps:
        alive = sorted(world.chain.slots)
        match kind:
            case "land":
                world.chain.land(*range(landed, landed + first), slot=world.chain.tip + second)
                landed += first
            case "land unheard":
                # Landed in the gap between two sockets.
                world.chain.drop()
                world.chain.land(*range(landed, landed + first), slot=world.chain.tip + second)
                landed += first
                world.chain.is_up = True
            case "land late":
                await announced_late(world, landed, first, second)
                landed += 2
            case "announce again" if alive:
                world.chain.announce(alive[first % len(alive)])
            case "drop":
                world.chain.drop()
                await spin(first)
                world.chain.is_up = True
            case "crash":
                feed.cancel()
                await asyncio.gather(feed, return_exceptions=True)
                crashes += 1
                await spin(first)
                feed = asyncio.create_task(world.feed(target, FIRST_SLOT).run())
            case "unavailable":
                world.chain.errors.setdefault(FAILING[second], []).extend([SourceUnavailableError("away")] * first)
            case "finalise":
                world.chain.finalized = max(world.chain.finalized, world.chain.tip - first)
            case "vanish":
                provisional = [name for name in alive if world.chain.slots[name] > world.chain.finalized]
                if provisional:
                    world.chain.forget(provisional[first % len(provisional)])
            case "wait":
                world.clock.advance(second)
                await spin(first)
        assert not feed.done(), feed
    world.chain.tip += ABSENCE_AFTER_SLOTS
    world.chain.finalized = world.chain.tip
    await world.until(lambda: is_calm(world), feed)
    feed.cancel()
    await asyncio.gather(feed, return_exceptions=True)
    return world, crashes


async def announced_late(world: World, name: int, empty_answers: int, slots: int) -> None:
    """A transaction announced after one of a later slot, and before the node serves it."""
    late = signature_of(name)
    world.chain.empty_answers[late] = empty_answers
    world.chain.land(name, is_heard=False)
    world.chain.land(name + 1, slot=world.chain.tip + slots)
    await spin(slots)
    world.chain.announce(late)


async def spin(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


def is_calm(world: World) -> bool:
    return not world.inbox.queue and set(world.chain.slots) <= world.inbox.final == set(world.inbox.stored)


@pytest.mark.parametrize("target", ["allWithVotes", PROGRAM])
@given(steps=st.lists(STEPS, max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_lost_and_nothing_doubled(target: str, steps: list[Any]) -> None:
    world, crashes = asyncio.run(live_through(target, steps))
    assert set(world.inbox.stored) == set(world.chain.slots), "on the chain, and nothing else"
    assert {name: tx.slot for name, tx in world.inbox.stored.items()} == world.chain.slots
    assert {str(refused.reason) for refused in world.inbox.quarantine.values()} <= {"vanished", "not_found"}
    # A body may be fetched again only where the feed died between fetching and storing it.
    assert all(times <= 1 + crashes for times in world.chain.served.values())
    history = world.inbox.checkpoint_history
    assert all(before.slot <= after.slot for before, after in pairwise(history))
