"""`oof positions`: the position engine alone, over lines as `oof decode` writes them."""

import json
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click

from oof_pipelines.commands.decoded_lines import LineError, read_entry
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.positions.journal import Holding, Holdings, JournalEntry, Sale, in_order
from oof_pipelines.positions.results import Lot

EPILOG = """\b
Examples:
  oof decode recorded/ > decoded.jsonl && oof positions --actions decoded.jsonl
  oof decode recorded/ | oof positions --actions - --json
  oof positions --actions <(zstdcat decoded.jsonl.zst)
  oof positions --actions decoded.jsonl --wallet WALLET
"""
# Columns of the text, the ones with amounts at their right edge.
_TITLES = ("", "signature", "path", "units", "proceeds", "cost", "paid in", "basis")
_AMOUNTS = frozenset({3, 4, 5})
_SIGNATURE_WIDTH = 20


@click.command("positions", epilog=EPILOG)
@click.option(
    "--actions",
    "source",
    required=True,
    metavar="FILE",
    help="Lines as `oof decode` writes them, of a file or a pipe; - is standard input.",
)
@click.option("--wallet", "wallets", multiple=True, help="Only this wallet; may be given again.")
@click.option("--json", "is_json", is_flag=True, help="One JSON line a wallet and mint.")
@plain_errors
def positions(source: str, wallets: tuple[str, ...], is_json: bool) -> None:
    """FIFO lots of every trader and mint: what each sale realised of which cost, and what is still held.

    Amounts are base units. A line needs signature, slot, tx_index and routes (path, trader, sold_mint, sold_raw,
    bought_mint, bought_raw); where it has fees, those on top count to cost and proceeds, and where it has moves, what
    came in and went out beside the routes counts too. Lines are put in the order of the chain first: slot, tx_index,
    path. A slot that is null comes behind all others, a tx_index that is null behind the known ones of its slot. A route
    that is there twice counts once, by signature and path. A line that cannot be read is named on standard error, and the
    command ends with status 1.
    """
    entries, faults = _read(source)
    # A pool's or a router's accounts move too; whose positions these are is who trades.
    traders = frozenset(wallets) or frozenset(trade.trader for entry in entries for trade in entry.trades)
    ordered = in_order(entries)
    # Lines may be many; each one that is booked makes room for what it became.
    del entries
    ordered.reverse()
    holdings = Holdings()
    while ordered:
        holdings.apply(ordered.pop(), traders)
    for holding in sorted(holdings.realized):
        sales, lots = holdings.realized[holding], holdings.open_lots(holding)
        sys.stdout.write(_json_line(holding, sales, lots) if is_json else _drawn(holding, sales, lots))
    sys.stdout.flush()
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        sys.exit(1)


def _read(source: str) -> tuple[list[JournalEntry], list[str]]:
    """(transactions, what is wrong with the lines that are none)."""
    entries: list[JournalEntry] = []
    faults: list[str] = []
    for number, text in enumerate(_lines(source), 1):
        if not text.strip():
            continue
        try:
            entry = read_entry(text)
        except LineError as error:
            faults.append(f"{source}:{number}: {error}")
        else:
            if entry is not None:
                entries.append(entry)
    return entries, faults


def _lines(source: str) -> Iterator[bytes]:
    if source == "-":
        yield from _without_mark(sys.stdin.buffer)
        return
    path = Path(source)
    if not (path.is_file() or path.is_fifo() or path.is_char_device()):
        raise click.ClickException(f"--actions: {source} is no file")
    with path.open("rb") as file:
        yield from _without_mark(file)


def _without_mark(file: IO[bytes]) -> Iterator[bytes]:
    """The lines, without the mark that some editors put before UTF-8."""
    yield file.readline().removeprefix(BOM_UTF8)
    yield from file


def _json_line(holding: Holding, realized: list[Sale], held: list[Lot]) -> str:
    line: dict[str, Any] = {
        "wallet": holding[0],
        "mint": holding[1],
        "realized": [
            {
                "signature": trade.signature,
                "path": trade.path,
                "qty_raw": str(trade.qty_raw),
                "proceeds_mint": trade.proceeds_mint,
                "proceeds_raw": str(trade.proceeds_raw),
                "cost_mint": trade.cost_mint,
                "cost_raw": _text_of(trade.cost_raw),
                "basis_status": trade.basis_status,
            }
            for trade in realized
        ],
        "open": [
            {
                "signature": lot.signature,
                "path": lot.path,
                "qty_raw": str(lot.qty_remaining_raw),
                "cost_mint": lot.cost_mint,
                "cost_raw": _text_of(lot.cost_remaining_raw),
            }
            for lot in held
        ],
    }
    return json.dumps(line) + "\n"


def _text_of(amount_raw: int | None) -> str | None:
    """Amounts are text, so that no digit is lost to a reader's floats."""
    return None if amount_raw is None else str(amount_raw)


def _drawn(holding: Holding, realized: list[Sale], held: list[Lot]) -> str:
    """The holding as text: its wallet and mint, a line a sale and a lot in columns, an empty line."""
    rows = [_TITLES]
    for sale in realized:
        amounts = str(sale.qty_raw), str(sale.proceeds_raw), _shown(sale.cost_raw)
        rows.append(("sold", sale.signature, sale.path, *amounts, sale.cost_mint or "", sale.basis_status))
    for lot in held:
        amounts = str(lot.qty_remaining_raw), "", _shown(lot.cost_remaining_raw)
        rows.append(("held", lot.signature, lot.path, *amounts, lot.cost_mint or "", lot.basis_status))
    cells = [[_cell(text, column) for column, text in enumerate(row)] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    wallet, mint = map(_printable, holding)
    return "\n".join([f"{wallet}  {mint}", *(_aligned(row, widths) for row in cells), "", ""])


def _cell(text: str, column: int) -> str:
    text = _printable(text)
    is_long = _TITLES[column] == "signature" and len(text) > _SIGNATURE_WIDTH
    return f"{text[: _SIGNATURE_WIDTH - 1]}…" if is_long else text


def _printable(text: str) -> str:
    """Names come from a file; none of them moves the cursor."""
    return text if text.isprintable() else repr(text)[1:-1]


def _aligned(row: list[str], widths: list[int]) -> str:
    cells = (
        text.rjust(width) if column in _AMOUNTS else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(cells).rstrip()


def _shown(amount_raw: int | None) -> str:
    return "?" if amount_raw is None else str(amount_raw)
