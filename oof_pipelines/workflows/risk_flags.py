"""Raise a day's risk flags: fold its market_events, check what came out, write it.

The state begins with what the `lookback_days` before told of coins and pools (launches, mints, pools made), and with no flag
raised: a flag is raised once a day for a coin and wallet. So a day's flags are a function of that many days' market_events
and the thresholds; a coin made earlier has no authorities and no supply, and raises nothing that needs them.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import polars as pl
from pandera.errors import SchemaErrors

from oof_pipelines.market.events import (
    LIQUIDITY_CHANGED,
    POOL_CREATED,
    TOKEN_LAUNCHED,
    TOKEN_MINT_INFO,
    TRADE,
    RiskFlag,
)
from oof_pipelines.market.risk import RiskState, RiskThresholds, step
from oof_pipelines.storage.parquet.market_rows import risk_frame
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS, RISK_FLAGS
from oof_pipelines.workflows.decoded_checks import schema_failures
from oof_pipelines.workflows.fold import InvalidPartitionError, WrittenFile
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.replay import EventFiles, day_events

RISK_CHECKS = {
    "risk_flags_schema": "Columns, types and ranges; one row a path and ordinal. Made before the file is replaced.",
    "flags_have_events": "Every flag stands at a trade or at changed liquidity of its day. Made before the file is replaced.",
    "flags_are_raised_once": "A flag is raised once for a coin and wallet. Made before the file is replaced.",
}
_LEARNED_KINDS = (TOKEN_MINT_INFO, TOKEN_LAUNCHED, POOL_CREATED)
_RAISING_KINDS = (TRADE, LIQUIDITY_CHANGED)
_EXAMPLES = 3


class RiskStore(EventFiles, Protocol):
    """Where days of market_events are read and days of risk_flags are written."""

    def write(self, dataset: str, day: date, frame: pl.DataFrame) -> WrittenFile: ...

    def written_at_ns(self, dataset: str, day: date) -> int | None:
        """When the day's file was written, in nanoseconds since 1970; None where it has none."""
        ...


class PartitionLocks(Protocol):
    """Whoever writes a partition holds its lock."""

    def lock(self, dataset: str, day: date) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class RiskReport:
    """One day's flags. `file` is None, with no checks, where the day has no market_events; `by_flag` counts each flag."""

    day: date
    event_count: int
    by_flag: dict[str, int]
    file: WrittenFile | None
    checks: tuple[CheckResult, ...]

    @property
    def row_count(self) -> int:
        return sum(self.by_flag.values())


def flag_day(
    store: RiskStore,
    locks: PartitionLocks,
    day: date,
    thresholds: RiskThresholds,
    *,
    at_step: Callable[[str], None] = lambda _step: None,
) -> RiskReport:
    """Flag one day. `at_step` is told each step's name before it is made (tests kill there).

    Raises `InvalidPartitionError` where the rows must not be published: the old file stays.
    """
    with locks.lock(RISK_FLAGS.name, day):
        at_step("read")
        if day not in store.days(MARKET_EVENTS.name):
            return RiskReport(day, 0, {}, None, ())
        state = _known_before(store, day, thresholds)
        at_step("fold")
        flags: list[RiskFlag] = []
        event_count = 0
        for event in day_events(store, day):
            state, raised = step(state, event)
            flags += raised
            event_count += 1
        frame = risk_frame(flags)
        at_step("validate")
        checks = check_flags(store, day, frame)
        if not all(check.has_passed for check in checks):
            raise InvalidPartitionError(RISK_FLAGS.name, day, checks)
        at_step("write")
        written = store.write(RISK_FLAGS.name, day, frame)
        at_step("done")
    by_flag = Counter(flag.flag for flag in flags)
    return RiskReport(day, event_count, dict(sorted(by_flag.items())), written, checks)


def days_to_flag(store: RiskStore, thresholds: RiskThresholds) -> list[date]:
    """Days whose flags lag behind the stream: not written yet, or before the market_events of a day they look back to.

    By when the files were written, as `make` does; so a run that was killed after decoding leaves nothing behind.
    """
    written = {day: store.written_at_ns(MARKET_EVENTS.name, day) or 0 for day in store.days(MARKET_EVENTS.name)}
    lagging = []
    for day in written:
        flagged_at_ns = store.written_at_ns(RISK_FLAGS.name, day)
        seen = (day - timedelta(days=days) for days in range(thresholds.lookback_days + 1))
        if flagged_at_ns is None or flagged_at_ns < max(written.get(one, 0) for one in seen):
            lagging.append(day)
    return lagging


def _known_before(store: RiskStore, day: date, thresholds: RiskThresholds) -> RiskState:
    state = RiskState(thresholds)
    first = day - timedelta(days=thresholds.lookback_days)
    for earlier in store.days(MARKET_EVENTS.name):
        if first <= earlier < day:
            for event in day_events(store, earlier, where=pl.col("kind").is_in(_LEARNED_KINDS)):
                state, _ = step(state, event)
    return state


def check_flags(store: RiskStore, day: date, frame: pl.DataFrame) -> tuple[CheckResult, ...]:
    """Every check of a day's flags; all of them block."""
    return (_schema(day, frame), _have_events(store, day, frame), _raised_once(frame))


def _schema(day: date, frame: pl.DataFrame) -> CheckResult:
    name = "risk_flags_schema"
    try:
        RISK_FLAGS.schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        return CheckResult(name, False, schema_failures(errors))
    doubled = frame.filter(pl.struct(RISK_FLAGS.key).is_duplicated()).height
    if doubled:
        return CheckResult(name, False, f"{doubled} rows share a key")
    strangers = frame.filter(pl.col("block_time").dt.date() != day).height
    return CheckResult(
        name, not strangers, f"{strangers} rows are of another day" if strangers else f"{frame.height} rows"
    )


def _have_events(store: RiskStore, day: date, frame: pl.DataFrame) -> CheckResult:
    name, place = "flags_have_events", ["signature", "log_idx"]
    missing = frame.select(place).unique()
    for events in _raising(store, day):
        missing = missing.join(events, on=place, how="anti")
    if missing.is_empty():
        return CheckResult(name, True, f"{frame.height} flags")
    examples = ", ".join(missing["signature"].unique().sort().head(_EXAMPLES))
    return CheckResult(name, False, f"{missing.height} places have no event, e.g. {examples}")


def _raising(store: RiskStore, day: date) -> Iterator[pl.DataFrame]:
    for batch in store.batches(MARKET_EVENTS.name, day, columns=["signature", "log_idx", "kind"]):
        yield batch.filter(pl.col("kind").is_in(_RAISING_KINDS))


def _raised_once(frame: pl.DataFrame) -> CheckResult:
    doubled = frame.filter(pl.struct("mint", "wallet", "flag").is_duplicated()).height
    return CheckResult(
        "flags_are_raised_once", not doubled, f"{doubled} rows say the same" if doubled else f"{frame.height} rows"
    )
