"""When the units of each lot left: the position engine's own queue and pockets, told over with the times kept.

The engine keeps what there is; a detector asks what there was. Units put into a pool or an escrow are held still, transfers
between wallets of one owner are no events, as in positions/book.py.
"""

from collections.abc import Iterable

from oof_pipelines.detectors.input import Departure, HeldLot
from oof_pipelines.positions.events import BURN, BUY, CLAIM, LP_ADD, LP_REMOVE, RECEIVE, SELL, SEND, PositionEvent
from oof_pipelines.positions.identity import EpisodeName
from oof_pipelines.positions.lots import LotQueue, OpenLot, Part
from oof_pipelines.positions.pockets import Pockets
from oof_pipelines.positions.results import UNKNOWN
from oof_pipelines.positions.valued import PositionRules, ValuedEvent

# The history is of lots alone; episodes are the engine's.
_NO_EPISODE = EpisodeName(None)


def held_lots(valued: Iterable[ValuedEvent], rules: PositionRules) -> list[HeldLot]:
    """Every lot of the events (those of one owner, in the order of the chain), in the order in which they came in."""
    lots: list[_Lot] = []
    positions: dict[tuple[str, str], _Position] = {}
    for one in valued:
        event = one.event
        if is_within_set(event, rules):
            continue
        key = ("" if event.wallet in rules.owner_set else event.wallet, event.mint)
        position = positions.get(key)
        if position is None:
            position = positions[key] = _Position(lots)
        position.step(one, rules)
    return [lot.told() for lot in lots]


def is_within_set(event: PositionEvent, rules: PositionRules) -> bool:
    """Whether it is a transfer between wallets of one owner."""
    is_transfer = event.kind in (SEND, RECEIVE)
    return is_transfer and event.wallet in rules.owner_set and event.counterparty in rules.owner_set


class _Lot:
    """A lot, what it cost, and what left of it so far."""

    __slots__ = ("cost_usd_e18", "departures", "qty_raw", "valued")

    def __init__(self, valued: ValuedEvent, qty_raw: int, cost_usd_e18: int | None) -> None:
        self.valued = valued
        self.qty_raw = qty_raw
        self.cost_usd_e18 = cost_usd_e18
        self.departures: list[Departure] = []

    def told(self) -> HeldLot:
        event, is_priced = self.valued.event, self.cost_usd_e18 is not None
        return HeldLot(
            wallet=event.wallet,
            mint=event.mint,
            kind=event.kind,
            signature=event.signature,
            path=event.path,
            slot=event.slot,
            entry_at_s=event.block_time_s,
            decimals=event.decimals,
            qty_raw=self.qty_raw,
            cost_usd_e18=self.cost_usd_e18,
            price_source=self.valued.value_source if is_priced else "",
            confidence_e18=self.valued.value_confidence_e18 if is_priced else None,
            departures=tuple(self.departures),
        )


class _Position:
    """One mint of one owner. A lot's number in the queue leads back to it."""

    def __init__(self, lots: list[_Lot]) -> None:
        self._all = lots
        self._own: list[_Lot] = []
        self._held = LotQueue()
        self._pockets = Pockets()

    def step(self, valued: ValuedEvent, rules: PositionRules) -> None:
        event, value = valued.event, valued.value_usd_e18
        is_exchange = event.counterparty in rules.exchanges
        is_with_escrow = event.is_escrow and not is_exchange
        if event.kind == BUY:
            # Nothing of anything is worth nothing, whatever a price would say.
            self._add(valued, event.qty_raw, None if event.other_raw is None else value if event.other_raw else 0)
        elif event.kind == RECEIVE and is_with_escrow:
            self._take_back(valued, None)
        elif event.kind == RECEIVE:
            self._add(valued, event.qty_raw, value if is_exchange else None)
        elif event.kind == CLAIM:
            self._add(valued, event.qty_raw, value)
        elif event.kind == LP_ADD or (event.kind == SEND and is_with_escrow):
            self._put_aside(valued)
        elif event.kind == LP_REMOVE:
            self._take_back(valued, value)
        elif event.kind in (SELL, SEND, BURN):
            parts, _missing_raw = self._held.take(event.qty_raw)
            for part in parts:
                self._leave(part, event.block_time_s)

    def _put_aside(self, valued: ValuedEvent) -> None:
        event = valued.event
        missing_raw = event.qty_raw - self._held.units_raw
        if missing_raw > 0:
            self._add(valued, missing_raw, None)
        parts, _missing_raw = self._held.take(event.qty_raw)
        self._pockets.put(event.counterparty, parts)

    def _take_back(self, valued: ValuedEvent, value: int | None) -> None:
        """What was put aside comes back; `value` is what all of it is worth where more comes than was."""
        event = valued.event
        parts, missing_raw = self._pockets.take(event.counterparty, event.qty_raw)
        self._held.put_back(parts)
        if missing_raw:
            its_value = None if value is None else value - value * (event.qty_raw - missing_raw) // event.qty_raw
            self._add(valued, missing_raw, its_value)

    def _add(self, valued: ValuedEvent, qty_raw: int, cost_usd_e18: int | None) -> None:
        lot = _Lot(valued, qty_raw, cost_usd_e18)
        self._own.append(lot)
        self._all.append(lot)
        number = len(self._own)
        self._held.add(
            OpenLot(number, valued.event, _NO_EPISODE, valued.event.kind, qty_raw, None, None, None, UNKNOWN)
        )

    def _leave(self, part: Part, at_s: int) -> None:
        left_raw = part.end_raw - part.first_raw
        if left_raw:
            self._own[part.lot.number - 1].departures.append(Departure(at_s, left_raw))
