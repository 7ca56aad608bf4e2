"""Lines as `oof decode` writes them, read back: routes, and what the moves change, by wallet and mint."""

import sys

import msgspec

from oof_pipelines.positions.journal import JournalEntry, Trade, TradeFee, is_token, money_name, path_numbers

RawAmount = int | str
# A token amount is a u64; sums of a transaction are a little more. What is larger is no amount.
_MOST_RAW = 2**96
_SHOWN = 40


class LineError(ValueError):
    """The line is no decoded transaction; the message says what is wrong with it."""


class _Fee(msgspec.Struct, gc=False):
    mint: str
    amount_raw: RawAmount
    fee_side: str


class _Route(msgspec.Struct, gc=False):
    path: str
    trader: str
    sold_mint: str
    sold_raw: RawAmount
    bought_mint: str
    bought_raw: RawAmount
    recipient: str = ""
    fees: list[_Fee] = []


class _Move(msgspec.Struct, gc=False):
    owner: str
    asset: str
    delta_raw: RawAmount
    virtual: bool = False


class _Line(msgspec.Struct, gc=False):
    signature: str
    slot: int | None
    routes: list[_Route]
    tx_index: int | None = None
    success: bool = True
    moves: list[_Move] | None = None


class _Fault(msgspec.Struct):
    file: str
    error: str


_DECODER = msgspec.json.Decoder(_Line)
_FAULTS = msgspec.json.Decoder(_Fault)


def read_entry(text: bytes) -> JournalEntry | None:
    """The line's transaction; None where it failed on the chain, and moved nothing but its fee.

    No moves are as none told. Raises `LineError` for what is no such line, also for one on which `oof decode` says why it
    could not be decoded.
    """
    try:
        if not text.isascii():
            # The decoder looks at the fields that it reads only, and names with letters replaced would be one name.
            text.decode()
        line = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise LineError(f"no UTF-8 text: byte {error.start + 1} is {text[error.start]:#04x}") from None
    except msgspec.DecodeError as error:
        raise LineError(_reason(text, error)) from None
    except RecursionError:
        raise LineError("no decoded transaction: nested too deeply") from None
    if not line.success:
        return None
    return JournalEntry(
        line.signature,
        line.slot,
        line.tx_index,
        tuple([_trade(route) for route in line.routes]),
        _changes(line.moves) if line.moves else None,
    )


def _reason(text: bytes, error: msgspec.DecodeError) -> str:
    try:
        return f"not decoded: {_FAULTS.decode(text).error}"
    except (msgspec.DecodeError, RecursionError):
        return f"no decoded transaction: {error}"


def _trade(route: _Route) -> Trade:
    try:
        path_numbers(route.path)
    except ValueError:
        raise LineError(f"routes: {route.path[:_SHOWN]!r} is no path") from None
    # The same few names come on every line, each time as a text of its own.
    trade = Trade(
        sys.intern(route.path),
        sys.intern(route.trader),
        sys.intern(route.sold_mint),
        _amount(route.sold_raw, "sold_raw"),
        sys.intern(route.bought_mint),
        _amount(route.bought_raw, "bought_raw"),
        sys.intern(route.recipient),
        tuple([_fee(fee) for fee in route.fees]) if route.fees else (),
    )
    if trade.fees:
        _check_fees(trade)
    return trade


def _fee(fee: _Fee) -> TradeFee:
    return TradeFee(sys.intern(fee.mint), _amount(fee.amount_raw, "fees: amount_raw"), sys.intern(fee.fee_side))


def _check_fees(trade: Trade) -> None:
    """Units that were bought are not fewer than none; SOL may be, since a bot's fixed fee is paid beside a sale of dust."""
    mint = trade.bought_mint
    fees_raw = trade.on_top_raw(mint)
    if is_token(mint) and mint != money_name(trade.sold_mint) and fees_raw > trade.bought_raw:
        raise LineError(f"fees: {fees_raw} on top are more than the bought_raw of {trade.bought_raw}")


def _changes(moves: list[_Move]) -> dict[tuple[str, str], int]:
    """(owner, mint) → net units of tokens; counter-accounts and SOL, wrapped or not, left out."""
    nets: dict[tuple[str, str], int] = {}
    for move in moves:
        if not move.virtual and is_token(move.asset):
            holding = sys.intern(move.owner), sys.intern(move.asset)
            nets[holding] = nets.get(holding, 0) + _signed(move.delta_raw, "delta_raw")
    return nets


def _amount(value: RawAmount, field: str) -> int:
    amount = _signed(value, field)
    if amount < 0:
        raise LineError(f"{field}: {amount} is less than nothing")
    return amount


def _signed(value: RawAmount, field: str) -> int:
    text = str(value)
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(text) > _SHOWN:
        raise LineError(f"{field}: {text[:_SHOWN]!r} is no whole number of base units")
    amount = int(text)
    if abs(amount) > _MOST_RAW:
        raise LineError(f"{field}: {amount} is larger than any amount on the chain")
    return amount
