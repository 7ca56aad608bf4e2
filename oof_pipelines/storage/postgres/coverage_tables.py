"""The tables of wallets' coverage that `oof sql` may name: certificates, proven ranges, token accounts, listings."""

from typing import Any

import polars as pl

from oof_pipelines.storage.parquet.dataset import INSTANT, RAW_AMOUNT
from oof_pipelines.storage.parquet.price_schemas import MONEY

_SHARE = pl.Decimal(7, 6)

_CERTIFICATE: dict[str, Any] = {
    "wallet": pl.String(),
    "as_of": INSTANT,
    "since": INSTANT,
    "last_slot": pl.Int64(),
    "proven_until": INSTANT,
    "listed_at": INSTANT,
    "is_complete": pl.Boolean(),
    "reasons": pl.List(pl.String()),
    "accounts_enumerated": pl.Int32(),
    "accounts_proven": pl.Int32(),
    "accounts_left_out": pl.Int32(),
    "accounts_found_by_balances": pl.Int32(),
    "listed_transactions": pl.Int64(),
    "transactions": pl.Int64(),
    "failed_transactions": pl.Int64(),
    "waiting": pl.Int64(),
    "quarantined": pl.Int64(),
    "provisional": pl.Int64(),
    "undecoded_transactions": pl.Int64(),
    "unordered_transactions": pl.Int64(),
    "balance_gaps": pl.Int64(),
    "residual_transactions": pl.Int64(),
    "undecoded_program_transactions": pl.Int64(),
    "moved_lamports": RAW_AMOUNT,
    "residual_lamports": RAW_AMOUNT,
    "undecoded_lamports": RAW_AMOUNT,
    "moved_usd": MONEY,
    "residual_usd": MONEY,
    "undecoded_usd": MONEY,
    "unvalued_moves": pl.Int64(),
    "residual_share_of_lamports": _SHARE,
    "residual_share_of_usd": _SHARE,
    "undecoded_share_of_lamports": _SHARE,
    "undecoded_share_of_usd": _SHARE,
    "unknown_basis_share": _SHARE,
    "unpriced_sales": pl.Int32(),
    "mints_left_out": pl.List(pl.String()),
    "certified_at": INSTANT,
}

COVERAGE_QUERY_TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "coverage_certificates": (
        f"select {', '.join(_CERTIFICATE)}, listing_json::text, token_accounts_json::text, gaps_json::text "  # noqa: S608
        "from coverage_certificates",
        {
            **_CERTIFICATE,
            "listing_json": pl.String(),
            "token_accounts_json": pl.String(),
            "gaps_json": pl.String(),
        },
    ),
    "wallet_coverage": (
        "select wallet, account, first_slot, last_slot, from_ts, to_ts, proven_at from wallet_coverage",
        {
            "wallet": pl.String(),
            "account": pl.String(),
            "first_slot": pl.Int64(),
            "last_slot": pl.Int64(),
            "from_ts": INSTANT,
            "to_ts": INSTANT,
            "proven_at": INSTANT,
        },
    ),
    "wallet_accounts": (
        "select wallet, account, mint, token_program, found_by, is_signed, first_slot, found_at from wallet_accounts",
        {
            "wallet": pl.String(),
            "account": pl.String(),
            "mint": pl.String(),
            "token_program": pl.String(),
            "found_by": pl.String(),
            "is_signed": pl.Boolean(),
            "first_slot": pl.Int64(),
            "found_at": INSTANT,
        },
    ),
    "wallet_listings": (
        "select wallet, since_ts, tip_slot, seen_at, is_complete, history_begin_slot, accounts, left_out "
        "from wallet_listings",
        {
            "wallet": pl.String(),
            "since_ts": INSTANT,
            "tip_slot": pl.Int64(),
            "seen_at": INSTANT,
            "is_complete": pl.Boolean(),
            "history_begin_slot": pl.Int64(),
            "accounts": pl.Int32(),
            "left_out": pl.Int32(),
        },
    ),
}
"""Table → (query, column types), as in query_tables.py."""
