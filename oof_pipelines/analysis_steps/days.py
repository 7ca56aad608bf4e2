"""Bring lagging days up to date, in this process or, where there are many, in as many beside it as there are processors."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

from oof_pipelines.analysis_steps.day_process import DayMade, begin, make_day
from oof_pipelines.analysis_steps.day_steps import DaySteps, DayWork
from oof_pipelines.settings import Settings

FEWEST_DAYS_A_PROCESS = 12
"""A process costs about a second before its first day."""

_MOST_PROCESSES = 8
_MOST_IN_HAND = 2
"""A process has the next day in hand, so that it does not wait for us; no more, so that little is under way at an end."""

OnProgress = Callable[[int, int], None]


@dataclass(slots=True)
class DaysMade:
    """`lagging` days were behind, and of these `tried` were made; `failures` has a line for each check that one broke.

    `others_cpu_ms` is what the processes beside this one took for it.
    """

    lagging: int = 0
    tried: int = 0
    others_cpu_ms: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def is_cut_short(self) -> bool:
        return self.tried < self.lagging

    @property
    def has_progressed(self) -> bool:
        """Whether a day lags no more."""
        return self.tried > len(self.failures)


def make_days(
    url: str,
    settings: Settings,
    on_progress: OnProgress = lambda _done, _total: None,
    *,
    is_enough: Callable[[int], bool] = lambda _others_cpu_ms: False,
) -> DaysMade:
    """Do what lags, oldest day first; days go to whoever is free.

    `is_enough` is asked after each day, with what other processes took so far: days that have not begun are then left. But
    one day that breaks no check is always made, so that running it again comes to an end. Each day is made under its locks,
    as every writer holds them. Raises what the workflows raise.
    """
    made = DaysMade()
    with DaySteps(url, settings) as steps:
        lagging = steps.lagging()
        made.lagging = len(lagging)
        processes = min(_processors(), _MOST_PROCESSES, len(lagging) // FEWEST_DAYS_A_PROCESS)
        if processes < 2:
            for work in lagging:
                made.failures += steps.make(work)
                made.tried += 1
                on_progress(made.tried, made.lagging)
                if is_enough(0) and made.has_progressed:
                    break
            return made
    _make_beside(url, settings, lagging, processes, made, on_progress, is_enough)
    return made


def _make_beside(
    url: str,
    settings: Settings,
    lagging: list[DayWork],
    processes: int,
    made: DaysMade,
    on_progress: OnProgress,
    is_enough: Callable[[int], bool],
) -> None:
    context = multiprocessing.get_context("spawn")
    waiting = deque(enumerate(lagging))
    failures: dict[int, list[str]] = {}
    with ProcessPoolExecutor(processes, mp_context=context, initializer=begin, initargs=(url, settings)) as pool:
        under_way: dict[Future[DayMade], int] = {}
        try:
            while waiting or under_way:
                while waiting and len(under_way) < _MOST_IN_HAND * processes:
                    place, work = waiting.popleft()
                    under_way[pool.submit(make_day, work)] = place
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    day = future.result()
                    failures[under_way.pop(future)] = day.failures
                    made.others_cpu_ms += day.cpu_ms
                    made.failures += day.failures
                    made.tried += 1
                    on_progress(made.tried, made.lagging)
                if waiting and is_enough(made.others_cpu_ms) and made.has_progressed:
                    waiting.clear()
        except BaseException:
            # Days that have begun are ended, the others are left as they are.
            pool.shutdown(cancel_futures=True)
            raise
    # By day, whoever was done first.
    made.failures = [line for _place, lines in sorted(failures.items()) for line in lines]


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
