"""The job queue in Postgres: queue, claim, tell, end. Every call is one transaction.

A connection that dies is opened again and the same is done again, until the server has been away for too long. What was done
already then does no harm: a job that has ended answers with `LeaseLostError`, a queued one is found again by its id.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb

from oof_pipelines.chain.storable_text import storable
from oof_pipelines.job_interfaces import (
    Enqueued,
    Job,
    JobCounts,
    JobEvent,
    JobEventKind,
    JobOutcome,
    JobStatus,
    JobWorker,
    LeaseLostError,
    NewJob,
    ToldEvent,
)
from oof_pipelines.storage.postgres import job_statements as statements
from oof_pipelines.storage.postgres.listening_session import PATIENCE_SECONDS, ListeningSession
from oof_pipelines.ulid import RANDOM_BYTES, make_ulid

JOBS_CHANNEL = "oof_jobs"
"""Notified when a job is queued."""
EVENTS_CHANNEL = "oof_job_events"
"""Notified, with the job's id, when a job has something to say."""

_ERROR_CHARACTERS = 2_000


class JobStateError(ValueError):
    """The job is not there, or not in a state in which that can be done; one line that says so."""


def new_job_id() -> str:
    """A ULID of this instant."""
    return make_ulid(datetime.now(UTC), secrets.token_bytes(RANDOM_BYTES))


def enqueue_on(
    connection: Connection[Any], new: NewJob, *, job_id: str | None = None, parent_id: str | None = None
) -> Enqueued:
    """Queue a job in the caller's transaction; workers hear of it when that is committed.

    Where a job with the same `dedupe_key` is unfinished, that one is meant: `is_new` is False, and it gets the higher of both
    priorities.
    """
    job_id = job_id or new_job_id()
    values = {
        "id": job_id,
        "kind": new.kind,
        "payload": Jsonb(dict(new.payload)),
        "priority": new.priority,
        "user_id": new.user_id,
        "plan_code": new.plan_code,
        "parent_id": parent_id,
        "dedupe_key": new.dedupe_key,
        "run_after": new.run_after,
        "max_attempts": new.max_attempts,
    }
    while True:
        if connection.execute(statements.ENQUEUE, values).fetchone() is not None:
            return Enqueued(job_id, True)
        found = connection.execute(statements.JOIN_UNFINISHED, values).fetchone()
        if found is not None:
            return Enqueued(found[0], False)
        # It ended between the two statements: the key is free.


class PostgresJobs(ListeningSession):
    """A `JobQueue` and what commands ask of it, on one connection: for one thread. Use as a context manager.

    `run_id` is the Dagster run that serves.
    """

    def __init__(
        self,
        database_url: Callable[[], str],
        *,
        run_id: str | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        super().__init__(database_url, "oof jobs", patience_seconds)
        self._run_id = run_id

    def enqueue(self, new: NewJob) -> Enqueued:
        """Queue a job, or find the unfinished one with its key; see `enqueue_on`."""
        job_id = new_job_id()
        return self.run(lambda connection: enqueue_on(connection, new, job_id=job_id))

    # -- a worker's --

    def claim(self, worker: str) -> Job | None:
        rows = self.fetch(statements.CLAIM, {"worker": worker})
        return _job(rows[0]) if rows else None

    def heartbeat(self, job: Job) -> None:
        if not self.fetch(statements.HEARTBEAT, _held(job)):
            raise LeaseLostError(job.id)

    def append(self, job: Job, events: Sequence[JobEvent]) -> None:
        def write(connection: Connection[Any]) -> None:
            _hold(connection, job)
            _append(connection, job.id, events)

        self.run(write)

    def complete(self, job: Job, outcome: JobOutcome) -> str | None:
        continuation_id = new_job_id() if outcome.continuation is not None else None
        root_id = job.parent_id or job.id

        def write(connection: Connection[Any]) -> str | None:
            _hold(connection, job)
            _append(connection, job.id, outcome.events, root_id)
            _finish(connection, job.id, JobStatus.DONE, result=outcome.result)
            following = None
            if outcome.continuation is not None:
                # After the end of this one, whose key it takes over.
                new = NewJob(
                    kind=job.kind,
                    payload=outcome.continuation,
                    priority=job.priority,
                    user_id=job.user_id,
                    plan_code=job.plan_code,
                    dedupe_key=job.dedupe_key,
                    max_attempts=job.max_attempts,
                )
                following = enqueue_on(connection, new, job_id=continuation_id, parent_id=root_id).id
            if following is None:
                last = JobEvent(JobEventKind.DONE, outcome.result)
            else:
                last = JobEvent(JobEventKind.PARTIAL, {**outcome.result, "continuation": following})
            _append(connection, job.id, [last])
            return following

        return self.run(write)

    def fail(self, job: Job, error: str, delay_seconds: float) -> JobStatus:
        def write(connection: Connection[Any]) -> JobStatus:
            _hold(connection, job)
            return _fail(connection, job.id, _told(error), delay_seconds)

        return self.run(write)

    def bury(self, job: Job, error: str) -> None:
        def write(connection: Connection[Any]) -> None:
            _hold(connection, job)
            _bury(connection, job.id, _told(error))

        self.run(write)

    def give_back(self, job: Job) -> None:
        def write(connection: Connection[Any]) -> None:
            _hold(connection, job)
            connection.execute(statements.AGAIN, {"id": job.id, "error": None, "attempts": 0, "delay_seconds": 0})

        self.run(write)

    def release_expired(self, lease_seconds: float) -> int:
        def write(connection: Connection[Any]) -> int:
            expired = connection.execute(statements.EXPIRED, {"lease_seconds": lease_seconds}).fetchall()
            for job_id, worker in expired:
                _fail(connection, job_id, f"its worker {worker} was not heard of for {lease_seconds:g} s", 0.0)
            return len(expired)

        return self.run(write)

    def prune(self, finished_before_seconds: float) -> int:
        [(count,)] = self.fetch(statements.PRUNE, {"seconds": finished_before_seconds})
        return int(count)

    def seen(self, worker: str) -> None:
        values = {"worker": worker, "run_id": self._run_id}
        self.run(lambda connection: connection.execute(statements.SEEN, values))

    def gone(self, worker: str) -> None:
        self.run(lambda connection: connection.execute(statements.GONE, {"worker": worker}))

    def wait(self, timeout_seconds: float) -> bool:
        return self.hear(JOBS_CHANNEL, timeout_seconds)

    # -- for people, metrics and sensors --

    def counts(self) -> JobCounts:
        [(by_status, seconds)] = self.fetch(statements.COUNTS, {})
        if seconds is None:
            return JobCounts(by_status)
        return JobCounts(by_status, max(0.0, -seconds), max(0.0, seconds))

    def get(self, job_id: str) -> Job | None:
        rows = self.fetch(statements.GET, {"id": job_id})
        return _job(rows[0]) if rows else None

    def newest(self, limit: int, status: JobStatus | None = None) -> list[Job]:
        """The jobs last made, the newest first."""
        return [_job(row) for row in self.fetch(statements.LIST, {"status": status, "limit": limit})]

    def events(self, job_id: str, after_seq: int = 0, limit: int = 1_000) -> list[ToldEvent]:
        """What a job said after its event `after_seq`, in order."""
        rows = self.fetch(statements.EVENTS, {"id": job_id, "after_seq": after_seq, "limit": limit})
        return [ToldEvent(id_, seq, at, JobEventKind(kind), payload) for id_, seq, at, kind, payload in rows]

    def wait_for_events(self, timeout_seconds: float) -> bool:
        """Return when some job says something, or at the latest after `timeout_seconds`; whether one may have."""
        return self.hear(EVENTS_CHANNEL, timeout_seconds)

    def retry(self, job_id: str) -> None:
        """Queue a dead or cancelled job again, with all its attempts. Raises `JobStateError`."""
        try:
            is_done = bool(self.fetch(statements.RETRY, {"id": job_id}))
        except psycopg.errors.UniqueViolation:
            raise JobStateError(f"job {job_id}: another job for the same is queued or running") from None
        if not is_done:
            raise JobStateError(self._why_not(job_id, "only a dead or cancelled one is tried again"))

    def cancel(self, job_id: str) -> None:
        """End a job that is not finished; a worker that has it notices within seconds. Raises `JobStateError`."""

        def write(connection: Connection[Any]) -> bool:
            if connection.execute(statements.CANCEL, {"id": job_id}).fetchone() is None:
                return False
            _append(connection, job_id, [JobEvent(JobEventKind.CANCELLED, {})])
            return True

        if not self.run(write):
            raise JobStateError(self._why_not(job_id, "it has ended"))

    def has_any(self) -> bool:
        """Whether a job, finished ones included, is in the queue."""
        return bool(self.fetch(statements.WAS_EVER_QUEUED, {})[0][0])

    def has_expired(self, lease_seconds: float) -> bool:
        """Whether a job's worker was not heard of for so long."""
        return bool(self.fetch(statements.HAS_EXPIRED, {"lease_seconds": lease_seconds})[0][0])

    def live_workers(self, within_seconds: float) -> list[str]:
        """Who served the queue within so many seconds: the Dagster run of each, '' where it is a process of its own."""
        return [run_id for (run_id,) in self.fetch(statements.LIVE_WORKERS, {"seconds": within_seconds})]

    def workers(self) -> list[JobWorker]:
        """Who serves the queue, and who ended within a day without saying so; the last seen first."""
        return [JobWorker(*row) for row in self.fetch(statements.WORKERS, {})]

    def dead_letters(self) -> tuple[int, datetime | None]:
        """(how many jobs are dead, when the last of them died)."""
        [(count, newest_at)] = self.fetch(statements.NEWEST_DEAD, {})
        return int(count), newest_at

    def _why_not(self, job_id: str, rule: str) -> str:
        job = self.get(job_id)
        return f"job {job_id}: there is none" if job is None else f"job {job_id} is {job.status}: {rule}"


def _held(job: Job) -> dict[str, Any]:
    return {"id": job.id, "worker": job.locked_by}


def _hold(connection: Connection[Any], job: Job) -> None:
    if connection.execute(statements.HOLD, _held(job)).fetchone() is None:
        raise LeaseLostError(job.id)


def _append(connection: Connection[Any], job_id: str, events: Sequence[JobEvent], root_id: str | None = None) -> None:
    """Tell events of a job whose row is locked. With `root_id`, moments that its chain has told are left out."""
    if events:
        values = {
            "id": job_id,
            "root_id": root_id,
            "kinds": [str(event.kind) for event in events],
            "payloads": [Jsonb(dict(event.payload)) for event in events],
        }
        connection.execute(statements.APPEND if root_id is None else statements.APPEND_NEWS, values)


def _finish(
    connection: Connection[Any],
    job_id: str,
    status: JobStatus,
    *,
    error: str | None = None,
    result: Mapping[str, Any] | None = None,
) -> None:
    values = {
        "id": job_id,
        "status": status,
        "error": error,
        "result": None if result is None else Jsonb(dict(result)),
        "attempts": 1 if status is JobStatus.DEAD else 0,
    }
    connection.execute(statements.FINISH, values)


def _fail(connection: Connection[Any], job_id: str, error: str, delay_seconds: float) -> JobStatus:
    row = connection.execute(statements.ATTEMPTS_LEFT, {"id": job_id}).fetchone()
    if row is None or row[0] <= 1:
        _bury(connection, job_id, error)
        return JobStatus.DEAD
    values = {"id": job_id, "error": error, "attempts": 1, "delay_seconds": delay_seconds}
    again = connection.execute(statements.AGAIN, values).fetchone()
    assert again is not None
    told = {"error": error, "again_at": again[0].astimezone(UTC).isoformat(timespec="milliseconds")}
    _append(connection, job_id, [JobEvent(JobEventKind.ERROR, told)])
    return JobStatus.QUEUED


def _bury(connection: Connection[Any], job_id: str, error: str) -> None:
    _finish(connection, job_id, JobStatus.DEAD, error=error)
    _append(connection, job_id, [JobEvent(JobEventKind.DEAD, {"error": error})])


def _told(error: str) -> str:
    return storable(error)[:_ERROR_CHARACTERS]


def _job(row: tuple[Any, ...]) -> Job:
    names = statements.COLUMNS.split(", ")
    values = dict(zip(names, row, strict=True))
    return Job(
        payload=values.pop("payload_json"),
        status=JobStatus(values.pop("status")),
        result=values.pop("result_json"),
        **values,
    )
