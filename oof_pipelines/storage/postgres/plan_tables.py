"""Plans as `oof sql` sees them: the query that reads each table, and its columns' types in DuckDB."""

from typing import Any

import polars as pl

from oof_pipelines.storage.parquet.dataset import INSTANT

_TEXT = pl.String()

_TABLES: dict[str, dict[str, Any]] = {
    "plans": {
        "code": _TEXT,
        "price_usd_dec": pl.Decimal(10, 2),
        "daily_wallets": pl.Int32(),
        "backfill_days": pl.Int32(),
        "cadence": _TEXT,
        "alerts": pl.Int32(),
        "api_rows": pl.Int64(),
        "perks_json": _TEXT,
    },
    "user_plans": {"user_id": _TEXT, "plan_code": _TEXT, "started_at": INSTANT, "expires_at": INSTANT},
    "policy_state": {"user_id": _TEXT, "analyses_today": pl.Int32(), "last_reset_at": INSTANT},
    "user_wallets": {"user_id": _TEXT, "wallet": _TEXT, "linked_at": INSTANT},
    "watched_wallets": {"user_id": _TEXT, "wallet": _TEXT, "added_at": INSTANT, "last_requested_at": INSTANT},
}
_AS_TEXT = frozenset({"perks_json"})

PLAN_QUERY_TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    name: (
        f"select {', '.join(f'{column}::text' if column in _AS_TEXT else column for column in columns)} from {name}",  # noqa: S608
        columns,
    )
    for name, columns in _TABLES.items()
}
"""Table → (query, column types); names are of this file alone."""
