"""Decoder and position engine say compiled, to the last character, what they say in Python; built here, if it can be."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from recorded_data import FIXTURES, REPOSITORY_ROOT

BUILD = REPOSITORY_ROOT / "native" / "build.py"
TOLD = Path(__file__).with_name("told_by_a_build.py")
BOOKED = Path(__file__).with_name("booked_by_a_build.py")
DAMAGED = 3_000
EVENTS = 3_000
COMPILER = (os.environ.get("CC") or str(sysconfig.get_config_var("CC") or "cc")).split()[0]
HEADER = Path(sysconfig.get_path("include")) / "Python.h"

pytestmark = [
    pytest.mark.skipif(shutil.which(COMPILER) is None, reason=f"NO COMPILER: `{COMPILER}` is not on the PATH"),
    pytest.mark.skipif(not HEADER.is_file(), reason="NO HEADERS: Python.h is not installed"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with all that is compiled; -O1, which takes half the time of what users build."""
    folder = tmp_path_factory.mktemp("native")
    into = folder / "into"
    into.mkdir()
    arguments = ["--into", str(into), "--work", str(folder / "work"), "--optimise", "1"]
    done = subprocess.run([sys.executable, str(BUILD), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "modules and the reader compiled" in done.stdout
    return into


def run(code: list[str], path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a Python says that looks for compiled modules below `path`."""
    told = {**os.environ, "PYTHONPATH": str(path), "OOF_PURE_PYTHON": "", **environment}
    done = subprocess.run(
        [sys.executable, *code], capture_output=True, text=True, check=False, env=told, cwd=REPOSITORY_ROOT
    )
    assert done.returncode == 0, done.stderr
    return done


def told_by(path: Path, *arguments: str, **environment: str) -> list[str]:
    """What a script of this folder says, a line each."""
    script = f"import oof_native_finder, runpy, sys; sys.argv = {list(arguments)!r}"
    return run(
        ["-c", f"{script}; runpy.run_path(sys.argv[0], run_name='__main__')"], path, **environment
    ).stdout.splitlines()


def test_both_builds_say_the_same_of_recorded_and_of_damaged_bodies(built: Path) -> None:
    arguments = str(TOLD), str(FIXTURES), str(DAMAGED)
    assert_equal(told_by(built, *arguments), told_by(built, *arguments, OOF_PURE_PYTHON="1"), DAMAGED)


def test_both_builds_book_the_same_rows_and_the_same_snapshots(built: Path) -> None:
    arguments = str(BOOKED), str(EVENTS)
    assert_equal(told_by(built, *arguments), told_by(built, *arguments, OOF_PURE_PYTHON="1"), 2 * EVENTS)


def assert_equal(compiled: list[str], pure: list[str], at_least: int) -> None:
    """Both say which build they are, and the same otherwise."""
    assert (compiled[0], pure[0]) == ("compiled", "pure Python")
    assert len(compiled) > at_least
    differing = [(one, other) for one, other in zip(compiled[1:], pure[1:], strict=True) if one != other]
    assert differing == []


def test_a_changed_source_ends_the_compiled_build(built: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(built, changed)
    digests = changed / "oof_native" / "sources.json"
    digests.write_text(digests.read_text().replace('": "', '": "0', 1))
    done = run(["-c", "import oof_native_finder; from oof_pipelines.chain.native import BUILD; print(BUILD)"], changed)
    assert done.stdout.strip() == "pure Python"
    assert done.stderr == "oof: the sources have changed since `make native`, so all of it runs in pure Python\n"


def test_it_is_taken_away_again(built: Path, tmp_path: Path) -> None:
    into = tmp_path / "into"
    shutil.copytree(built, into)
    assert run([str(BUILD), "--remove", "--into", str(into)], into).stdout == ""
    assert list(into.iterdir()) == []
