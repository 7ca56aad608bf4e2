"""`oof sql`: ask DuckDB over the files and the rows not yet folded."""

import difflib
import re
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from oof_pipelines.commands.errors import plain_errors, store_setting
from oof_pipelines.commands.other_homes import hint_at_other_homes
from oof_pipelines.commands.sql_output import print_csv, print_json
from oof_pipelines.commands.sql_output import print_table as print_table  # `oof demo` shows its table by it too
from oof_pipelines.settings import REPOSITORY_ROOT, Settings, SettingsError, load_settings
from oof_pipelines.storage.duckdb import QueryEngine, QueryError
from oof_pipelines.storage.parquet.schemas import DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url

QUERIES_FOLDER = REPOSITORY_ROOT / "sql" / "queries"
VIEWS_FOLDER = REPOSITORY_ROOT / "sql" / "views"
# One word is meant as the name of a ready query: no statement that reads has one word.
_NAME = re.compile(r"[A-Za-z0-9_.-]+")

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

    Views: actions, moves, transfers, swaps, fees_paid, wallet_actions, balances_at(SLOT), raw_transactions and more; --list
    shows all. Tables: quarantine, corrections, decoded_days, tx_raw, fetch_queue, feed_checkpoints, feed_gaps.
    Amounts come out whole: in JSON, integers over 2^53 and decimals are strings. Of columns with the same name the
    second is called name_2, the third name_3. A table on a terminal has 200 rows at most, shows control characters as
    \\x1b, and turns into one record after another where the window is too narrow.

    A query is one statement that reads (local files too, as in "from 'x.csv'"). What writes a file, attaches a
    database, changes a setting or loads an extension is refused.
    """
    if is_list or not query:
        _print_list()
        return
    statement = _statement(query)
    settings = load_settings()
    _check_readable(settings)
    hint_at_other_homes(settings)
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    with QueryEngine(ParquetStore(settings.store), url, VIEWS_FOLDER) as engine:
        result = engine.query(statement)
        names, rows = result.columns, iter(result)
        if format_ == "json":
            print_json(names, rows)
        elif format_ == "csv":
            print_csv(names, rows)
        else:
            print_table(names, rows)


def _statement(query: str) -> str:
    """The text of the ready query of that name, or `query` itself; raises `QueryError` where it is neither."""
    name = query.strip()
    if not name.strip(";"):
        raise QueryError("the query is empty; `oof sql --list` shows the ready ones")
    if not _NAME.fullmatch(name):
        return query
    ready = {path.stem: path for path in QUERIES_FOLDER.glob("*.sql")}
    if name in ready:
        return ready[name].read_text(encoding="utf-8")
    if name.lower() in {path.stem for path in VIEWS_FOLDER.glob("*.sql")}:
        raise QueryError(f"{name} is a view, not a ready query: `oof sql 'from {name}'` shows its rows")
    nearest = difflib.get_close_matches(name.lower().replace("-", "_"), ready, n=1)
    meant = f"; did you mean {nearest[0]}?" if nearest else ";"
    raise QueryError(f"no ready query is called {name}{meant} `oof sql --list` shows all")


def _check_readable(settings: Settings) -> None:
    """A folder that may not be listed would pass for an empty one: raise `SettingsError` instead."""
    for folder in (settings.store, *(settings.store / dataset for dataset in DATASETS)):
        try:
            next(folder.iterdir(), None)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SettingsError(f"{store_setting(settings)}: cannot read {folder} ({error.strerror})") from None


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
