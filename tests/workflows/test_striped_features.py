"""A day's features in stripes: the same files as of a day in one, nothing left on disk, checks that add up over stripes."""

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_features_day import Served

from oof_pipelines.commands.bench_trades import TradeWorld, trade_slices
from oof_pipelines.features.finished_rows import FEATURE_TYPES
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.trade_slices import ParquetTrades
from oof_pipelines.workflows import feature_checks
from oof_pipelines.workflows import striped_features as striped_features_module
from oof_pipelines.workflows.feature_checks import FeatureChecks, check_features
from oof_pipelines.workflows.features_day import FeaturesReport, days_to_make, features_day
from oof_pipelines.workflows.fold import InvalidPartitionError
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.priced_stripes import HeldFrames
from oof_pipelines.workflows.striped_features import StripedFeatures

DAY = date(2026, 1, 5)
WORLD = TradeWorld(600, 2, DAY, mints=12, wallets=60)
_MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    store = ParquetStore(tmp_path)
    store.write("market_events", DAY, pl.concat(trade_slices(WORLD)))
    return store


def make(
    store: ParquetStore, served: Served, at_step: Callable[[str], None] = lambda _step: None, *, rows_a_slice: int = 100
) -> FeaturesReport:
    return features_day(store, ParquetTrades(store, rows_a_slice=rows_a_slice), served, DAY, at_step=at_step)


def spilled_files(store: ParquetStore) -> list[Path]:
    return sorted(store.root.glob(".spill*/*"))


def cut_finely(monkeypatch: pytest.MonkeyPatch, stripe_rows: int) -> None:
    monkeypatch.setattr(striped_features_module, "STRIPE_ROWS", stripe_rows)
    monkeypatch.setattr(striped_features_module, "PIECE_ROWS", stripe_rows // 5)
    monkeypatch.setattr(feature_checks, "FOLDED_AT_ONCE", 90)


@pytest.mark.parametrize("stripe_rows", [20, 150])
def test_in_one_stripe_or_in_many_files_and_report_are_the_same(
    store: ParquetStore, monkeypatch: pytest.MonkeyPatch, stripe_rows: int
) -> None:
    in_one, in_many, spilled = Served(), Served(), {}
    expected = make(store, in_one)
    wanted = store.path("features_1m", DAY).read_bytes()

    cut_finely(monkeypatch, stripe_rows)
    left = store.root / f".spill-features_1m-{DAY}" / "stripe-00000-00000.arrow"
    left.parent.mkdir()
    left.write_bytes(b"what a killed run left")

    def look(step: str) -> None:
        spilled[step] = [path.name for path in spilled_files(store)]
        assert store.path("features_1m", DAY).read_bytes() == wanted

    report = make(store, in_many, look)
    assert report == expected
    assert store.path("features_1m", DAY).read_bytes() == wanted
    assert in_many.published[0][1].equals(in_one.published[0][1])
    assert spilled["read"] == []
    assert len(spilled["finish"]) > 2
    assert {name.split("-")[0] for name in spilled["finish"]} == {"run"}
    # Runs are let go of as they are used up.
    assert {name.split("-")[0] for name in spilled["validate"]} == {"stripe"}
    assert spilled["validate"] == spilled["publish"]
    assert not left.parent.exists()


def test_a_small_day_is_not_spilled(store: ParquetStore) -> None:
    seen: list[Path] = []
    make(store, Served(), lambda _step: seen.extend(spilled_files(store)))
    assert seen == []


@pytest.mark.parametrize("step", ["finish", "validate", "begin", "write", "publish"])
def test_ended_at_any_step_nothing_is_left_on_disk_and_doing_it_again_ends_the_same(
    store: ParquetStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    cut_finely(monkeypatch, 150)
    served = Served()
    expected = make(store, served)
    before = store.path("features_1m", DAY).read_bytes()
    store.write("market_events", DAY, pl.concat(store.batches("market_events", DAY)))

    def end(name: str) -> None:
        if name == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(store, served, end)
    assert list(store.root.glob(".spill*")) == []
    assert days_to_make(store, served) == [DAY]
    assert store.path("features_1m", DAY).read_bytes() == before
    assert make(store, served) == expected
    assert days_to_make(store, served) == []


_KILLED_BEFORE_WRITING = """
import os, signal, sys
from datetime import date
from pathlib import Path
from oof_pipelines.commands.bench_features_worker import _Unserved
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.trade_slices import ParquetTrades
from oof_pipelines.workflows import striped_features
from oof_pipelines.workflows.features_day import features_day

def kill(step):
    if step == "write":
        os.kill(os.getpid(), signal.SIGKILL)

striped_features.STRIPE_ROWS, striped_features.PIECE_ROWS = 150, 30
store = ParquetStore(Path(sys.argv[1]))
day = date.fromisoformat(sys.argv[2])
features_day(store, ParquetTrades(store, rows_a_slice=100), _Unserved(), day, at_step=kill)
"""


def test_what_a_killed_process_leaves_on_disk_is_removed_when_the_day_is_made_again(store: ParquetStore) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _KILLED_BEFORE_WRITING, str(store.root), DAY.isoformat()], timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert len(spilled_files(store)) > 2
    assert store.days("features_1m") == []
    make(store, Served())
    assert list(store.root.glob(".spill*")) == []
    assert store.days("features_1m") == [DAY]


def test_rows_lost_on_disk_keep_the_day_from_being_replaced(
    store: ParquetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store, Served())
    before = store.path("features_1m", DAY).read_bytes()
    cut_finely(monkeypatch, 150)
    put_together = StripedFeatures._put_together
    monkeypatch.setattr(
        StripedFeatures, "_put_together", lambda self, first, end: put_together(self, first, end).tail(-1)
    )
    served = Served()
    with pytest.raises(InvalidPartitionError, match=r"trades_add_up: \d+ trades in the rows, of 600"):
        make(store, served)
    assert served.published == []
    assert store.path("features_1m", DAY).read_bytes() == before
    assert list(store.root.glob(".spill*")) == []


def test_the_checks_of_stripes_are_those_of_the_whole(store: ParquetStore) -> None:
    make(store, Served())
    frame = store.read("features_1m", DAY)
    assert frame is not None
    trades = ParquetTrades(store)
    middle = sorted(frame["mint"].unique())[5]
    below, above = frame.filter(pl.col("mint") < middle), frame.filter(pl.col("mint") >= middle)

    def verdict(*stripes: pl.DataFrame) -> tuple[CheckResult, ...]:
        checks = FeatureChecks(DAY, WORLD.trades)
        for stripe in stripes:
            checks.add(stripe)
        return checks.results(trades, None)

    def failed(*stripes: pl.DataFrame) -> set[str]:
        return {result.name for result in verdict(*stripes) if not result.has_passed}

    whole = check_features(DAY, frame, trades, None)
    assert verdict(below, above) == verdict(frame.clear(), below, frame.clear(), above) == whole
    assert all(result.has_passed for result in whole)
    assert failed(below) == {"trades_add_up", "agrees_with_step"}
    # What is there twice, in the wrong order or misshapen is told before anything else is looked at.
    everything = {result.name for result in whole}
    assert failed(below, above, above) == failed(above, below) == failed(below, above.drop("venue")) == everything
    unbalanced = above.with_columns(pl.col("vol_in_sol") + pl.col("vol_out_sol").max())
    assert "flows_add_up" in failed(below, unbalanced)
    assert "trades_add_up" in failed(below.with_columns(pl.col("buys") + 1), above)


def test_of_a_large_day_in_stripes_the_same_part_is_folded(
    store: ParquetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_checks, "FOLDED_WHOLE_UP_TO", WORLD.trades - 1)
    expected = make(store, Served())
    cut_finely(monkeypatch, 50)
    assert make(store, Served()).checks == expected.checks
    assert 0 < int(expected.checks[-1].detail.split()[0]) < WORLD.trades


_KEYS = st.tuples(st.text("abc", max_size=2), st.integers(0, 9), st.sampled_from(["x", "y"]))


def rows_of(keys: list[tuple[str, int, str]]) -> pl.DataFrame:
    """Rows of features_1m with these coins, minutes and venues, of which each counts another number of trades."""
    rows = [
        {"mint": mint, "bucket_start": _MIDNIGHT + timedelta(minutes=minute), "venue": venue, "trades": 1 + number}
        for number, (mint, minute, venue) in enumerate(keys)
    ]
    return pl.DataFrame(
        rows, schema={name: FEATURE_TYPES[name] for name in ("mint", "bucket_start", "venue", "trades")}
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(_KEYS, unique=True, max_size=60), st.integers(1, 20), st.integers(1, 30), st.integers(1, 9))
def test_however_rows_come_and_are_cut_they_go_in_order(
    keys: list[tuple[str, int, str]], rows_a_slice: int, stripe_rows: int, piece_rows: int
) -> None:
    rows = rows_of(keys)
    whole = pl.concat([pl.DataFrame(schema=FEATURE_TYPES), rows], how="diagonal").select(list(FEATURE_TYPES))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(striped_features_module, "STRIPE_ROWS", stripe_rows)
        patch.setattr(striped_features_module, "PIECE_ROWS", piece_rows)
        aside = HeldFrames()
        features = StripedFeatures(aside)
        for part in whole.iter_slices(rows_a_slice):
            features.add(part)
        features.finish()
    stripes = list(features.stripes())
    assert pl.concat(stripes).equals(FEATURES_1M.arrange(whole))
    assert pl.concat(features.pieces()).equals(pl.concat(stripes))
    assert features.trade_count == int(whole["trades"].sum())
    most_of_a_coin = rows.group_by("mint").len()["len"].max() or 0
    assert all(one.height <= max(stripe_rows, rows_a_slice, int(str(most_of_a_coin))) for one in stripes)
    assert all(set(one["mint"]).isdisjoint(other["mint"]) for one in stripes for other in stripes if one is not other)
    assert not [name for name in aside._frames if name.startswith("run")]
