"""Readings are kept once and exactly, what cannot be kept is quarantined, and each source's state is written down."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

import psycopg
import pytest
from market_readings import AT, book, kline, quote, refusal, tick, token, volume
from stored_swaps import store_swaps

from oof_pipelines.market_store import Harvest, Kept, What
from oof_pipelines.pricing.readings import BINANCE, DEFILLAMA, HELIUS_DAS, JUPITER, DepthLevel, DepthSnapshot
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.market_data import PostgresMarketData
from oof_pipelines.storage.postgres.migrate import migrate

T = TypeVar("T")
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
TABLES = (
    "price_ticks",
    "quotes",
    "volume_readings",
    "klines",
    "depth_snapshots",
    "token_metadata",
    "refused_readings",
    "source_status",
)


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


def do(url: str, work: Callable[[PostgresMarketData], Awaitable[T]]) -> T:
    async def run() -> T:
        async with PostgresMarketData(lambda: url) as store:
            return await work(store)

    return asyncio.run(run())


def keep(url: str, *harvests: Harvest) -> list[Kept]:
    async def work(store: PostgresMarketData) -> list[Kept]:
        return [await store.keep(harvest) for harvest in harvests]

    return do(url, work)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, connect_timeout=10) as connection:
        return connection.execute(query.encode()).fetchall()


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    return {table: rows(url, f"select * from {table} order by 1, 2, 3") for table in TABLES}


HARVESTS = (
    Harvest(JUPITER, What.PRICES, AT, ticks=(tick(), tick("0.9995676897815599", mint=MINT)), refused=(refusal(),)),
    Harvest(JUPITER, What.QUOTES, AT, quotes=(quote(),)),
    Harvest(DEFILLAMA, What.VOLUMES, AT, volumes=(volume(), volume("17.5", name="raydium"))),
    Harvest(BINANCE, What.KLINES, AT, klines=(kline(), kline(5, is_closed=False))),
    Harvest(BINANCE, What.DEPTH, AT, depth=(book(), book(8))),
    Harvest(HELIUS_DAS, What.METADATA, AT, tokens=(token(MINT),)),
)


def test_every_kind_is_kept_and_twice_is_once(url: str) -> None:
    first = keep(url, *HARVESTS)
    before = everything(url)
    assert [(kept.stored, kept.refused) for kept in first] == [(2, 1), (1, 0), (2, 0), (2, 0), (2, 0), (1, 0)]
    assert all(kept.last_good_at == AT for kept in first)
    again = keep(url, *HARVESTS)
    assert [(kept.stored, kept.refused) for kept in again] == [(0, 0)] * 6
    assert everything(url) == before
    assert {table: len(found) for table, found in before.items()} == {
        "price_ticks": 2,
        "quotes": 1,
        "volume_readings": 2,
        "klines": 2,
        "depth_snapshots": 2,
        "token_metadata": 1,
        "refused_readings": 1,
        "source_status": 6,
    }


def test_figures_come_back_to_the_last_digit(url: str) -> None:
    keep(url, *HARVESTS)
    assert rows(url, "select price_usd from price_ticks order by 1") == [
        (Decimal("0.999567689781559900"),),
        (Decimal("75.341313971605150000"),),
    ]
    [(sold, bought, least, labels, hops)] = rows(
        url, "select sold_raw, bought_raw, least_bought_raw, labels, hops from quotes"
    )
    assert (sold, bought, least, labels) == (1_000_000_000, 91_103_528, 90_648_010, ["Scorch"])
    assert hops[0]["bought_raw"] == "91103528"
    assert rows(url, "select bids, asks from depth_snapshots where last_update_id = 7") == [
        ([["150.10", "3.5"], ["150.00", "9"]], [["150.20", "1.25"]])
    ]


def test_a_price_is_rounded_half_to_even(url: str) -> None:
    prices = {"1.0000000000000000005": "1.000000000000000000", "1.0000000000000000015": "1.000000000000000002"}
    for number, (sent, stored) in enumerate(prices.items()):
        at = AT + timedelta(seconds=number)
        keep(url, Harvest(JUPITER, What.PRICES, at, ticks=(tick(sent, at=at),)))
        found = rows(url, f"select price_usd from price_ticks where published_at = '{at.isoformat()}'")
        assert found == [(Decimal(stored),)]


def with_quantity(text: str) -> DepthSnapshot:
    return replace(book(), bids=(DepthLevel(Decimal(1), Decimal(text)),))


def test_what_no_column_holds_is_quarantined_and_the_rest_is_kept(url: str) -> None:
    odd = (tick("1e-19", mint="tiny"), tick("1e20", mint="huge"), replace(tick(mint="slot"), slot=2**63))
    [kept] = keep(url, Harvest(JUPITER, What.PRICES, AT, ticks=(*odd, tick())))
    assert (kept.stored, kept.refused, kept.last_good_at) == (1, 3, AT)
    assert rows(url, "select subject, reason from refused_readings order by 1") == [
        ("huge", "price does not fit 20 digits before the point"),
        ("slot", "slot does not fit 63 bits"),
        ("tiny", "price is not above 0 at 18 places"),
    ]


@pytest.mark.parametrize(
    "harvest",
    [
        Harvest(DEFILLAMA, What.VOLUMES, AT, volumes=(volume("-1"),)),
        Harvest(DEFILLAMA, What.VOLUMES, AT, volumes=(replace(volume(), window_hours=0),)),
        Harvest(DEFILLAMA, What.VOLUMES, AT, volumes=(volume("NaN"),)),
        Harvest(BINANCE, What.KLINES, AT, klines=(replace(kline(), high=Decimal("149.9")),)),
        Harvest(BINANCE, What.KLINES, AT, klines=(replace(kline(), trades=-1),)),
        Harvest(JUPITER, What.QUOTES, AT, quotes=(quote(0),)),
        Harvest(JUPITER, What.QUOTES, AT, quotes=(replace(quote(), bought_raw=2**64),)),
        Harvest(JUPITER, What.QUOTES, AT, quotes=(replace(quote(), other_amount_threshold_raw=2**40),)),
        Harvest(HELIUS_DAS, What.METADATA, AT, tokens=(replace(token(MINT), decimals=256),)),
        Harvest(HELIUS_DAS, What.METADATA, AT, tokens=(replace(token(MINT), token_program="x" * 3_000_000),)),
        Harvest(DEFILLAMA, What.VOLUMES, AT, volumes=(volume(name="".join(map(chr, range(256, 4096)))),)),
        Harvest(BINANCE, What.DEPTH, AT, depth=(with_quantity("1e-30000000"),)),
        Harvest(BINANCE, What.DEPTH, AT, depth=(with_quantity("NaN"),)),
    ],
)
def test_nothing_absurd_gets_into_a_table(url: str, harvest: Harvest) -> None:
    [kept] = keep(url, harvest)
    assert (kept.stored, kept.refused, kept.last_good_at) == (0, 1, None)
    assert rows(url, "select readings, refused, last_good_at from source_status") == [(0, 1, None)]


def test_an_open_kline_is_replaced_and_a_closed_one_stays(url: str) -> None:
    for one, expected in (
        (kline(close="150.1", is_closed=False), "150.1"),
        (kline(close="150.2", is_closed=False), "150.2"),
        (kline(close="150.3"), "150.3"),
        (kline(close="150.4", is_closed=False), "150.3"),
    ):
        keep(url, Harvest(BINANCE, What.KLINES, AT, klines=(one,)))
        assert rows(url, "select close from klines") == [(Decimal(expected),)]
    assert do(url, lambda store: store.newest_kline_at(BINANCE, "SOLUSDT", "5m")) == AT
    assert do(url, lambda store: store.newest_kline_at(BINANCE, "SOLUSDT", "1m")) is None


def test_what_a_source_once_knew_of_a_token_is_not_forgotten(url: str) -> None:
    later = AT + timedelta(days=40)
    unknown = replace(token(MINT, name="", symbol="", at=later), logo_url=None, decimals=None)
    keep(url, HARVESTS[-1], Harvest(HELIUS_DAS, What.METADATA, later, tokens=(unknown,)))
    assert rows(url, "select name, symbol, decimals, fetched_at from token_metadata") == [
        ("Some Coin", "SOME", 6, later)
    ]


def test_words_of_a_token_that_postgres_refuses_are_kept_without_what_it_refuses(url: str) -> None:
    one = replace(token(MINT, name="a\0b", symbol="\ud800"), token_program="c\0d")
    keep(url, Harvest(HELIUS_DAS, What.METADATA, AT, tokens=(one,)))
    assert rows(url, "select name, symbol, token_program from token_metadata") == [("ab", "?", "cd")]


def test_the_state_of_a_source_remembers_when_it_was_last_good(url: str) -> None:
    later, latest = AT + timedelta(minutes=1), AT + timedelta(minutes=2)
    keep(
        url,
        HARVESTS[0],
        Harvest(JUPITER, What.PRICES, later, error="jupiter: timed out"),
        Harvest(JUPITER, What.PRICES, latest, error="jupiter: left alone", is_breaker_open=True),
    )
    columns = "last_asked_at, last_good_at, readings, refused, last_error, last_error_at, breaker_state"
    assert rows(url, f"select {columns} from source_status") == [
        (latest, AT, 2, 1, "jupiter: left alone", latest, "open")
    ]
    keep(url, Harvest(JUPITER, What.PRICES, latest + timedelta(minutes=1), ticks=(tick(at=latest),)))
    assert rows(url, "select last_error, breaker_state, readings from source_status") == [
        ("jupiter: left alone", "closed", 3)
    ]


def test_old_books_are_dropped(url: str) -> None:
    keep(url, Harvest(BINANCE, What.DEPTH, AT, depth=(book(), book(8, at=AT + timedelta(hours=1)))))
    assert do(url, lambda store: store.forget_depth(AT + timedelta(minutes=30))) == 1
    assert rows(url, "select last_update_id from depth_snapshots") == [(8,)]


SWAPS = [("A", "B", 0), ("A", "C", 1), ("B", "A", 2), ("D", "A", 8), ("lamports", "E", 3), ("F", "F", 4), ("F", "F", 5)]


def test_touched_mints_are_those_of_the_newest_stored_days_the_most_traded_first(url: str) -> None:
    assert do(url, lambda store: store.touched_mints(7, 100)) == []
    store_swaps(url, SWAPS)
    assert do(url, lambda store: store.touched_mints(7, 100)) == ["A", "B", "F", "C", "E"]
    assert do(url, lambda store: store.touched_mints(7, 2)) == ["A", "B"]
    assert "D" in do(url, lambda store: store.touched_mints(30, 100))


def test_metadata_is_lacked_by_mints_never_asked_about_and_then_by_the_oldest(url: str) -> None:
    store_swaps(url, SWAPS)

    def lacking(days: int) -> list[str]:
        return do(url, lambda store: store.mints_lacking_metadata(HELIUS_DAS, AT - timedelta(days=days), 100))

    assert lacking(30) == ["B", "C", "A", "E", "F"]
    old = Harvest(HELIUS_DAS, What.METADATA, AT, tokens=(token("B", at=AT - timedelta(days=40)), token("E", at=AT)))
    keep(url, old)
    assert lacking(30) == ["C", "A", "F", "B"]
    assert lacking(50) == ["C", "A", "F"]


def test_refusals_are_kept_for_a_month(url: str) -> None:
    for days in (0, 20, 31):
        at = AT + timedelta(days=days)
        keep(url, Harvest(JUPITER, What.PRICES, at, refused=(refusal(at=at),)))
        keep(url, Harvest(BINANCE, What.KLINES, AT, refused=(refusal(source=BINANCE),)))
    kept = rows(url, "select source, refused_at from refused_readings order by 1, 2")
    assert kept == [(BINANCE, AT), (JUPITER, AT + timedelta(days=20)), (JUPITER, AT + timedelta(days=31))]
    assert rows(url, "select refused from source_status where source = 'jupiter'") == [(3,)]


def test_a_connection_that_dies_is_opened_again_and_nothing_is_kept_twice(url: str) -> None:
    async def run() -> list[Kept]:
        async with PostgresMarketData(lambda: url) as store:
            first = await store.keep(HARVESTS[0])
            with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
                ended = connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where application_name = 'oof market' and datname = current_database()"
                ).fetchall()
            assert ended == [(True,)]
            return [first, await store.keep(HARVESTS[0]), await store.keep(HARVESTS[1])]

    kept = asyncio.run(run())
    assert [(one.stored, one.refused) for one in kept] == [(2, 1), (0, 0), (1, 0)]
