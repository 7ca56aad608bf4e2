"""Serve the job queue: wait until something is queued, claim it, run its handler beside the heartbeat, tell what comes of it.

Handlers run in threads of their own; everything said to the queue is said by the caller's thread. A handler may be run
again for the same job, after a crash of this process or a lost lease, so it has to be idempotent.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from oof_pipelines.interfaces import Clock
from oof_pipelines.job_interfaces import (
    Job,
    JobEvent,
    JobEventKind,
    JobQueue,
    JobStatus,
    LeaseLostError,
    PoisonedJobError,
)
from oof_pipelines.workflows.running_job import JobHandler, RunningJob

logger = logging.getLogger(__name__)

FINISHED_KEPT_SECONDS = 30 * 86_400
"""So long an ended job can be looked at."""
LEASE_SECONDS = 60.0
"""A job whose worker was not heard of for so long is another worker's."""

_NEVER_S = float("-inf")
_PRUNE_EVERY_SECONDS = 3_600.0
_PROGRESS_EVERY_SECONDS = 0.5
_FIRST_DELAY_SECONDS = 10.0
_LONGEST_DELAY_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class ServeTerms:
    """How long a worker serves. It ends after `linger_seconds` without work (None: never) and, once idle, `most_seconds`.

    It does `at_once` jobs at a time and `most_jobs` in all. `lease_seconds` without a heartbeat make a job another worker's.
    A handler that is told to stop has `grace_seconds`. Nothing is looked for between `poll_seconds` but what is announced,
    and a stop is noticed every `listen_seconds`.
    """

    linger_seconds: float | None = None
    most_seconds: float | None = None
    most_jobs: int | None = None
    at_once: int = 1
    lease_seconds: float = LEASE_SECONDS
    heartbeat_seconds: float = 10.0
    poll_seconds: float = 5.0
    listen_seconds: float = 0.5
    grace_seconds: float = 10.0


@dataclass(slots=True)
class ServeReport:
    """How many jobs ended how; `failed` attempts will be made again, `given_back` were interrupted, `lost` taken away.

    `is_handler_left` says that a handler did not stop when told to, and still runs in its thread.
    """

    done: int = 0
    partial: int = 0
    failed: int = 0
    dead: int = 0
    given_back: int = 0
    lost: int = 0
    is_handler_left: bool = False

    @property
    def jobs(self) -> int:
        return self.done + self.partial + self.failed + self.dead + self.given_back + self.lost


def retry_delay_seconds(attempts: int, jitter: float) -> float:
    """Until the next attempt after `attempts` that failed before this one: 10 s, doubled each time, at most 10 minutes.

    `jitter`, from 0 to 1, takes up to a half of it off, so that what failed together is not tried again together.
    """
    longest = min(_FIRST_DELAY_SECONDS * 2.0 ** min(attempts, 30), _LONGEST_DELAY_SECONDS)
    return longest * (1.0 - jitter / 2.0)


def serve_jobs(
    queue: JobQueue,
    handlers: Mapping[str, JobHandler],
    clock: Clock,
    terms: ServeTerms,
    *,
    worker: str,
    should_stop: Callable[[], bool],
    jitter: Callable[[], float],
    error_text: Callable[[BaseException], str] = repr,
) -> ServeReport:
    """Serve until the terms are over or `should_stop`. `worker` names nobody else; `error_text` is to leave secrets out.

    Raises what the queue raises where it is away for good. Whatever ends it, an interrupt too, jobs under way are given back.
    """
    serving = _Worker(queue, handlers, clock, terms, worker, should_stop, jitter, error_text)
    queue.wait(0)  # From here on nothing is queued unheard.
    try:
        serving.serve()
    except BaseException:
        # Where the queue is away, leases give the jobs back.
        with contextlib.suppress(Exception):
            serving.give_back_all()
        raise
    finally:
        with contextlib.suppress(Exception):
            queue.gone(worker)
    return serving.report


@dataclass(slots=True)
class _Worker:
    queue: JobQueue
    handlers: Mapping[str, JobHandler]
    clock: Clock
    terms: ServeTerms
    worker: str
    should_stop: Callable[[], bool]
    jitter: Callable[[], float]
    error_text: Callable[[BaseException], str]
    report: ServeReport = field(default_factory=ServeReport)
    active: list[RunningJob] = field(default_factory=list)
    claimed: int = 0
    looked_s: float = _NEVER_S
    seen_s: float = _NEVER_S
    pruned_s: float = _NEVER_S
    wake: threading.Event = field(default_factory=threading.Event)

    def serve(self) -> None:
        began_s = idle_since_s = self.clock.monotonic_s()
        is_heard = True
        while True:
            now_s = self.clock.monotonic_s()
            is_stopping = self.should_stop()
            # What ended may have a continuation.
            is_heard |= self._attend_all(now_s, is_stopping)
            self._housekeep(now_s)
            is_over = is_stopping or self._is_over(now_s - began_s)
            if is_over and not self.active:
                return
            # A failed job becomes due, and a lease ends, without anybody announcing it.
            is_heard |= now_s - self.looked_s >= self.terms.poll_seconds
            if is_heard and not is_over and len(self.active) < self.terms.at_once:
                is_heard = self._claim(now_s)
                continue
            if self.active:
                idle_since_s = now_s
            elif self._has_lingered(now_s - idle_since_s):
                return
            is_heard |= self._wait(idle_since_s)

    def give_back_all(self) -> None:
        """Queue what is under way again, without waiting for its handlers."""
        for running in self.active:
            running.stop(_NEVER_S)
            if not running.is_lost:
                with contextlib.suppress(LeaseLostError):
                    self._give_back(running)
        self.active.clear()

    def _housekeep(self, now_s: float) -> None:
        if now_s - self.seen_s >= self.terms.heartbeat_seconds:
            self.queue.seen(self.worker)
            self.seen_s = now_s
        if now_s - self.pruned_s >= _PRUNE_EVERY_SECONDS:
            self.queue.prune(FINISHED_KEPT_SECONDS)
            self.pruned_s = now_s

    def _is_over(self, age_s: float) -> bool:
        terms = self.terms
        is_old = terms.most_seconds is not None and age_s >= terms.most_seconds
        return is_old or (terms.most_jobs is not None and self.claimed >= terms.most_jobs)

    def _has_lingered(self, idle_s: float) -> bool:
        return self.terms.linger_seconds is not None and idle_s >= self.terms.linger_seconds

    def _wait(self, idle_since_s: float) -> bool:
        """One slice of waiting, for a handler's end or for what is queued; whether something may be."""
        if self.active:
            self.wake.wait(_PROGRESS_EVERY_SECONDS / 2)
            self.wake.clear()
            return self.queue.wait(0)
        until_s = self.looked_s + self.terms.poll_seconds
        if self.terms.linger_seconds is not None:
            until_s = min(until_s, idle_since_s + self.terms.linger_seconds)
        left_s = until_s - self.clock.monotonic_s()
        return self.queue.wait(max(0.0, min(self.terms.listen_seconds, left_s)))

    def _claim(self, now_s: float) -> bool:
        """Begin the most urgent due job; whether there was one, and so may be another."""
        if now_s - self.looked_s >= self.terms.poll_seconds:
            self.queue.release_expired(self.terms.lease_seconds)
            self.looked_s = now_s
        job = self.queue.claim(self.worker)
        if job is None:
            return False
        self.claimed += 1
        logger.info("job begun", extra={"job": job.id, "kind": job.kind, "attempt": job.attempts + 1})
        handler = self.handlers.get(job.kind)
        if handler is None:
            self._bury(job, f"nobody serves jobs of the kind {job.kind[:60]!r}")
        else:
            self.active.append(RunningJob(job, handler, now_s, self.wake))
        return True

    def _attend_all(self, now_s: float, is_stopping: bool) -> bool:
        """See to every job under way; whether one of them is over."""
        before = len(self.active)
        for running in list(self.active):
            if is_stopping:
                running.stop(now_s)
            try:
                is_over = running.is_lost or self._attend(running, now_s)
            except LeaseLostError:
                # Cancelled, or taken for a dead worker's. What the handler still does is idempotent.
                logger.warning("job taken away", extra={"job": running.job.id})
                self.report.lost += 1
                running.is_lost = is_over = True
                running.stop(now_s)
            if is_over and self._is_let_go(running, now_s):
                self.active.remove(running)
        return len(self.active) < before

    def _attend(self, running: RunningJob, now_s: float) -> bool:
        """Tell progress and heartbeats of a job, and its end; whether nothing more is to be told of it."""
        job, has_ended = running.job, running.ended.is_set()
        if has_ended or now_s - running.told_s >= _PROGRESS_EVERY_SECONDS:
            latest = running.take_latest()
            if latest is not None:
                self.queue.append(job, [JobEvent(JobEventKind.PROGRESS, latest)])
            running.told_s = now_s
        if has_ended:
            if running.stopped_s is not None and running.outcome is None:
                self._give_back(running)
            else:
                self._conclude(running)
            return True
        if self._is_out_of_grace(running, now_s):
            self._give_back(running)
            return True
        if now_s - running.beaten_s >= self.terms.heartbeat_seconds:
            self.queue.heartbeat(job)
            running.beaten_s = now_s
        return False

    def _is_let_go(self, running: RunningJob, now_s: float) -> bool:
        """Whether a job of which nothing more is told can be forgotten: its handler has ended, or will not."""
        if running.ended.is_set():
            return True
        self.report.is_handler_left |= self._is_out_of_grace(running, now_s)
        return self._is_out_of_grace(running, now_s)

    def _is_out_of_grace(self, running: RunningJob, now_s: float) -> bool:
        return running.stopped_s is not None and now_s - running.stopped_s >= self.terms.grace_seconds

    def _give_back(self, running: RunningJob) -> None:
        self.queue.give_back(running.job)
        self.report.given_back += 1
        logger.info("job given back", extra={"job": running.job.id})

    def _bury(self, job: Job, error: str) -> None:
        self.queue.bury(job, error)
        self.report.dead += 1
        logger.warning("job dead", extra={"job": job.id, "error": error})

    def _conclude(self, running: RunningJob) -> None:
        """Tell the queue what came of a handler that has ended."""
        job, error = running.job, running.error
        if running.outcome is not None:
            continuation = self.queue.complete(job, running.outcome)
            self.report.done += continuation is None
            self.report.partial += continuation is not None
            logger.info("job done", extra={"job": job.id, "continuation": continuation or ""})
            return
        assert error is not None
        if isinstance(error, PoisonedJobError):
            self._bury(job, str(error))
            return
        text = self.error_text(error)
        is_dead = self.queue.fail(job, text, retry_delay_seconds(job.attempts, self.jitter())) is JobStatus.DEAD
        self.report.dead += is_dead
        self.report.failed += not is_dead
        # Who reads the queue sees the line; the traceback is for us.
        logger.warning("job dead" if is_dead else "job failed", extra={"job": job.id, "error": text}, exc_info=error)
