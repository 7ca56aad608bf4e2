"""Bring a wallet bucket up to the decoded days: only the days whose slice changed are read; the rest of its file stays.

What the file holds is read off the file, never trusted from notes. The notes only tell which buckets lag behind, so the
days about to change are noted as unknown before the file is replaced: killed in between, the bucket still lags behind.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl
from pandera.errors import SchemaErrors

from oof_pipelines.storage.parquet.schemas import ACTIONS, WALLET_ACTIONS
from oof_pipelines.workflows.decoded_checks import schema_failures
from oof_pipelines.workflows.fold import WrittenFile
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.wallet_slices import digest, slices_of

_EXAMPLES = 3
_UNKNOWN_DIGEST = ""
# About 300 bytes each.
_MOST_ROWS_KEPT = 5_000_000

WALLET_CHECKS = {
    "wallet_actions_schema": "Columns, types and ranges; one row a wallet and action. Made before the file is replaced.",
    "slices_agree": "Each day's rows are those that its decoded actions give. Made before the file is replaced.",
}


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
    """One bucket brought up to date. `file` is None where it has no action at all."""

    bucket: int
    row_count: int
    wallet_count: int
    changed_days: int
    file: WrittenFile | None
    checks: tuple[CheckResult, ...]


class InvalidBucketError(ValueError):
    """The rows break a check, so the old file stays. `checks` says which."""

    def __init__(self, bucket: int, checks: tuple[CheckResult, ...]) -> None:
        failed = "; ".join(f"{check.name}: {check.detail}" for check in checks if not check.has_passed)
        super().__init__(f"{WALLET_ACTIONS.name} {bucket:02d}: {failed}")
        self.checks = checks


class DaySlices:
    """Slices of the decoded days. A day's actions are read once for all the buckets of a run, while they fit in memory."""

    def __init__(self, store: BucketStore) -> None:
        self._store = store
        self._slices: dict[date, dict[int, pl.DataFrame]] = {}
        self._row_count = 0

    def get(self, day: date, bucket: int) -> pl.DataFrame:
        if day not in self._slices:
            self._read(day)
        return self._slices[day].get(bucket, pl.DataFrame(schema=WALLET_ACTIONS.columns))

    def _read(self, day: date) -> None:
        actions = self._store.read(ACTIONS.name, day)
        slices = {} if actions is None else slices_of(actions)
        self._row_count += sum(rows.height for rows in slices.values())
        while self._slices and self._row_count > _MOST_ROWS_KEPT:
            oldest = self._slices.pop(next(iter(self._slices)))
            self._row_count -= sum(rows.height for rows in oldest.values())
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
        old = store.read(WALLET_ACTIONS.name, bucket)
        wanted = contents.wanted(bucket)
        held = _digests(old) if old is not None else {}
        changed = sorted(day for day in wanted.keys() | held.keys() if wanted.get(day) != held.get(day))
        # A day that is just being decoded may have a slice that its new actions lack: it lags behind until published.
        fresh = {day: part for day in changed if day in wanted and (part := slices.get(day, bucket)).height}
        if old is None and not fresh:
            contents.record(bucket, {})
            return WalletReport(bucket, 0, 0, 0, None, ())
        rows = _replace_days(old, changed, list(fresh.values()))
        at_step("validate")
        kept = {day: held[day] for day in held if day not in changed}
        digests = kept | {day: digest(part) for day, part in fresh.items()}
        checks = (_check_schema(rows), _check_slices(rows, digests))
        if not all(check.has_passed for check in checks):
            raise InvalidBucketError(bucket, checks)
        at_step("mark")
        contents.record(bucket, kept | dict.fromkeys(changed, _UNKNOWN_DIGEST))
        at_step("write")
        written = store.write(WALLET_ACTIONS.name, bucket, rows)
        at_step("record")
        contents.record(bucket, digests)
        at_step("done")
    return WalletReport(bucket, rows.height, rows["wallet"].n_unique(), len(changed), written, checks)


def _replace_days(old: pl.DataFrame | None, changed: list[date], fresh: list[pl.DataFrame]) -> pl.DataFrame:
    kept = pl.DataFrame(schema=WALLET_ACTIONS.columns) if old is None else old
    kept = kept.filter(~pl.col("block_time").dt.date().is_in(changed))
    return WALLET_ACTIONS.arrange(pl.concat([kept, *fresh]))


def _digests(rows: pl.DataFrame) -> dict[date, str]:
    """Day → digest of its rows, which are in the order of the file."""
    dated = rows.with_columns(day=pl.col("block_time").dt.date())
    by_day = dated.partition_by("day", as_dict=True, maintain_order=True)
    return {key[0]: digest(part.drop("day")) for key, part in by_day.items()}


def _check_schema(rows: pl.DataFrame) -> CheckResult:
    name = "wallet_actions_schema"
    try:
        WALLET_ACTIONS.schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        return CheckResult(name, False, schema_failures(errors))
    doubled = rows.filter(pl.struct(WALLET_ACTIONS.key).is_duplicated()).height
    return CheckResult(name, not doubled, f"{doubled} rows share a key" if doubled else f"{rows.height} rows")


def _check_slices(rows: pl.DataFrame, digests: dict[date, str]) -> CheckResult:
    found = _digests(rows)
    off = sorted(day.isoformat() for day in digests.keys() | found.keys() if digests.get(day) != found.get(day))
    detail = f"{len(off)} days differ, e.g. {', '.join(off[:_EXAMPLES])}" if off else f"{len(found)} days"
    return CheckResult("slices_agree", not off, detail)
