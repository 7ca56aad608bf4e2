"""Trades by hand for the tests of prices, in the columns that candles read of market_events."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl

from oof_pipelines.chain.moves import NATIVE_MINT as SOL
from oof_pipelines.config_files import read_config
from oof_pipelines.decode.money import USDC_MINT as USDC
from oof_pipelines.decode.money import USDT_MINT as USDT
from oof_pipelines.pricing.candles import day_candles
from oof_pipelines.pricing.coded_trades import TRADE_COLUMNS, known_decimals
from oof_pipelines.pricing.filters import PriceFilters, read_filters
from oof_pipelines.pricing.reference import ReferencePrice, ReferencePrices
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
MIDNIGHT_S = int(MIDNIGHT.timestamp())
COIN, OTHER, THIRD = "Coin1111", "Other222", "Third333"
MONEY_DECIMALS = {SOL: 9, USDC: 6, USDT: 6}

FILTERS: PriceFilters = read_filters(read_config("prices.yaml"))
"""The thresholds as they are configured."""

NO_REFERENCE = ReferencePrices(())


def trade(
    at_s: float,
    base_raw: int,
    quote_raw: int,
    *,
    slot: int | None = None,
    signer: str = "",
    mint: str = COIN,
    quote: str = SOL,
    decimals: int | None = 6,
    reserve: int | None = None,
    signature: str = "",
    tx_index: int | None = 0,
    log_idx: int = 1,
) -> dict[str, object]:
    """A trade of raw amounts `at_s` seconds into the day. Slot, signature and signer follow from the time if not given."""
    place = slot if slot is not None else int(at_s * 10)
    return {
        "slot": place,
        "tx_index": tx_index,
        "signature": signature or f"signature {place}",
        "log_idx": log_idx,
        "ordinal": 0,
        "block_time": MIDNIGHT + timedelta(seconds=int(at_s)),
        "mint": mint,
        "quote_mint": quote,
        "signer": signer or f"signer {place}",
        "base_raw": base_raw,
        "quote_raw": quote_raw,
        "base_decimals": decimals,
        "quote_decimals": MONEY_DECIMALS.get(quote, 6),
        "base_reserve_raw": None,
        "quote_reserve_raw": reserve,
    }


def frame_of(trades: list[dict[str, object]]) -> pl.DataFrame:
    types = {name: MARKET_EVENTS.columns[name] for name in TRADE_COLUMNS}
    rows = [{name: _decimal(row[name]) if name.endswith("_raw") else row[name] for name in types} for row in trades]
    return pl.DataFrame(rows, schema=types)


def candles_of(
    trades: list[dict[str, object]], reference: ReferencePrices = NO_REFERENCE, filters: PriceFilters = FILTERS
) -> dict[str, pl.DataFrame]:
    """Timeframe → candles of the trades, sorted by key."""
    frame = frame_of(trades)
    made = day_candles(frame, known_decimals(frame.lazy()), filters, reference)
    return {name: candles.sort("mint", "quote_mint", "bucket_start") for name, candles in made.items()}


def sol_at(usd: str, *seconds: int, source: str = "klines") -> ReferencePrices:
    """SOL at one price, made at each of `seconds` into the day."""
    return ReferencePrices(
        ReferencePrice(MIDNIGHT_S + second, Decimal(usd), source, Decimal("0.9"), MIDNIGHT_S + second)
        for second in seconds
    )


def _decimal(value: object) -> Decimal | None:
    return Decimal(str(value)) if value is not None else None
