"""Pricing a day: files that are a function of trades, reference and thresholds; nothing published that does not add up."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from priced_world import DAY, FILTERS, WORLD, Served, Source, file_bytes, spilled_files, store_of_the_day

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.commands.bench_trades import trade_slices
from oof_pipelines.config_files import read_config
from oof_pipelines.pricing.candle_columns import LENGTH, TIMEFRAMES
from oof_pipelines.pricing.filters import PriceConfigError, read_filters
from oof_pipelines.pricing.reference import ReferencePrice
from oof_pipelines.storage.parquet import store as store_module
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS, REFERENCE_PRICES
from oof_pipelines.storage.parquet.reference_rows import reference_prices
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows import priced_stripes as priced_stripes_module
from oof_pipelines.workflows import priced_trades as priced_trades_module
from oof_pipelines.workflows.fold import InvalidPartitionError
from oof_pipelines.workflows.price_checks import TradeTotals, check_candles
from oof_pipelines.workflows.price_day import days_to_price, price_day
from oof_pipelines.workflows.priced_trades import ChangedMeanwhileError
from oof_pipelines.workflows.reference_prices import days_to_refer, midnight_s, write_reference_day


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return store_of_the_day(tmp_path)


def test_a_day_is_priced_served_and_again_to_the_same_bytes(store: ParquetStore) -> None:
    served = Served()
    write_reference_day(store, served, Source(), DAY)
    report = price_day(store, served, FILTERS, DAY)

    assert all(check.has_passed for check in report.checks)
    assert len(report.checks) == 9
    assert report.counts["trades"] == WORLD.trades
    assert report.counts["usd_sources"] == "klines, par"
    assert list(report.files) == list(CANDLE_DATASETS)
    for name, frame in served.published[0][1].items():
        assert store.read(name, DAY).equals(frame)  # type: ignore[union-attr]
        assert report.row_counts[name] == frame.height > 0
    before = file_bytes(store)
    again = price_day(store, served, FILTERS, DAY)
    assert file_bytes(store) == before
    assert {name: file.sha256 for name, file in again.files.items()} == {
        name: file.sha256 for name, file in report.files.items()
    }


def rows(store: ParquetStore) -> list[pl.DataFrame | None]:
    return [store.read(name, DAY) for name in CANDLE_DATASETS]


def same(first: list[pl.DataFrame | None], second: list[pl.DataFrame | None]) -> bool:
    return all(a is not None and b is not None and a.equals(b) for a, b in zip(first, second, strict=True))


def test_the_pieces_that_a_day_is_read_in_change_nothing(store: ParquetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    price_day(store, Served(), FILTERS, DAY)
    at_once = rows(store)
    monkeypatch.setattr(store_module, "ROWS_A_GROUP", 100)
    monkeypatch.setattr(priced_trades_module, "STRETCH_TRADES", 150)
    day = pl.concat(trade_slices(WORLD))
    store.write(MARKET_EVENTS.name, DAY, day)
    price_day(store, Served(), FILTERS, DAY)
    assert same(rows(store), at_once)

    # Times that run backwards by up to an hour, as estimated ones may.
    late = pl.when(pl.col("slot") % 7 == 0).then(pl.duration(minutes=50)).otherwise(pl.duration(minutes=0))
    shaken = day.with_columns((pl.col("block_time") - late).clip(lower_bound=day["block_time"].min()))
    store.write(MARKET_EVENTS.name, DAY, shaken)
    price_day(store, Served(), FILTERS, DAY)
    in_pieces = rows(store)
    monkeypatch.setattr(priced_trades_module, "STRETCH_TRADES", 10**9)
    price_day(store, Served(), FILTERS, DAY)
    assert same(rows(store), in_pieces)
    assert not same(in_pieces, at_once)


def test_without_a_source_dollars_are_null_and_nothing_fails(store: ParquetStore) -> None:
    report = write_reference_day(store, Served(), None, DAY)
    assert (report.file, report.row_count, report.source) == (None, 0, "")
    price_day(store, Served(), FILTERS, DAY)

    minutes = store.read("price_1m", DAY)
    assert minutes is not None
    in_sol = minutes.filter(pl.col("quote_mint") == NATIVE_MINT)
    assert in_sol["vwap"].is_not_null().any()
    assert in_sol.select(pl.col("^.*_usd$").is_not_null().any()).row(0) == (False,) * 7
    assert set(in_sol["usd_source"]) == {""}


def test_a_source_that_knows_nothing_of_an_hour_leaves_it_null(store: ParquetStore) -> None:
    served = Served()
    report = write_reference_day(store, served, Source(), DAY)
    # The last price is made at 11:55 and counts until 12:10.
    assert report.row_count == 12 * 60 + 11
    price_day(store, served, FILTERS, DAY)
    minutes = store.read("price_1m", DAY)
    assert minutes is not None
    in_sol = minutes.filter((pl.col("quote_mint") == NATIVE_MINT) & (pl.col("trades") > 0))
    is_known = in_sol["vwap_usd"].is_not_null()
    assert in_sol.filter(is_known)["bucket_start"].max() <= in_sol.filter(~is_known)["bucket_start"].min()  # type: ignore[operator]
    assert set(in_sol.filter(is_known)["usd_source"]) == {"klines"}


def test_reference_prices_follow_the_setting(store: ParquetStore) -> None:
    served = Served()
    first = write_reference_day(store, served, Source(), DAY)
    kept = reference_prices(store.read(REFERENCE_PRICES.name, DAY))
    assert first.file is not None
    assert kept.at(midnight_s(DAY) + 60) == Source().prices(0, 2**40)[0]
    # Nobody is asked any more: the file of before must not go on telling.
    last = write_reference_day(store, served, None, DAY)
    assert (last.row_count, last.file is not None) == (0, True)
    assert len(reference_prices(store.read(REFERENCE_PRICES.name, DAY))) == 0


def test_a_day_without_events_has_no_files_and_one_without_trades_empty_ones(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    assert price_day(store, Served(), FILTERS, DAY).files == {}
    store.write(MARKET_EVENTS.name, DAY, pl.concat(trade_slices(WORLD)).with_columns(kind=pl.lit("pool_state")))
    report = price_day(store, Served(), FILTERS, DAY)
    assert report.row_counts == dict.fromkeys(CANDLE_DATASETS, 0)
    assert all(check.has_passed for check in report.checks)


SPOILT = [
    ("price_1m", pl.col("high") / 2, "price_1m_in_order"),
    ("price_5m", pl.col("trades") + 1, "price_5m_adds_up"),
    ("price_1h", pl.col("quote_volume_raw") + 1, "price_1h_adds_up"),
    ("price_1h", pl.col("close") * 0 + pl.col("low"), "price_1h_adds_up"),
    ("price_1m", pl.col("vwap").clip(upper_bound=-1), "price_1m_schema"),
    ("price_1m", pl.col("bucket_start").max(), "price_1m_schema"),
    ("price_5m", pl.lit(None, dtype=pl.Decimal(38, 18)).alias("open"), "price_5m_in_order"),
]


@pytest.mark.parametrize(
    ("most_candles", "name", "change", "check"),
    [*((10**6, *one) for one in SPOILT), *((5_000, *one) for one in SPOILT[1:6:2])],
)
def test_candles_that_are_not_their_trades_are_not_published(
    store: ParquetStore, monkeypatch: pytest.MonkeyPatch, most_candles: int, name: str, change: pl.Expr, check: str
) -> None:
    real = priced_stripes_module.finish_candles
    length = timedelta(seconds=TIMEFRAMES[name.removeprefix("price_")])

    def spoilt(candles: pl.DataFrame, *arguments: object) -> pl.DataFrame:
        made = real(candles, *arguments)  # type: ignore[arg-type]
        column = change.meta.output_name()
        spoilt_column = made.with_columns(change.cast(made.schema[column]).alias(column))
        return spoilt_column if set(candles.select(LENGTH).to_series()) == {length} else made

    served = Served()
    price_day(store, served, FILTERS, DAY)
    before = file_bytes(store)
    monkeypatch.setattr(priced_stripes_module, "finish_candles", spoilt)
    monkeypatch.setattr(priced_stripes_module, "FEW_CANDLES", 0)
    monkeypatch.setattr(priced_stripes_module, "STRIPE_CANDLES", most_candles)
    with pytest.raises(InvalidPartitionError) as raised:
        price_day(store, served, FILTERS, DAY)
    assert not spilled_files(store)
    assert check in {result.name for result in raised.value.checks if not result.has_passed}
    assert (file_bytes(store), len(served.published)) == (before, 1)


def test_a_trade_that_went_missing_is_noticed(store: ParquetStore) -> None:
    served = Served()
    price_day(store, served, FILTERS, DAY)
    frames = served.published[0][1]
    trades = store.read(MARKET_EVENTS.name, DAY)
    assert trades is not None
    totals = TradeTotals().plus(trades)
    assert all(result.has_passed for result in check_candles(DAY, frames, totals))
    fewer = check_candles(DAY, frames, TradeTotals().plus(trades.slice(1)))
    assert [result.name for result in fewer if not result.has_passed] == [f"{name}_adds_up" for name in frames]


def test_events_replaced_while_they_are_read_are_noticed(store: ParquetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "ROWS_A_GROUP", 100)
    monkeypatch.setattr(priced_trades_module, "STRETCH_TRADES", 150)
    day = pl.concat(trade_slices(WORLD))
    store.write(MARKET_EVENTS.name, DAY, day.head(3_000))

    def replace(step: str) -> None:
        if step == "fold":
            store.write(MARKET_EVENTS.name, DAY, day)

    with pytest.raises(ChangedMeanwhileError, match="replaced while it was read"):
        price_day(store, Served(), FILTERS, DAY, at_step=replace)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fewest_raw": 0}, "fewest_raw is no whole number from 1"),
        ({"outlier_factor": 2.5}, "outlier_factor is no whole number"),
        ({"backing_trades": True}, "backing_trades is no whole number"),
        ({"smallest_trade": {"SOL": 0.02, "USDC": "1", "USDT": "1"}}, "smallest_trade.SOL is no quoted amount"),
        ({"smallest_trade": {"SOL": "0.0000000001", "USDC": "1", "USDT": "1"}}, "smallest_trade.SOL is no quoted"),
        ({"thinnest_reserve": {"SOL": "1"}}, "thinnest_reserve wants one amount for each of USDC, USDT, SOL"),
        ({"colour": 1}, "colour is no setting"),
    ],
)
def test_thresholds_that_cannot_be_used_are_named(change: dict[str, object], message: str) -> None:
    values = read_config("prices.yaml")
    assert isinstance(values, dict)
    with pytest.raises(PriceConfigError, match=message):
        read_filters({**values, **change})
    with pytest.raises(PriceConfigError, match="fewest_raw is missing"):
        read_filters({name: value for name, value in values.items() if name != "fewest_raw"})


WRITES = [f"write {name}" for name in CANDLE_DATASETS]


class KilledError(Exception):
    """What a killed process looks like from inside."""


@pytest.mark.parametrize(
    ("fatal", "most_candles"),
    [
        *((step, 10**6) for step in ("read", "fold", "finish", "validate", "begin", *WRITES, "publish")),
        *((step, 5_000) for step in ("finish", WRITES[1], "publish")),
    ],
)
def test_killed_anywhere_doing_it_again_ends_the_same(
    store: ParquetStore, monkeypatch: pytest.MonkeyPatch, fatal: str, most_candles: int
) -> None:
    served = Served()
    price_day(store, served, FILTERS, DAY)
    monkeypatch.setattr(priced_stripes_module, "STRIPE_CANDLES", most_candles)
    wanted = file_bytes(store)
    # Other thresholds, so that what is there is not yet what is wanted.
    stricter = read_filters({**read_config("prices.yaml"), "fewest_raw": 1_000_000})  # type: ignore[dict-item]
    price_day(store, served, stricter, DAY)
    served.published.clear()
    store.write(MARKET_EVENTS.name, DAY, pl.concat(trade_slices(WORLD)))

    def kill(step: str) -> None:
        if step == fatal:
            raise KilledError

    assert days_to_price(store, served) == [DAY]
    with pytest.raises(KilledError):
        price_day(store, served, FILTERS, DAY, at_step=kill)
    assert (served.held, served.published) == ([], [])
    assert days_to_price(store, served) == [DAY]
    price_day(store, served, FILTERS, DAY)
    assert (file_bytes(store), len(served.published)) == (wanted, 1)
    assert days_to_price(store, served) == []


def test_a_day_lags_behind_its_trades_and_its_reference_prices(store: ParquetStore) -> None:
    served = Served()
    assert days_to_price(store, served) == [DAY]
    price_day(store, served, FILTERS, DAY)
    assert days_to_price(store, served) == []
    write_reference_day(store, served, Source(), DAY)
    assert days_to_price(store, served) == [DAY]
    report = price_day(store, served, FILTERS, DAY)
    assert served.sha256s[DAY].split() == [file.sha256 for file in report.files.values()]
    store.write(MARKET_EVENTS.name, DAY, pl.concat(trade_slices(WORLD)))
    assert days_to_price(store, served) == [DAY]
    price_day(store, served, FILTERS, DAY)
    # A file that went missing is made again, and so is everything where a database was made anew.
    store.path("price_5m", DAY).unlink()
    assert days_to_price(store, served) == [DAY]
    price_day(store, served, FILTERS, DAY)
    assert days_to_price(store, served) == []
    assert days_to_price(store, Served()) == [DAY]


class Silent:
    """A source that knows nothing."""

    name = "pyth"

    def prices(self, first_s: int, last_s: int) -> list[ReferencePrice]:
        return []


def test_reference_prices_lag_behind_the_events_and_the_setting(store: ParquetStore) -> None:
    served, source = Served(), Source()
    # Where nobody is to be asked and nobody was, there is nothing to write, today as tomorrow.
    assert days_to_refer(store, served, None) == []
    assert days_to_refer(store, served, source) == [DAY]
    write_reference_day(store, served, source, DAY)
    assert days_to_refer(store, served, source) == []
    store.write(MARKET_EVENTS.name, DAY, pl.concat(trade_slices(WORLD)))
    assert days_to_refer(store, served, source) == [DAY]
    write_reference_day(store, served, source, DAY)

    assert days_to_refer(store, served, Silent()) == [DAY]
    assert write_reference_day(store, served, Silent(), DAY).row_count == 0
    assert days_to_refer(store, served, Silent()) == []
    assert days_to_refer(store, served, None) == [DAY]
    write_reference_day(store, served, None, DAY)
    assert days_to_refer(store, served, None) == []
    assert days_to_refer(store, served, Silent()) == [DAY]

    def kill(step: str) -> None:
        if step == "record":
            raise KilledError

    with pytest.raises(KilledError):
        write_reference_day(store, served, source, DAY, at_step=kill)
    assert days_to_refer(store, served, source) == [DAY]


def test_a_source_that_knows_nothing_leaves_an_empty_file(tmp_path: Path) -> None:
    store, served = ParquetStore(tmp_path), Served()
    store.write(MARKET_EVENTS.name, DAY, pl.concat(trade_slices(WORLD)))
    report = write_reference_day(store, served, Silent(), DAY)
    assert (report.row_count, report.file is not None, served.asked) == (0, True, {DAY: "pyth"})
    assert days_to_refer(store, served, Silent()) == []
