"""Candles in Postgres: replaced by day, the views by age, ticks as reference prices, and look-ups as from the files."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import psycopg
import pytest
from decoded_home import select

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.commands.bench_trades import TradeWorld, trade_slices
from oof_pipelines.config_files import read_config
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.pricing.filters import read_filters
from oof_pipelines.pricing.lookup import ANSWER
from oof_pipelines.pricing.reference import ReferencePrice
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.candles import PostgresCandles
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.price_ticks import PostgresTicks
from oof_pipelines.workflows.price_day import price_day
from oof_pipelines.workflows.price_lookup import (
    LookedUpPrice,
    at_minute,
    max_in,
    min_in,
    mint_at_minute,
    mint_max_in,
    mint_min_in,
)
from oof_pipelines.workflows.reference_prices import midnight_s, write_reference_day

DAYS = [date(2026, 1, 5), date(2026, 1, 6)]
FILTERS = read_filters(read_config("prices.yaml"))
AS_OF = datetime(2026, 1, 7, tzinfo=UTC)


class Source:
    name = "pyth"

    def prices(self, first_s: int, last_s: int) -> list[ReferencePrice]:
        return [
            ReferencePrice(second, Decimal(150) + Decimal(second % 1_000) / 100, self.name, Decimal("0.97"), second)
            for second in range(first_s - first_s % 300, last_s, 300)
        ]


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


@pytest.fixture
def store(url: str, tmp_path: Path) -> ParquetStore:
    made = ParquetStore(tmp_path)
    with PostgresCandles(url) as served:
        for seed, day in enumerate(DAYS):
            world = TradeWorld(trades=1_500, seed=seed, day=day, mints=6, wallets=60)
            made.write(MARKET_EVENTS.name, day, pl.concat(trade_slices(world)))
            write_reference_day(made, served, Source(), day)
            price_day(made, served, FILTERS, day)
    return made


def mints(store: ParquetStore) -> list[str]:
    frame = store.read("price_1m", DAYS[0])
    assert frame is not None
    return sorted(frame["mint"].unique())


def test_a_day_is_replaced_and_the_others_stay(url: str, store: ParquetStore) -> None:
    counted = "select day, tf, count(*), sum(trades) from price_candles group by 1, 2 order by 1, 2"
    before = select(url, counted)
    assert [(day, tf) for day, tf, _, _ in before] == [(day, tf) for day in DAYS for tf in ("1h", "1m", "5m")]
    frame = store.read("price_1m", DAYS[0])
    assert frame is not None
    believed = frame.filter(pl.col("vwap").is_not_null())
    assert select(url, "select count(*), sum(vwap) from price_candles where tf = '1m' and day = '2026-01-05'") == [
        (believed.height, sum(believed["vwap"]))
    ]

    store.write(MARKET_EVENTS.name, DAYS[0], pl.concat(trade_slices(TradeWorld(100, 9, DAYS[0], mints=2, wallets=9))))
    with PostgresCandles(url) as served:
        price_day(store, served, FILTERS, DAYS[0])
    after = select(url, counted)
    assert after[3:] == before[3:]
    assert after[0][3] <= 100 < before[0][3]


def test_a_day_that_is_being_replaced_is_not_published(url: str, store: ParquetStore) -> None:
    with PostgresCandles(url) as served:
        assert served.days_published() == set(DAYS)
        assert served.sources_asked() == dict.fromkeys(DAYS, "pyth")
        served.begin(DAYS[0])
        assert served.days_published() == {DAYS[1]}
        report = price_day(store, served, FILTERS, DAYS[0])
        assert served.days_published() == set(DAYS)
    digests = " ".join(file.sha256 for file in report.files.values())
    assert select(url, "select sha256 from price_days where day = '2026-01-05'") == [(digests,)]


@pytest.mark.parametrize("unit", ["usd", NATIVE_MINT, USDC_MINT])
def test_both_ways_answer_the_same(url: str, store: ParquetStore, unit: str) -> None:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    instants = [start + timedelta(minutes=157 * place, seconds=place) for place in range(18)]
    asked = [("nobody", start), *((mints(store)[place % 6], at) for place, at in enumerate(instants))]
    points = pl.DataFrame(asked, schema={"mint": pl.String, "at": pl.Datetime("us", "UTC")}, orient="row")
    windows = points.select("mint", since="at", until=pl.col("at") + pl.duration(minutes=90))
    # Of a day ago, of two weeks, of a year, and of three years: every timeframe, and none.
    found = 0
    for as_of in (AS_OF, AS_OF + timedelta(days=14), AS_OF + timedelta(days=365), AS_OF + timedelta(days=1_000)):
        in_bulk = at_minute(store, points, as_of, unit=unit)
        highest = max_in(store, windows, as_of, unit=unit)
        lowest = min_in(store, windows, as_of, unit=unit)
        assert in_bulk.select("mint", "at").equals(points)
        with PostgresCandles(url) as served:
            for place, (mint, at) in enumerate(asked):
                until = at + timedelta(minutes=90)
                singles = (
                    mint_at_minute(served, mint, at, as_of, unit=unit),
                    mint_max_in(served, mint, at, until, as_of, unit=unit),
                    mint_min_in(served, mint, at, until, as_of, unit=unit),
                )
                for single, frame in zip(singles, (in_bulk, highest, lowest), strict=True):
                    assert single == answer(frame, place)
                    found += single is not None
                    assert single is None or single.available_at <= (at if frame is in_bulk else until)
    assert found > 9


@pytest.mark.parametrize("unit", ["usd", NATIVE_MINT])
def test_who_asks_in_the_past_is_told_nothing_of_what_came_after(url: str, store: ParquetStore, unit: str) -> None:
    mint = mints(store)[0]
    as_of = datetime(2026, 1, 5, 12, tzinfo=UTC)
    since, until = as_of - timedelta(hours=3), as_of + timedelta(hours=4)
    point = pl.DataFrame([(mint, until)], schema={"mint": pl.String, "at": pl.Datetime("us", "UTC")}, orient="row")
    window = point.select("mint", since=pl.lit(since), until=pl.lit(until))
    then = window.with_columns(until=pl.lit(as_of))
    with PostgresCandles(url) as served:
        for in_bulk, one in ((max_in, mint_max_in), (min_in, mint_min_in)):
            known = answer(in_bulk(store, window, as_of, unit=unit), 0)
            assert known is not None
            assert known == one(served, mint, since, until, as_of, unit=unit)
            assert known == answer(in_bulk(store, then, as_of, unit=unit), 0)
            # Of what is still to come nothing is known, until it has come.
            for seen_at, is_known in ((as_of, False), (until, True)):
                ahead = one(served, mint, as_of, until, seen_at, unit=unit)
                assert (ahead is not None) == is_known
                assert ahead == answer(in_bulk(store, window.with_columns(since=pl.lit(as_of)), seen_at, unit=unit), 0)

        # Whoever asks when the newest candle began is told of one before it, or of none.
        newest = mint_at_minute(served, mint, until, until, unit=unit)
        assert newest is not None
        before = mint_at_minute(served, mint, until, newest.candle_start, unit=unit)
        assert before is None or before.available_at <= newest.candle_start
        assert before == answer(at_minute(store, point, newest.candle_start, unit=unit), 0)
        assert newest == answer(at_minute(store, point, newest.available_at, unit=unit), 0)


def answer(frame: pl.DataFrame, place: int) -> LookedUpPrice | None:
    row = frame.select(list(ANSWER)).row(place, named=True)
    return LookedUpPrice(**row) if row["price"] is not None else None


def test_the_three_views_and_token_prices_go_by_age(url: str, store: ParquetStore) -> None:
    kept = "select count(*) from {}"
    assert select(url, kept.format("mv_price_1m"))[0][0] > 0
    assert select(url, kept.format("mv_price_5m")) == select(url, kept.format("mv_price_1h")) == [(0,)]
    priced = "select mint, ts, price from token_prices"
    frames = [store.read("price_1m", day) for day in DAYS]
    wanted = pl.concat(frame.filter("is_primary") for frame in frames if frame is not None)
    assert sorted(select(url, priced)) == sorted(wanted.select("mint", "bucket_start", "vwap_usd").drop_nulls().rows())

    # Ten days later the same days are told in five minutes, half a year later in hours, after two years no more.
    for days, view in ((10, "mv_price_5m"), (300, "mv_price_1h"), (900, None)):
        move(url, days)
        counts = {name: select(url, kept.format(name))[0][0] for name in ("mv_price_1m", "mv_price_5m", "mv_price_1h")}
        # The one candle that moved time on is itself told in minutes.
        assert {name for name, count in counts.items() if count} == {"mv_price_1m", *([view] if view else [])}
        assert select(url, "select count(*) - count(distinct (mint, ts)) from token_prices") == [(0,)]


def move(url: str, days: int) -> None:
    """One more candle, `days` after the newest of the two days."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("delete from price_candles where day = '2000-01-01'")
        columns = [name for (name,) in connection.execute(_COLUMNS).fetchall()]
        moved = [_MOVED.get(name, name) for name in columns]
        newest = "select * from price_candles where tf = '1m' and is_primary order by available_at desc limit 1"
        statement = (
            f"insert into price_candles ({', '.join(columns)}) select {', '.join(moved)} from ({newest}) as newest"
        )
        connection.execute(statement.replace("{days}", str(days)).encode())


_COLUMNS = "select column_name from information_schema.columns where table_name = 'price_candles'"
_MOVED = {
    "day": "date '2000-01-01'",
    "bucket_start": "bucket_start + interval '{days} days'",
    "available_at": "available_at + interval '{days} days'",
}


def test_ticks_of_the_named_source_alone_are_reference_prices(url: str) -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    ticks = [
        ("pyth", NATIVE_MINT, at, "150.25", "0.15", at),
        ("pyth", NATIVE_MINT, at + timedelta(seconds=90, milliseconds=250), "151", None, at),
        ("pyth", NATIVE_MINT, at + timedelta(seconds=120), "2000000", None, at),
        ("pyth", USDC_MINT, at, "1", None, at),
        ("jupiter", NATIVE_MINT, at, "149", None, at),
        ("pyth", NATIVE_MINT, at - timedelta(days=1), "140", None, at),
    ]
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into price_ticks (source, mint, published_at, price_usd, confidence_usd, received_at) "
            "values (%s, %s, %s, %s, %s, %s)",
            ticks,
        )
    second = midnight_s(at.date())
    assert PostgresTicks(url, "pyth").prices(second, second + 3_600) == [
        ReferencePrice(second, Decimal("150.25"), "pyth", Decimal("0.98"), second),
        ReferencePrice(second + 91, Decimal(151), "pyth", Decimal("0.8"), second + 91),
    ]
    assert [price.price_usd for price in PostgresTicks(url, "jupiter").prices(second, second)] == [149]
