"""What the golden story's owner has gained and lost, counted by the story itself: first in, first out, to the last 10^-18.

Plain lists and whole numbers. A part of a lot costs the difference of two floors of cost × units ÷ quantity, counted from the
lot's first unit, so that parts add up to the whole; a sale's proceeds are shared over its units in the same way.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from oof_pipelines.testing.golden_diary import (
    BURN,
    BUY,
    LP_ADD,
    LP_REMOVE,
    RECEIVE,
    SELL,
    SEND,
    STAKE,
    Entry,
)
from oof_pipelines.testing.golden_market import StoryError

EXCHANGE_TRANSFER = "exchange_transfer"


@dataclass(slots=True)
class StoryLot:
    """Units that came in together. `left` are the stretches of units still in it, oldest first, as [first, end)."""

    entry: Entry
    qty_raw: int
    cost_usd_e18: int | None
    departures: list[tuple[int, int]] = field(default_factory=list)

    def cost_between(self, first: int, end: int) -> int | None:
        if self.cost_usd_e18 is None:
            return None
        return self.cost_usd_e18 * end // self.qty_raw - self.cost_usd_e18 * first // self.qty_raw

    def held_raw(self, at_s: int) -> int:
        """Units not yet sold or sent away at an instant; those in pools are still held."""
        return self.qty_raw - sum(units for when_s, units in self.departures if when_s <= at_s)


@dataclass(frozen=True, slots=True)
class Exit:
    """A sale, a burning or a transfer to an exchange, whole: what of it had a cost, and what nobody knows the cost of."""

    kind: str
    entry: Entry
    proceeds_usd_e18: int
    pnl_usd_e18: int
    unknown_proceeds_usd_e18: int
    unknown_raw: int


@dataclass(slots=True)
class _Stretch:
    lot: StoryLot
    first: int
    end: int


@dataclass(slots=True)
class Holding:
    """One mint of one owner."""

    lots: list[StoryLot] = field(default_factory=list)
    held: list[_Stretch] = field(default_factory=list)
    pools: dict[str, list[_Stretch]] = field(default_factory=dict)
    exits: list[Exit] = field(default_factory=list)
    episodes: int = 0
    is_open: bool = False

    @property
    def held_raw(self) -> int:
        return sum(one.end - one.first for one in self.held)

    @property
    def cost_left_usd_e18(self) -> int:
        """What the units still there cost, in pools too; those whose cost nobody knows cost nothing here."""
        parked = [one for pocket in self.pools.values() for one in pocket]
        return sum(one.lot.cost_between(one.first, one.end) or 0 for one in (*self.held, *parked))

    @property
    def in_pools_raw(self) -> int:
        return sum(one.end - one.first for pocket in self.pools.values() for one in pocket)

    def begin(self) -> None:
        if not self.is_open:
            self.is_open = True
            self.episodes += 1

    def end_if_empty(self) -> None:
        if not self.held and not any(self.pools.values()):
            self.is_open = False

    def add(self, entry: Entry, qty_raw: int, cost_usd_e18: int | None) -> None:
        lot = StoryLot(entry, qty_raw, cost_usd_e18)
        self.lots.append(lot)
        self.held.append(_Stretch(lot, 0, qty_raw))


def taken(stretches: list[_Stretch], qty_raw: int) -> list[_Stretch]:
    """The oldest `qty_raw` units, taken off the list; fewer where it has fewer."""
    found: list[_Stretch] = []
    while qty_raw and stretches:
        oldest = stretches[0]
        units = min(qty_raw, oldest.end - oldest.first)
        found.append(_Stretch(oldest.lot, oldest.first, oldest.first + units))
        oldest.first += units
        qty_raw -= units
        if oldest.first == oldest.end:
            stretches.pop(0)
    return found


class StoryBook:
    """Every holding of one owner, of one wallet or several, by mint."""

    def __init__(self, exchanges: frozenset[str]) -> None:
        self._exchanges = exchanges
        self.holdings: dict[str, Holding] = {}

    @classmethod
    def of(cls, entries: Iterable[Entry], exchanges: frozenset[str]) -> "StoryBook":
        book = cls(exchanges)
        for entry in entries:
            book.apply(entry)
        return book

    def apply(self, entry: Entry) -> None:
        holding = self.holdings.setdefault(entry.mint, Holding())
        holding.begin()
        if entry.kind == BUY:
            holding.add(entry, entry.qty_raw, entry.value_usd_e18)
        elif entry.kind == RECEIVE:
            is_bought = entry.other in self._exchanges
            holding.add(entry, entry.qty_raw, entry.value_usd_e18 if is_bought else None)
        elif entry.kind == SELL:
            self._leave(holding, entry, SELL, entry.value_usd_e18)
        elif entry.kind == BURN:
            self._leave(holding, entry, BURN, 0)
        elif entry.kind == SEND:
            is_sold = entry.other in self._exchanges
            self._leave(holding, entry, EXCHANGE_TRANSFER if is_sold else SEND, entry.value_usd_e18)
        elif entry.kind in (LP_ADD, STAKE):
            holding.pools.setdefault(entry.other, []).extend(taken(holding.held, entry.qty_raw))
        elif entry.kind == LP_REMOVE:
            self._come_back(holding, entry)
        holding.end_if_empty()

    def _leave(self, holding: Holding, entry: Entry, kind: str, proceeds_usd_e18: int | None) -> None:
        parts = taken(holding.held, entry.qty_raw)
        if sum(part.end - part.first for part in parts) != entry.qty_raw:
            raise StoryError(f"{entry.mint}: {entry.kind} of more than is held")
        for part in parts:
            part.lot.departures.append((entry.at_s, part.end - part.first))
        if kind == SEND:
            return
        if proceeds_usd_e18 is None:
            raise StoryError(f"{entry.mint}: {kind} without a price")
        pnl = unknown = unknown_raw = sold_raw = 0
        for part in parts:
            units = part.end - part.first
            share = (
                proceeds_usd_e18 * (sold_raw + units) // entry.qty_raw - proceeds_usd_e18 * sold_raw // entry.qty_raw
            )
            cost = part.lot.cost_between(part.first, part.end)
            sold_raw += units
            if cost is None:
                unknown += share
                unknown_raw += units
            else:
                pnl += share - cost
        holding.exits.append(Exit(kind, entry, proceeds_usd_e18, pnl, unknown, unknown_raw))

    @staticmethod
    def _come_back(holding: Holding, entry: Entry) -> None:
        """What was put in comes back as it was; what is more is a lot of its own at its share of the value."""
        parts = taken(holding.pools.get(entry.other, []), entry.qty_raw)
        holding.held.extend(parts)
        # The oldest units are the first again, wherever they were meanwhile.
        holding.held.sort(key=lambda part: (holding.lots.index(part.lot), part.first))
        more_raw = entry.qty_raw - sum(part.end - part.first for part in parts)
        if more_raw:
            value = entry.value_usd_e18
            if value is None:
                raise StoryError(f"{entry.mint}: liquidity without a price")
            holding.add(entry, more_raw, value - value * (entry.qty_raw - more_raw) // entry.qty_raw)
