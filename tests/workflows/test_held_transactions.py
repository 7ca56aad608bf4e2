"""Transactions that wait for the time of their block."""

import pytest
from geyser_world import SLOT, transaction

from oof_pipelines.workflows import held_transactions
from oof_pipelines.workflows.held_transactions import HeldTransactions


def test_a_slot_is_released_once_in_the_order_in_which_it_came() -> None:
    held = HeldTransactions(2.0)
    first, second = transaction("b", SLOT), transaction("a", SLOT)
    held.hold(first, 0.0)
    held.hold(second, 0.5)
    held.hold(transaction("c", SLOT + 1), 0.5)
    assert (len(held), held.first_slot()) == (3, SLOT)
    assert held.release(SLOT, 1_700_000_000) == [first, second]
    assert held.release(SLOT, 1_700_000_000) == []
    assert (held.knows_time(SLOT), held.time_s(SLOT), held.first_slot()) == (True, 1_700_000_000, SLOT + 1)


def test_what_waits_too_long_is_overdue_from_its_first_transaction_on() -> None:
    held = HeldTransactions(2.0)
    held.hold(transaction("a", SLOT), 0.0)
    held.hold(transaction("b", SLOT), 1.9)
    assert list(held.overdue(1.9)) == []
    ((slot, overdue),) = held.overdue(2.0)
    assert (slot, len(overdue), len(held)) == (SLOT, 2, 0)
    assert list(held.overdue(9.0)) == []
    assert not held.knows_time(SLOT)


def test_a_repetition_is_known_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_transactions, "RECENT_KEPT", 2)
    held = HeldTransactions(2.0)
    assert not held.is_repeated(transaction("a", SLOT))
    assert held.is_repeated(transaction("a", SLOT))
    # Landed again in another slot, it is another one.
    assert not held.is_repeated(transaction("a", SLOT + 1))
    assert not held.is_repeated(transaction("b", SLOT))
    assert held.is_repeated(transaction("b", SLOT))
    assert not held.is_repeated(transaction("a", SLOT)), "the oldest is forgotten"


def test_times_of_old_blocks_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_transactions, "TIMES_KEPT", 2)
    held = HeldTransactions(2.0)
    for slot in (SLOT, SLOT + 1, SLOT + 2):
        held.release(slot, None)
    assert [held.knows_time(slot) for slot in (SLOT, SLOT + 1, SLOT + 2)] == [False, True, True]
