"""Bring a wallet bucket up to the decoded days: only the days whose slice changed are read; the rest of its files stays.

A bucket has two files, of the wallets' actions and of their events, and one digest a day over both. What the files hold is
read off them, never trusted from notes. The notes only tell which buckets lag behind, so the days about to change are noted
as unknown before either file is replaced: killed anywhere, also between the two, the bucket still lags behind.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl
from pandera.errors import SchemaErrors

from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.schemas import DATASETS, WALLET_ACTIONS, WALLET_DATASETS
from oof_pipelines.workflows.decoded_checks import schema_failures
from oof_pipelines.workflows.fold import WrittenFile
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.wallet_slices import DAY_DATASETS, EMPTY_SLICE, Frames, WalletSlice, slices_of

_EXAMPLES = 3
_UNKNOWN_DIGEST = ""
# About 300 bytes each.
_MOST_ROWS_KEPT = 5_000_000

WALLET_CHECKS = {
    "wallet_actions_schema": (
        WALLET_ACTIONS.name,
        "Columns, types and ranges; one row a wallet and action. Made before the files are replaced.",
    ),
    "wallet_events_schema": (
        WALLET_EVENTS.name,
        "Columns, types and ranges; one row a wallet, signature and seq. Made before the files are replaced.",
    ),
    "slices_agree": (
        WALLET_ACTIONS.name,
        "Each day's rows are those that its decoded actions and events give. Made before the files are replaced.",
    ),
}
"""Check → dataset, what it says. All are blocking."""


class BucketStore(Protocol):
    """Where partitions are kept."""

    def read(self, dataset: str, partition: date | int) -> pl.DataFrame | None: ...

    def write(self, dataset: str, partition: date | int, frame: pl.DataFrame) -> WrittenFile: ...


class BucketContents(Protocol):
    """What each bucket's file should hold, and the notes of what it does hold, as digests by day."""

    def lock(self, dataset: str, bucket: int) -> AbstractContextManager[None]: ...

    def wanted(self, bucket: int) -> dict[date, str]: ...

    def record(self, bucket: int, digests: dict[date, str]) -> None: ...


@dataclass(frozen=True, slots=True)
class WalletReport:
    """One bucket brought up to date. `row_counts` and `files` are by dataset, empty where it has no action and no event."""

    bucket: int
    row_counts: dict[str, int]
    wallet_count: int
    changed_days: int
    files: dict[str, WrittenFile]
    checks: tuple[CheckResult, ...]


class InvalidBucketError(ValueError):
    """The rows break a check, so the old files stay. `checks` says which."""

    def __init__(self, bucket: int, checks: tuple[CheckResult, ...]) -> None:
        failed = "; ".join(f"{check.name}: {check.detail}" for check in checks if not check.has_passed)
        super().__init__(f"wallet bucket {bucket:02d}: {failed}")
        self.checks = checks


class DaySlices:
    """Slices of the decoded days. A day is read once for all the buckets of a run, while its slices fit in memory."""

    def __init__(self, store: BucketStore) -> None:
        self._store = store
        self._slices: dict[date, dict[int, WalletSlice]] = {}
        self._row_count = 0

    def get(self, day: date, bucket: int) -> WalletSlice:
        if day not in self._slices:
            self._read(day)
        return self._slices[day].get(bucket, EMPTY_SLICE)

    def _read(self, day: date) -> None:
        slices = slices_of({name: _rows(self._store.read(name, day), name) for name in DAY_DATASETS})
        self._row_count += sum(part.height for part in slices.values())
        while self._slices and self._row_count > _MOST_ROWS_KEPT:
            oldest = self._slices.pop(next(iter(self._slices)))
            self._row_count -= sum(part.height for part in oldest.values())
        self._slices[day] = slices


def update_bucket(
    store: BucketStore,
    contents: BucketContents,
    slices: DaySlices,
    bucket: int,
    *,
    at_step: Callable[[str], None] = lambda _step: None,
) -> WalletReport:
    """Bring one bucket up to date; where nothing changed, the same bytes are written again.

    `at_step` is told each step's name before it is made. Raises `InvalidBucketError` where the rows must not be published.
    """
    with contents.lock(WALLET_ACTIONS.name, bucket):
        at_step("read")
        old = {name: store.read(name, bucket) for name in WALLET_DATASETS}
        wanted = contents.wanted(bucket)
        held = _held({name: _rows(frame, name) for name, frame in old.items()})
        changed = sorted(day for day in wanted.keys() | held.keys() if wanted.get(day) != held.get(day))
        # A day that is just being decoded may have a slice that its new rows lack: it lags behind until published.
        fresh = {day: part for day in changed if day in wanted and (part := slices.get(day, bucket)).height}
        if not fresh and all(frame is None for frame in old.values()):
            contents.record(bucket, {})
            return WalletReport(bucket, {}, 0, 0, {}, ())
        frames = {
            name: _replace_days(name, old[name], changed, [part.frames[name] for part in fresh.values()])
            for name in old
        }
        at_step("validate")
        kept = {day: held[day] for day in held if day not in changed}
        digests = kept | {day: part.sha256 for day, part in fresh.items()}
        checks = (*(_check_schema(name, rows) for name, rows in frames.items()), _check_slices(frames, digests))
        if not all(check.has_passed for check in checks):
            raise InvalidBucketError(bucket, checks)
        at_step("mark")
        contents.record(bucket, kept | dict.fromkeys(changed, _UNKNOWN_DIGEST))
        written: dict[str, WrittenFile] = {}
        for name, rows in frames.items():
            at_step(f"write {name}")
            written[name] = store.write(name, bucket, rows)
        at_step("record")
        contents.record(bucket, digests)
        at_step("done")
    return _report(bucket, frames, len(changed), written, checks)


def _report(
    bucket: int, frames: Frames, changed_days: int, files: dict[str, WrittenFile], checks: tuple[CheckResult, ...]
) -> WalletReport:
    wallets = pl.concat([rows["wallet"] for rows in frames.values()])
    row_counts = {name: rows.height for name, rows in frames.items()}
    return WalletReport(bucket, row_counts, wallets.n_unique(), changed_days, files, checks)


def _rows(frame: pl.DataFrame | None, dataset: str) -> pl.DataFrame:
    return pl.DataFrame(schema=DATASETS[dataset].columns) if frame is None else frame


def _replace_days(name: str, old: pl.DataFrame | None, changed: list[date], fresh: list[pl.DataFrame]) -> pl.DataFrame:
    kept = _rows(old, name).filter(~pl.col("block_time").dt.date().is_in(changed))
    return WALLET_DATASETS[name].arrange(pl.concat([kept, *fresh]))


def _held(frames: Frames) -> dict[date, str]:
    """Day → digest of its rows in both files; they are in the order of the files."""
    actions, events = (_by_day(frames[name]) for name in (WALLET_ACTIONS.name, WALLET_EVENTS.name))
    return {
        day: WalletSlice(actions.get(day, EMPTY_SLICE.actions), events.get(day, EMPTY_SLICE.events)).sha256
        for day in sorted(actions.keys() | events.keys())
    }


def _by_day(rows: pl.DataFrame) -> dict[date, pl.DataFrame]:
    dated = rows.with_columns(day=pl.col("block_time").dt.date())
    by_day = dated.partition_by("day", as_dict=True, include_key=False, maintain_order=True)
    return {key[0]: part for key, part in by_day.items()}


def _check_schema(dataset: str, rows: pl.DataFrame) -> CheckResult:
    name = f"{dataset}_schema"
    try:
        DATASETS[dataset].schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        return CheckResult(name, False, schema_failures(errors))
    doubled = rows.filter(pl.struct(DATASETS[dataset].key).is_duplicated()).height
    return CheckResult(name, not doubled, f"{doubled} rows share a key" if doubled else f"{rows.height} rows")


def _check_slices(frames: Frames, digests: dict[date, str]) -> CheckResult:
    found = _held(frames)
    off = sorted(day.isoformat() for day in digests.keys() | found.keys() if digests.get(day) != found.get(day))
    detail = f"{len(off)} days differ, e.g. {', '.join(off[:_EXAMPLES])}" if off else f"{len(found)} days"
    return CheckResult("slices_agree", not off, detail)
