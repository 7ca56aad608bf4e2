"""A wallet with thousands of swaps over two years, and the market around it, written by seed as the store has them.

What an analysis reads and no more: the wallet's bucket of events, and by day candles of a minute, trades that show the pools'
reserves, and what a SOL was worth. Prices walk at random; the wallet buys and sells each coin over some days and holds some.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.commands.bench_trades import made_up_address
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.market.events import TRADE
from oof_pipelines.positions.events import BUY, SELL
from oof_pipelines.pricing.exact import as_money
from oof_pipelines.storage.parquet.dataset import Dataset
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.price_schemas import MONEY, PRICE_1M, REFERENCE_PRICES
from oof_pipelines.storage.parquet.store import ParquetStore

FIRST_DAY = date(2024, 1, 1)
DAYS = 730
SOL_USD = 150
_DECIMALS = 6
_TRADED_DAYS = 12
_PRICED_DAYS = 21
_DAY_S = 86_400
_POOL_USD = 250_000
_VENUE = "pumpswap"
_FIRST_SLOT = 240_000_000
_SLOTS_A_SECOND = 2.5
_FIRST_SIGNATURE = 10**12

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WalletWorld:
    """What is made up: `swaps` of one wallet in `mints` coins over `DAYS` days, each with so many candles a day."""

    swaps: int
    seed: int
    mints: int = 500
    candles_a_day: int = 24

    @property
    def step_s(self) -> int:
        """From one candle of a coin to its next."""
        return _DAY_S // self.candles_a_day

    @property
    def wallet(self) -> str:
        return made_up_address("analysed wallet", self.seed)

    @property
    def until(self) -> datetime:
        """The end of the last day."""
        return datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC) + timedelta(days=DAYS)


@dataclass(frozen=True, slots=True)
class _Coins:
    """`begins_s` after the first midnight; dollars a coin by step of `step_s`; whether it trades in SOL."""

    names: pl.Series
    begins_s: Numbers
    price_usd: Floats
    is_in_sol: NDArray[np.bool_]
    step_s: int


def write_market(store: ParquetStore, world: WalletWorld) -> int:
    """Write the days of candles, trades and SOL prices; how many candles there are. The same for any number of swaps."""
    coins = _coins(world)
    candles = _candles(coins)
    for name, frames in (
        (PRICE_1M.name, candles),
        (MARKET_EVENTS.name, _trades(candles)),
    ):
        for key, rows in frames.partition_by("day", as_dict=True, include_key=False).items():
            store.write(name, key[0], rows)
    for place in range(DAYS):
        store.write(REFERENCE_PRICES.name, FIRST_DAY + timedelta(days=place), _reference(place))
    return candles.height


def write_wallet(store: ParquetStore, world: WalletWorld) -> None:
    """Write the bucket of the wallet's events."""
    store.write(WALLET_EVENTS.name, wallet_bucket(world.wallet), _events(world, _coins(world)))


def _coins(world: WalletWorld) -> _Coins:
    chance = np.random.default_rng([world.seed, 0])
    steps = _PRICED_DAYS * world.candles_a_day
    begins = chance.integers(0, (DAYS - _PRICED_DAYS - 1) * world.candles_a_day, world.mints) * world.step_s
    # A coin's price about doubles or halves in a week, however many candles tell it.
    walk = chance.normal(0, 0.25 / np.sqrt(world.candles_a_day), (world.mints, steps)).cumsum(axis=1)
    return _Coins(
        names=pl.Series([made_up_address("coin", number) for number in range(world.mints)]),
        begins_s=begins.astype(np.int64),
        price_usd=np.exp(chance.uniform(-9, 0, (world.mints, 1)) + walk).clip(1e-9, 1e6),
        is_in_sol=chance.random(world.mints) < 0.8,
        step_s=world.step_s,
    )


def _midnight_s() -> int:
    return int(datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC).timestamp())


def _instants(seconds: Numbers | pl.Series) -> pl.Series:
    return (pl.Series(seconds).cast(pl.Int64) * 1_000_000).cast(pl.Datetime("us", "UTC"))


def _money(values: Floats) -> pl.Series:
    """Dollars of nine places: what a float holds of them, as exact decimals."""
    billionths = pl.Series(np.rint(values * 1e9).astype(np.int64)).cast(pl.Int128)
    return as_money(billionths * pl.Series([10**9], dtype=pl.Int128))


def _candles(coins: _Coins) -> pl.DataFrame:
    """Every candle of price_1m, with its `day`."""
    mints, steps = coins.price_usd.shape
    coin = np.repeat(np.arange(mints), steps)
    start_s = _midnight_s() + (coins.begins_s[:, None] + np.arange(steps) * coins.step_s).ravel()
    price = coins.price_usd.ravel()
    is_in_sol = coins.is_in_sol[coin]
    quote_usd = np.where(is_in_sol, float(SOL_USD), 1.0)
    in_quote = price / quote_usd
    quote_decimals = np.where(is_in_sol, 9, 6)
    volume_usd = np.full(len(price), 2_000.0)
    dollars, quoted = _money(price), _money(in_quote)
    columns: dict[str, Any] = {
        "mint": coins.names.gather(coin),
        "quote_mint": pl.Series(np.where(is_in_sol, NATIVE_MINT, USDC_MINT)),
        "bucket_start": _instants(start_s),
        **dict.fromkeys(("open", "high", "low", "close", "vwap"), quoted),
        **dict.fromkeys(("open_usd", "high_usd", "low_usd", "close_usd", "vwap_usd"), dollars),
        "base_volume_raw": _raw(volume_usd / price * 10.0**_DECIMALS),
        "quote_volume_raw": _raw(volume_usd / quote_usd * 10.0**quote_decimals),
        "base_decimals": np.full(len(price), _DECIMALS),
        "quote_decimals": quote_decimals,
        "trades": np.full(len(price), 9),
        "signers": np.full(len(price), 6),
        "quote_reserve_raw": _raw(_POOL_USD / quote_usd * 10.0**quote_decimals),
        "quote_usd": _money(quote_usd),
        "usd_source": pl.Series(np.where(is_in_sol, "klines", "par")),
        "usd_confidence": _money(np.ones(len(price))),
        "volume_usd": _money(volume_usd),
        "source": pl.repeat("swaps", len(price), eager=True),
        "confidence": _money(np.full(len(price), 0.9)),
        "is_primary": np.ones(len(price), bool),
        "available_at": _instants(start_s + 60),
    }
    return _frame(PRICE_1M, columns, len(price)).with_columns(day=pl.col("bucket_start").dt.date())


def _trades(candles: pl.DataFrame) -> pl.DataFrame:
    """A trade a candle that shows the pool's reserves, as rows of market_events with their `day`."""
    rows = candles.height
    second = candles["bucket_start"].dt.epoch("s") + 30
    number = pl.Series(range(_FIRST_SIGNATURE, _FIRST_SIGNATURE + rows))
    reserve = candles["quote_reserve_raw"]
    price = candles["vwap"].cast(pl.Float64)
    whole_reserve = reserve.cast(pl.Float64) / pl.Series(10.0 ** candles["quote_decimals"].to_numpy())
    columns: dict[str, Any] = {
        "signature": "s" + number.cast(pl.String).str.pad_start(87, "1"),
        "slot": _slots(second.to_numpy()),
        "tx_index": np.full(rows, 7),
        "block_time": _instants(second),
        "log_idx": np.full(rows, 65_537),
        "kind": pl.repeat(TRADE, rows, eager=True),
        "ordinal": np.zeros(rows, np.int64),
        "venue": pl.repeat(_VENUE, rows, eager=True),
        "pool": "pool" + candles["mint"].str.slice(4),
        "mint": candles["mint"],
        "quote_mint": candles["quote_mint"],
        "wallet": "other" + candles["mint"].str.slice(5),
        "signer": "other" + candles["mint"].str.slice(5),
        "is_buy": np.ones(rows, bool),
        "base_raw": candles["base_volume_raw"],
        "quote_raw": candles["quote_volume_raw"],
        "base_decimals": candles["base_decimals"],
        "quote_decimals": candles["quote_decimals"],
        "reserve_kind": pl.repeat("vault", rows, eager=True),
        "base_reserve_raw": _raw((whole_reserve / price).to_numpy() * 10.0**_DECIMALS),
        "quote_reserve_raw": reserve,
    }
    return _frame(MARKET_EVENTS, columns, rows).with_columns(day=pl.col("block_time").dt.date())


def _reference(place: int) -> pl.DataFrame:
    minutes = _instants(_midnight_s() + place * _DAY_S + np.arange(0, _DAY_S, 60))
    rows = len(minutes)
    return pl.DataFrame(
        {
            "minute_start": minutes,
            "at": minutes,
            "available_at": minutes,
            "price_usd": pl.repeat(Decimal(SOL_USD), rows, dtype=MONEY, eager=True),
            "source": pl.repeat("klines", rows, eager=True),
            "confidence": pl.repeat(Decimal(1), rows, dtype=MONEY, eager=True),
        }
    )


def _events(world: WalletWorld, coins: _Coins) -> pl.DataFrame:
    """The wallet's swaps as rows of wallet_events."""
    rows = sorted(_swaps(world, coins))
    wallet, pools = world.wallet, "pool" + coins.names.str.slice(4)
    seconds = np.array([row[0] for row in rows], np.int64) + _midnight_s()
    coin = np.array([row[1] for row in rows], np.int64)
    is_in_sol = coins.is_in_sol[coin]
    number = pl.Series(range(len(rows))) + 2 * _FIRST_SIGNATURE
    columns: dict[str, Any] = {
        "wallet": pl.repeat(wallet, len(rows), eager=True),
        "signature": "w" + number.cast(pl.String).str.pad_start(87, "1"),
        "slot": _slots(seconds),
        "tx_index": np.arange(len(rows)) % 1_000,
        "block_time": _instants(seconds),
        "log_idx": np.full(len(rows), 65_537),
        "path": pl.repeat("0", len(rows), eager=True),
        "kind": pl.Series([BUY if row[2] else SELL for row in rows]),
        "mint": coins.names.gather(coin),
        "decimals": np.full(len(rows), _DECIMALS),
        "qty_raw": pl.Series([row[3] for row in rows]),
        "other_mint": pl.Series(np.where(is_in_sol, NATIVE_MINT, USDC_MINT)),
        "other_decimals": np.where(is_in_sol, 9, 6),
        "other_raw": pl.Series([row[4] for row in rows]),
        "counterparty": pools.gather(coin),
        "venue": pl.repeat(_VENUE, len(rows), eager=True),
        "network_fee_lamports": np.full(len(rows), 5_000),
        "tip_lamports": np.full(len(rows), 100_000),
    }
    return _frame(WALLET_EVENTS, columns, len(rows))


def _frame(dataset: Dataset, columns: Mapping[str, Any], rows: int) -> pl.DataFrame:
    """The dataset's columns; those not named are null where they may be, else '' or 0."""
    made = []
    for name, type_ in dataset.columns.items():
        if name in columns:
            made.append(pl.Series(name, columns[name], strict=False).cast(type_))
            continue
        empty = None if dataset.schema.columns[name].nullable else "" if type_ == pl.String else 0
        made.append(pl.repeat(empty, rows, eager=True).cast(type_).alias(name))
    return pl.DataFrame(made)


def _swaps(world: WalletWorld, coins: _Coins) -> Iterator[tuple[int, int, bool, int, int]]:
    """(second since the first midnight, coin, whether it is a buy, quantity, what was paid or brought), by coin."""
    for coin in range(world.mints):
        count = world.swaps * (coin + 1) // world.mints - world.swaps * coin // world.mints
        chance = np.random.default_rng([world.seed, 1, coin])
        moments = np.sort(chance.integers(coins.step_s, _TRADED_DAYS * _DAY_S, count))
        held_raw = 0
        for moment in moments.tolist():
            price = float(coins.price_usd[coin, moment // coins.step_s]) * float(chance.uniform(0.98, 1.02))
            is_buy = held_raw == 0 or chance.random() < 0.5
            if is_buy:
                qty_raw = max(1, round(float(chance.lognormal(5, 1)) / price * 10**_DECIMALS))
                held_raw += qty_raw
            else:
                qty_raw = max(1, int(held_raw * float(chance.choice([0.25, 0.5, 1.0]))))
                held_raw -= qty_raw
            value_usd = qty_raw / 10**_DECIMALS * price
            other = value_usd / SOL_USD * 1e9 if coins.is_in_sol[coin] else value_usd * 1e6
            yield int(coins.begins_s[coin]) + moment, coin, is_buy, qty_raw, max(1, round(other))


def _slots(seconds: Numbers) -> Numbers:
    return _FIRST_SLOT + ((seconds - _midnight_s()) * _SLOTS_A_SECOND).astype(np.int64)


def _raw(amounts: Floats) -> Numbers:
    return np.clip(np.rint(amounts), 1, 2**62).astype(np.int64)
