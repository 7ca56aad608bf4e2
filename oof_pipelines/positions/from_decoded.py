"""From a decoded transaction to position events: what its routes, facts and moves mean for each wallet's holdings.

Routes say what was traded, facts what went into pools and was claimed; what the moves of a wallet and mint change beyond
both came from, or went to, somebody else (`positions/beside.py`). So whatever routes and facts say, the events of a wallet
and mint add up to its net change by the book.

A wallet is whoever may sign: an owner that a program signs for (off the curve: a pool, a vault, an escrow) has no events.
"""

from collections.abc import Iterator

from oof_pipelines.chain.moves import FEE_PATH, LAMPORTS_ASSET, NATIVE_MINT, NATIVE_MINTS, log_idx
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.decode.facts import ON_TOP, Claim, Liquidity
from oof_pipelines.decode.routes import Route
from oof_pipelines.positions.beside import beside
from oof_pipelines.positions.deeds import Deed, Holding
from oof_pipelines.positions.escrows import marked_escrows
from oof_pipelines.positions.events import (
    BUY,
    CLAIM,
    COST,
    LP_ADD,
    LP_REMOVE,
    RECEIVE,
    SELL,
    SEND,
    TRADES,
    PositionEvent,
)
from oof_pipelines.positions.transaction_costs import Costs, costs_by_wallet

_NATIVE_DECIMALS = 9
# A mint keeps them in one byte; a recording may say anything.
_MOST_DECIMALS = 255
_LIQUIDITY_KINDS = {"liquidity_add": LP_ADD, "liquidity_remove": LP_REMOVE}
_NO_COSTS = Costs()


def position_events_of(
    signature: str, slot: int, tx_index: int | None, block_time_s: int, decoded: Decoded
) -> list[PositionEvent]:
    """The events of every wallet of a transaction, wallet by wallet, each in the order in which they apply.

    A failed transaction has nothing but the costs of who paid its fee.
    """
    costs = costs_by_wallet(decoded.moves, decoded.actions)
    deeds = [] if decoded.transaction.is_failed else _deeds(decoded, costs)
    by_wallet: dict[str, list[Deed]] = {wallet: [] for wallet in costs}
    for deed in deeds:
        by_wallet.setdefault(deed.wallet, []).append(deed)
    place = signature, slot, tx_index, block_time_s
    events: list[PositionEvent] = []
    for wallet in sorted(by_wallet):
        if not is_off_curve(wallet):
            events += _events(place, by_wallet[wallet], costs.get(wallet, _NO_COSTS), wallet, decoded)
    return events


def _events(
    place: tuple[str, int, int | None, int], deeds: list[Deed], costs: Costs, wallet: str, decoded: Decoded
) -> Iterator[PositionEvent]:
    """One wallet's events, numbered. Its costs stand on its first trade, else behind everything on a line of their own."""
    # Dust may be sold for nothing, and fees may eat all that was bought: nothing of a mint is no event of it.
    deeds = sorted((deed for deed in deeds if deed.qty_raw), key=lambda deed: deed.order_key)
    bearer = next((deed for deed in deeds if deed.kind in TRADES), None)
    if bearer is None and costs != _NO_COSTS:
        bearer = Deed(wallet, COST, NATIVE_MINT, 0, FEE_PATH)
        deeds = [*deeds, bearer]
    for seq, deed in enumerate(deeds):
        borne = costs if deed is bearer else _NO_COSTS
        yield PositionEvent(
            *place,
            log_idx(deed.path),
            deed.path,
            seq,
            wallet,
            deed.kind,
            deed.mint,
            _decimals(decoded, deed.mint),
            deed.qty_raw,
            deed.other_mint,
            _decimals(decoded, deed.other_mint),
            deed.other_raw,
            deed.counterparty,
            deed.venue,
            borne.network_fee_lamports,
            borne.tip_lamports,
            borne.rent_lamports,
            deed.is_escrow,
        )


def _decimals(decoded: Decoded, mint: str) -> int | None:
    decimals = _NATIVE_DECIMALS if mint == NATIVE_MINT else decoded.decimals.get(mint)
    return decimals if decimals is not None and 0 <= decimals <= _MOST_DECIMALS else None


def _deeds(decoded: Decoded, costs: dict[str, Costs]) -> list[Deed]:
    """What happened to tokens: as routes and facts tell it, and what else the moves of each wallet and mint change."""
    told = [deed for route in decoded.routes for deed in _traded(route)]
    told += _done(decoded)
    told = [deed for deed in told if is_token(deed.mint)]
    by_holding: dict[Holding, list[Deed]] = {}
    for deed in told:
        by_holding.setdefault((deed.wallet, deed.mint), []).append(deed)
    routed = frozenset(path for route in decoded.routes for path in route.paths)
    return [*told, *marked_escrows(decoded, told, beside(decoded.moves, by_holding, routed), costs)]


def is_token(mint: str) -> bool:
    """Whether a mint has events of its own: SOL, wrapped or not, is money."""
    return mint not in NATIVE_MINTS and mint not in (LAMPORTS_ASSET, "")


# --- trades ---


def _traded(route: Route) -> Iterator[Deed]:
    """Both sides of a route. The fees on top are part of what was paid, or come off what was got, in their own mint."""
    sold_mint, bought_mint = _money(route.sold_mint), _money(route.bought_mint)
    sold_raw = route.sold_raw + _on_top_raw(route, sold_mint)
    bought_raw = route.bought_raw - _on_top_raw(route, bought_mint)
    recipient = "" if route.recipient == route.trader else route.recipient
    if sold_mint == bought_mint:
        if not recipient:
            yield from _circled(route, sold_mint, bought_raw - route.sold_raw)
        return
    bought_raw = max(0, bought_raw)
    yield _trade(route, SELL, sold_mint, sold_raw, bought_mint, bought_raw)
    yield _trade(route, BUY, bought_mint, bought_raw, sold_mint, sold_raw)
    if recipient:
        for kind, wallet, other in ((SEND, route.trader, recipient), (RECEIVE, recipient, route.trader)):
            where = wallet, kind, bought_mint, bought_raw, route.path, route.paths
            yield Deed(*where, counterparty=other, venue=route.venue)


def _circled(route: Route, mint: str, gained_raw: int) -> Iterator[Deed]:
    """A route that ends in the mint it began with: what it gained cost nothing, what it lost was given for nothing."""
    if gained_raw:
        yield _trade(route, BUY if gained_raw > 0 else SELL, mint, abs(gained_raw), mint, 0)


def _trade(route: Route, kind: str, mint: str, qty_raw: int, other_mint: str, other_raw: int) -> Deed:
    pool = route.legs[0].pool if len(route.legs) == 1 else ""
    return Deed(route.trader, kind, mint, qty_raw, route.path, route.paths, other_mint, other_raw, pool, route.venue)


def _on_top_raw(route: Route, mint: str) -> int:
    return sum(fee.amount_raw for fee in route.fees if fee.side == ON_TOP and _money(fee.mint) == mint)


def _money(mint: str) -> str:
    """The mint, SOL by one name only."""
    return NATIVE_MINT if mint in NATIVE_MINTS or mint == LAMPORTS_ASSET else mint


# --- pools and claims ---


def _done(decoded: Decoded) -> Iterator[Deed]:
    """Liquidity and claims. A pool's own token is received from the pool, and sent back to it."""
    facts = [fact for fact in decoded.facts if isinstance(fact, Liquidity | Claim)]
    if not facts:
        return
    # The actions of a call know the paths of what moved in it.
    paths_of = {action.path: action.paths for action in decoded.actions if action.venue}
    for fact in facts:
        paths = (fact.path, *paths_of.get(fact.path, ()))
        for kind, mint, qty_raw in _parts(fact):
            where = fact.path, paths
            yield Deed(fact.wallet, kind, mint, qty_raw, *where, counterparty=fact.pool, venue=fact.venue)


def _parts(fact: Liquidity | Claim) -> Iterator[tuple[str, str, int]]:
    """(kind, mint, base units) of each mint that a fact speaks of."""
    if isinstance(fact, Claim):
        yield CLAIM, fact.mint, fact.amount_raw
        return
    kind = _LIQUIDITY_KINDS[fact.kind]
    for mint, amount_raw in fact.amounts:
        yield kind, mint, amount_raw
    if fact.share_mint and fact.share_raw:
        yield (SEND if kind == LP_REMOVE else RECEIVE), fact.share_mint, fact.share_raw
