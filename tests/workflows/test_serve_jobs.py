"""The worker over a queue in memory: what it does with a job that works, fails, is poisoned, goes on, is taken away."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.job_interfaces import (
    Job,
    JobCounts,
    JobEvent,
    JobEventKind,
    JobOutcome,
    JobStatus,
    LeaseLostError,
    PoisonedJobError,
)
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.running_job import JobHandler, JobStoppedError, Progress
from oof_pipelines.workflows.serve_jobs import ServeReport, ServeTerms, retry_delay_seconds, serve_jobs

AT = datetime(2026, 1, 1, tzinfo=UTC)
DRAIN = ServeTerms(linger_seconds=0, heartbeat_seconds=0.1, listen_seconds=0.02, poll_seconds=0.1, grace_seconds=1)


@dataclass
class MemoryQueue:
    """A `JobQueue` of one worker; `said` is all that happened to jobs, in order."""

    waiting: list[Job] = field(default_factory=list)
    said: list[tuple[str, ...]] = field(default_factory=list)
    progress: list[tuple[float, Any]] = field(default_factory=list)
    beats: int = 0
    is_taken_away: bool = False
    workers: set[str] = field(default_factory=set)

    def claim(self, worker: str) -> Job | None:
        return replace(self.waiting.pop(0), locked_by=worker) if self.waiting else None

    def _held(self) -> None:
        if self.is_taken_away:
            raise LeaseLostError

    def heartbeat(self, job: Job) -> None:
        self._held()
        self.beats += 1

    def append(self, job: Job, events: Sequence[JobEvent]) -> None:
        self._held()
        for event in events:
            assert event.kind is JobEventKind.PROGRESS
            self.progress.append((time.monotonic(), event.payload))

    def complete(self, job: Job, outcome: JobOutcome) -> str | None:
        self._held()
        if outcome.continuation is None:
            self.said.append(("done", job.id, *(str(event.kind) for event in outcome.events)))
            return None
        following = replace(job, id=f"{job.id}+", payload=outcome.continuation)
        self.waiting.append(following)
        self.said.append(("partial", job.id))
        return following.id

    def fail(self, job: Job, error: str, delay_seconds: float) -> JobStatus:
        self._held()
        self.said.append(("failed", job.id, error, str(delay_seconds)))
        return JobStatus.DEAD if job.attempts + 1 >= job.max_attempts else JobStatus.QUEUED

    def bury(self, job: Job, error: str) -> None:
        self._held()
        self.said.append(("dead", job.id, error))

    def give_back(self, job: Job) -> None:
        self._held()
        self.said.append(("given back", job.id))

    def release_expired(self, lease_seconds: float) -> int:
        return 0

    def prune(self, finished_before_seconds: float) -> int:
        return 0

    def seen(self, worker: str) -> None:
        self.workers.add(worker)

    def gone(self, worker: str) -> None:
        self.workers.remove(worker)

    def counts(self) -> JobCounts:
        return JobCounts()

    def wait(self, timeout_seconds: float) -> bool:
        time.sleep(timeout_seconds)
        return bool(self.waiting)


def job(job_id: str = "a", kind: str = "test", attempts: int = 0) -> Job:
    return Job(job_id, kind, {}, JobStatus.RUNNING, 0, attempts, 5, AT, AT)


def serve(
    queue: MemoryQueue,
    handler: JobHandler,
    terms: ServeTerms = DRAIN,
    should_stop: Callable[[], bool] = lambda: False,
) -> ServeReport:
    report = serve_jobs(
        queue, {"test": handler}, SystemClock(), terms, worker="w", should_stop=should_stop, jitter=lambda: 0.5
    )
    assert queue.workers == set()
    return report


def test_a_job_is_done_and_its_events_are_told_with_its_end() -> None:
    queue = MemoryQueue([job()])
    report = serve(queue, lambda _job, _told: JobOutcome({}, [JobEvent(JobEventKind.MOMENT, {})]))
    assert queue.said == [("done", "a", "moment")]
    assert (report.done, report.jobs) == (1, 1)


def test_the_handler_runs_beside_the_heartbeat() -> None:
    queue = MemoryQueue([job()])
    me = threading.current_thread()

    def slow(_job: Job, _told: Progress) -> JobOutcome:
        assert threading.current_thread() is not me
        deadline_s = time.monotonic() + 30
        while queue.beats < 3 and time.monotonic() < deadline_s:
            time.sleep(0.02)
        return JobOutcome({})

    serve(queue, slow)
    assert queue.beats >= 3


def test_progress_is_told_twice_a_second_at_most_and_the_last_always() -> None:
    queue = MemoryQueue([job()])

    def busy(_job: Job, told: Progress) -> JobOutcome:
        until_s = time.monotonic() + 1.6
        done = 0
        while time.monotonic() < until_s:
            done += 1
            told("counting", done, 0)
            time.sleep(0.002)
        told("counted", done, done)
        return JobOutcome({"done": done})

    serve(queue, busy)
    times = [at_s for at_s, _ in queue.progress]
    # The last one comes with the end, whenever that is.
    assert all(later - earlier >= 0.45 for earlier, later in pairwise(times[:-1]))
    assert 2 <= len(times) <= 6
    last = queue.progress[-1][1]
    assert last["stage"] == "counted"
    assert last["done"] == last["total"] > 0


def test_an_outage_is_tried_again_later() -> None:
    queue = MemoryQueue([job(attempts=2)])

    def outage(_job: Job, _told: Progress) -> JobOutcome:
        raise ConnectionError("the node is away")

    report = serve(queue, outage)
    assert queue.said == [("failed", "a", "ConnectionError('the node is away')", "30.0")]
    assert report.failed == 1


def test_the_last_failure_is_counted_as_dead() -> None:
    queue = MemoryQueue([job(attempts=4)])

    def outage(_job: Job, _told: Progress) -> JobOutcome:
        raise ConnectionError

    report = serve(queue, outage)
    assert (report.failed, report.dead) == (0, 1)


def test_a_poisoned_job_is_dead_at_once() -> None:
    queue = MemoryQueue([job()])

    def poisoned(_job: Job, _told: Progress) -> JobOutcome:
        raise PoisonedJobError("payload: names no wallet")

    report = serve(queue, poisoned)
    assert queue.said == [("dead", "a", "payload: names no wallet")]
    assert report.dead == 1


def test_a_kind_that_nobody_serves_is_dead_at_once() -> None:
    queue = MemoryQueue([job(kind="paint")])
    serve(queue, lambda _job, _told: JobOutcome({}))
    assert queue.said == [("dead", "a", "nobody serves jobs of the kind 'paint'")]


def test_a_continuation_is_served_next() -> None:
    queue = MemoryQueue([job()])
    parts = iter([{"n": 2}, {"n": 3}, None])
    report = serve(queue, lambda _job, _told: JobOutcome({}, (), next(parts)))
    assert queue.said == [("partial", "a"), ("partial", "a+"), ("done", "a++")]
    assert (report.partial, report.done) == (2, 1)


def test_a_job_under_way_is_given_back_when_the_worker_is_stopped() -> None:
    queue = MemoryQueue([job()])
    begun, told_to_stop = threading.Event(), threading.Event()

    def slow(_job: Job, told: Progress) -> JobOutcome:
        begun.set()
        try:
            while True:
                told("waiting", 0, 0)
                time.sleep(0.01)
        except JobStoppedError:
            told_to_stop.set()
            raise

    report = serve(queue, slow, should_stop=begun.is_set)
    assert told_to_stop.is_set()
    assert queue.said == [("given back", "a")]
    assert (report.given_back, report.failed, report.is_handler_left) == (1, 0, False)


def test_a_handler_that_does_not_stop_is_left_and_its_job_given_back() -> None:
    queue = MemoryQueue([job()])
    begun, end = threading.Event(), threading.Event()

    def deaf(_job: Job, _told: Progress) -> JobOutcome:
        begun.set()
        end.wait(60)
        return JobOutcome({})

    report = serve(queue, deaf, replace(DRAIN, grace_seconds=0.2), should_stop=begun.is_set)
    end.set()
    assert queue.said == [("given back", "a")]
    assert report.is_handler_left


def test_a_handler_that_ends_in_its_grace_is_done() -> None:
    queue = MemoryQueue([job()])
    begun = threading.Event()

    def nearly(_job: Job, _told: Progress) -> JobOutcome:
        begun.set()
        time.sleep(0.4)
        return JobOutcome({})

    serve(queue, nearly, should_stop=begun.is_set)
    assert queue.said == [("done", "a")]


def test_a_job_that_was_taken_away_is_let_go() -> None:
    queue = MemoryQueue([job("a"), job("b")])

    def slow(its_job: Job, told: Progress) -> JobOutcome:
        if its_job.id == "b":
            queue.is_taken_away = False
            return JobOutcome({})
        queue.is_taken_away = True
        while True:
            told("waiting", 0, 0)
            time.sleep(0.01)

    # The first is cancelled as it runs; the worker serves on.
    report = serve(queue, slow)
    assert queue.said == [("done", "b")]
    assert (report.lost, report.done) == (1, 1)


def test_an_interrupt_gives_the_job_back_and_goes_on_its_way() -> None:
    queue = MemoryQueue([job()])

    class InterruptingClock(SystemClock):
        asked = 0

        def monotonic_s(self) -> float:
            self.asked += 1
            if self.asked > 12:
                raise KeyboardInterrupt
            return super().monotonic_s()

    def slow(_job: Job, told: Progress) -> JobOutcome:
        while True:
            told("waiting", 0, 0)
            time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        serve_jobs(
            queue, {"test": slow}, InterruptingClock(), DRAIN, worker="w", should_stop=lambda: False, jitter=lambda: 0.0
        )
    assert queue.said == [("given back", "a")]


def test_it_ends_after_so_many_jobs() -> None:
    queue = MemoryQueue([job("a"), job("b")])
    report = serve(queue, lambda _job, _told: JobOutcome({}), replace(DRAIN, most_jobs=1))
    assert (report.jobs, len(queue.waiting)) == (1, 1)


def test_two_jobs_are_done_at_once_and_no_third() -> None:
    queue = MemoryQueue([job("a"), job("b"), job("c")])
    beside = threading.Barrier(2)
    order: list[str] = []

    def meet(its_job: Job, _told: Progress) -> JobOutcome:
        order.append(its_job.id)
        if its_job.id != "c":
            # Neither gets on before the other is here.
            beside.wait(30)
            assert "c" not in order
            time.sleep(0.3)
        return JobOutcome({})

    report = serve(queue, meet, replace(DRAIN, at_once=2))
    assert report.done == 3
    assert order[2] == "c"
    assert sorted(said[1] for said in queue.said) == ["a", "b", "c"]


def test_jobs_under_way_are_given_back_together() -> None:
    queue = MemoryQueue([job("a"), job("b")])
    begun = threading.Barrier(3)
    stopping = threading.Event()

    def slow(_job: Job, told: Progress) -> JobOutcome:
        begun.wait(30)
        while True:
            told("waiting", 0, 0)
            time.sleep(0.01)

    def stop() -> None:
        begun.wait(30)
        stopping.set()

    threading.Thread(target=stop).start()
    report = serve(queue, slow, replace(DRAIN, at_once=2), should_stop=stopping.is_set)
    assert sorted(queue.said) == [("given back", "a"), ("given back", "b")]
    assert (report.given_back, report.is_handler_left) == (2, False)


def test_it_ends_when_it_is_old_though_there_is_more_to_do() -> None:
    queue = MemoryQueue([job(str(number)) for number in range(100)])

    def slow(_job: Job, _told: Progress) -> JobOutcome:
        time.sleep(0.05)
        return JobOutcome({})

    report = serve(queue, slow, replace(DRAIN, linger_seconds=None, most_seconds=0.3))
    assert 1 <= report.done < 100
    assert len(queue.waiting) == 100 - report.done


def test_it_lingers_for_what_comes_late() -> None:
    queue = MemoryQueue()
    threading.Timer(0.3, lambda: queue.waiting.append(job())).start()
    report = serve(queue, lambda _job, _told: JobOutcome({}), replace(DRAIN, linger_seconds=2.0, poll_seconds=30))
    assert report.done == 1


@given(attempts=st.integers(0, 10_000), jitter=st.floats(0, 1))
def test_the_delay_grows_to_ten_minutes_and_never_vanishes(attempts: int, jitter: float) -> None:
    delay_seconds = retry_delay_seconds(attempts, jitter)
    assert 5 <= delay_seconds <= 600
    assert delay_seconds <= retry_delay_seconds(attempts, 0.0) <= retry_delay_seconds(attempts + 1, 0.0)
    assert delay_seconds >= retry_delay_seconds(attempts, 0.0) / 2
