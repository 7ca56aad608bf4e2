"""The market's stream: a wide row an event, null or '' where its kind has no such field. See market/events.py."""

import pandera.polars as pa
import polars as pl

from oof_pipelines.market.events import RISK_FLAG, STORED_KINDS
from oof_pipelines.storage.parquet.dataset import IN_CHAIN_ORDER, PLACE, RAW_AMOUNT, make_dataset

_AMOUNT = pa.Column(RAW_AMOUNT, pa.Check.ge(0), nullable=True)
_DECIMALS = pa.Column(pl.Int16, pa.Check.in_range(0, 255), nullable=True)

_COLUMNS = {
    **PLACE,
    "log_idx": pa.Column(pl.Int32),
    "kind": pa.Column(pl.String, pa.Check.isin(list(STORED_KINDS))),
    "ordinal": pa.Column(pl.Int32, pa.Check.ge(0)),
    "program_id": pa.Column(pl.String),
    "venue": pa.Column(pl.String),
    "pool": pa.Column(pl.String),
    "mint": pa.Column(pl.String),
    "quote_mint": pa.Column(pl.String),
    # The trader, the creator of a launch or pool, or whose doing a flag is.
    "wallet": pa.Column(pl.String),
    "signer": pa.Column(pl.String),
    "creator": pa.Column(pl.String),
    "is_buy": pa.Column(pl.Boolean, nullable=True),
    # Of changed liquidity: put in, or taken out.
    "is_add": pa.Column(pl.Boolean, nullable=True),
    "base_raw": _AMOUNT,
    "quote_raw": _AMOUNT,
    "base_decimals": _DECIMALS,
    "quote_decimals": _DECIMALS,
    "wallet_balance_raw": _AMOUNT,
    "reserve_kind": pa.Column(pl.String, pa.Check.isin(["", "vault", "virtual"])),
    "base_reserve_raw": _AMOUNT,
    "quote_reserve_raw": _AMOUNT,
    "token_program": pa.Column(pl.String),
    "mint_authority": pa.Column(pl.String, nullable=True),
    "freeze_authority": pa.Column(pl.String, nullable=True),
    "supply_raw": _AMOUNT,
    "name": pa.Column(pl.String),
    "symbol": pa.Column(pl.String),
    "uri": pa.Column(pl.String),
    "flag": pa.Column(pl.String),
    "share_bps": pa.Column(pl.Int32, nullable=True),
}
_KEY = ("signature", "log_idx", "kind", "ordinal")
# The rank of a kind is no column: readers that need the order within a path sort by market/events.py's order_key.
_ORDER = (*IN_CHAIN_ORDER, "log_idx", "kind", "ordinal")

MARKET_EVENTS = make_dataset("market_events", _COLUMNS, key=_KEY, sort_by=_ORDER)
"""Every kind but risk flags: read off each transaction by itself, with the other decoded datasets."""

RISK_FLAGS = make_dataset(
    "risk_flags",
    {**_COLUMNS, "kind": pa.Column(pl.String, pa.Check.isin([RISK_FLAG]))},
    key=_KEY,
    sort_by=_ORDER,
)
"""Flags, folded over a day's market_events."""
