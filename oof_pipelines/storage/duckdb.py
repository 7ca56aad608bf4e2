"""DuckDB over everything: Parquet files ∪ rows that wait in Postgres, as the views of sql/views.

DuckDB runs in this process and keeps nothing. Rows in Postgres are read once, when a query names them, in one snapshot.
Parquet is read where it lies. A partition folded in between is on both sides for a moment; the views join it out by key.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg

from oof_pipelines.chain.compression import decompress_body
from oof_pipelines.storage.parquet.schemas import DATASETS, INSTANT
from oof_pipelines.storage.parquet.store import ParquetStore

_CONNECT_TIMEOUT_SECONDS = 10
_ROWS_AT_ONCE = 10_000

# Postgres tables that queries may name, with the types their columns have here.
_TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "hot_raw_transactions": (
        "select t.sig, t.slot, t.tx_index, t.ts, t.is_block_time_estimated, i.version, t.status = 'failed', "
        "i.fee_lamports, i.fee_payer, i.program_ids, i.body_zstd, t.is_final "
        "from inbox_transactions i join tx_raw t using (sig)",
        {**DATASETS["raw_transactions"].columns, "is_final": pl.Boolean()},
    ),
    "hot_raw_logs": (
        "select l.signature, l.slot, t.tx_index, t.ts, l.program_id, l.is_failed, l.logs, coalesce(t.is_final, false) "
        "from raw_logs l left join tx_raw t on t.sig = l.signature",
        {**DATASETS["raw_logs"].columns, "is_final": pl.Boolean()},
    ),
    "tx_raw": (
        "select sig, slot, ts, status, object_key, size_bytes, tx_index, is_block_time_estimated, is_final, stored_at "
        "from tx_raw",
        {
            "sig": pl.String(),
            "slot": pl.Int64(),
            "ts": INSTANT,
            "status": pl.String(),
            "object_key": pl.String(),
            "size_bytes": pl.Int32(),
            "tx_index": pl.Int32(),
            "is_block_time_estimated": pl.Boolean(),
            "is_final": pl.Boolean(),
            "stored_at": INSTANT,
        },
    ),
    "quarantine": (
        "select signature, slot, reason, detail, body_zstd, quarantined_at from quarantine",
        {
            "signature": pl.String(),
            "slot": pl.Int64(),
            "reason": pl.String(),
            "detail": pl.String(),
            "body_zstd": pl.Binary(),
            "quarantined_at": INSTANT,
        },
    ),
    "fetch_queue": (
        "select signature, slot, source, attempts, not_before, last_error, queued_at from fetch_queue",
        {
            "signature": pl.String(),
            "slot": pl.Int64(),
            "source": pl.String(),
            "attempts": pl.Int32(),
            "not_before": INSTANT,
            "last_error": pl.String(),
            "queued_at": INSTANT,
        },
    ),
    "feed_checkpoints": (
        "select target, slot, has_heard, updated_at from feed_checkpoints",
        {"target": pl.String(), "slot": pl.Int64(), "has_heard": pl.Boolean(), "updated_at": INSTANT},
    ),
}

_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_COMMENT = re.compile(r"--[^\n]*")


class QueryError(ValueError):
    """DuckDB refuses the query; the message is its own."""


class QueryResult:
    """Column names, and the rows as Python values (Decimal, datetime, bytes, lists), a batch at a time."""

    def __init__(self, columns: list[str], cursor: duckdb.DuckDBPyConnection) -> None:
        self.columns = columns
        self._cursor = cursor

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        while rows := self._fetch():
            yield from rows

    def _fetch(self) -> list[tuple[Any, ...]]:
        try:
            return self._cursor.fetchmany(_ROWS_AT_ONCE)
        except duckdb.Error as error:
            # A function may fail on a row that is computed only now.
            raise QueryError(str(error)) from None


class QueryEngine:
    """One DuckDB connection with every view, for one query or a few. Use as a context manager."""

    def __init__(self, store: ParquetStore, database_url: str, views_folder: Path) -> None:
        self._store = store
        self._database_url = database_url
        self._views = {path.stem: path.read_text(encoding="utf-8") for path in sorted(views_folder.glob("*.sql"))}
        self._connection = duckdb.connect(":memory:")
        self._connection.execute("set TimeZone = 'UTC'")
        self._connection.create_function("body_json", _body_json, ["BLOB"], "VARCHAR")

    def __enter__(self) -> "QueryEngine":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def query(self, statement: str) -> "QueryResult":
        """Run `statement`; raises `QueryError` with DuckDB's own message."""
        self._prepare(statement)
        try:
            # Not on a cursor: what is registered belongs to this connection alone.
            self._connection.execute(statement)
            columns = [str(column[0]) for column in self._connection.description or ()]
        except duckdb.Error as error:
            raise QueryError(str(error)) from None
        return QueryResult(columns, self._connection)

    def _prepare(self, statement: str) -> None:
        """Create what `statement` names, directly or by way of a view."""
        # Comments are left in: two dashes may stand in a string, and a word too many does no harm here.
        words = self._closure(set(_WORD.findall(statement.lower())))
        tables = sorted(words & set(_TABLES))
        if tables:
            self._load_tables(tables)
        for dataset in DATASETS:
            if f"parquet_{dataset}" in words:
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
                self._connection.execute(f"create or replace view {name} as {self._views[name]}")
            waiting = [name for name in waiting if name not in ready]

    def _load_tables(self, tables: list[str]) -> None:
        with (
            psycopg.connect(
                self._database_url, connect_timeout=_CONNECT_TIMEOUT_SECONDS, application_name="oof sql"
            ) as connection,
        ):
            connection.execute("set transaction isolation level repeatable read, read only")
            for table in tables:
                query, columns = _TABLES[table]
                rows = connection.cursor(binary=True).execute(query).fetchall()
                frame = pl.DataFrame(rows, schema=columns, orient="row")
                self._connection.register(f"{table}_arrow", frame.to_arrow())
                self._connection.execute(f"create or replace view {table} as from {table}_arrow")

    def _connect_parquet(self, dataset: str) -> None:
        name = f"parquet_{dataset}"
        if self._store.days(dataset):
            pattern = self._store.glob(dataset).replace("'", "''")
            self._connection.execute(
                f"create or replace view {name} as from read_parquet('{pattern}', hive_partitioning = true, "
                "hive_types = {'day': DATE})"
            )
            return
        empty = pl.DataFrame(schema={**DATASETS[dataset].columns, "day": pl.Date()})
        self._connection.register(f"{name}_arrow", empty.to_arrow())
        self._connection.execute(f"create or replace view {name} as from {name}_arrow")


def _words(statement: str) -> set[str]:
    """The identifiers (and keywords) of a view, comments left out: they may name views that it does not need."""
    return set(_WORD.findall(_COMMENT.sub("", statement).lower()))


def _body_json(body_zstd: bytes) -> str:
    return decompress_body(body_zstd).decode("utf-8", errors="replace")
