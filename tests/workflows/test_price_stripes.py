"""A day in stripes: the same files as of a day in one, nothing left on disk, and checks that add up over stripes."""

from pathlib import Path

import polars as pl
import pytest
from priced_world import DAY, FILTERS, WORLD, Served, Source, file_bytes, spilled_files, store_of_the_day

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.commands.bench_trades import trade_slices
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.pricing import candles as candles_module
from oof_pipelines.storage.parquet import store as store_module
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows import priced_stripes as priced_stripes_module
from oof_pipelines.workflows import priced_trades as priced_trades_module
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.price_checks import CandleChecks, TradeTotals, check_candles
from oof_pipelines.workflows.price_day import PRICES, price_day
from oof_pipelines.workflows.priced_trades import UnorderedEventsError, read_outline
from oof_pipelines.workflows.reference_prices import write_reference_day


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return store_of_the_day(tmp_path)


def with_pairs_of_coins(day: pl.DataFrame) -> pl.DataFrame:
    """`day` with the most traded coin of SOL as the quote of what was traded in USDT, and of one in ten in USDC."""
    in_sol = day.filter((pl.col("quote_mint") == NATIVE_MINT) & (pl.col("base_decimals") == 6))
    coin = in_sol["mint"].value_counts().sort("count", "mint", descending=True)["mint"][0]
    is_turned = (pl.col("quote_mint") == USDT_MINT) | (
        (pl.col("quote_mint") == USDC_MINT) & (pl.col("log_idx") % 10 == 0)
    )
    quote = pl.when(is_turned & (pl.col("mint") != coin)).then(pl.lit(coin)).otherwise("quote_mint")
    return day.with_columns(quote.alias("quote_mint"))


@pytest.mark.parametrize("most_candles", [700, 5_000])
def test_in_one_stripe_or_in_many_the_files_are_the_same(
    store: ParquetStore, monkeypatch: pytest.MonkeyPatch, most_candles: int
) -> None:
    served, steps = Served(), []
    write_reference_day(store, served, Source(), DAY)
    store.write(MARKET_EVENTS.name, DAY, with_pairs_of_coins(pl.concat(trade_slices(WORLD))))
    in_one = price_day(store, served, FILTERS, DAY)
    wanted = file_bytes(store)
    assert {"swaps", "swaps_two_step"} == set(served.published[0][1]["price_1m"]["source"])

    monkeypatch.setattr(priced_stripes_module, "STRIPE_CANDLES", most_candles)
    monkeypatch.setattr(priced_stripes_module, "FEW_CANDLES", most_candles // 2)
    monkeypatch.setattr(priced_trades_module, "STRETCH_TRADES", 1_500)
    monkeypatch.setattr(priced_trades_module, "FEW_PAIRS", 10)
    monkeypatch.setattr(candles_module, "PART_TRADES", 400)
    left = store.root / f".spill-{PRICES}-{DAY}" / "folded-00000-1m-00000.arrow"
    left.parent.mkdir()
    left.write_bytes(b"what a killed run left")

    def look(step: str) -> None:
        if step in ("finish", "publish"):
            steps.append((step, sum(path.suffix == ".arrow" for path in spilled_files(store)) >= 6))
            assert store.days("price_1m") == [DAY]

    in_many = price_day(store, served, FILTERS, DAY, at_step=look)
    assert steps == [("finish", True), ("publish", True)]
    assert file_bytes(store) == wanted
    assert (in_many.row_counts, in_many.counts, in_many.checks) == (in_one.row_counts, in_one.counts, in_one.checks)
    assert all(served.published[1][1][name].equals(frame) for name, frame in served.published[0][1].items())
    assert not left.parent.exists()


def test_a_small_day_is_not_spilled(store: ParquetStore) -> None:
    seen: list[Path] = []
    price_day(store, Served(), FILTERS, DAY, at_step=lambda _step: seen.extend(spilled_files(store)))
    assert seen == []


def test_an_outline_is_merged_whenever_it_grows(store: ParquetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = read_outline(store, DAY)
    monkeypatch.setattr(store_module, "ROWS_A_GROUP", 100)
    monkeypatch.setattr(priced_trades_module, "FEW_PAIRS", 0)
    day = pl.concat(trade_slices(WORLD))
    store.write(MARKET_EVENTS.name, DAY, day)
    merged = read_outline(store, DAY)

    assert at_once is not None
    assert merged is not None
    assert merged.pairs.equals(at_once.pairs)
    assert merged.pairs["trades"].sum() == WORLD.trades
    assert len(merged.safe_hours) == 60
    assert merged.decimals.filter(pl.col("mint").is_in(day["mint"].unique().implode())).height == day["mint"].n_unique()


def test_events_in_another_order_than_the_chains_are_refused(store: ParquetStore) -> None:
    day = MARKET_EVENTS.arrange(pl.concat(trade_slices(WORLD)))
    turned = pl.concat([day.slice(1, 1), day.slice(0, 1), day.slice(2)])
    assert day["signature"][0] != day["signature"][1]
    for rows in (turned, day.with_columns(pl.col("tx_index").reverse())):
        rows.write_parquet(store.path(MARKET_EVENTS.name, DAY), row_group_size=500)
        with pytest.raises(UnorderedEventsError, match="market_events 2026-01-05: rows are not in the chain's order"):
            price_day(store, Served(), FILTERS, DAY)


def test_the_checks_of_stripes_are_those_of_the_whole(store: ParquetStore) -> None:
    served = Served()
    price_day(store, served, FILTERS, DAY)
    frames = served.published[0][1]
    trades = store.read(MARKET_EVENTS.name, DAY)
    assert trades is not None
    totals = TradeTotals().plus(trades)
    whole = check_candles(DAY, frames, totals)
    middle = sorted(frames["price_1m"]["mint"].unique())[7]
    below, above = (
        {name: frame.filter(is_of_stripe) for name, frame in frames.items()}
        for is_of_stripe in (pl.col("mint") < middle, pl.col("mint") >= middle)
    )
    empty = {name: frame.clear() for name, frame in frames.items()}

    def verdict(*stripes: dict[str, pl.DataFrame]) -> tuple[CheckResult, ...]:
        checks = CandleChecks(DAY)
        for stripe in stripes:
            checks.add(stripe)
        return checks.results(totals)

    assert verdict(below, above) == verdict(empty, below, empty, above) == whole
    assert all(result.has_passed for result in whole)
    # What is missing, there twice, or in the wrong order is noticed.
    assert {result.name for result in verdict(below) if not result.has_passed} == {f"{name}_adds_up" for name in frames}
    assert {result.name for result in verdict(below, above, above) if not result.has_passed} == {
        f"{name}_{kind}" for name in frames for kind in ("schema", "adds_up")
    }
    assert {result.name for result in verdict(above, below) if not result.has_passed} == {
        f"{name}_schema" for name in frames
    }
