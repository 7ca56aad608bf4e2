"""The book: events in the order of the chain go in, realised trades come out, lots and episodes can be asked for.

First in, first out, by owner and mint: the wallets of the rules' owner set are one owner, every other wallet is its own. A
transfer between wallets of one owner is no event of the position, so a lot keeps its entry. Nothing here reads a clock or a
price; dollars come with the events, and without them every figure in dollars is None and the rest is the same.
"""

from collections.abc import Iterable
from typing import Self

import msgspec

from oof_pipelines.positions.cost_totals import CostTotals
from oof_pipelines.positions.events import (
    BURN,
    BUY,
    COST,
    KINDS,
    LP_ADD,
    LP_REMOVE,
    RECEIVE,
    SELL,
    SEND,
    PositionEvent,
)
from oof_pipelines.positions.exits import Exit
from oof_pipelines.positions.holdings import finished_lot, lots_left, parts_in_pools
from oof_pipelines.positions.position import Finished, Position
from oof_pipelines.positions.results import (
    Episode,
    InPool,
    Lot,
    MovedOut,
    RealizedTrade,
)
from oof_pipelines.positions.snapshots import (
    decode_book,
    encode_book,
    loaded_costs,
    loaded_finished,
    loaded_position,
)
from oof_pipelines.positions.valued import SNAPSHOT_EVENTS, PositionRules, ValuedEvent

OwnedMint = tuple[str, str]
"""(owner, mint): the owner is a wallet, or '' for the owner set."""

OWNER_SET = ""


class Drained(msgspec.Struct):
    """What is over, in the order in which it was over."""

    lots: list[Lot]
    episodes: list[Episode]
    moved: list[MovedOut]


class Book:
    """Every position of one or many owners. `step` is the one way to change it.

    What is over stays in memory, and in snapshots, until `drain` hands it out; who reads millions of events drains.
    `costs` are those of all its events.
    """

    __slots__ = ("_by_owner", "_finished", "_members", "costs", "event_count", "rules")

    def __init__(self, rules: PositionRules) -> None:
        self.rules = rules
        self._members = rules.owner_set
        self.event_count = 0
        self.costs = CostTotals()
        self._by_owner: dict[str, dict[str, Position]] = {}
        self._finished = Finished([], [], [])

    def step(self, valued: ValuedEvent) -> list[RealizedTrade]:
        """Apply one event; what it realised, a row a cost mint and basis status in the order of the lots.

        Raises `ValueError` for a kind that there is not, before anything is changed.
        """
        exits: list[Exit] = []
        self._apply(valued, exits)
        return [one.row() for one in exits]

    def apply_all(self, events: Iterable[ValuedEvent]) -> list[Exit]:
        """`step` for many events, of which nobody needs rows yet. Raises `ValueError` at the first that is of no kind."""
        exits: list[Exit] = []
        for valued in events:
            self._apply(valued, exits)
        return exits

    def _apply(self, valued: ValuedEvent, exits: list[Exit]) -> None:
        event = valued.event
        kind = event.kind
        is_buy = kind == BUY
        is_trade = is_buy or kind == SELL
        if not is_trade and kind not in KINDS:
            raise ValueError(f"kind: {kind!r} is no kind of position event")
        self.event_count += 1
        network_fee_lamports, tip_lamports = event.network_fee_lamports, event.tip_lamports
        rent_lamports = event.rent_lamports
        has_fees = network_fee_lamports != 0 or tip_lamports != 0
        fees_usd_e18 = valued.fees_usd_e18 if has_fees else 0
        if has_fees or rent_lamports:
            self.costs.add(network_fee_lamports, tip_lamports, rent_lamports, fees_usd_e18)
        if kind == COST:
            return
        position = self._position(event)
        if is_trade:
            episode = position.traded(event)
            if has_fees:
                episode.count_fees(fees_usd_e18)
            if is_buy:
                position.buy(valued, event)
            else:
                position.sell(valued, event, exits)
        else:
            self._apply_other(position, valued, kind, exits)

    def _apply_other(self, position: Position, valued: ValuedEvent, kind: str, exits: list[Exit]) -> None:
        """What is no trade."""
        if kind == RECEIVE:
            self._receive(position, valued)
        elif kind == SEND:
            self._send(position, valued, exits)
        elif kind == BURN:
            position.burn(valued, exits)
        elif kind == LP_ADD:
            position.put_aside(valued)
        elif kind == LP_REMOVE:
            position.take_out_of_pool(valued)
        else:
            position.claim(valued)

    def _position(self, event: PositionEvent) -> Position:
        """Whose it is, with what its last transaction left settled."""
        wallet, mint = event.wallet, event.mint
        owner = OWNER_SET if wallet in self._members else wallet
        its_positions = self._by_owner.get(owner)
        if its_positions is None:
            its_positions = self._by_owner[owner] = {}
        position = its_positions.get(mint)
        if position is None:
            position = its_positions[mint] = Position(mint, self._finished)
        elif position.transit is not None and position.transit.last.event.signature != event.signature:
            position.settle()
        return position

    def settle(self) -> None:
        """Book what transactions that are over lost between wallets of one owner; asking for rows does it too.

        By owner and mint, since a restored book has met its positions in another order.
        """
        for _, position in self._sorted():
            if position.transit is not None:
                position.settle()

    @property
    def is_snapshot_due(self) -> bool:
        """Whether another `SNAPSHOT_EVENTS` events have come in."""
        return self.event_count > 0 and self.event_count % SNAPSHOT_EVENTS == 0

    def snapshot(self) -> bytes:
        """The book as bytes; one that is restored from them goes on exactly as this one does."""
        return encode_book(self.rules, self.event_count, self.costs, self._finished, self._sorted())

    @classmethod
    def restore(cls, data: bytes) -> Self:
        """The book that a snapshot is of, with its rules. Raises `ValueError` for bytes that are none."""
        saved = decode_book(data)
        book = cls(saved.rules)
        finished = loaded_finished(saved.finished)
        book.event_count, book.costs, book._finished = saved.event_count, loaded_costs(saved.costs), finished
        for one in saved.positions:
            book._by_owner.setdefault(one.owner, {})[one.mint] = loaded_position(one, finished)
        return book

    def lots(self) -> list[Lot]:
        """What is over and not drained, then every lot of which something is left, by owner and mint."""
        self.settle()
        over = [finished_lot(lot) for lot in self._finished.lots]
        return over + [lot for _, position in self._sorted() for lot in lots_left(position)]

    def episodes(self) -> list[Episode]:
        """What is over and not drained, then the open ones, by owner and mint."""
        self.settle()
        over = [episode.result() for episode in self._finished.episodes]
        return over + [
            position.episode.result(position.held.units_raw, position.pockets.units_raw)
            for _, position in self._sorted()
            if position.episode is not None
        ]

    def moved(self) -> list[MovedOut]:
        """What moved out and was not drained."""
        self.settle()
        return list(self._finished.moved)

    def in_pools(self) -> list[InPool]:
        """Every part of a lot that is in a pool, by owner, mint and pool, the oldest first."""
        return [row for _, position in self._sorted() for row in parts_in_pools(position)]

    def unheld(self) -> dict[OwnedMint, int]:
        """Units that left although no lot stood for them, where there were any: history that the book was not given."""
        return {(owner, one.mint): one.unheld_raw for owner, one in self._sorted() if one.unheld_raw}

    def drain(self) -> Drained:
        """Hand out what is over, and forget it."""
        finished = self._finished
        drained = Drained(
            [finished_lot(lot) for lot in finished.lots],
            [episode.result() for episode in finished.episodes],
            list(finished.moved),
        )
        finished.lots.clear()
        finished.episodes.clear()
        finished.moved.clear()
        return drained

    def open_lots(self, owner: str, mint: str) -> list[Lot]:
        """Every lot of one position of which something is left, the oldest first; the owner set is ''."""
        position = self._by_owner.get(owner, {}).get(mint)
        return [] if position is None else list(lots_left(position))

    def _sorted(self) -> list[tuple[str, Position]]:
        """Every position with its owner, by owner and mint."""
        return [
            (owner, its_positions[mint])
            for owner, its_positions in sorted(self._by_owner.items(), key=_owner)
            for mint in sorted(its_positions)
        ]

    def _receive(self, position: Position, valued: ValuedEvent) -> None:
        event = valued.event
        is_from_exchange = event.counterparty in self.rules.exchanges
        if self._is_within_set(event):
            position.pass_on(valued, -event.qty_raw)
        elif event.is_escrow and not is_from_exchange:
            position.take_out_of_escrow(valued)
        else:
            position.receive(valued, is_from_exchange)

    def _send(self, position: Position, valued: ValuedEvent, exits: list[Exit]) -> None:
        event = valued.event
        is_to_exchange = event.counterparty in self.rules.exchanges
        if self._is_within_set(event):
            position.pass_on(valued, event.qty_raw)
        elif is_to_exchange and self.rules.is_exchange_transfer_realized:
            position.send_to_exchange(valued, exits)
        elif event.is_escrow and not is_to_exchange:
            position.put_aside(valued)
        else:
            position.move_out(valued)

    def _is_within_set(self, event: PositionEvent) -> bool:
        return event.counterparty in self._members and event.wallet in self._members


def _owner(item: tuple[str, dict[str, Position]]) -> str:
    return item[0]
