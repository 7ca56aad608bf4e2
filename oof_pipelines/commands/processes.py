"""Child processes that `oof up` and `oof demo` run: started with a log each, watched, stopped in order, never left behind."""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import click

from oof_pipelines.commands.descendants import (
    adopt_orphans,
    children_of,
    descendants_of,
    end_strays,
    reap,
    signal_process,
)
from oof_pipelines.commands.interruption import is_hurried, raise_if_interrupted, shielded

_PR_SET_PDEATHSIG = 1
_STOP_SECONDS = 15
_LOG_TAIL_LINES = 15


@dataclass(slots=True)
class Child:
    """A running child and where it writes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ends: bool = False

    def log_tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-_LOG_TAIL_LINES:])


class ChildDiedError(click.ClickException):
    """A child ended by itself; the message holds the end of its log."""

    def __init__(self, child: Child) -> None:
        status = child.process.returncode
        super().__init__(f"{child.name} ended with status {status}; the end of {child.log}:\n{child.log_tail()}")


class Processes:
    """Starts children and stops them, the last started first, when the block ends however it ends.

    Their descendants are ended with them, also those that left their session (Dagster's code servers and runs do); what ran
    before the block began, such as a PostgreSQL, is left alone. Their temporary files go with them.
    """

    def __init__(self, logs_folder: Path, environment: Mapping[str, str]) -> None:
        self._logs_folder = logs_folder
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._children: list[Child] = []
        self._spared: frozenset[int] = frozenset()
        self._was_adopting = False
        self._temporary_folder = ""

    def __enter__(self) -> "Processes":
        self._logs_folder.mkdir(parents=True, exist_ok=True)
        self._spared = frozenset(children_of(os.getpid()))
        self._was_adopting = adopt_orphans(True)
        # Short, because Dagster puts sockets there, and a socket's path has 108 bytes.
        self._temporary_folder = tempfile.mkdtemp(prefix="oof-")
        self._environment["TMPDIR"] = self._temporary_folder
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with shielded():
            for child in reversed(self._children):
                stop(child)
            end_strays(self._spared, is_hurried)
            adopt_orphans(self._was_adopting)
            shutil.rmtree(self._temporary_folder, ignore_errors=True)

    def start(
        self,
        name: str,
        command: Sequence[str],
        extra_environment: Mapping[str, str] | None = None,
        is_piped: bool = False,
        ends: bool = False,
    ) -> Child:
        """Run `command` with its output in logs/NAME.log; with `is_piped`, stdout comes back by `child.process.stdout`.

        `ends` says that the child ends by itself, with status 0.
        """
        log = self._logs_folder / f"{name}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if is_piped else file,
                stderr=file,
                env={**self._environment, **(extra_environment or {})},
                # Ctrl-C goes to us alone; we tell the children, in order.
                start_new_session=True,
                preexec_fn=_prepare_child,
            )
        child = Child(name, process, log, ends)
        self._children.append(child)
        return child

    def check(self) -> None:
        """Raise `ChildDiedError` where a child that should run does not, and `Interrupted` where we should not."""
        raise_if_interrupted(is_again=True)
        reap({*self._spared, *(child.process.pid for child in self._children)})
        for child in self._children:
            status = child.process.poll()
            if status is not None and not (child.ends and status == 0):
                raise ChildDiedError(child)

    def release(self, child: Child) -> None:
        """Stop a child on purpose: its end is then no failure."""
        stop(child)
        self._children.remove(child)

    def wait(self, child: Child, timeout_seconds: float) -> None:
        """Wait for a child that ends by itself; anything but status 0 is `ChildDiedError`."""
        try:
            status = child.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            stop(child)
            raise click.ClickException(f"{child.name} did not end within {timeout_seconds:.0f} s") from None
        if status != 0:
            raise ChildDiedError(child)

    def read_line(self, child: Child, timeout_seconds: float) -> str | None:
        """The next line that a piped child says, '' where it ended without one, None where it says nothing in time."""
        if child.process.stdout is None:
            raise ValueError(f"{child.name} was started without a pipe")
        descriptor = child.process.stdout.fileno()
        deadline_s = time.monotonic() + timeout_seconds
        line = b""
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline_s - time.monotonic()))
            if not readable:
                return None
            # A byte at a time: what follows the line stays in the pipe.
            byte = os.read(descriptor, 1)
            if not byte:
                break
            line += byte
        return line.decode(errors="replace")


def stop(child: Child) -> None:
    """Ask with SIGINT, then SIGTERM, at last kill the child's whole session; at once when hurried."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if child.process.poll() is not None or is_hurried():
            break
        _signal_session(child.process.pid, number)
        deadline_s = time.monotonic() + _STOP_SECONDS
        while child.process.poll() is None and time.monotonic() < deadline_s and not is_hurried():
            time.sleep(0.05)
    if child.process.poll() is None:
        for pid in descendants_of([child.process.pid]):
            signal_process(pid, signal.SIGKILL)
    # Grandchildren in its session that outlived their parent.
    _signal_session(child.process.pid, signal.SIGKILL)
    child.process.wait()


def _signal_session(session_pid: int, number: int) -> None:
    try:
        os.killpg(session_pid, number)
    except ProcessLookupError:
        return


def _prepare_child() -> None:
    """It hears SIGINT, which a shell that runs us in the background has ignored; on Linux it ends when we die, however."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
