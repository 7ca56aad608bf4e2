"""First in, first out: the lots of one wallet in one mint, exact to the unit.

Quantities and costs are integers in base units of their mints, and nothing is rounded away: a part of a lot costs the
difference of two floors of cost × units ÷ quantity, counted from the lot's first unit, so that the parts of a lot add up to
what was paid for it however it is cut. The proceeds of a sale are shared over its units in the same way.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

KNOWN = "known"
UNKNOWN = "unknown"


class Acquired(msgspec.Struct, frozen=True):
    """Units came in at `path`. `cost_raw` of `cost_mint` was paid for them; None and '' where nobody knows what they cost."""

    signature: str
    path: str
    qty_raw: int
    cost_mint: str = ""
    cost_raw: int | None = None


class Sold(msgspec.Struct, frozen=True):
    """Units were given at `path` for `proceeds_raw` of `proceeds_mint`."""

    signature: str
    path: str
    qty_raw: int
    proceeds_mint: str
    proceeds_raw: int


class MovedOut(msgspec.Struct, frozen=True):
    """Units left without a sale; their lots go with them."""

    signature: str
    path: str
    qty_raw: int


PositionEvent = Acquired | Sold | MovedOut


class RealizedTrade(msgspec.Struct, frozen=True):
    """A sale, or the part of it over lots that were paid for in one mint.

    `basis_status` is known, or unknown for units that no lot with a known cost stands for: those have no cost.
    """

    signature: str
    path: str
    qty_raw: int
    proceeds_mint: str
    proceeds_raw: int
    cost_mint: str | None
    cost_raw: int | None
    basis_status: str


class OpenLot(msgspec.Struct, frozen=True):
    """What is left of a lot, with what its units cost; None where that is unknown."""

    signature: str
    path: str
    qty_raw: int
    cost_mint: str | None
    cost_raw: int | None


@dataclass(slots=True)
class _Lot:
    bought: Acquired
    taken_raw: int = 0

    @property
    def left_raw(self) -> int:
        return self.bought.qty_raw - self.taken_raw

    def cost_of(self, first: int, end: int) -> int | None:
        """The cost of the units from `first` on, up to `end`."""
        bought = self.bought
        if bought.cost_raw is None:
            return None
        return share(bought.cost_raw, bought.qty_raw, first, end)


class Position:
    """The lots of one wallet in one mint, oldest first. `step` is the one way to change it."""

    __slots__ = ("_lots",)

    def __init__(self) -> None:
        self._lots: deque[_Lot] = deque()

    def step(self, event: PositionEvent) -> list[RealizedTrade]:
        """Apply one event; a sale gives its rows in the order of the lots it used. Events come in the order of the chain."""
        if isinstance(event, Acquired):
            self._lots.append(_Lot(event))
            return []
        parts = list(self._take(event.qty_raw))
        return _realized(event, parts) if isinstance(event, Sold) else []

    def open_lots(self) -> list[OpenLot]:
        """What is held, oldest first."""
        return [
            OpenLot(
                lot.bought.signature,
                lot.bought.path,
                lot.left_raw,
                lot.bought.cost_mint or None,
                lot.cost_of(lot.taken_raw, lot.bought.qty_raw),
            )
            for lot in self._lots
        ]

    def _take(self, qty_raw: int) -> Iterator[tuple[int, str | None, int | None]]:
        """(units, mint of their cost, cost) from the oldest lots on; units that no lot has come last, with no cost.

        A lot of no units, paid for and never received, goes with the sale that reaches it.
        """
        missing_raw = qty_raw
        while self._lots and missing_raw > 0:
            lot = self._lots[0]
            taken_raw = min(lot.left_raw, missing_raw)
            first, end = lot.taken_raw, lot.taken_raw + taken_raw
            yield taken_raw, lot.bought.cost_mint or None, lot.cost_of(first, end)
            lot.taken_raw = end
            missing_raw -= taken_raw
            if not lot.left_raw:
                self._lots.popleft()
        if missing_raw:
            yield missing_raw, None, None


def share(amount_raw: int, of_raw: int, first: int, end: int) -> int:
    """What units `first` to `end` of `of_raw` have of `amount_raw`; of no units at all, everything."""
    if not of_raw:
        return amount_raw
    return amount_raw * end // of_raw - amount_raw * first // of_raw


def _realized(sale: Sold, parts: list[tuple[int, str | None, int | None]]) -> list[RealizedTrade]:
    """The rows of a sale: one a mint in which its units were paid for, in the order of the lots, and one for the unknown."""
    sums: dict[str | None, tuple[int, int, int | None]] = {}
    first = 0
    for qty_raw, cost_mint, cost_raw in parts or [(0, None, None)]:
        key = None if cost_raw is None else cost_mint
        proceeds_raw = share(sale.proceeds_raw, sale.qty_raw, first, first + qty_raw)
        first += qty_raw
        its_qty, its_proceeds, its_cost = sums.get(key, (0, 0, None))
        summed = its_cost if cost_raw is None else (its_cost or 0) + cost_raw
        sums[key] = (its_qty + qty_raw, its_proceeds + proceeds_raw, summed)
    return [
        RealizedTrade(
            sale.signature,
            sale.path,
            qty_raw,
            sale.proceeds_mint,
            proceeds_raw,
            key,
            cost_raw,
            UNKNOWN if cost_raw is None else KNOWN,
        )
        for key, (qty_raw, proceeds_raw, cost_raw) in sums.items()
    ]
