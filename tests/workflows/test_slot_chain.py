"""Links between slots: whatever order they come in, what was left out is found once, and nothing else is."""

from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.workflows.slot_chain import SLOTS_KEPT, Missed, SlotChain

PATIENCE_SECONDS = 2.0


def told(*links: tuple[int, int | None]) -> SlotChain:
    chain = SlotChain(PATIENCE_SECONDS)
    for slot, parent_slot in links:
        chain.tell(slot, parent_slot, 0.0)
    return chain


def test_a_whole_chain_with_skipped_slots_misses_nothing() -> None:
    chain = told((10, 9), (11, 10), (14, 11), (15, 14))
    assert chain.missed(100.0) == []
    assert chain.newest_slot == 15


def test_a_parent_nobody_told_of_is_missed_after_the_patience() -> None:
    chain = told((10, 9), (14, 13))
    assert chain.missed(PATIENCE_SECONDS - 0.1) == []
    assert chain.first_doubted_slot() == 11
    assert chain.missed(PATIENCE_SECONDS) == [Missed(11, 13)]
    assert chain.missed(100.0) == []
    assert chain.first_doubted_slot() is None


def test_one_that_comes_late_is_not_missed() -> None:
    chain = told((10, 9), (12, 11))
    chain.tell(11, 10, 1.9)
    assert chain.missed(100.0) == []


def test_what_lies_before_the_beginning_is_not_judged() -> None:
    chain = told((10, 9))
    chain.begin()
    chain.tell(20, 19, 0.0)
    assert chain.missed(100.0) == []


def test_a_resumed_stream_answers_for_all_from_where_it_was_resumed() -> None:
    chain = SlotChain(PATIENCE_SECONDS)
    chain.resume(10)
    chain.tell(13, 12, 0.0)
    assert chain.missed(PATIENCE_SECONDS) == [Missed(10, 12)]


def test_a_resume_keeps_what_was_seen_before() -> None:
    chain = told((10, 9), (11, 10))
    chain.resume(11)
    chain.tell(14, 13, 0.0)
    assert chain.missed(PATIENCE_SECONDS) == [Missed(12, 13)]


def test_a_dead_slot_is_no_parent() -> None:
    chain = told((10, 9), (12, 11))
    chain.bury(11)
    assert chain.missed(100.0) == []


def test_a_parent_that_is_no_earlier_slot_proves_nothing() -> None:
    assert told((10, 9), (11, 11), (12, 500)).missed(100.0) == []


def test_the_oldest_are_forgotten_and_not_missed() -> None:
    chain = SlotChain(PATIENCE_SECONDS)
    for slot in range(1, 2 * SLOTS_KEPT):
        chain.tell(slot, slot - 1, 0.0)
    chain.tell(2 * SLOTS_KEPT, 1, 0.0)
    assert chain.missed(100.0) == []
    assert len(chain._seen) <= SLOTS_KEPT


def test_what_is_doubted_is_not_forgotten_with_the_oldest() -> None:
    chain = SlotChain(PATIENCE_SECONDS)
    chain.resume(10)
    for slot in range(10, 10 + 2 * SLOTS_KEPT):
        if slot not in (500, 501):
            chain.tell(slot, slot - 1, 0.0)
    assert chain.first_doubted_slot() == 500
    assert chain.missed(PATIENCE_SECONDS) == [Missed(500, 501)]
    # And then they are forgotten as any other.
    chain.tell(10 + 2 * SLOTS_KEPT, 9 + 2 * SLOTS_KEPT, 0.0)
    assert len(chain._seen) <= SLOTS_KEPT


@given(st.data())
def test_in_any_order_the_missed_slots_cover_what_was_left_out(data: st.DataObject) -> None:
    blocks = sorted(data.draw(st.sets(st.integers(1, 60), min_size=3, max_size=40)))
    links = list(zip(blocks[1:], blocks[:-1], strict=True))
    left_out = data.draw(st.sets(st.sampled_from([slot for slot, _ in links[:-1]] or [0])))
    heard = [link for link in links if link[0] not in left_out]
    # The first comes first, for it is where judging begins; the rest in disorder, some twice.
    rest = data.draw(st.permutations(heard[1:] + data.draw(st.lists(st.sampled_from(heard)))))
    chain = told(heard[0], *rest)
    missed = chain.missed(PATIENCE_SECONDS)
    covered = {slot for one in missed for slot in range(one.first_slot, one.last_slot + 1)}
    first_slot = heard[0][0]
    assert {slot for slot in left_out if slot > first_slot} <= covered
    assert not covered & {slot for slot, _ in heard}
    assert not left_out - {0} or covered or all(slot < first_slot for slot in left_out)
    if not left_out:
        assert missed == []
