"""Moments and extremes of a wallet bucket: what detectors find in its events, its realised trades and the market, as of an
instant of the chain.

Of positions the files are read, so a new version of a detector makes nothing again but this. Both are read under the locks
of those that write them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Protocol

import polars as pl

from oof_pipelines.detectors.extremes import extremes_of
from oof_pipelines.detectors.moment import OPEN, Moment
from oof_pipelines.detectors.registry import VERSIONS
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.positions.valued import ValuedEvent
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.position_event_rows import position_events_in
from oof_pipelines.storage.parquet.position_notes import MomentNote, PositionNote
from oof_pipelines.storage.parquet.position_rows import frame_of, structs_of
from oof_pipelines.storage.parquet.position_schemas import (
    MOMENT_DATASETS,
    OOF_MOMENTS,
    REALIZED_TRADES,
    WALLET_EXTREMES,
)
from oof_pipelines.storage.parquet.schemas import WALLET_ACTIONS
from oof_pipelines.workflows.extreme_rows import ExtremeRow, extreme_rows
from oof_pipelines.workflows.fold import WrittenFile
from oof_pipelines.workflows.minute_candles import CandleSource
from oof_pipelines.workflows.moment_checks import FailedTransactions, check_moments
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.position_inputs import DayMarks, Inputs, has_changed
from oof_pipelines.workflows.positions_bucket import POSITIONS, BucketStore, InvalidPositionsError, wallets_at_once
from oof_pipelines.workflows.value_events import value_events
from oof_pipelines.workflows.wallet_moments import Market, MomentRules, moments_of

MOMENTS = "moments"
"""The lock that whoever writes a bucket's moments holds: one for both files."""

_READ = (WALLET_EVENTS.name, REALIZED_TRADES.name)


class ServedMoments(Protocol):
    """The side of the database that serves moments and extremes."""

    def lock(self, dataset: str, bucket: int) -> AbstractContextManager[None]:
        """Exclude every other writer of the partition for the block."""
        ...

    def position_notes(self) -> dict[int, PositionNote]: ...

    def moment_notes(self) -> dict[int, MomentNote]:
        """Bucket → what is noted of it."""
        ...

    def begin_moments(self, bucket: int, as_of: datetime) -> None:
        """The bucket's files are about to be replaced; it counts as published again after `publish_moments`."""
        ...

    def publish_moments(self, bucket: int, frames: Mapping[str, pl.DataFrame], note: MomentNote) -> None:
        """Replace the bucket's rows in one transaction; `frames` are by dataset."""
        ...


@dataclass(frozen=True, slots=True)
class MomentsReport:
    """One bucket as of `as_of`. `files` and `row_counts` are by dataset, empty where it has no positions."""

    bucket: int
    as_of: datetime
    files: dict[str, WrittenFile] = field(default_factory=dict)
    row_counts: dict[str, int] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    by_kind: dict[str, int] = field(default_factory=dict)
    open_count: int = 0


def make_moments(
    store: BucketStore,
    served: ServedMoments,
    source: CandleSource,
    market: Market,
    failed: FailedTransactions,
    rules: MomentRules,
    marks: DayMarks,
    bucket: int,
    *,
    at_step: Callable[[str], None] = lambda _step: None,
) -> MomentsReport:
    """Make one bucket as of `marks.as_of`. `at_step` is told each step's name before it is made (tests kill there).

    Raises `InvalidPositionsError` where the rows must not be published: nothing is written then.
    """
    as_of = marks.as_of
    with (
        served.lock(WALLET_ACTIONS.name, bucket),
        served.lock(POSITIONS, bucket),
        served.lock(MOMENTS, bucket),
    ):
        at_step("read")
        note = served.position_notes().get(bucket)
        events = store.read(WALLET_EVENTS.name, bucket)
        realized = store.read(REALIZED_TRADES.name, bucket)
        if events is None or realized is None or note is None or not note.sha256:
            return MomentsReport(bucket, as_of)
        at_step("detect")
        moments, extremes = _detect(events, realized, source, market, rules, int(as_of.timestamp()))
        frames = {
            OOF_MOMENTS.name: frame_of(OOF_MOMENTS, moments),
            WALLET_EXTREMES.name: frame_of(WALLET_EXTREMES, extremes),
        }
        at_step("validate")
        checks = check_moments(events, frames, failed)
        if not all(check.has_passed for check in checks if check.is_blocking):
            raise InvalidPositionsError(MOMENTS, bucket, checks)
        at_step("begin")
        served.begin_moments(bucket, as_of)
        files: dict[str, WrittenFile] = {}
        for name, frame in frames.items():
            at_step(f"write {name}")
            files[name] = store.write(name, bucket, frame)
        at_step("publish")
        sha256 = " ".join(files[name].sha256 for name in MOMENT_DATASETS)
        served.publish_moments(
            bucket, frames, MomentNote(sha256, moment_inputs(note, rules, marks), detector_versions(), as_of)
        )
        at_step("done")
    return MomentsReport(
        bucket=bucket,
        as_of=as_of,
        files=files,
        row_counts={name: frame.height for name, frame in frames.items()},
        checks=checks,
        by_kind=dict(sorted(Counter(moment.kind for moment in moments).items())),
        open_count=sum(moment.status == OPEN for moment in moments),
    )


def detector_versions() -> str:
    """kind=version of every detector, commas between."""
    return ",".join(f"{kind}={version}" for kind, version in sorted(VERSIONS.items()))


def moment_inputs(positions: PositionNote, rules: MomentRules, marks: DayMarks) -> str:
    """The digests of all that a bucket's moments are made of. A coin's highest price may be older than what was bought."""
    market = marks.of_market(positions.last_open_day) if positions.first_day is not None else Inputs([], [])
    judged = (detector_versions(), rules.thresholds.digest, rules.idle_mint)
    return market.with_more(positions.sha256, *judged).digest


def buckets_to_look_at(
    files: BucketStore,
    served: ServedMoments,
    rules: MomentRules,
    marks: DayMarks,
    *,
    is_newest_counted: bool = True,
) -> list[int]:
    """Buckets whose moments lag behind their positions, detectors, thresholds or prices, or were left half published.

    Those whose positions are not published, or lack a file that is read here, are left out: moments come after them. Not
    counting the newest stored day, those are left out too that lag behind it alone.
    """
    notes = served.moment_notes()
    lagging = []
    for bucket, positions in sorted(served.position_notes().items()):
        if not positions.sha256 or any(files.written_at_ns(name, bucket) is None for name in _READ):
            continue
        note = notes.get(bucket)
        if note is None or not note.sha256:
            lagging.append(bucket)
            continue
        inputs = moment_inputs(positions, rules, marks)
        has_files = all(files.written_at_ns(name, bucket) is not None for name in MOMENT_DATASETS)
        if not has_files or has_changed(note.inputs, inputs, is_newest_counted=is_newest_counted):
            lagging.append(bucket)
    return lagging


def _detect(
    events: pl.DataFrame,
    realized: pl.DataFrame,
    source: CandleSource,
    market: Market,
    rules: MomentRules,
    as_of_s: int,
) -> tuple[list[Moment], list[ExtremeRow]]:
    by_wallet = _by_wallet(structs_of(RealizedTrade, realized))
    moments: list[Moment] = []
    extremes: list[ExtremeRow] = []
    as_of = datetime.fromtimestamp(as_of_s, UTC)
    for rows in wallets_at_once(events.filter(pl.col("block_time") <= as_of)):
        valued = value_events(source, market.candles, list(position_events_in(rows)))
        wallets, owners = [], []
        for wallet, its_events in _owners(valued):
            wallets.append(wallet)
            owners.append((its_events, by_wallet.get(wallet, [])))
        for wallet, (_, its_trades), found in zip(
            wallets, owners, moments_of(owners, market, rules, as_of_s), strict=True
        ):
            moments += found
            known = [row for row in its_trades if row.sold_at_s <= as_of_s]
            extremes += extreme_rows(wallet, extremes_of(known, found))
    return moments, extremes


def _owners(valued: list[ValuedEvent]) -> Iterator[tuple[str, list[ValuedEvent]]]:
    for wallet, its_events in groupby(valued, key=lambda one: one.event.wallet):
        yield wallet, list(its_events)


def _by_wallet(realized: list[RealizedTrade]) -> dict[str, list[RealizedTrade]]:
    by_wallet: dict[str, list[RealizedTrade]] = {}
    for row in realized:
        by_wallet.setdefault(row.wallet, []).append(row)
    return by_wallet
