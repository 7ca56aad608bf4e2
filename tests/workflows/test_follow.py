"""The feed against a chain in memory: what it hears, repairs, refuses and takes back."""

import asyncio

import pytest
from feed_world import PATIENCE_S, World
from memory_chain import FIRST_SLOT, PROGRAM, MemoryChain, body_of, signature_of

from oof_pipelines.chain.body import VOTE_PROGRAM_ID, QuarantineReason
from oof_pipelines.interfaces import Checkpoint, SourceRefusedError, SourceUnavailableError, UnsupportedVersionError
from oof_pipelines.workflows import follow
from oof_pipelines.workflows.fetch import EMPTY_ANSWERS_UNTIL_GIVEN_UP
from oof_pipelines.workflows.finalise import ABSENCE_AFTER_SLOTS
from oof_pipelines.workflows.follow import SETTLED_AFTER_SLOTS


@pytest.fixture(autouse=True)
def short_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one wait of the feed that is by the real clock."""
    monkeypatch.setattr(follow, "_IDLE_POLL_SECONDS", 0.002)


def test_what_is_announced_is_stored_and_becomes_final() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running() as feed:
            signatures = world.chain.land("a", "b")
            await world.until(lambda: set(world.inbox.stored) == set(signatures))
            assert not world.inbox.final
            world.chain.finalized = world.chain.tip
            await world.until(lambda: world.inbox.final == set(signatures))
            assert (feed.counts.heard, feed.counts.stored, feed.counts.finalised) == (2, 2, 2)
            assert not world.inbox.queue

    asyncio.run(scenario())


def test_an_empty_answer_is_asked_again() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            late = signature_of("late")
            world.chain.empty_answers[late] = EMPTY_ANSWERS_UNTIL_GIVEN_UP + 3
            world.chain.land("late")
            world.chain.finalized = world.chain.tip
            await world.settle()
            assert world.inbox.queue[late].error == "the node does not have it yet"
            await world.until(lambda: late in world.inbox.stored)
            assert not world.inbox.quarantine

    asyncio.run(scenario())


def test_what_is_never_served_is_given_up_only_once_its_slot_is_final() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            (ghost,) = world.chain.land("ghost")
            world.chain.forget(ghost)
            await world.until(lambda: ghost in world.inbox.queue)
            await world.until(lambda: world.inbox.queue[ghost].attempts > EMPTY_ANSWERS_UNTIL_GIVEN_UP)
            assert not world.inbox.quarantine
            world.chain.finalized = world.chain.tip
            await world.until(lambda: ghost in world.inbox.quarantine)
            assert world.inbox.quarantine[ghost].reason is QuarantineReason.NOT_FOUND
            # It turns up after all: heard anew, it is asked for anew.
            world.chain.land("ghost")
            await world.until(lambda: ghost in world.inbox.stored)
            assert not world.inbox.quarantine

    asyncio.run(scenario())


def test_refusals_end_in_quarantine_with_their_reason() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            world.chain.errors["transaction"] = [UnsupportedVersionError(-32015, "version (1) is not supported")]
            (newer,) = world.chain.land("newer")
            await world.until(lambda: newer in world.inbox.quarantine)
            assert world.inbox.quarantine[newer].reason is QuarantineReason.UNKNOWN_VERSION

            world.chain.errors["transaction"] = [SourceRefusedError(-32602, "no")] * 3
            (refused,) = world.chain.land("refused")
            await world.until(lambda: refused in world.inbox.quarantine)
            assert world.inbox.quarantine[refused].reason is QuarantineReason.RPC_REFUSED

            world.chain.errors["transaction"] = [SourceRefusedError(-32602, "no")] * 2
            (pardoned,) = world.chain.land("pardoned")
            world.chain.errors["transaction"] += [SourceUnavailableError("busy")] * 20
            await world.until(lambda: pardoned in world.inbox.stored)
            assert set(world.inbox.quarantine) == {newer, refused}

    asyncio.run(scenario())


def test_a_body_without_a_time_is_stored_whatever_the_node_says_of_its_slot() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            (asked,) = world.chain.land("asked", blockTime=None)
            await world.until(lambda: asked in world.inbox.stored)
            assert not world.inbox.stored[asked].is_block_time_estimated
            world.chain.errors["block_time_s"] = [SourceRefusedError(-32601, "Method not found")]
            (untold,) = world.chain.land("untold", blockTime=None)
            await world.until(lambda: untold in world.inbox.stored)
            assert world.inbox.stored[untold].is_block_time_estimated

    asyncio.run(scenario())


def test_damaged_bodies_go_to_quarantine_with_what_came() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            (broken,) = world.chain.land("broken", meta=None)
            (other,) = world.chain.land("other", blockTime=1_600_000_000)
            await world.until(lambda: len(world.inbox.quarantine) == 2)
            assert world.inbox.quarantine[broken].reason is QuarantineReason.MISSING_META
            assert world.inbox.quarantine[broken].body_zstd
            assert world.inbox.quarantine[other].reason is QuarantineReason.OTHER_CLUSTER

    asyncio.run(scenario())


def test_a_replay_lowers_the_first_checkpoint_only() -> None:
    async def scenario() -> None:
        world = World()
        world.chain.tip = FIRST_SLOT + 100
        async with world.running():
            assert world.inbox.checkpoints["all"] == Checkpoint(FIRST_SLOT + 100, has_heard=False)
            world.chain.land("old", slot=FIRST_SLOT + 50)
            await world.until(lambda: world.inbox.checkpoints["all"].has_heard)
            assert world.inbox.checkpoints["all"].slot == FIRST_SLOT + 49
            world.chain.land("new", slot=FIRST_SLOT + 200)
            settled = Checkpoint(FIRST_SLOT + 200 - SETTLED_AFTER_SLOTS, has_heard=True)
            await world.until(lambda: world.inbox.checkpoints["all"] == settled)
            world.chain.land("older", slot=FIRST_SLOT + 10)
            await world.until(lambda: len(world.inbox.stored) == 3)
            assert world.inbox.checkpoints["all"] == settled

    asyncio.run(scenario())


def test_a_chain_that_begins_has_no_slot_before_its_first() -> None:
    async def scenario() -> None:
        world = World(MemoryChain(tip=0, finalized=0))
        async with world.running():
            world.chain.land("genesis", slot=0)
            await world.until(lambda: world.inbox.checkpoints["all"].has_heard)
            assert world.inbox.checkpoints["all"].slot == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("target", ["all", "allWithVotes", PROGRAM])
def test_a_drop_is_repaired_from_the_checkpoint(target: str) -> None:
    async def scenario() -> None:
        world = World()
        async with world.running(target):
            heard = world.chain.land("heard")
            await world.until(lambda: bool(world.inbox.stored))
            world.chain.drop()
            missed = world.chain.land("missed 1", "missed 2", slot=world.chain.tip + 40)
            missed += world.chain.land(*range(30), slot=world.chain.tip + 7)
            await world.settle()
            assert set(world.inbox.stored) == set(heard)
            world.chain.is_up = True
            await world.until(lambda: set(world.inbox.stored) == {*heard, *missed})
            await world.until(lambda: world.inbox.checkpoints[target].slot >= world.chain.tip)
            assert set(world.chain.served.values()) == {1}

    asyncio.run(scenario())


@pytest.mark.parametrize("target", ["all", PROGRAM])
def test_the_checkpoint_is_held_while_a_gap_is_open(target: str) -> None:
    async def scenario() -> None:
        world = World()
        async with world.running(target):
            world.chain.land("first")
            await world.until(lambda: world.inbox.checkpoints[target].has_heard)
            before = world.inbox.checkpoints[target]
            world.chain.drop()
            world.chain.land("missed", slot=world.chain.tip + 5)
            method = "blocks" if target == "all" else "signatures_for_address"
            world.chain.gates[method] = asyncio.Event()
            world.chain.is_up = True
            await world.until(lambda: world.chain.calls[method] > 1)
            world.chain.land("far ahead", slot=world.chain.tip + 1000)
            await world.until(lambda: signature_of("far ahead") in world.inbox.stored)
            assert world.inbox.checkpoints[target] == before
            world.chain.gates.pop(method).set()
            await world.until(lambda: signature_of("missed") in world.inbox.stored)

    asyncio.run(scenario())


def test_an_older_repair_does_not_end_the_holding_of_a_newer_gap() -> None:
    """Dropped while repairing: the first repair ends while the tip of the second subscription is still asked for."""

    async def scenario() -> None:
        world = World()
        async with world.running() as feed:
            world.chain.land("first")
            await world.until(lambda: world.inbox.checkpoints["all"].has_heard)
            world.chain.drop()
            world.chain.gates["blocks"] = asyncio.Event()
            world.chain.is_up = True
            await world.until(lambda: world.chain.calls["blocks"] == 2)
            world.chain.drop()
            gap_slot = world.chain.tip + 5
            world.chain.land("missed", slot=gap_slot)
            world.chain.gates["slot confirmed"] = asyncio.Event()
            world.chain.is_up = True
            await world.until(lambda: world.chain.calls["slot confirmed"] == 3)
            world.chain.gates.pop("blocks").set()  # the first repair ends now
            await world.settle()
            assert feed._targets[0].is_repairing
            world.chain.gates["blocks"] = asyncio.Event()
            world.chain.gates.pop("slot confirmed").set()  # the second one begins, and lists nothing yet
            world.chain.land("far ahead", slot=world.chain.tip + 1000)
            await world.until(lambda: signature_of("far ahead") in world.inbox.stored)
            assert world.inbox.checkpoints["all"].slot < gap_slot
            world.chain.gates.pop("blocks").set()
            await world.until(lambda: signature_of("missed") in world.inbox.stored)
            await world.until(lambda: not feed._targets[0].is_repairing)

    asyncio.run(scenario())


def test_an_unavailable_source_is_asked_again_with_pauses() -> None:
    async def scenario() -> None:
        world = World()
        missed = world.chain.land("before")
        world.chain.errors["slot confirmed"] = [SourceUnavailableError("away")] * 3
        world.chain.errors["blocks"] = [SourceUnavailableError("away")] * 3
        world.chain.errors["slot finalized"] = [SourceUnavailableError("away"), SourceRefusedError(-1, "no")]
        async with world.running(from_slot=FIRST_SLOT):
            await world.until(lambda: set(world.inbox.stored) == set(missed))
            assert world.clock.monotonic_s() >= 6
            world.chain.finalized = world.chain.tip
            await world.until(lambda: world.inbox.final == set(missed))

    asyncio.run(scenario())


def test_a_gap_that_a_node_refuses_to_list_stays_open() -> None:
    async def scenario() -> None:
        world = World()
        (missed,) = world.chain.land("missed")
        world.chain.errors["blocks"] = [SourceRefusedError(-32001, "cleaned up")]
        feed = world.feed(from_slot=FIRST_SLOT)
        task = asyncio.create_task(feed.run())
        await world.until(lambda: world.chain.calls["blocks"] == 1, task)
        world.chain.land("heard", slot=world.chain.tip + 500)
        await world.until(lambda: bool(world.inbox.stored), task)
        assert world.inbox.checkpoints["all"].slot == FIRST_SLOT
        world.chain.drop()
        world.chain.is_up = True
        await world.until(lambda: missed in world.inbox.stored, task)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())


def test_votes_are_left_out_of_all_and_kept_in_all_with_votes() -> None:
    async def scenario(target: str) -> World:
        world = World()
        world.chain.land("vote", program=VOTE_PROGRAM_ID)
        world.chain.land("trade")
        async with world.running(target, from_slot=FIRST_SLOT) as feed:
            await world.until(lambda: not world.inbox.queue and bool(world.inbox.stored))
            await world.until(lambda: feed.counts.in_flight == 0)
        return world

    assert set(asyncio.run(scenario("all")).inbox.stored) == {signature_of("trade")}
    assert set(asyncio.run(scenario("allWithVotes")).inbox.stored) == {signature_of("trade"), signature_of("vote")}


def test_what_vanishes_is_taken_back_and_may_land_again() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running() as feed:
            gone, kept = world.chain.land("gone", "kept")
            await world.until(lambda: len(world.inbox.stored) == 2)
            world.chain.forget(gone)
            world.chain.tip += ABSENCE_AFTER_SLOTS
            world.chain.finalized = world.chain.tip
            await world.until(lambda: gone in world.inbox.quarantine)
            assert set(world.inbox.stored) == world.inbox.final == {kept}
            assert world.inbox.quarantine[gone].reason is QuarantineReason.VANISHED
            assert feed.counts.retracted == 1
            world.chain.land("gone")
            await world.until(lambda: gone in world.inbox.stored)
            assert world.inbox.stored[gone].slot == world.chain.tip
            assert not world.inbox.quarantine

    asyncio.run(scenario())


def test_a_transaction_that_landed_again_is_fetched_again() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            (moved,) = world.chain.land("moved")
            await world.until(lambda: moved in world.inbox.stored)
            old_slot, new_slot = world.chain.slots[moved], world.chain.tip + 3
            world.chain.slots[moved], world.chain.bodies[moved] = new_slot, body_of(moved, new_slot)
            world.chain.tip = world.chain.finalized = new_slot
            await world.until(lambda: moved in world.inbox.final)
            assert world.inbox.stored[moved].slot == new_slot != old_slot
            assert world.chain.served[moved] == 3, "heard, looked at as finalised, fetched again"

    asyncio.run(scenario())


def test_a_stored_signature_is_never_fetched_again() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running(from_slot=FIRST_SLOT):
            signatures = world.chain.land(*range(20))
            await world.until(lambda: len(world.inbox.stored) == 20)
            for signature in signatures:
                world.chain.announce(signature)
            world.chain.drop()
            world.chain.is_up = True
            await world.settle()
        async with world.running(from_slot=FIRST_SLOT):
            await world.settle()
        assert set(world.chain.served.values()) == {1}

    asyncio.run(scenario())


def test_an_error_that_no_retry_mends_ends_the_feed() -> None:
    async def scenario() -> None:
        world = World()
        world.chain.errors["slot confirmed"] = [SourceRefusedError(-32601, "Method not found")]
        with pytest.raises(ExceptionGroup) as raised:
            await asyncio.wait_for(world.feed().run(), PATIENCE_S)
        assert raised.group_contains(SourceRefusedError)

    asyncio.run(scenario())
