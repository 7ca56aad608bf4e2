"""Trades made up for the benchmarks: rows of market_events over one UTC day, by seed, in slices of time.

As on the chain, a few coins have most of the trades; most trade in SOL, some in two quotes; some trades are dust, and some
have absurd prices. The same seed, count and day give the same rows, however the day is sliced.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.market.events import TRADE
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS

MINUTES_A_DAY = 1_440
ROWS_A_SLICE = 250_000
SOL_USD = 150
_QUOTES = (NATIVE_MINT, USDC_MINT, USDT_MINT)
_QUOTE_DECIMALS = np.array([9, 6, 6])
_VENUES = ("pumpswap", "pumpfun", "raydium_amm_v4", "orca_whirlpool", "meteora_dlmm")
# Of one width, so that numbers padded in front stay distinct.
_FIRST_SIGNATURE = 10**12
_FIRST_SLOT = 300_000_000
_SLOTS_A_SECOND = 2.5
_LOG_IDX_A_CALL = 65_536
_MOST_RAW = 2**62

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TradeWorld:
    """What the trades are drawn from. Prices are quote units (SOL) a whole coin at each minute, of made-up coins."""

    trades: int
    seed: int
    day: date
    mints: int = 2_000
    wallets: int = 50_000


def trade_slices(world: TradeWorld, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """The day's trades, some `ROWS_A_SLICE` at a time, ascending in time; a slice ends with a whole minute.

    Frames have the columns of market_events, or those of `columns` in that dataset's order.
    """
    minutes_a_slice = max(1, MINUTES_A_DAY * ROWS_A_SLICE // max(1, world.trades))
    maker = _TradeMaker(world, list(MARKET_EVENTS.columns) if columns is None else list(columns))
    for first in range(0, MINUTES_A_DAY, minutes_a_slice):
        frame = maker.frame(range(first, min(first + minutes_a_slice, MINUTES_A_DAY)))
        if frame.height:
            yield frame


def made_up_address(kind: str, number: int) -> str:
    """An address-shaped string that is the same for the same words."""
    return encode_base58(hashlib.sha256(f"{kind} {number}".encode()).digest())


@dataclass(slots=True)
class _Drawn:
    """One minute's draws, an entry a trade."""

    second: Numbers
    transaction: Numbers
    mint: Numbers
    quote: Numbers
    venue: Numbers
    wallet: Numbers
    is_buy: NDArray[np.bool_]
    base_raw: Numbers
    quote_raw: Numbers
    quote_reserve_raw: Numbers


class _TradeMaker:
    def __init__(self, world: TradeWorld, columns: list[str]) -> None:
        self._world = world
        self._columns = columns
        chance = np.random.default_rng([world.seed, 0])
        weights = 1.0 / np.arange(1, world.mints + 1) ** 1.1
        self._mint_odds = np.cumsum(weights / weights.sum())
        steps = chance.normal(0, 0.01, (world.mints, MINUTES_A_DAY)).cumsum(axis=1)
        self._price_sol: Floats = np.exp(chance.uniform(-16, -3, (world.mints, 1)) + steps)
        self._decimals: Numbers = chance.choice([6, 9], world.mints, p=[0.8, 0.2])
        self._quote_of: Numbers = chance.choice(3, world.mints, p=[0.8, 0.15, 0.05])
        self._mint_names = pl.Series([made_up_address("mint", number) for number in range(world.mints)])
        self._wallet_names = pl.Series([made_up_address("wallet", number) for number in range(world.wallets)])
        pools = [made_up_address("pool", number) for number in range(world.mints * len(_QUOTES) * len(_VENUES))]
        self._pool_names = pl.Series(pools)
        self._first_row = np.linspace(0, world.trades, MINUTES_A_DAY + 1).astype(np.int64)
        self._midnight_s = int(datetime(world.day.year, world.day.month, world.day.day, tzinfo=UTC).timestamp())

    def frame(self, minutes: range) -> pl.DataFrame:
        drawn = [self._draw(minute) for minute in minutes]
        joined = _Drawn(*(np.concatenate([getattr(part, name) for part in drawn]) for name in _Drawn.__slots__))
        return self._columns_of(joined)

    def _draw(self, minute: int) -> _Drawn:
        first, last = int(self._first_row[minute]), int(self._first_row[minute + 1])
        count = last - first
        chance = np.random.default_rng([self._world.seed, 1 + minute])
        # Every tenth trade is the next leg of the transaction before it.
        is_new = chance.random(count) >= 0.1
        is_new[:1] = True
        of = np.cumsum(is_new) - 1
        transactions = int(of[-1]) + 1 if count else 0
        second = np.sort(chance.integers(0, 60, transactions))[of] + minute * 60
        mint = np.searchsorted(self._mint_odds, chance.random(count)).clip(max=self._world.mints - 1)
        other_quote = chance.integers(0, 3, count)
        quote = np.where(chance.random(count) < 0.1, other_quote, self._quote_of[mint])
        base_raw, quote_raw = self._amounts(chance, minute, mint, quote)
        reserve_sol = np.exp(chance.normal(np.log(80), 0.5, count))
        in_sol = np.where(quote == 0, 1.0, float(SOL_USD))
        return _Drawn(
            second=second.astype(np.int64),
            transaction=first + of,
            mint=mint,
            quote=quote,
            venue=(mint + quote) % len(_VENUES),
            wallet=(chance.random(transactions) ** 2 * self._world.wallets).astype(np.int64)[of],
            is_buy=chance.random(count) < 0.52,
            base_raw=base_raw,
            quote_raw=quote_raw,
            quote_reserve_raw=_raw(reserve_sol * in_sol * 10.0 ** _QUOTE_DECIMALS[quote]),
        )

    def _amounts(
        self, chance: np.random.Generator, minute: int, mint: Numbers, quote: Numbers
    ) -> tuple[Numbers, Numbers]:
        """(base_raw, quote_raw): one in fifty is dust, one in two hundred has a price that is off by powers of ten."""
        count = len(mint)
        in_quote = np.where(quote == 0, 1.0, float(SOL_USD))
        price = self._price_sol[mint, minute] * in_quote * np.exp(chance.normal(0, 0.005, count))
        size = np.exp(chance.normal(np.log(0.5), 1.3, count)) * in_quote
        size = np.where(chance.random(count) < 0.02, size * 1e-6, size)
        off = 10.0 ** (chance.uniform(1, 5, count) * np.where(chance.random(count) < 0.5, 1.0, -1.0))
        price = np.where(chance.random(count) < 0.005, price * off, price)
        quote_raw = _raw(size * 10.0 ** _QUOTE_DECIMALS[quote])
        return _raw(size / price * 10.0 ** self._decimals[mint]), quote_raw

    def _columns_of(self, drawn: _Drawn) -> pl.DataFrame:
        """Only the columns asked for are made: 5 million signatures are half a gigabyte."""
        venue = pl.Series(_VENUES).gather(drawn.venue)
        numbers = pl.Series(drawn.transaction)
        pool = (drawn.mint * len(_QUOTES) + drawn.quote) * len(_VENUES) + drawn.venue
        makers: dict[str, Callable[[], Any]] = {
            "signature": lambda: "s" + (numbers + _FIRST_SIGNATURE).cast(pl.String).str.pad_start(87, "1"),
            "slot": lambda: _FIRST_SLOT + (drawn.second * _SLOTS_A_SECOND).astype(np.int64),
            "tx_index": lambda: drawn.transaction,
            "block_time": lambda: pl.Series((self._midnight_s + drawn.second) * 1_000_000).cast(
                pl.Datetime("us", "UTC")
            ),
            "log_idx": lambda: _LOG_IDX_A_CALL * (1 + _leg_numbers(drawn.transaction)) + 1,
            "program_id": lambda: "program " + venue,
            "venue": lambda: venue,
            "pool": lambda: self._pool_names.gather(pool),
            "mint": lambda: self._mint_names.gather(drawn.mint),
            "quote_mint": lambda: pl.Series(_QUOTES).gather(drawn.quote),
            "wallet": lambda: self._wallet_names.gather(drawn.wallet),
            "signer": lambda: self._wallet_names.gather(drawn.wallet),
            "is_buy": lambda: drawn.is_buy,
            "base_raw": lambda: drawn.base_raw,
            "quote_raw": lambda: drawn.quote_raw,
            "base_decimals": lambda: self._decimals[drawn.mint],
            "quote_decimals": lambda: _QUOTE_DECIMALS[drawn.quote],
            "wallet_balance_raw": lambda: np.minimum(drawn.base_raw, _MOST_RAW // 4) * 3,
            "quote_reserve_raw": lambda: drawn.quote_reserve_raw,
        }
        rows = len(drawn.second)
        constants: dict[str, str | int] = {"kind": TRADE, "ordinal": 0, "reserve_kind": "vault"}
        made = []
        for name, type_ in MARKET_EVENTS.columns.items():
            if name not in self._columns:
                continue
            if name in makers:
                made.append(pl.Series(name, makers[name](), strict=False).cast(type_))
            else:
                value = constants.get(name, "" if type_ == pl.String else None)
                made.append(pl.repeat(value, rows, dtype=type_, eager=True).alias(name))
        return pl.DataFrame(made)


def _raw(amounts: Floats) -> Numbers:
    return np.clip(np.rint(amounts), 1, _MOST_RAW).astype(np.int64)


def _leg_numbers(transaction: Numbers) -> Numbers:
    """0, 1, 2… within each run of equal numbers."""
    places = np.arange(len(transaction))
    is_first = np.r_[True, transaction[1:] != transaction[:-1]] if len(transaction) else np.zeros(0, bool)
    return places - np.maximum.accumulate(np.where(is_first, places, 0))
