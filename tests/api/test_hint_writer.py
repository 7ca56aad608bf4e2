"""Hints of many requests in one transaction, and what becomes of those that cannot be kept."""

import asyncio
from datetime import UTC, datetime

import pytest
from api_world import SLOT, HandClock, MemoryHints, World, signature_of

from oof_pipelines.api import hint_writer
from oof_pipelines.api.hint_writer import HintsRefusedError, HintWriter
from oof_pipelines.interfaces import ListedSignature
from oof_pipelines.storage.postgres.webhook_hints import HintsNotKeptError

MINUTE = datetime(2026, 3, 1, tzinfo=UTC)


def some(*names: object) -> list[ListedSignature]:
    return [ListedSignature(signature_of(name), SLOT) for name in names]


async def reason_of(writing: "asyncio.Task[None]") -> str:
    with pytest.raises(HintsRefusedError) as caught:
        await writing
    assert caught.value.retry_after_seconds > 0
    return caught.value.reason


def write(writer: HintWriter, *names: object) -> "asyncio.Task[None]":
    return asyncio.create_task(writer.write(some(*names)))


def test_what_comes_while_one_commit_is_under_way_is_the_next_commit() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            world.store.may_answer.clear()
            first = write(world.writer, "first")
            await asyncio.sleep(0.01)
            others = [write(world.writer, number, number + 1) for number in range(20)]
            await asyncio.sleep(0.01)
            assert not any(task.done() for task in (first, *others)), "answered before it was committed"
            world.store.may_answer.set()
            await asyncio.gather(first, *others)
        assert world.store.commits == [1, 21]
        assert (world.writer.counts.new, world.writer.counts.known) == (22, 19)
        assert world.store.is_closed

    asyncio.run(scenario())


def test_a_batch_ends_where_it_is_large_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hint_writer, "MOST_IN_ONE", 4)

    async def scenario() -> None:
        world = World()
        async with world.running():
            world.store.may_answer.clear()
            first = write(world.writer, "first")
            await asyncio.sleep(0.01)
            others = [write(world.writer, *range(number, number + 3)) for number in (0, 3, 6)]
            large = write(world.writer, *range(100, 110))
            await asyncio.sleep(0.01)
            world.store.may_answer.set()
            await asyncio.gather(first, *others, large)
        assert world.store.commits == [1, 3, 3, 3, 10]

    asyncio.run(scenario())


def test_a_store_that_fails_is_told_to_those_who_wait_and_to_nobody_after() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            world.store.is_away = True
            assert [await reason_of(write(world.writer, name)) for name in "ab"] == ["database", "database"]
            world.clock.passed_s += 6
            await asyncio.sleep(0.02)
            assert not world.store.noted, "noted by a store that is away"
            world.store.is_away = False
            await write(world.writer, "a")
            world.clock.passed_s += 6
            await asyncio.sleep(0.02)
            assert world.store.noted == {(MINUTE, "database"): (2, 2)}
            world.clock.passed_s += 60
            world.writer.refuse("busy", 0)
        assert world.store.noted[(MINUTE.replace(minute=1), "busy")] == (1, 0), "not noted at the end"
        assert world.writer.counts.refused == {"database": 2, "busy": 1}

    asyncio.run(scenario())


def test_a_store_that_hangs_costs_a_request_its_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hint_writer, "WRITE_SECONDS", 0.05)

    async def scenario() -> None:
        world = World(most_waiting=3)
        async with world.running():
            world.store.may_answer.clear()
            under_way = write(world.writer, "a")
            await asyncio.sleep(0.01)
            waiting = write(world.writer, "b", "c", "d")
            await asyncio.sleep(0)
            assert await reason_of(write(world.writer, "e")) == "busy"
            assert [await reason_of(task) for task in (under_way, waiting)] == ["database", "database"]
            world.store.may_answer.set()
            await write(world.writer, "f")
        # What nobody waits for any more is not written: it comes again.
        assert set(world.store.rows) == {signature_of("a"), signature_of("f")}

    asyncio.run(scenario())


def test_above_the_ceiling_hints_are_refused_until_the_queue_is_shorter() -> None:
    async def scenario() -> None:
        world = World(most_queued=10)
        async with world.running():
            await write(world.writer, *range(9))
            await write(world.writer, *range(9, 12))
            assert await reason_of(write(world.writer, "late", "later")) == "queue_full"
            # Counted anew, it is still full; then the feed has fetched some.
            world.clock.passed_s += 2
            await asyncio.sleep(1.1)
            assert await reason_of(write(world.writer, "late")) == "queue_full"
            world.store.rows.clear()
            world.clock.passed_s += 2
            await asyncio.sleep(1.1)
            await write(world.writer, "late")
        assert set(world.store.rows) == {signature_of("late")}
        assert world.store.noted[(MINUTE, "queue_full")] == (2, 3)

    asyncio.run(scenario())


def test_at_the_end_what_waits_is_committed_and_what_comes_is_refused() -> None:
    async def scenario() -> None:
        store, clock = MemoryHints(), HandClock()
        writer = HintWriter(store, clock)
        waiting = write(writer, "a")
        await asyncio.sleep(0)
        await writer.finish()
        await waiting
        assert await reason_of(write(writer, "b")) == "stopping"
        assert set(store.rows) == {signature_of("a")}

    asyncio.run(scenario())


def test_a_commit_cut_off_at_the_end_is_not_said_to_be_done() -> None:
    async def scenario() -> None:
        world = World()
        world.store.may_answer.clear()
        async with world.running():
            cut_off = write(world.writer, "a")
            await asyncio.sleep(0.01)
        assert await reason_of(cut_off) == "database"
        assert not world.store.rows

    asyncio.run(scenario())


def test_an_error_of_ours_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the writer cannot go on, the server is told, instead of refusing everybody for ever."""
    monkeypatch.setattr(hint_writer, "WRITE_SECONDS", 0.05)

    async def scenario() -> None:
        world = World()

        async def failing(_hints: object) -> int:
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr(world.store, "queue", failing)
        async with world.running():
            assert await reason_of(write(world.writer, "a")) == "database"
            (group,) = world.failures
        assert isinstance(group, ExceptionGroup)
        assert [str(error) for error in group.exceptions] == ["a fault of ours"]

    asyncio.run(scenario())


def test_the_error_says_nothing_of_the_database() -> None:
    assert str(HintsNotKeptError()) == ""
