"""Positions as text: events and lots as an accountant would note them, and what a book says in the same words.

Lots      10 for 100 SOL $50      bought; `for ?` with unknown cost; `at $20` with its market value as basis
Events    buy 10 for 100 SOL $50 · sell 4 for 60 SOL $30 · send 3 to Bert $9 · receive 3 from Bert · burn 2 · claim 4 $2
          send 3 to Order* · receive 3 from Order*, whose `*` is an account that a program keeps for the wallet
          add 3 to Pool · remove 3 from Pool $9 · cost; `Bert: …` is Bert's, else it is Anna's; `, fee 5 $1` its network fee
Rows      sell 4 for 60 SOL $30, cost 40 SOL $20, profit $10 · `cost ?` where it is unknown · `cost market $20`
"""

import re
from collections.abc import Iterable

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.positions import events as kinds
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.results import Lot, MovedOut, RealizedTrade
from oof_pipelines.positions.valued import PositionRules, ValuedEvent

COIN = "Coin"
EXCHANGE = "Exchange"
RULES = PositionRules(exchanges=frozenset({EXCHANGE}), owner_set=frozenset({"Anna", "Bert"}))
E18 = 10**18

_MINTS = {"SOL": NATIVE_MINT}
_SYMBOLS = {NATIVE_MINT: "SOL"}
_EVENT = re.compile(
    r"(?:(?P<wallet>\w+): )?(?P<verb>\w+)(?: (?P<qty>\d+))?(?: (?P<mint>[A-Z]\w+))?(?: for (?P<raw>\d+) (?P<other>\w+))?"
    r"(?: (?:to|from) (?P<counterparty>\w+)(?P<escrow>\*)?)?(?: \$(?P<usd>\d+))?"
    r"(?:, fee (?P<fee>\d+)(?: \$(?P<fee_usd>\d+))?)?"
)
_VERBS = {"add": kinds.LP_ADD, "remove": kinds.LP_REMOVE}
_LOT = re.compile(
    r"(?P<qty>\d+) (?:for (?P<raw>\d+) (?P<other>\w+)(?: \$(?P<usd>\d+))?|for (?P<unknown>\?)|at \$(?P<market>\d+))"
)


class Ledger:
    """A book that is told its events in words. Each event is a transaction of its own, one a slot."""

    def __init__(self, before: str = "", rules: PositionRules = RULES) -> None:
        self.book = Book(rules)
        self.transactions = 0
        for line in _lines(before):
            self.book.step(self.event(_as_event(line)))

    def apply(self, events: str) -> str:
        """What the events realise, a row a line; ` + ` between events puts them into one transaction."""
        rows = []
        for line in _lines(events):
            for seq, words in enumerate(line.split(" + ")):
                rows += self.book.step(self.event(words, seq))
        return table(_row(row) for row in rows)

    def event(self, words: str, seq: int = 0) -> ValuedEvent:
        found = _EVENT.fullmatch(words)
        assert found, words
        if seq == 0:
            self.transactions += 1
        told = found.groupdict()
        other = told["other"] or ""
        kind = _VERBS.get(told["verb"], told["verb"])
        event = PositionEvent(
            signature=f"s{self.transactions}",
            slot=self.transactions,
            tx_index=0,
            block_time_s=1_000 + self.transactions,
            log_idx=1,
            path="0",
            seq=seq,
            wallet=told["wallet"] or "Anna",
            kind=kind,
            mint=NATIVE_MINT if kind == kinds.COST else told["mint"] or COIN,
            decimals=6,
            qty_raw=int(told["qty"] or 0),
            other_mint=_MINTS.get(other, other),
            other_decimals=None,
            other_raw=None if told["raw"] is None else int(told["raw"]),
            counterparty=told["counterparty"] or "",
            venue="",
            network_fee_lamports=int(told["fee"] or 0),
            tip_lamports=0,
            rent_lamports=0,
            is_escrow=told["escrow"] is not None,
        )
        usd, fee_usd = told["usd"], told["fee_usd"]
        value = None if usd is None else int(usd) * E18
        return ValuedEvent(
            event, value, "" if usd is None else "klines", None, None if fee_usd is None else int(fee_usd) * E18
        )

    def after(self) -> str:
        """What is left of every lot, the oldest first; what is in pools behind it."""
        return table(_lot(lot) for lot in self.book.lots() if lot.qty_remaining_raw or lot.qty_in_pool_raw)

    def moved(self) -> str:
        """What left with its basis."""
        return table(_moved(one) for one in self.book.moved())

    def episodes(self) -> str:
        """Number, from and to when, and what came of it."""
        return table(
            f"{one.number}: {one.start_signature} to {one.end_signature or 'now'}, {one.trades} trades, basis "
            f"{_dollars(one.basis_usd_e18)}, profit {_dollars(one.realized_pnl_usd_e18)}, held {one.held_raw}, "
            f"in pools {one.in_pool_raw}"
            for one in self.book.episodes()
        )


def table(lines: str | Iterable[str]) -> str:
    """Lines without what indents them."""
    return "\n".join(_lines(lines) if isinstance(lines, str) else lines)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _as_event(line: str) -> str:
    """The event that brings a lot about; what is no lot is an event already."""
    found = _LOT.fullmatch(line)
    if found is None:
        return line
    told = found.groupdict()
    if told["unknown"]:
        return f"receive {told['qty']} from Somebody"
    if told["market"]:
        return f"claim {told['qty']} ${told['market']}"
    return f"buy {line}"


def _row(row: RealizedTrade) -> str:
    got = f" for {row.proceeds_raw} {_symbol(row.proceeds_mint)}" if row.proceeds_mint else ""
    cost = (
        "?"
        if row.basis_status == "unknown"
        else "market"
        if row.cost_raw is None
        else f"{row.cost_raw} {_symbol(row.cost_mint)}"
    )
    mint = "" if row.mint == COIN else f" {row.mint}"
    words = (
        f"{row.kind} {row.qty_raw}{mint}{got}{_priced(row.proceeds_usd_e18)}, cost {cost}{_priced(row.cost_usd_e18)}"
    )
    profit = "" if row.realized_pnl_usd_e18 is None else f", profit {_dollars(row.realized_pnl_usd_e18)}"
    return words + profit


def _lot(lot: Lot) -> str:
    cost = (
        "for ?"
        if lot.basis_status == "unknown"
        else "at"
        if lot.cost_raw is None
        else f"for {lot.cost_remaining_raw} {_symbol(lot.cost_mint)}"
    )
    mint = "" if lot.mint == COIN else f" {lot.mint}"
    pool = f", {lot.qty_in_pool_raw} in pools" if lot.qty_in_pool_raw else ""
    return f"{lot.qty_remaining_raw}{mint} {cost}{_priced(lot.cost_remaining_usd_e18)}{pool}"


def _moved(one: MovedOut) -> str:
    cost = "?" if one.cost_raw is None else f"{one.cost_raw} {_symbol(one.cost_mint)}"
    return f"{one.qty_raw} to {one.counterparty or '?'}, cost {cost}{_priced(one.cost_usd_e18)}, {one.status}"


def _priced(usd_e18: int | None) -> str:
    return "" if usd_e18 is None else f" {_dollars(usd_e18)}"


def _dollars(usd_e18: int | None) -> str:
    if usd_e18 is None:
        return "?"
    whole, rest = divmod(abs(usd_e18), E18)
    sign = "-" if usd_e18 < 0 else ""
    return f"{sign}${whole}" + (f".{rest:018d}".rstrip("0") if rest else "")


def _symbol(mint: str | None) -> str:
    return _SYMBOLS.get(mint or "", mint or "")
