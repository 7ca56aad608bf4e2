"""`oof decode`: transactions from files or from the store, as JSON lines, or drawn for a person."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from oof_pipelines.chain.base58 import is_signature
from oof_pipelines.chain.body import BodyError
from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction
from oof_pipelines.commands.decode_drawing import draw
from oof_pipelines.commands.decode_line import decoded_line
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.other_homes import hint_at_other_homes
from oof_pipelines.commands.sql import VIEWS_FOLDER
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.decode.gaps import find_gaps
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.testing.recorded_node.recording_files import (
    NOT_A_FILE,
    find_recording_files,
    is_line_file,
    is_regular,
    read_lines,
    read_recording_file,
    shown_path,
)
from oof_pipelines.testing.recorded_node.recordings import EMPTY, KnownFacts, RecordingError, cut_recording

EPILOG = """\b
Examples:
  oof decode recorded/ > decoded.jsonl
  oof decode block.json.gz transaction.json
  oof decode SIGNATURE --explain           one stored transaction, drawn
  oof decode transaction.json --explain
  oof decode recorded/ --gaps              where something unrecorded lies between two of them
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A body and where it is from; `error` where there is none."""

    name: str
    body: bytes
    error: str = ""


@click.command(epilog=EPILOG)
@click.argument("sources", metavar="PATH|SIGNATURE…", nargs=-1, required=True)
@click.option("--explain", is_flag=True, help="Draw each transaction: instructions, moves, net per owner.")
@click.option("--gaps", is_flag=True, help="Print the breaks between an account's transactions instead, a line each.")
@click.option("--strict", is_flag=True, help="End with status 1 where a file is no transaction.")
@plain_errors
def decode(sources: tuple[str, ...], explain: bool, gaps: bool, strict: bool) -> None:
    """Decode recorded transactions (files or folders, gzipped too) or stored ones, one JSON line each.

    Amounts are strings of raw units. A file that is no transaction gives {"file", "error"}.
    """
    console = Console(width=None if sys.stdout.isatty() else 160)
    anchor_programs = load_settings().programs.ids
    has_errors = False
    parsed: list[ParsedTransaction] = []
    for source in _bodies(sources):
        error = source.error
        if not error:
            try:
                transaction = parse_transaction(source.body)
                decoded = decode_transaction(transaction, anchor_programs)
            except BodyError as problem:
                error = str(problem)
            except Exception as problem:
                # A fault of ours in one transaction is no reason to keep the others back.
                error = f"the decoder failed: {problem!r}"
            else:
                if gaps:
                    parsed.append(transaction)
                elif explain:
                    draw(decoded, console)
                else:
                    _print_line(decoded_line(decoded))
        if error:
            has_errors = True
            _print_line({"file": source.name, "error": error})
    if gaps:
        _print_gaps(parsed)
    if has_errors and strict:
        sys.exit(1)


def _print_line(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def _print_gaps(transactions: list[ParsedTransaction]) -> None:
    """The breaks in the order of the chain; a transaction recorded twice counts once."""
    distinct = {one.signature: one for one in transactions}.values()
    in_order = sorted(distinct, key=lambda one: (one.slot or 0, one.tx_index is None, one.tx_index or 0, one.signature))
    for gap in find_gaps(in_order):
        amounts = {"post_raw": str(gap.post_raw), "pre_raw": str(gap.pre_raw)}
        _print_line({**asdict(gap), **amounts, "missing_raw": str(gap.pre_raw - gap.post_raw)})


def _bodies(sources: tuple[str, ...]) -> Iterator[Source]:
    for source in sources:
        path = Path(source)
        if path.is_dir():
            for file in find_recording_files(path):
                yield from _file_bodies(file)
        elif path.exists():
            yield from _file_bodies(path)
        elif is_signature(source):
            yield _stored_body(source)
        else:
            raise click.ClickException(f"{source} is neither a file, a folder nor a signature")


def _file_bodies(path: Path) -> Iterator[Source]:
    """Every transaction of a file, or one source that says why there is none; a file of lines is read line by line."""
    name = shown_path(path)
    if not is_regular(path):
        yield Source(name, b"", NOT_A_FILE)
        return
    is_empty = True
    try:
        parts = read_lines(path) if is_line_file(path) else iter([read_recording_file(path)[0]])
        for number, part in enumerate(parts, 1):
            if part.strip():
                is_empty = False
                yield from _cut(f"{name}:{number}" if is_line_file(path) else name, part)
    except OSError as error:
        yield Source(name, b"", error.strerror or str(error))
        return
    if is_empty:
        yield Source(name, b"", EMPTY)


def _cut(name: str, text: bytes) -> Iterator[Source]:
    try:
        recording = cut_recording(text, KnownFacts())
    except RecordingError as error:
        yield Source(name, b"", str(error))
        return
    yield from (Source(name, one.body) for one in recording.transactions)


def _stored_body(signature: str) -> Source:
    settings = load_settings()
    hint_at_other_homes(settings)
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    with QueryEngine(ParquetStore(settings.store), url, VIEWS_FOLDER) as engine:
        # A signature is base58, so it cannot end the literal it stands in.
        query = f"select body_json(body_zstd) from raw_transactions where signature = '{signature}'"  # noqa: S608
        for row in engine.query(query):
            return Source(signature, row[0].encode())
    return Source(signature, b"", "no stored transaction has this signature")
