"""Small true rows of the raw datasets, for tests of folding and its checks."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from memory_chain import FIRST_SLOT, PAYER, PROGRAM, body_of, signature_of

from oof_pipelines.chain.compression import compress_body
from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.storage.parquet.schemas import DATASETS

NOON = datetime.fromtimestamp(estimate_block_time_s(FIRST_SLOT), UTC).replace(hour=12, minute=0, second=0)
DAY: date = NOON.date()


def row(name: object, offset: int = 0, **changes: Any) -> dict[str, Any]:
    """A row of raw_transactions and raw_logs at once, `offset` slots (and as many half seconds) after noon."""
    signature, slot = signature_of(name), FIRST_SLOT + offset
    return {
        "signature": signature,
        "slot": slot,
        "tx_index": None,
        "block_time": NOON + timedelta(seconds=offset // 2),
        "is_block_time_estimated": False,
        "version": "legacy",
        "is_failed": False,
        "fee_lamports": Decimal(2**64 - 1),
        "fee_payer": PAYER,
        "program_ids": [PROGRAM],
        "body_zstd": compress_body(body_of(signature, slot)),
        "program_id": PROGRAM,
        "logs": ["Program log: hello"],
    } | changes


def frame(rows: list[dict[str, Any]], dataset: str = "raw_transactions") -> pl.DataFrame:
    columns = DATASETS[dataset].columns
    return pl.DataFrame([{name: each[name] for name in columns} for each in rows], schema=columns, orient="row")
