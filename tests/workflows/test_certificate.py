"""A certificate claims completeness only where nothing speaks against it, and says in words what does."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from certified_wallet import COUNTS, SINCE, STATE, TALLY, UNTIL, WHOLE, certify
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.storage.wallet_history import WHOLE_HISTORY_AT, ProvenRange
from oof_pipelines.workflows.certificate import Depth, Gap, SlotRange


def test_what_is_listed_from_end_to_end_and_stored_is_complete() -> None:
    told = certify()
    assert (told.is_complete, told.reasons, told.gaps) == (True, [], [])
    assert (told.accounts_enumerated, told.accounts_proven, told.accounts_found_by_balances) == (2, 2, 1)
    assert told.listing.ranges == [SlotRange(100, 1_000)]
    assert [(one.address, one.mint, one.is_proven) for one in told.token_accounts] == [
        ("x", "mint of x", True),
        ("y", "mint of y", True),
    ]
    assert (told.transactions, told.failed_transactions, told.unordered_transactions) == (4, 1, 2)
    assert (told.unknown_basis_share, told.unpriced_sales) == (Decimal("0.25"), 3)
    assert (told.since, told.as_of, told.proven_until, told.listed_at) == (SINCE, UNTIL, UNTIL, UNTIL)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ranges": {}}, "never listed"),
        ({"ranges": {"w": [WHOLE], "x": [WHOLE]}}, "1 token accounts are not proven"),
        (
            {"ranges": {"w": [WHOLE], "x": [WHOLE]}, "state": replace(STATE, left_out=1)},
            "1 token accounts were left out",
        ),
        ({"tally": replace(TALLY, waiting=1)}, "1 listed transactions have not been fetched yet"),
        ({"tally": replace(TALLY, refused=2)}, "2 listed transactions cannot be stored (quarantine)"),
        ({"tally": replace(TALLY, final=3)}, "1 stored transactions are not final yet"),
        ({"counts": replace(COUNTS, provisional=2)}, "2 stored transactions are not final yet"),
        ({"counts": replace(COUNTS, undecoded=1)}, "1 stored transactions could not be read"),
        ({"counts": replace(COUNTS, balance_gaps=1)}, "1 balances do not go on from where they ended"),
        ({"left_behind": 1}, "1 days or buckets break a check"),
        ({"mints_left_out": ("m",)}, "1 coins have no prices"),
        ({"ceilings_hit": ("max_tx",)}, "ended by max_tx"),
        ({"unproven": ["the node said no"]}, "the node said no"),
        ({"state": None}, "the last listing did not come to its end"),
        ({"state": replace(STATE, is_complete=False)}, "the last listing did not come to its end"),
        # A run that was killed proves the wallet's own listing first, and looks for token accounts after that.
        ({"state": replace(STATE, tip_slot=899)}, "the last listing did not come to its end"),
        ({"tally": replace(TALLY, settled=3)}, "the last listing did not come to its end"),
        ({"depth": Depth(None, UNTIL, 900)}, "not proven from the first one on: slots 0 to 99 were not listed"),
        ({"depth": Depth(SINCE - timedelta(1), UNTIL, 900)}, "not proven from 2025-12-31 00:00 on"),
        ({"depth": Depth(SINCE, UNTIL, 1_001)}, "slots 1001 to 1001 were not listed"),
        ({"depth": Depth(SINCE, UNTIL + timedelta(seconds=1), 1_000)}, "own transactions are not proven"),
    ],
)
def test_each_thing_that_speaks_against_it_is_a_reason(changes: dict[str, Any], words: str) -> None:
    told = certify(**changes)
    assert not told.is_complete
    assert any(words in reason for reason in told.reasons), told.reasons


def test_a_wallet_without_token_accounts_needs_none() -> None:
    assert certify({"w": [WHOLE]}, accounts=()).is_complete


def test_the_first_transaction_is_reached_where_the_history_is_listed_whole() -> None:
    ever = replace(WHOLE, first_slot=0, from_at=WHOLE_HISTORY_AT)
    depth = Depth(None, UNTIL, 900)
    assert certify({"w": [ever], "x": [ever], "y": [ever]}, depth=depth).is_complete
    assert not certify({"w": [ever], "x": [ever], "y": [WHOLE]}, depth=depth).is_complete


def test_gaps_are_what_was_to_be_listed_and_was_not() -> None:
    upper, lower = ProvenRange(600, 1_000, UNTIL - timedelta(hours=1), UNTIL), ProvenRange(100, 400, SINCE, SINCE)
    told = certify({"w": [lower, upper], "x": [WHOLE], "y": []})
    assert told.gaps == [Gap("w", 0, 99), Gap("w", 401, 599), Gap("y", 0, 900)]
    assert "slots 0 to 99, 401 to 599 were not listed" in told.reasons[0]
    # Where the wallet itself is proven, what its accounts lack begins where it does.
    assert certify({"w": [WHOLE], "x": [upper], "y": [WHOLE]}).gaps == [Gap("x", 100, 599)]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=6),
    st.integers(0, 80),
)
def test_every_slot_is_proven_or_in_a_gap_and_never_both(bounds: list[tuple[int, int]], last_slot: int) -> None:
    ranges, after = [], 0
    for begin, length in bounds:
        first = after + begin
        ranges.append(ProvenRange(first, first + length, UNTIL, UNTIL))
        # Ranges that touch are one.
        after = first + length + 2
    told = certify({"w": ranges}, accounts=(), depth=Depth(SINCE, UNTIL, last_slot))
    proven = {slot for one in ranges for slot in range(one.first_slot, one.last_slot + 1)}
    missing = [slot for gap in told.gaps for slot in range(gap.first_slot, gap.last_slot + 1)]
    assert sorted({*missing}) == missing
    assert set(missing) == set(range(last_slot + 1)) - proven
    assert not told.is_complete
