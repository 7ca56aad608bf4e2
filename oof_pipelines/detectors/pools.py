"""What a constant-product pool would have given: integers, rounded as the programs round, in the pool's favour.

A pool's reserves are known after its events (input.PoolState). For a swap counts the newest state before the swap's
transaction, and only where nothing unseen happened to the pool in between: who stores one wallet's transactions knows a
pool by that wallet's trades, and a stale state would make every later trade look bad. The next known state proves it: what
the pool held before that event has to be what it held after the one before.

Concentrated pools (CLMM, Whirlpool, DLMM, DAMM v2) and stable curves are left out: their reserves alone do not price them.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from oof_pipelines.detectors.input import PoolState, StatesInOrder, Swap
from oof_pipelines.detectors.thresholds import INPUT_FEE, QUOTE_FEE, VIRTUAL, BadRouteThresholds, PoolRule

_WHOLE_BPS = 10_000


class PoolOffer(msgspec.Struct, frozen=True):
    """What a pool would have given for a swap's input. `is_proven` where its next known state continues from this one."""

    state: PoolState
    fee_bps: int
    best_raw: int
    is_proven: bool


def constant_product_out_raw(sold_raw: int, reserve_in_raw: int, reserve_out_raw: int) -> int:
    """What comes out for what goes in when the product of the reserves stays: rounded down. No fee; 0 of an empty pool."""
    if sold_raw <= 0 or reserve_in_raw <= 0 or reserve_out_raw <= 0:
        return 0
    return reserve_out_raw * sold_raw // (reserve_in_raw + sold_raw)


def out_after_fee_raw(
    sold_raw: int, reserve_in_raw: int, reserve_out_raw: int, fee_bps: int, *, fee_from: str, is_quote_in: bool
) -> int:
    """What a wallet keeps of a swap it gives `sold_raw` for, all fees included.

    `input`: the fee, rounded up, comes off what goes in (Raydium AMM v4 and CPMM). `quote`: it is on the pair's money, so
    on top of what goes into the pool, or, rounded up, off what comes out (pump.fun and PumpSwap).
    """
    if fee_from == QUOTE_FEE and not is_quote_in:
        gross_raw = constant_product_out_raw(sold_raw, reserve_in_raw, reserve_out_raw)
        return gross_raw - _share_up(gross_raw, fee_bps)
    if fee_from == QUOTE_FEE:
        into_raw = sold_raw * _WHOLE_BPS // (_WHOLE_BPS + fee_bps)
    else:
        into_raw = sold_raw - _share_up(sold_raw, fee_bps)
    return constant_product_out_raw(into_raw, reserve_in_raw, reserve_out_raw)


def _share_up(amount_raw: int, bps: int) -> int:
    return -(-amount_raw * bps // _WHOLE_BPS)


class KnownPools:
    """Pool states by pair, asked for what each pool of a pair would have given for a swap."""

    def __init__(self, states: Iterable[PoolState], limits: BadRouteThresholds, as_of_s: int) -> None:
        self._limits = limits
        self._of_pairs: dict[frozenset[str], dict[tuple[str, str], list[PoolState]]] = {}
        for state in StatesInOrder.of(states):
            rule = limits.pools.get(state.venue)
            if rule is None or state.at_s > as_of_s or state.is_virtual != (rule.reserves == VIRTUAL):
                continue
            pair = self._of_pairs.setdefault(frozenset((state.mint, state.quote_mint)), {})
            pair.setdefault((state.venue, state.pool), []).append(state)

    def offers(self, swap: Swap) -> list[PoolOffer]:
        """One a pool whose state at the swap is known, by venue and pool."""
        pools: Mapping[tuple[str, str], Sequence[PoolState]] = self._of_pairs.get(
            frozenset((swap.sold_mint, swap.bought_mint)), {}
        )
        offers = (self._offer(swap, states) for _key, states in sorted(pools.items()))
        return [offer for offer in offers if offer is not None]

    def _offer(self, swap: Swap, states: Sequence[PoolState]) -> PoolOffer | None:
        limits = self._limits
        place = _newest_before(swap, states)
        if place is None:
            return None
        state, rule = states[place], limits.pools[states[place].venue]
        age_s = swap.at_s - state.at_s
        if age_s > limits.pool_state_age_seconds or min(state.base_reserve_raw, state.quote_reserve_raw) <= 0:
            return None
        following = states[place + 1 : place + 2]
        following = [one for one in following if one.at_s - swap.at_s <= limits.proof_seconds]
        earlier = (states[index] for index in range(place, -1, -1))
        fee_bps = _fee_bps(earlier, following, rule, limits.most_fee_bps)
        is_proven = self._is_proven(state, following, rule)
        if fee_bps is None or is_proven is False or (is_proven is None and age_s > limits.unproven_age_seconds):
            return None
        is_quote_in = swap.sold_mint == state.quote_mint
        reserves = (state.quote_reserve_raw, state.base_reserve_raw)
        into_raw, out_raw = reserves if is_quote_in else reserves[::-1]
        best_raw = out_after_fee_raw(
            swap.sold_raw, into_raw, out_raw, fee_bps, fee_from=rule.fee_from, is_quote_in=is_quote_in
        )
        return PoolOffer(state, fee_bps, best_raw, bool(is_proven))

    def _is_proven(self, state: PoolState, after: Sequence[PoolState], rule: PoolRule) -> bool | None:
        """Whether the next known state continues from this one; None where there is none, or it does not tell."""
        if not after:
            return None
        following = after[0]
        base_change, quote_change = following.base_change_raw, following.quote_change_raw
        if base_change is None or quote_change is None:
            return None
        pairs = (
            (state.base_reserve_raw, following.base_reserve_raw, base_change),
            (state.quote_reserve_raw, following.quote_reserve_raw, quote_change),
        )
        return all(self._continues(held, after, change, rule.fee_bps) for held, after, change in pairs)

    def _continues(self, held_raw: int, after_raw: int, change_raw: int, fee_bps: int) -> bool:
        """Whether a reserve went from one to the other by this change, its fee, and next to nothing else."""
        allowed = held_raw * self._limits.unseen_change_bps + abs(change_raw) * fee_bps
        return abs(after_raw - change_raw - held_raw) * _WHOLE_BPS <= allowed


def _newest_before(swap: Swap, states: Sequence[PoolState]) -> int | None:
    """The place of the newest state that is surely from before the swap's transaction.

    Of states in the swap's slot only those count whose position in the block is known and lower.
    """
    has_index = swap.tx_index is not None
    first_after = (swap.slot, not has_index, swap.tx_index or 0, "", -1)
    if not has_index:
        first_after = (swap.slot, False, -1, "", -1)
    place = bisect_left(states, first_after, key=lambda one: one.order_key)
    return place - 1 if place else None


def _fee_bps(before: Iterable[PoolState], after: Iterable[PoolState], rule: PoolRule, most_bps: int) -> int | None:
    """What the pool takes: the rule's fee, or more where its trades next to the swap, on either side, show more.

    `before` are its states from the newest back. None where no such trade is known, or one does not come out of the
    reserves at all: then something else prices the pool.
    """
    fee_bps = None
    for states in (before, after):
        trade = next((one for one in states if one.is_trade and one.base_change_raw and one.quote_change_raw), None)
        if trade is None:
            continue
        shown = _shown_fees_bps(trade)
        if shown is None or shown[0] > most_bps or shown[1] < -most_bps:
            return None
        fee_bps = max(fee_bps or rule.fee_bps, shown[0])
    # Where the fee is on top, the venue's amounts are without it.
    return fee_bps if fee_bps is None or rule.fee_from == INPUT_FEE else rule.fee_bps


def _shown_fees_bps(trade: PoolState) -> tuple[int, int] | None:
    """The least and the most of its input, in basis points, that a trade's amounts and the reserves it left say did not work.

    Below 0 where more came out than the product gives. What came out was rounded down, so up to a unit more was due: of
    dust that is a wide range. None where not one side came in and the other went out.
    """
    base_change, quote_change = trade.base_change_raw or 0, trade.quote_change_raw or 0
    base = (trade.base_reserve_raw - base_change, base_change)
    quote = (trade.quote_reserve_raw - quote_change, quote_change)
    (before_in_raw, sold_raw), (before_out_raw, left_raw) = (quote, base) if quote_change > 0 else (base, quote)
    bought_raw = -left_raw
    if sold_raw <= 0 or bought_raw <= 0 or before_in_raw <= 0 or bought_raw + 1 >= before_out_raw:
        return None
    worked = [-(-due * before_in_raw // (before_out_raw - due)) for due in (bought_raw + 1, bought_raw)]
    least_bps, most_bps = (-(-(sold_raw - one) * _WHOLE_BPS // sold_raw) for one in worked)
    return least_bps, most_bps
