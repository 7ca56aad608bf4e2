"""Transactions recorded from a Yellowstone stream (byte arrays for addresses and data) as getTransaction would give them."""

import json
from pathlib import Path
from typing import Any

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction


def read_geyser(fixtures: Path, signature: str) -> ParsedTransaction:
    """The recorded update of a signature, parsed. Lookup tables are left out: the loaded addresses stand in the meta."""
    update = json.loads((fixtures / "geyser_tx_json" / f"{signature}.json").read_bytes())
    told = update["transaction"]
    message, meta = told["transaction"]["message"], told["meta"]
    result = {
        "slot": update["slot"],
        "version": 0,
        "transaction": {
            "signatures": [told["signature"]],
            "message": {
                "header": message["header"],
                "accountKeys": _addresses(message["accountKeys"]),
                "recentBlockhash": message["recentBlockhash"],
                "instructions": [_instruction(one) for one in message["instructions"]],
            },
        },
        "meta": {
            "err": meta["err"],
            "fee": meta["fee"],
            "preBalances": meta["preBalances"],
            "postBalances": meta["postBalances"],
            "preTokenBalances": meta["preTokenBalances"],
            "postTokenBalances": meta["postTokenBalances"],
            "logMessages": meta["logMessages"],
            "innerInstructions": [
                {"index": group["index"], "instructions": [_instruction(one) for one in group["instructions"]]}
                for group in meta["innerInstructions"]
            ],
            "loadedAddresses": {
                "writable": _addresses(meta["loadedWritableAddresses"]),
                "readonly": _addresses(meta["loadedReadonlyAddresses"]),
            },
        },
    }
    return parse_transaction(json.dumps(result).encode())


def _addresses(keys: list[list[int]]) -> list[str]:
    return [encode_base58(bytes(key)) for key in keys]


def _instruction(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "programIdIndex": one["programIdIndex"],
        "accounts": list(one["accounts"]),
        "data": encode_base58(bytes(one["data"])),
        "stackHeight": one.get("stackHeight"),
    }
