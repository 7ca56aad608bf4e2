"""One decoded transaction as `oof decode` writes it: a JSON object, amounts as strings of base units."""

from typing import Any

from oof_pipelines.chain.actions import Action
from oof_pipelines.chain.moves import Move
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.decode.facts import FeePart, Leg, Reserve
from oof_pipelines.decode.routes import Route


def decoded_line(decoded: Decoded) -> dict[str, Any]:
    """The line of one transaction."""
    transaction = decoded.transaction
    return {
        "signature": transaction.signature,
        "slot": transaction.slot,
        "tx_index": transaction.tx_index,
        "block_time": transaction.block_time_s,
        "success": not transaction.is_failed,
        "fee_payer": transaction.fee_payer,
        "fee_lamports": str(transaction.fee_lamports),
        "routes": [_route(route) for route in decoded.routes],
        "actions": [_action(action) for action in decoded.actions],
        "moves": [_move(move) for move in decoded.moves],
    }


def _route(route: Route) -> dict[str, Any]:
    return {
        "path": route.path,
        "via": route.via,
        "trader": route.trader,
        **_amounts(route),
        "recipient": route.recipient,
        "legs": [_leg(leg) for leg in route.legs],
        "fees": [_fee(fee) for fee in route.fees],
    }


def _amounts(trade: Route | Leg) -> dict[str, str]:
    return {
        "sold_mint": trade.sold_mint,
        "sold_raw": str(trade.sold_raw),
        "bought_mint": trade.bought_mint,
        "bought_raw": str(trade.bought_raw),
    }


def _leg(leg: Leg) -> dict[str, Any]:
    return {
        "path": leg.path,
        "program": leg.program_id,
        "venue": leg.venue,
        "pool": leg.pool,
        "trader": leg.trader,
        **_amounts(leg),
        "reserves": [_reserve(reserve) for reserve in leg.reserves],
        "fees": [_fee(fee) for fee in leg.fees],
    }


def _reserve(reserve: Reserve) -> dict[str, str | None]:
    return {
        "mint": reserve.mint,
        "kind": reserve.kind,
        "before_raw": _text(reserve.before_raw),
        "after_raw": _text(reserve.after_raw),
    }


def _text(amount_raw: int | None) -> str | None:
    return None if amount_raw is None else str(amount_raw)


def _fee(fee: FeePart) -> dict[str, str]:
    return {
        "kind": fee.kind,
        "mint": fee.mint,
        "amount_raw": str(fee.amount_raw),
        "fee_side": fee.side,
        "recipient": fee.recipient,
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        "id": action.id,
        "path": action.path,
        "program": action.program_id,
        "venue": action.venue,
        "kind": action.kind,
        "wallet": action.wallet,
        "counterparty": action.counterparty,
        "asset": action.asset,
        "amount_raw": str(action.amount_raw),
        "bought_asset": action.bought_asset,
        "bought_raw": str(action.bought_raw),
        "paths": list(action.paths),
    }


def _move(move: Move) -> dict[str, Any]:
    return {
        "path": move.path,
        "account": move.account,
        "owner": move.owner,
        "asset": move.asset,
        "delta_raw": str(move.delta_raw),
        "kind": move.kind,
        "virtual": move.is_virtual,
    }
