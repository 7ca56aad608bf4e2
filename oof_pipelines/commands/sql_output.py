"""Rows of a query as a table, JSON or CSV. JSON and CSV keep every digit and character; the table is for reading."""

import csv
import json
import math
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

_ROWS_ON_A_TERMINAL = 200
# Where nobody's window bounds the width, titles and captions still get a line of their own.
_NARROWEST_FILE_WIDTH = 80
# A column's blanks and its line, and the table's last line.
_FRAME_A_COLUMN, _FRAME_A_TABLE = 3, 1
# Control characters drive the terminal, surrogates cannot be written, separators break the line.
_UNSHOWN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Marks that turn the direction of writing round (Unicode Standard Annex 9), so that text reads as what it is not.
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def unique_names(names: Sequence[str]) -> list[str]:
    """`names` with the second `a` called `a_2`, the third `a_3`; a name that a column has already is passed over."""
    taken = set(names)
    seen: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate in seen or (number > 1 and candidate in taken):
            number += 1
            candidate = f"{name}_{number}"
        seen.add(candidate)
        unique.append(candidate)
    return unique


def print_table(names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """A table, or one record after another where the terminal is too narrow for it. Nothing is cut.

    On a terminal the first 200 rows alone. Control characters are shown as `\\x1b`, so that no value drives the terminal.
    """
    is_terminal = sys.stdout.isatty()
    shown = list(islice(rows, _ROWS_ON_A_TERMINAL)) if is_terminal else list(rows)
    has_more = is_terminal and next(rows, None) is not None
    titles = [visible(name) for name in unique_names(names)]
    cells = [[visible(_cell(value)) for value in row] for row in shown]
    widths = [max(map(cell_len, column)) for column in zip(titles, *cells, strict=True)]
    needed = sum(widths) + _FRAME_A_COLUMN * len(widths) + _FRAME_A_TABLE
    if is_terminal and needed > Console().width:
        _print_records(titles, cells)
    else:
        # Text, since a string in square brackets would be read as a style, and vanish.
        table = Table(*(Column(Text(title), overflow="fold") for title in titles))
        for row in cells:
            table.add_row(*map(Text, row))
        # Off a terminal nothing is cut to a width nobody has.
        Console(width=None if is_terminal else max(needed, _NARROWEST_FILE_WIDTH)).print(table)
    if has_more:
        click.echo(f"the first {len(shown)} rows; --format csv prints all")


def _print_records(titles: list[str], cells: list[list[str]]) -> None:
    """`name  value`, a column a line. The terminal itself breaks what is long, so copying gives it whole."""
    width = max(map(cell_len, titles))
    for number, row in enumerate(cells, start=1):
        click.echo(f"-- row {number} --")
        for title, cell in zip(titles, row, strict=True):
            click.echo(f"{title}{' ' * (width - cell_len(title))}  {cell}".rstrip())


def print_json(names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """An array of objects, one a line; of columns with one name the second is `a_2`."""
    unique = unique_names(names)
    separator = "["
    for row in rows:
        click.echo(separator + json.dumps(dict(zip(unique, map(_json_value, row), strict=True)), ensure_ascii=False))
        separator = ","
    click.echo("]" if separator == "," else "[]")


def print_csv(names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """Comma-separated values with a header; names as in JSON."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(unique_names(names))
    for row in rows:
        writer.writerow("" if value is None else _cell(value) for value in row)


def visible(text: str) -> str:
    """`text` on one line, with what a terminal would act upon in the form `\\n`, `\\x1b` or `\\u202e`."""
    if text.isprintable() and _DIRECTION_MARKS.isdisjoint(text):
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _UNSHOWN_CATEGORIES or character in _DIRECTION_MARKS
        else character
        for character in text
    )


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
