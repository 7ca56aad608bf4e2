"""One run at a time over a home that is made anew."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from oof_pipelines.commands.fresh_home import fresh_home, locked
from oof_pipelines.settings import SettingsError

HOLDER = """
import sys
from pathlib import Path
from oof_pipelines.commands.fresh_home import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_and_touches_nothing(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    home.mkdir()
    (home / "logs").mkdir()
    (home / "logs" / "precious").touch()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    (tmp_path / "by_another_name").symlink_to(home)
    for name in ("demo", "by_another_name"):
        expected = pytest.raises(SettingsError, match=f"^OOF_HOME: process {holder.pid} is using")
        with expected as refusal, fresh_home(tmp_path / name):
            pytest.fail("both run")
        assert "\n" not in str(refusal.value)
    assert (home / "logs" / "precious").exists()
    holder.kill()
    holder.communicate()
    with fresh_home(home):
        assert list(home.iterdir()) == []


def test_a_folder_of_somebody_elses_is_not_erased(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    (home / "logs").mkdir(parents=True)
    (home / "thesis.tex").touch()
    with (
        pytest.raises(SettingsError, match=r"^OOF_HOME: .*demo is made anew, and thesis\.tex in it is not ours"),
        fresh_home(home),
    ):
        pytest.fail("it ran")
    assert (home / "thesis.tex").exists()


def test_the_lock_lies_beside_the_home_and_is_free_afterwards(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    with fresh_home(home):
        assert list(home.iterdir()) == []
        descriptor = os.open(tmp_path / "demo.lock", os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


def test_a_home_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    expected = pytest.raises(SettingsError, match=r"^OOF_HOME: cannot make .*: (Not a directory|File exists)$")
    with expected, locked(tmp_path / "file" / "demo"):
        pytest.fail("a file has no files beside it")
