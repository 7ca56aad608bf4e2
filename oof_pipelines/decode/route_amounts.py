"""What left and what reached a trader's own accounts within a route instruction."""

import msgspec

from oof_pipelines.chain.moves import NATIVE_MINT, NATIVE_MINTS, Move
from oof_pipelines.decode.book_trades import goes_round, is_dust, tradeable
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import Leg, RouterCall
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
    trader, sold_mint = _giver_of(scene, call)
    receiver = scene.owner_of(call.destination_account) if call.destination_account else trader
    bought_mint = _mint(scene, call.destination_account, call.bought_mint)
    is_handed_on = sold_mint == bought_mint and trader != receiver
    if not trader or not sold_mint or not bought_mint or is_handed_on:
        return None
    within = scene.moves_within(scene.order_of(call.path))
    moves = [move for move in within if move.owner in (trader, receiver)]
    flows = flows_by_owner(tradeable(moves))
    gave = flows.get(trader, {}).get(sold_mint, _NONE)
    got = flows.get(receiver, {}).get(bought_mint, _NONE)
    if sold_mint != bought_mint and goes_round(gave) and got.out_raw and is_dust(bought_mint, got):
        # No program checks which account a caller names as the end. This one is of a hop in the middle, with dust left in it,
        # and what the route began with came back: a price of the two would be none.
        return None
    if sold_mint == bought_mint:
        sold_raw, bought_raw = gave.out_raw, got.in_raw
    else:
        sold_raw, bought_raw = -gave.net_raw, got.net_raw
    if bought_mint == NATIVE_MINT:
        bought_raw -= _rent_paid_out(within, receiver)
    if sold_raw <= 0 or bought_raw <= 0:
        return None
    return RouteAmounts(trader, sold_mint, sold_raw, bought_mint, bought_raw, receiver if receiver != trader else "")


def circle_within(scene: Scene, call: RouterCall) -> RouteAmounts | None:
    """The circle of a router's call that names another account as its end than its last hop's; None where it is none.

    All that left of what it began with and all that came back, where the call left nothing else to the trader but dust. Old
    callers of Jupiter name the wallet itself, or an account of the middle token: nothing holds it against what arrives.
    """
    trader, mint = _giver_of(scene, call)
    within = scene.moves_within(scene.order_of(call.path))
    flows = flows_by_owner(tradeable(within)).get(trader, {})
    flow = flows.pop(mint, _NONE)
    bought_raw = flow.in_raw - (_rent_paid_out(within, trader) if mint == NATIVE_MINT else 0)
    if flow.out_raw <= 0 or not goes_round(Flow(bought_raw, flow.out_raw)):
        return None
    if any(other.net_raw and not is_dust(asset, other) for asset, other in flows.items()):
        return None
    return RouteAmounts(trader, mint, flow.out_raw, mint, bought_raw, recipient="")


def recipient_of(scene: Scene, leg: Leg) -> str:
    """Who was given what a swap bought, where nothing of it came to its trader; '' where it did, or nobody can be told.

    One owner alone, who gave none of it, got no less than the venue says was bought.
    """
    moves = list(tradeable(scene.moves_within(scene.order_of(leg.path))))
    flows = flows_by_owner(moves)
    if not leg.trader or flows.get(leg.trader, {}).get(leg.bought_mint, _NONE).in_raw:
        return ""
    # A token account that nothing names an owner of stands as its own.
    without_owner = {move.account for move in moves if move.account == move.owner and move.asset == leg.bought_mint}
    given = [
        owner
        for owner, assets in flows.items()
        if owner not in without_owner
        and (flow := assets.get(leg.bought_mint)) is not None
        and not flow.out_raw
        and flow.in_raw >= leg.bought_raw
    ]
    return given[0] if len(given) == 1 else ""


def _giver_of(scene: Scene, call: RouterCall) -> tuple[str, str]:
    """Whose account a call takes from, and the mint of what it takes; '' for what nothing tells."""
    trader = scene.owner_of(call.source_account) if call.source_account else call.trader
    return trader, _mint(scene, call.source_account, call.sold_mint)


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
