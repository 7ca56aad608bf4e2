"""Ages by slot: behind the newest one, as old as that is, and unmoved by a slot that cannot be."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_scene import START

from oof_pipelines.transport.market.slot_age import SlotAges, plausible_slots


def test_a_slot_behind_is_two_fifths_of_a_second_older() -> None:
    ages = SlotAges()
    ages.see([1000, 990, 900], START)
    assert [(START - ages.published_at(slot, START)).total_seconds() for slot in (1000, 990, 900)] == [0, 4, 40]
    later = START + timedelta(seconds=30)
    assert ages.published_at(1000, later) == START
    ages.see([1075], later)
    assert ages.published_at(1075, later) == later


def test_one_slot_far_ahead_makes_nothing_look_old() -> None:
    ages = SlotAges()
    ages.see([1000, 10**9, 999], START)
    assert not ages.is_believed(10**9, START)
    assert ages.published_at(1000, START) == START
    ages.see([10**9], START + timedelta(seconds=60))
    ages.see([1150], START + timedelta(seconds=60))
    assert ages.published_at(1150, START + timedelta(seconds=60)) == START + timedelta(seconds=60)


def test_after_a_long_silence_the_chain_may_have_come_far() -> None:
    ages = SlotAges()
    ages.see([1000], START)
    assert ages.is_believed(1000 + 86_400 * 5 // 2, START + timedelta(days=1))
    assert not ages.is_believed(1000 + 86_400 * 10, START + timedelta(days=1))


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 10**6), max_size=5), max_size=10), st.integers(0, 10**6))
def test_nothing_is_published_after_now(answers: list[list[int]], slot: int) -> None:
    ages, now = SlotAges(), START
    for slots in answers:
        ages.see(slots, now)
        assert ages.published_at(slot, now) <= now
        now += timedelta(seconds=1)


TRUE_SLOT = 439_410_000


@pytest.mark.parametrize("absurd", [600_000_000, 10**12, 2**40])
def test_a_first_slot_beyond_where_the_chain_can_be_poisons_nothing(absurd: int) -> None:
    ages = SlotAges()
    ages.see([absurd], START)
    assert not ages.is_believed(absurd, START)
    ages.see([TRUE_SLOT], START)
    assert ages.is_believed(TRUE_SLOT, START)
    assert ages.published_at(TRUE_SLOT, START) == START


def test_a_first_slot_far_behind_gives_way_to_a_true_one() -> None:
    ages = SlotAges()
    ages.see([1000], START)
    ages.see([900, TRUE_SLOT], START)
    assert ages.is_believed(TRUE_SLOT, START)
    assert ages.published_at(TRUE_SLOT, START) == START
    assert ages.published_at(1000, START) < START - timedelta(days=365)


def test_the_true_slot_is_plausible_whatever_the_clock_says_of_the_year() -> None:
    for year, slot in ((2020, 40_000_000), (2025, 311_000_000), (2026, 420_000_000), (2030, 700_000_000)):
        least, most = plausible_slots(datetime(year, 6, 1, tzinfo=UTC))
        assert 0 <= least <= most
        assert year < 2026 or least <= slot <= most


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 2**40), max_size=3), max_size=5), st.integers(0, 2**40))
def test_no_slot_leaves_the_calendar(answers: list[list[int]], slot: int) -> None:
    ages = SlotAges()
    for slots in answers:
        ages.see(slots, START)
    if ages.is_believed(slot, START):
        assert ages.published_at(slot, START) <= START
