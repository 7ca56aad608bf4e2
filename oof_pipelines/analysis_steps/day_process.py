"""One of the processes that bring lagging days up to date: begun once, then told a day at a time.

Days are small and many where one wallet's history is read, so each process does its share alone: Polars with one thread a
process is faster on small frames than with all of them. What is heavy is imported after that is set.
"""

import ctypes
import os
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oof_pipelines.settings import Settings

if TYPE_CHECKING:
    from oof_pipelines.analysis_steps.day_steps import DaySteps, DayWork

_PR_SET_PDEATHSIG = 1
_NS_A_MS = 1_000_000


@dataclass(slots=True)
class _Process:
    """What this process keeps open from day to day."""

    steps: "DaySteps | None" = None


_process = _Process()
_open = ExitStack()


def begin(url: str, settings: Settings) -> None:
    """Prepare this process: one thread for Polars, and connections to the database at `url`.

    It leaves Ctrl-C to whoever began it, and on Linux it dies with him.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.environ["POLARS_MAX_THREADS"] = "1"
    from oof_pipelines.analysis_steps.day_steps import DaySteps

    _process.steps = _open.enter_context(DaySteps(url, settings))


@dataclass(frozen=True, slots=True)
class DayMade:
    """A line for each check that the day broke, and what making it took of the processor."""

    failures: list[str]
    cpu_ms: int


def make_day(work: "DayWork") -> DayMade:
    """Do what lags of a day; a check that it breaks leaves that part of it as it was."""
    if _process.steps is None:
        raise RuntimeError("make_day before begin")
    begun_ns = time.process_time_ns()
    failures = _process.steps.make(work)
    return DayMade(failures, (time.process_time_ns() - begun_ns) // _NS_A_MS)
