"""Ordered SQL files, each applied once and in one transaction, and recorded with a checksum in `schema_migrations`.

Files are named `NNNN_name.sql`, numbered from 0001 without gaps. They may hold any statements a transaction may hold,
so neither COMMIT nor CREATE INDEX CONCURRENTLY.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
# Any number no other part of the project locks; it stays as it is, for two versions must exclude each other.
ADVISORY_LOCK_KEY = 7_036_151_202
LOCK_TIMEOUT_SECONDS = 60.0
CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_SECONDS = 3_600.0


class MigrationError(RuntimeError):
    """The files and the database do not fit together, or a file cannot be applied; the message names the file."""


@dataclass(frozen=True)
class Migration:
    """One file: `version` is its number, `sha256` the hexadecimal checksum of its bytes, `statements` its text."""

    version: int
    name: str
    sha256: str
    statements: str

    @property
    def file_name(self) -> str:
        """`0001_name.sql`."""
        return f"{self.version:04}_{self.name}.sql"


def migrate(
    connection_url: str, folder: Path, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS
) -> list[Migration]:
    """Apply what is not applied yet, in order; returns that, an empty list when there is nothing to do.

    Processes doing this at once take turns. When a file fails, those before it stay applied and nothing of it does.
    `lock_timeout_seconds` bounds the wait for the turn and for every lock a statement takes. Raises MigrationError.
    """
    migrations = _read_folder(folder)
    with _connection(connection_url) as connection:
        _set_milliseconds(connection, "lock_timeout", lock_timeout_seconds)
        try:
            connection.execute("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK_KEY,))
        except psycopg.errors.LockNotAvailable:
            raise MigrationError(
                f"another process has been migrating this database for {lock_timeout_seconds:g} s; try again when "
                "it is done (pg_locks, locktype 'advisory', names its pid)"
            ) from None
        # The lock belongs to the session: closing the connection, or dying, frees it.
        table = _table_name(connection)
        _make_table(connection, table)
        missing = _missing(migrations, _read_applied(connection, table))
        for migration in missing:
            _apply(connection, table, migration)
    return missing


def pending(connection_url: str, folder: Path) -> list[Migration]:
    """What `migrate` would apply now. Changes nothing and waits for nobody. Raises MigrationError likewise."""
    migrations = _read_folder(folder)
    with _connection(connection_url) as connection:
        table = _table_name(connection)
        row = connection.execute("SELECT to_regclass(%s) IS NULL", (table.as_string(connection),)).fetchone()
        is_absent = row is not None and row[0]
        return _missing(migrations, {} if is_absent else _read_applied(connection, table))


def _read_folder(folder: Path) -> list[Migration]:
    if not folder.is_dir():
        raise MigrationError(f"no folder of migrations at {folder}")
    migrations: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name} is not named NNNN_name.sql (lower case letters, digits, underscores)")
        content = path.read_bytes()
        try:
            statements = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MigrationError(f"{path.name} is not UTF-8: {error}") from None
        migrations.append(Migration(int(match[1]), match[2], hashlib.sha256(content).hexdigest(), statements))
    for expected, migration in enumerate(migrations, start=1):
        if migration.version < expected:
            raise MigrationError(
                f"{migration.file_name}: the number {migration.version:04} is used twice or below 0001"
            )
        if migration.version > expected:
            raise MigrationError(f"number {expected:04} is missing before {migration.file_name}")
    return migrations


@contextlib.contextmanager
def _connection(connection_url: str) -> Iterator[psycopg.Connection]:
    try:
        connection = psycopg.connect(
            connection_url,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            application_name="oof migrations",
        )
    except psycopg.OperationalError as error:
        raise MigrationError(f"cannot reach the database of DATABASE_URL: {error}") from None
    except psycopg.ProgrammingError:
        # What libpq says of a malformed address may quote the password.
        raise MigrationError("DATABASE_URL is not a connection address of PostgreSQL") from None
    with contextlib.closing(connection):
        try:
            _set_milliseconds(connection, "statement_timeout", STATEMENT_TIMEOUT_SECONDS)
            yield connection
        except psycopg.Error as error:
            raise MigrationError(f"the database failed while migrating: {error}") from error


def _set_milliseconds(connection: psycopg.Connection, setting: str, seconds: float) -> None:
    # Zero would mean no limit at all.
    connection.execute("SELECT set_config(%s, %s, false)", (setting, str(max(1, round(seconds * 1000)))))


def _table_name(connection: psycopg.Connection) -> sql.Identifier:
    """`schema_migrations` with its schema, the first of the search path: a file may change that path."""
    row = connection.execute("SELECT current_schema()").fetchone()
    if row is None or row[0] is None:
        raise MigrationError("the search path of DATABASE_URL names no schema that exists")
    return sql.Identifier(str(row[0]), "schema_migrations")


def _make_table(connection: psycopg.Connection, table: sql.Identifier) -> None:
    connection.execute(
        sql.SQL(
            "CREATE TABLE IF NOT EXISTS {} (version int PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, "
            "applied_at timestamptz NOT NULL DEFAULT now())"
        ).format(table)
    )


def _read_applied(connection: psycopg.Connection, table: sql.Identifier) -> dict[int, tuple[str, str]]:
    """Version → (name, sha256) of what was applied."""
    rows = connection.execute(sql.SQL("SELECT version, name, sha256 FROM {} ORDER BY version").format(table)).fetchall()
    return {version: (name, checksum) for version, name, checksum in rows}


def _missing(migrations: list[Migration], applied: dict[int, tuple[str, str]]) -> list[Migration]:
    """The files not applied yet, once history is found to be a beginning of the files."""
    by_version = {migration.version: migration for migration in migrations}
    for version, (name, checksum) in applied.items():
        migration = by_version.get(version)
        if migration is None:
            raise MigrationError(
                f"the database is newer than this code: it has {version:04}_{name}, and there is no such file"
            )
        if migration.sha256 != checksum:
            raise MigrationError(
                f"{migration.file_name} was changed after it was applied (as {version:04}_{name}, sha256 "
                f"{checksum[:12]}…, now {migration.sha256[:12]}…): restore it and add a new file instead"
            )
    missing = [migration for migration in migrations if migration.version not in applied]
    if missing and missing[0].version <= len(applied):
        raise MigrationError(
            f"the database lacks {missing[0].file_name} but has later ones: schema_migrations was edited"
        )
    return missing


def _apply(connection: psycopg.Connection, table: sql.Identifier, migration: Migration) -> None:
    record = sql.SQL("INSERT INTO {} (version, name, sha256) VALUES (%s, %s, %s)").format(table)
    try:
        with connection.transaction():
            before = _transaction_id(connection)
            # Without parameters the whole file goes as one message, and may hold many statements.
            connection.execute(migration.statements.encode())
            is_open = connection.info.transaction_status == TransactionStatus.INTRANS
            if not is_open or _transaction_id(connection) != before:
                raise MigrationError(
                    f"{migration.file_name} ends its transaction (COMMIT or ROLLBACK): remove that. What came before "
                    "it may be in the database, unrecorded"
                )
            connection.execute(record, (migration.version, migration.name, migration.sha256))
    except psycopg.Error as error:
        raise MigrationError(f"{migration.file_name}{_line_of(error, migration)}: {error}") from error


def _transaction_id(connection: psycopg.Connection) -> object:
    row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
    return row[0] if row else None


def _line_of(error: psycopg.Error, migration: Migration) -> str:
    position = error.diag.statement_position
    if position is None:
        return ""
    return f", line {migration.statements.count(chr(10), 0, int(position) - 1) + 1}"
