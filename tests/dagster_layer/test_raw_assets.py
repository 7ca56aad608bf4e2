"""The raw assets against a real inbox: counts, checks, metadata, and the same bytes again."""

import hashlib
from pathlib import Path

import dagster as dg
import polars as pl
import psycopg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from filled_home import FilledHome

from assets.raw import inbox, raw_logs, raw_transactions
from oof_pipelines.chain.compression import compress_body, decompress_body
from oof_pipelines.definitions import build_definitions
from oof_pipelines.storage.parquet.schemas import RAW_DATASETS, RAW_TRANSACTIONS
from oof_pipelines.workflows.partition_checks import check_names
from resources.warehouse import Warehouse

ASSETS = [inbox, raw_transactions, raw_logs]


def materialize_range(first: str, last: str, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        ASSETS,
        instance=instance,
        resources={"warehouse": Warehouse()},
        tags={ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last},
        raise_on_error=False,
    )


def hashes(root: Path) -> dict[str, str]:
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*.parquet"))
    }


def test_a_range_of_days_folds_everything_that_waits(filled_home: FilledHome) -> None:
    store = filled_home.home / "parquet_store"
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize_range(filled_home.days[0], filled_home.days[-1], instance)
        assert result.success
        for dataset in RAW_DATASETS:
            frame = pl.read_parquet(store / dataset, hive_partitioning=False)
            assert sorted(frame["signature"]) == sorted(tx.signature for tx in filled_home.transactions)
            for day in filled_home.days:
                expected = [tx for tx in filled_home.transactions if tx.day.isoformat() == day]
                event = instance.fetch_materializations(
                    dg.AssetRecordsFilter(dg.AssetKey(dataset), asset_partitions=[day]), limit=1
                ).records[0]
                metadata = event.asset_materialization.metadata
                assert metadata["dagster/partition_row_count"].value == len(expected)
                assert metadata["first_slot"].value == min(tx.slot for tx in expected)
                assert metadata["last_slot"].value == max(tx.slot for tx in expected)
            evaluated = {e.check_name for e in result.get_asset_check_evaluations() if e.asset_key.path == [dataset]}
            assert evaluated == set(check_names(dataset))
        assert all(evaluation.passed for evaluation in result.get_asset_check_evaluations())
    with psycopg.connect(filled_home.url) as connection:
        assert connection.execute("select count(*) from inbox_transactions").fetchone() == (0,)
        assert connection.execute("select count(*) from raw_logs").fetchone() == (0,)
        keys = connection.execute("select distinct object_key from tx_raw order by 1").fetchall()
    assert [key for (key,) in keys] == [f"raw_transactions/day={day}/part.parquet" for day in filled_home.days]


def test_materialising_again_writes_the_same_bytes(filled_home: FilledHome) -> None:
    store = filled_home.home / "parquet_store"
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialize_range(filled_home.days[0], filled_home.days[-1], instance).success
        first = hashes(store)
        assert len(first) == 6
        assert materialize_range(filled_home.days[0], filled_home.days[-1], instance).success
    assert hashes(store) == first


def test_bodies_are_kept_unchanged(filled_home: FilledHome) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialize_range(filled_home.days[0], filled_home.days[-1], instance).success
    frame = pl.read_parquet(filled_home.home / "parquet_store" / "raw_transactions", hive_partitioning=False)
    kept = {row["signature"]: decompress_body(row["body_zstd"]) for row in frame.iter_rows(named=True)}
    assert kept == {tx.signature: decompress_body(tx.body_zstd) for tx in filled_home.transactions}


def test_an_unreadable_body_blocks_the_day_and_keeps_the_inbox(filled_home: FilledHome) -> None:
    """The file must not be written, the inbox must not be cleared, and the failed check must say so."""
    victim = filled_home.transactions[0]
    with psycopg.connect(filled_home.url, autocommit=True) as connection:
        connection.execute(
            "update inbox_transactions set body_zstd = %s where sig = %s", (compress_body(b"{}"), victim.signature)
        )
        before = connection.execute("select count(*) from inbox_transactions").fetchone()
        with dg.DagsterInstance.ephemeral() as instance:
            day = victim.day.isoformat()
            result = dg.materialize(
                [inbox, raw_transactions],
                partition_key=day,
                instance=instance,
                resources={"warehouse": Warehouse()},
                raise_on_error=False,
            )
            assert not result.success
            failed = [e.check_name for e in result.get_asset_check_evaluations() if not e.passed]
            assert failed == ["body_readable"]
        assert connection.execute("select count(*) from inbox_transactions").fetchone() == before
    assert not (filled_home.home / "parquet_store" / RAW_TRANSACTIONS.name).exists()


def test_a_day_with_nothing_writes_no_file(filled_home: FilledHome) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialize_range("2021-01-01", "2021-01-03", instance).success
    assert not (filled_home.home / "parquet_store").exists()


def test_resources_can_be_overridden_and_only_by_their_names() -> None:
    with pytest.raises(
        ValueError, match="no such resource: warehous; there are job_queue, market_data, touched, warehouse"
    ):
        build_definitions(warehous=Warehouse())
    # Loading asks the instance that was used last, which may be gone by now, unless there is one.
    with dg.DagsterInstance.ephemeral():
        repository = build_definitions(warehouse=Warehouse()).get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} >= {"fold_inbox"}
