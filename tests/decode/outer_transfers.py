"""Lamports that top-level instructions of System sent, read straight off a body's JSON in any encoding a node offers."""

import base64
from typing import Any

from outside_count import account_keys
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import decode_base58

SYSTEM = "11111111111111111111111111111111"
_TRANSFER = (2).to_bytes(4, "little")


def outer_lamport_transfers(body: dict[str, Any]) -> list[tuple[str, str, int]]:
    """(from, to, lamports) of every top-level System transfer, in order."""
    keys, transaction = account_keys(body), body["transaction"]
    if isinstance(transaction, list):
        message = VersionedTransaction.from_bytes(base64.b64decode(transaction[0])).message
        raw = [
            (keys[one.program_id_index], [keys[index] for index in one.accounts], bytes(one.data))
            for one in message.instructions
        ]
        return [sent for program, accounts, data in raw if (sent := _sent(program, accounts, data))]
    found = []
    for one in transaction["message"]["instructions"]:
        if "parsed" in one:
            info = one["parsed"].get("info", {}) if isinstance(one["parsed"], dict) else {}
            if one["programId"] == SYSTEM and one["parsed"]["type"] == "transfer":
                found.append((info["source"], info["destination"], int(info["lamports"])))
            continue
        program = one["programId"] if "programId" in one else keys[one["programIdIndex"]]
        accounts = [one_key if isinstance(one_key, str) else keys[one_key] for one_key in one["accounts"]]
        if sent := _sent(program, accounts, decode_base58(one["data"])):
            found.append(sent)
    return found


def _sent(program: str, accounts: list[str], data: bytes) -> tuple[str, str, int] | None:
    if program != SYSTEM or data[:4] != _TRANSFER:
        return None
    return accounts[0], accounts[1], int.from_bytes(data[4:12], "little")
