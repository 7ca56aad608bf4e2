"""Positions of a wallet bucket: its events, given their dollars, become lots, realised trades and episodes, wallet by wallet.

The files are a function of wallet_events, prices and the rules, whole each time. The events are read under the lock of those
that write them, until the rows are served. Rows are of single wallets; an owner set is computed when somebody asks.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

import polars as pl

from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.results import Episode, Lot, RealizedTrade
from oof_pipelines.positions.valued import PositionRules
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.position_event_rows import position_events_in
from oof_pipelines.storage.parquet.position_notes import PositionNote
from oof_pipelines.storage.parquet.position_rows import frame_of
from oof_pipelines.storage.parquet.position_schemas import EPISODES, LOTS, POSITION_DATASETS, REALIZED_TRADES
from oof_pipelines.storage.parquet.schemas import WALLET_ACTIONS
from oof_pipelines.workflows.fold import WrittenFile
from oof_pipelines.workflows.minute_candles import CandleSource, MinuteCandles
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.position_checks import ChainBalances, check_balances, check_positions
from oof_pipelines.workflows.position_inputs import DayMarks, Inputs, day_before, has_changed
from oof_pipelines.workflows.value_events import value_events

POSITIONS = "positions"
"""The lock that whoever writes a bucket's positions holds: one for the three files."""

POSITIONS_VERSION = 1
"""Raised when the same events give other rows."""

EVENTS_AT_ONCE = 20_000
"""Wallets are folded together until they have so many events: memory holds their candles, not those of the bucket."""

LONGEST_WINDOW = timedelta(days=8)
"""A moment looks at prices of at most a week after its event, of whole days."""


class BucketStore(Protocol):
    """Where partitions are read and written, and when that was."""

    def days(self, dataset: str) -> list[date]: ...

    def buckets(self, dataset: str) -> list[int]: ...

    def written_at_ns(self, dataset: str, partition: date | int) -> int | None: ...

    def read(self, dataset: str, partition: date | int) -> pl.DataFrame | None: ...

    def write(self, dataset: str, partition: date | int, frame: pl.DataFrame) -> WrittenFile: ...


class ServedPositions(Protocol):
    """The side of the database that serves positions."""

    def lock(self, dataset: str, bucket: int) -> AbstractContextManager[None]:
        """Exclude every other writer of the partition for the block."""
        ...

    def position_notes(self) -> dict[int, PositionNote]:
        """Bucket → what is noted of it."""
        ...

    def begin_positions(self, bucket: int) -> None:
        """The bucket's files are about to be replaced; it counts as published again after `publish_positions`."""
        ...

    def forget_positions(self, bucket: int) -> None:
        """The bucket's events file is gone: it has no note any more, and its wallet files are to be made again."""
        ...

    def publish_positions(self, bucket: int, frames: dict[str, pl.DataFrame], note: PositionNote) -> None:
        """Replace the bucket's rows in one transaction; `frames` are by dataset."""
        ...


@dataclass(frozen=True, slots=True)
class MonthPnl:
    """Realised PnL of a month (its first day), in whole 1e-18 dollars, and how many exits had one."""

    month: date
    pnl_usd_e18: int
    exits: int


@dataclass(frozen=True, slots=True)
class PositionsReport:
    """One bucket. `files` and `row_counts` are by dataset, empty where it has no events file.

    `unheld` counts holdings of which units left without ever having come: their history is not stored.
    """

    bucket: int
    files: dict[str, WrittenFile] = field(default_factory=dict)
    row_counts: dict[str, int] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    events: int = 0
    wallets: int = 0
    unheld: int = 0
    unknown_basis: int = 0
    by_month: tuple[MonthPnl, ...] = ()


class InvalidPositionsError(ValueError):
    """The rows break a check, so the old files stay. `checks` says which."""

    def __init__(self, what: str, bucket: int, checks: tuple[CheckResult, ...]) -> None:
        failed = "; ".join(f"{check.name}: {check.detail}" for check in checks if not check.has_passed)
        super().__init__(f"{what} {bucket:02d}: {failed}")
        self.checks = checks


@dataclass(slots=True)
class _Folded:
    """Rows of a bucket as they come."""

    lots: list[Lot] = field(default_factory=list)
    realized: list[RealizedTrade] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    unheld: int = 0

    def frames(self) -> dict[str, pl.DataFrame]:
        return {
            LOTS.name: frame_of(LOTS, self.lots),
            REALIZED_TRADES.name: frame_of(REALIZED_TRADES, self.realized),
            EPISODES.name: frame_of(EPISODES, self.episodes),
        }


def make_positions(
    store: BucketStore,
    served: ServedPositions,
    source: CandleSource,
    candles: MinuteCandles,
    balances: ChainBalances,
    rules: PositionRules,
    marks: DayMarks,
    bucket: int,
    *,
    at_step: Callable[[str], None] = lambda _step: None,
) -> PositionsReport:
    """Make one bucket. `at_step` is told each step's name before it is made (tests kill there).

    Without an events file nothing is made; where one was there before, its wallet bucket is told to lag behind. Raises
    `InvalidPositionsError` where the rows must not be published: nothing is written then.
    """
    with served.lock(WALLET_ACTIONS.name, bucket), served.lock(POSITIONS, bucket):
        at_step("read")
        written_at_ns = store.written_at_ns(WALLET_EVENTS.name, bucket)
        events = store.read(WALLET_EVENTS.name, bucket)
        if events is None:
            if bucket in served.position_notes():
                served.forget_positions(bucket)
            return PositionsReport(bucket)
        at_step("fold")
        folded = _fold(events, source, candles, rules)
        frames = folded.frames()
        at_step("validate")
        checks = (*check_positions(events, frames, rules), check_balances(events, balances))
        if not all(check.has_passed for check in checks if check.is_blocking):
            raise InvalidPositionsError(POSITIONS, bucket, checks)
        at_step("begin")
        served.begin_positions(bucket)
        files: dict[str, WrittenFile] = {}
        for name, frame in frames.items():
            at_step(f"write {name}")
            files[name] = store.write(name, bucket, frame)
        at_step("publish")
        days = _days(events)
        sha256 = " ".join(files[name].sha256 for name in POSITION_DATASETS)
        inputs = position_inputs(rules, marks, written_at_ns, days)
        note = PositionNote(sha256, inputs, *days, _last_open_day(days[1], frames[EPISODES.name]))
        served.publish_positions(bucket, frames, note)
        at_step("done")
    return PositionsReport(
        bucket=bucket,
        files=files,
        row_counts={name: frame.height for name, frame in frames.items()},
        checks=checks,
        events=events.height,
        wallets=events["wallet"].n_unique(),
        unheld=folded.unheld,
        unknown_basis=frames[REALIZED_TRADES.name].filter(pl.col("basis_status") == "unknown").height,
        by_month=_by_month(frames[REALIZED_TRADES.name]),
    )


def position_inputs(
    rules: PositionRules, marks: DayMarks, events_written_at_ns: int | None, days: tuple[date | None, date | None]
) -> str:
    """The digests of all that a bucket's positions are made of. `days` are the first and last of its events."""
    first_day, last_day = days
    prices = Inputs([], [])
    if first_day is not None and last_day is not None:
        prices = marks.of_prices(day_before(first_day), last_day)
    booked = (POSITIONS_VERSION, rules.is_exchange_transfer_realized, *sorted(rules.exchanges))
    return prices.with_more(*booked, events_written_at_ns).digest


def buckets_to_position(
    files: BucketStore,
    served: ServedPositions,
    rules: PositionRules,
    marks: DayMarks,
    *,
    is_newest_counted: bool = True,
) -> list[int]:
    """Buckets whose positions lag behind their events, prices or rules, that lack a file, or were left half published.

    One that is noted although its events file is gone is among them until `make_positions` has forgotten it. Not counting
    the newest stored day, those are left out that lag behind its prices alone.
    """
    notes = served.position_notes()
    lagging = []
    with_events = set(files.buckets(WALLET_EVENTS.name))
    for bucket in sorted(with_events | notes.keys()):
        note = notes.get(bucket)
        if bucket not in with_events or note is None or not note.sha256:
            lagging.append(bucket)
            continue
        written_at_ns = files.written_at_ns(WALLET_EVENTS.name, bucket)
        inputs = position_inputs(rules, marks, written_at_ns, (note.first_day, note.last_day))
        has_files = all(files.written_at_ns(name, bucket) is not None for name in POSITION_DATASETS)
        if not has_files or has_changed(note.inputs, inputs, is_newest_counted=is_newest_counted):
            lagging.append(bucket)
    return lagging


def wallets_at_once(events: pl.DataFrame, most_events: int = EVENTS_AT_ONCE) -> Iterator[pl.DataFrame]:
    """Rows of wallet_events, which are by wallet, some whole wallets at a time: more rows only where one wallet has more."""
    counts = events.group_by("wallet", maintain_order=True).len()["len"]
    start = end = 0
    for count in counts:
        if end > start and end + count - start > most_events:
            yield events.slice(start, end - start)
            start = end
        end += count
    if end > start:
        yield events.slice(start, end - start)


def _fold(events: pl.DataFrame, source: CandleSource, candles: MinuteCandles, rules: PositionRules) -> _Folded:
    folded = _Folded()
    for rows in wallets_at_once(events):
        its_events: list[PositionEvent] = list(position_events_in(rows))
        book = Book(rules)
        for valued in value_events(source, candles, its_events):
            folded.realized += book.step(valued)
        folded.lots += book.lots()
        folded.episodes += book.episodes()
        folded.unheld += len(book.unheld())
    return folded


def _days(events: pl.DataFrame) -> tuple[date | None, date | None]:
    first, last = events.select(pl.col("block_time").min(), pl.col("block_time").max().alias("last")).row(0)
    return (None, None) if first is None else (first.date(), last.date())


def _last_open_day(last_day: date | None, episodes: pl.DataFrame) -> date | None:
    if last_day is None or episodes["is_open"].any():
        return None
    return last_day + LONGEST_WINDOW


def _by_month(realized: pl.DataFrame) -> tuple[MonthPnl, ...]:
    months = (
        realized.lazy()
        .filter(pl.col("realized_pnl_usd").is_not_null())
        .group_by(pl.col("sold_at").dt.date().dt.month_start().alias("month"))
        # Sums of decimals wrap in silence only where they are eager.
        .agg(pl.col("realized_pnl_usd").sum(), pl.len())
        .sort("month")
        .collect()
    )
    sums = months["realized_pnl_usd"].to_physical()
    return tuple(MonthPnl(*row) for row in zip(months["month"], sums, months["len"], strict=True))
