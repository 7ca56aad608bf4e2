"""Folding: whatever the order and the splits, the same rows give the same file, and none is lost."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partition_rows import DAY, NOON, frame, row

from oof_pipelines.storage.parquet.schemas import RAW_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore, object_key
from oof_pipelines.workflows.fold import InvalidPartitionError, fold_day, merge

ROWS = [row(name, name % 7, tx_index=name if name % 2 else None) for name in range(12)]


class HandedInbox:
    """A `FoldableInbox` over a list of rows."""

    def __init__(self, rows: list[dict[str, object]]) -> None:
        self.rows = list(rows)
        self.cleared: list[str] = []
        self.is_locked = False

    @contextmanager
    def lock(self, dataset: str, day: date) -> Iterator[None]:
        self.is_locked = True
        yield
        self.is_locked = False

    def waiting(self, dataset: str, day: date) -> pl.DataFrame:
        assert self.is_locked
        return frame(self.rows, dataset)

    def clear(self, dataset: str, rows: pl.DataFrame, object_key: str) -> None:
        assert self.is_locked
        gone = set(rows["signature"])
        self.rows = [each for each in self.rows if each["signature"] not in gone]
        self.cleared.append(object_key)


class KilledError(Exception):
    """What a killed process looks like from inside."""


def folded_bytes(folder: Path, parts: list[list[dict[str, object]]], dataset: str) -> bytes:
    store = ParquetStore(folder)
    for part in parts:
        fold_day(store, HandedInbox(part), dataset, DAY)
    return store.path(dataset, DAY).read_bytes()


@pytest.mark.parametrize("dataset", RAW_DATASETS)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_any_order_and_split_gives_the_same_bytes(
    dataset: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    order = data.draw(st.permutations(ROWS))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(ROWS)), max_size=3)))
    parts = [order[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(ROWS)], strict=True)]
    # A fold that died before it cleared comes again with what it had.
    parts.append(data.draw(st.sampled_from(parts)))
    folder = tmp_path_factory.mktemp("split")
    whole = folded_bytes(tmp_path_factory.mktemp("whole"), [ROWS], dataset)
    assert folded_bytes(folder, [part for part in parts if part], dataset) == whole


@given(st.lists(st.integers(0, 11)), st.lists(st.integers(0, 11), unique=True))
def test_merging_never_loses_a_row(old_numbers: list[int], new_numbers: list[int]) -> None:
    old = frame([ROWS[number] for number in dict.fromkeys(old_numbers)])
    waiting = frame([ROWS[number] | {"fee_payer": "changed"} for number in new_numbers])
    merged = merge(old, waiting)
    assert set(merged["signature"]) == set(old["signature"]) | set(waiting["signature"])
    assert merged.height == merged["signature"].n_unique()
    assert merged.head(old.height).equals(old), "what is in the file stays as it is"


def test_the_report_says_what_was_done(tmp_path: Path) -> None:
    store, inbox = ParquetStore(tmp_path), HandedInbox(ROWS[:5])
    first = fold_day(store, inbox, "raw_transactions", DAY)
    assert (first.row_count, first.added_count, inbox.rows) == (5, 5, [])
    assert inbox.cleared == [object_key("raw_transactions", DAY)]
    inbox.rows = ROWS[4:]
    second = fold_day(store, inbox, "raw_transactions", DAY)
    assert (second.row_count, second.added_count) == (12, 7)
    assert (second.first_slot, second.last_slot) == (min(r["slot"] for r in ROWS), max(r["slot"] for r in ROWS))
    assert second.file is not None
    written = store.path("raw_transactions", DAY).read_bytes()
    assert (second.file.size_bytes, second.file.sha256) == (len(written), hashlib.sha256(written).hexdigest())
    again = fold_day(store, inbox, "raw_transactions", DAY)
    assert (again.added_count, again.file) == (0, second.file)


def test_an_empty_day_stays_without_a_file(tmp_path: Path) -> None:
    report = fold_day(ParquetStore(tmp_path), HandedInbox([]), "raw_logs", DAY)
    assert (report.row_count, report.file, report.first_slot) == (0, None, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dataset", RAW_DATASETS)
@pytest.mark.parametrize("step", ["read", "validate", "write", "clear", "done"])
def test_killed_at_any_step_the_next_fold_mends_it(step: str, dataset: str, tmp_path: Path) -> None:
    def kill(at: str) -> None:
        if at == step:
            raise KilledError

    store, inbox = ParquetStore(tmp_path / "killed"), HandedInbox(ROWS[:4])
    fold_day(store, inbox, dataset, DAY)
    before = store.path(dataset, DAY).read_bytes()
    inbox.rows = ROWS[2:]
    with pytest.raises(KilledError):
        fold_day(store, inbox, dataset, DAY, at_step=kill)
    is_written = step in ("clear", "done")
    assert (store.path(dataset, DAY).read_bytes() == before) != is_written
    assert (inbox.rows == []) == (step == "done")
    fold_day(store, inbox, dataset, DAY)
    assert inbox.rows == []
    assert store.path(dataset, DAY).read_bytes() == folded_bytes(tmp_path / "whole", [ROWS], dataset)


def test_rows_that_break_a_check_publish_nothing(tmp_path: Path) -> None:
    store, inbox = ParquetStore(tmp_path), HandedInbox(ROWS[:3])
    fold_day(store, inbox, "raw_transactions", DAY)
    before = store.path("raw_transactions", DAY).read_bytes()
    inbox.rows = [row("stranger", block_time=NOON.replace(year=2020))]
    with pytest.raises(InvalidPartitionError, match="block_time_in_day: 1 of 4 rows") as raised:
        fold_day(store, inbox, "raw_transactions", DAY)
    assert [check.name for check in raised.value.checks if not check.has_passed] == ["time_order", "block_time_in_day"]
    assert store.path("raw_transactions", DAY).read_bytes() == before
    assert len(inbox.rows) == 1
