"""What left and what reached a trader's own accounts within a route instruction."""

import msgspec

from oof_pipelines.chain.moves import NATIVE_MINT, NATIVE_MINTS, Move
from oof_pipelines.decode.book_trades import tradeable
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import RouterCall
from oof_pipelines.decode.nets import Flow, flows_by_owner, net_by_owner

_NONE = Flow(0, 0)


class RouteAmounts(msgspec.Struct, frozen=True):
    """A net trade; `recipient` is '' where the trader kept what he bought."""

    trader: str
    sold_mint: str
    sold_raw: int
    bought_mint: str
    bought_raw: int
    recipient: str


def trade_within(scene: Scene, call: RouterCall) -> RouteAmounts | None:
    """The trade of a router's call between the accounts it names; None where nothing left the one or reached the other.

    A route whose two mints are the same is a circle: all that left and all that came back.
    """
    order = scene.order_of(call.path)
    trader = scene.owner_of(call.source_account) if call.source_account else call.trader
    receiver = scene.owner_of(call.destination_account) if call.destination_account else trader
    sold_mint = _mint(scene, call.source_account, call.sold_mint)
    bought_mint = _mint(scene, call.destination_account, call.bought_mint)
    is_handed_on = sold_mint == bought_mint and trader != receiver
    if not trader or not sold_mint or not bought_mint or is_handed_on:
        return None
    within = scene.moves_within(order)
    moves = [move for move in within if move.owner in (trader, receiver)]
    flows = flows_by_owner(tradeable(moves))
    gave = flows.get(trader, {}).get(sold_mint, _NONE)
    got = flows.get(receiver, {}).get(bought_mint, _NONE)
    if sold_mint == bought_mint:
        sold_raw, bought_raw = gave.out_raw, got.in_raw
    else:
        sold_raw, bought_raw = -gave.net_raw, got.net_raw
    if bought_mint == NATIVE_MINT:
        bought_raw -= _rent_paid_out(within, receiver)
    if sold_raw <= 0 or bought_raw <= 0:
        return None
    return RouteAmounts(trader, sold_mint, sold_raw, bought_mint, bought_raw, receiver if receiver != trader else "")


def _rent_paid_out(moves: list[Move], owner: str) -> int:
    """Rent of the owner's token accounts that a router closed to itself: it comes to him with what he bought."""
    left = sum(move.delta_raw for move in moves if move.kind == "rent" and move.owner == owner != move.account)
    takers = {one.account for one in moves if one.kind == "rent" and one.delta_raw > 0 and one.owner != owner}
    net = net_by_owner(moves)
    kept = sum(max(0, net.get(taker, {}).get(NATIVE_MINT, 0)) for taker in takers)
    return max(0, -left - _rent_received(moves, owner) - kept)


def _rent_received(moves: list[Move], owner: str) -> int:
    return sum(move.delta_raw for move in moves if move.kind == "rent" and move.account == owner and move.delta_raw > 0)


def _mint(scene: Scene, account: str, stated: str) -> str:
    """The mint of an account, SOL where it is none of tokens; what the layout states counts where nothing tells."""
    mint = stated or (scene.mint_of(account) if account else "")
    if not mint and account and not scene.is_token_account(account):
        return NATIVE_MINT
    return NATIVE_MINT if mint in NATIVE_MINTS else mint
