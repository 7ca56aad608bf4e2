"""Rows for the inbox tests, with bodies that read, and a database with every migration."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.compression import compress_body
from oof_pipelines.interfaces import StoredTransaction

PROGRAM = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PAYER = "CPp14jCnVZpBUoLGZKAFcrLGHqbYTqHjcBEXaJyVgVop"
SLOT = 400_000_000
AT = datetime(2026, 2, 13, 23, 59, 59, 999_999, tzinfo=UTC)


def signature_of(name: object) -> str:
    return encode_base58(b"\1" + hashlib.sha512(str(name).encode()).digest()[1:])


def stored(name: object, **changes: Any) -> StoredTransaction:
    """A transaction of the last microsecond of a UTC day, with the largest fee there is."""
    signature = signature_of(name)
    slot = changes.get("slot", SLOT)
    body = {
        "slot": slot,
        "blockTime": int(AT.timestamp()),
        "transaction": {
            "signatures": [signature],
            "message": {"accountKeys": [PAYER, PROGRAM], "instructions": [{"programIdIndex": 1}]},
        },
        "meta": {"err": None, "fee": 5000},
    }
    values: dict[str, Any] = {
        "signature": signature,
        "slot": slot,
        "tx_index": None,
        "block_time": AT,
        "is_block_time_estimated": False,
        "version": "legacy",
        "is_failed": False,
        "fee_lamports": 2**64 - 1,
        "fee_payer": PAYER,
        "program_ids": (PROGRAM,),
        "lead_program_id": PROGRAM,
        "is_simple_vote": False,
        "logs": (f"Program {PROGRAM} invoke [1]", "Program log: ☃"),
        "body_zstd": compress_body(json.dumps(body).encode()),
    }
    return StoredTransaction(**(values | changes))
