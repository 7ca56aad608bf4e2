"""`oof positions`: the position engine alone, over lines as `oof decode` writes them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console
from rich.table import Column, Table

from oof_pipelines.commands.decoded_lines import LineError, read_entry
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.positions.journal import Holding, Holdings, JournalEntry, in_order
from oof_pipelines.positions.results import Lot, RealizedTrade

EPILOG = """\b
Examples:
  oof decode recorded/ > decoded.jsonl && oof positions --actions decoded.jsonl
  oof decode recorded/ | oof positions --actions - --json
  oof positions --actions decoded.jsonl --wallet WALLET
"""


@click.command("positions", epilog=EPILOG)
@click.option(
    "--actions", "source", required=True, metavar="FILE", help="Lines as `oof decode` writes them; - is standard input."
)
@click.option("--wallet", "wallets", multiple=True, help="Only this wallet; may be given again.")
@click.option("--json", "is_json", is_flag=True, help="One JSON line a wallet and mint.")
@plain_errors
def positions(source: str, wallets: tuple[str, ...], is_json: bool) -> None:
    """FIFO lots of every trader and mint: what each sale realised of which cost, and what is still held.

    Amounts are base units. A line needs signature, slot, tx_index and routes (path, trader, sold_mint, sold_raw,
    bought_mint, bought_raw); where it has fees, those on top count to cost and proceeds, and where it has moves, what
    came in and went out beside the routes counts too. Lines are put in the order of the chain first. A line that cannot
    be read is named on standard error, and the command ends with status 1.
    """
    entries, faults = _read(source)
    # A pool's or a router's accounts move too; whose positions these are is who trades.
    traders = frozenset(wallets) or frozenset(trade.trader for entry in entries for trade in entry.trades)
    holdings = Holdings()
    for entry in in_order(entries):
        holdings.apply(entry, traders)
    for holding in sorted(holdings.realized):
        realized, held = holdings.realized[holding], holdings.open_lots(holding)
        if is_json:
            click.echo(json.dumps(_line(holding, realized, held)))
        else:
            _print(holding, realized, held)
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


def _lines(source: str) -> Iterator[str]:
    if source == "-":
        yield from _text(sys.stdin)
        return
    path = Path(source)
    if not path.is_file():
        raise click.ClickException(f"--actions: {source} is no file")
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from _text(file)


def _text(file: TextIO) -> Iterator[str]:
    yield from file


def _line(holding: Holding, realized: list[RealizedTrade], held: list[Lot]) -> dict[str, Any]:
    return {
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


def _text_of(amount_raw: int | None) -> str | None:
    """Amounts are text, so that no digit is lost to a reader's floats."""
    return None if amount_raw is None else str(amount_raw)


def _print(holding: Holding, realized: list[RealizedTrade], held: list[Lot]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(f"[bold]{holding[0]}[/bold]  {holding[1]}")
    table = Table(
        "",
        Column("signature", overflow="ellipsis", max_width=20),
        "path",
        *(Column(title, justify="right") for title in ("units", "proceeds", "cost")),
        "paid in",
        "basis",
        box=None,
    )
    for trade in realized:
        amounts = str(trade.qty_raw), str(trade.proceeds_raw), _shown(trade.cost_raw)
        table.add_row("sold", trade.signature, trade.path, *amounts, trade.cost_mint or "", trade.basis_status)
    for lot in held:
        amounts = str(lot.qty_remaining_raw), "", _shown(lot.cost_remaining_raw)
        table.add_row("held", lot.signature, lot.path, *amounts, lot.cost_mint or "", lot.basis_status)
    console.print(table)
    console.print()


def _shown(amount_raw: int | None) -> str:
    return "?" if amount_raw is None else str(amount_raw)
