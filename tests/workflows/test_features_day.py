"""A day's features: made slice by slice, checked against the fold and by themselves, written only where all of it holds."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.commands.bench_trades import TradeWorld, trade_slices
from oof_pipelines.features.frames import feature_frame
from oof_pipelines.pricing.reference import ReferencePrice
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.storage.parquet.reference_rows import reference_frame
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.trade_slices import ParquetTrades, trades_within
from oof_pipelines.workflows import feature_checks
from oof_pipelines.workflows.decode_day import DECODED
from oof_pipelines.workflows.feature_checks import FEATURE_CHECKS, check_features, mint_slice
from oof_pipelines.workflows.features_day import FeaturesReport, days_to_make, features_day
from oof_pipelines.workflows.fold import InvalidPartitionError

DAY = date(2026, 1, 5)
TRADES = 3_000


class Served:
    """What was published, and which locks were held then."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.days: set[date] = set()
        self.published: list[tuple[date, pl.DataFrame, list[str]]] = []

    @contextlib.contextmanager
    def lock(self, dataset: str, day: date) -> Iterator[None]:
        self.held.append(dataset)
        try:
            yield
        finally:
            self.held.remove(dataset)

    def days_published(self) -> set[date]:
        return self.days

    def begin(self, day: date) -> None:
        self.days.discard(day)

    def publish(self, day: date, pieces: Iterable[pl.DataFrame], sha256: str) -> None:
        self.days.add(day)
        self.published.append((day, pl.concat(pieces), list(self.held)))


@pytest.fixture(scope="module")
def market() -> pl.DataFrame:
    return pl.concat(trade_slices(TradeWorld(TRADES, 1, DAY, mints=30, wallets=200)))


@pytest.fixture
def store(tmp_path: Path, market: pl.DataFrame) -> ParquetStore:
    store = ParquetStore(tmp_path)
    store.write("market_events", DAY, market)
    return store


def make(store: ParquetStore, served: Served | None = None, *, rows_a_slice: int = 700) -> FeaturesReport:
    return features_day(store, ParquetTrades(store, rows_a_slice=rows_a_slice), served or Served(), DAY)


def test_a_day_is_made_checked_written_and_served_under_both_locks(store: ParquetStore) -> None:
    served = Served()
    report = make(store, served)
    assert {check.name for check in report.checks} == set(FEATURE_CHECKS)
    assert all(check.has_passed and check.is_blocking for check in report.checks)
    assert report.trade_count == TRADES == sum(report.by_hour.values())
    assert len(report.most_traded) == 10
    assert report.first_slot is not None
    [(day, published, held)] = served.published
    assert (day, held) == (DAY, [DECODED, "features_1m"])
    in_file = store.read("features_1m", DAY)
    assert in_file is not None
    assert in_file.equals(published)
    assert in_file.height == report.row_count


def test_how_the_day_is_cut_leaves_no_trace_in_the_bytes(store: ParquetStore) -> None:
    digests = {rows: make(store, rows_a_slice=rows).file for rows in (50, 700, 10**6)}
    assert len(set(digests.values())) == 1


def test_a_day_without_market_events_has_no_features(tmp_path: Path) -> None:
    served = Served()
    report = make(ParquetStore(tmp_path), served)
    assert (report.file, report.checks, served.published) == (None, (), [])


def test_a_day_without_trades_has_an_empty_file(store: ParquetStore, market: pl.DataFrame) -> None:
    store.write("market_events", DAY, market.clear())
    report = make(store)
    assert (report.row_count, report.first_slot, report.most_traded) == (0, None, ())
    assert report.file is not None


def swapped(name: str, value: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda frame: frame.with_columns(value.cast(FEATURES_1M.columns[name]).alias(name))


BROKEN: dict[str, tuple[str, Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "a row twice": ("features_1m_schema", lambda frame: pl.concat([frame, frame.head(1)])),
    "a share above 1": ("features_1m_schema", swapped("whale_share_top5", pl.lit("1.1"))),
    "a row of another day": (
        "features_1m_schema",
        swapped("bucket_start", pl.col("bucket_start") - pl.duration(days=1)),
    ),
    "a row of half a minute": (
        "features_1m_schema",
        swapped("bucket_start", pl.col("bucket_start") + pl.duration(seconds=30)),
    ),
    "a trade that is neither": ("trades_add_up", swapped("sells", pl.col("sells") + 1)),
    "more traders than trades": ("trades_add_up", swapped("holders_touched", pl.col("trades") + 1)),
    "a net that is none": ("flows_add_up", swapped("net_inflow_sol", pl.col("net_inflow_sol") + pl.col("vol_in_sol"))),
    "a share of nothing": (
        "flows_add_up",
        lambda frame: frame.with_columns(
            pl.lit(0).cast(pl.Decimal(38, 0)).alias(n) for n in ("vol_in_raw", "vol_out_raw")
        ),
    ),
    "a digit": (
        "agrees_with_step",
        swapped("close_price", pl.col("close_price") + pl.lit("0.000000000000000001").cast(pl.Decimal(38, 18))),
    ),
    "a row too few": ("agrees_with_step", lambda frame: frame.tail(-1)),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_fails_its_check(store: ParquetStore, market: pl.DataFrame, what: str) -> None:
    check, broken = BROKEN[what]
    right = FEATURES_1M.arrange(feature_frame(market))
    trades = ParquetTrades(store)
    assert all(result.has_passed for result in check_features(DAY, right, trades, None))
    found = {result.name: result for result in check_features(DAY, broken(right), trades, None)}
    assert not found[check].has_passed
    assert found[check].detail


def test_a_broken_day_stays_as_it_was(store: ParquetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    make(store)
    before = store.path("features_1m", DAY).read_bytes()
    served = Served()
    monkeypatch.setattr(feature_checks, "folded", lambda _trades, _rates: [])
    with pytest.raises(InvalidPartitionError, match="agrees_with_step"):
        make(store, served)
    assert served.published == []
    assert store.path("features_1m", DAY).read_bytes() == before


@pytest.mark.parametrize("step", ["read", "finish", "validate", "begin", "write", "publish", "done"])
def test_ended_at_any_step_it_is_to_be_made_and_doing_it_again_ends_the_same(store: ParquetStore, step: str) -> None:
    served = Served()
    expected = make(store, served)
    assert days_to_make(store, served) == []
    # The trades are written again, as a decoder that changed would.
    store.write("market_events", DAY, pl.concat(store.batches("market_events", DAY)))
    assert days_to_make(store, served) == [DAY]

    def end(name: str) -> None:
        if name == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features_day(store, ParquetTrades(store), served, DAY, at_step=end)
    assert days_to_make(store, served) == ([] if step == "done" else [DAY])
    assert make(store, served).file == expected.file
    assert days_to_make(store, served) == []
    assert served.held == []


def test_new_prices_make_a_day_lag(store: ParquetStore) -> None:
    served = Served()
    make(store, served)
    store.write("reference_prices", DAY, reference_frame([]))
    assert days_to_make(store, served) == [DAY]


def test_of_a_large_day_a_part_of_the_coins_is_folded_another_one_every_day(
    store: ParquetStore, market: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_checks, "FOLDED_WHOLE_UP_TO", TRADES - 1)
    right = FEATURES_1M.arrange(feature_frame(market))
    result = check_features(DAY, right, ParquetTrades(store), None)[-1]
    assert result.has_passed
    looked_at = right.filter(
        pl.col("mint").map_elements(lambda mint: mint_slice(mint, 16), pl.Int64) == DAY.toordinal() % 16
    )
    assert 0 < looked_at.height < right.height
    assert result.detail.endswith(f"{looked_at.height} of {right.height} rows")
    wrong = right.with_columns(
        buys=pl.when(pl.col("mint") == looked_at["mint"][0]).then("sells").otherwise("buys"),
        sells=pl.when(pl.col("mint") == looked_at["mint"][0]).then("buys").otherwise("sells"),
    )
    assert not check_features(DAY, wrong, ParquetTrades(store), None)[-1].has_passed


def test_trades_of_some_minutes_are_found_without_the_rest(store: ParquetStore, market: pl.DataFrame) -> None:
    first, end = datetime(2026, 1, 5, 3, 17, tzinfo=UTC), datetime(2026, 1, 5, 3, 47, tzinfo=UTC)
    mints = market["mint"].unique().sort().to_list()[:5]
    found = trades_within(store.path("market_events", DAY), first, end, mints)
    expected = market.filter(
        pl.col("mint").is_in(mints), (pl.col("block_time") >= first) & (pl.col("block_time") < end)
    )
    assert found.height == expected.height > 0
    assert found["signature"].sort().equals(expected["signature"].sort())
    assert trades_within(store.path("market_events", date(2020, 1, 1)), first, end, mints).height == 0


def test_rates_are_those_of_the_days_reference_prices(store: ParquetStore) -> None:
    noon_s = int(datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp())
    price = ReferencePrice(noon_s, Decimal("151.5"), "klines", Decimal("0.9"), noon_s)
    store.write("reference_prices", DAY, reference_frame([(noon_s, price)]))
    make(store)
    rows = store.read("features_1m", DAY)
    assert rows is not None
    at_noon = rows.filter(pl.col("bucket_start").dt.epoch("s") == noon_s)
    assert at_noon["sol_usd"].unique().to_list() == [Decimal("151.5")]
    in_sol = at_noon.filter(pl.col("quote_mint") == NATIVE_MINT).row(0, named=True)
    assert in_sol["volume_usd"] == (in_sol["vol_in_sol"] + in_sol["vol_out_sol"]) * Decimal("151.5")
    assert in_sol["usd_source"] == "klines"
    before = rows.filter(pl.col("bucket_start").dt.epoch("s") < noon_s)
    assert before["sol_usd"].null_count() == before.height > 0
