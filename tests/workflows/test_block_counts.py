"""Counting a block's transactions against what it says."""

from oof_pipelines.workflows.block_counts import SLOTS_KEPT, BlockCounts


def counted(heard: int, stated: int) -> BlockCounts:
    counts = BlockCounts(2.0)
    for _ in range(heard):
        counts.hear(7)
    counts.expect(7, stated, 0.0)
    return counts


def test_a_whole_block_is_not_short() -> None:
    assert counted(3, 3).short(100.0) == []
    assert counted(0, 0).short(100.0) == []


def test_a_block_that_lacks_one_is_short_once_and_after_the_patience() -> None:
    counts = counted(2, 3)
    assert counts.first_slot() == 7
    assert counts.short(1.9) == []
    assert counts.short(2.0) == [7]
    assert counts.short(100.0) == []
    assert counts.first_slot() is None


def test_one_that_comes_late_makes_it_whole() -> None:
    counts = counted(2, 3)
    counts.hear(7)
    assert counts.short(100.0) == []


def test_old_slots_are_forgotten() -> None:
    counts = BlockCounts(2.0)
    for slot in range(SLOTS_KEPT + 50):
        counts.hear(slot)
    assert len(counts._heard) == SLOTS_KEPT
