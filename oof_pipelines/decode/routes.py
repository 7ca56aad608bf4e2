"""Routes: one net trade a route instruction, or a swap made on a venue directly; what PnL books.

Through a router the amounts are what left and what reached the trader's own accounts within the route instruction, by the
book; on a venue called directly, or by a program we do not know as a router, they are the venue's own. A keeper who fills
an order trades for its maker. The legs stay with the route and are never booked beside it.
"""

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from oof_pipelines.chain.replaced import replaced
from oof_pipelines.decode.book_trades import circle_at, principal_at, trade_at, tradeable
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, Leg, OrderFill, RouterCall, RouterHop
from oof_pipelines.decode.nets import counted_asset, flows_by_owner
from oof_pipelines.decode.programs import BY_ID, ROUTERS
from oof_pipelines.decode.route_amounts import RouteAmounts, circle_within, recipient_of, trade_within

_MUCH_MORE_PERCENT = 110


class Route(msgspec.Struct, frozen=True):
    """`trader` gave one amount for another. `via` is the router, the program that called the venue, or the venue itself.

    `recipient` is who was given what was bought, '' where the trader kept it. `paths` are the paths of its moves. A sold
    and a bought mint that are the same are a circle: gain or loss of what it began with.
    """

    path: str
    program_id: str
    via: str
    trader: str
    sold_mint: str
    sold_raw: int
    bought_mint: str
    bought_raw: int
    recipient: str
    legs: tuple[Leg, ...]
    fees: tuple[FeePart, ...]
    paths: tuple[str, ...]

    @property
    def venue(self) -> str:
        """Where it was traded: the router; of a trade without one the venue of its first leg."""
        return self.via if self.program_id in ROUTERS or not self.legs else self.legs[0].venue


def routes_of(scene: Scene, facts: list[Fact]) -> list[Route]:
    """All routes of a transaction in the order of their paths; none of a failed one."""
    if scene.transaction.is_failed:
        return []
    routes = _Routes(scene, facts).all()
    routes.sort(key=lambda route: scene.order_of(route.path))
    return routes


class _Routes:
    """The routes of one transaction while they are found: routers' calls first, then orders, then what is left of legs."""

    def __init__(self, scene: Scene, facts: list[Fact]) -> None:
        self._scene = scene
        # Dust may be sold for nothing; what was got for nothing is no trade.
        self._legs = [fact for fact in facts if isinstance(fact, Leg) and fact.sold_raw > 0]
        self._hops = [fact for fact in facts if isinstance(fact, RouterHop) and fact.sold_raw > 0 < fact.bought_raw]
        self._fills = [fact for fact in facts if isinstance(fact, OrderFill) and fact.sold_raw > 0 < fact.bought_raw]
        calls = [fact for fact in facts if isinstance(fact, RouterCall)]
        spans = [self._span(call.path) for call in calls]
        self._trading_outers = frozenset(
            int(path.partition(".")[0])
            for path in (
                *(leg.path for leg in self._legs),
                *(hop.path for hop in self._hops),
                *(call.path for call in calls),
            )
        )
        # A router that calls a router is one route.
        self._calls = [
            call
            for call, (start, _) in zip(calls, spans, strict=True)
            if not any(begin < start < end for begin, end in spans)
        ]

    def all(self) -> list[Route]:
        routes = [route for call in self._calls if (route := self._routed(call)) is not None]
        routes += self._unread_routers({route.path for route in routes})
        routes = self._filled(routes)
        return routes + self._alone(routes)

    def _span(self, path: str) -> tuple[int, int]:
        order = self._scene.order_of(path)
        return order, self._scene.end_of(order)

    def _within(self, path: str, legs: list[Leg]) -> list[Leg]:
        start, end = self._span(path)
        return [leg for leg in legs if start <= self._scene.order_of(leg.path) < end]

    # --- routers ---

    def _routed(self, call: RouterCall) -> Route | None:
        legs = self._legs_of(call.path)
        trade = trade_within(self._scene, call)
        if trade is None:
            return self._inferred(call.path, call.router, legs, call.fees) or self._circle_of_call(call, legs)
        route = self._for_principal(self._route(call.path, call.router, trade, legs, call.fees))
        return self._of_who_paid(route, legs)

    def _circle_of_call(self, call: RouterCall, legs: tuple[Leg, ...]) -> Route | None:
        """A circle that the call names otherwise; without a swap in it what came back was only handed back."""
        trade = circle_within(self._scene, call) if legs else None
        return None if trade is None else self._route(call.path, call.router, trade, legs, call.fees)

    def _for_principal(self, route: Route) -> Route:
        """A route made with somebody else's money is his: a keeper gives and takes without having or keeping."""
        if route.sold_mint == route.bought_mint or any(fill.taker == route.trader for fill in self._fills):
            return route
        has_kept = self._net_raw(route.trader, route.bought_mint) * 2 >= route.bought_raw
        if has_kept or self._net_raw(route.trader, route.sold_mint) < 0:
            return route
        sold = (route.sold_mint, route.sold_raw)
        transaction, moves = self._scene.transaction, self._scene.moves
        principal, handed = principal_at(transaction, moves, route.path, route.trader, sold, self._trading_outers)
        if principal in ("", route.trader):
            return route
        recipient = "" if route.recipient == principal else route.recipient
        return replaced(
            route, trader=principal, recipient=recipient, paths=tuple(dict.fromkeys((*handed, *route.paths)))
        )

    def _of_who_paid(self, route: Route, legs: tuple[Leg, ...]) -> Route:
        """A program's own account that ends with neither side passed on what another gave within the outer instruction."""
        outer = route.path.partition(".")[0]
        gave_none = self._net_raw(route.trader, route.sold_mint) >= 0
        kept_none = self._net_raw(route.trader, route.bought_mint) <= 0
        if outer == route.path or not is_off_curve(route.trader) or not (gave_none and kept_none):
            return route
        if sum(call.path.partition(".")[0] == outer for call in self._calls) > 1:
            return route
        return self._inferred(outer, route.via, legs, route.fees) or route

    def _net_raw(self, owner: str, mint: str) -> int:
        """By how much an owner has more of a mint after the whole transaction, by what can be part of a trade."""
        own = (move for move in self._scene.moves if move.owner == owner and counted_asset(move) == mint)
        return sum(move.delta_raw for move in tradeable(own))

    def _legs_of(self, path: str) -> tuple[Leg, ...]:
        """Our legs within a route, and the router's own words for the hops at venues we do not decode."""
        start, end = self._span(path)
        legs = self._within(path, self._legs)
        told: list[Leg] = []
        last = start
        for hop in self._hops:
            order = self._scene.order_of(hop.path)
            if not start <= order < end:
                continue
            is_ours = any(last < self._scene.order_of(leg.path) < order for leg in legs)
            is_ours = is_ours or any(
                (leg.sold_mint, leg.sold_raw, leg.bought_mint, leg.bought_raw)
                == (hop.sold_mint, hop.sold_raw, hop.bought_mint, hop.bought_raw)
                for leg in legs
            )
            if not is_ours:
                told.append(self._leg_of_a_hop(hop, last))
            last = order
        return tuple(sorted([*legs, *told], key=lambda leg: self._scene.order_of(leg.path)))

    def _leg_of_a_hop(self, hop: RouterHop, after: int) -> Leg:
        """At the path of the venue's own call, where it can be told; the router tells of a hop after it was made."""
        program = BY_ID.get(hop.program_id)
        venue = program.name if program else hop.program_id
        called = range(after + 1, self._scene.order_of(hop.path))
        at = next((one for one in called if self._scene.instructions[one].program_id == hop.program_id), None)
        path = hop.path if at is None else self._scene.path_of(at)
        amounts = (hop.sold_mint, hop.sold_raw, hop.bought_mint, hop.bought_raw)
        return Leg(path, hop.program_id, venue, "", "", *amounts)

    def _unread_routers(self, read: set[str]) -> list[Route]:
        """Calls of routers by instructions we have no layout for: what the book says of them."""
        routes = []
        covered = [self._span(path) for path in [*read, *(call.path for call in self._calls)]]
        for order, one in enumerate(self._scene.instructions):
            if one.program_id not in ROUTERS or one.stack_height > 1:
                continue
            program = BY_ID[one.program_id]
            layout = program.layout_of(one.data, self._scene.transaction.slot)
            is_known_for_no_route = layout is not None and layout.read is None
            if is_known_for_no_route or any(start <= order < end for start, end in covered):
                continue
            path = self._scene.path_of(order)
            route = self._inferred(path, program.name, self._legs_of(path), ())
            if route is not None:
                routes.append(route)
        return routes

    def _inferred(self, path: str, via: str, legs: tuple[Leg, ...], fees: tuple[FeePart, ...]) -> Route | None:
        """A trade read off the book alone, of whoever gave one thing and got another."""
        traders = frozenset(leg.trader for leg in legs) - {""}
        found = trade_at(
            self._scene.transaction, self._scene.moves, path, traders=traders, trading=self._trading_outers
        )
        if found is None or found.sold[0] == found.bought[0]:
            return None
        order = self._scene.order_of(path)
        has_no_calls = self._scene.end_of(order) == order + 1
        if has_no_calls and found.wallet not in self._scene.transaction.signers:
            # Without what was called a pool cannot be told from a trader.
            return None
        trade = RouteAmounts(found.wallet, *found.sold, *found.bought, found.recipient)
        return self._route(path, via, trade, legs, fees, found.paths)

    def _route(
        self,
        path: str,
        via: str,
        trade: RouteAmounts,
        legs: tuple[Leg, ...],
        fees: tuple[FeePart, ...],
        paths: tuple[str, ...] = (),
        *,
        is_alone: bool = False,
    ) -> Route:
        """`is_alone` where the amounts are the venue's own, and not what the trader's accounts gave and got."""
        order = self._scene.order_of(path)
        return Route(
            path,
            self._scene.instructions[order].program_id,
            via,
            trade.trader,
            trade.sold_mint,
            trade.sold_raw,
            trade.bought_mint,
            trade.bought_raw,
            trade.recipient,
            legs,
            (*_fees_of(legs, (trade.sold_mint, trade.bought_mint) if is_alone else ()), *fees),
            paths or self._scene.move_paths(order),
        )

    # --- orders ---

    def _filled(self, routes: list[Route]) -> list[Route]:
        """Orders filled: through a route of the taker's, which then is the maker's, or as they are."""
        served: set[str] = set()
        for fill in self._fills:
            _, end = self._span(fill.path)
            able = [
                route
                for route in routes
                if route.path not in served and self._scene.order_of(route.path) < end and self._serves(route, fill)
            ]
            # Of a keeper's routes the one that sold what was lent, and the last before the fill.
            able.sort(key=lambda route: (route.sold_raw == fill.sold_raw, self._scene.order_of(route.path)))
            serving = able[-1] if able else None
            if serving is not None:
                served.add(serving.path)
            amounts = (fill.sold_mint, fill.sold_raw, fill.bought_mint, fill.bought_raw)
            trade = RouteAmounts(fill.maker, *amounts, recipient="")
            if serving is None:
                taken = {leg.path for route in routes for leg in route.legs}
                legs = tuple(leg for leg in self._within(fill.path, self._legs) if leg.path not in taken)
                routes.append(self._route(fill.path, fill.venue, trade, legs, fill.fees))
            else:
                routes.remove(serving)
                fees = serving.fees[sum(len(leg.fees) for leg in serving.legs) :]
                paths = tuple(dict.fromkeys((*serving.paths, *self._scene.move_paths(self._scene.order_of(fill.path)))))
                routes.append(self._route(serving.path, serving.via, trade, serving.legs, (*fees, *fill.fees), paths))
        return routes

    @staticmethod
    def _serves(route: Route, fill: OrderFill) -> bool:
        is_of_the_pair = (route.sold_mint, route.bought_mint) == (fill.sold_mint, fill.bought_mint)
        return is_of_the_pair and route.trader in (fill.taker, fill.maker)

    # --- venues called without a router ---

    def _alone(self, routes: list[Route]) -> list[Route]:
        paths = [route.path for route in routes] + [fill.path for fill in self._fills]
        paths += [call.path for call in self._calls]
        covered = [self._span(path) for path in paths]
        # The book's trade is one of a whole outer instruction: not beside routes that were found in it.
        routed = {path.partition(".")[0] for path in paths}
        left = [
            leg
            for leg in self._legs
            if not any(start <= self._scene.order_of(leg.path) < end for start, end in covered)
        ]
        found: list[Route] = []
        while left:
            first = left[0]
            outer = first.path.partition(".")[0]
            together = [leg for leg in left if leg.path.partition(".")[0] == outer]
            if outer != first.path and outer not in routed and self._is_part_of_more(together, outer):
                legs = tuple(together)
                route = self._inferred(outer, self._caller(outer), legs, ()) or self._circle(outer, legs)
                if route is not None:
                    left = [leg for leg in left if leg not in together]
                    found.append(route)
                    continue
            routed.add(outer)
            chain = self._within(first.path, left)
            left = [leg for leg in left if leg not in chain]
            found.append(self._of_chain(chain, self._caller(outer) if outer != first.path else first.venue))
        return found

    def _is_part_of_more(self, legs: list[Leg], outer: str) -> bool:
        """Whether the swaps of an outer instruction are but hops of a trade that the book knows better: made by a program's
        own account, or with something given or got at a venue we do not decode.
        """
        wallets = {leg.trader for leg in legs if not self._is_a_programs(leg.trader)}
        if len(wallets) != 1 or any(leg.trader not in wallets for leg in legs):
            return len(wallets) < 2
        told: dict[str, int] = {}
        on_top: dict[str, int] = {}
        for leg in legs:
            told[leg.sold_mint] = told.get(leg.sold_mint, 0) - leg.sold_raw
            told[leg.bought_mint] = told.get(leg.bought_mint, 0) + leg.bought_raw
            for fee in leg.fees:
                if fee.side != INSIDE:
                    on_top[fee.mint] = on_top.get(fee.mint, 0) + fee.amount_raw
        flows = flows_by_owner(tradeable(self._scene.moves_within(self._scene.order_of(outer))))
        booked = flows.get(wallets.pop(), {})
        both = [
            (raw, on_top.get(mint, 0), booked[mint].net_raw) for mint, raw in told.items() if raw and mint in booked
        ]
        if any(raw * net_raw <= 0 for raw, _, net_raw in both):
            return True
        # Much more given and much more got than was told: a part of it went by a venue that nobody decodes.
        return len(both) == 2 and all(abs(net) * 100 > (abs(raw) + fee) * _MUCH_MORE_PERCENT for raw, fee, net in both)

    def _is_a_programs(self, trader: str) -> bool:
        return is_off_curve(trader) and trader not in self._scene.transaction.signers

    def _circle(self, outer: str, legs: tuple[Leg, ...]) -> Route | None:
        """A round trip of an unknown program's, of which we see some hops: as a whole, or their mints would seem to stay."""
        traders = {leg.trader for leg in legs}
        if len(traders) > 1:
            return None
        trader = traders.pop()
        found = circle_at(self._scene.transaction, self._scene.moves, outer, trader)
        if found is None:
            return None
        mint, sold_raw, bought_raw = found
        trade = RouteAmounts(trader, mint, sold_raw, mint, bought_raw, recipient="")
        return self._route(outer, self._caller(outer), trade, legs, ())

    def _caller(self, outer: str) -> str:
        program_id = self._scene.instructions[self._scene.order_of(outer)].program_id
        program = BY_ID.get(program_id)
        return program.name if program else program_id

    def _of_chain(self, chain: list[Leg], via: str) -> Route:
        first, last = chain[0], chain[-1]
        if any(one.trader != first.trader or one.sold_mint != before.bought_mint for before, one in pairwise(chain)):
            # Somebody else's swap, called from within this one.
            last = first
        sold, bought = (first.sold_mint, first.sold_raw), (last.bought_mint, last.bought_raw)
        trade = RouteAmounts(first.trader, *sold, *bought, recipient_of(self._scene, last))
        return self._route(first.path, via, trade, tuple(chain), (), is_alone=True)


def _fees_of(legs: tuple[Leg, ...], outside: tuple[str, ...]) -> Iterator[FeePart]:
    """The fees of a route's legs. What a venue charges on top stays so where the route's amounts are the venue's own, in the
    mints `outside`; a trader's net contains it, and so does what came and went in between.
    """
    for leg in legs:
        for fee in leg.fees:
            stays = fee.side == INSIDE or fee.mint in outside
            yield fee if stays else replaced(fee, side=INSIDE)
