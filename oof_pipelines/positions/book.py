"""The book: events in the order of the chain go in, realised trades come out, lots and episodes can be asked for.

First in, first out, by owner and mint: the wallets of the rules' owner set are one owner, every other wallet is its own. A
transfer between wallets of one owner is no event of the position, so a lot keeps its entry. Nothing here reads a clock or a
price; dollars come with the events, and without them every figure in dollars is None and the rest is the same.
"""

from collections.abc import Callable
from typing import Self

import msgspec

from oof_pipelines.positions import events
from oof_pipelines.positions.cost_totals import CostTotals
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.holdings import finished_lot, lots_left, parts_in_pools
from oof_pipelines.positions.position import Finished, Position
from oof_pipelines.positions.results import (
    EXCHANGE_TRANSFER,
    Episode,
    InPool,
    Lot,
    MovedOut,
    RealizedTrade,
)
from oof_pipelines.positions.snapshots import (
    VERSION,
    SavedBook,
    decode_book,
    encode_book,
    load_position,
    save_position,
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

    __slots__ = ("_finished", "_members", "_step_of", "costs", "event_count", "positions", "rules")

    def __init__(self, rules: PositionRules) -> None:
        self.rules = rules
        self._members = rules.owner_set
        self.event_count = 0
        self.costs = CostTotals()
        self.positions: dict[OwnedMint, Position] = {}
        self._finished = Finished([], [], [])
        self._step_of: dict[str, Callable[[Position, ValuedEvent], list[RealizedTrade]]] = {
            events.BUY: Position.buy,
            events.SELL: Position.sell,
            events.RECEIVE: self._receive,
            events.SEND: self._send,
            events.BURN: Position.burn,
            events.LP_ADD: Position.put_into_pool,
            events.LP_REMOVE: Position.take_out_of_pool,
            events.CLAIM: Position.claim,
        }

    def step(self, valued: ValuedEvent) -> list[RealizedTrade]:
        """Apply one event; what it realised, a row a cost mint and basis status in the order of the lots.

        Raises `ValueError` for a kind that there is not, before anything is changed.
        """
        event = valued.event
        apply = self._step_of.get(event.kind)
        if apply is None and event.kind != events.COST:
            raise ValueError(f"kind: {event.kind!r} is no kind of position event")
        self.event_count += 1
        if event.network_fee_lamports or event.tip_lamports or event.rent_lamports:
            self.costs.add(valued)
        if apply is None:
            return []
        wallet, mint = event.wallet, event.mint
        key = (OWNER_SET if wallet in self._members else wallet, mint)
        position = self.positions.get(key)
        if position is None:
            position = self.positions[key] = Position(mint, self._finished)
        elif position.transit is not None and position.transit.last.event.signature != event.signature:
            position.settle()
        return apply(position, valued)

    def settle(self) -> None:
        """Book what transactions that are over lost between wallets of one owner; asking for rows does it too."""
        for position in self.positions.values():
            if position.transit is not None:
                position.settle()

    @property
    def is_snapshot_due(self) -> bool:
        """Whether another `SNAPSHOT_EVENTS` events have come in."""
        return self.event_count > 0 and self.event_count % SNAPSHOT_EVENTS == 0

    def snapshot(self) -> bytes:
        """The book as bytes; one that is restored from them goes on exactly as this one does."""
        positions = [save_position(owner, one) for (owner, _), one in sorted(self.positions.items(), key=_key)]
        return encode_book(SavedBook(VERSION, self.rules, self.event_count, self.costs, self._finished, positions))

    @classmethod
    def restore(cls, data: bytes) -> Self:
        """The book that a snapshot is of, with its rules. Raises `ValueError` for bytes that are none."""
        saved = decode_book(data)
        book = cls(saved.rules)
        book.event_count, book.costs, book._finished = saved.event_count, saved.costs, saved.finished
        book.positions = {(one.owner, one.mint): load_position(one, saved.finished) for one in saved.positions}
        return book

    def lots(self) -> list[Lot]:
        """What is over and not drained, then every lot of which something is left, by owner and mint."""
        self.settle()
        over = [finished_lot(lot) for lot in self._finished.lots]
        return over + [lot for position in self._sorted() for lot in lots_left(position)]

    def episodes(self) -> list[Episode]:
        """What is over and not drained, then the open ones, by owner and mint."""
        self.settle()
        over = [episode.result() for episode in self._finished.episodes]
        return over + [
            position.episode.result(position.held.units_raw, position.pockets.units_raw)
            for position in self._sorted()
            if position.episode is not None
        ]

    def moved(self) -> list[MovedOut]:
        """What moved out and was not drained."""
        self.settle()
        return list(self._finished.moved)

    def in_pools(self) -> list[InPool]:
        """Every part of a lot that is in a pool, by owner, mint and pool, the oldest first."""
        return [row for position in self._sorted() for row in parts_in_pools(position)]

    def unheld(self) -> dict[OwnedMint, int]:
        """Units that left although no lot stood for them, where there were any: history that the book was not given."""
        return {key: one.unheld_raw for key, one in sorted(self.positions.items(), key=_key) if one.unheld_raw}

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

    def _sorted(self) -> list[Position]:
        return [position for _, position in sorted(self.positions.items(), key=_key)]

    def _receive(self, position: Position, valued: ValuedEvent) -> list[RealizedTrade]:
        event = valued.event
        if self._is_within_set(event):
            return position.pass_on(valued, -event.qty_raw)
        return position.receive(valued, event.counterparty in self.rules.exchanges)

    def _send(self, position: Position, valued: ValuedEvent) -> list[RealizedTrade]:
        event = valued.event
        if self._is_within_set(event):
            return position.pass_on(valued, event.qty_raw)
        if self.rules.is_exchange_transfer_realized and event.counterparty in self.rules.exchanges:
            return position.realize(valued, EXCHANGE_TRANSFER, "", 0, valued.value_usd_e18)
        return position.move_out(valued)

    def _is_within_set(self, event: PositionEvent) -> bool:
        return event.counterparty in self._members and event.wallet in self._members


def _key(item: tuple[OwnedMint, Position]) -> OwnedMint:
    return item[0]
