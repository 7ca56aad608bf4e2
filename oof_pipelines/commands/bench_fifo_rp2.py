"""The peer's side of `oof bench fifo --peer`: rp2 (PyPI) over trades of a file, as a library, with no spreadsheets.

A script for whatever Python has rp2: it needs nothing else of ours. `python -I bench_fifo_rp2.py TRADES` prints one line of
JSON: how many trades, the processor's seconds for making rp2's transactions of them, the seconds for its FIFO gains, and the
sum of these gains. TRADES has a line a trade, with blanks between: seconds since 1970, mint, buy or sell, base units (6
places), 1e-18 dollars. It works in the current folder, since rp2 writes its configuration's log there.
"""

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prezzemolo.avl_tree import AVLTree
from rp2.abstract_accounting_method import AbstractAccountingMethod
from rp2.accounting_engine import AccountingEngine
from rp2.configuration import MAX_DATE, MIN_DATE, Configuration
from rp2.in_transaction import InTransaction
from rp2.input_data import InputData
from rp2.out_transaction import OutTransaction
from rp2.plugin.accounting_method.fifo import AccountingMethod
from rp2.plugin.country.us import US
from rp2.rp2_decimal import ZERO, RP2Decimal
from rp2.tax_engine import compute_tax
from rp2.transaction_set import TransactionSet

_PLACE, _HOLDER = "chain", "owner"
_CONFIGURATION = """[general]
assets = {assets}
exchanges = {place}
holders = {holder}
[in_header]
timestamp = 0
asset = 1
exchange = 2
holder = 3
transaction_type = 4
spot_price = 5
crypto_in = 6
[out_header]
timestamp = 0
asset = 1
exchange = 2
holder = 3
transaction_type = 4
spot_price = 5
crypto_out_no_fee = 6
crypto_fee = 7
[intra_header]
timestamp = 0
asset = 1
from_exchange = 2
from_holder = 3
to_exchange = 4
to_holder = 5
spot_price = 6
crypto_sent = 7
crypto_received = 8
"""
_UNITS = RP2Decimal(10**6)
_E18 = RP2Decimal(10**18)


@dataclass(frozen=True, slots=True)
class Trade:
    """A line of the file."""

    at_s: int
    mint: str
    kind: str
    qty_raw: int
    usd_e18: int


def _trade(line: str) -> Trade:
    at_s, mint, kind, qty_raw, usd_e18 = line.split()
    return Trade(int(at_s), mint, kind, int(qty_raw), int(usd_e18))


def _inputs(configuration: Configuration, trades: Iterable[Trade]) -> list[InputData]:
    """rp2's transactions, mint by mint."""
    sets: dict[str, tuple[TransactionSet, TransactionSet]] = {}
    for row, trade in enumerate(trades, 1):
        if trade.mint not in sets:
            sets[trade.mint] = _set(configuration, "IN", trade.mint), _set(configuration, "OUT", trade.mint)
        bought, sold = sets[trade.mint]
        at = datetime.fromtimestamp(trade.at_s, UTC).isoformat()
        units, dollars = RP2Decimal(trade.qty_raw) / _UNITS, RP2Decimal(trade.usd_e18) / _E18
        words = configuration, at, trade.mint, _PLACE, _HOLDER, trade.kind, dollars / units, units
        if trade.kind == "buy":
            bought.add_entry(InTransaction(*words, fiat_in_no_fee=dollars, fiat_in_with_fee=dollars, row=row))
        else:
            sold.add_entry(OutTransaction(*words, ZERO, fiat_out_no_fee=dollars, row=row))
    return [
        InputData(mint, bought, sold, _set(configuration, "INTRA", mint), MIN_DATE, MAX_DATE)
        for mint, (bought, sold) in sets.items()
    ]


def _set(configuration: Configuration, kind: str, mint: str) -> TransactionSet:
    return TransactionSet(configuration, kind, mint, MIN_DATE, MAX_DATE)


def _gains(configuration: Configuration, inputs: Iterable[InputData]) -> RP2Decimal:
    """All gains and losses, first in, first out; each is asked for, since rp2 computes some of it only then."""
    methods: AVLTree[int, AbstractAccountingMethod] = AVLTree()
    methods.insert_node(MIN_DATE.year, AccountingMethod())
    engine = AccountingEngine(methods)
    total = ZERO
    for one in inputs:
        for gain_loss in compute_tax(configuration, engine, one).gain_loss_set:
            total += gain_loss.fiat_gain  # type: ignore[attr-defined]
    return total


def main(file: str) -> None:
    """Measure what the file has."""
    trades = [_trade(line) for line in Path(file).read_text(encoding="ascii").splitlines()]
    assets = ", ".join(sorted({trade.mint for trade in trades}))
    settings = Path("rp2.ini")
    settings.write_text(_CONFIGURATION.format(assets=assets, place=_PLACE, holder=_HOLDER), encoding="ascii")
    configuration = Configuration(str(settings), US())
    began_s = time.process_time()
    inputs = _inputs(configuration, trades)
    made_s = time.process_time()
    gains = _gains(configuration, inputs)
    ended_s = time.process_time()
    said = {"events": len(trades), "making_seconds": made_s - began_s, "booking_seconds": ended_s - made_s}
    print(json.dumps(said | {"realized_usd": str(gains)}), flush=True)  # noqa: T201 - a line to the parent process


if __name__ == "__main__":
    main(sys.argv[1])
