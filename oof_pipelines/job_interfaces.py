"""Jobs as the workflows see them: what is queued, what a job says on its way, and the queue as a Protocol."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

MOST_ATTEMPTS = 5
"""After so many attempts that failed a job is dead, unless it says otherwise."""


class JobStatus(enum.StrEnum):
    """Where a job stands; the last three are final, but for a `retry` of the dead and cancelled."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"

    @property
    def is_finished(self) -> bool:
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


class JobEventKind(enum.StrEnum):
    """What an event tells: `partial`, `done`, `dead` and `cancelled` are the last of their job."""

    PROGRESS = "progress"
    MOMENT = "moment"
    PARTIAL = "partial"
    ERROR = "error"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"

    @property
    def is_last(self) -> bool:
        return self in (JobEventKind.PARTIAL, JobEventKind.DONE, JobEventKind.DEAD, JobEventKind.CANCELLED)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be queued. `payload` is an object of JSON; `run_after` None is at once.

    While a job with the same `dedupe_key` is unfinished, that one is meant and none is added.
    """

    kind: str
    payload: Mapping[str, Any]
    priority: int = 0
    user_id: str | None = None
    plan_code: str | None = None
    dedupe_key: str | None = None
    run_after: datetime | None = None
    max_attempts: int = MOST_ATTEMPTS


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The job that was queued, or the unfinished one that was there already."""

    id: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the queue. `attempts` counts those that failed or were never heard of again."""

    id: str
    kind: str
    payload: Mapping[str, Any]
    status: JobStatus
    priority: int
    attempts: int
    max_attempts: int
    run_after: datetime
    created_at: datetime
    user_id: str | None = None
    plan_code: str | None = None
    parent_id: str | None = None
    dedupe_key: str | None = None
    locked_by: str | None = None
    locked_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    last_error: str | None = None
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something a job has to say. `payload` is an object of JSON, amounts in it as text."""

    kind: JobEventKind
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """A stored event: `seq` counts from 1 within its job, without gaps."""

    job_id: str
    seq: int
    at: datetime
    kind: JobEventKind
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What came of a job. With `continuation`, a payload of the same kind, it ended partially and goes on in that one."""

    result: Mapping[str, Any]
    events: Sequence[JobEvent] = ()
    continuation: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class JobCounts:
    """The queue as metrics show it. `lag_seconds` is the age of the oldest due job that nobody has claimed."""

    by_status: Mapping[str, int] = field(default_factory=dict)
    lag_seconds: float = 0.0
    seconds_to_next: float | None = None
    """Until a job is due: 0 where one is, None where none is queued."""


@dataclass(frozen=True, slots=True)
class JobWorker:
    """Who serves the queue, or did until `seen_at`. `run_id` is the Dagster run that it is, None for a process of its own."""

    worker: str
    run_id: str | None
    began_at: datetime
    seen_at: datetime


class LeaseLostError(Exception):
    """The job is not this worker's any more: it was cancelled, or taken for that of a dead worker. Nothing was written."""


class PoisonedJobError(Exception):
    """What the job asks for cannot be done, now or later: no attempt would end otherwise."""


class JobQueue(Protocol):
    """The queue as a worker uses it. Every call is one transaction.

    What a worker does to a job it holds raises `LeaseLostError` where it does not hold it any more.
    """

    def claim(self, worker: str) -> Job | None:
        """The most urgent due job, now `worker`'s; None where none is due. No two workers get the same."""
        ...

    def heartbeat(self, job: Job) -> None:
        """Say that the job's worker is alive."""
        ...

    def append(self, job: Job, events: Sequence[JobEvent]) -> None: ...

    def complete(self, job: Job, outcome: JobOutcome) -> str | None:
        """End the job, tell its events, queue its continuation: all or nothing. The continuation's id, where there is one.

        The continuation has the job's priority, user, plan and key. A moment the chain has told already is not told again.
        """
        ...

    def fail(self, job: Job, error: str, delay_seconds: float) -> JobStatus:
        """Count a failed attempt: queued again after `delay_seconds`, or dead where it was the last."""
        ...

    def bury(self, job: Job, error: str) -> None:
        """Dead at once."""
        ...

    def give_back(self, job: Job) -> None:
        """Queued again, as if nobody had begun: no attempt is counted."""
        ...

    def release_expired(self, lease_seconds: float) -> int:
        """Take jobs away from workers not heard of for so long, each a failed attempt; how many they were."""
        ...

    def prune(self, finished_before_seconds: float) -> int:
        """Forget jobs that ended longer ago, with their events; how many they were."""
        ...

    def seen(self, worker: str) -> None:
        """Say that a worker serves the queue."""
        ...

    def gone(self, worker: str) -> None:
        """Say that it does not any more."""
        ...

    def counts(self) -> JobCounts: ...

    def wait(self, timeout_seconds: float) -> bool:
        """Return when a job is queued, or at the latest after `timeout_seconds`; whether there may be one.

        True also where this is the first wait on a connection: what was queued before was not heard.
        """
        ...
