"""The book: events in the order of the chain go in, realised trades come out, lots and episodes can be asked for.

First in, first out, by owner and mint: the wallets of the rules' owner set are one owner, every other wallet is its own. A
transfer between wallets of one owner is no event of the position, so a lot keeps its entry. Nothing here reads a clock or a
price; dollars come with the events, and without them every figure in dollars is None and the rest is the same.
"""

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
    EXCHANGE_TRANSFER,
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

    __slots__ = ("_finished", "_members", "costs", "event_count", "positions", "rules")

    def __init__(self, rules: PositionRules) -> None:
        self.rules = rules
        self._members = rules.owner_set
        self.event_count = 0
        self.costs = CostTotals()
        self.positions: dict[OwnedMint, Position] = {}
        self._finished = Finished([], [], [])

    def step(self, valued: ValuedEvent) -> list[RealizedTrade]:
        """Apply one event; what it realised, a row a cost mint and basis status in the order of the lots.

        Raises `ValueError` for a kind that there is not, before anything is changed.
        """
        return [one.row() for one in self.apply(valued)]

    def apply(self, valued: ValuedEvent) -> list[Exit]:
        """`step` for who needs figures and no rows."""
        event = valued.event
        kind = event.kind
        is_buy = kind == BUY
        is_sell = not is_buy and kind == SELL
        if not is_buy and not is_sell and kind not in KINDS:
            raise ValueError(f"kind: {kind!r} is no kind of position event")
        self.event_count += 1
        network_fee_lamports, tip_lamports = event.network_fee_lamports, event.tip_lamports
        has_fees = network_fee_lamports != 0 or tip_lamports != 0
        rent_lamports = event.rent_lamports
        if has_fees:
            self.costs.add_fees(network_fee_lamports, tip_lamports, valued.fees_usd_e18)
        if rent_lamports:
            self.costs.rent_lamports += rent_lamports
        if kind == COST:
            return []
        position = self._position(event)
        if is_buy:
            return position.buy(valued, has_fees)
        if is_sell:
            return position.sell(valued, has_fees)
        if kind == RECEIVE:
            return self._receive(position, valued)
        if kind == SEND:
            return self._send(position, valued)
        if kind == BURN:
            return position.burn(valued)
        if kind == LP_ADD:
            return position.put_aside(valued)
        if kind == LP_REMOVE:
            return position.take_out_of_pool(valued)
        return position.claim(valued)

    def _position(self, event: PositionEvent) -> Position:
        """Whose it is, with what its last transaction left settled."""
        wallet, mint = event.wallet, event.mint
        key = (OWNER_SET if wallet in self._members else wallet, mint)
        position = self.positions.get(key)
        if position is None:
            position = self.positions[key] = Position(mint, self._finished)
        elif position.transit is not None and position.transit.last.event.signature != event.signature:
            position.settle()
        return position

    def settle(self) -> None:
        """Book what transactions that are over lost between wallets of one owner; asking for rows does it too.

        By owner and mint, since a restored book has met its positions in another order.
        """
        for position in self._sorted():
            if position.transit is not None:
                position.settle()

    @property
    def is_snapshot_due(self) -> bool:
        """Whether another `SNAPSHOT_EVENTS` events have come in."""
        return self.event_count > 0 and self.event_count % SNAPSHOT_EVENTS == 0

    def snapshot(self) -> bytes:
        """The book as bytes; one that is restored from them goes on exactly as this one does."""
        positions = [(owner, one) for (owner, _), one in sorted(self.positions.items(), key=_key)]
        return encode_book(self.rules, self.event_count, self.costs, self._finished, positions)

    @classmethod
    def restore(cls, data: bytes) -> Self:
        """The book that a snapshot is of, with its rules. Raises `ValueError` for bytes that are none."""
        saved = decode_book(data)
        book = cls(saved.rules)
        finished = loaded_finished(saved.finished)
        book.event_count, book.costs, book._finished = saved.event_count, loaded_costs(saved.costs), finished
        book.positions = {(one.owner, one.mint): loaded_position(one, finished) for one in saved.positions}
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

    def _receive(self, position: Position, valued: ValuedEvent) -> list[Exit]:
        event = valued.event
        if self._is_within_set(event):
            return position.pass_on(valued, -event.qty_raw)
        is_from_exchange = event.counterparty in self.rules.exchanges
        if event.is_escrow and not is_from_exchange:
            return position.take_out_of_escrow(valued)
        return position.receive(valued, is_from_exchange)

    def _send(self, position: Position, valued: ValuedEvent) -> list[Exit]:
        event = valued.event
        if self._is_within_set(event):
            return position.pass_on(valued, event.qty_raw)
        is_to_exchange = event.counterparty in self.rules.exchanges
        if is_to_exchange and self.rules.is_exchange_transfer_realized:
            return position.realize(valued, EXCHANGE_TRANSFER, "", 0, valued.value_usd_e18)
        if event.is_escrow and not is_to_exchange:
            return position.put_aside(valued)
        return position.move_out(valued)

    def _is_within_set(self, event: PositionEvent) -> bool:
        return event.counterparty in self._members and event.wallet in self._members


def _key(item: tuple[OwnedMint, Position]) -> OwnedMint:
    return item[0]
