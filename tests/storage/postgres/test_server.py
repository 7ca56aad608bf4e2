"""The embedded PostgreSQL, for real: its life and its death."""

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError, ServerUser
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

Embedded = Callable[..., EmbeddedPostgres]
START = (
    "import sys; from pathlib import Path; from oof_pipelines.storage.postgres.server import EmbeddedPostgres as E; "
)
START += "print(E(Path(sys.argv[1])).start())"


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=10)


def value(url: str, query: str) -> object:
    with connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def starter(home: Path) -> "subprocess.Popen[str]":
    """A process of its own that starts the server of `home` and prints its URL."""
    return subprocess.Popen(
        [sys.executable, "-c", START, str(home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_until(is_true: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


class TestRunning:
    """What a running server offers; nothing here changes it."""

    @pytest.fixture(autouse=True)
    def _server(self, postgres: EmbeddedPostgres) -> None:
        self.server = postgres

    def test_serves_role_and_database_oof_in_utf8_by_code_point(self) -> None:
        url = self.server.url
        assert value(url, "SELECT current_user || ' ' || current_database()") == "oof oof"
        assert value(url, "SHOW server_encoding") == "UTF8"
        assert value(url, "SELECT datlocale FROM pg_database WHERE datname = 'oof'") == "C.UTF-8"
        assert value(url, "SELECT string_agg(w, '' ORDER BY w) FROM unnest('{b,B,a,ä,A}'::text[]) w") == "ABabä"
        assert value(url, "SELECT upper('ä')") == "Ä"
        assert value(url, "SELECT rolsuper FROM pg_roles WHERE rolname = 'oof'") is False

    @pytest.mark.parametrize(
        ("setting", "expected"),
        [
            ("shared_buffers", "128MB"),
            ("fsync", "on"),
            ("synchronous_commit", "on"),
            ("max_connections", "100"),
            ("autovacuum", "on"),
            ("TimeZone", "UTC"),
            ("listen_addresses", "127.0.0.1"),
        ],
    )
    def test_setting(self, setting: str, expected: str) -> None:
        assert value(self.server.url, f"SHOW {setting}") == expected

    def test_second_start_returns_the_running_one(self) -> None:
        before = self.server.status()
        assert self.server.start() == before.url
        assert self.server.status() == before
        assert before.is_running
        assert before.version.startswith("18.")

    def test_password_is_private_and_does_not_print(self) -> None:
        folder = self.server.status().data_dir.parent
        password = (folder / "password").read_text().strip()
        assert len(password) >= 24
        assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
        assert password in self.server.url
        assert password not in repr(self.server.status())
        assert password not in (folder / "log" / "postgres.log").read_text()

    @pytest.mark.parametrize("user", ["oof", "postgres"])
    def test_nobody_enters_without_the_password(self, user: str) -> None:
        port = int(value(self.server.url, "SHOW port"))  # type: ignore[call-overload]
        sockets = str(self.server.status().data_dir.parent / "run")
        for host in ("127.0.0.1", sockets):
            for password in ("", "wrong"):
                with pytest.raises(psycopg.OperationalError, match="password"):
                    psycopg.connect(
                        host=host, port=port, user=user, password=password, dbname="oof", connect_timeout=10
                    )

    def test_does_not_run_as_root_nor_in_our_session(self) -> None:
        pid = self.server.status().pid
        assert pid is not None
        assert Path(f"/proc/{pid}").stat().st_uid == ServerUser.current().uid != 0
        assert os.getsid(pid) != os.getsid(0)


def test_before_the_first_start_there_is_nothing_and_looking_makes_nothing(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "home")
    status = server.status()
    assert (status.is_running, status.pid, status.url) == (False, None, None)
    server.stop()
    assert not (tmp_path / "home").exists()
    with pytest.raises(EmbeddedPostgresError, match="oof pg start"):
        _ = server.url


def test_survives_its_starter_and_holds_none_of_its_pipes(
    embedded: Embedded, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "no_SUCH.locale")
    monkeypatch.setenv("LC_ALL", "no_SUCH.locale")
    server = embedded(open_folder / "survivor")
    # communicate() returns only when every holder of the pipes has closed them.
    output, errors = starter(open_folder / "survivor").communicate(timeout=60)
    assert output.strip() == server.url, errors
    assert value(server.url, "SELECT 1") == 1


def test_two_starts_at_once_make_one_server(embedded: Embedded, open_folder: Path) -> None:
    home = open_folder / "raced"
    server = embedded(home)
    racers = [starter(home) for _ in range(2)]
    answers = [racer.communicate(timeout=120) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0], answers
    assert {output.strip() for output, _ in answers} == {server.url}
    data_dir = os.fsencode(server.status().data_dir)
    servers = [path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline") if data_dir in read_bytes(path)]
    assert servers == [str(server.status().pid)]


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_stop_keeps_rows_and_port_and_a_taken_port_is_left_alone(embedded: Embedded) -> None:
    server = embedded()
    url = server.start()
    with connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    server.stop()
    server.stop()
    assert not server.status().is_running
    with pytest.raises(psycopg.OperationalError):
        connect(url)
    assert server.start() == url

    server.stop("immediate")
    port = int(url.rpartition(":")[2].partition("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        moved = server.start()
        assert moved != url
        assert value(moved, "SELECT seven FROM kept") == 7
    assert server.start() == moved
    with pytest.raises(ValueError, match="smart"):
        server.stop("gently")


def test_committed_rows_survive_kill_9_in_the_middle_of_writes(embedded: Embedded) -> None:
    server = embedded()
    url = server.start()
    with connect(url) as connection:
        connection.execute("CREATE TABLE written (number bigint PRIMARY KEY)")
    for _ in range(3):
        acknowledged: list[int] = []
        first = int(value(url, "SELECT coalesce(max(number), 0) FROM written"))  # type: ignore[call-overload]

        def write(url: str = url, first: int = first, acknowledged: list[int] = acknowledged) -> None:
            with contextlib.suppress(psycopg.OperationalError), connect(url) as connection:
                for number in range(first + 1, first + 10_000_000):
                    connection.execute("INSERT INTO written VALUES (%s)", (number,))
                    acknowledged.append(number)

        writer = threading.Thread(target=write)
        writer.start()
        wait_until(lambda acknowledged=acknowledged: len(acknowledged) > 200)
        pid = server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        url = server.start()  # at once: its children may still be there
        writer.join(timeout=30)
        assert server.status().pid != pid
        with connect(url) as connection:
            found = {row[0] for row in connection.execute("SELECT number FROM written")}
        assert set(acknowledged) <= found


def test_a_start_waits_for_the_children_of_a_killed_server(embedded: Embedded) -> None:
    server = embedded()
    url = server.start()
    pid = server.status().pid
    assert pid is not None

    def be_busy() -> None:
        # A child that computes does not look whether its parent lives, and keeps the shared memory.
        with contextlib.suppress(psycopg.OperationalError):
            value(url, "SELECT count(*) FROM generate_series(1, 5000000) AS a WHERE sqrt(a) < 0")

    query = threading.Thread(target=be_busy)
    query.start()
    wait_until(lambda: value(url, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sqrt(a)%'") == 2)
    os.kill(pid, signal.SIGKILL)
    assert value(server.start(), "SELECT 1") == 1
    query.join(timeout=30)
    assert "is still in use" in (server.status().data_dir.parent / "log" / "postgres.log").read_text()


def test_a_pid_file_of_nobody_is_no_obstacle(embedded: Embedded) -> None:
    server = embedded()
    server.start()
    pid_file = server.status().data_dir / "postmaster.pid"
    for content in ("", "1\n", f"{os.getpid()}\n", "not a number\n"):
        server.stop()
        pid_file.write_text(content)
        assert not server.status().is_running
        assert value(server.start(), "SELECT 1") == 1


def test_an_initdb_cut_short_is_done_again(embedded: Embedded, open_folder: Path) -> None:
    home = open_folder / "cut"
    server = embedded(home)
    process = starter(home)
    wait_until(lambda: list(home.glob("pg/data.draft-*/base")))
    process.kill()
    process.communicate(timeout=30)
    assert not (home / "pg" / "data").exists()
    url = server.start()
    assert url == server.url
    assert value(url, "SELECT current_database()") == "oof"


@pytest.mark.parametrize("name", ["d" * 200, 'we\'ird, $HOME `x` "home"'], ids=["deep", "odd characters"])
def test_homes_a_socket_cannot_live_in(embedded: Embedded, open_folder: Path, name: str) -> None:
    url = embedded(open_folder / name).start()
    sockets = str(value(url, "SELECT setting FROM pg_settings WHERE name = 'port'"))
    found = list(Path("/tmp").glob(f"oof-pg-*/.s.PGSQL.{sockets}"))
    assert len(found) == 1
    with psycopg.connect(url.replace("127.0.0.1", ""), host=str(found[0].parent), connect_timeout=10) as connection:
        assert connection.execute("SELECT inet_server_addr()").fetchone() == (None,)


def test_failure_shows_the_log_and_does_not_wait(embedded: Embedded) -> None:
    server = embedded()
    server.start()
    server.stop()
    with (server.status().data_dir / "postgresql.conf").open("a") as configuration:
        configuration.write("\nno_such_setting = 1\n")
    before = time.monotonic()
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        server.start()
    assert time.monotonic() - before < 10


def test_lost_password_is_replaced_and_lost_data_is_not_made_up(embedded: Embedded) -> None:
    server = embedded()
    old = server.start()
    server.stop()
    folder = server.status().data_dir.parent
    (folder / "password").unlink()
    new = server.start()
    assert new != old
    assert value(new, "SELECT 1") == 1
    server.stop()
    shutil.rmtree(folder / "data")
    with pytest.raises(EmbeddedPostgresError, match=r"is gone; remove .*/pg to begin anew"):
        server.start()


def test_data_of_another_major_version_is_refused(embedded: Embedded) -> None:
    server = embedded()
    server.start()
    server.stop()
    (server.status().data_dir / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 17"):
        server.start()


def test_a_grown_log_is_set_aside_at_start(embedded: Embedded) -> None:
    server = embedded()
    server.start()
    server.stop()
    log = server.status().data_dir.parent / "log" / "postgres.log"
    with log.open("a") as file:
        file.truncate(11_000_000)
    server.start()
    assert log.stat().st_size < 1_000_000
    assert log.with_suffix(".log.1").stat().st_size == 11_000_000
