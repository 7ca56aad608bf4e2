"""Migrations against a real PostgreSQL: once each, in order, whole or not at all, and never against history."""

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.storage.postgres.migrate import (
    ADVISORY_LOCK_KEY,
    Migration,
    MigrationError,
    _read_folder,
    migrate,
    pending,
)

MIGRATE = "import sys; from pathlib import Path; from oof_pipelines.storage.postgres.migrate import migrate; "
MIGRATE += "print([m.version for m in migrate(sys.argv[1], Path(sys.argv[2]))])"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "0001_first.sql", "CREATE TABLE first (n int);\nINSERT INTO first VALUES (1);\n-- 100 % text\n")
    write(tmp_path, "0002_second.sql", "ALTER TABLE first ADD COLUMN m int DEFAULT 5;\n")
    return tmp_path


def write(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, connect_timeout=10) as connection:
        return connection.execute(query.encode()).fetchall()


def versions(migrations: list[Migration]) -> list[int]:
    return [migration.version for migration in migrations]


def test_applies_each_once_in_order_and_records_it(database_url: str, folder: Path) -> None:
    assert versions(pending(database_url, folder)) == [1, 2]
    assert rows(database_url, "SELECT to_regclass('schema_migrations')") == [(None,)]
    assert versions(migrate(database_url, folder)) == [1, 2]
    assert migrate(database_url, folder) == []
    assert pending(database_url, folder) == []
    assert rows(database_url, "SELECT n, m FROM first") == [(1, 5)]
    checksums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())]
    assert rows(database_url, "SELECT version, name, sha256 FROM schema_migrations ORDER BY version") == [
        (1, "first", checksums[0]),
        (2, "second", checksums[1]),
    ]
    assert rows(
        database_url, "SELECT count(*) FROM schema_migrations WHERE applied_at > now() - '1 min'::interval"
    ) == [(2,)]
    write(folder, "0003_third.sql", "DROP TABLE first")
    assert versions(pending(database_url, folder)) == [3]
    assert versions(migrate(database_url, folder)) == [3]


def test_a_failing_file_leaves_nothing_and_names_its_line(database_url: str, folder: Path) -> None:
    write(folder, "0003_third.sql", "CREATE TABLE third ();\n\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(MigrationError, match=r"0003_third\.sql, line 3: .*nowhere"):
        migrate(database_url, folder)
    assert versions(pending(database_url, folder)) == [3]
    assert rows(database_url, "SELECT to_regclass('third')") == [(None,)]
    write(folder, "0003_third.sql", "CREATE TABLE third ();\n")
    assert versions(migrate(database_url, folder)) == [3]


@pytest.mark.parametrize("ending", ["COMMIT;", "ROLLBACK;", "COMMIT; BEGIN;"])
def test_a_file_that_ends_its_transaction_is_refused(database_url: str, folder: Path, ending: str) -> None:
    write(folder, "0003_third.sql", f"CREATE TABLE third ();\n{ending}\n")
    with pytest.raises(MigrationError, match=r"0003_third\.sql ends its transaction"):
        migrate(database_url, folder)
    assert rows(database_url, "SELECT max(version) FROM schema_migrations") == [(2,)]


def test_two_processes_at_once_apply_everything_once(database_url: str, folder: Path) -> None:
    write(folder, "0003_slow.sql", "SELECT pg_sleep(0.5); UPDATE first SET n = n + 1;")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, database_url, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=60) for process in processes]
    assert sorted(output.strip() for output, _ in answers) == ["[1, 2, 3]", "[]"], answers
    assert rows(database_url, "SELECT n FROM first") == [(2,)]


def test_waiting_for_another_migration_has_an_end(database_url: str, folder: Path) -> None:
    with psycopg.connect(database_url, autocommit=True, connect_timeout=10) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK_KEY,))
        before = time.monotonic()
        with pytest.raises(MigrationError, match=r"another process has been migrating this database for 0\.2 s"):
            migrate(database_url, folder, lock_timeout_seconds=0.2)
        assert time.monotonic() - before < 5
        assert versions(pending(database_url, folder)) == [1, 2]
        waiting = threading.Timer(0.3, other.execute, ["SELECT pg_advisory_unlock_all()"])
        waiting.start()
        assert versions(migrate(database_url, folder, lock_timeout_seconds=20)) == [1, 2]
        waiting.join()


def test_a_table_in_use_stops_a_migration_in_time(database_url: str, folder: Path) -> None:
    migrate(database_url, folder)
    write(folder, "0003_third.sql", "ALTER TABLE first ADD COLUMN k int")
    with psycopg.connect(database_url, connect_timeout=10) as other:
        other.execute("SELECT * FROM first")
        with pytest.raises(MigrationError, match=r"0003_third\.sql: .*lock timeout"):
            migrate(database_url, folder, lock_timeout_seconds=0.2)
    assert versions(migrate(database_url, folder)) == [3]


def _change_first(folder: Path) -> None:
    write(folder, "0001_first.sql", "CREATE TABLE first (n bigint);\n")


def _remove_second(folder: Path) -> None:
    (folder / "0002_second.sql").unlink()


@pytest.mark.parametrize("ask", [migrate, pending])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_change_first, r"0001_first\.sql was changed after it was applied"),
        (_remove_second, "the database is newer than this code: it has 0002_second"),
    ],
)
def test_history_is_not_rewritten(
    database_url: str,
    folder: Path,
    ask: Callable[[str, Path], list[Migration]],
    change: Callable[[Path], None],
    message: str,
) -> None:
    migrate(database_url, folder)
    change(folder)
    with pytest.raises(MigrationError, match=message):
        ask(database_url, folder)


def test_a_hole_in_the_record_is_an_error(database_url: str, folder: Path) -> None:
    migrate(database_url, folder)
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        connection.execute("DELETE FROM schema_migrations WHERE version = 1")
    with pytest.raises(MigrationError, match=r"lacks 0001_first\.sql but has later ones"):
        migrate(database_url, folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("0002_again.sql", "0002 is used twice"),
        ("0000_zero.sql", "below 0001"),
        ("0004_fourth.sql", "0003 is missing before 0004_fourth"),
        ("3_third.sql", "not named NNNN_name.sql"),
        ("0003_Third.sql", "not named NNNN_name.sql"),
    ],
)
def test_numbering_is_checked_before_the_database_is_asked(folder: Path, name: str, message: str) -> None:
    write(folder, name, "SELECT 1")
    with pytest.raises(MigrationError, match=message):
        migrate("postgresql://nobody@127.0.0.1:1/none", folder)


@given(st.lists(st.integers(0, 12), unique=True))
def test_only_an_unbroken_count_from_one_is_accepted(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("numbers")
    for number in numbers:
        write(folder, f"{number:04}_x.sql", "SELECT 1")
    if sorted(numbers) == list(range(1, len(numbers) + 1)):
        assert versions(_read_folder(folder)) == sorted(numbers)
    else:
        with pytest.raises(MigrationError):
            _read_folder(folder)


def test_a_search_path_keeps_databases_apart_by_schema(database_url: str, folder: Path) -> None:
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        connection.execute("CREATE SCHEMA other")
    write(folder, "0003_path.sql", "SET search_path = public")
    within = database_url + "?options=-csearch_path%3Dother"
    assert versions(migrate(within, folder)) == [1, 2, 3]
    assert migrate(within, folder) == []
    assert rows(database_url, "SELECT count(*) FROM other.first") == [(1,)]
    assert versions(pending(database_url, folder)) == [1, 2, 3]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://oof:hush@127.0.0.1:1/oof", "cannot reach the database"),
        ("postgresql://oof:hu%zzsh@127.0.0.1/oof", "not a connection address"),
    ],
)
def test_an_unreachable_database_is_said_without_the_password(folder: Path, url: str, message: str) -> None:
    with pytest.raises(MigrationError, match=message) as caught:
        migrate(url, folder)
    assert "hu" not in str(caught.value).replace("DATABASE_URL", "")


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="no folder of migrations"):
        pending("postgresql://nobody@127.0.0.1:1/none", tmp_path / "none")
