"""Candles by minute, five minutes and hour, and the reference prices of SOL in dollars. See docs/prices.md."""

import pandera.polars as pa
import polars as pl

from oof_pipelines.storage.parquet.dataset import INSTANT, RAW_AMOUNT, make_dataset

MONEY = pl.Decimal(38, 18)

_PRICE = pa.Column(MONEY, pa.Check.ge(0), nullable=True)
_COUNT = pa.Column(pl.Int32, pa.Check.ge(0))
_RAW = pa.Column(RAW_AMOUNT, pa.Check.ge(0))
_DECIMALS = pa.Column(pl.Int16, pa.Check.in_range(0, 255), nullable=True)
_SHARE = pa.Column(MONEY, pa.Check.in_range(0, 1))

_CANDLE = {
    "mint": pa.Column(pl.String),
    "quote_mint": pa.Column(pl.String),
    "bucket_start": pa.Column(INSTANT),
    # Quote units a whole coin; null where no trade of the bucket is believed.
    "open": _PRICE,
    "high": _PRICE,
    "low": _PRICE,
    "close": _PRICE,
    "vwap": _PRICE,
    # Of the trades believed, in base units.
    "base_volume_raw": _RAW,
    "quote_volume_raw": _RAW,
    "base_decimals": _DECIMALS,
    "quote_decimals": _DECIMALS,
    "trades": _COUNT,
    "signers": _COUNT,
    # The others, in all and by the reason why they are not believed.
    "excluded_trades": _COUNT,
    "excluded_unpriced": _COUNT,
    "excluded_dust": _COUNT,
    "excluded_thin": _COUNT,
    "excluded_outlier": _COUNT,
    "excluded_quote_raw": _RAW,
    # The least that a pool of a believed trade held of the quote; null where none shows it.
    "quote_reserve_raw": pa.Column(RAW_AMOUNT, pa.Check.ge(0), nullable=True),
    # Dollars a quote unit as known at the bucket's start, whose word that is ('' where there is none), and its confidence.
    "quote_usd": _PRICE,
    "usd_source": pa.Column(pl.String, pa.Check.isin(["", "par", "klines", "pyth", "jupiter"])),
    "usd_confidence": pa.Column(MONEY, pa.Check.in_range(0, 1), nullable=True),
    "open_usd": _PRICE,
    "high_usd": _PRICE,
    "low_usd": _PRICE,
    "close_usd": _PRICE,
    "vwap_usd": _PRICE,
    "volume_usd": _PRICE,
    "source": pa.Column(pl.String, pa.Check.isin(["swaps", "swaps_two_step"])),
    "confidence": _SHARE,
    "is_primary": pa.Column(pl.Boolean),
    "available_at": pa.Column(INSTANT),
}
_KEY = ("mint", "quote_mint", "bucket_start")

PRICE_1M = make_dataset("price_1m", _CANDLE, key=_KEY, sort_by=_KEY)
PRICE_5M = make_dataset("price_5m", _CANDLE, key=_KEY, sort_by=_KEY)
PRICE_1H = make_dataset("price_1h", _CANDLE, key=_KEY, sort_by=_KEY)

REFERENCE_PRICES = make_dataset(
    "reference_prices",
    {
        "minute_start": pa.Column(INSTANT),
        # When the price was made, and from when on it was known: never after minute_start.
        "at": pa.Column(INSTANT),
        "available_at": pa.Column(INSTANT),
        "price_usd": pa.Column(MONEY, pa.Check.gt(0)),
        "source": pa.Column(pl.String, pa.Check.isin(["klines", "pyth", "jupiter"])),
        "confidence": _SHARE,
    },
    key=("minute_start",),
    sort_by=("minute_start",),
)
"""Dollars a SOL as the configured source said it: a row a minute, the newest known at its start. A minute of which the
source knows nothing has no row."""

CANDLE_DATASETS = {dataset.name: dataset for dataset in (PRICE_1M, PRICE_5M, PRICE_1H)}
PRICE_DATASETS = {**CANDLE_DATASETS, REFERENCE_PRICES.name: REFERENCE_PRICES}


def timeframe_of(dataset: str) -> str:
    """1m, 5m or 1h."""
    assert dataset in CANDLE_DATASETS
    return dataset.removeprefix("price_")
