"""From routes alone to positions: what a list of trades, and the net changes around them, mean for each wallet's lots.

This is for trades that somebody hands over, with no more than a line each; a decoded transaction says more
(`positions/from_decoded.py`). A route sells one mint and buys another. A wallet's cost is what it sold and the fees on top in
the same mint, its proceeds what it bought less the fees on top in that mint; fees in a third mint are no part of either. Both
sides count: what a token was swapped for is its proceeds and the other's cost. SOL is money by whatever name, and has no
lots. Where a transaction's moves are known, what they change beside its routes came in with unknown basis, or moved out.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import msgspec

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT, NATIVE_MINTS
from oof_pipelines.decode.facts import ON_TOP
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import BUY, RECEIVE, SELL, SEND, SIGNS, PositionEvent
from oof_pipelines.positions.results import Lot
from oof_pipelines.positions.valued import PositionRules, ValuedEvent

NO_PATH = ""
"""The path of what the moves change and no route does: it is of the transaction as a whole."""
# What an event says where nobody told the slot; the order is made before.
_NOWHERE_SLOT = 0
_KNOWN_PATHS = 4096
_DRAINED_EVENTS = 20_000


class TradeFee(msgspec.Struct, frozen=True, gc=False):
    """A part of a route's fee; `side` is on_top or inside."""

    mint: str
    amount_raw: int
    side: str


class Trade(msgspec.Struct, frozen=True, gc=False):
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
        """The fees on top in a mint, as `money_name` has it."""
        if not self.fees:
            return 0
        return sum(fee.amount_raw for fee in self.fees if fee.side == ON_TOP and money_name(fee.mint) == mint)


class JournalEntry(msgspec.Struct, frozen=True, gc=False):
    """One transaction. `changes` are (wallet, mint) → net units by its moves; None where no move is known."""

    signature: str
    slot: int | None
    tx_index: int | None
    trades: tuple[Trade, ...]
    changes: Mapping[tuple[str, str], int] | None = None

    @property
    def order_key(self) -> tuple[bool, int, bool, int, tuple[int, ...], str]:
        """(slot, tx_index, first path as numbers, signature).

        A slot that nobody told comes behind all others, and such a position in the block behind those of its slot that are
        known. What has no route has no path, and comes before the paths of its place.
        """
        tx_index = self.tx_index
        first = min((path_numbers(trade.path) for trade in self.trades), default=())
        return (self.slot is None, self.slot or 0, tx_index is None, tx_index or 0, first, self.signature)


Holding = tuple[str, str]
"""(wallet, mint)"""


@lru_cache(maxsize=_KNOWN_PATHS)
def path_numbers(path: str) -> tuple[int, ...]:
    """'3.10' as numbers, so that it comes behind '3.9'. Raises `ValueError` for what is no path: digits between dots."""
    parts = path.split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"{path!r} is no path")
    return tuple(int(part) for part in parts)


class _Change(msgspec.Struct, frozen=True, gc=False):
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
    trades = entry.trades if len(entry.trades) == 1 else sorted(entry.trades, key=_path_of)
    booked = [change for trade in trades for change in _trade_changes(trade)]
    if entry.changes is None:
        return [_event(entry, seq, change) for seq, change in enumerate(booked)]
    beside = _beside(entry.changes, booked)
    came = [_Change(holding, NO_PATH, RECEIVE, units) for holding, units in beside if units > 0]
    went = [_Change(holding, NO_PATH, SEND, -units) for holding, units in beside if units < 0]
    return [_event(entry, seq, change) for seq, change in enumerate([*came, *booked, *went])]


def _event(entry: JournalEntry, seq: int, change: _Change) -> PositionEvent:
    wallet, mint = change.holding
    # By place, which takes half of the time that names take.
    return PositionEvent(
        entry.signature,
        _NOWHERE_SLOT if entry.slot is None else entry.slot,
        entry.tx_index,
        0,  # block_time_s
        0,  # log_idx
        change.path,
        seq,
        wallet,
        change.kind,
        mint,
        None,  # decimals
        change.qty_raw,
        change.other_mint,
        None,  # other_decimals
        change.other_raw,
        "",  # counterparty
        "",  # venue
        0,  # network_fee_lamports
        0,  # tip_lamports
        0,  # rent_lamports
    )


def _trade_changes(trade: Trade) -> Iterator[_Change]:
    sold_mint, bought_mint = money_name(trade.sold_mint), money_name(trade.bought_mint)
    sold_raw = trade.sold_raw + trade.on_top_raw(sold_mint)
    if sold_mint == bought_mint:
        yield from _circle_changes(trade, sold_mint, trade.bought_raw - sold_raw)
        return
    # A bot's fee of a fixed amount may be more than dust was sold for.
    bought_raw = max(0, trade.bought_raw - trade.on_top_raw(bought_mint))
    if is_token(sold_mint):
        yield _Change((trade.trader, sold_mint), trade.path, SELL, sold_raw, bought_mint, bought_raw)
    if is_token(bought_mint):
        if trade.recipient in ("", trade.trader):
            yield _Change((trade.trader, bought_mint), trade.path, BUY, bought_raw, sold_mint, sold_raw)
        else:
            yield _Change((trade.recipient, bought_mint), trade.path, RECEIVE, bought_raw)


def _circle_changes(trade: Trade, mint: str, gained_raw: int) -> Iterator[_Change]:
    """A route that ends in the mint it began with: what it gained cost nothing, what it lost was given for nothing."""
    if is_token(mint) and gained_raw:
        kind = BUY if gained_raw > 0 else SELL
        yield _Change((trade.trader, mint), trade.path, kind, abs(gained_raw), mint, 0)


def _beside(changes: Mapping[Holding, int], booked: list[_Change]) -> list[tuple[Holding, int]]:
    """What the moves change beyond the routes, by holding in order."""
    left = {holding: units for holding, units in changes.items() if is_token(holding[1])}
    for change in booked:
        left[change.holding] = left.get(change.holding, 0) - SIGNS[change.kind] * change.qty_raw
    return sorted((holding, units) for holding, units in left.items() if units)


def is_token(mint: str) -> bool:
    """Whether a mint has lots: SOL, wrapped or not, has none."""
    return mint not in NATIVE_MINTS and mint not in (LAMPORTS_ASSET, "")


def money_name(mint: str) -> str:
    """The mint; SOL by one name, whether it is lamports or wrapped by either token program."""
    return mint if is_token(mint) or not mint else NATIVE_MINT


class Sale(msgspec.Struct, frozen=True, gc=False):
    """What one event realised of one cost mint and basis status; columns are as in `results.RealizedTrade`."""

    signature: str
    path: str
    qty_raw: int
    proceeds_mint: str
    proceeds_raw: int
    cost_mint: str | None
    cost_raw: int | None
    basis_status: str


class Holdings:
    """Every position the entries give, each with what it realised in the order of sales and lots."""

    def __init__(self) -> None:
        self.book = Book(PositionRules())
        self.realized: dict[Holding, list[Sale]] = {}
        self._drained_at = 0

    def apply(self, entry: JournalEntry, wallets: frozenset[str] | None = None) -> None:
        """Book one transaction, or one route of it, of these wallets alone where given; in the order of `order_key`."""
        for event in events_of(entry):
            if wallets is None or event.wallet in wallets:
                sales = self.realized.setdefault((event.wallet, event.mint), [])
                # A whole row is four times as large.
                sales += [
                    Sale(
                        row.signature,
                        row.path,
                        row.qty_raw,
                        row.proceeds_mint,
                        row.proceeds_raw,
                        row.cost_mint,
                        row.cost_raw,
                        row.basis_status,
                    )
                    for row in self.book.step(ValuedEvent(event))
                ]

        if self.book.event_count >= self._drained_at + _DRAINED_EVENTS:
            # Nobody asks for lots and episodes that are over.
            self._drained_at = self.book.event_count
            self.book.drain()

    def open_lots(self, holding: Holding) -> list[Lot]:
        """What is held, the oldest lot first."""
        return self.book.open_lots(*holding)


def in_order(entries: Iterable[JournalEntry]) -> list[JournalEntry]:
    """The entries in the order of the chain, trades read once a (signature, path); the first one read counts.

    Where routes alone are known each of them has its own place; where moves are, a transaction stays together, at its first
    path.
    """
    first: dict[str, JournalEntry] = {}
    doubled: dict[str, list[JournalEntry]] = {}
    for entry in entries:
        known = first.setdefault(entry.signature, entry)
        if known is not entry:
            doubled.setdefault(entry.signature, [known]).append(entry)
    for signature, lines in doubled.items():
        first[signature] = _joined(lines)
    return sorted((part for entry in first.values() for part in _parts(entry)), key=_order_key_of)


def _joined(lines: list[JournalEntry]) -> JournalEntry:
    """The lines of one signature as one. Who knows its place in the block is believed first, of those who was read first."""
    place = min(lines, key=lambda line: (line.slot is None) + (line.tx_index is None))
    return JournalEntry(
        place.signature,
        _first_known([place.slot, *(line.slot for line in lines)]),
        _first_known([place.tx_index, *(line.tx_index for line in lines)]),
        tuple(trade for line in lines for trade in line.trades),
        next((line.changes for line in lines if line.changes is not None), None),
    )


def _first_known(numbers: list[int | None]) -> int | None:
    return next((number for number in numbers if number is not None), None)


def _parts(entry: JournalEntry) -> Iterator[JournalEntry]:
    """What has one place in the order: the transaction, or each of its routes. Each route once."""
    trades = entry.trades
    if len(trades) > 1:
        read: dict[tuple[int, ...], Trade] = {}
        for trade in trades:
            read.setdefault(_path_of(trade), trade)
        trades = tuple(read.values())
    if entry.changes is None:
        for trade in trades:
            yield entry if len(entry.trades) == 1 else msgspec.structs.replace(entry, trades=(trade,))
    else:
        yield msgspec.structs.replace(entry, trades=trades)


def _path_of(trade: Trade) -> tuple[int, ...]:
    return path_numbers(trade.path)


def _order_key_of(entry: JournalEntry) -> tuple[bool, int, bool, int, tuple[int, ...], str]:
    return entry.order_key
