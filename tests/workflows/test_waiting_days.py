"""Which days one run folds."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.workflows.waiting_days import LATEST_SECONDS, SOON_SECONDS, DayRange, is_worth_folding, next_range

JANUARY = date(2026, 1, 1)


def day(number: int) -> date:
    return JANUARY + timedelta(days=number)


def test_nothing_waits() -> None:
    assert next_range({}, bridge_days=1, at_most_days=9) is None
    assert next_range({day(0): 0}, bridge_days=1, at_most_days=9) is None


def test_gaps_are_bridged_up_to_a_length() -> None:
    waiting = {day(0): 1, day(3): 1, day(8): 1}
    assert next_range(waiting, bridge_days=3, at_most_days=99) == DayRange(day(0), day(3))
    assert next_range(waiting, bridge_days=5, at_most_days=99) == DayRange(day(0), day(8))
    assert next_range(waiting, bridge_days=2, at_most_days=99) == DayRange(day(0), day(0))
    assert next_range(waiting, bridge_days=5, at_most_days=8) == DayRange(day(0), day(3))
    assert next_range(waiting, bridge_days=5, at_most_days=9) == DayRange(day(0), day(8))


@given(st.dictionaries(st.integers(0, 60), st.integers(0, 3), max_size=20), st.integers(1, 10), st.integers(1, 20))
def test_every_day_is_folded_in_the_end(counts: dict[int, int], bridge_days: int, at_most_days: int) -> None:
    waiting = {day(number): count for number, count in counts.items()}
    for _ in range(len(waiting) + 1):
        chosen = next_range(waiting, bridge_days=bridge_days, at_most_days=at_most_days)
        if chosen is None:
            break
        assert chosen.first == min(key for key, count in waiting.items() if count)
        assert waiting[chosen.last]
        assert (chosen.last - chosen.first).days < at_most_days
        waiting = {key: count for key, count in waiting.items() if not chosen.first <= key <= chosen.last}
    assert not any(waiting.values())


def test_stretches_take_turns() -> None:
    """A day that keeps failing must not starve those after it."""
    waiting = {date(2022, 1, 1): 1, date(2024, 5, 1): 2, date(2026, 7, 1): 500}
    turns = []
    last = None
    for _ in range(4):
        chosen = next_range(waiting, bridge_days=31, at_most_days=731, after=last)
        assert chosen is not None
        turns.append(chosen.first.year)
        last = chosen.last
    assert turns == [2022, 2024, 2026, 2022]


def test_a_growing_day_is_folded_when_a_quarter_waits_or_the_oldest_has_waited() -> None:
    assert is_worth_folding(1, 4, 0.0)
    assert not is_worth_folding(1, 5, SOON_SECONDS - 1)
    assert is_worth_folding(1, 5, SOON_SECONDS)
    # The larger the day, the longer it may wait, up to a bound.
    assert not is_worth_folding(1_000, 600_000, SOON_SECONDS)
    assert is_worth_folding(1_000, 600_000, 300.0)
    assert not is_worth_folding(1_000, 100_000_000, LATEST_SECONDS - 1)
    assert is_worth_folding(1_000, 100_000_000, LATEST_SECONDS)
