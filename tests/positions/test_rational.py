"""The engine and the plain reference with rationals say the same: rows, lots, episodes, what moved out, what is in pools."""

import os
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oof_pipelines.commands.bench_fifo_events import ESCROWS, POOLS, RULES, all_kinds
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import KINDS
from oof_pipelines.positions.rational import RationalBook
from oof_pipelines.positions.valued import ValuedEvent


def everything(book: Book | RationalBook, events: list[ValuedEvent]) -> dict[str, list[Any]]:
    """What a book says of the events, as plain values."""
    rows = [row for event in events for row in book.step(event)]
    told = {"realized": rows, "lots": book.lots(), "episodes": book.episodes()}
    told |= {"moved": book.moved(), "in_pools": book.in_pools()}
    return {name: [msgspec.structs.asdict(one) for one in structs] for name, structs in told.items()}


def test_the_random_events_are_of_every_kind() -> None:
    events = list(all_kinds(5_000, 1))
    assert {valued.event.kind for valued in events} == set(KINDS)
    book = Book(RULES)
    told = everything(book, events)
    assert {row["kind"] for row in told["realized"]} == {"sell", "exchange_transfer", "burn"}
    assert {row["basis_status"] for row in told["realized"]} == {"known", "market", "unknown"}
    assert all(told.values())
    assert book.unheld()
    assert {one["pool"] for one in told["in_pools"]} == {*POOLS, *ESCROWS}


@given(st.integers(0, 2**32), st.integers(1, 40), st.booleans())
@settings(max_examples=120, deadline=None)
def test_random_events_of_few_mints_give_what_rationals_give(seed: int, count: int, is_realized: bool) -> None:
    """Few events, so that what fails is short."""
    rules = msgspec.structs.replace(RULES, is_exchange_transfer_realized=is_realized)
    events = list(all_kinds(count, seed, mints=2))
    assert everything(Book(rules), events) == everything(RationalBook(rules), events)


# A million take some two minutes: OOF_RANDOM_EVENTS=1000000.
RANDOM_EVENTS = int(os.environ.get("OOF_RANDOM_EVENTS", "40000"))
EVENTS_A_RUN = 4_000


@given(st.integers(0, 2**32))
@settings(max_examples=max(1, RANDOM_EVENTS // EVENTS_A_RUN), deadline=None)
@pytest.mark.timeout(3_600)
def test_long_random_runs_give_what_rationals_give(seed: int) -> None:
    events = list(all_kinds(EVENTS_A_RUN, seed))
    assert everything(Book(RULES), events) == everything(RationalBook(RULES), events)
