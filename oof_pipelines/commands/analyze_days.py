"""Bring every lagging day up to date in processes beside this one, as many as there are processors."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from oof_pipelines.commands.analyze_day_process import begin, make_day
from oof_pipelines.commands.analyze_day_steps import DaySteps
from oof_pipelines.settings import Settings

FEWEST_DAYS_A_PROCESS = 12
"""A process costs about a second before its first day."""

_MOST_PROCESSES = 8


def make_days(
    url: str, settings: Settings, on_progress: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[int, list[str]]:
    """(days that lagged, a line for each check that one of them breaks). Days go to whoever is free.

    Each holds the locks of its day, as every writer does. Raises what the workflows raise.
    """
    with DaySteps(url, settings) as steps:
        lagging = steps.lagging()
        processes = min(_processors(), _MOST_PROCESSES, len(lagging) // FEWEST_DAYS_A_PROCESS)
        if processes < 2:
            failures = []
            for done, work in enumerate(lagging, 1):
                failures += steps.make(work)
                on_progress(done, len(lagging))
            return len(lagging), failures
    failures = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=begin, initargs=(url, settings)) as pool:
        try:
            for done, said in enumerate(pool.map(make_day, lagging), 1):
                failures += said
                on_progress(done, len(lagging))
        except BaseException:
            # Days that have begun are ended, the others are left as they are.
            pool.shutdown(cancel_futures=True)
            raise
    return len(lagging), failures


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
