"""What a program nobody decodes keeps back when it calls a venue for a trader: a fee of its own, paid in its own call."""

import msgspec

from oof_pipelines.decode.book_trades import tradeable
from oof_pipelines.decode.bot_fees import BOT_FEE_WALLETS
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import ON_TOP, FeePart
from oof_pipelines.decode.nets import net_by_owner
from oof_pipelines.decode.programs import BY_ID
from oof_pipelines.decode.routes import Route

_MOST_PERCENT = 10
"""What is more than that is no fee, but a payment of another kind."""


def with_caller_fees(scene: Scene, routes: list[Route]) -> list[Route]:
    """The routes, with what their traders paid in the mints they traded within the same outer instruction beside the swap.

    Only where the outer instruction is of an unknown program and holds no other route: there it can be told apart.
    """
    outers = [route.path.partition(".")[0] for route in routes]
    return [
        _with_fee(scene, route, outer) if outers.count(outer) == 1 and _is_unknown(scene, outer) else route
        for route, outer in zip(routes, outers, strict=True)
    ]


def _is_unknown(scene: Scene, outer: str) -> bool:
    return scene.instructions[scene.order_of(outer)].program_id not in BY_ID


def _with_fee(scene: Scene, route: Route, outer: str) -> Route:
    start = scene.order_of(route.path)
    end = scene.end_of(start)
    beside = [
        move
        for move in tradeable(scene.moves_within(scene.order_of(outer)))
        if not start <= scene.order_of(move.path) < end
    ]
    paid_to_bots = {move.path for move in beside if move.owner in BOT_FEE_WALLETS and move.delta_raw > 0}
    net = net_by_owner(move for move in beside if move.path not in paid_to_bots).get(route.trader, {})
    parts = [
        FeePart("platform", mint, -net[mint], ON_TOP)
        for mint, raw in ((route.sold_mint, route.sold_raw), (route.bought_mint, route.bought_raw))
        if 0 < -net.get(mint, 0) * 100 <= raw * _MOST_PERCENT
    ]
    return msgspec.structs.replace(route, fees=(*route.fees, *parts)) if parts else route
