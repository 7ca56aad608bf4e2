"""The timeline and what is visible when, on a clock moved by hand."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.testing.recorded_node.chain_view import CONFIRMED, FINALIZED, Chain
from oof_pipelines.testing.recorded_node.faults import Faults
from oof_pipelines.testing.recorded_node.ledger import load_ledger
from oof_pipelines.testing.recorded_node.timeline import FINALITY_SECONDS, Timeline

chains = st.lists(st.integers(1, 50), min_size=1, max_size=30).map(
    lambda steps: [1000 + sum(steps[:number]) for number in range(len(steps))]
)


@given(slots=chains, speed=st.floats(0.1, 1000), data=st.data())
def test_slots_appear_in_order_and_no_gap_is_longer_than_a_second(slots, speed, data):
    times = data.draw(st.lists(st.none() | st.integers(0, 100), min_size=len(slots), max_size=len(slots)))
    timeline = Timeline(slots, times, speed)
    gaps = [
        after - before for before, after in zip(timeline.offsets_seconds, timeline.offsets_seconds[1:], strict=False)
    ]
    assert all(0 <= gap <= 1 / speed + 1e-9 for gap in gaps)
    moments = sorted(data.draw(st.lists(st.floats(-20, 100), max_size=10)))
    tips = [timeline.tip_slot(moment) for moment in moments]
    counts = [timeline.visible_count(moment) for moment in moments]
    assert tips == sorted(tips)
    assert counts == sorted(counts)
    assert timeline.visible_count(timeline.offsets_seconds[-1]) == len(slots)


def test_the_pace_is_that_of_slots_within_what_block_times_allow():
    offsets = Timeline([10, 11, 13, 14, 200], [50, 50, 51, 60, 61], 1).offsets_seconds
    # 0.4 s; 0.8 s; nine seconds told, cut to 1; 74 s of slots, at most 2 s told, cut to 1.
    assert list(offsets) == pytest.approx([0, 0.4, 1.2, 2.2, 3.2])
    assert list(Timeline([10, 11, 13], [None, 50, None], 2).offsets_seconds) == pytest.approx([0, 0.2, 0.6])


def test_after_the_last_slot_the_tip_goes_on():
    timeline = Timeline([10, 11], [None, None], 2)
    assert [timeline.tip_slot(moment) for moment in (0, 0.1, 0.2, 0.39, 0.41, 1.21)] == [10, 10, 11, 11, 12, 16]


def test_an_instant_chain_is_all_there():
    timeline = Timeline([10, 500], [None, None], 0)
    assert (timeline.visible_count(0), timeline.tip_slot(0)) == (2, 564)


def chain_of(folder, clock, *, speed=1.0, faults=None, seed=0):
    return Chain(load_ledger(folder), speed, clock, Faults(faults, seed))


def test_finalized_lags_confirmed(write_chain, bodies, hand_clock):
    chain = chain_of(write_chain(3), hand_clock)
    hand_clock.seconds += 100  # nothing runs before the start
    assert [chain.view().slot_count(level) for level in (CONFIRMED, FINALIZED)] == [1, 0]
    chain.start()
    hand_clock.seconds += 0.5
    assert chain.view().entry(bodies.signature(1), CONFIRMED) is not None
    assert chain.view().entry(bodies.signature(2), CONFIRMED) is None
    assert chain.view().entry(bodies.signature(1), FINALIZED) is None
    assert chain.view().confirmation(101) == (CONFIRMED, 0)
    hand_clock.seconds += FINALITY_SECONDS
    assert chain.view().entry(bodies.signature(1), FINALIZED) is not None
    assert chain.view().entry(bodies.signature(2), FINALIZED) is None
    assert chain.view().confirmation(101) == (FINALIZED, None)
    assert chain.view().tip_slot(FINALIZED) == 101


def test_a_vanishing_slot_goes_after_its_announcement_or_with_finality(write_chain, hand_clock):
    chain = chain_of(write_chain(4), hand_clock, faults="vanish:slots=4;after_ms=1000")
    chain.start()
    hand_clock.seconds += 3
    chain.note_announced(101)
    assert all(chain.view().has_slot(slot, CONFIRMED) for slot in range(100, 104))
    hand_clock.seconds += 1
    assert [chain.view().has_slot(slot, CONFIRMED) for slot in range(100, 104)] == [True, False, True, True]
    hand_clock.seconds += 20
    assert not any(chain.view().has_slot(slot, level) for slot in range(100, 104) for level in (CONFIRMED, FINALIZED))


def test_null_after_log_counts_from_the_announcement(write_chain, hand_clock):
    chain = chain_of(write_chain(2), hand_clock, faults="null_after_log:p=1;for_ms=300")
    chain.start()
    first, second = chain.ledger.entries
    assert chain.is_null_after_log(first)
    hand_clock.seconds += 0.45
    assert not chain.is_null_after_log(first)
    assert chain.is_null_after_log(second)


def test_the_hand_clock_wakes_sleepers_in_time_order(hand_clock):
    async def scenario():
        woken = []

        async def sleeper(duration_seconds):
            await hand_clock.sleep(duration_seconds)
            woken.append(hand_clock.now_seconds())

        tasks = [asyncio.create_task(sleeper(duration)) for duration in (3, 1, 2)]
        await asyncio.sleep(0)
        await hand_clock.advance(2.5)
        assert woken == pytest.approx([1001, 1002])
        await hand_clock.advance(1)
        await asyncio.gather(*tasks)

    asyncio.run(scenario())
