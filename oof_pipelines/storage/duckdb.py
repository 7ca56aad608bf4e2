"""DuckDB over everything: Parquet files ∪ rows that wait in Postgres, as the views of sql/views.

DuckDB runs in this process and keeps nothing. Rows in Postgres are read once, when a query names them, in one snapshot.
Parquet is read where it lies. A partition folded in between is on both sides for a moment; the views join it out by key.
A query only reads: see storage/reading_statement.py.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg

from oof_pipelines.chain.compression import decompress_body
from oof_pipelines.decode.program_names import PROGRAM_NAMES
from oof_pipelines.storage.file_versions import FileVersions
from oof_pipelines.storage.parquet.schemas import DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.query_tables import QUERY_TABLES
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options
from oof_pipelines.storage.reading_statement import READING_CONFIG, why_refused

_CONNECT_TIMEOUT_SECONDS = 10
_ROWS_AT_ONCE = 10_000
# A query over a partition that is replaced meanwhile is run again; see storage/file_versions.py.
_ATTEMPTS = 6
_FIRST_PAUSE_SECONDS = 0.02
_REPLACED = "a partition was replaced while it was read; ask again"

_PARTITION_TYPES = {"day": ("DATE", pl.Date()), "bucket": ("SMALLINT", pl.Int16())}
# A view that takes arguments says so in a comment, and is then called: balances_at(416000000).
_PARAMETERS = re.compile(r"^-- Parameters: ([a-z_, ]+)$", re.MULTILINE)
# units: base units in whole tokens as exact text, since a division would make a float of them; null where the decimals are
# unknown. wallet_bucket: see chain/wallet_bucket.py.
_FUNCTIONS = r"""
create macro padded(amount_raw, places) as lpad(
    cast(abs(amount_raw) as varchar), cast(greatest(length(cast(abs(amount_raw) as varchar)), places) as integer), '0');
create macro units(amount_raw, decimals) as case
    when decimals = 0 then cast(amount_raw as varchar)
    when decimals is null then null
    else if(amount_raw < 0, '-', '') || regexp_replace(padded(amount_raw, decimals + 1), '(.{' || decimals || '})$', '.\1')
end;
create macro wallet_bucket(wallet) as cast(cast('0x' || right(sha256(wallet), 2) as integer) % 64 as smallint)
"""
_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_COMMENT = re.compile(r"--[^\n]*")


class QueryError(ValueError):
    """DuckDB refuses the query; the message is its own."""


class _ReplacedError(Exception):
    """A file changed while the first rows were read."""


class QueryResult:
    """Column names, and the rows as Python values (Decimal, datetime, bytes, lists), a batch at a time.

    `first` is the first batch, fetched already, and `versions` the files it came from. Iterate once.
    """

    def __init__(
        self,
        columns: list[str],
        first: list[tuple[Any, ...]],
        cursor: duckdb.DuckDBPyConnection,
        versions: FileVersions,
    ) -> None:
        self.columns = columns
        self._first = first
        self._cursor = cursor
        self._versions = versions

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        rows, self._first = self._first, []
        while rows:
            yield from rows
            rows = self._fetch()

    def _fetch(self) -> list[tuple[Any, ...]]:
        try:
            rows = self._cursor.fetchmany(_ROWS_AT_ONCE)
        except duckdb.Error as error:
            # A function may fail on a row that is computed only now.
            raise _query_error(error) from None
        if self._versions.have_changed():
            # Rows before these are with the asker already, so the query cannot be run again here.
            raise QueryError(_REPLACED)
        return rows


class QueryEngine:
    """One DuckDB connection with every view, for one query or a few. Use as a context manager."""

    def __init__(self, store: ParquetStore, database_url: str, views_folder: Path) -> None:
        self._store = store
        self._database_url = database_url
        self._views = {path.stem: path.read_text(encoding="utf-8") for path in sorted(views_folder.glob("*.sql"))}
        self._connection = duckdb.connect(":memory:", config=READING_CONFIG)
        self._connection.execute("set TimeZone = 'UTC'")
        self._connection.execute(_FUNCTIONS)
        self._connection.create_function("body_json", _body_json, ["BLOB"], "VARCHAR")
        names = pl.DataFrame({"program_id": list(PROGRAM_NAMES), "name": list(PROGRAM_NAMES.values())})
        self._connection.register("named_programs", names.to_arrow())
        self._connection.execute("set lock_configuration = true")
        self._folders: list[Path] = []

    def __enter__(self) -> "QueryEngine":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def query(self, statement: str) -> "QueryResult":
        """Run `statement`, which only reads; raises `QueryError` with DuckDB's own message.

        Runs it again where a partition was replaced while its first rows were read.
        """
        try:
            refusal = why_refused(self._connection, statement)
        except duckdb.Error as error:
            raise _query_error(error) from None
        if refusal is not None:
            raise QueryError(refusal)
        for attempt in range(_ATTEMPTS):
            try:
                # Anew each time: what was folded in between left Postgres for the files.
                self._prepare(statement)
                return self._run(statement)
            except duckdb.Error as error:
                if not _is_torn_read(error) or attempt == _ATTEMPTS - 1:
                    raise _query_error(error) from None
            except _ReplacedError:
                pass
            time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
        raise QueryError(_REPLACED)

    def _run(self, statement: str) -> "QueryResult":
        versions = FileVersions(self._folders)
        # Not on a cursor: what is registered belongs to this connection alone.
        self._connection.execute(statement)
        columns = [str(column[0]) for column in self._connection.description or ()]
        first = self._connection.fetchmany(_ROWS_AT_ONCE)
        if versions.have_changed():
            raise _ReplacedError
        return QueryResult(columns, first, self._connection, versions)

    def _prepare(self, statement: str) -> None:
        """Create what `statement` names, directly or by way of a view."""
        # Comments are left in: two dashes may stand in a string, and a word too many does no harm here.
        words = self._closure(set(_WORD.findall(statement.lower())))
        tables = sorted(words & set(QUERY_TABLES))
        if tables:
            self._load_tables(tables)
        named = [dataset for dataset in DATASETS if f"parquet_{dataset}" in words]
        self._folders = [self._store.root / dataset for dataset in named]
        for dataset in named:
            self._connect_parquet(dataset)
        # A view may name another: alphabetical order would not do, the order of need does.
        self._create_views([name for name in self._views if name in words])

    def _closure(self, words: set[str]) -> set[str]:
        open_views = [name for name in self._views if name in words]
        seen: set[str] = set()
        while open_views:
            name = open_views.pop()
            seen.add(name)
            found = _words(self._views[name])
            words |= found
            open_views += [view for view in self._views if view in found and view not in seen]
        return words

    def _create_views(self, names: list[str]) -> None:
        waiting = list(names)
        while waiting:
            needed = {name: _words(self._views[name]) for name in waiting}
            ready = [name for name in waiting if not any(o in needed[name] for o in waiting if o != name)]
            if not ready:
                raise QueryError(f"sql/views: {', '.join(waiting)} refer to each other")
            for name in ready:
                self._connection.execute(_definition(name, self._views[name]))
            waiting = [name for name in waiting if name not in ready]

    def _load_tables(self, tables: list[str]) -> None:
        with (
            psycopg.connect(
                self._database_url,
                connect_timeout=_CONNECT_TIMEOUT_SECONDS,
                application_name="oof sql",
                options=session_options(self._database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
            ) as connection,
        ):
            connection.execute("set transaction isolation level repeatable read, read only")
            for table in tables:
                query, columns = QUERY_TABLES[table]
                rows = connection.cursor(binary=True).execute(query).fetchall()
                frame = pl.DataFrame(rows, schema=columns, orient="row")
                self._connection.register(f"{table}_arrow", frame.to_arrow())
                self._connection.execute(f"create or replace view {table} as from {table}_arrow")

    def _connect_parquet(self, dataset: str) -> None:
        name = f"parquet_{dataset}"
        column = DATASETS[dataset].partition_column
        column_type, polars_type = _PARTITION_TYPES[column]
        if self._store.has_any(dataset):
            pattern = self._store.glob(dataset).replace("'", "''")
            self._connection.execute(
                f"create or replace view {name} as from read_parquet('{pattern}', hive_partitioning = true, "
                f"hive_types = {{'{column}': {column_type}}})"
            )
            return
        empty = pl.DataFrame(schema={**DATASETS[dataset].columns, column: polars_type})
        self._connection.register(f"{name}_arrow", empty.to_arrow())
        self._connection.execute(f"create or replace view {name} as from {name}_arrow")


def _is_torn_read(error: duckdb.Error) -> bool:
    """Whether DuckDB's Parquet reader met bytes that do not fit the footer: it throws such errors without a class."""
    return type(error) is duckdb.Error and "requires the extension" not in str(error)


def _query_error(error: duckdb.Error) -> QueryError:
    if "requires the extension" in str(error):
        return QueryError("an address on the network is not read, only views, tables and local files")
    if _is_torn_read(error):
        return QueryError(f"a Parquet file is damaged, or is being replaced again and again (try once more): {error}")
    return QueryError(str(error))


def _definition(name: str, select: str) -> str:
    parameters = _PARAMETERS.search(select)
    if parameters is not None:
        return f"create or replace macro {name}({parameters[1]}) as table {select}"
    return f"create or replace view {name} as {select}"


def _words(statement: str) -> set[str]:
    """The identifiers (and keywords) of a view, comments left out: they may name views that it does not need."""
    return set(_WORD.findall(_COMMENT.sub("", statement).lower()))


def _body_json(body_zstd: bytes) -> str:
    return decompress_body(body_zstd).decode("utf-8", errors="replace")
