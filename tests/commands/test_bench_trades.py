"""The benchmarks' made-up trades: rows of the dataset, the same for the same seed, however the day is sliced."""

from datetime import date

import polars as pl

from oof_pipelines.commands import bench_trades
from oof_pipelines.commands.bench_trades import TradeWorld, trade_slices
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS

WORLD = TradeWorld(trades=20_000, seed=7, day=date(2026, 1, 5), mints=50, wallets=500)


def test_slices_are_rows_of_market_events() -> None:
    day = pl.concat(trade_slices(WORLD))

    MARKET_EVENTS.schema.validate(day)
    assert day.height == WORLD.trades
    assert not day.select(pl.struct(MARKET_EVENTS.key).is_duplicated().any()).item()
    assert day["block_time"].is_sorted()
    assert set(day["block_time"].dt.date()) == {WORLD.day}


def test_the_rows_do_not_depend_on_the_slices(monkeypatch) -> None:
    whole = pl.concat(trade_slices(WORLD))
    monkeypatch.setattr(bench_trades, "ROWS_A_SLICE", 1_000)
    slices = list(trade_slices(WORLD, ["mint", "quote_raw", "signature"]))

    assert len(slices) > 10
    assert pl.concat(slices).equals(whole.select("signature", "mint", "quote_raw"))


def test_rows_are_in_the_order_in_which_the_store_keeps_them() -> None:
    day = pl.concat(trade_slices(WORLD))
    assert MARKET_EVENTS.arrange(day).equals(day)
    # More transactions than a million, which no number of a place in a block may run around.
    large = TradeWorld(trades=1_010_000, seed=7, day=WORLD.day, mints=5, wallets=50)
    places = pl.concat(trade_slices(large, ["slot", "tx_index", "log_idx"]))
    assert places.sort("slot", "tx_index", "log_idx").equals(places)
    assert places["tx_index"].max() > 1_000_003  # type: ignore[operator]


def test_there_is_dust_and_there_are_absurd_prices() -> None:
    day = pl.concat(trade_slices(WORLD)).filter(pl.col("quote_decimals") == 9)
    price = pl.col("quote_raw").cast(pl.Float64) / pl.col("base_raw").cast(pl.Float64)
    off = price / price.median().over("mint", "quote_mint")
    assert day.filter(pl.col("quote_raw") < 10_000).height > 0
    assert 0 < day.filter((off > 8) | (off < 1 / 8)).height < day.height / 50
