"""What a program nobody decodes keeps back when it calls a venue for a trader: a fee of its own, paid in its own call."""

from collections.abc import Iterator

from oof_pipelines.chain.replaced import replaced
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
    """The routes, with what their traders paid in the mints they traded within the same outer instruction beside the swaps.

    Only where the outer instruction is of an unknown program and trades for one wallet: there it can be told whose it is.
    """
    by_outer: dict[str, list[int]] = {}
    for index, route in enumerate(routes):
        by_outer.setdefault(route.path.partition(".")[0], []).append(index)
    changed = list(routes)
    for outer, indexes in by_outer.items():
        traders = {routes[index].trader for index in indexes}
        if len(traders) == 1 and scene.instructions[scene.order_of(outer)].program_id not in BY_ID:
            for index, part in _kept_back(scene, outer, {index: routes[index] for index in indexes}, traders.pop()):
                changed[index] = replaced(changed[index], fees=(*changed[index].fees, part))
    return changed


def _kept_back(scene: Scene, outer: str, routes: dict[int, Route], trader: str) -> Iterator[tuple[int, FeePart]]:
    """(index of the route, part) of what a trader lost beside his swaps, at the one swap that it can be of."""
    spans = [(order, scene.end_of(order)) for route in routes.values() for order in (scene.order_of(route.path),)]
    beside = [
        move
        for move in tradeable(scene.moves_within(scene.order_of(outer)))
        if not any(start <= scene.order_of(move.path) < end for start, end in spans)
    ]
    paid_to_bots = {move.path for move in beside if move.owner in BOT_FEE_WALLETS and move.delta_raw > 0}
    net = net_by_owner(move for move in beside if move.path not in paid_to_bots).get(trader, {})
    sold = {index: (route.sold_mint, route.sold_raw) for index, route in routes.items()}
    bought = {index: (route.bought_mint, route.bought_raw) for index, route in routes.items()}
    for mint, net_raw in net.items():
        of_sold = [index for index in sold if sold[index][0] == mint]
        of_bought = [index for index in bought if bought[index][0] == mint]
        side, indexes = (sold, of_sold) if len(routes) == 1 and of_sold else (bought, of_bought)
        if not indexes:
            side, indexes = sold, of_sold
        if len(indexes) == 1 and 0 < -net_raw * 100 <= side[indexes[0]][1] * _MOST_PERCENT:
            yield indexes[0], FeePart("platform", mint, -net_raw, ON_TOP)
