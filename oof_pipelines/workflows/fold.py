"""Fold the inbox into a day's Parquet file: what it has ∪ what waits, validated, renamed, and only then cleared.

Killed before the rename, nothing happened. Killed between rename and clearing, the next fold finds the same rows on both
sides and writes the same bytes. Nothing is ever fetched here, and a partition never has fewer rows than before.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from oof_pipelines.workflows.partition_checks import CheckResult, check_partition


class WrittenFile(Protocol):
    """What a write left behind."""

    @property
    def object_key(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...

    @property
    def sha256(self) -> str: ...


class PartitionStore(Protocol):
    """Where day partitions are kept."""

    def read(self, dataset: str, day: date) -> pl.DataFrame | None: ...

    def write(self, dataset: str, day: date, frame: pl.DataFrame) -> WrittenFile: ...


class FoldableInbox(Protocol):
    """The side of the inbox that is emptied by folding."""

    def lock(self, dataset: str, day: date) -> AbstractContextManager[None]:
        """Exclude every other writer of the partition for the block."""
        ...

    def waiting(self, dataset: str, day: date) -> pl.DataFrame:
        """Final rows of the day not yet folded, in the dataset's columns."""
        ...

    def clear(self, dataset: str, rows: pl.DataFrame, object_key: str) -> None:
        """The rows are in the partition at `object_key`: let go of them."""
        ...


@dataclass(frozen=True, slots=True)
class FoldReport:
    """One folded partition. Slots are None where it is empty; `file` where nothing was or is there."""

    dataset: str
    day: date
    row_count: int
    added_count: int
    first_slot: int | None
    last_slot: int | None
    file: WrittenFile | None
    checks: tuple[CheckResult, ...]


class InvalidPartitionError(ValueError):
    """The merged rows break the dataset's checks, so the old file stays and nothing was cleared. `checks` says which."""

    def __init__(self, dataset: str, day: date, checks: tuple[CheckResult, ...]) -> None:
        failed = "; ".join(f"{check.name}: {check.detail}" for check in checks if not check.has_passed)
        super().__init__(f"{dataset} {day}: {failed}")
        self.checks = checks


def fold_day(
    store: PartitionStore,
    inbox: FoldableInbox,
    dataset: str,
    day: date,
    *,
    at_step: Callable[[str], None] = lambda _step: None,
) -> FoldReport:
    """Fold one day of one dataset. `at_step` is told each step's name before it is made (tests kill there).

    Raises `InvalidPartitionError` where the rows must not be published.
    """
    with inbox.lock(dataset, day):
        at_step("read")
        old = store.read(dataset, day)
        waiting = inbox.waiting(dataset, day)
        if old is None and waiting.is_empty():
            return FoldReport(dataset, day, 0, 0, None, None, None, ())
        merged = waiting if old is None else merge(old, waiting)
        at_step("validate")
        checks, valid = check_partition(dataset, day, merged)
        if not all(check.has_passed for check in checks if check.is_blocking):
            raise InvalidPartitionError(dataset, day, checks)
        at_step("write")
        written = store.write(dataset, day, valid)
        at_step("clear")
        inbox.clear(dataset, waiting, written.object_key)
        at_step("done")
    return FoldReport(
        dataset=dataset,
        day=day,
        row_count=valid.height,
        added_count=valid.height - (old.height if old is not None else 0),
        # The rows are sorted by slot.
        first_slot=int(valid["slot"][0]),
        last_slot=int(valid["slot"][-1]),
        file=written,
        checks=checks,
    )


def merge(old: pl.DataFrame, waiting: pl.DataFrame) -> pl.DataFrame:
    """old ∪ waiting by signature; what is already in the file stays as it is."""
    fresh = waiting.join(old.select("signature"), on="signature", how="anti")
    return pl.concat([old, fresh.select(old.columns)])
