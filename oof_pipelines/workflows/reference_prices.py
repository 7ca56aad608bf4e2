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
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
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


class ReferenceLedger(Protocol):
    """Whoever writes a day holds its lock, and leaves word of whom he asked."""

    def lock(self, dataset: str, day: date) -> AbstractContextManager[None]: ...

    def record_asked(self, day: date, source: str) -> None:
        """`source` ('' for none) was asked for the day, and its file is written where it has one."""
        ...


class AskedSources(Protocol):
    """Who was asked for each day."""

    def sources_asked(self) -> dict[date, str]: ...


@dataclass(frozen=True, slots=True)
class ReferenceReport:
    """One day. `source` is '' where none is configured; `file` is None where there is none and never was anything to say."""

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
    ledger: ReferenceLedger,
    source: ReferenceSource | None,
    day: date,
    *,
    at_step: Callable[[str], None] = lambda _step: None,
) -> ReferenceReport:
    """Write the day's rows, also where they are none; only where nobody is asked and nobody ever was, there is no file.

    Raises `InvalidPartitionError` where the rows must not be published, and whatever the source raises.
    """
    name = "" if source is None else source.name
    with ledger.lock(REFERENCE_PRICES.name, day):
        at_step("read")
        frame = reference_frame(minute_prices(prices_around(source, day), midnight_s(day)))
        if source is None and store.read(REFERENCE_PRICES.name, day) is None:
            ledger.record_asked(day, name)
            return ReferenceReport(day, name, 0, None, ())
        at_step("validate")
        checks = (check_reference(day, name, frame),)
        if not checks[0].has_passed:
            raise InvalidPartitionError(REFERENCE_PRICES.name, day, checks)
        at_step("write")
        written = store.write(REFERENCE_PRICES.name, day, frame)
        at_step("record")
        ledger.record_asked(day, name)
        at_step("done")
    return ReferenceReport(day, name, frame.height, written, checks)


class FileTimes(Protocol):
    """When files were written."""

    def days(self, dataset: str) -> list[date]: ...

    def written_at_ns(self, dataset: str, partition: date) -> int | None: ...


def days_to_refer(files: FileTimes, asked: AskedSources, source: ReferenceSource | None) -> list[date]:
    """Days with events whose reference prices lag: written before the events, or of another source than is configured.

    Without a source only days that have a file of a source of before lag.
    """
    name = "" if source is None else source.name
    sources = asked.sources_asked()
    lagging = []
    for day in files.days(MARKET_EVENTS.name):
        written_at_ns = files.written_at_ns(REFERENCE_PRICES.name, day)
        is_of_another = sources.get(day) != name
        if source is None:
            is_lagging = is_of_another and written_at_ns is not None
        else:
            events_at_ns = files.written_at_ns(MARKET_EVENTS.name, day) or 0
            is_lagging = is_of_another or written_at_ns is None or written_at_ns < events_at_ns
        if is_lagging:
            lagging.append(day)
    return lagging


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
