"""Write a day of reference_prices: what the configured source knew of SOL in dollars at the start of each minute.

There is one source, or none. One that knows nothing of the day leaves the day without prices; no other takes its place.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Protocol

import polars as pl

from oof_pipelines.pricing.reference import MAX_AGE_S, ReferencePrice, ReferencePrices
from oof_pipelines.pricing.sol_usd import DAY_S, minute_prices
from oof_pipelines.storage.parquet.price_schemas import REFERENCE_PRICES
from oof_pipelines.storage.parquet.reference_rows import reference_frame
from oof_pipelines.workflows.fold import InvalidPartitionError, PartitionStore, WrittenFile
from oof_pipelines.workflows.partition_checks import CheckResult

REFERENCE_CHECKS = {
    "reference_prices_known": "Every price was known at the start of its minute, at most 15 minutes old, of one source.",
}


class ReferenceSource(Protocol):
    """Whoever says what a SOL is worth."""

    @property
    def name(self) -> str: ...

    def prices(self, first_s: int, last_s: int) -> list[ReferencePrice]:
        """Prices made from `first_s` to `last_s` (seconds since 1970), both included, in any order."""
        ...


class PartitionLocks(Protocol):
    """Whoever writes a partition holds its lock."""

    def lock(self, dataset: str, day: date) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class ReferenceReport:
    """One day. `source` is '' where none is configured; `file` is None where there was and is nothing to say."""

    day: date
    source: str
    row_count: int
    file: WrittenFile | None
    checks: tuple[CheckResult, ...]


def midnight_s(day: date) -> int:
    """The day's first second since 1970, UTC."""
    return int(datetime.combine(day, time(), UTC).timestamp())


def prices_around(source: ReferenceSource | None, day: date) -> ReferencePrices:
    """Every price that may count at some second of the day."""
    if source is None:
        return ReferencePrices(())
    first_s = midnight_s(day)
    return ReferencePrices(source.prices(first_s - MAX_AGE_S, first_s + DAY_S))


def write_reference_day(
    store: PartitionStore,
    locks: PartitionLocks,
    source: ReferenceSource | None,
    day: date,
    *,
    at_step: Callable[[str], None] = lambda _step: None,
) -> ReferenceReport:
    """Write the day's rows, also where they are none and a file of before says otherwise.

    Raises `InvalidPartitionError` where the rows must not be published, and whatever the source raises.
    """
    name = "" if source is None else source.name
    with locks.lock(REFERENCE_PRICES.name, day):
        at_step("read")
        frame = reference_frame(minute_prices(prices_around(source, day), midnight_s(day)))
        if frame.is_empty() and store.read(REFERENCE_PRICES.name, day) is None:
            return ReferenceReport(day, name, 0, None, ())
        at_step("validate")
        checks = (check_reference(day, name, frame),)
        if not checks[0].has_passed:
            raise InvalidPartitionError(REFERENCE_PRICES.name, day, checks)
        at_step("write")
        written = store.write(REFERENCE_PRICES.name, day, frame)
        at_step("done")
    return ReferenceReport(day, name, frame.height, written, checks)


def check_reference(day: date, source: str, frame: pl.DataFrame) -> CheckResult:
    """The one check of a day's reference prices."""
    REFERENCE_PRICES.schema.validate(frame, lazy=True)
    age = (pl.col("minute_start") - pl.col("at")).dt.total_seconds()
    is_wrong = (
        (pl.col("available_at") > pl.col("minute_start"))
        | (age > MAX_AGE_S)
        | (pl.col("source") != source)
        | (pl.col("minute_start").dt.date() != day)
        | pl.col("minute_start").is_duplicated()
    )
    wrong = frame.filter(is_wrong).height
    detail = f"{wrong} of {frame.height} rows" if wrong else f"{frame.height} rows"
    return CheckResult("reference_prices_known", not wrong, detail)
