"""What a detector sees of a wallet: plain values, made of its events and of the market by wallet_input.py.

All of it is of the owner set that is asked about (a single wallet is one of its own), in the order of the chain, and ends at
`as_of_s`. Times are whole seconds since 1970, UTC, dollars whole numbers of 10^-18.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from oof_pipelines.detectors.thresholds import Thresholds
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.pricing.windows import PriceWindows

MINUTE_S = 60
DAY_S = 86_400


class Departure(msgspec.Struct, frozen=True, gc=False):
    """Units of a lot left for good: sold, sent away or burned. What is put into a pool is still held."""

    at_s: int
    qty_raw: int


class HeldLot(msgspec.Struct, frozen=True, gc=False):
    """Units that came in together by one event of `kind` (positions/events.py), and when they left.

    `cost_usd_e18` is what all of them cost, None where the basis or its dollars are unknown; `price_source` and
    `confidence_e18` are those of the dollars.
    """

    wallet: str
    mint: str
    kind: str
    signature: str
    path: str
    slot: int
    entry_at_s: int
    decimals: int | None
    qty_raw: int
    cost_usd_e18: int | None
    price_source: str
    confidence_e18: int | None
    departures: tuple[Departure, ...]

    def held_raw(self, at_s: int) -> int:
        """Units held at `at_s`; those that left in that second are gone, before the entry there are none."""
        if at_s < self.entry_at_s:
            return 0
        return self.qty_raw - sum(one.qty_raw for one in self.departures if one.at_s <= at_s)


class Swap(msgspec.Struct, frozen=True, gc=False):
    """One route as the wallet paid for it: all it gave, fees on top included, and all it kept.

    `pool` is the one pool it went through, '' of several. `value_usd_e18` is what the trade was worth, None without a price.
    """

    wallet: str
    signature: str
    path: str
    slot: int
    tx_index: int | None
    at_s: int
    sold_mint: str
    sold_raw: int
    bought_mint: str
    bought_raw: int
    venue: str
    pool: str
    value_usd_e18: int | None
    price_source: str
    confidence_e18: int | None


class BalanceChange(msgspec.Struct, frozen=True, gc=False):
    """The wallet's balance of a mint changed by `change_raw`, which has a sign."""

    wallet: str
    signature: str
    path: str
    slot: int
    at_s: int
    kind: str
    decimals: int | None
    change_raw: int


class PoolState(msgspec.Struct, frozen=True, gc=False):
    """What a pool held of a pair right after an event.

    `base_change_raw` and `quote_change_raw` are what the event changed them by, as the venue tells a trade (fees on top left
    out) or as a wallet put in and took out; None where it does not tell. `is_virtual` marks what a curve computes its price
    with. A pool that can no longer be traded in has reserves of 0.
    """

    pool: str
    venue: str
    mint: str
    quote_mint: str
    slot: int
    tx_index: int | None
    signature: str
    log_idx: int
    at_s: int
    is_virtual: bool
    is_trade: bool
    base_reserve_raw: int
    quote_reserve_raw: int
    base_change_raw: int | None
    quote_change_raw: int | None

    @property
    def order_key(self) -> tuple[int, bool, int, str, int]:
        """Slot, position in the block (unknown ones behind the known), signature, path."""
        return (self.slot, self.tx_index is None, self.tx_index or 0, self.signature, self.log_idx)


class StatesInOrder(tuple[PoolState, ...]):
    """Pool states in the order of their `order_key`. Owners that are looked at together share one, read by pair."""

    @classmethod
    def of(cls, states: Iterable[PoolState]) -> "StatesInOrder":
        """From states in any order; what is one already stays itself."""
        return states if isinstance(states, cls) else cls(sorted(states, key=lambda one: one.order_key))


class SeenQuote(msgspec.Struct, frozen=True, gc=False):
    """A row of the table `quotes`: what a router offered, seen live. `asked_at_s` is rounded down to the second."""

    id: str
    source: str
    sold_mint: str
    sold_raw: int
    bought_mint: str
    bought_raw: int
    asked_at_s: int
    slot: int | None = None
    labels: tuple[str, ...] = ()


class DetectorInput(msgspec.Struct, frozen=True):
    """Everything detectors read. Nothing in it is later than `as_of_s` but candles; those that ended later do not count.

    `own_minutes` are, by mint, the first seconds of the minutes in which the wallet itself traded it. `idle_changes` are of
    `idle_mint` alone, '' where no OOF token is configured. `pool_states` are in the order of their `order_key`.
    """

    as_of_s: int
    thresholds: Thresholds
    prices: PriceWindows
    realized: Sequence[RealizedTrade] = ()
    lots: Sequence[HeldLot] = ()
    swaps: Sequence[Swap] = ()
    own_minutes: Mapping[str, frozenset[int]] = {}
    idle_mint: str = ""
    idle_changes: Sequence[BalanceChange] = ()
    pool_states: Sequence[PoolState] = ()
    quotes: Sequence[SeenQuote] = ()
