"""What a run leaves, as hashes: every file of the Parquet store and every table that Postgres serves.

A table's rows are written as JSON text without what tells when they were written: identity columns, columns that the database
fills with now() or a sequence, and those of `CLOCKED`. The rows are sorted, so their order in the table does not count.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from oof_pipelines.storage.parquet.schemas import RAW_TRANSACTIONS

CLOCKED: Mapping[str, frozenset[str]] = {
    # Digests over when files were written: the same files written again have others.
    "position_buckets": frozenset({"inputs"}),
    "moment_buckets": frozenset({"inputs"}),
    # When a wallet was listed last.
    "wallet_listings": frozenset({"seen_at"}),
    "coverage_certificates": frozenset({"listed_at"}),
}
"""Table → columns that depend on when it ran, besides those that the database fills by itself."""

WORKING_TABLES = frozenset(
    {
        # When the migrations were applied, and by which text.
        "schema_migrations",
        # How far a feed has come, which depends on when it was asked.
        "feed_checkpoints",
        # How often market services were asked.
        "source_status",
        # Each time that a wallet was made again, and what a webhook was refused.
        "refresh_log",
        "webhook_refusals",
    }
)
"""Tables that say how a run went and nothing of the chain."""

CORRECTION_TABLES = frozenset({"corrections", "quarantine"})
"""What a fork leaves besides: what was taken back. A chain without the fork has none of it."""

JOB_TABLES = frozenset({"job_queue", "job_events", "job_workers"})
"""How often a job was tried and what it said meanwhile."""

_TIMEOUT_SECONDS = 30
_SHOWN_ROWS = 3
_SHOWN_CHARACTERS = 400

_COLUMNS = """
select c.table_name, c.column_name
from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.is_identity = 'NO'
  and coalesce(c.column_default, '') not like 'now()%' and coalesce(c.column_default, '') not like 'nextval(%'
  and coalesce(c.column_default, '') not like 'clock_timestamp()%'
order by c.table_name, c.column_name
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left. `files` is path under the store → SHA-256, `tables` name → its rows as sorted lines of JSON."""

    files: Mapping[str, str]
    tables: Mapping[str, tuple[str, ...]]

    def without(self, tables: frozenset[str]) -> "Outcome":
        """The same without those tables."""
        return Outcome(self.files, {name: rows for name, rows in self.tables.items() if name not in tables})

    def without_bodies(self) -> "Outcome":
        """The same without what a node wrote around the transactions: the first that came is kept, whoever it came from."""
        files = {
            name: digest for name, digest in self.files.items() if not name.startswith(f"{RAW_TRANSACTIONS.name}/")
        }
        rows = tuple(sorted(json.dumps({**json.loads(row), "size_bytes": 0}) for row in self.tables.get("tx_raw", ())))
        return Outcome(files, {**self.tables, "tx_raw": rows})

    def table_hashes(self) -> dict[str, str]:
        """Table → SHA-256 of its rows, whatever their order was."""
        return {name: _sha256_of_lines(rows) for name, rows in self.tables.items()}

    def sha256(self) -> str:
        """Of everything."""
        lines = [f"file {name} {digest}" for name, digest in sorted(self.files.items())]
        return _sha256_of_lines([*lines, *(f"table {n} {d}" for n, d in sorted(self.table_hashes().items()))])

    def row_count(self) -> int:
        """Rows of all tables together."""
        return sum(len(rows) for rows in self.tables.values())


def read_outcome(database_url: str, store: Path) -> Outcome:
    """What lies in the database and under the store, unfinished files too. Raises psycopg.Error and OSError."""
    return Outcome(file_hashes(store), read_tables(database_url))


def file_hashes(store: Path) -> dict[str, str]:
    """Path under the store → SHA-256, of every file there."""
    paths = sorted(path for path in store.rglob("*") if path.is_file())
    return {path.relative_to(store).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def read_tables(database_url: str) -> dict[str, tuple[str, ...]]:
    """Table of the schema public → its rows, less `WORKING_TABLES` and the columns that tell when they were written."""
    options = f"-c statement_timeout={_TIMEOUT_SECONDS}s -c timezone=UTC"
    with psycopg.connect(database_url, autocommit=True, connect_timeout=10, options=options) as connection:
        columns: dict[str, list[str]] = {}
        for table, column in connection.execute(_COLUMNS).fetchall():
            if table not in WORKING_TABLES and column not in CLOCKED.get(table, frozenset()):
                columns.setdefault(table, []).append(column)
        return {table: _rows(connection, table, names) for table, names in columns.items()}


def _rows(connection: psycopg.Connection[Any], table: str, columns: list[str]) -> tuple[str, ...]:
    query = sql.SQL("select row_to_json(r)::text from (select {} from {}) as r").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table)
    )
    return tuple(sorted(row[0] for row in connection.execute(query).fetchall()))


def differences(expected: Outcome, found: Outcome) -> list[str]:
    """A line for each table and each dataset that differs, with its first differing rows; none where nothing does."""
    lines = [*_differing_files(expected.files, found.files)]
    for name in sorted(expected.tables.keys() | found.tables.keys()):
        wanted, got = expected.tables.get(name, ()), found.tables.get(name, ())
        if wanted != got:
            lines.append(f"table {name}: {len(got)} rows, {len(wanted)} expected; {_first_rows(wanted, got)}")
    return lines


def _differing_files(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    by_dataset: dict[str, list[str]] = {}
    for path in sorted(expected.keys() | found.keys()):
        if expected.get(path) != found.get(path):
            verdict = "missing" if path not in found else "too many" if path not in expected else "other bytes"
            by_dataset.setdefault(path.split("/")[0], []).append(f"{path} ({verdict})")
    return [
        f"files {name}: {len(paths)} differ: {', '.join(paths[:_SHOWN_ROWS])}" for name, paths in by_dataset.items()
    ]


def _first_rows(expected: tuple[str, ...], found: tuple[str, ...]) -> str:
    parts = []
    for word, rows, others in (("missing", expected, set(found)), ("too many", found, set(expected))):
        lone = [row for row in rows if row not in others]
        parts += [f"{word} {row[:_SHOWN_CHARACTERS]}" for row in lone[:_SHOWN_ROWS]]
    return " | ".join(parts) or "rows are there more than once"


def _sha256_of_lines(lines: "list[str] | tuple[str, ...]") -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode())
        digest.update(b"\n")
    return digest.hexdigest()
