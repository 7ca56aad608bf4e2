"""The Geyser feed against a stream and a chain in memory: what it stores, misses, repairs, and where it begins again."""

import asyncio
from typing import Any

import pytest
from geyser_world import SLOT, GeyserWorld, MemoryGeyser, block, meta, status, transaction
from memory_chain import FIRST_SLOT, PROGRAM, signature_of

from oof_pipelines.chain.body import VOTE_PROGRAM_ID, read_body
from oof_pipelines.chain.compression import decompress_body
from oof_pipelines.geyser_interfaces import DEAD, FINALIZED, GeyserFilters, GeyserSlot
from oof_pipelines.interfaces import SourceRefusedError, SourceUnavailableError
from oof_pipelines.workflows import follow
from oof_pipelines.workflows.follow import SETTLED_AFTER_SLOTS
from oof_pipelines.workflows.follow_geyser import LAGGING_SLOTS
from oof_pipelines.workflows.store_bodies import STORE_BATCH

FAR = SETTLED_AFTER_SLOTS + 10


@pytest.fixture(autouse=True)
def short_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_IDLE_POLL_SECONDS", 0.002)


def stored(world: GeyserWorld) -> set[str]:
    return set(world.inbox.stored)


def test_whole_transactions_are_stored_without_asking_for_them() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following() as geyser:
            signatures = world.land("a", "b", slot=SLOT)
            await world.until(lambda: stored(world) == set(signatures))
            assert world.geyser.filters == GeyserFilters(targets=("all",))
            assert world.chain.calls["transaction"] == 0
            row = world.inbox.stored[signatures[0]]
            assert (row.slot, row.is_block_time_estimated) == (SLOT, False)
            assert geyser.counts.transactions == 2
            world.chain.finalized = SLOT
            await world.until(lambda: world.inbox.final == set(signatures))

    asyncio.run(scenario())


def test_a_transaction_waits_for_the_time_of_its_block() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following():
            world.chain.land("a", slot=SLOT, is_heard=False)
            world.geyser.tell(transaction("a", SLOT))
            await world.settle()
            assert not world.inbox.stored
            world.geyser.tell(meta(SLOT))
            await world.settle()
            assert stored(world) == {signature_of("a")}
            assert world.chain.calls["block_time_s"] == 0
            # One that comes behind its meta need not wait.
            world.chain.land("late", slot=SLOT, is_heard=False)
            world.geyser.tell(transaction("late", SLOT))
            await world.settle()
            assert signature_of("late") in world.inbox.stored

    asyncio.run(scenario())


@pytest.mark.parametrize("is_meta_told", [True, False])
def test_where_the_stream_does_not_say_the_time_the_node_is_asked(is_meta_told: bool) -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following():
            world.chain.land("a", "b", slot=SLOT, is_heard=False)
            world.geyser.tell(transaction("a", SLOT), transaction("b", SLOT))
            if is_meta_told:
                world.geyser.tell(meta(SLOT, has_time=False))
            await world.until(lambda: len(world.inbox.stored) == 2)
            assert world.chain.calls["block_time_s"] == 1
            row = world.inbox.stored[signature_of("a")]
            assert not row.is_block_time_estimated
            # The body says what a node's own would: a block that is silent has no time there either.
            assert (read_body(decompress_body(row.body_zstd)).block_time_s is None) == is_meta_told
            # One that comes behind such a meta is no other case.
            world.chain.land("late", slot=SLOT, is_heard=False)
            world.geyser.tell(transaction("late", SLOT))
            await world.until(lambda: len(world.inbox.stored) == 3)
            assert not world.inbox.stored[signature_of("late")].is_block_time_estimated

    asyncio.run(scenario())


def test_where_nobody_tells_the_time_now_the_transaction_is_fetched_later() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following() as geyser:
            world.chain.land("a", slot=SLOT, is_heard=False)
            world.chain.errors["block_time_s"] = [SourceUnavailableError("away")]
            world.geyser.tell(transaction("a", SLOT))
            await world.until(lambda: stored(world) == {signature_of("a")})
            assert world.chain.served[signature_of("a")] == 1
            assert geyser.counts.hints == 1

    asyncio.run(scenario())


def test_a_time_that_the_node_refuses_to_tell_is_estimated() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following():
            world.chain.land("a", slot=SLOT, is_heard=False)
            world.chain.errors["block_time_s"] = [SourceRefusedError(-32004, "no time")]
            world.geyser.tell(transaction("a", SLOT))
            await world.until(lambda: stored(world) == {signature_of("a")})
            assert world.inbox.stored[signature_of("a")].is_block_time_estimated

    asyncio.run(scenario())


def test_what_cannot_be_put_together_is_fetched() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following() as geyser:
            world.chain.land("bad", slot=SLOT, is_heard=False)
            world.geyser.tell(transaction("bad", SLOT, is_good=False), meta(SLOT), status(SLOT))
            await world.until(lambda: stored(world) == {signature_of("bad")})
            assert world.chain.served[signature_of("bad")] == 1
            assert geyser.counts.hints == 1

    asyncio.run(scenario())


def test_a_body_of_the_stream_that_cannot_be_stored_is_fetched() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following():
            good, bad = world.chain.land("good", "bad", slot=SLOT, is_heard=False)
            # Its wire bytes may be right and what the server says of the outcome, or of the block's time, may not be.
            damaged = transaction("bad", SLOT, meta={"err": None, "fee": -1})
            world.geyser.tell(transaction("good", SLOT), damaged, meta(SLOT, count=2))
            await world.until(lambda: stored(world) == {good, bad})
            assert world.chain.calls["transaction"] == 1
            assert not world.inbox.quarantine

    asyncio.run(scenario())


def test_what_comes_twice_is_stored_once() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following() as geyser:
            world.land("a", slot=SLOT)
            world.geyser.tell(*block("a", slot=SLOT))
            await world.until(lambda: len(world.inbox.stored) == 1)
            await world.settle()
            assert (geyser.counts.transactions, world.feed_counts.stored) == (1, 1)

    asyncio.run(scenario())


def test_votes_are_left_out_where_they_are_not_followed() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following():
            world.chain.land("vote", slot=SLOT, is_heard=False, program=VOTE_PROGRAM_ID)
            world.geyser.tell(transaction("vote", SLOT, program=VOTE_PROGRAM_ID), meta(SLOT), status(SLOT))
            world.land("a", slot=SLOT + 1)
            await world.until(lambda: stored(world) == {signature_of("a")})
            assert world.feed_counts.ignored_votes == 1

    asyncio.run(scenario())


# --- gaps ---


def test_a_block_that_was_left_out_is_listed() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following() as geyser:
            world.land("a", slot=SLOT)
            world.land("missed", slot=SLOT + 3, is_told=False, parent_slot=SLOT)
            world.land("b", slot=SLOT + 4, parent_slot=SLOT + 3)
            await world.until(lambda: signature_of("missed") in world.inbox.stored)
            assert geyser.counts.gaps == 1
            assert world.chain.served[signature_of("missed")] == 1
            # The rest of the stretch was skipped, and that is no gap.
            world.land("c", slot=SLOT + 9, parent_slot=SLOT + 4)
            await world.until(lambda: signature_of("c") in world.inbox.stored)
            for _ in range(20):
                world.clock.advance(0.5)
                await world.settle()
            assert geyser.counts.gaps == 1
            assert not world.inbox.open_gaps

    asyncio.run(scenario())


def test_a_gap_is_listed_for_an_address_too() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following(PROGRAM):
            world.land("a", slot=SLOT)
            world.land("missed", slot=SLOT + 1, is_told=False)
            world.land("b", slot=SLOT + 2)
            await world.until(lambda: signature_of("missed") in world.inbox.stored)
            assert world.chain.calls["signatures_for_address"] > 0
            assert world.chain.calls["blocks"] == 0

    asyncio.run(scenario())


def test_a_block_of_which_some_were_left_out_is_listed_where_votes_are_followed() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following("allWithVotes") as geyser:
            world.chain.land("a", "lost", slot=SLOT, is_heard=False)
            world.geyser.tell(transaction("a", SLOT), meta(SLOT, count=2), status(SLOT))
            await world.until(lambda: signature_of("lost") in world.inbox.stored)
            assert geyser.counts.gaps == 1

    asyncio.run(scenario())


def test_a_dead_slot_is_no_gap() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following() as geyser:
            world.land("a", slot=SLOT)
            world.geyser.tell(*block("b", slot=SLOT + 2, parent_slot=SLOT + 1), GeyserSlot(SLOT + 1, None, DEAD))
            world.geyser.tell(GeyserSlot(SLOT, None, FINALIZED))
            for _ in range(20):
                world.clock.advance(0.5)
                await world.settle()
            assert (geyser.counts.gaps, geyser.counts.finalized_slot) == (0, SLOT)

    asyncio.run(scenario())


def test_a_stretch_that_nobody_can_list_is_a_gap_in_the_database() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following() as geyser:
            world.land("a", slot=SLOT)
            world.chain.errors["blocks"] = [SourceRefusedError(-32000, "not here")]
            world.geyser.tell(*block("c", slot=SLOT + 3, parent_slot=SLOT + 2))
            await world.until(lambda: bool(world.inbox.open_gaps))
            ((key, gap),) = world.inbox.open_gaps.items()
            assert key == ("geyser:all", SLOT + 1)
            assert (gap.last_slot, geyser.counts.gaps) == (SLOT + 2, 1)
            # It holds nothing up.
            world.land("far", slot=SLOT + FAR, parent_slot=SLOT + 3)
            await world.until(lambda: world.checkpoint() == SLOT + FAR - SETTLED_AFTER_SLOTS)

    asyncio.run(scenario())


def test_a_node_that_is_away_is_asked_again() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following():
            world.land("a", slot=SLOT)
            world.land("missed", slot=SLOT + 1, is_told=False)
            world.chain.errors["blocks"] = [SourceUnavailableError("away")] * 3
            world.land("b", slot=SLOT + 2)
            await world.until(lambda: signature_of("missed") in world.inbox.stored)

    asyncio.run(scenario())


# --- interruptions ---


def test_a_resumed_stream_replays_what_was_missed_and_nothing_is_listed() -> None:
    async def scenario() -> None:
        world = GeyserWorld(geyser=MemoryGeyser(keeps_from_slot=0))
        async with world.following() as geyser:
            world.land("a", slot=SLOT)
            await world.until(lambda: "geyser:all" in world.inbox.checkpoints)
            world.geyser.drop()
            world.land("missed", slot=SLOT + 1, is_told=False)
            await world.until(lambda: signature_of("missed") in world.inbox.stored)
            assert world.geyser.asked_from == [None, SLOT]
            assert world.chain.calls["transaction"] == world.chain.calls["blocks"] == 0
            assert (geyser.counts.drops, geyser.counts.resumptions, geyser.counts.gaps) == (1, 1, 0)

    asyncio.run(scenario())


def test_where_the_server_cannot_resume_the_stretch_is_listed() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following() as geyser:
            world.land("a", slot=SLOT)
            await world.until(lambda: signature_of("a") in world.inbox.stored)
            world.geyser.drop()
            await world.settle()
            world.chain.land("missed", slot=SLOT + 1, is_heard=False)
            await world.until(lambda: len(world.geyser.asked_from) == 3)
            assert world.geyser.asked_from == [None, SLOT, None]
            # Nothing is known to be missing before the stream tells of a slot.
            assert world.chain.calls["blocks"] == 0
            world.land("b", slot=SLOT + 2)
            await world.until(lambda: signature_of("missed") in world.inbox.stored)
            assert geyser.counts.refusals == 1

    asyncio.run(scenario())


def test_a_killed_feed_is_resumed_from_its_checkpoint_by_the_next_one() -> None:
    async def scenario() -> None:
        world = GeyserWorld(geyser=MemoryGeyser(keeps_from_slot=0))
        async with world.following():
            world.land("a", slot=SLOT)
            world.land("b", slot=SLOT + FAR, parent_slot=SLOT)
            await world.until(lambda: world.checkpoint() == SLOT + FAR - SETTLED_AFTER_SLOTS)
        world.land("missed", slot=SLOT + FAR + 1, is_told=False)
        async with world.following():
            await world.until(lambda: signature_of("missed") in world.inbox.stored)
            assert world.geyser.asked_from == [None, SLOT + FAR - SETTLED_AFTER_SLOTS]

    asyncio.run(scenario())


def test_the_past_is_listed_from_where_a_first_start_asks() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        world.chain.land("old", slot=FIRST_SLOT + 1, is_heard=False)
        async with world.following(from_slot=FIRST_SLOT):
            world.land("a", slot=SLOT)
            await world.until(lambda: signature_of("old") in world.inbox.stored)
            await world.until(lambda: world.checkpoint() == SLOT)

    asyncio.run(scenario())


def test_a_target_that_is_new_begins_where_the_stream_does() -> None:
    async def scenario() -> None:
        world = GeyserWorld(geyser=MemoryGeyser(keeps_from_slot=0))
        async with world.following(PROGRAM):
            world.land("a", slot=SLOT)
            world.land("b", slot=SLOT + FAR, parent_slot=SLOT)
            await world.until(lambda: world.checkpoint(PROGRAM) > SLOT)
        resumed_from = world.checkpoint(PROGRAM)
        async with world.following(PROGRAM, "all"):
            await world.until(lambda: "geyser:all" in world.inbox.checkpoints)
            assert world.checkpoint("all") == resumed_from
            assert world.chain.calls["blocks"] == 0

    asyncio.run(scenario())


# --- checkpoints ---


def test_the_checkpoint_stays_behind_what_is_held() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following():
            world.land("a", slot=SLOT)
            await world.until(lambda: "geyser:all" in world.inbox.checkpoints)
            # Its block does not say its time, and the node does not answer.
            world.chain.gates["block_time_s"] = asyncio.Event()
            world.chain.land("held", slot=SLOT + 1, is_heard=False)
            world.geyser.tell(transaction("held", SLOT + 1), status(SLOT + 1))
            world.land("far", slot=SLOT + FAR, parent_slot=SLOT + 1)
            for _ in range(20):
                world.clock.advance(0.5)
                await world.settle()
            assert world.checkpoint() == SLOT
            world.chain.gates["block_time_s"].set()
            await world.until(lambda: world.checkpoint() == SLOT + FAR - SETTLED_AFTER_SLOTS)
            assert signature_of("held") in world.inbox.stored

    asyncio.run(scenario())


def test_the_checkpoint_stays_behind_what_is_still_to_be_listed() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following():
            world.land("a", slot=SLOT)
            await world.until(lambda: "geyser:all" in world.inbox.checkpoints)
            world.chain.gates["blocks"] = asyncio.Event()
            world.land("missed", slot=SLOT + 2, is_told=False, parent_slot=SLOT)
            world.land("far", slot=SLOT + FAR, parent_slot=SLOT + 2)
            for _ in range(20):
                world.clock.advance(0.5)
                await world.settle()
            assert world.checkpoint() == SLOT
            world.chain.gates["blocks"].set()
            await world.until(lambda: world.checkpoint() == SLOT + FAR - SETTLED_AFTER_SLOTS)
            assert signature_of("missed") in world.inbox.stored

    asyncio.run(scenario())


def test_a_stream_that_stands_still_while_the_chain_goes_on_is_begun_anew() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following() as geyser:
            world.land("a", slot=SLOT)
            await world.until(lambda: signature_of("a") in world.inbox.stored)
            for step in range(60):
                world.chain.tip = SLOT + LAGGING_SLOTS + 50 * step
                world.clock.advance(1.0)
                await world.settle()
            assert geyser.counts.reconnections >= 1
            assert geyser.counts.lag_slots > LAGGING_SLOTS
            world.land("b", slot=world.chain.tip + 1)
            await world.until(lambda: signature_of("b") in world.inbox.stored)

    asyncio.run(scenario())


def test_a_stream_is_not_left_while_it_is_the_database_that_stands_still() -> None:
    async def scenario() -> None:
        world = GeyserWorld(geyser=MemoryGeyser(keeps_from_slot=0))
        async with world.following() as geyser:
            first = world.land("a", slot=SLOT)
            await world.until(lambda: stored(world) == set(first))
            gate, store = asyncio.Event(), world.inbox.store

            async def slow_store(*rows: Any) -> tuple[int, int]:
                await gate.wait()
                return await store(*rows)

            world.inbox.store = slow_store  # type: ignore[method-assign]
            names = [f"waiting {number}" for number in range(4 * STORE_BATCH)]
            waiting = world.land(*names, slot=SLOT + 1)
            for step in range(60):
                world.chain.tip = SLOT + LAGGING_SLOTS + 50 * step
                world.clock.advance(1.0)
                await world.settle()
            assert geyser.counts.reconnections == 0
            gate.set()
            world.land("far", slot=SLOT + FAR, parent_slot=SLOT + 1)
            await world.until(lambda: world.checkpoint() == SLOT + FAR - SETTLED_AFTER_SLOTS)
            assert set(waiting) <= stored(world)

    asyncio.run(scenario())


def test_a_replay_that_takes_its_time_is_not_begun_anew() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.following() as geyser:
            world.land("a", slot=SLOT)
            await world.until(lambda: signature_of("a") in world.inbox.stored)
            for step in range(60):
                world.chain.tip = SLOT + LAGGING_SLOTS + 50 * step
                world.geyser.tell(meta(SLOT - 100 + step))
                world.clock.advance(1.0)
                await world.settle()
            assert geyser.counts.lag_slots > LAGGING_SLOTS
            assert geyser.counts.reconnections == 0

    asyncio.run(scenario())


def test_logs_and_a_stream_together_store_each_transaction_once() -> None:
    async def scenario() -> None:
        world = GeyserWorld()
        async with world.running() as feed, world.following():
            for number in range(20):
                slot = SLOT + number
                world.chain.land(f"{number}-a", f"{number}-b", slot=slot)
                world.geyser.tell(*block(f"{number}-a", f"{number}-b", slot=slot))
            await world.until(lambda: len(world.inbox.stored) == 40)
            await world.until(lambda: not world.inbox.queue)
            assert feed.counts.stored + world.feed_counts.stored == 40

    asyncio.run(scenario())
