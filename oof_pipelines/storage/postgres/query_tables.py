"""The Postgres tables that `oof sql` may name: the query that reads each, and the types its columns have in DuckDB.

`hot_` tables hold what no file holds yet, in the columns of their dataset and whether it is final.
"""

from typing import Any

import polars as pl

from oof_pipelines.storage.parquet.dataset import INSTANT, RAW_AMOUNT
from oof_pipelines.storage.parquet.price_schemas import MONEY
from oof_pipelines.storage.parquet.schemas import DATASETS, TOLD_DATASETS
from oof_pipelines.storage.postgres.account_tables import ACCOUNT_QUERY_TABLES
from oof_pipelines.storage.postgres.coverage_tables import COVERAGE_QUERY_TABLES
from oof_pipelines.storage.postgres.hot_told import select_told
from oof_pipelines.storage.postgres.job_tables import JOB_QUERY_TABLES
from oof_pipelines.storage.postgres.market_data_tables import MARKET_QUERY_TABLES
from oof_pipelines.storage.postgres.plan_tables import PLAN_QUERY_TABLES


def _hot(dataset: str) -> dict[str, Any]:
    return {**DATASETS[dataset].columns, "is_final": pl.Boolean()}


QUERY_TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "hot_raw_transactions": (
        "select t.sig, t.slot, t.tx_index, t.ts, t.is_block_time_estimated, i.version, t.status = 'failed', "
        "i.fee_lamports, i.fee_payer, i.program_ids, i.body_zstd, t.is_final "
        "from inbox_transactions i join tx_raw t using (sig)",
        _hot("raw_transactions"),
    ),
    "hot_raw_logs": (
        "select l.signature, l.slot, t.tx_index, t.ts, l.program_id, l.is_failed, l.logs, coalesce(t.is_final, false) "
        "from raw_logs l left join tx_raw t on t.sig = l.signature",
        _hot("raw_logs"),
    ),
    "hot_actions": (
        "select a.id, a.sig, a.slot, t.tx_index, a.ts, a.log_idx, a.path, a.program_id, a.venue, a.kind, a.wallet, "
        "a.counterparty, a.mint, a.amount_raw, a.bought_mint, a.bought_raw, a.paths, t.is_final "
        "from actions a join tx_raw t using (sig) where not t.is_decoded",
        _hot("actions"),
    ),
    "hot_moves": (
        "select m.sig, t.slot, t.tx_index, t.ts, m.seq, m.log_idx, m.path, m.account, m.owner, m.asset, m.delta_raw, "
        "m.balance_raw, m.kind, m.is_virtual, t.is_final "
        "from hot_moves m join tx_raw t using (sig) where not t.is_decoded",
        _hot("moves"),
    ),
    "hot_participants": (
        "select p.sig, t.slot, t.tx_index, t.ts, p.wallet, p.roles, t.is_final "
        "from participants p join tx_raw t using (sig) where not t.is_decoded",
        _hot("participants"),
    ),
    "hot_token_facts": (
        "select f.mint, f.decimals, f.token_program, t.slot, t.ts, t.sig, t.is_final "
        "from hot_token_facts f join tx_raw t using (sig) where not t.is_decoded",
        _hot("token_facts"),
    ),
    **{
        f"hot_{name}": (
            f"{select_told(name)}, t.is_final from hot_{name} h join tx_raw t using (sig) where not t.is_decoded",
            _hot(name),
        )
        for name in TOLD_DATASETS
    },
    "hot_features_1m": (
        f"select {', '.join(DATASETS['features_1m'].columns)} from features_1m where is_hot",  # noqa: S608
        DATASETS["features_1m"].columns,
    ),
    "corrections": (
        "select sig, slot, reason, detail, actions_removed, moves_removed, events_removed, lots_removed, trades_removed, "
        "moments_removed, market_events_removed, wallets_touched, corrected_at from corrections",
        {
            "sig": pl.String(),
            "slot": pl.Int64(),
            "reason": pl.String(),
            "detail": pl.String(),
            "actions_removed": pl.Int32(),
            "moves_removed": pl.Int32(),
            "events_removed": pl.Int32(),
            "lots_removed": pl.Int32(),
            "trades_removed": pl.Int32(),
            "moments_removed": pl.Int32(),
            "market_events_removed": pl.Int32(),
            "wallets_touched": pl.Int32(),
            "corrected_at": INSTANT,
        },
    ),
    "hot_position_events": (
        "select h.sig, t.slot, t.tx_index, t.ts, h.log_idx, h.path, h.seq, h.wallet, h.kind, h.mint, h.decimals, h.qty_raw, "
        "h.other_mint, h.other_decimals, h.other_raw, h.counterparty, h.venue, h.network_fee_lamports, h.tip_lamports, "
        "h.rent_lamports, h.is_escrow, t.is_final from hot_position_events h join tx_raw t using (sig)",
        _hot("position_events"),
    ),
    "touched_wallets": (
        "select wallet, cause, bucket, touched_at, not_before, failures, last_error from touched_wallets",
        {
            "wallet": pl.String(),
            "cause": pl.String(),
            "bucket": pl.Int16(),
            "touched_at": INSTANT,
            "not_before": INSTANT,
            "failures": pl.Int32(),
            "last_error": pl.String(),
        },
    ),
    "refresh_log": (
        "select wallet, cause, newest_block_at, touched_at, began_at, read_at, served_at, events from refresh_log",
        {
            "wallet": pl.String(),
            "cause": pl.String(),
            "newest_block_at": INSTANT,
            "touched_at": INSTANT,
            "began_at": INSTANT,
            "read_at": INSTANT,
            "served_at": INSTANT,
            "events": pl.Int32(),
        },
    ),
    "decoded_days": (
        "select day, transactions, decoded, conserved, residual, moved_lamports, residual_lamports, decoder_version "
        "from decoded_days",
        {
            "day": pl.Date(),
            "transactions": pl.Int32(),
            "decoded": pl.Int32(),
            "conserved": pl.Int32(),
            "residual": pl.Int32(),
            "moved_lamports": RAW_AMOUNT,
            "residual_lamports": RAW_AMOUNT,
            "decoder_version": pl.String(),
        },
    ),
    "decoded_by_program_hour": (
        "select day, hour_at, program_id, calls, unknown_calls, unread_calls, transactions, residual_transactions, "
        "moved_lamports, residual_lamports from decoded_by_program_hour",
        {
            "day": pl.Date(),
            "hour_at": INSTANT,
            "program_id": pl.String(),
            "calls": pl.Int64(),
            "unknown_calls": pl.Int64(),
            "unread_calls": pl.Int64(),
            "transactions": pl.Int64(),
            "residual_transactions": pl.Int64(),
            "moved_lamports": RAW_AMOUNT,
            "residual_lamports": RAW_AMOUNT,
        },
    ),
    "unknown_discriminators": (
        "select day, hour_at, program_id, discriminator, calls, first_sig from unknown_discriminators",
        {
            "day": pl.Date(),
            "hour_at": INSTANT,
            "program_id": pl.String(),
            "discriminator": pl.String(),
            "calls": pl.Int64(),
            "first_sig": pl.String(),
        },
    ),
    "wallet_slices": (
        "select day, bucket, sha256 from wallet_slices",
        {"day": pl.Date(), "bucket": pl.Int16(), "sha256": pl.String()},
    ),
    "wallet_bucket_contents": (
        "select day, bucket, sha256 from wallet_bucket_contents",
        {"day": pl.Date(), "bucket": pl.Int16(), "sha256": pl.String()},
    ),
    "feed_backlog": (
        "select 'provisional' as what, count(*) as rows, min(slot) as first_slot, max(slot) as last_slot "
        "from tx_raw where not is_final "
        "union all select 'final, waiting to be folded', count(*), min(slot), max(slot) "
        "from inbox_transactions join tx_raw using (sig) where is_final "
        "union all select 'folded, waiting to be decoded', count(*), min(slot), max(slot) "
        "from tx_raw where is_final and object_key is not null and not is_decoded "
        "union all select 'wallet buckets behind their days', count(distinct bucket), null, null "
        "from wallet_slices s full join wallet_bucket_contents c using (bucket, day) "
        "where s.sha256 is distinct from c.sha256",
        {"what": pl.String(), "rows": pl.Int64(), "first_slot": pl.Int64(), "last_slot": pl.Int64()},
    ),
    "tx_raw": (
        "select sig, slot, ts, status, object_key, size_bytes, tx_index, is_block_time_estimated, is_final, is_decoded, "
        "stored_at from tx_raw",
        {
            "sig": pl.String(),
            "slot": pl.Int64(),
            "ts": INSTANT,
            "status": pl.String(),
            "object_key": pl.String(),
            "size_bytes": pl.Int32(),
            "tx_index": pl.Int32(),
            "is_block_time_estimated": pl.Boolean(),
            "is_final": pl.Boolean(),
            "is_decoded": pl.Boolean(),
            "stored_at": INSTANT,
        },
    ),
    "token_prices": (
        "select mint, ts, price, source, tf, confidence from token_prices",
        {
            "mint": pl.String(),
            "ts": INSTANT,
            "price": MONEY,
            "source": pl.String(),
            "tf": pl.String(),
            "confidence": MONEY,
        },
    ),
    "quarantine": (
        "select signature, slot, reason, detail, body_zstd, quarantined_at from quarantine",
        {
            "signature": pl.String(),
            "slot": pl.Int64(),
            "reason": pl.String(),
            "detail": pl.String(),
            "body_zstd": pl.Binary(),
            "quarantined_at": INSTANT,
        },
    ),
    "fetch_queue": (
        "select signature, slot, source, attempts, not_before, last_error, queued_at from fetch_queue",
        {
            "signature": pl.String(),
            "slot": pl.Int64(),
            "source": pl.String(),
            "attempts": pl.Int32(),
            "not_before": INSTANT,
            "last_error": pl.String(),
            "queued_at": INSTANT,
        },
    ),
    "feed_gaps": (
        "select target, first_slot, last_slot, reason, noticed_at from feed_gaps",
        {
            "target": pl.String(),
            "first_slot": pl.Int64(),
            "last_slot": pl.Int64(),
            "reason": pl.String(),
            "noticed_at": INSTANT,
        },
    ),
    "webhook_refusals": (
        "select minute_at, reason, requests, hints from webhook_refusals",
        {"minute_at": INSTANT, "reason": pl.String(), "requests": pl.Int64(), "hints": pl.Int64()},
    ),
    "feed_checkpoints": (
        "select target, slot, has_heard, updated_at from feed_checkpoints",
        {"target": pl.String(), "slot": pl.Int64(), "has_heard": pl.Boolean(), "updated_at": INSTANT},
    ),
    **MARKET_QUERY_TABLES,
    **PLAN_QUERY_TABLES,
    **JOB_QUERY_TABLES,
    **ACCOUNT_QUERY_TABLES,
    **COVERAGE_QUERY_TABLES,
}
"""Table → (query, column types)."""
