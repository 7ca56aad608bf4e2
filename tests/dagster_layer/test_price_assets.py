"""reference_prices and the candles over a day of made-up trades: checks, metadata, the rows served, the same bytes again."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import psycopg
import pytest
from filled_home import FilledHome

from assets.prices import candles, reference_prices
from oof_pipelines.commands.bench_trades import TradeWorld, trade_slices
from oof_pipelines.pricing.candle_columns import LENGTH
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows import priced_stripes as priced_stripes_module
from oof_pipelines.workflows.price_checks import check_names
from resources.warehouse import Warehouse

DAY = date(2026, 1, 5)
TRADES = 1_500


def materialize(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [reference_prices, candles],
        instance=instance,
        partition_key=DAY.isoformat(),
        resources={"warehouse": Warehouse()},
        raise_on_error=False,
    )


def metadata(instance: dg.DagsterInstance, asset: str) -> dict[str, object]:
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[DAY.isoformat()])
    [record] = instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization is not None
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


def with_klines(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = datetime(2026, 1, 4, 23, 45, tzinfo=UTC)
    lines = [f"{start + timedelta(minutes=5 * place):%Y-%m-%d %H:%M:%S},150.25" for place in range(300)]
    (folder / "klines.csv").write_text("\n".join(["Date,Close", *lines]))
    monkeypatch.setenv("OOF_SOL_USD_SOURCE", "klines")
    monkeypatch.setenv("OOF_SOL_USD_KLINES", str(folder / "*.csv"))


@pytest.fixture
def store(filled_home: FilledHome) -> ParquetStore:
    made = ParquetStore(filled_home.home / "parquet_store")
    made.write("market_events", DAY, pl.concat(trade_slices(TradeWorld(TRADES, 1, DAY, mints=20, wallets=100))))
    return made


def test_a_day_is_priced_told_and_served(
    filled_home: FilledHome, store: ParquetStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_klines(tmp_path, monkeypatch)
    with dg.DagsterInstance.ephemeral() as instance:
        done = materialize(instance)
        assert done.success
        found = {one.check_name: one.passed for one in done.get_asset_check_evaluations()}
        wanted = {name for dataset in CANDLE_DATASETS for name in check_names(dataset)}
        assert found == dict.fromkeys({*wanted, "reference_prices_known"}, True)
        told = metadata(instance, "reference_prices")
        assert (told["dagster/partition_row_count"], told["source"]) == (1_440, "klines")
        for dataset in CANDLE_DATASETS:
            told = metadata(instance, dataset)
            path = store.path(dataset, DAY)
            rows = pl.read_parquet(path, hive_partitioning=False)
            assert told["dagster/partition_row_count"] == rows.height
            assert (told["trades"], told["usd_sources"]) == (TRADES, "klines, par")
            assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        before = {dataset: store.path(dataset, DAY).read_bytes() for dataset in CANDLE_DATASETS}
        assert materialize(instance).success
        assert {dataset: store.path(dataset, DAY).read_bytes() for dataset in CANDLE_DATASETS} == before
    with psycopg.connect(filled_home.url, autocommit=True, connect_timeout=10) as connection:
        served = dict(connection.execute("select tf, count(*) from price_candles group by 1").fetchall())
    assert set(served) == {"1m", "5m", "1h"}


def test_candles_that_do_not_add_up_are_left_as_they_were(
    filled_home: FilledHome, store: ParquetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = priced_stripes_module.finish_candles

    def spoilt(*arguments: object) -> pl.DataFrame:
        is_of_five_minutes = (pl.duration(minutes=5) == LENGTH).cast(pl.Int32)
        return real(*arguments).with_columns(pl.col("trades") + is_of_five_minutes)  # type: ignore[arg-type]

    monkeypatch.setattr(priced_stripes_module, "finish_candles", spoilt)
    with dg.DagsterInstance.ephemeral() as instance:
        done = materialize(instance)
        assert not done.success
        failed = {one.check_name for one in done.get_asset_check_evaluations() if not one.passed}
        assert "price_5m_adds_up" in failed
        assert instance.get_materialized_partitions(dg.AssetKey("price_5m")) == set()
    assert not store.has_any("price_5m")
