"""Kill -9 at a named step, in the real processes: `python -m oof_pipelines.testing.crash_points --at STEP -- follow all`.

It runs the installed `oof` with the arguments after `--`, in this process, and when the step is reached for the n-th time
kills this process (what a crash does) or the embedded PostgreSQL of OOF_HOME (what its crash does to us). The program
itself knows nothing of it: the classes that touch the outside world are watched from here.

A step is PART.METHOD:MOMENT:COUNT, such as `inbox.store:after:2`. MOMENT is `before` or `after` the call, or `commit`:
every statement of the call's transaction has been made, and its COMMIT not yet been sent. Parts and methods are in `PARTS`.
`WORKFLOW.STEP:before:COUNT` are the steps that a workflow names itself (`WORKFLOWS`), blanks as underscores:
`decode.write_moves`. `partition.rename` is between the unfinished Parquet file and the finished one.
"""

import functools
import importlib
import inspect
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import psycopg

from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.position_schemas import MOMENT_DATASETS, POSITION_DATASETS
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS, WALLET_DATASETS
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

_POSTGRES = "oof_pipelines.storage.postgres"
_WORKFLOWS = "oof_pipelines.workflows"

PARTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "inbox": (
        f"{_POSTGRES}.inbox",
        "PostgresInbox",
        (
            "record_heard",
            "enqueue",
            "defer",
            "discard",
            "store",
            "mark_final",
            "retract",
            "move_slot",
            "save_checkpoint",
        ),
    ),
    "source": (
        "oof_pipelines.transport.rpc",
        "RpcClient",
        ("slot", "transaction", "blocks", "block_signatures", "signature_statuses"),
    ),
    "partition": ("oof_pipelines.storage.parquet.store", "ParquetStore", ("read", "write")),
    "waiting": (f"{_POSTGRES}.fold_source", "PostgresFoldSource", ("waiting", "clear")),
    "served": (f"{_POSTGRES}.served_rows", "PostgresServedRows", ("hot_rows", "publish")),
    "contents": (f"{_POSTGRES}.wallet_contents", "PostgresWalletContents", ("record",)),
    "positions": (
        f"{_POSTGRES}.positions",
        "PostgresPositions",
        ("begin_positions", "publish_positions", "begin_moments", "publish_moments"),
    ),
    "touched": (f"{_POSTGRES}.touched_wallets", "PostgresTouched", ("take", "serve")),
    "coverage": (
        f"{_POSTGRES}.wallet_coverage",
        "PostgresCoverage",
        ("prove", "note_listed", "note_accounts", "set_tx_index", "settle", "save_state"),
    ),
    "hints": (f"{_POSTGRES}.webhook_hints", "PostgresHints", ("queue",)),
    "jobs": (f"{_POSTGRES}.jobs", "PostgresJobs", ("enqueue", "claim", "append", "complete")),
}
"""Part → the module and class that touches the outside world, and the methods that are watched."""

FOLD_STEPS = ("read", "validate", "write", "clear", "done")
DECODE_STEPS = ("read", "decode", "validate", *(f"write_{name}" for name in DECODED_DATASETS), "publish", "done")
FLAG_STEPS = ("read", "fold", "validate", "write", "done")
PRICE_STEPS = (
    "read",
    "fold",
    "finish",
    "validate",
    "begin",
    *(f"write_{n}" for n in CANDLE_DATASETS),
    "publish",
    "done",
)
FEATURE_STEPS = ("read", "finish", "validate", "begin", "write", "publish", "done")
REFERENCE_STEPS = ("read", "validate", "write", "record", "done")
WALLET_STEPS = ("read", "validate", "mark", *(f"write_{name}" for name in WALLET_DATASETS), "record", "done")
POSITION_STEPS = (
    "read",
    "fold",
    "validate",
    "begin",
    *(f"write_{name}" for name in POSITION_DATASETS),
    "publish",
    "done",
)
MOMENT_STEPS = (
    "read",
    "detect",
    "validate",
    "begin",
    *(f"write_{name}" for name in MOMENT_DATASETS),
    "publish",
    "done",
)
REFRESH_STEPS = ("take", "read", "make", "serve")

WORKFLOWS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "fold": (f"{_WORKFLOWS}.fold", "fold_day", FOLD_STEPS),
    "decode": (f"{_WORKFLOWS}.decode_day", "decode_day", DECODE_STEPS),
    "flag": (f"{_WORKFLOWS}.risk_flags", "flag_day", FLAG_STEPS),
    "reference": (f"{_WORKFLOWS}.reference_prices", "write_reference_day", REFERENCE_STEPS),
    "price": (f"{_WORKFLOWS}.price_day", "price_day", PRICE_STEPS),
    "features": (f"{_WORKFLOWS}.features_day", "features_day", FEATURE_STEPS),
    "wallets": (f"{_WORKFLOWS}.update_wallets", "update_bucket", WALLET_STEPS),
    "positions": (f"{_WORKFLOWS}.positions_bucket", "make_positions", POSITION_STEPS),
    "moments": (f"{_WORKFLOWS}.moments_bucket", "make_moments", MOMENT_STEPS),
    "refresh": (f"{_WORKFLOWS}.refresh_wallets", "refresh_turn", REFRESH_STEPS),
}
"""Workflow → its module and function, and the steps it names. A step of a part may have the same first word."""

MOMENTS = ("before", "commit", "after")
_RENAME = "partition.rename"
_UNFINISHED = ".unfinished"
_DEATH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """The `count`-th time (from 1) that `step` is at `moment`."""

    step: str
    moment: str
    count: int

    @classmethod
    def parse(cls, text: str) -> "CrashPoint":
        """`inbox.store:after:2`. Raises ValueError where there is no such step."""
        step, _, rest = text.partition(":")
        moment, _, count = rest.partition(":")
        watched = [*PARTS.items(), *WORKFLOWS.items()]
        known = {f"{name}.{step}" for name, (_, _, steps) in watched for step in steps} | {_RENAME}
        if step not in known:
            raise ValueError(f"{text!r}: no step {step!r}; there are {', '.join(sorted(known))}")
        if moment not in MOMENTS or not count.isdecimal() or int(count) < 1:
            raise ValueError(f"{text!r}: a step ends in :{'|'.join(MOMENTS)}:COUNT")
        return cls(step, moment, int(count))


class CrashPlan:
    """Counts how often each step is reached and runs `crash` once, at `point`. Safe for threads."""

    def __init__(self, point: CrashPoint, crash: Callable[[], None]) -> None:
        self._point = point
        self._crash = crash
        self._reached: Counter[tuple[str, str]] = Counter()
        self._turn = threading.Lock()
        # Which watched call the running task is in, for the commit of its transaction.
        self._inside: ContextVar[str] = ContextVar("inside", default="")

    def reach(self, step: str, moment: str) -> None:
        """`step` is at `moment`."""
        with self._turn:
            self._reached[step, moment] += 1
            is_due = (step, moment, self._reached[step, moment]) == (
                self._point.step,
                self._point.moment,
                self._point.count,
            )
        if is_due:
            self._crash()

    def install(self) -> None:
        """Watch what the point is of, from now on. There is no way back: it is for a process of its own.

        Whoever imports a workflow later gets the watched one; commands are imported when they are called.
        """
        name, _, step = self._point.step.partition(".")
        if self._point.step == _RENAME:
            self._watch_renames()
        elif name in PARTS and step in PARTS[name][2]:
            module, owner_name, methods = PARTS[name]
            owner = getattr(importlib.import_module(module), owner_name)
            for method in methods:
                setattr(owner, method, self._watched(f"{name}.{method}", getattr(owner, method)))
            self._watch_commits()
        else:
            module_name, function, _ = WORKFLOWS[name]
            workflow = importlib.import_module(module_name)
            setattr(workflow, function, functools.partial(getattr(workflow, function), at_step=self._step_of(name)))

    def _step_of(self, workflow: str) -> Callable[[str], None]:
        return lambda name: self.reach(f"{workflow}.{name.replace(' ', '_')}", "before")

    def _watched(self, step: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        async def call_async(*arguments: Any, **options: Any) -> Any:
            self.reach(step, "before")
            token = self._inside.set(step)
            try:
                result = await method(*arguments, **options)
            finally:
                self._inside.reset(token)
            self.reach(step, "after")
            return result

        @functools.wraps(method)
        def call(*arguments: Any, **options: Any) -> Any:
            self.reach(step, "before")
            token = self._inside.set(step)
            try:
                result = method(*arguments, **options)
            finally:
                self._inside.reset(token)
            self.reach(step, "after")
            return result

        return call_async if inspect.iscoroutinefunction(method) else call

    def _watch_commits(self) -> None:
        exit_async, exit_ = psycopg.AsyncTransaction.__aexit__, psycopg.Transaction.__exit__

        async def leave_async(transaction: Any, kind: Any, error: Any, trace: Any) -> Any:
            self._reach_commit(kind)
            return await exit_async(transaction, kind, error, trace)

        def leave(transaction: Any, kind: Any, error: Any, trace: Any) -> Any:
            self._reach_commit(kind)
            return exit_(transaction, kind, error, trace)

        psycopg.AsyncTransaction.__aexit__ = leave_async  # type: ignore[method-assign, assignment]
        psycopg.Transaction.__exit__ = leave  # type: ignore[method-assign]

    def _reach_commit(self, error_kind: Any) -> None:
        step = self._inside.get()
        if step and error_kind is None:
            self.reach(step, "commit")

    def _watch_renames(self) -> None:
        replace = Path.replace

        def rename(path: Path, target: Any) -> Any:
            if path.suffix != _UNFINISHED:
                return replace(path, target)
            self.reach(_RENAME, "before")
            renamed = replace(path, target)
            self.reach(_RENAME, "after")
            return renamed

        Path.replace = rename  # type: ignore[method-assign, assignment]


def kill_this_process() -> None:
    """As the kernel's out-of-memory killer or a power cut would: nothing more is run, nothing is closed."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_server(home: Path, *, is_whole: bool = True) -> None:
    """Kill -9 the embedded PostgreSQL of `home`, with `is_whole` its children as well, and wait until they are gone.

    Without, its children notice by themselves that their parent is gone, and end a moment later. Raises RuntimeError where
    no server runs.
    """
    pid = EmbeddedPostgres(home).status().pid
    if pid is None:
        raise RuntimeError(f"no PostgreSQL of {home} runs")
    doomed = [pid, *(_children(pid) if is_whole else [])]
    for number in doomed:
        _kill(number)
    deadline_s = time.monotonic() + _DEATH_SECONDS
    while any(_is_running(number) for number in doomed):
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"the PostgreSQL of {home} outlives kill -9")
        time.sleep(0.005)


def _children(parent_pid: int) -> list[int]:
    """Processes whose parent is `parent_pid`: field 4 of /proc/PID/stat, counted after the name's parenthesis (proc(5))."""
    found = []
    for folder in Path("/proc").iterdir():
        fields = _status_fields(folder) if folder.name.isdecimal() else []
        if len(fields) > 1 and int(fields[1]) == parent_pid:
            found.append(int(folder.name))
    return found


def _is_running(pid: int) -> bool:
    fields = _status_fields(Path(f"/proc/{pid}"))
    return bool(fields) and fields[0] not in ("Z", "X")


def _status_fields(folder: Path) -> list[str]:
    try:
        return (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--at", "point", required=True, help="PART.METHOD:MOMENT:COUNT, such as inbox.store:after:2.")
@click.option(
    "--kill",
    "victim",
    type=click.Choice(["process", "server", "postmaster"]),
    default="process",
    show_default=True,
    help="This process, the embedded PostgreSQL of OOF_HOME, or only its main process.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def main(point: str, victim: str, command: tuple[str, ...]) -> None:
    """Run `oof COMMAND…` and kill -9 at a named step."""
    try:
        parsed = CrashPoint.parse(point)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from None

    def crash() -> None:
        click.echo(f"crash point {point}: killing the {victim}", err=True)
        sys.stderr.flush()
        if victim == "process":
            kill_this_process()
        else:
            kill_server(load_settings().home, is_whole=victim == "server")

    CrashPlan(parsed, crash).install()
    (program,) = metadata.entry_points(group="console_scripts", name="oof")
    program.load()(list(command), prog_name="oof")


if __name__ == "__main__":
    main()
