"""Two processes, one over stored transactions (Dagster), one over the feed (`oof follow`), give features of equal bytes."""

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl
import psycopg
import pytest
from real_processes import Stage, transaction_count

from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS
from oof_pipelines.storage.parquet.store import object_key, write_partition
from oof_pipelines.testing.recorded_node.process import start_node_process

FOLD = Path(__file__).with_name("fold_in_dagster.py")
OURS = ("reference_prices", FEATURES_1M.name)
QUERY = f"select day, is_hot, {', '.join(FEATURES_1M.columns)} from features_1m"


@pytest.fixture
def settings(fixtures_dir: Path) -> dict[str, str]:
    return {"OOF_SOL_USD_SOURCE": "klines", "OOF_SOL_USD_KLINES": str(fixtures_dir / "klines" / "*1m*")}


@pytest.fixture
def chain(stage: Stage, fixtures_dir: Path) -> Path:
    """Recorded mainnet transactions in their places; nothing of them is copied."""
    chain = stage.folder / "recorded"
    chain.mkdir()
    for name in ("tx_json", "blocks"):
        (chain / name).symlink_to(fixtures_dir.resolve() / name)
    return chain


def served(stage: Stage) -> tuple[dict[date, pl.DataFrame], set[bool]]:
    """Features by day as Postgres serves them, and whether rows are the feed's."""
    with psycopg.connect(stage.url(), autocommit=True, connect_timeout=5) as connection:
        rows = connection.execute(QUERY.encode()).fetchall()
    days: dict[date, list[tuple[object, ...]]] = {}
    for row in rows:
        days.setdefault(row[0], []).append(row[2:])
    frames = {day: pl.DataFrame(its, schema=FEATURES_1M.columns, orient="row") for day, its in days.items()}
    return frames, {row[1] for row in rows}


def digests(root: Path) -> dict[str, str]:
    files = sorted((root / FEATURES_1M.name).rglob("*.parquet"))
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def in_dagster(stage: Stage, assets: Iterable[str], days: Iterable[date], settings: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(FOLD), ",".join(assets), *(day.isoformat() for day in sorted(days))],
        env=stage.environment(None, **settings),
        cwd=stage.folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_feeds_features_are_those_of_the_fold_byte_for_byte(
    stage: Stage, chain: Path, settings: dict[str, str]
) -> None:
    with start_node_process(chain) as node:
        feed = stage.start_feed(node, **settings)
        stage.run_to_completion(node, feed, transaction_count(node))
    fed, are_hot = served(stage)
    assert are_hot == {True}
    assert sum(frame.height for frame in fed.values()) > 80
    exported = stage.folder / "exported"
    for day, frame in fed.items():
        write_partition(exported, object_key(FEATURES_1M.name, day), frame, FEATURES_1M)
    in_dagster(stage, ["raw_transactions", *DECODED_DATASETS, *OURS], fed, settings)
    assert digests(stage.store) == digests(exported)
    assert any(frame["volume_usd"].is_not_null().any() for frame in fed.values())
    folded, are_hot = served(stage)
    assert are_hot == {False}
    assert folded.keys() == fed.keys()
    assert all(arranged(folded[day]).equals(arranged(fed[day])) for day in fed)
    before = digests(stage.store)
    in_dagster(stage, OURS, fed, settings)
    assert digests(stage.store) == before


def arranged(frame: pl.DataFrame) -> pl.DataFrame:
    return FEATURES_1M.arrange(frame)
