"""From routes alone to positions: what a list of trades, and the net changes around them, mean for each wallet's lots.

This is for trades that somebody hands over, with no more than a line each; a decoded transaction says more
(`positions/from_decoded.py`). A route sells one mint and buys another. A wallet's cost is what it sold and the fees on top in
the same mint, its proceeds what it bought less the fees on top in that mint; fees in a third mint are no part of either. Both
sides count: what a token was swapped for is its proceeds and the other's cost. SOL is money and has no lots. Where a
transaction's moves are known, what they change beside its routes came in with unknown basis, or moved out.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT, NATIVE_MINTS
from oof_pipelines.decode.facts import ON_TOP
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import BUY, RECEIVE, SELL, SEND, SIGNS, PositionEvent
from oof_pipelines.positions.results import Lot, RealizedTrade
from oof_pipelines.positions.valued import PositionRules, ValuedEvent

NO_PATH = ""
"""The path of what the moves change and no route does: it is of the transaction as a whole."""


class TradeFee(msgspec.Struct, frozen=True):
    """A part of a route's fee; `side` is on_top or inside."""

    mint: str
    amount_raw: int
    side: str


class Trade(msgspec.Struct, frozen=True):
    """One route. `recipient` is who was given what was bought, '' where the trader kept it."""

    path: str
    trader: str
    sold_mint: str
    sold_raw: int
    bought_mint: str
    bought_raw: int
    recipient: str = ""
    fees: tuple[TradeFee, ...] = ()

    def on_top_raw(self, mint: str) -> int:
        return sum(fee.amount_raw for fee in self.fees if fee.side == ON_TOP and fee.mint == mint)


class JournalEntry(msgspec.Struct, frozen=True):
    """One transaction. `changes` are (wallet, mint) → net units by its moves; None where no move is known."""

    signature: str
    slot: int
    tx_index: int | None
    trades: tuple[Trade, ...]
    changes: Mapping[tuple[str, str], int] | None = None

    @property
    def order_key(self) -> tuple[int, bool, int, str]:
        """(slot, tx_index, signature); a position in the block that nobody told comes behind those that are known."""
        return (self.slot, self.tx_index is None, self.tx_index or 0, self.signature)


Holding = tuple[str, str]
"""(wallet, mint)"""


def path_numbers(path: str) -> tuple[int, ...]:
    """'3.10' as numbers, so that it comes behind '3.9'. Raises `ValueError` for what is no path."""
    return tuple(int(part) for part in path.split("."))


class _Change(msgspec.Struct, frozen=True):
    """What a holding's event says, before it has its place in the transaction."""

    holding: Holding
    path: str
    kind: str
    qty_raw: int
    other_mint: str = ""
    other_raw: int | None = None


def events_of(entry: JournalEntry) -> list[PositionEvent]:
    """The entry's events: what came in beside the routes first, the routes by path, what moved out last.

    Lines of trades say nothing of block times, decimals and fees of the network: 0, None and 0.
    """
    trades = sorted(entry.trades, key=lambda trade: path_numbers(trade.path))
    booked = [change for trade in trades for change in _trade_changes(trade)]
    beside = _beside(entry, booked)
    came = [_Change(holding, NO_PATH, RECEIVE, units) for holding, units in beside if units > 0]
    went = [_Change(holding, NO_PATH, SEND, -units) for holding, units in beside if units < 0]
    return [_event(entry, seq, change) for seq, change in enumerate([*came, *booked, *went])]


def _event(entry: JournalEntry, seq: int, change: _Change) -> PositionEvent:
    wallet, mint = change.holding
    return PositionEvent(
        signature=entry.signature,
        slot=entry.slot,
        tx_index=entry.tx_index,
        block_time_s=0,
        log_idx=0,
        path=change.path,
        seq=seq,
        wallet=wallet,
        kind=change.kind,
        mint=mint,
        decimals=None,
        qty_raw=change.qty_raw,
        other_mint=change.other_mint,
        other_decimals=None,
        other_raw=change.other_raw,
        counterparty="",
        venue="",
        network_fee_lamports=0,
        tip_lamports=0,
        rent_lamports=0,
    )


def _trade_changes(trade: Trade) -> Iterator[_Change]:
    sold_raw = trade.sold_raw + trade.on_top_raw(trade.sold_mint)
    if trade.sold_mint == trade.bought_mint:
        yield from _circle_changes(trade, trade.bought_raw - sold_raw)
        return
    bought_raw = max(0, trade.bought_raw - trade.on_top_raw(trade.bought_mint))
    if is_token(trade.sold_mint):
        holding = trade.trader, trade.sold_mint
        yield _Change(holding, trade.path, SELL, sold_raw, trade.bought_mint, bought_raw)
    if is_token(trade.bought_mint):
        if trade.recipient in ("", trade.trader):
            holding = trade.trader, trade.bought_mint
            yield _Change(holding, trade.path, BUY, bought_raw, trade.sold_mint, sold_raw)
        else:
            yield _Change((trade.recipient, trade.bought_mint), trade.path, RECEIVE, bought_raw)


def _circle_changes(trade: Trade, gained_raw: int) -> Iterator[_Change]:
    """A route that ends in the mint it began with: what it gained cost nothing, what it lost was given for nothing."""
    if is_token(trade.sold_mint) and gained_raw:
        kind = BUY if gained_raw > 0 else SELL
        yield _Change((trade.trader, trade.sold_mint), trade.path, kind, abs(gained_raw), trade.sold_mint, 0)


def _beside(entry: JournalEntry, booked: list[_Change]) -> list[tuple[Holding, int]]:
    """What the moves change beyond the routes, by holding in order; nothing where no move is known."""
    if entry.changes is None:
        return []
    left = {holding: units for holding, units in entry.changes.items() if is_token(holding[1])}
    for change in booked:
        left[change.holding] = left.get(change.holding, 0) - SIGNS[change.kind] * change.qty_raw
    return sorted((holding, units) for holding, units in left.items() if units)


def is_token(mint: str) -> bool:
    """Whether a mint has lots: SOL, wrapped or not, has none."""
    return mint not in NATIVE_MINTS and mint not in (LAMPORTS_ASSET, NATIVE_MINT, "")


class Holdings:
    """Every position the entries give, each with its realised trades in the order of sales and lots."""

    def __init__(self) -> None:
        self.book = Book(PositionRules())
        self.realized: dict[Holding, list[RealizedTrade]] = {}

    def apply(self, entry: JournalEntry, wallets: frozenset[str] | None = None) -> None:
        """Book one transaction, of these wallets alone where given. Entries come in the order of their `order_key`."""
        for event in events_of(entry):
            if wallets is None or event.wallet in wallets:
                rows = self.book.step(ValuedEvent(event))
                self.realized.setdefault((event.wallet, event.mint), []).extend(rows)

    def open_lots(self, holding: Holding) -> list[Lot]:
        """What is held, the oldest lot first."""
        return self.book.open_lots(*holding)


def in_order(entries: Iterable[JournalEntry]) -> list[JournalEntry]:
    """The entries in the order of the chain, trades read once a (signature, path); the first one read counts."""
    merged: dict[str, JournalEntry] = {}
    for entry in entries:
        known = merged.get(entry.signature)
        merged[entry.signature] = entry if known is None else _joined(known, entry)
    return sorted((_once(entry) for entry in merged.values()), key=lambda entry: entry.order_key)


def _joined(known: JournalEntry, again: JournalEntry) -> JournalEntry:
    return JournalEntry(
        known.signature,
        known.slot,
        known.tx_index,
        (*known.trades, *again.trades),
        again.changes if known.changes is None else known.changes,
    )


def _once(entry: JournalEntry) -> JournalEntry:
    """Each trade once. Two traders, or two pairs, at one path are two trades."""
    read: dict[tuple[tuple[int, ...], str, str, str], Trade] = {}
    for trade in entry.trades:
        read.setdefault((path_numbers(trade.path), trade.trader, trade.sold_mint, trade.bought_mint), trade)
    return msgspec.structs.replace(entry, trades=tuple(read.values()))
