"""`oof sql`: ask DuckDB over the files and the rows not yet folded."""

import csv
import json
import math
import sys
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url

QUERIES_FOLDER = REPOSITORY_ROOT / "sql" / "queries"
VIEWS_FOLDER = REPOSITORY_ROOT / "sql" / "views"
_ROWS_ON_A_TERMINAL = 200

EPILOG = """\b
Examples:
  oof sql --list
  oof sql transactions_by_day
  oof sql "select reason, count(*) from quarantine group by 1"
  oof sql --format json "select body_json(body_zstd) from raw_transactions limit 1"
  oof sql --format csv transactions_by_program_and_day > programs.csv
"""


@click.command("sql", epilog=EPILOG)
@click.argument("query", required=False)
@click.option("--list", "is_list", is_flag=True, help="List the ready queries and the views.")
@click.option("--format", "format_", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@plain_errors
def sql(query: str | None, is_list: bool, format_: str) -> None:
    """Run QUERY, or the ready query of that name, in DuckDB: Parquet files ∪ rows that wait in Postgres.

    Views: raw_transactions, raw_logs, programs; tables: quarantine, tx_raw, fetch_queue, feed_checkpoints.
    Amounts come out whole: in JSON, integers over 2^53 and decimals are strings.
    """
    if is_list or not query:
        _print_list()
        return
    settings = load_settings()
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    with QueryEngine(ParquetStore(settings.store), url, VIEWS_FOLDER) as engine:
        result = engine.query(_statement(query))
        names, rows = result.columns, iter(result)
        if format_ == "json":
            _print_json(names, rows)
        elif format_ == "csv":
            _print_csv(names, rows)
        else:
            print_table(names, rows)


def _statement(query: str) -> str:
    path = QUERIES_FOLDER / f"{query.strip()}.sql"
    if query.strip().replace("_", "").isalnum() and path.exists():
        return path.read_text(encoding="utf-8")
    return query


def _print_list() -> None:
    table = Table(Column("ready query", no_wrap=True), "what it tells", box=None)
    for path in sorted(QUERIES_FOLDER.glob("*.sql")):
        table.add_row(path.stem, _title(path))
    views = Table(Column("view", no_wrap=True), "what it holds", box=None)
    for path in sorted(VIEWS_FOLDER.glob("*.sql")):
        views.add_row(path.stem, _title(path))
    console = Console()
    console.print(table)
    console.print()
    console.print(views)


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("-- ")


def print_table(names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    # Text, since a string in square brackets would be read as a style, and vanish.
    table = Table(*(Column(Text(name)) for name in names))
    is_terminal = sys.stdout.isatty()
    for number, row in enumerate(rows):
        if is_terminal and number == _ROWS_ON_A_TERMINAL:
            table.caption = f"the first {number} rows; --format csv prints all"
            break
        table.add_row(*(Text(_cell(value)) for value in row))
    # Off a terminal nothing is cut to a width nobody has.
    Console(width=None if is_terminal else 10_000).print(table)


def _print_json(names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    separator = "["
    for row in rows:
        click.echo(separator + json.dumps(dict(zip(names, map(_json_value, row), strict=True)), ensure_ascii=False))
        separator = ","
    click.echo("]" if separator == "," else "[]")


def _print_csv(names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow("" if value is None else _cell(value) for value in row)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value)


def _json_value(value: Any) -> Any:
    """JSON that keeps every digit: what a double cannot hold goes as a string."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    # Durations, times of day, UUIDs.
    return value if isinstance(value, str | int | float | None) else str(value)
