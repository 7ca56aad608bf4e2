"""What a body says happened to every balance, counted straight from its JSON, and what a decoder must never do.

Nothing here uses the platform's own parser or book: a mistake in them cannot hide itself.
"""

import base64
import json
from collections import Counter, defaultdict
from typing import Any

from solders.transaction import VersionedTransaction

from oof_pipelines.chain.moves import path_text
from oof_pipelines.decode.decoded import Decoded

LAMPORTS = "lamports"
Changes = dict[tuple[str, str], int]


def account_keys(body: dict[str, Any]) -> list[str]:
    """The accounts of a body in the order its balance lists count them."""
    transaction = body["transaction"]
    if isinstance(transaction, list):
        message = VersionedTransaction.from_bytes(base64.b64decode(transaction[0])).message
        keys = [str(key) for key in message.account_keys]
    else:
        keys = [key if isinstance(key, str) else key["pubkey"] for key in transaction["message"]["accountKeys"]]
    loaded = body["meta"].get("loadedAddresses") or {}
    for key in loaded.get("writable", []) + loaded.get("readonly", []):
        if key not in keys:
            keys.append(key)
    return keys


def reported_changes(body: dict[str, Any]) -> Changes:
    """(account, asset) → post − pre of every account the body reports, unchanged ones included.

    Token amounts are left out of a body that reports not one of them.
    """
    keys, meta = account_keys(body), body["meta"]
    changes: Changes = {}
    for account, before, after in zip(keys, meta.get("preBalances", []), meta.get("postBalances", []), strict=False):
        changes[account, LAMPORTS] = after - before
    for sign, side in ((-1, "preTokenBalances"), (1, "postTokenBalances")):
        for row in meta.get(side) or []:
            if 0 <= row["accountIndex"] < len(keys):
                key = keys[row["accountIndex"]], row["mint"]
                changes[key] = changes.get(key, 0) + sign * int(row["uiTokenAmount"]["amount"])
    return changes


def faults(raw_body: bytes, decoded: Decoded) -> list[str]:
    """Everything about a decoded body that must never be, in words: empty for a sound one."""
    # What a decoder skips may be no UTF-8.
    body = json.loads(raw_body.decode(errors="replace"))
    reported = reported_changes(body)
    lamport_accounts = {account for account, asset in reported if asset == LAMPORTS}
    has_tokens = bool(body["meta"].get("preTokenBalances") or body["meta"].get("postTokenBalances"))
    token_accounts = set(account_keys(body)) if has_tokens else set()
    moved: dict[tuple[str, str], int] = defaultdict(int)
    entries: dict[tuple[str, str], int] = defaultdict(int)
    for move in decoded.moves:
        entries[move.path, move.asset] += move.delta_raw
        seen = lamport_accounts if move.asset == LAMPORTS else token_accounts
        if not move.is_virtual and move.account in seen:
            moved[move.account, move.asset] += move.delta_raw
    found = [f"entry {key} sums to {total}" for key, total in entries.items() if total]
    for key in reported.keys() | moved.keys():
        if moved.get(key, 0) != reported.get(key, 0):
            found.append(f"{key} changed by {reported.get(key, 0)}, its moves say {moved.get(key, 0)}")
    found += _fee_faults(body, decoded)
    found += [f"id {one} twice" for one, count in Counter(action.id for action in decoded.actions).items() if count > 1]
    return found + _path_faults(decoded)


def _path_faults(decoded: Decoded) -> list[str]:
    """Actions name paths of moves. What a venue tells by its arguments or an event may have lost its moves in a damaged
    body: an order it says it filled, a hop a router tells of, a claim, a launch. It names its instruction then.
    """
    moved = {move.path for move in decoded.moves}
    called = {path_text(one.path) for one in decoded.transaction.instructions}
    return [
        f"{one.kind} at {one.path} names no path of moves"
        for one in decoded.actions
        if not moved & {*one.paths} and not (one.venue and one.path in called)
    ]


def _fee_faults(body: dict[str, Any], decoded: Decoded) -> list[str]:
    fee_moves = [move for move in decoded.moves if move.path == "fee" and not move.is_virtual]
    found = []
    if -sum(move.delta_raw for move in fee_moves) != body["meta"]["fee"] or any(m.delta_raw > 0 for m in fee_moves):
        found.append(f"the fee is {body['meta']['fee']}, its moves are {fee_moves}")
    if any(move.account != account_keys(body)[0] for move in fee_moves):
        found.append("another than the fee payer pays")
    if body["meta"].get("err") is not None:
        # Residual is what a damaged recording's own balances claim; no instruction of a failed one moves anything.
        found += [f"failed, yet {m}" for m in decoded.moves if m.path not in ("fee", "residual")]
        found += [f"failed, yet {a}" for a in decoded.actions if a.kind not in ("fee", "residual")]
    return found
