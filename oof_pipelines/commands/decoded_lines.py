"""Lines as `oof decode` writes them, read back: routes, and what the moves change, by wallet and mint."""

from typing import Any

import msgspec

from oof_pipelines.chain.moves import NATIVE_MINTS
from oof_pipelines.positions.journal import JournalEntry, Trade, TradeFee, path_numbers

RawAmount = int | str
# A token amount is a u64; sums of a transaction are a little more. What is larger is no amount.
_MOST_RAW = 2**96


class LineError(ValueError):
    """The line is no decoded transaction; the message says what is wrong with it."""


class _Fee(msgspec.Struct):
    mint: str
    amount_raw: RawAmount
    fee_side: str


class _Route(msgspec.Struct):
    path: str
    trader: str
    sold_mint: str
    sold_raw: RawAmount
    bought_mint: str
    bought_raw: RawAmount
    recipient: str = ""
    fees: list[_Fee] = []


class _Move(msgspec.Struct):
    owner: str
    asset: str
    delta_raw: RawAmount
    virtual: bool = False


class _Line(msgspec.Struct):
    signature: str
    slot: int
    routes: list[_Route]
    tx_index: int | None = None
    success: bool = True
    moves: list[_Move] | None = None


class _Fault(msgspec.Struct):
    file: str
    error: str


_DECODER = msgspec.json.Decoder(_Line)
_FAULTS = msgspec.json.Decoder(_Fault)


def read_entry(text: str) -> JournalEntry | None:
    """The line's transaction; None where it failed on the chain, and moved nothing but its fee.

    Raises `LineError` for what is no such line, also for one on which `oof decode` says why it could not be decoded.
    """
    try:
        line = _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise LineError(_reason(text, error)) from None
    if not line.success:
        return None
    return JournalEntry(
        line.signature,
        line.slot,
        line.tx_index,
        tuple(_trade(route) for route in line.routes),
        None if line.moves is None else _changes(line.moves),
    )


def _reason(text: str, error: msgspec.DecodeError) -> str:
    try:
        return f"not decoded: {_FAULTS.decode(text).error}"
    except msgspec.DecodeError:
        return f"no decoded transaction: {error}"


def _trade(route: _Route) -> Trade:
    try:
        path_numbers(route.path)
    except ValueError:
        raise LineError(f"routes: {route.path!r} is no path") from None
    return Trade(
        route.path,
        route.trader,
        route.sold_mint,
        _amount(route.sold_raw, "sold_raw"),
        route.bought_mint,
        _amount(route.bought_raw, "bought_raw"),
        route.recipient,
        tuple(TradeFee(fee.mint, _signed(fee.amount_raw, "amount_raw"), fee.fee_side) for fee in route.fees),
    )


def _changes(moves: list[_Move]) -> dict[tuple[str, str], int]:
    """(owner, mint) → net units of tokens; counter-accounts and SOL, wrapped or not, left out."""
    nets: dict[tuple[str, str], int] = {}
    for move in moves:
        if not move.virtual and move.asset != "lamports" and move.asset not in NATIVE_MINTS:
            holding = move.owner, move.asset
            nets[holding] = nets.get(holding, 0) + _signed(move.delta_raw, "delta_raw")
    return nets


def _amount(value: RawAmount, field: str) -> int:
    amount = _signed(value, field)
    if amount < 0:
        raise LineError(f"{field}: {amount} is less than nothing")
    return amount


def _signed(value: Any, field: str) -> int:
    text = str(value)
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 40:
        raise LineError(f"{field}: {text[:40]!r} is no whole number of base units")
    amount = int(text)
    if abs(amount) > _MOST_RAW:
        raise LineError(f"{field}: {amount} is larger than any amount on the chain")
    return amount
