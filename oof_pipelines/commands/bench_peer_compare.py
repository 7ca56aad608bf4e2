"""Our trades of a transaction beside those of solana-dex-parser: what agrees and how, and every difference with its verdict.

The peer names single swaps and one aggregate of a transaction; ours are routes and their legs. A swap of the peer's agrees
with a leg, a route, or the legs of one pair of mints together, as stated or with stated fees; so does the sum of its swaps
of one pair. What is left is a difference, judged by the transaction's balances (`Ledger`), whoever is right.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import msgspec

from oof_pipelines.commands.bench_peer_balances import CALL, ESCROW, NET, SIGNS, Ledger, strength
from oof_pipelines.commands.bench_peer_statements import (
    PeerAnswer,
    Statement,
    are_same,
    statement_of_leg,
    statement_of_peer,
    statement_of_route,
    total_of,
)
from oof_pipelines.decode.decoded import Decoded

OURS, PEER, BOTH, UNDECIDED = "ours", "peer", "both", "undecided"
VERDICTS = (OURS, BOTH, PEER, UNDECIDED)
ONLY_PEER, ONLY_OURS, AMOUNT, MINTS, TRADER, AGGREGATE = (
    "only_peer",
    "only_ours",
    "amount",
    "mints",
    "trader",
    "aggregate",
)


class Difference(msgspec.Struct, frozen=True):
    """One difference. `ours` and `peer` are None where the side says nothing; evidence is as `Ledger` found it, '' for none.

    `net_sold_raw` and `net_bought_raw` are what the trader's accounts gained of the two mints of the statement in question.
    """

    signature: str
    kind: str
    ours: Statement | None
    peer: Statement | None
    ours_evidence: str
    peer_evidence: str
    net_sold_raw: int
    net_bought_raw: int
    verdict: str


@dataclass(slots=True)
class Comparison:
    """One transaction or many: the peer's trades by how they agree, and the differences."""

    agreed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    differences: list[Difference] = field(default_factory=list)

    def add(self, other: "Comparison") -> None:
        for way, count in other.agreed.items():
            self.agreed[way] += count
        self.differences += other.differences


def compare(decoded: Decoded, answer: PeerAnswer) -> Comparison:
    """Compare what is said of one transaction."""
    return _Matching(decoded, answer).run()


# --- matching ---


@dataclass(eq=False, slots=True)
class _OurRoute:
    """A route with its legs, and which of them the peer named."""

    whole: Statement
    legs: list[Statement]
    is_named: bool = False
    named: set[int] = field(default_factory=set)


class _Matching:
    """Matches the trades of one transaction."""

    def __init__(self, decoded: Decoded, answer: PeerAnswer) -> None:
        self._signature = decoded.transaction.signature
        self._routes = [
            _OurRoute(statement_of_route(route), [statement_of_leg(leg, route) for leg in route.legs])
            for route in decoded.routes
        ]
        self._mark_hops()
        self._trades = [statement_of_peer(trade) for trade in answer.trades]
        # The fee of an aggregate is what the peer finds missing from balances, so it says nothing beside them.
        self._aggregate = (
            statement_of_peer(msgspec.structs.replace(answer.aggregate, fees=())) if answer.aggregate else None
        )
        stated = [*self._trades, *(one for route in self._routes for one in (route.whole, *route.legs))]
        self._ledger = Ledger(decoded.transaction, decoded.moves, [one.trader for one in stated])
        self._strangers: set[tuple[str, str]] = set()
        self._found = Comparison()

    def _mark_hops(self) -> None:
        """Trades of one wallet by one call that pass something on to each other: its accounts need not show any alone."""
        wholes = [route.whole for route in self._routes]
        for route in self._routes:
            one = route.whole
            if any(
                (one.trader, one.outer) == (other.trader, other.outer) and {*one.mints} & {*other.mints}
                for other in wholes
                if other is not one
            ):
                route.whole = replace(one, is_hop=True)
                route.legs = [replace(leg, is_hop=True) for leg in route.legs]

    def run(self) -> Comparison:
        left = [trade for trade in self._trades if not self._agrees_alone(trade)]
        left = self._without_sums(left)
        self._check_aggregate()
        for trade in left:
            self._differ_from(trade)
        for route in self._routes:
            for ours in self._unnamed(route):
                self._tell(ONLY_OURS, ours, None)
        return self._found

    def _agrees_alone(self, trade: Statement) -> bool:
        for route in self._routes:
            same = [number for number, leg in enumerate(route.legs) if are_same(leg, trade)]
            if same:
                # One only, so that a leg too many stays unnamed.
                number = min(same, key=lambda at: (route.legs[at].amounts != trade.amounts, at in route.named))
                self._name(route, [number])
                return self._agree(trade, "a leg", [route.whole, route.legs[number]])
            if are_same(route.whole, trade):
                route.is_named = True
                return self._agree(trade, "a route", [route.whole])
        for routes, legs in self._sums(trade):
            if are_same(total_of(legs), trade):
                for route in routes:
                    route.is_named = True
                return self._agree(trade, "our sum", [*legs, total_of(legs)])
        return False

    def _sums(self, trade: Statement) -> Iterable[tuple[list[_OurRoute], list[Statement]]]:
        """Our routes of the trade's mints together, and the legs of each route."""
        alike = [route for route in self._routes if route.whole.mints == trade.mints]
        if len(alike) > 1:
            yield alike, [route.whole for route in alike]
        for route in self._routes:
            legs = [leg for leg in route.legs if leg.mints == trade.mints]
            if len(legs) > 1:
                yield [route] if len(legs) == len(route.legs) else [], legs

    def _without_sums(self, left: list[Statement]) -> list[Statement]:
        """The peer's trades that do not even agree added up by program and pair of mints."""
        groups: dict[tuple[str, ...], list[Statement]] = defaultdict(list)
        for trade in left:
            groups[trade.program_id, trade.outer, *trade.mints].append(trade)
        return [
            trade
            for trades in groups.values()
            if len(trades) == 1 or not self._agrees_alone(total_of(trades))
            for trade in trades
        ]

    def _check_aggregate(self) -> None:
        aggregate = self._aggregate
        if aggregate is None or any(trade.amounts == aggregate.amounts for trade in self._trades):
            return
        if not self._agrees_alone(aggregate):
            ours = self._nearest(aggregate, lambda one: one.mints == aggregate.mints, is_whole=True)
            self._tell(AGGREGATE, ours, aggregate)

    @staticmethod
    def _name(route: _OurRoute, numbers: list[int]) -> None:
        route.named.update(numbers)
        route.is_named = route.is_named or len(route.named) == len(route.legs)

    def _agree(self, trade: Statement, way: str, ours: list[Statement]) -> bool:
        is_exact = any(one.amounts == trade.amounts for one in ours)
        self._found.agreed[way if is_exact else f"{way}, with its fees"] += 1
        if trade.trader not in {one.trader for one in ours}:
            self._name_stranger(trade.trader, ours[0])
        return True

    def _name_stranger(self, trader: str, ours: Statement) -> None:
        """The peer says it was somebody else's trade; once a route, whose amounts are agreed."""
        if (trader, ours.path) not in self._strangers:
            self._strangers.add((trader, ours.path))
            self._tell(TRADER, ours, replace(ours, trader=trader, recipient=""))

    @staticmethod
    def _unnamed(route: _OurRoute) -> list[Statement]:
        """What the peer did not name of a route: all of it as one, or single hops."""
        if not route.named:
            return [] if route.is_named else [route.whole]
        return [leg for number, leg in enumerate(route.legs) if number not in route.named]

    def _differ_from(self, trade: Statement) -> None:
        """A trade of the peer's that agrees with nothing: beside the nearest of ours, which is thereby told of."""
        reverse = trade.mints[::-1]
        tests: list[tuple[str, Callable[[Statement], bool]]] = [
            (AMOUNT, lambda one: one.mints == trade.mints),
            (MINTS, lambda one: one.outer == trade.outer and one.mints == reverse),
            (MINTS, lambda one: (one.outer, one.program_id) == (trade.outer, trade.program_id)),
        ]
        for kind, test in tests:
            ours = self._nearest(trade, test)
            if ours is not None:
                return self._tell(kind, ours, replace(trade, is_hop=ours.is_hop))
        is_within = any(
            (route.whole.trader, route.whole.outer) == (trade.trader, trade.outer) for route in self._routes
        )
        return self._tell(ONLY_PEER, None, replace(trade, is_hop=is_within))

    def _nearest(self, trade: Statement, test: Callable[[Statement], bool], is_whole: bool = False) -> Statement | None:
        """Our leg or route that passes the test, by preference one not named yet, of the same call, program and amounts."""
        candidates = list(self._candidates(is_whole))
        found = [
            (is_named, one.outer != trade.outer, one.program_id != trade.program_id, _distance_raw(one, trade), number)
            for number, (one, is_named) in enumerate(candidates)
            if test(one)
        ]
        if not found:
            return None
        nearest = candidates[min(found)[-1]][0]
        for route in self._routes:
            if nearest is route.whole:
                route.is_named = True
            self._name(route, [number for number, leg in enumerate(route.legs) if leg is nearest])
        return nearest

    def _candidates(self, is_whole: bool) -> Iterable[tuple[Statement, bool]]:
        for route in self._routes:
            # The only leg of a trade without a router is the trade, which knows what was paid beside it.
            if not is_whole and [leg.path for leg in route.legs] != [route.whole.path]:
                yield from ((leg, number in route.named) for number, leg in enumerate(route.legs))
            yield route.whole, route.is_named

    # --- judging ---

    def _tell(self, kind: str, ours: Statement | None, peer: Statement | None) -> None:
        evidence = self._evidence(kind, ours, peer)
        stated = ours or peer
        assert stated is not None
        nets = self._ledger.described(stated)
        difference = Difference(
            self._signature, kind, ours, peer, *evidence, *nets, self._verdict(kind, ours, peer, *evidence)
        )
        self._found.differences.append(difference)

    def _evidence(self, kind: str, ours: Statement | None, peer: Statement | None) -> tuple[str, str]:
        """Of ours and of the peer's; who is silent is borne out where his other trades explain the balances alone."""
        ledger = self._ledger
        if kind == TRADER and ours is not None and peer is not None:
            # The amounts are agreed, so what counts is whose accounts moved.
            return self._evidence_of_owner(ours), self._evidence_of_owner(peer)
        if ours is None and peer is not None:
            is_explained = ledger.shows_no_trade(peer, [route.whole for route in self._routes])
            evidence = ledger.evidence(peer)
            if ledger.is_pool_share(peer):
                return "pool share", ""
            is_contradicted = not evidence and ledger.contradicts(peer)
            return "nothing else" if is_explained else "contradicted" * is_contradicted, evidence
        if peer is None and ours is not None:
            # The mints of a hop pass through the trader's accounts, which need not show them.
            is_silent_right = ledger.is_failed or (not ours.is_hop and ledger.shows_no_trade(ours, []))
            return ledger.evidence(ours), "nothing else" * is_silent_right
        assert ours is not None
        assert peer is not None
        return ledger.evidence(ours), ledger.evidence(peer)

    def _evidence_of_owner(self, stated: Statement) -> str:
        evidence = self._ledger.evidence(stated)
        if evidence in (NET, CALL, ESCROW):
            return evidence
        return SIGNS if self._ledger.is_seller(stated) else ""

    def _verdict(
        self, kind: str, ours: Statement | None, peer: Statement | None, ours_evidence: str, peer_evidence: str
    ) -> str:
        is_hop = any(one is not None and one.is_hop for one in (ours, peer)) or kind == TRADER
        of_ours, of_peer = strength(ours_evidence, is_hop), strength(peer_evidence, is_hop)
        if of_ours == of_peer:
            return BOTH if of_ours == strength(NET, is_hop) else UNDECIDED
        if of_peer > of_ours:
            return PEER
        # Of ourselves we want to know more than that some pool moved so.
        return OURS if of_ours == strength(NET, is_hop) else UNDECIDED


def _distance_raw(one: Statement, other: Statement) -> int:
    return abs(one.sold_raw - other.sold_raw) + abs(one.bought_raw - other.bought_raw)
