"""token_facts: what services, candles and pools say of a token, each column null until somebody says so."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from recorded_trades import recorded_trading

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.pool_reserves import newest_reserves
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.workflows.decode_day import decode_day
from oof_pipelines.workflows.fold import fold_day

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
BLOCK_DAY = date(2024, 3, 14)
MINT, OTHER = "CoinA", "CoinB"


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    write(
        database_url,
        "insert into token_sightings (mint, day, decimals, token_program, first_slot, first_block_time, first_sig) "
        "values (%s, %s, 6, 'Tok', 1, %s, 's'), (%s, %s, 9, '', 2, %s, 's')",
        (MINT, AT.date(), AT, OTHER, AT.date(), AT),
    )
    return database_url


def write(url: str, statement: str, values: tuple[Any, ...]) -> None:
    with psycopg.connect(url, connect_timeout=10) as connection:
        connection.execute(statement.encode(), values)


def read(url: str, columns: str, mint: str = MINT, table: str = "token_facts") -> tuple[Any, ...]:
    with psycopg.connect(url, connect_timeout=10) as connection:
        [row] = connection.execute(f"select {columns} from {table} where mint = %s".encode(), (mint,)).fetchall()
    return tuple(row)


def candle(url: str, hours: int, low: str, high: str, *, mint: str = MINT, tf: str = "1h", **changed: object) -> None:
    start = AT + timedelta(hours=hours)
    values: dict[str, object] = {
        "day": start.date(),
        "tf": tf,
        "mint": mint,
        "quote_mint": NATIVE_MINT,
        "bucket_start": start,
        **dict.fromkeys(("open", "high", "low", "close", "vwap"), 1),
        "base_volume_raw": 1,
        "quote_volume_raw": 1,
        "base_decimals": 6,
        "quote_decimals": 9,
        "trades": 3,
        "signers": 2,
        "excluded_trades": 0,
        "low_usd": Decimal(low),
        "high_usd": Decimal(high),
        "quote_usd": Decimal(150),
        "usd_source": "klines",
        "source": "swaps",
        "confidence": 1,
        "is_primary": True,
        "available_at": start + timedelta(hours=1),
        **changed,
    }
    names, places = ", ".join(values), ", ".join(["%s"] * len(values))
    write(url, f"insert into price_candles ({names}) values ({places})", tuple(values.values()))


def pool(
    url: str,
    quote_raw: int,
    *,
    pool: str = "P",
    quote_mint: str = USDC_MINT,
    days: int = 0,
    is_virtual: bool = False,
    mint: str = MINT,
) -> None:
    at = AT + timedelta(days=days)
    write(
        url,
        "insert into pool_reserves values (%s, %s, %s, %s, 'v', %s, 5, %s, %s, null, %s, 's', 1)",
        (at.date(), pool, mint, quote_mint, is_virtual, quote_raw, 100 + days, at),
    )


def test_a_token_of_which_nobody_spoke_has_what_transactions_show(url: str) -> None:
    columns = "symbol, decimals, logo_url, token_program, name, ath_price, atl_price, liquidity_band, updated_at"
    assert read(url, columns) == (None, 6, None, "Tok", None, None, None, None, AT)
    assert read(url, "decimals, token_program", OTHER) == (9, "")


def test_a_services_words_come_before_those_of_the_launch(url: str) -> None:
    write(
        url,
        "insert into token_events values (%s, 's', 1, null, %s, 1, '0', 'launch', 0, 'p', 'v', %s, 'w', '', '', '', "
        "'Launched', 'LNCH', '', '')",
        (AT.date(), AT, MINT),
    )
    assert read(url, "name, symbol, logo_url") == ("Launched", "LNCH", None)
    later = AT + timedelta(days=1)
    for source, name, logo in (("helius_das", "Told", "https://example.org/a.png"), ("rpc_mint", "Mint's", None)):
        write(
            url,
            "insert into token_metadata (mint, source, name, logo_url, fetched_at) values (%s, %s, %s, %s, %s)",
            (MINT, source, name, logo, later),
        )
    assert read(url, "name, symbol, logo_url, updated_at") == ("Told", "LNCH", "https://example.org/a.png", later)


def test_extremes_are_of_believed_candles_of_an_hour(url: str) -> None:
    candle(url, 0, "1.5", "3")
    candle(url, 1, "1.25", "2")
    candle(url, 1, "0.0001", "999", quote_mint=USDC_MINT, is_primary=False)
    candle(url, 2, "0.0001", "999", tf="1m")
    candle(url, 2, "0.0001", "999", mint=OTHER)
    assert read(url, "ath_price, atl_price, updated_at") == (Decimal(3), Decimal("1.25"), AT + timedelta(hours=2))


@pytest.mark.parametrize(
    ("held_raw", "band"),
    [
        (0, "none"),
        (1, "<1k"),
        (499_999_999, "<1k"),
        (500_000_000, "1k-10k"),
        (4_999_999_999, "1k-10k"),
        (5_000_000_000, "10k-100k"),
        (50_000_000_000, "100k-1M"),
        (499_999_999_999, "100k-1M"),
        (500_000_000_000, ">1M"),
    ],
)
def test_the_band_is_of_twice_the_dollars_that_its_pools_hold(url: str, held_raw: int, band: str) -> None:
    pool(url, held_raw)
    liquidity_usd, found = read(url, "liquidity_usd, liquidity_band")
    assert (liquidity_usd, found) == (Decimal(2 * held_raw) / 10**6, band)


def test_the_newest_state_of_each_pool_counts(url: str) -> None:
    pool(url, 9_000_000_000, days=-1)
    pool(url, 1_000_000)
    pool(url, 2_000_000, pool="Q", days=-1)
    assert read(url, "liquidity_usd, updated_at") == (Decimal(6), AT)


def test_what_sol_is_worth_comes_from_the_newest_candle_or_is_unknown(url: str) -> None:
    pool(url, 2_000_000_000, quote_mint=NATIVE_MINT)
    assert read(url, "liquidity_usd, liquidity_band") == (None, None)
    candle(url, 0, "1", "1", mint=OTHER)
    candle(url, 1, "1", "1", mint=OTHER, quote_usd=Decimal("151.5"))
    candle(url, 2, "1", "1", mint=OTHER, quote_usd=None)
    assert read(url, "liquidity_usd, liquidity_band") == (Decimal(606), "<1k")


def test_virtual_reserves_and_other_money_are_no_dollars(url: str) -> None:
    pool(url, 30_000_000_000, quote_mint=NATIVE_MINT, is_virtual=True)
    pool(url, 5_000_000, pool="Q", quote_mint="SomeCoin")
    candle(url, 0, "1", "1", mint=OTHER)
    assert read(url, "liquidity_usd, liquidity_band") == (None, None)


def test_what_the_feed_saw_counts_before_its_day_is_folded(url: str) -> None:
    pool(url, 1_000_000)
    write(
        url,
        "insert into tx_raw (sig, slot, ts, status, size_bytes, is_block_time_estimated) "
        "values ('h', 500, %s, 'ok', 1, false)",
        (AT + timedelta(days=1),),
    )
    for log_idx, ordinal, held_raw in ((65_537, 0, 6_000_000), (65_537, 1, 7_000_000), (1, 0, 5_000_000)):
        write(
            url,
            "insert into hot_market_events (sig, log_idx, kind, ordinal, program_id, venue, pool, mint, quote_mint, wallet, "
            "signer, creator, reserve_kind, quote_reserve_raw, token_program, name, symbol, uri, flag) "
            "values ('h', %s, 'trade', %s, 'p', 'v', 'P', %s, %s, 'w', 'w', '', 'vault', %s, '', '', '', '', '')",
            (log_idx, ordinal, MINT, USDC_MINT, held_raw),
        )
    assert read(url, "liquidity_usd, updated_at") == (Decimal(14), AT + timedelta(days=1))


def change_heard(url: str, slot: int, held_raw: int, *, kind: str = "liquidity_changed", **changed: object) -> None:
    """What the feed saw of a pool, by default a removal of the money alone: a call that does not name the coin."""
    write(
        url,
        "insert into tx_raw (sig, slot, ts, status, size_bytes, is_block_time_estimated) values (%s, %s, %s, 'ok', 1, false) "
        "on conflict do nothing",
        (f"h{slot}", slot, AT),
    )
    names = (
        "program_id venue pool mint quote_mint wallet signer creator reserve_kind token_program name symbol uri flag"
    )
    values: dict[str, object] = {
        **dict.fromkeys(names.split(), ""),
        "sig": f"h{slot}",
        "log_idx": 1,
        "kind": kind,
        "ordinal": 0,
        "pool": "P",
        "quote_mint": USDC_MINT,
        "quote_reserve_raw": held_raw,
        **changed,
    }
    places = ", ".join(["%s"] * len(values))
    write(url, f"insert into hot_market_events ({', '.join(values)}) values ({places})", tuple(values.values()))


@pytest.mark.parametrize("is_pool_folded", [True, False])
def test_a_pool_whose_money_alone_was_taken_out_is_empty(url: str, is_pool_folded: bool) -> None:
    if is_pool_folded:
        pool(url, 500_000_000_000)
    else:
        change_heard(url, 90, 500_000_000_000, kind="pool_state", mint=MINT, reserve_kind="vault")
    pool(url, 500_000_000, pool="Q", mint=OTHER)
    assert read(url, "liquidity_band") == (">1M",)
    change_heard(url, 200, 0)
    # Of another money and of another pool: neither is this pool's.
    change_heard(url, 201, 7_000_000_000, quote_mint=NATIVE_MINT)
    change_heard(url, 202, 7_000_000, pool="R")
    assert read(url, "liquidity_usd, liquidity_band") == (0, "none")
    assert read(url, "quote_reserve_raw, base_reserve_raw, slot", table="pool_liquidity") == (0, None, 200)
    assert read(url, "liquidity_band", OTHER) == ("1k-10k",)
    assert read(url, "count(*)", "", table="pool_liquidity") == (0,)

    change_heard(url, 203, 6_000_000, mint=MINT)
    assert read(url, "liquidity_usd") == (12,)


def test_a_folded_removal_counts_against_the_coin_of_another_day(url: str) -> None:
    pool(url, 500_000_000_000, days=-3)
    pool(url, 400_000_000_000, days=-2)
    pool(url, 1_000_000, mint="")
    assert read(url, "liquidity_usd") == (2,)
    pool(url, 3_000_000, days=1)
    assert read(url, "liquidity_usd") == (6,)


def event(slot: int, quote_reserve_raw: int | None, **changed: object) -> dict[str, object]:
    plain: dict[str, object] = {name: "" for name, kind in MARKET_EVENTS.columns.items() if kind == pl.String()}
    return {
        **plain,
        "signature": f"s{slot}",
        "slot": slot,
        "block_time": AT,
        "log_idx": 1,
        "kind": "trade",
        "ordinal": 0,
        "pool": "P",
        "mint": MINT,
        "quote_mint": USDC_MINT,
        "venue": "v",
        "reserve_kind": "vault",
        "base_reserve_raw": slot,
        "quote_reserve_raw": quote_reserve_raw,
        **changed,
    }


def test_a_day_leaves_the_last_reserves_of_each_pool_and_pair() -> None:
    events = [
        event(7, 70, tx_index=None, signature="z"),
        event(7, 71, tx_index=3, signature="a"),
        event(5, 50),
        event(8, None),
        event(6, 60, pool="Q", kind="liquidity_changed", reserve_kind="", is_add=False),
        event(6, 61, pool="R", reserve_kind="virtual", kind="pool_state"),
        event(9, 90, pool="", kind="trade"),
        event(9, 91, pool="S", kind="pool_created"),
        event(3, 30, mint="", kind="liquidity_changed", reserve_kind="", is_add=False),
        event(4, 40, mint="", kind="liquidity_changed", reserve_kind="", is_add=False),
        event(10, 92, quote_mint="", kind="liquidity_changed", reserve_kind="", is_add=False),
    ]
    frame = pl.DataFrame(events, schema=MARKET_EVENTS.columns)
    found = newest_reserves(frame)
    assert found.select("pool", "mint", "quote_reserve_raw", "reserve_kind", "slot").rows() == [
        ("P", "", 40, False, 4),
        ("P", MINT, 70, False, 7),
        ("Q", MINT, 60, False, 6),
        ("R", MINT, 61, True, 6),
    ]
    assert newest_reserves(frame.sample(fraction=1, shuffle=True, seed=3)).equals(found)


def test_of_recorded_trades_the_feed_and_the_files_say_the_same(
    database_url: str, tmp_path: Path, fixtures_dir: Path
) -> None:
    migrate(database_url, load_settings({}).migrations_folder)
    rows = [row for row in recorded_trading(fixtures_dir) if row.block_time.date() == BLOCK_DAY]

    async def store() -> None:
        async with PostgresInbox(lambda: database_url) as inbox:
            await inbox.store(rows, [])
            await inbox.mark_final([row.signature for row in rows])

    def pools() -> list[tuple[Any, ...]]:
        with psycopg.connect(database_url, connect_timeout=10) as connection:
            return connection.execute("select * from pool_liquidity order by pool, mint, quote_mint").fetchall()

    asyncio.run(store())
    hot = pools()
    files = ParquetStore(tmp_path)
    with PostgresFoldSource(database_url) as source, PostgresServedRows(database_url) as served:
        fold_day(files, source, "raw_transactions", BLOCK_DAY)
        for _ in range(2):
            decode_day(files, served, BLOCK_DAY)
            assert pools() == hot
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        [(day_rows, bands)] = connection.execute(
            "select (select count(*) from pool_reserves), (select count(liquidity_band) from token_facts)"
        ).fetchall()
    assert day_rows == len(hot) > 20
    # Those that trade against USDC and USDT; nobody here says what SOL is worth.
    assert bands > 0
