"""Rows of what programs say happened: trades with their fees, liquidity, the steps of a token's life, emitted events.

Every function takes a place: (signature, slot, tx_index, block_time), the columns that all rows of a transaction begin with.
"""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from oof_pipelines.chain.actions import action_id
from oof_pipelines.chain.moves import log_idx
from oof_pipelines.chain.storable_text import storable
from oof_pipelines.decode.anchor_events import ANCHOR_EVENT, AnchorEvent
from oof_pipelines.decode.facts import Fact, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.routes import Route

Row = tuple[Any, ...]

_VIRTUAL = "virtual"
_NO_RESERVES: Row = ("", None, None, None, None)


def trade_rows(place: Row, routes: Sequence[Route]) -> tuple[list[Row], list[Row]]:
    """Rows of swaps and of fee_parts: one swap a route and one for each of its legs, each with its own fees.

    A leg names its route by path and ordinal. A route of one leg has that leg's pool and reserves; one of several has none
    of its own.
    """
    swaps: list[Row] = []
    fee_parts: list[Row] = []
    counted: Counter[tuple[str, bool]] = Counter()
    for route in routes:
        of_route = route.path, _next(counted, (route.path, True))
        only = route.legs[0] if len(route.legs) == 1 else None
        swaps.append(
            (
                *place,
                log_idx(route.path),
                route.path,
                True,
                of_route[1],
                *of_route,
                route.program_id,
                route.via,
                route.venue,
                only.pool if only else "",
                route.trader,
                route.recipient,
                *_amounts(route),
                *(_reserves(only, route.sold_mint, route.bought_mint) if only else _NO_RESERVES),
            )
        )
        fee_parts += _fee_rows(place, *of_route, is_route=True, fees=route.fees)
        for leg in route.legs:
            ordinal = _next(counted, (leg.path, False))
            swaps.append(_leg_row(place, route, of_route, leg, ordinal))
            fee_parts += _fee_rows(place, leg.path, ordinal, is_route=False, fees=leg.fees)
    return swaps, fee_parts


def _leg_row(place: Row, route: Route, of_route: tuple[str, int], leg: Leg, ordinal: int) -> Row:
    return (
        *place,
        log_idx(leg.path),
        leg.path,
        False,
        ordinal,
        *of_route,
        leg.program_id,
        route.via,
        leg.venue,
        leg.pool,
        leg.trader,
        "",
        *_amounts(leg),
        *_reserves(leg, leg.sold_mint, leg.bought_mint),
    )


def _amounts(trade: Route | Leg) -> Row:
    return (trade.sold_mint, trade.sold_raw, trade.bought_mint, trade.bought_raw)


def _reserves(leg: Leg, sold_mint: str, bought_mint: str) -> Row:
    """Kind, and before and after of what was sold and of what was bought; a curve's virtual reserves win: they price it."""
    kinds = {reserve.kind for reserve in leg.reserves}
    if not kinds:
        return _NO_RESERVES
    kind = _VIRTUAL if _VIRTUAL in kinds else min(kinds)
    by_mint: dict[str, Reserve] = {}
    for reserve in leg.reserves:
        if reserve.kind == kind:
            by_mint.setdefault(reserve.mint, reserve)
    shown: list[int | None] = []
    for mint in (sold_mint, bought_mint):
        of_mint = by_mint.get(mint)
        shown += [of_mint.before_raw, of_mint.after_raw] if of_mint else [None, None]
    return (kind, *shown)


def _fee_rows(place: Row, path: str, ordinal: int, *, is_route: bool, fees: Sequence[FeePart]) -> Iterator[Row]:
    for seq, fee in enumerate(fees):
        told = (fee.kind, fee.mint, fee.amount_raw, fee.side, fee.recipient)
        yield (*place, log_idx(path), path, is_route, ordinal, seq, *told)


def liquidity_rows(place: Row, facts: Sequence[Fact]) -> Iterator[Row]:
    """A row a mint put in or taken out; the pool's share stands in each row of the call."""
    counted: Counter[tuple[str, str]] = Counter()
    for fact in facts:
        if not isinstance(fact, Liquidity):
            continue
        for mint, amount_raw in fact.amounts:
            yield (
                *place,
                *_done(fact, counted),
                fact.pool,
                fact.wallet,
                mint,
                amount_raw,
                fact.share_mint,
                fact.share_raw,
            )


def token_event_rows(place: Row, facts: Sequence[Fact]) -> Iterator[Row]:
    """A row a launch, graduation, migration or pool made."""
    counted: Counter[tuple[str, str]] = Counter()
    for fact in facts:
        if isinstance(fact, TokenEvent):
            yield (
                *place,
                *_done(fact, counted),
                fact.mint,
                fact.wallet,
                fact.pool,
                fact.quote_mint,
                fact.creator,
                storable(fact.name),
                storable(fact.symbol),
                storable(fact.uri),
                fact.token_program_id,
            )


def anchor_event_rows(place: Row, emitted: Sequence[AnchorEvent]) -> Iterator[Row]:
    """A row an event of a configured program; `action_id` is that of the action it makes."""
    for event in emitted:
        yield (
            *place,
            log_idx(event.path),
            event.path,
            event.ordinal,
            action_id(place[0], event.path, ANCHOR_EVENT, event.ordinal),
            event.program_id,
            event.wallet,
            event.source,
            event.data[:8].hex(),
            base64.b64encode(event.data).decode(),
        )


def _done(fact: Liquidity | TokenEvent, counted: "Counter[tuple[str, str]]") -> Row:
    ordinal = _next(counted, (fact.path, fact.kind))
    return (log_idx(fact.path), fact.path, fact.kind, ordinal, fact.program_id, fact.venue)


def _next(counted: "Counter[Any]", key: tuple[Any, ...]) -> int:
    counted[key] += 1
    return counted[key] - 1
