"""Several wallets' events in the order in which units went on."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from oof_pipelines.chain.moves import FEE_PATH, RESIDUAL_PATH, log_idx
from oof_pipelines.positions.chain_order import in_chain_order
from oof_pipelines.positions.events import BUY, COST, RECEIVE, SELL, SEND, PositionEvent

PATHS = st.sampled_from([FEE_PATH, "0", "1", "1.0", "1.2", "2", "10", RESIDUAL_PATH])


def event(wallet: str, seq: int, path: str, kind: str = BUY, signature: str = "s", slot: int = 7) -> PositionEvent:
    place = (signature, slot, 3, 1_700_000_000, log_idx(path), path, seq, wallet)
    return PositionEvent(*place, kind, "M", 6, 5, "", None, None, "", "", 0, 0, 0)


def ordered(events: list[PositionEvent]) -> list[PositionEvent]:
    return in_chain_order(events, lambda one: one)


def test_what_one_wallet_bought_and_sent_comes_before_the_sale_by_the_other() -> None:
    story = [
        event("W", 0, "2", SELL),
        event("W", 1, "2", BUY),
        event("W", 2, "3", SEND),
        event("V", 0, "3", RECEIVE),
        event("V", 1, "5", SELL),
    ]
    found = ordered(story)
    assert [(one.wallet, one.kind) for one in found] == [
        ("W", SELL),
        ("W", BUY),
        ("V", RECEIVE),
        ("W", SEND),
        ("V", SELL),
    ]
    for seed in range(5):
        mixed = random.Random(seed).sample(story, len(story))
        assert ordered(mixed) == found


def test_what_stands_behind_all_of_a_wallet_stays_there_whatever_its_path() -> None:
    story = [event("W", 0, "4", BUY), event("W", 1, "1", SEND), event("W", 2, FEE_PATH, COST), event("V", 0, "2", BUY)]
    assert [(one.wallet, one.seq) for one in ordered(story)] == [("V", 0), ("W", 0), ("W", 1), ("W", 2)]


def test_transactions_keep_apart() -> None:
    late = event("W", 0, "9", signature="a")
    early = event("W", 0, "1", signature="b")
    assert ordered([early, late]) == [late, early]
    unplaced = PositionEvent(*("c", 7, None), *[getattr(late, name) for name in late.__struct_fields__[3:]])
    assert ordered([unplaced, event("W", 0, "1", slot=8), late]) == [late, unplaced, event("W", 0, "1", slot=8)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["U", "V", "W"]), PATHS), max_size=25),
    st.randoms(use_true_random=False),
)
def test_each_wallet_keeps_its_order_and_nothing_is_lost(
    steps: list[tuple[str, str, str]], mixed: random.Random
) -> None:
    counts: dict[tuple[str, str], int] = {}
    events = []
    for signature, wallet, path in steps:
        seq = counts.get((signature, wallet), 0)
        counts[signature, wallet] = seq + 1
        events.append(event(wallet, seq, path, signature=signature))
    shuffled = list(events)
    mixed.shuffle(shuffled)
    found = ordered(shuffled)
    assert found == ordered(events)
    assert sorted(map(repr, found)) == sorted(map(repr, events))
    for wallet in ("U", "V", "W"):
        own = [one for one in found if one.wallet == wallet]
        assert own == sorted(own, key=lambda one: one.order_key), "as PositionEvent.order_key has it"
    reached: dict[tuple[str, str], int] = {}
    on: dict[str, int] = {}
    for one in found:
        far = reached[one.signature, one.wallet] = max(one.log_idx, reached.get((one.signature, one.wallet), -2))
        assert far >= on.get(one.signature, -2), "the transaction never goes back"
        on[one.signature] = far
