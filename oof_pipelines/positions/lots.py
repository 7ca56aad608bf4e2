"""First in, first out: lots in the order in which they came in, and what is taken from them.

This is the only place where units are matched with lots. Quantities and costs are integers and nothing is rounded away: a
part of a lot costs the difference of two floors of cost × units ÷ quantity, counted from the lot's first unit (`share`), so
that the parts of a lot add up to what was paid for it however it is cut. Proceeds are shared over the units of a sale in the
same way.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.identity import EpisodeName
from oof_pipelines.positions.results import UNKNOWN


class OpenLot(msgspec.Struct, gc=False):
    """Units that came in together. `number` is its place in the position; costs are of all `qty_raw` units.

    `cost_mint` and `cost_raw` are None unless the basis is known, `cost_usd_e18` where no price was known.
    """

    number: int
    entry: PositionEvent
    episode: EpisodeName
    origin: str
    qty_raw: int
    cost_mint: str | None
    cost_raw: int | None
    cost_usd_e18: int | None
    basis_status: str
    sold_raw: int = 0
    moved_raw: int = 0
    in_pool_raw: int = 0


class Part(msgspec.Struct, gc=False):
    """The units of a lot from `first_raw` on, up to `end_raw`.

    `before_raw` and `before_usd_e18` are the floors of what the units before `first_raw` cost, 0 where that is unknown: with
    them a cut is one division and the end of a lot none.
    """

    lot: OpenLot
    first_raw: int
    end_raw: int
    before_raw: int
    before_usd_e18: int

    def cost_raw(self) -> int | None:
        """Its share of what was paid."""
        lot = self.lot
        return None if lot.cost_raw is None else share(lot.cost_raw, lot.qty_raw, self.first_raw, self.end_raw)

    def cost_usd_e18(self) -> int | None:
        """Its share of the lot's dollars."""
        lot = self.lot
        return None if lot.cost_usd_e18 is None else share(lot.cost_usd_e18, lot.qty_raw, self.first_raw, self.end_raw)


def part_of(lot: OpenLot, first_raw: int, end_raw: int) -> Part:
    """The units `first_raw` to `end_raw` of a lot."""
    before_raw = share(lot.cost_raw or 0, lot.qty_raw, 0, first_raw) if first_raw else 0
    before_usd_e18 = share(lot.cost_usd_e18 or 0, lot.qty_raw, 0, first_raw) if first_raw else 0
    return Part(lot, first_raw, end_raw, before_raw, before_usd_e18)


class Cut(msgspec.Struct, gc=False):
    """What leaves of one cost mint and basis status, with its share of the proceeds.

    `first_lot` is None where no lot stands for the units. `priced_raw` are the units whose cost in dollars is known;
    `cost_usd_e18` is None where that is not all of them.
    """

    first_lot: OpenLot | None
    cost_mint: str | None
    basis_status: str
    qty_raw: int
    priced_raw: int
    cost_raw: int | None
    cost_usd_e18: int | None
    proceeds_raw: int = 0
    proceeds_usd_e18: int | None = None


class LotQueue:
    """Parts of lots, the oldest first; `units_raw` is how many units they have together.

    A lot of no units, paid for and never received, goes with the first taking that reaches it.
    """

    __slots__ = ("parts", "units_raw")

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        self.parts = deque(parts)
        self.units_raw = sum(part.end_raw - part.first_raw for part in self.parts)

    def add(self, lot: OpenLot) -> None:
        """A new lot goes behind the others."""
        self.parts.append(Part(lot, 0, lot.qty_raw, 0, 0))
        self.units_raw += lot.qty_raw

    def leave(
        self,
        qty_raw: int,
        proceeds_raw: int,
        proceeds_usd_e18: int | None,
        is_sold: bool,
        finished: list[OpenLot],
    ) -> list[Cut]:
        """The oldest `qty_raw` units are sold, or moved out; lots of which nothing is left go to `finished`.

        One cut a cost mint and basis status, in the order of the lots; what no lot has is of unknown basis and comes last.
        The proceeds are shared over the units in that order; a sale of nothing keeps them in a cut of unknown basis.
        """
        parts = self.parts
        runs: list[Cut] = []
        missing_raw = qty_raw
        run: Cut | None = None
        while missing_raw > 0 and parts:
            part = parts[0]
            lot, end_raw = part.lot, part.end_raw
            lot_raw, cost_raw, cost_usd_e18 = lot.qty_raw, lot.cost_raw, lot.cost_usd_e18
            units_raw = end_raw - part.first_raw
            if units_raw <= missing_raw:
                parts.popleft()
            else:
                units_raw = missing_raw
                end_raw = part.first_raw + units_raw
            missing_raw -= units_raw
            if units_raw != lot_raw:
                before_raw, before_usd_e18 = part.before_raw, part.before_usd_e18
                part.first_raw = end_raw
                if cost_raw is not None:
                    if end_raw != lot_raw:
                        cost_raw = part.before_raw = cost_raw * end_raw // lot_raw
                    cost_raw -= before_raw
                if cost_usd_e18 is not None:
                    if end_raw != lot_raw:
                        cost_usd_e18 = part.before_usd_e18 = cost_usd_e18 * end_raw // lot_raw
                    cost_usd_e18 -= before_usd_e18
            if is_sold:
                lot.sold_raw += units_raw
            else:
                lot.moved_raw += units_raw
            if lot.sold_raw + lot.moved_raw == lot_raw:
                finished.append(lot)
            priced_raw = 0 if cost_usd_e18 is None else units_raw
            if run is None or lot.cost_mint != run.cost_mint or lot.basis_status != run.basis_status:
                run = Cut(lot, lot.cost_mint, lot.basis_status, units_raw, priced_raw, cost_raw, cost_usd_e18)
                runs.append(run)
            else:
                run.qty_raw += units_raw
                run.priced_raw += priced_raw
                run.cost_raw = plus(run.cost_raw, cost_raw)
                run.cost_usd_e18 = plus(run.cost_usd_e18, cost_usd_e18)
        self.units_raw -= qty_raw - missing_raw
        if missing_raw or run is None:
            runs.append(Cut(None, None, UNKNOWN, missing_raw, 0, None, None))
        if len(runs) == 1:
            runs[0].proceeds_raw, runs[0].proceeds_usd_e18 = proceeds_raw, proceeds_usd_e18
            return runs
        return _shared(runs, qty_raw, proceeds_raw, proceeds_usd_e18)

    def take(self, qty_raw: int) -> tuple[list[Part], int]:
        """(the oldest `qty_raw` units, how many of them no lot has), to be put elsewhere."""
        parts = self.parts
        taken: list[Part] = []
        missing_raw = qty_raw
        while missing_raw > 0 and parts:
            part = parts[0]
            left_raw = part.end_raw - part.first_raw
            if left_raw <= missing_raw:
                taken.append(parts.popleft())
                missing_raw -= left_raw
            else:
                end_raw = part.first_raw + missing_raw
                taken.append(part_of(part.lot, part.first_raw, end_raw))
                parts[0] = part_of(part.lot, end_raw, part.end_raw)
                missing_raw = 0
        self.units_raw -= qty_raw - missing_raw
        return taken, missing_raw

    def put_back(self, returned: Iterable[Part]) -> None:
        """Parts that were taken and come back go where they were: by lot, and by unit within it."""
        for part in returned:
            self._insert(part)
            self.units_raw += part.end_raw - part.first_raw

    def _insert(self, part: Part) -> None:
        """What comes back is old as a rule: it is looked for from the front. Neighbours within a lot become one part."""
        parts, number = self.parts, part.lot.number
        older: list[Part] = []
        while parts and (parts[0].lot.number, parts[0].first_raw) < (number, part.first_raw):
            older.append(parts.popleft())
        if parts and parts[0].lot is part.lot and parts[0].first_raw == part.end_raw:
            part = part_of(part.lot, part.first_raw, parts.popleft().end_raw)
        if older and older[-1].lot is part.lot and older[-1].end_raw == part.first_raw:
            part = part_of(part.lot, older.pop().first_raw, part.end_raw)
        parts.appendleft(part)
        parts.extendleft(reversed(older))


def _shared(runs: list[Cut], qty_raw: int, proceeds_raw: int, proceeds_usd_e18: int | None) -> list[Cut]:
    """Runs of lots as one cut a cost mint and basis status, each with its share of the proceeds."""
    cuts: dict[tuple[str | None, str], Cut] = {}
    first_raw = 0
    for run in runs:
        end_raw = first_raw + run.qty_raw
        run.proceeds_raw = share(proceeds_raw, qty_raw, first_raw, end_raw)
        if proceeds_usd_e18 is not None:
            run.proceeds_usd_e18 = share(proceeds_usd_e18, qty_raw, first_raw, end_raw)
        first_raw = end_raw
        cut = cuts.setdefault((run.cost_mint, run.basis_status), run)
        if cut is not run:
            cut.qty_raw += run.qty_raw
            cut.priced_raw += run.priced_raw
            cut.proceeds_raw += run.proceeds_raw
            cut.cost_raw = plus(cut.cost_raw, run.cost_raw)
            cut.cost_usd_e18 = plus(cut.cost_usd_e18, run.cost_usd_e18)
            cut.proceeds_usd_e18 = plus(cut.proceeds_usd_e18, run.proceeds_usd_e18)
    return list(cuts.values())


def plus(one: int | None, other: int | None) -> int | None:
    """Their sum; None where one of them is unknown."""
    return None if one is None or other is None else one + other


def share(amount_raw: int, of_raw: int, first_raw: int, end_raw: int) -> int:
    """What units `first_raw` to `end_raw` of `of_raw` have of `amount_raw`; of no units at all, everything."""
    if not of_raw:
        return amount_raw
    return amount_raw * end_raw // of_raw - amount_raw * first_raw // of_raw
