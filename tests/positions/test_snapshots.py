"""A book that is put away and taken up again says the same, byte for byte."""

import dataclasses
import json

import msgspec
import pytest
from positions.position_ledger import Ledger

from oof_pipelines.commands.bench_fifo_events import RULES, all_kinds
from oof_pipelines.commands.bench_fifo_worker import BUILD
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.cost_totals import CostTotals
from oof_pipelines.positions.episodes import OpenEpisode
from oof_pipelines.positions.lots import OpenLot
from oof_pipelines.positions.snapshots import VERSION, SavedCosts, SavedEpisode, SavedLot
from oof_pipelines.positions.valued import SNAPSHOT_EVENTS

EVENTS = 4_000


def test_a_snapshot_is_due_every_500th_event() -> None:
    assert SNAPSHOT_EVENTS == 500
    book, due = Book(RULES), []
    assert not book.is_snapshot_due
    for number, event in enumerate(all_kinds(1_200, 3), 1):
        book.step(event)
        if book.is_snapshot_due:
            due.append(number)
    assert due == [500, 1_000]


@pytest.mark.parametrize("is_drained", [False, True])
def test_resuming_from_every_snapshot_gives_equal_bytes(is_drained: bool) -> None:
    whole, resumed = Book(RULES), Book(RULES)
    told: list[list[object]] = [[], []]
    for event in all_kinds(EVENTS, 11):
        told[0] += whole.step(event)
        told[1] += resumed.step(event)
        if resumed.is_snapshot_due:
            data = resumed.snapshot()
            assert data == whole.snapshot()
            resumed = Book.restore(data)
            assert resumed.snapshot() == data
            assert not resumed.is_snapshot_due or resumed.event_count == whole.event_count
            if is_drained:
                assert whole.drain() == resumed.drain()
    assert told[0] == told[1]
    assert (whole.lots(), whole.episodes(), whole.moved()) == (resumed.lots(), resumed.episodes(), resumed.moved())
    assert (whole.in_pools(), whole.unheld(), whole.costs) == (resumed.in_pools(), resumed.unheld(), resumed.costs)
    assert whole.snapshot() == resumed.snapshot()


def test_what_is_drained_and_what_is_left_is_everything() -> None:
    whole, drained = Book(RULES), Book(RULES)
    lots, episodes, moved = [], [], []
    for event in all_kinds(EVENTS, 5):
        whole.step(event)
        drained.step(event)
        if drained.is_snapshot_due:
            over = drained.drain()
            lots, episodes, moved = lots + over.lots, episodes + over.episodes, moved + over.moved
            assert not drained.drain().lots
    assert lots + drained.lots() == whole.lots()
    assert episodes + drained.episodes() == whole.episodes()
    assert moved + drained.moved() == whole.moved()


def test_what_is_under_way_is_settled_in_one_order() -> None:
    """A restored book has its positions in another order than one that met them; what it books may not show it."""
    ledger = Ledger()
    ledger.apply("buy 9 Zebra for 90 SOL $9\n buy 9 Ant for 90 SOL $9")
    ledger.apply(
        "send 8 Zebra to Bert + Bert: receive 7 Zebra from Anna + send 6 Ant to Bert + Bert: receive 4 Ant from Anna"
    )
    resumed = Book.restore(ledger.book.snapshot())
    assert [(one.mint, one.qty_raw) for one in resumed.moved()] == [("Ant", 2), ("Zebra", 1)]
    assert ledger.book.moved() == resumed.moved()
    assert ledger.book.snapshot() == resumed.snapshot()


@pytest.mark.skipif(
    BUILD == "compiled", reason="COMPILED: make native-clean first, compiled classes do not list their fields"
)
def test_a_snapshot_has_every_field_in_its_place() -> None:
    """What is put away by name is made again by place."""
    assert [field.name for field in msgspec.structs.fields(OpenLot)] == list(SavedLot.__struct_fields__)
    for form, made in ((SavedEpisode, OpenEpisode), (SavedCosts, CostTotals)):
        assert [field.name for field in dataclasses.fields(made)] == list(form.__struct_fields__)


def test_bytes_that_are_no_snapshot_are_refused() -> None:
    with pytest.raises(ValueError, match="snapshot: no book of positions"):
        Book.restore(b"{}")
    later = json.loads(Book(RULES).snapshot()) | {"version": VERSION + 1}
    with pytest.raises(ValueError, match=f"snapshot: version {VERSION + 1} is not {VERSION}"):
        Book.restore(json.dumps(later).encode())
