"""The asset features_1m over a day of made-up trades: checks, metadata, the rows served, the same bytes again."""

import hashlib
from datetime import date

import dagster as dg
import polars as pl
import psycopg
from filled_home import FilledHome

from assets.features import features_1m, hours_drawn
from oof_pipelines.commands.bench_trades import TradeWorld, trade_slices
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.feature_checks import FEATURE_CHECKS
from resources.warehouse import Warehouse

DAY = date(2026, 1, 5)
TRADES = 2_000


def materialize(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    resources = {"warehouse": Warehouse()}
    return dg.materialize(
        [features_1m], instance=instance, partition_key=DAY.isoformat(), resources=resources, raise_on_error=False
    )


def test_a_day_is_made_checked_told_and_served(filled_home: FilledHome) -> None:
    store = ParquetStore(filled_home.home / "parquet_store")
    store.write("market_events", DAY, pl.concat(trade_slices(TradeWorld(TRADES, 1, DAY, mints=20, wallets=100))))
    with dg.DagsterInstance.ephemeral() as instance:
        done = materialize(instance)
        assert done.success
        found = {one.check_name: one.passed for one in done.get_asset_check_evaluations()}
        assert found == dict.fromkeys(FEATURE_CHECKS, True)
        wanted = dg.AssetRecordsFilter(dg.AssetKey("features_1m"), asset_partitions=[DAY.isoformat()])
        [record] = instance.fetch_materializations(wanted, limit=1).records
        assert record.asset_materialization is not None
        told = {name: value.value for name, value in record.asset_materialization.metadata.items()}
        path = store.path("features_1m", DAY)
        rows = pl.read_parquet(path, hive_partitioning=False)
        assert told["dagster/partition_row_count"] == rows.height
        assert (told["trades"], told["mints"]) == (TRADES, rows["mint"].n_unique())
        assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert len(str(told["trades_by_hour"])) == 24
        assert str(told["most_traded"]).count("\n") == 11
        with psycopg.connect(filled_home.url, autocommit=True, connect_timeout=10) as connection:
            [(served, trades)] = connection.execute("select count(*), sum(trades) from features_1m").fetchall()
        assert (served, trades) == (rows.height, TRADES)
        assert materialize(instance).success
        assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_hours_are_drawn_by_their_share_of_the_busiest() -> None:
    assert hours_drawn({}) == "·" * 24
    assert hours_drawn({0: 1, 1: 400, 23: 800}) == "▁▄" + "·" * 21 + "█"
