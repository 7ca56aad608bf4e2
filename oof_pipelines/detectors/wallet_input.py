"""From a wallet's valued events and the market to what detectors see (input.py)."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

from msgspec.structs import replace

from oof_pipelines.detectors.input import (
    MINUTE_S,
    BalanceChange,
    DetectorInput,
    HeldLot,
    PoolState,
    SeenQuote,
    StatesInOrder,
    Swap,
)
from oof_pipelines.detectors.lot_history import held_lots, is_within_set
from oof_pipelines.detectors.thresholds import Thresholds
from oof_pipelines.market.events import Graduation, LiquidityChanged, MarketEvent, Trade
from oof_pipelines.positions.chain_order import in_chain_order
from oof_pipelines.positions.events import COST, SELL, TRADES, PositionEvent
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.positions.valued import PositionRules, ValuedEvent
from oof_pipelines.pricing.windows import PriceWindows

Row = TypeVar("Row", RealizedTrade, HeldLot)

_VIRTUAL = "virtual"


def detector_input(
    valued: Sequence[ValuedEvent],
    realized: Iterable[RealizedTrade],
    prices: PriceWindows,
    thresholds: Thresholds,
    as_of_s: int,
    *,
    rules: PositionRules,
    idle_mint: str = "",
    pool_states: Iterable[PoolState] = (),
    quotes: Iterable[SeenQuote] = (),
) -> DetectorInput:
    """What detectors see of one owner (a wallet, or the rules' owner set) at `as_of_s`.

    `valued` are the owner's events in any order, `realized` what the book made of them; later ones are left out.
    `idle_mint` is OOF_TOKEN_MINT, '' where none is configured. `pool_states` (see `pool_states_of`) and `quotes` may be of
    more pairs than the wallet swapped.
    """
    known = in_chain_order(
        [one for one in valued if one.event.block_time_s <= as_of_s and one.event.kind != COST],
        lambda one: one.event,
    )
    decimals = _decimals_of(known)
    own_minutes: dict[str, set[int]] = {}
    for one in known:
        if one.event.kind in TRADES:
            minutes = own_minutes.setdefault(one.event.mint, set())
            minutes.add(one.event.block_time_s // MINUTE_S * MINUTE_S)
    return DetectorInput(
        as_of_s=as_of_s,
        thresholds=thresholds,
        prices=prices,
        realized=tuple(_with_decimals(row, decimals) for row in realized if row.sold_at_s <= as_of_s),
        lots=tuple(_with_decimals(lot, decimals) for lot in held_lots(known, rules)),
        swaps=tuple(swaps_of(known)),
        own_minutes={mint: frozenset(minutes) for mint, minutes in own_minutes.items()},
        idle_mint=idle_mint,
        idle_changes=tuple(_changes(known, idle_mint, rules, decimals.get(idle_mint))),
        pool_states=StatesInOrder.of(pool_states),
        quotes=tuple(quotes),
    )


def _decimals_of(valued: Iterable[ValuedEvent]) -> dict[str, int]:
    """Mint → decimals, which not every transaction shows and which are the same in all."""
    decimals: dict[str, int] = {}
    for one in valued:
        event = one.event
        for mint, its_decimals in ((event.mint, event.decimals), (event.other_mint, event.other_decimals)):
            if mint and its_decimals is not None:
                decimals.setdefault(mint, its_decimals)
    return decimals


def _with_decimals(row: Row, decimals: Mapping[str, int]) -> Row:
    if row.decimals is not None or row.mint not in decimals:
        return row
    return replace(row, decimals=decimals[row.mint])


def swaps_of(valued: Iterable[ValuedEvent]) -> list[Swap]:
    """Each route of the events once, in their order: of a token for a token the sell and the buy tell the same one.

    Of the two the one that is valued with more confidence says what it was worth. Circles are no swaps.
    """
    found: dict[tuple[str, str, str, str, str], Swap] = {}
    for one in valued:
        swap = _swap(one)
        if swap is None:
            continue
        key = (swap.wallet, swap.signature, swap.path, swap.sold_mint, swap.bought_mint)
        known = found.get(key)
        if known is None or _confidence(swap) > _confidence(known):
            found[key] = swap
    return list(found.values())


def _confidence(swap: Swap) -> int:
    return -1 if swap.value_usd_e18 is None or swap.confidence_e18 is None else swap.confidence_e18


def _swap(valued: ValuedEvent) -> Swap | None:
    event = valued.event
    if event.kind not in TRADES or event.other_raw is None or event.other_mint in ("", event.mint):
        return None
    mine, other = (event.mint, event.qty_raw), (event.other_mint, event.other_raw)
    sold, bought = (mine, other) if event.kind == SELL else (other, mine)
    return Swap(
        wallet=event.wallet,
        signature=event.signature,
        path=event.path,
        slot=event.slot,
        tx_index=event.tx_index,
        at_s=event.block_time_s,
        sold_mint=sold[0],
        sold_raw=sold[1],
        bought_mint=bought[0],
        bought_raw=bought[1],
        venue=event.venue,
        pool=event.counterparty,
        value_usd_e18=valued.value_usd_e18,
        price_source=valued.value_source,
        confidence_e18=valued.value_confidence_e18,
    )


def _changes(
    valued: Iterable[ValuedEvent], mint: str, rules: PositionRules, decimals: int | None
) -> Iterable[BalanceChange]:
    """What changed the owner's balance of a mint, none of the mint ''.

    What a transaction moved between his wallets is one change, of what was lost or gained on the way, as the book has it.
    """
    own = (one.event for one in valued if mint and one.event.mint == mint and one.event.change_raw)
    for _, events in groupby(own, key=lambda event: event.signature):
        within_raw = 0
        last: PositionEvent | None = None
        for event in events:
            if is_within_set(event, rules):
                within_raw += event.change_raw
                last = event
            else:
                yield _change(event, event.change_raw, decimals)
        if last is not None and within_raw:
            yield _change(last, within_raw, decimals)


def _change(event: PositionEvent, change_raw: int, decimals: int | None) -> BalanceChange:
    return BalanceChange(
        event.wallet,
        event.signature,
        event.path,
        event.slot,
        event.block_time_s,
        event.kind,
        decimals,
        change_raw,
    )


# --- pools ---


def pool_states_of(events: Iterable[MarketEvent]) -> list[PoolState]:
    """What trades and changed liquidity left in their pools, in the order of the chain; a curve that graduated is empty."""
    found = (_pool_state(event) for event in events)
    return sorted((state for state in found if state is not None), key=lambda one: one.order_key)


def _pool_state(event: MarketEvent) -> PoolState | None:
    if isinstance(event, Trade):
        into = 1 if event.is_buy else -1
        changes = (-into * event.base_raw, into * event.quote_raw)
        return _state(event, event.reserve_kind == _VIRTUAL, event.base_reserve_raw, event.quote_reserve_raw, changes)
    if isinstance(event, LiquidityChanged):
        sign = 1 if event.is_add else -1
        changes = (sign * event.base_raw, sign * event.quote_raw)
        return _state(event, False, event.base_reserve_raw, event.quote_reserve_raw, changes)
    if isinstance(event, Graduation):
        return _state(event, True, 0, 0, None)
    return None


def _state(
    event: Trade | LiquidityChanged | Graduation,
    is_virtual: bool,
    base_raw: int | None,
    quote_raw: int | None,
    changes: tuple[int, int] | None,
) -> PoolState | None:
    if base_raw is None or quote_raw is None or "" in (event.pool, event.mint, event.quote_mint):
        return None
    place = event.place
    return PoolState(
        pool=event.pool,
        venue=event.venue,
        mint=event.mint,
        quote_mint=event.quote_mint,
        slot=place.slot,
        tx_index=place.tx_index,
        signature=place.signature,
        log_idx=place.log_idx,
        at_s=place.block_time_s,
        is_virtual=is_virtual,
        is_trade=isinstance(event, Trade),
        base_reserve_raw=base_raw,
        quote_reserve_raw=quote_raw,
        base_change_raw=None if changes is None else changes[0],
        quote_change_raw=None if changes is None else changes[1],
    )
