"""A run that stands: it serves something as soon as there is something to do, which a run that starts then could not.

A sensor's tick, the queue and the start of a run take some ten seconds together. So one run of a job waits, ends by itself
when it is old and idle, and has its successor queued behind its pool before that. The pool keeps two from working at once.
"""

import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

STANDS_FOR = timedelta(minutes=30)
"""A standing run of this age ends as soon as it has nothing to do."""
SUCCESSOR_AFTER = timedelta(minutes=29)
"""At this age its successor is requested, which waits for its end in the queue."""
PRIORITY_TAGS = {"dagster/priority": "10"}
"""What waits for a standing run waits for nothing else."""

_MOST_RUNS_LOOKED_AT = 10
_LOST_AFTER = timedelta(seconds=90)
_SHORT_LIFE = timedelta(seconds=60)
_FAILURE_PAUSE = timedelta(seconds=60)
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True, slots=True)
class StandingRuns:
    """The unfinished runs of a job: how many wait to start, and since when those run that have started."""

    waiting: int
    started_at: tuple[datetime, ...]

    def reason_to_wait(self, now: datetime, *, is_standing: bool) -> str | None:
        """Why none is to be requested; None where none is under way, or the one that stands is about to end."""
        if self.waiting:
            return "a run is about to start"
        if not self.started_at:
            return None
        if is_standing and len(self.started_at) == 1 and now - self.started_at[0] >= SUCCESSOR_AFTER:
            return None
        return "a run is under way"


def standing_runs(instance: dg.DagsterInstance, job_name: str, live: Collection[str], now: datetime) -> StandingRuns:
    """What is under way of a job. `live` are the ids of runs that have said of late that they work.

    A run that was started and says nothing has died with its code server, of which nobody told Dagster: it is reported as
    failed, or it would be waited for, and hold its pool, for hours.
    """
    waiting, started_at = 0, []
    filters = dg.RunsFilter(job_name=job_name, statuses=_UNDER_WAY)
    for record in instance.get_run_records(filters, limit=_MOST_RUNS_LOOKED_AT):
        run = record.dagster_run
        if run.status not in (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING) or record.start_time is None:
            waiting += 1
            continue
        began_at = datetime.fromtimestamp(record.start_time, UTC)
        if run.run_id not in live and now - began_at >= _LOST_AFTER:
            instance.report_run_failed(run, f"not heard of for {_LOST_AFTER.seconds} s: its process is gone")
        else:
            started_at.append(began_at)
    return StandingRuns(waiting, tuple(started_at))


def reason_to_rest(instance: dg.DagsterInstance, job_name: str, now: datetime) -> str | None:
    """Why the next run is not to be requested at once: the last one failed soon after it began. None where it did not."""
    records = instance.get_run_records(dg.RunsFilter(job_name=job_name), limit=1)
    if not records or records[0].dagster_run.status != dg.DagsterRunStatus.FAILURE:
        return None
    began_s, ended_s = records[0].start_time or records[0].end_time, records[0].end_time
    if began_s is None or ended_s is None or ended_s - began_s >= _SHORT_LIFE.total_seconds():
        return None
    again_at = datetime.fromtimestamp(ended_s, UTC) + _FAILURE_PAUSE
    return (
        f"the last run failed at once; the next is requested after {again_at:%H:%M:%S} UTC" if now < again_at else None
    )


@contextmanager
def stopped_in_order(context: dg.OpExecutionContext) -> Iterator[threading.Event]:
    """Within, what ends the run's process (SIGINT, SIGTERM) sets the event, and the op is to end by itself, and well.

    A run that was cancelled by somebody ends as cancelled; one whose Dagster is stopped has done what it stood for.
    """
    stopping = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda _number, _frame: stopping.set())
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stopping.is_set():
        run = context.instance.get_run_by_id(context.run_id)
        if run is not None and run.status == dg.DagsterRunStatus.CANCELING:
            raise dg.DagsterExecutionInterruptedError
