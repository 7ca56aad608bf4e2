"""The benchmark's made-up wallet: rows as the store has them, the same for the same seed, and worth analysing."""

from pathlib import Path

import msgspec
import polars as pl
import pytest
from click.testing import CliRunner

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.commands.bench_analyze import analyze
from oof_pipelines.commands.bench_analyze_worker import Measured, main
from oof_pipelines.commands.bench_analyze_world import DAYS, FIRST_DAY, WalletWorld, write_market, write_wallet
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.price_schemas import PRICE_1M, REFERENCE_PRICES
from oof_pipelines.storage.parquet.store import ParquetStore

WORLD = WalletWorld(swaps=300, seed=7, mints=6, candles_a_day=6)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ParquetStore:
    store = ParquetStore(tmp_path_factory.mktemp("world"))
    assert write_market(store, WORLD) == 6 * 21 * 6
    write_wallet(store, WORLD)
    return store


def rows_of(store: ParquetStore, dataset: str) -> pl.DataFrame:
    frames = [store.read(dataset, day) for day in store.days(dataset)]
    return pl.concat(frame for frame in frames if frame is not None)


def test_rows_are_those_of_their_datasets(store: ParquetStore) -> None:
    for dataset in (PRICE_1M, MARKET_EVENTS, REFERENCE_PRICES):
        rows = rows_of(store, dataset.name)
        dataset.schema.validate(rows, lazy=True)
        assert not rows.select(pl.struct(dataset.key).is_duplicated().any()).item()
    assert len(store.days(REFERENCE_PRICES.name)) == DAYS
    assert store.days(REFERENCE_PRICES.name)[0] == FIRST_DAY
    events = store.read(WALLET_EVENTS.name, wallet_bucket(WORLD.wallet))
    assert events is not None
    WALLET_EVENTS.schema.validate(events, lazy=True)
    assert events.height == 300
    assert events["wallet"].unique().to_list() == [WORLD.wallet]
    assert events["block_time"].is_sorted()


def test_no_more_is_sold_than_was_bought(store: ParquetStore) -> None:
    events = store.read(WALLET_EVENTS.name, wallet_bucket(WORLD.wallet))
    assert events is not None
    sign = pl.when(pl.col("kind") == "buy").then(1).otherwise(-1)
    held = events.select("mint", change=pl.col("qty_raw").cast(pl.Int64) * sign).select(
        held=pl.col("change").cum_sum().over("mint")
    )
    assert held["held"].min() >= 0
    assert set(events["kind"]) == {"buy", "sell"}


def test_the_wallet_trades_near_the_candles_price(store: ParquetStore) -> None:
    events = store.read(WALLET_EVENTS.name, wallet_bucket(WORLD.wallet))
    assert events is not None
    candles = rows_of(store, PRICE_1M.name).sort("bucket_start")
    priced = events.sort("block_time").join_asof(
        candles.select("mint", "bucket_start", pl.col("vwap").cast(pl.Float64)),
        left_on="block_time",
        right_on="bucket_start",
        by="mint",
        check_sortedness=False,
    )
    paid = pl.col("other_raw").cast(pl.Float64) / 10.0 ** pl.col("other_decimals")
    price = priced.select(ratio=paid / pl.col("qty_raw").cast(pl.Float64) * 1e6 / pl.col("vwap"))["ratio"]
    assert price.is_between(0.9, 1.1).all()


def test_the_same_seed_writes_the_same_wallet_and_another_another(tmp_path: Path, store: ParquetStore) -> None:
    again = ParquetStore(tmp_path)
    write_wallet(again, WORLD)
    bucket = wallet_bucket(WORLD.wallet)
    path = store.path(WALLET_EVENTS.name, bucket)
    assert again.path(WALLET_EVENTS.name, bucket).read_bytes() == path.read_bytes()
    assert WalletWorld(300, 8, 6).wallet != WORLD.wallet


def test_a_measurement_finds_what_there_is_to_find(store: ParquetStore, capsys: pytest.CaptureFixture[str]) -> None:
    main(str(store.root), str(WORLD.swaps), str(WORLD.seed))
    measured = msgspec.json.decode(capsys.readouterr().out, type=Measured)
    assert measured.events == 300
    assert 0 < measured.episodes < measured.exits < 300
    assert measured.moments > 0
    assert set(measured.by_step) == {"read", "value", "fold", "detect", "summarize"}
    assert sum(measured.by_step.values()) <= measured.seconds


def test_the_command_says_seconds_by_step() -> None:
    options = ["--swaps", "100", "--mints", "3", "--candles", "2", "--rounds", "1"]
    result = CliRunner().invoke(analyze, options)
    assert result.exit_code == 0, result.output
    assert "100 swaps" in result.output
    assert "detect" in result.output
    assert "126 candles" in result.output
