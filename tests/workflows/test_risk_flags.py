"""A day's risk flags: folded, checked, written; the same twice; only of what the days before could tell."""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import polars as pl
import pytest

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.market.events import (
    EventPlace,
    LiquidityChanged,
    MarketEvent,
    RiskFlag,
    TokenMintInfo,
    Trade,
)
from oof_pipelines.market.risk import RiskThresholds
from oof_pipelines.storage.parquet.decoded_rows import frames_of
from oof_pipelines.storage.parquet.market_rows import events_of, risk_frame, row_of
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS, RISK_FLAGS
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows import risk_flags as workflow
from oof_pipelines.workflows.fold import InvalidPartitionError
from oof_pipelines.workflows.risk_flags import RISK_CHECKS, check_flags, days_to_flag, flag_day

DAY = date(2026, 4, 28)
THRESHOLDS = RiskThresholds(
    liquidity_pulled_bps=5000, creator_dumping_bps=5000, top_holder_share_bps=1500, lookback_days=2
)
STEPS = ["read", "fold", "validate", "write", "done"]


class Locks:
    """Whoever asks gets the lock; who did is remembered."""

    def __init__(self) -> None:
        self.held: list[tuple[str, date]] = []

    @contextlib.contextmanager
    def lock(self, dataset: str, day: date) -> Iterator[None]:
        self.held.append((dataset, day))
        yield


def place(second: int = 0, day: date = DAY) -> EventPlace:
    at_s = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + second
    return EventPlace(f"{day}#{second:05d}", at_s, 0, at_s, 0, 0)


def bought(second: int, held_raw: int = 9_000, day: date = DAY, mint: str = "coin") -> Trade:
    return Trade(
        place(second, day), "p", "venue", "pool", mint, NATIVE_MINT, True, 10, 1, 6, 9, "who", "who", "", held_raw
    )


def made(day: date = DAY) -> TokenMintInfo:
    return TokenMintInfo(place(0, day), "coin", "t", 6, "maker", "", 10_000)


def pulled(second: int) -> LiquidityChanged:
    return LiquidityChanged(place(second), "p", "venue", "pool", "coin", NATIVE_MINT, "puller", False, 9, 9, 1, 1)


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path)


def write(store: ParquetStore, events: list[MarketEvent], day: date = DAY) -> None:
    rows = {name: [row_of(e) for e in events] if name == MARKET_EVENTS.name else [] for name in DECODED_DATASETS}
    store.write(MARKET_EVENTS.name, day, frames_of(rows)[MARKET_EVENTS.name])


def flags_in(store: ParquetStore, day: date = DAY) -> list[tuple[str, str]]:
    frame = store.read(RISK_FLAGS.name, day)
    assert frame is not None
    return [(one.flag, one.wallet) for one in events_of(frame) if isinstance(one, RiskFlag)]


def test_a_days_flags_are_written_and_counted(store: ParquetStore) -> None:
    write(store, [made(), bought(1), bought(2), pulled(3)])
    steps: list[str] = []
    locks = Locks()
    report = flag_day(store, locks, DAY, THRESHOLDS, at_step=steps.append)
    wanted = [("mint_authority_live", "maker"), ("top_holder_share", "who"), ("liquidity_pulled", "puller")]
    assert flags_in(store) == wanted
    assert report.by_flag == {"liquidity_pulled": 1, "mint_authority_live": 1, "top_holder_share": 1}
    assert (report.row_count, report.event_count) == (3, 4)
    assert [check.name for check in report.checks if check.has_passed] == list(RISK_CHECKS)
    assert (steps, locks.held) == (STEPS, [("risk_flags", DAY)])


def test_the_same_again_is_the_same_bytes(store: ParquetStore) -> None:
    write(store, [made(), bought(1), pulled(3)])
    first = flag_day(store, Locks(), DAY, THRESHOLDS)
    content = store.path(RISK_FLAGS.name, DAY).read_bytes()
    second = flag_day(store, Locks(), DAY, THRESHOLDS)
    assert first == second
    assert store.path(RISK_FLAGS.name, DAY).read_bytes() == content


def test_a_day_without_events_is_left_alone_and_one_without_flags_is_written(store: ParquetStore) -> None:
    report = flag_day(store, Locks(), DAY, THRESHOLDS)
    assert (report.file, report.checks, store.days(RISK_FLAGS.name)) == (None, (), [])
    write(store, [bought(1)])
    report = flag_day(store, Locks(), DAY, THRESHOLDS)
    assert report.file is not None
    assert (report.row_count, flags_in(store)) == (0, [])


@pytest.mark.parametrize(("days_before", "is_known"), [(1, True), (2, True), (3, False), (-1, False)])
def test_coins_are_known_from_the_days_before(store: ParquetStore, days_before: int, is_known: bool) -> None:
    earlier = DAY - timedelta(days=days_before)
    write(store, [made(earlier), bought(5, 9_999, earlier)], earlier)
    write(store, [bought(1)])
    flag_day(store, Locks(), DAY, THRESHOLDS)
    wanted = [("mint_authority_live", "maker"), ("top_holder_share", "who")]
    # Raised on the earlier day too: a flag is raised once a day.
    assert flags_in(store) == (wanted if is_known else [])


def test_days_lag_until_they_are_flagged_and_when_one_they_look_back_to_changes(store: ParquetStore) -> None:
    days = [DAY + timedelta(days=n) for n in range(6)]
    for number, day in enumerate(days):
        write(store, [bought(1, day=day)], day)
        os.utime(store.path(MARKET_EVENTS.name, day), ns=(number, number))
    assert days_to_flag(store, THRESHOLDS) == days
    for day in days[1:]:
        flag_day(store, Locks(), day, THRESHOLDS)
        os.utime(store.path(RISK_FLAGS.name, day), ns=(100, 100))
    assert days_to_flag(store, THRESHOLDS) == days[:1]
    os.utime(store.path(MARKET_EVENTS.name, days[2]), ns=(101, 101))
    assert days_to_flag(store, THRESHOLDS) == [days[0], *days[2:5]]
    assert days_to_flag(store, msgspec.structs.replace(THRESHOLDS, lookback_days=0)) == [days[0], days[2]]


def test_thresholds_decide(store: ParquetStore) -> None:
    write(store, [made(), bought(1, 3_000)])
    for threshold_bps, count in ((3_000, 2), (3_001, 1)):
        report = flag_day(store, Locks(), DAY, msgspec.structs.replace(THRESHOLDS, top_holder_share_bps=threshold_bps))
        assert report.row_count == count


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_ends_the_same(store: ParquetStore, step: str) -> None:
    write(store, [made(), bought(1)])

    def die(reached: str) -> None:
        if reached == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flag_day(store, Locks(), DAY, THRESHOLDS, at_step=die)
    assert (store.days(RISK_FLAGS.name) == [DAY]) == (step == "done")
    flag_day(store, Locks(), DAY, THRESHOLDS)
    assert flags_in(store) == [("mint_authority_live", "maker"), ("top_holder_share", "who")]


def failed(store: ParquetStore, frame: pl.DataFrame) -> dict[str, str]:
    return {check.name: check.detail for check in check_flags(store, DAY, frame) if not check.has_passed}


def test_each_check_finds_what_it_is_for(store: ParquetStore) -> None:
    write(store, [made(), bought(1)])
    flags = [
        RiskFlag(msgspec.structs.replace(place(1), ordinal=n), "top_holder_share", "coin", wallet, "pool", 1)
        for n, wallet in enumerate(("one", "two"))
    ]
    frame = risk_frame(flags)
    assert failed(store, frame) == {}
    doubled = frame.with_columns(ordinal=pl.lit(0, pl.Int32))
    assert failed(store, doubled) == {"risk_flags_schema": "2 rows share a key"}
    moved = frame.with_columns(block_time=pl.col("block_time").dt.offset_by("1d"))
    assert failed(store, moved) == {"risk_flags_schema": "2 rows are of another day"}
    assert list(failed(store, frame.with_columns(kind=pl.lit("trade")))) == ["risk_flags_schema"]
    assert list(failed(store, frame.with_columns(base_raw=pl.lit(Decimal(-1), MARKET_EVENTS.columns["base_raw"])))) == [
        "risk_flags_schema"
    ]
    # A mint's initialisation raises nothing, and at another path nothing happened.
    at_mint = risk_frame([msgspec.structs.replace(flags[0], place=place(0))])
    assert failed(store, at_mint)["flags_have_events"].startswith("1 places have no event")
    elsewhere = frame.with_columns(log_idx=pl.lit(7, pl.Int32))
    assert list(failed(store, elsewhere)) == ["flags_have_events"]
    again = risk_frame([flags[0], msgspec.structs.replace(flags[0], place=flags[1].place)])
    assert failed(store, again) == {"flags_are_raised_once": "2 rows say the same"}


def test_a_fold_that_says_nonsense_is_not_published(store: ParquetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, [made(), bought(1)])
    flag_day(store, Locks(), DAY, THRESHOLDS)
    content = store.path(RISK_FLAGS.name, DAY).read_bytes()
    whole = workflow.step

    def faulty(state: object, event: object) -> object:
        state, flags = whole(state, event)  # type: ignore[arg-type]
        return state, [msgspec.structs.replace(flag, place=place(77)) for flag in flags]

    monkeypatch.setattr(workflow, "step", faulty)
    with pytest.raises(InvalidPartitionError, match="flags_have_events"):
        flag_day(store, Locks(), DAY, THRESHOLDS)
    assert store.path(RISK_FLAGS.name, DAY).read_bytes() == content
