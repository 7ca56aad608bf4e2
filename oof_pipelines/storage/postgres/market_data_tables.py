"""The market's readings as `oof sql` sees them: the query that reads each table, and its columns' types in DuckDB."""

from typing import Any

import polars as pl

from oof_pipelines.storage.parquet.dataset import INSTANT, RAW_AMOUNT

_MONEY = pl.Decimal(38, 18)
_TEXT = pl.String()

_TABLES: dict[str, dict[str, Any]] = {
    "price_ticks": {
        "source": _TEXT,
        "mint": _TEXT,
        "published_at": INSTANT,
        "price_usd": _MONEY,
        "confidence_usd": _MONEY,
        "slot": pl.Int64(),
        "received_at": INSTANT,
    },
    "quotes": {
        "id": _TEXT,
        "source": _TEXT,
        "sold_mint": _TEXT,
        "sold_raw": RAW_AMOUNT,
        "bought_mint": _TEXT,
        "bought_raw": RAW_AMOUNT,
        "least_bought_raw": RAW_AMOUNT,
        "slippage_bps": pl.Int32(),
        "price_impact": _MONEY,
        "usd_value": _MONEY,
        "slot": pl.Int64(),
        "labels": _TEXT,
        "hops": _TEXT,
        "asked_at": INSTANT,
    },
    "volume_readings": {
        "source": _TEXT,
        "name": _TEXT,
        "at": INSTANT,
        "window_hours": pl.Int32(),
        "volume_usd": _MONEY,
    },
    "klines": {
        "source": _TEXT,
        "symbol": _TEXT,
        "interval": _TEXT,
        "open_at": INSTANT,
        **dict.fromkeys(("open", "high", "low", "close", "base_volume", "quote_volume"), _MONEY),
        "trades": pl.Int64(),
        "is_closed": pl.Boolean(),
    },
    "depth_snapshots": {
        "source": _TEXT,
        "symbol": _TEXT,
        "last_update_id": pl.Int64(),
        "at": INSTANT,
        "bids": _TEXT,
        "asks": _TEXT,
    },
    "token_metadata": {
        "mint": _TEXT,
        "source": _TEXT,
        "name": _TEXT,
        "symbol": _TEXT,
        "logo_url": _TEXT,
        "decimals": pl.Int16(),
        "token_program": _TEXT,
        "fetched_at": INSTANT,
    },
    "refused_readings": {
        "source": _TEXT,
        "what": _TEXT,
        "subject": _TEXT,
        "reason": _TEXT,
        "refused_at": INSTANT,
    },
    "source_status": {
        "source": _TEXT,
        "what": _TEXT,
        "last_asked_at": INSTANT,
        "last_good_at": INSTANT,
        "readings": pl.Int64(),
        "refused": pl.Int64(),
        "last_error": _TEXT,
        "last_error_at": INSTANT,
        "breaker_state": _TEXT,
    },
    "pool_liquidity": {
        "mint": _TEXT,
        "pool": _TEXT,
        "quote_mint": _TEXT,
        "venue": _TEXT,
        "is_virtual": pl.Boolean(),
        "base_reserve_raw": RAW_AMOUNT,
        "quote_reserve_raw": RAW_AMOUNT,
        "liquidity_usd": _MONEY,
        "slot": pl.Int64(),
        "ts": INSTANT,
    },
    # In DuckDB token_facts is what the files say of a mint; this is the table that Postgres serves.
    "served_token_facts": {
        "mint": _TEXT,
        "symbol": _TEXT,
        "name": _TEXT,
        "decimals": pl.Int32(),
        "logo_url": _TEXT,
        "token_program": _TEXT,
        "ath_price": _MONEY,
        "atl_price": _MONEY,
        "liquidity_band": _TEXT,
        "liquidity_usd": _MONEY,
        "first_slot": pl.Int64(),
        "first_block_time": INSTANT,
        "updated_at": INSTANT,
    },
}
_SERVED_AS = {"served_token_facts": "token_facts"}
_AS_TEXT = frozenset({"labels", "hops", "bids", "asks"})
# What a view computes has no scale of its own.
_ROUNDED = frozenset({"liquidity_usd"})


def _column(name: str) -> str:
    return f"{name}::text" if name in _AS_TEXT else f"{name}::numeric(38, 18)" if name in _ROUNDED else name


MARKET_QUERY_TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    name: (f"select {', '.join(map(_column, columns))} from {_SERVED_AS.get(name, name)}", columns)  # noqa: S608
    for name, columns in _TABLES.items()
}
"""Table → (query, column types); names are of this file alone."""
