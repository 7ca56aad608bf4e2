"""What accounts say as `oof sql` sees it: the query that reads each table, and its columns' types in DuckDB.

`served_` are the newest states, which views of the same name without that show; `account_events` are rows as market_events
has them. Their signature is the derived id of market/from_accounts.py, in the same words.
"""

from typing import Any

import polars as pl

from oof_pipelines.storage.parquet.dataset import INSTANT, RAW_AMOUNT
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS

_TEXT, _SMALL, _WHOLE, _LONG, _TRUTH = pl.String(), pl.Int16(), pl.Int32(), pl.Int64(), pl.Boolean()
_PLACE_COLUMNS = 4
_AS_OF: dict[str, Any] = {"slot": _LONG, "write_version": _LONG, "ts": INSTANT, "is_final": _TRUTH}

_POOLS: dict[str, Any] = {
    **dict.fromkeys(("pool", "venue", "program_id", "mint_a", "mint_b", "vault_a", "vault_b"), _TEXT),
    "decimals_a": _SMALL,
    "decimals_b": _SMALL,
    **dict.fromkeys(("lp_mint", "creator", "config"), _TEXT),
    "status": _LONG,
    "is_complete": _TRUTH,
    "fee_ppm": _LONG,
    **dict.fromkeys(
        ("owed_a_raw", "owed_b_raw", "virtual_a_raw", "virtual_b_raw", "real_a_raw", "real_b_raw"), RAW_AMOUNT
    ),
    # Up to 128 bits, so up to 39 digits: as text, which no decimal cuts.
    "liquidity_raw": _TEXT,
    "price_x64": _TEXT,
    "tick": _WHOLE,
    "step": _WHOLE,
    "supply_raw": RAW_AMOUNT,
    **_AS_OF,
}
_MINTS: dict[str, Any] = {
    "mint": _TEXT,
    "token_program": _TEXT,
    "decimals": _SMALL,
    "supply_raw": RAW_AMOUNT,
    "mint_authority": _TEXT,
    "freeze_authority": _TEXT,
    "extensions": pl.List(pl.String()),
    "transfer_fee_bps": _WHOLE,
    "most_transfer_fee_raw": RAW_AMOUNT,
    "fee_from_epoch": RAW_AMOUNT,
    "older_fee_bps": _WHOLE,
    **dict.fromkeys(("permanent_delegate", "close_authority", "hook_program", "default_state"), _TEXT),
    "is_paused": _TRUTH,
    **dict.fromkeys(("name", "symbol", "uri"), _TEXT),
    **_AS_OF,
}
_BALANCES: dict[str, Any] = {
    **dict.fromkeys(("account", "kind", "wallet", "mint"), _TEXT),
    "balance_raw": RAW_AMOUNT,
    **_AS_OF,
}
_UPDATES: dict[str, Any] = {
    "pubkey": _TEXT,
    "slot": _LONG,
    "write_version": _LONG,
    "owner": _TEXT,
    "lamports": RAW_AMOUNT,
    "kind": _TEXT,
    "facts": _TEXT,
    "signature": _TEXT,
    "ts": INSTANT,
    "is_block_time_estimated": _TRUTH,
    "is_startup": _TRUTH,
    "is_final": _TRUTH,
    "heard_at": INSTANT,
}
_AS_TEXT = frozenset({"liquidity_raw", "price_x64", "facts"})


def _select(columns: dict[str, Any], table: str) -> tuple[str, dict[str, Any]]:
    listed = ", ".join(f"{name}::text" if name in _AS_TEXT else name for name in columns)
    return f"select {listed} from {table}", columns  # noqa: S608 - names of our own schema


# A pool is discovered by the first change of it that is there; the others bring nothing new but their state.
_EVENTS = f"""
select '~' || lpad(e.slot::text, 12, '0') || '.' || lpad(e.write_version::text, 20, '0') || '.' || e.pubkey,
       e.slot, null, u.ts, {", ".join(f"e.{name}" for name in list(MARKET_EVENTS.columns)[_PLACE_COLUMNS:])},
       e.pubkey, u.is_final
from account_events e join account_updates u using (pubkey, slot, write_version)
where e.kind <> 'pool_created' or not exists (
    select from account_events o
    where o.kind = 'pool_created' and o.pool = e.pool and (o.slot, o.write_version) < (e.slot, e.write_version)
)
"""  # noqa: S608

ACCOUNT_QUERY_TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "account_events": (_EVENTS, {**MARKET_EVENTS.columns, "account": _TEXT, "is_final": _TRUTH}),
    "account_updates": _select(_UPDATES, "account_updates"),
    "served_pools": _select(_POOLS, "pools"),
    "served_token_mints": _select(_MINTS, "token_mints"),
    "served_account_balances": _select(_BALANCES, "account_balances"),
    "account_corrections": (
        "select slot, updates_removed, corrected_at from account_corrections",
        {"slot": _LONG, "updates_removed": _WHOLE, "corrected_at": INSTANT},
    ),
}
"""Table → (query, column types)."""
