"""Candles as of now: whatever part of a day is in files, priced or not, they are those of the whole day's pricing."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from position_world import address

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.config_files import read_config
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.market.events import TRADE
from oof_pipelines.pricing.candles import day_candles
from oof_pipelines.pricing.coded_trades import TRADE_COLUMNS, known_decimals
from oof_pipelines.pricing.filters import read_filters
from oof_pipelines.pricing.reference import ReferencePrice, ReferencePrices
from oof_pipelines.storage.parquet.dataset import RAW_AMOUNT
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.minute_candles import ParquetMinuteCandles
from oof_pipelines.storage.parquet.price_schemas import PRICE_1M
from oof_pipelines.storage.parquet.recent_trades import ParquetRecentTrades
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.fresh_candles import FreshCandles, FreshRates, FreshSources, KeptCandles, KeptReference
from oof_pipelines.workflows.minute_candles import candles_by_mint

DAY = date(2025, 3, 10)
START = datetime(2025, 3, 10, 9, tzinfo=UTC)
FILTERS = read_filters(read_config("prices.yaml"))
COINS = [address(f"coin {number}") for number in range(4)]


class Klines:
    """A SOL is worth 150 dollars and the number of the minute in cents."""

    name = "klines"

    def prices(self, first_s: int, last_s: int) -> list[ReferencePrice]:
        first = first_s - first_s % 60 + 60
        return [
            ReferencePrice(at_s, 150 + Decimal(at_s // 60 % 60) / 100, "klines", Decimal("0.95"), at_s)
            for at_s in range(first, last_s + 1, 60)
        ]


class Waiting:
    """Trades that no file holds."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows

    def trades(self, mints: Collection[str]) -> pl.DataFrame:
        own = pl.col("mint").is_in(sorted(mints)) | pl.col("quote_mint").is_in(sorted(mints))
        return self.rows.filter(own)


def trades(seed: int, count: int) -> pl.DataFrame:
    """Trades over some hours: three coins for SOL or USDC, the fourth for the third alone; some are far off."""
    dice = Random(seed)
    rows: list[dict[str, Any]] = []
    empty = {name: None if column.nullable else "" for name, column in MARKET_EVENTS.schema.columns.items()}
    at = START
    for number in range(count):
        at += timedelta(seconds=dice.randrange(0, 400))
        coin = dice.choice(COINS)
        quote = COINS[2] if coin == COINS[3] else dice.choice([NATIVE_MINT, NATIVE_MINT, USDC_MINT])
        base_raw = dice.randrange(10**8, 10**10)
        price = Random(coin).randrange(10**6, 10**8) * (1 + dice.random()) * (50 if dice.random() < 0.05 else 1)
        rows.append(
            empty
            | {
                "signature": address(f"trade {seed} {number}") * 2,
                "slot": 300_000_000 + number // 2,
                "tx_index": number % 2 if dice.random() < 0.8 else None,
                "block_time": at,
                "log_idx": 1,
                "kind": TRADE,
                "ordinal": 0,
                "mint": coin,
                "quote_mint": quote,
                "signer": address(f"signer {dice.randrange(6)}"),
                "base_raw": base_raw,
                "quote_raw": int(base_raw * price) // 10**6 + 10**7,
                "base_decimals": 6,
                "quote_decimals": 9 if quote == NATIVE_MINT else 6,
                "is_buy": True,
            }
        )
    columns = []
    for name, dtype in MARKET_EVENTS.columns.items():
        values = [row[name] for row in rows]
        is_amount = dtype == RAW_AMOUNT
        series = pl.Series(name, values, dtype=pl.Int128 if is_amount else dtype)
        columns.append(series.cast(RAW_AMOUNT) if is_amount else series)
    return MARKET_EVENTS.arrange(pl.DataFrame(columns))


def whole(rows: pl.DataFrame) -> dict[str, list[Any]]:
    """What the day's pricing makes of all trades."""
    reference = ReferencePrices(Klines().prices(int(START.timestamp()) - 900, int(START.timestamp()) + 86_400))
    told = rows.select(TRADE_COLUMNS)
    candles = day_candles(told, known_decimals(told.lazy()), FILTERS, reference)["1m"]
    priced = candles.filter(pl.col("is_primary") & pl.col("vwap_usd").is_not_null() & pl.col("close_usd").is_not_null())
    return candles_by_mint(priced.sort("mint", "bucket_start"))


def put(store: ParquetStore, filed: pl.DataFrame, *, is_priced: bool) -> None:
    """The day's file of these trades, and its candles where it is priced."""
    store.write(MARKET_EVENTS.name, DAY, filed)
    if is_priced and filed.height:
        reference = ReferencePrices(Klines().prices(int(START.timestamp()) - 900, int(START.timestamp()) + 86_400))
        told = filed.select(TRADE_COLUMNS)
        candles = day_candles(told, known_decimals(told.lazy()), FILTERS, reference)["1m"]
        store.write(PRICE_1M.name, DAY, PRICE_1M.arrange(candles))


def fresh(store: ParquetStore, waiting: pl.DataFrame, mints: Collection[str]) -> dict[str, list[Any]]:
    files = ParquetMinuteCandles(store)
    sources = FreshSources(
        store, files, ParquetRecentTrades(store), Waiting(waiting), KeptReference(store), Klines(), FILTERS
    )
    candles = FreshCandles(sources, KeptCandles(store, files), datetime(2025, 3, 10, 23, tzinfo=UTC))
    windows = candles.windows(mints)
    return {
        mint: found for mint in mints if (found := list(windows.candles(mint, 0, int(START.timestamp()) + 10 * 86_400)))
    }


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 120),
    share=st.floats(0, 1),
    is_late=st.booleans(),
    is_priced=st.booleans(),
    overlap=st.integers(0, 10),
)
def test_candles_are_those_of_the_whole_day(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    count: int,
    share: float,
    is_late: bool,
    is_priced: bool,
    overlap: int,
) -> None:
    rows = trades(seed, count)
    dice = Random(seed)
    if is_late:
        # What is heard late lies anywhere in the day.
        is_filed = pl.Series([dice.random() < share for _ in range(rows.height)], dtype=pl.Boolean)
    else:
        is_filed = pl.Series([at < share * rows.height for at in range(rows.height)], dtype=pl.Boolean)
    filed, waiting = rows.filter(is_filed), rows.filter(~is_filed)
    store = ParquetStore(tmp_path_factory.mktemp("store"))
    if filed.height:
        put(store, filed, is_priced=is_priced)
    # Being folded: some are still in the inbox and in the file already.
    waiting = MARKET_EVENTS.arrange(pl.concat([waiting, filed.tail(overlap)]))
    # A second step that is heard after the trade that needs it was folded is missed until it is folded as well.
    coins = COINS[:3] if is_late else COINS
    expected = {mint: candles for mint, candles in whole(rows).items() if mint in coins}
    for mint in coins[::2]:
        assert fresh(store, waiting, [mint]) == ({mint: expected[mint]} if mint in expected else {}), mint
    assert fresh(store, waiting, coins) == expected


def test_a_trade_that_is_taken_back_leaves_no_candle(tmp_path: Path) -> None:
    rows = trades(3, 60)
    store = ParquetStore(tmp_path)
    put(store, rows.head(30), is_priced=True)
    with_all, without = fresh(store, rows.tail(30), COINS), fresh(store, rows.tail(30).head(29), COINS)
    assert with_all == whole(rows)
    assert without == whole(rows.head(59)) != with_all


def test_sol_is_what_the_file_says_and_where_it_is_silent_what_is_said_now(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    files = ParquetMinuteCandles(store)
    sources = FreshSources(
        store, files, ParquetRecentTrades(store), Waiting(trades(1, 1)), KeptReference(store), Klines(), FILTERS
    )
    rates = FreshRates(sources, START + timedelta(hours=1))
    asked = [START, START + timedelta(minutes=3), START - timedelta(days=9)]
    told = rates.sol_rates(asked)
    assert told["minute_start"].to_list() == asked[:2]
    assert [str(price) for price in told["price_usd"]] == ["150.000000000000000000", "150.030000000000000000"]
    silent = FreshRates(sources._replace(reference=None), START)
    assert silent.sol_rates(asked).is_empty()
