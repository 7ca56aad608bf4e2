"""When the units of each lot left: the position engine's own book, with its queues watched.

The engine keeps what there is; a detector asks what there was. Which units leave, what is in a pool or an escrow, and what
a transfer between wallets of one owner loses on its way, is the book's to say (positions/book.py); here it is noted when.
"""

from collections.abc import Iterable

from oof_pipelines.detectors.input import Departure, HeldLot
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import RECEIVE, SEND, PositionEvent
from oof_pipelines.positions.lots import Cut, LotQueue, OpenLot
from oof_pipelines.positions.position import Position
from oof_pipelines.positions.valued import PositionRules, ValuedEvent


def held_lots(valued: Iterable[ValuedEvent], rules: PositionRules) -> list[HeldLot]:
    """Every lot of the events (those of one owner, in the order of the chain), in the order in which they came in."""
    book = _WatchedBook(rules)
    for one in valued:
        book.follow(one)
    book.settle()
    return [lot.told() for lot in book.lots_seen]


def is_within_set(event: PositionEvent, rules: PositionRules) -> bool:
    """Whether it is a transfer between wallets of one owner."""
    is_transfer = event.kind in (SEND, RECEIVE)
    return is_transfer and event.wallet in rules.owner_set and event.counterparty in rules.owner_set


class _SeenLot:
    """A lot, the event that it came in with, and what left of it so far."""

    __slots__ = ("departures", "lot", "valued")

    def __init__(self, valued: ValuedEvent, lot: OpenLot) -> None:
        self.valued = valued
        self.lot = lot
        self.departures: list[Departure] = []

    def told(self) -> HeldLot:
        entry, is_priced = self.lot.entry, self.lot.cost_usd_e18 is not None
        return HeldLot(
            wallet=entry.wallet,
            mint=entry.mint,
            kind=entry.kind,
            signature=entry.signature,
            path=entry.path,
            slot=entry.slot,
            entry_at_s=entry.block_time_s,
            decimals=entry.decimals,
            qty_raw=self.lot.qty_raw,
            cost_usd_e18=self.lot.cost_usd_e18,
            price_source=self.valued.value_source if is_priced else "",
            confidence_e18=self.valued.value_confidence_e18 if is_priced else None,
            departures=tuple(self.departures),
        )


class _WatchedQueue(LotQueue):
    """A position's lots, which tells what comes in and what leaves for good. `valued` is the newest event of the position.

    What a transaction lost within an owner set is booked when it is over; the newest event is of that transaction still.
    """

    __slots__ = ("_all", "_own", "valued")

    def __init__(self, valued: ValuedEvent, lots_seen: list[_SeenLot]) -> None:
        super().__init__()
        self.valued = valued
        self._all = lots_seen
        self._own: dict[int, _SeenLot] = {}

    def add(self, lot: OpenLot) -> None:
        seen = self._own[lot.number] = _SeenLot(self.valued, lot)
        self._all.append(seen)
        super().add(lot)

    def leave(
        self,
        qty_raw: int,
        proceeds_raw: int,
        proceeds_usd_e18: int | None,
        is_sold: bool,
        finished: list[OpenLot],
    ) -> list[Cut]:
        gone_before = {lot.number: _gone_raw(lot) for lot in self._oldest(qty_raw)}
        cuts = super().leave(qty_raw, proceeds_raw, proceeds_usd_e18, is_sold, finished)
        for number, before_raw in gone_before.items():
            seen = self._own[number]
            gone_raw = _gone_raw(seen.lot) - before_raw
            if gone_raw:
                seen.departures.append(Departure(self.valued.event.block_time_s, gone_raw))
        return cuts

    def _oldest(self, qty_raw: int) -> Iterable[OpenLot]:
        """The lots that the oldest `qty_raw` units are of."""
        for part in self.parts:
            if qty_raw <= 0:
                return
            qty_raw -= part.end_raw - part.first_raw
            yield part.lot


def _gone_raw(lot: OpenLot) -> int:
    """What of a lot is sold or moved out."""
    return lot.sold_raw + lot.moved_raw


class _WatchedBook(Book):
    """A book whose positions tell every lot that they ever had."""

    __slots__ = ("_valued", "lots_seen")

    def __init__(self, rules: PositionRules) -> None:
        super().__init__(rules)
        self.lots_seen: list[_SeenLot] = []
        self._valued: ValuedEvent | None = None

    def follow(self, valued: ValuedEvent) -> None:
        """Apply an event, of which no rows are needed."""
        self._valued = valued
        self.apply_all((valued,))

    def _position(self, event: PositionEvent) -> Position:
        position = super()._position(event)
        assert self._valued is not None, "a watched book follows its events"
        if isinstance(position.held, _WatchedQueue):
            position.held.valued = self._valued
        else:
            position.held = _WatchedQueue(self._valued, self.lots_seen)
        return position
