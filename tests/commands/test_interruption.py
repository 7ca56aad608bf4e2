"""How commands that run others end by signals: real processes, real signals."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from oof_pipelines.testing.synthetic_chain import write_chain

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descendants are found by /proc")

MARK = "OOF_TEST_MARK"
# A child that starts a grandchild in a session of its own, as Dagster's code servers are, and says when both are there.
SCRIPT = """
import signal, sys, time
from pathlib import Path
from oof_pipelines.commands.interruption import orderly_end, shielded
from oof_pipelines.commands.processes import Processes
folder, grandchild, child = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
# The tests themselves may run under nohup, whose ignored SIGHUP would stay ignored here.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
with orderly_end():
    try:
        with Processes(folder / "logs", {}) as processes:
            processes.start("child", [sys.executable, "-c", child, grandchild])
            while not (folder / "ready").exists():
                time.sleep(0.02)
            print("ready", flush=True)
            while True:
                processes.check()
                time.sleep(0.05)
    finally:
        with shielded():
            time.sleep(float(sys.argv[4]))
            (folder / "cleaned").touch()
"""
CHILD = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True)
time.sleep(600)
"""
STUBBORN_CHILD = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]\n" + CHILD
GRANDCHILD = "import pathlib, time; pathlib.Path({ready!r}).touch(); time.sleep(600)"


def marked(mark: str) -> list[int]:
    """The processes that inherited the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.fixture
def mark() -> Iterator[str]:
    """A mark of this test's processes; whatever of them is left is killed at the end."""
    value = f"{os.getpid()}-{time.monotonic_ns()}"
    yield value
    for pid in marked(value):
        os.kill(pid, signal.SIGKILL)


def start(folder: Path, mark: str, *, child: str = CHILD, clean_up_seconds: float = 0) -> "subprocess.Popen[str]":
    grandchild = GRANDCHILD.format(ready=str(folder / "ready"))
    command = [sys.executable, "-c", SCRIPT, str(folder), grandchild, child, str(clean_up_seconds)]
    running = subprocess.Popen(
        command, env={**os.environ, MARK: mark}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    assert len(marked(mark)) == 3
    return running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_children_and_those_that_left_their_session(tmp_path: Path, mark: str, number: int) -> None:
    running = start(tmp_path, mark)
    running.send_signal(number)
    assert running.wait(20) == 128 + number
    assert (tmp_path / "cleaned").exists()
    assert marked(mark) == []


def test_a_second_signal_does_not_cut_the_clean_up_short(tmp_path: Path, mark: str) -> None:
    running = start(tmp_path, mark, clean_up_seconds=1.5)
    for number in (signal.SIGTERM, signal.SIGINT):
        running.send_signal(number)
        time.sleep(0.4)
    assert running.wait(20) == 128 + signal.SIGTERM
    assert (tmp_path / "cleaned").exists()
    assert marked(mark) == []


def test_a_third_signal_kills_a_child_that_hears_of_none(tmp_path: Path, mark: str) -> None:
    running = start(tmp_path, mark, child=STUBBORN_CHILD)
    started_s = time.monotonic()
    for _ in range(3):
        running.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert running.wait(20) == 128 + signal.SIGINT
    assert time.monotonic() - started_s < 10, "the patience with a child is 15 s a signal"
    assert (tmp_path / "cleaned").exists()
    assert marked(mark) == []


@pytest.fixture
def home() -> Iterator[Path]:
    """A home whose path PostgreSQL's user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="oof-t-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder)


def test_a_demo_told_to_end_leaves_nothing_behind(tmp_path: Path, home: Path, mark: str) -> None:
    write_chain(tmp_path / "chain", seed=1, transaction_count=20)
    oof = Path(sys.executable).with_name("oof")
    running = subprocess.Popen(
        [str(oof), "demo", "--recorded", str(tmp_path / "chain")],
        env={**os.environ, MARK: mark, "OOF_HOME": str(home), "DATABASE_URL": ""},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("following"):
            break
    for number in (signal.SIGTERM, signal.SIGINT):
        running.send_signal(number)
        time.sleep(0.1)
    assert running.wait(60) == 128 + signal.SIGTERM
    running.stderr.close()
    assert marked(mark) == []
    assert not (home / "demo" / "pg" / "data" / "postmaster.pid").exists()
    assert not list((home / "demo" / "pg" / "run").glob(".s.PGSQL*"))


def test_a_signal_is_heard_where_a_shell_had_it_ignored(tmp_path: Path, mark: str) -> None:
    """`oof up &` in a script: the shell ignores SIGINT for it, and who sends one by hand means it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        running = start(tmp_path, mark)
    finally:
        signal.signal(signal.SIGINT, before)
    running.send_signal(signal.SIGINT)
    assert running.wait(20) == 128 + signal.SIGINT
    assert marked(mark) == []
