"""Positions and moments by wallet bucket: lots, realized_trades, episodes, oof_moments, wallet_extremes.

What the columns mean say the structs they are rows of (positions/results.py, detectors/moment.py); position_rows.py turns
one into the other. Dollars are Decimal(38,18); where a price is unknown they are null, never 0.
"""

import pandera.polars as pa
import polars as pl

from oof_pipelines.storage.parquet.dataset import INSTANT, RAW_AMOUNT, make_dataset
from oof_pipelines.storage.parquet.price_schemas import MONEY

_TEXT = pa.Column(pl.String)
_OPTIONAL_TEXT = pa.Column(pl.String, nullable=True)
_COUNT = pa.Column(pl.Int32, pa.Check.ge(0))
_UNITS = pa.Column(RAW_AMOUNT, pa.Check.ge(0))
_OPTIONAL_UNITS = pa.Column(RAW_AMOUNT, pa.Check.ge(0), nullable=True)
_USD = pa.Column(MONEY, pa.Check.ge(0), nullable=True)
_SIGNED_USD = pa.Column(MONEY, nullable=True)
_SHARE = pa.Column(MONEY, pa.Check.in_range(0, 1))
_INSTANT = pa.Column(INSTANT)
_BASIS = pa.Column(pl.String, pa.Check.isin(["known", "market", "unknown"]))

# Where in the chain it happened.
_PLACE = {
    "signature": _TEXT,
    "path": _TEXT,
    "slot": pa.Column(pl.Int64, pa.Check.ge(0)),
    "tx_index": pa.Column(pl.Int32, pa.Check.ge(0), nullable=True),
}
_DECIMALS = pa.Column(pl.Int16, pa.Check.in_range(0, 255), nullable=True)
_OF_EPISODE = {"wallet": _TEXT, "mint": _TEXT, "episode_id": _TEXT}

LOTS = make_dataset(
    "lots",
    {
        "lot_id": _TEXT,
        **_OF_EPISODE,
        "origin": pa.Column(pl.String, pa.Check.isin(["buy", "receive", "exchange", "claim", "lp"])),
        **_PLACE,
        "entry_at": _INSTANT,
        "decimals": _DECIMALS,
        "qty_initial_raw": _UNITS,
        "qty_remaining_raw": _UNITS,
        "qty_sold_raw": _UNITS,
        "qty_moved_raw": _UNITS,
        "qty_in_pool_raw": _UNITS,
        "cost_mint": _OPTIONAL_TEXT,
        "cost_raw": _OPTIONAL_UNITS,
        "cost_remaining_raw": _OPTIONAL_UNITS,
        "cost_usd": _USD,
        "cost_remaining_usd": _USD,
        "basis_status": _BASIS,
    },
    key=("lot_id",),
    sort_by=("wallet", "mint", "slot", "tx_index", "signature", "lot_id"),
    partition_column="bucket",
)

REALIZED_TRADES = make_dataset(
    "realized_trades",
    {
        "exit_id": _TEXT,
        **_OF_EPISODE,
        "kind": pa.Column(pl.String, pa.Check.isin(["sell", "exchange_transfer", "burn"])),
        **_PLACE,
        "sold_at": _INSTANT,
        "qty_raw": _UNITS,
        "decimals": _DECIMALS,
        "proceeds_mint": _TEXT,
        "proceeds_raw": _UNITS,
        "proceeds_usd": _USD,
        "cost_mint": _OPTIONAL_TEXT,
        "cost_raw": _OPTIONAL_UNITS,
        "cost_usd": _USD,
        "basis_status": _BASIS,
        "realized_pnl_usd": _SIGNED_USD,
        "average_cost_usd": _USD,
        "average_pnl_usd": _SIGNED_USD,
        "entry_at": pa.Column(INSTANT, nullable=True),
        "network_fee_lamports": _UNITS,
        "tip_lamports": _UNITS,
        # A deposit that came back is negative.
        "rent_lamports": pa.Column(RAW_AMOUNT),
        "fees_usd": _USD,
        "price_source": pa.Column(pl.String),
        "price_confidence": pa.Column(MONEY, pa.Check.in_range(0, 1), nullable=True),
    },
    key=("exit_id",),
    sort_by=("wallet", "slot", "tx_index", "signature", "exit_id"),
    partition_column="bucket",
)

EPISODES = make_dataset(
    "episodes",
    {
        "episode_id": _TEXT,
        "wallet": _TEXT,
        "mint": _TEXT,
        "number": pa.Column(pl.Int32, pa.Check.ge(1)),
        "start_at": _INSTANT,
        "end_at": pa.Column(INSTANT, nullable=True),
        "start_signature": _TEXT,
        "end_signature": _TEXT,
        "bought_raw": _UNITS,
        "sold_raw": _UNITS,
        "received_raw": _UNITS,
        "moved_out_raw": _UNITS,
        "held_raw": _UNITS,
        "in_pool_raw": _UNITS,
        "basis_usd": _USD,
        "proceeds_usd": _USD,
        "unknown_proceeds_usd": _USD,
        "realized_pnl_usd": _SIGNED_USD,
        "roi_pct": _SIGNED_USD,
        "average_pnl_usd": _SIGNED_USD,
        "fees_usd": _USD,
        "trades": _COUNT,
        "is_open": pa.Column(pl.Boolean),
    },
    key=("episode_id",),
    sort_by=("wallet", "mint", "number"),
    partition_column="bucket",
)

OOF_MOMENTS = make_dataset(
    "oof_moments",
    {
        "id": _TEXT,
        "wallet": _TEXT,
        "mint": _TEXT,
        "kind": pa.Column(pl.String, pa.Check.isin(["S2E", "BHD", "BadRoute", "Idle", "Rug"])),
        "event_at": _INSTANT,
        "window_start_at": _INSTANT,
        "window_end_at": _INSTANT,
        "pct": pa.Column(MONEY),
        "missed_usd": _SIGNED_USD,
        "reachable_usd": _SIGNED_USD,
        "severity": _SHARE,
        "signature": _TEXT,
        "path": _TEXT,
        "slot": pa.Column(pl.Int64, pa.Check.ge(0)),
        "version": _TEXT,
        "status": pa.Column(pl.String, pa.Check.isin(["open", "final"])),
        "price_source": _TEXT,
        "confidence": _SHARE,
        # Canonical JSON: keys in order, every number as text.
        "explain_json": _TEXT,
    },
    key=("id",),
    sort_by=("wallet", "event_at", "id"),
    partition_column="bucket",
)

WALLET_EXTREMES = make_dataset(
    "wallet_extremes",
    {
        "wallet": _TEXT,
        "name": pa.Column(pl.String, pa.Check.isin(["top_win", "top_loss", "S2E", "BHD", "BadRoute", "Idle", "Rug"])),
        # The moment's id, or the smallest exit_id of the sale.
        "source_id": _TEXT,
        "mint": _TEXT,
        "event_at": _INSTANT,
        # Realised, or missed.
        "amount_usd": _SIGNED_USD,
        "pct": _SIGNED_USD,
        "signature": _TEXT,
        "slot": pa.Column(pl.Int64, pa.Check.ge(0)),
        "told_json": _TEXT,
    },
    key=("wallet", "name"),
    sort_by=("wallet", "name"),
    partition_column="bucket",
)
"""A row an extreme that a wallet has. See detectors/extremes.py for what stands out, and how ties are broken."""

POSITION_DATASETS = {dataset.name: dataset for dataset in (LOTS, REALIZED_TRADES, EPISODES)}
"""What the position engine says."""

MOMENT_DATASETS = {dataset.name: dataset for dataset in (OOF_MOMENTS, WALLET_EXTREMES)}
"""What the detectors say."""
