"""A decoded transaction as a compact ledger: one line an entry's row, one line an action, accounts by their first letters."""

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT
from oof_pipelines.decode.decoded import Decoded

_ASSETS = {LAMPORTS_ASSET: "lamports", NATIVE_MINT: "WSOL", "": ""}
_SHORT = 4


def render(decoded: Decoded) -> str:
    """Moves as `path kind asset: account delta …` an entry, then `path action …` lines after a rule.

    Virtual accounts stand in brackets; a token account's owner follows it after a slash. Letters are as many as tell the
    transaction's addresses apart, at least four.
    """
    addresses = {move.account for move in decoded.moves} | {move.owner for move in decoded.moves}
    addresses |= {move.asset for move in decoded.moves}
    addresses |= {one for action in decoded.actions for one in (action.wallet, action.counterparty)}
    length = _SHORT
    while len({one[:length] for one in addresses}) < len(addresses):
        length += 1
    entries: dict[tuple[str, str, str], list[str]] = {}
    for move in decoded.moves:
        owner = f"/{move.owner[:length]}" if move.owner != move.account else ""
        account = f"({move.account})" if move.is_virtual else move.account[:length] + owner
        asset = _ASSETS.get(move.asset, move.asset[:length])
        entries.setdefault((move.path, move.kind, asset), []).append(f"{account} {move.delta_raw:+d}")
    lines = [f"{path} {kind} {asset}: {', '.join(rows)}" for (path, kind, asset), rows in entries.items()]
    lines.append("--")
    for action in decoded.actions:
        to = f" → {action.counterparty[:length]}" if action.counterparty else ""
        sold = f"{_ASSETS.get(action.asset, action.asset[:length])} {action.amount_raw}"
        bought_asset = _ASSETS.get(action.bought_asset, action.bought_asset[:length])
        bought = f" for {bought_asset} {action.bought_raw} on {action.venue}" if action.bought_asset else ""
        lines.append(f"{action.path} {action.kind} {action.wallet[:length]}{to} {sold}{bought}")
    return "\n".join(lines)
