"""The run every other one is compared with is itself right: each transaction once, fetched once, in its day's file."""

from pathlib import Path

import polars as pl
from conftest import TRANSACTIONS, Calm
from real_processes import fetch_counts

from oof_pipelines.storage.parquet.store import ParquetStore


def test_the_calm_run_stores_every_transaction_and_fetches_it_once(calm: Calm) -> None:
    on_chain = {path.stem for path in calm.chain.glob("*.json")}
    assert len(on_chain) == TRANSACTIONS
    assert {row[0] for row in calm.expected.stored} == on_chain
    assert calm.expected.quarantined == ()
    assert set(calm.expected.left_over.values()) == {0}
    assert fetch_counts(calm.log) == dict.fromkeys(on_chain, 1)
    assert_files_hold_what_is_stored(calm)


def test_the_recorded_run_stores_or_quarantines_every_transaction(recorded_calm: Calm) -> None:
    on_chain = {
        path.name.split(".")[0] for path in recorded_calm.chain.rglob("*/*.json*") if "expected" not in path.name
    }
    assert recorded_calm.expected.signatures == on_chain
    assert len(recorded_calm.expected.signatures) == len(recorded_calm.expected.stored) + len(
        recorded_calm.expected.quarantined
    )
    assert set(fetch_counts(recorded_calm.log).values()) == {1}
    assert_files_hold_what_is_stored(recorded_calm)


def assert_files_hold_what_is_stored(calm: Calm) -> None:
    folder = calm.log.parent / "store"
    stored = {row[0]: row[4] for row in calm.expected.stored}
    keys = {str(Path(file)) for file in calm.expected.files if file.startswith("raw_transactions/")}
    in_files = {signature: key for key in keys for signature in pl.read_parquet(folder / key)["signature"].to_list()}
    assert in_files == stored
    store = ParquetStore(folder)
    assert len(store.days("raw_transactions")) >= 3
    logged = [store.read("raw_logs", day) for day in store.days("raw_logs")]
    assert sorted(pl.concat(logged)["signature"].to_list()) == sorted(stored)
