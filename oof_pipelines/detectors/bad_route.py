"""BadRoute: a swap brought less than a stored quote, or a pool of the same pair, would have given at that moment.

Compared is all the wallet gave with all it kept: a bot's commission, a platform's fee and what a searcher took out of the
trade are part of how much worse it was. Routes over other coins are not reconstructed; quotes know them.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import msgspec

from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.detectors.input import MINUTE_S, DetectorInput, PoolState, SeenQuote, Swap
from oof_pipelines.detectors.moment import (
    BAD_ROUTE,
    ONE_E18,
    Explained,
    Moment,
    clamped_e18,
    decimal_of_e18,
    moment_id,
    rounded_e18,
    seen_until,
    status_at,
    text_of_e18,
)
from oof_pipelines.detectors.pools import KnownPools, PoolOffer
from oof_pipelines.detectors.seen_prices import explained_share, joined_sources
from oof_pipelines.detectors.thresholds import BadRouteThresholds

QUOTES = "quotes"
POOLS = "pool_reserves"


class _Best(msgspec.Struct, frozen=True):
    """The best that is known: `source` names quotes or pool reserves, `told` is what it was read from."""

    best_raw: int
    source: str
    told: dict[str, Explained]


class BadRoute:
    """Each swap by itself; of a pool it counts what it held right before."""

    kind = BAD_ROUTE
    version = 1

    def __init__(self) -> None:
        self._newest: tuple[Sequence[PoolState], tuple[BadRouteThresholds, int], KnownPools] | None = None

    def detect(self, seen: DetectorInput) -> list[Moment]:
        """The moments of an input, in the order of its swaps."""
        pools = self._known(seen)
        quotes = _Quotes(seen.quotes, seen.as_of_s)
        found = (self._of_swap(seen, pools, quotes, swap) for swap in seen.swaps)
        return [moment for moment in found if moment is not None]

    def _known(self, seen: DetectorInput) -> KnownPools:
        """The pools of an input. Owners that share the very same states share these."""
        asked = (seen.thresholds.bad_route, seen.as_of_s)
        newest = self._newest
        if newest is None or newest[0] is not seen.pool_states or newest[1] != asked:
            newest = self._newest = seen.pool_states, asked, KnownPools(seen.pool_states, *asked)
        return newest[2]

    def _of_swap(self, seen: DetectorInput, pools: KnownPools, quotes: "_Quotes", swap: Swap) -> Moment | None:
        limits = seen.thresholds.bad_route
        if swap.sold_raw <= 0 or swap.bought_raw <= 0 or swap.at_s > seen.as_of_s:
            return None
        best = _best(quotes.best(swap), pools.offers(swap))
        if best is None or best.best_raw < limits.fewest_best_raw:
            return None
        worse = Fraction(best.best_raw - swap.bought_raw, best.best_raw)
        if worse * ONE_E18 < limits.least_worse_share_e18:
            return None
        missed = None
        if swap.value_usd_e18 is not None:
            # At the executed rate: what was kept was worth the trade's value.
            missed = Fraction(swap.value_usd_e18 * (best.best_raw - swap.bought_raw), swap.bought_raw * ONE_E18)
        mint, _quote = base_and_quote(*sorted((swap.sold_mint, swap.bought_mint)))
        until_s = swap.at_s + max(limits.proof_seconds, MINUTE_S)
        return Moment(
            id=moment_id(BAD_ROUTE, swap.wallet, mint, swap.signature, swap.path),
            wallet=swap.wallet,
            mint=mint,
            kind=BAD_ROUTE,
            t_event_s=swap.at_s,
            window_start_s=swap.at_s - limits.pool_state_age_seconds,
            window_end_s=until_s,
            pct=decimal_of_e18(rounded_e18(worse)),
            missed_usd_e18=None if missed is None else rounded_e18(missed),
            reachable_usd_e18=None,
            severity=decimal_of_e18(clamped_e18(worse * ONE_E18 / limits.full_severity_share_e18)),
            signature=swap.signature,
            path=swap.path,
            slot=swap.slot,
            version=str(self.version),
            status=status_at(until_s, seen.as_of_s),
            price_source=joined_sources((best.source, swap.price_source)),
            confidence=decimal_of_e18(swap.confidence_e18 or 0),
            explain=self._explained(seen, swap, best, until_s),
        )

    def _explained(self, seen: DetectorInput, swap: Swap, best: _Best, until_s: int) -> dict[str, Explained]:
        limits = seen.thresholds.bad_route
        return {
            "detector": f"{BAD_ROUTE} {self.version}",
            "seen_until_s": seen_until(until_s, seen.as_of_s),
            "signature": swap.signature,
            "sold_mint": swap.sold_mint,
            "sold_raw": str(swap.sold_raw),
            "bought_mint": swap.bought_mint,
            "bought_raw": str(swap.bought_raw),
            "venue": swap.venue,
            "pool": swap.pool or "several or unknown",
            "value_usd": "unknown" if swap.value_usd_e18 is None else text_of_e18(swap.value_usd_e18),
            "best_out_raw": str(best.best_raw),
            "best_out_from": best.source,
            "best": best.told,
            "thresholds": {
                "least_worse_share": explained_share(limits.least_worse_share_e18),
                "full_severity_share": explained_share(limits.full_severity_share_e18),
                "fewest_best_raw": str(limits.fewest_best_raw),
                "pool_state_age_seconds": str(limits.pool_state_age_seconds),
                "proof_seconds": str(limits.proof_seconds),
                "unproven_age_seconds": str(limits.unproven_age_seconds),
                "unseen_change_bps": str(limits.unseen_change_bps),
                "most_fee_bps": str(limits.most_fee_bps),
            },
        }


class _Quotes:
    """Quotes by pair and minute."""

    def __init__(self, quotes: Iterable[SeenQuote], as_of_s: int) -> None:
        self._by_minute: dict[tuple[str, str, int], list[SeenQuote]] = {}
        for quote in quotes:
            if quote.asked_at_s <= as_of_s and quote.sold_raw > 0:
                key = (quote.sold_mint, quote.bought_mint, quote.asked_at_s // MINUTE_S)
                self._by_minute.setdefault(key, []).append(quote)

    def best(self, swap: Swap) -> _Best | None:
        """The best quote of the swap's minute for its amount or a larger one, which is scaled down to it.

        More is never sold at a better rate, so scaling down tells at most what was to be had.
        """
        key = (swap.sold_mint, swap.bought_mint, swap.at_s // MINUTE_S)
        fitting = [quote for quote in self._by_minute.get(key, ()) if quote.sold_raw >= swap.sold_raw]
        if not fitting:
            return None
        scaled = [(quote.bought_raw * swap.sold_raw // quote.sold_raw, quote) for quote in fitting]
        best_raw, quote = min(scaled, key=lambda one: (-one[0], one[1].asked_at_s, one[1].id))
        told: dict[str, Explained] = {
            "quote_id": quote.id,
            "source": quote.source,
            "sold_raw": str(quote.sold_raw),
            "bought_raw": str(quote.bought_raw),
            "asked_at_s": str(quote.asked_at_s),
            "slot": "unknown" if quote.slot is None else str(quote.slot),
            "labels": list(quote.labels),
        }
        return _Best(best_raw, QUOTES, told)


def _best(quoted: _Best | None, offers: list[PoolOffer]) -> _Best | None:
    """The better of the two; of equal ones the quote, and of pools the first."""
    if not offers:
        return quoted
    offer = max(offers, key=lambda one: one.best_raw)
    if quoted is not None and quoted.best_raw >= offer.best_raw:
        return quoted
    state = offer.state
    told: dict[str, Explained] = {
        "pool": state.pool,
        "venue": state.venue,
        "mint": state.mint,
        "quote_mint": state.quote_mint,
        "base_reserve_raw": str(state.base_reserve_raw),
        "quote_reserve_raw": str(state.quote_reserve_raw),
        "reserves": "virtual" if state.is_virtual else "vault",
        "fee_bps": str(offer.fee_bps),
        "state_of_signature": state.signature,
        "state_slot": str(state.slot),
        "state_at_s": str(state.at_s),
        "is_proven_by_next_state": "true" if offer.is_proven else "false",
        "pools_compared": [f"{one.state.venue} {one.state.pool}" for one in offers],
    }
    return _Best(offer.best_raw, POOLS, told)
