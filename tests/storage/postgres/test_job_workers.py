"""Workers as real processes: killed in the middle of a job, stopped in order, several at once."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oof_pipelines.job_interfaces import Job, JobEventKind, JobStatus, NewJob
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.jobs import PostgresJobs
from oof_pipelines.storage.postgres.migrate import migrate

WORKER = Path(__file__).with_name("job_worker_process.py")
_WAIT_SECONDS = 90.0
Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def jobs(database_url: str) -> Iterator[PostgresJobs]:
    migrate(database_url, load_settings({}).migrations_folder)
    with PostgresJobs(lambda: database_url) as opened:
        yield opened


@pytest.fixture
def start(database_url: str) -> Iterator[Start]:
    """Starts a worker; those that still run at the end are killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start_one() -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen([sys.executable, str(WORKER), database_url]))
        return started[-1]

    yield start_one
    for process in started:
        process.kill()
        process.wait()


def wait_until(jobs: PostgresJobs, job_id: str, is_so: Callable[[Job], bool]) -> Job:
    deadline_s = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline_s:
        job = jobs.get(job_id)
        assert job is not None
        if is_so(job):
            return job
        time.sleep(0.05)
    raise AssertionError(f"{job} after {_WAIT_SECONDS} s")


def has_progress(jobs: PostgresJobs) -> Callable[[Job], bool]:
    return lambda job: job.status is JobStatus.RUNNING and bool(jobs.events(job.id))


def test_a_job_whose_worker_is_killed_is_done_by_the_next(jobs: PostgresJobs, start: Start) -> None:
    job_id = jobs.enqueue(NewJob("wait", {"tenths": 40})).id
    first = start()
    wait_until(jobs, job_id, has_progress(jobs))
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = start()
    done = wait_until(jobs, job_id, lambda job: job.status.is_finished)
    assert (done.status, done.attempts, done.result) == (JobStatus.DONE, 1, {"worker": second.pid})
    kinds = [event.kind for event in jobs.events(job_id)]
    assert [kind for kind in kinds if kind is not JobEventKind.PROGRESS] == [JobEventKind.ERROR, JobEventKind.DONE]


def test_a_worker_that_is_stopped_gives_its_job_back(jobs: PostgresJobs, start: Start) -> None:
    job_id = jobs.enqueue(NewJob("wait", {"tenths": 600})).id
    first = start()
    wait_until(jobs, job_id, has_progress(jobs))
    first.terminate()
    assert first.wait(30) == 0
    job = jobs.get(job_id)
    assert job is not None
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)
    assert jobs.live_workers(60) == []


def test_a_cancelled_job_frees_its_worker(jobs: PostgresJobs, start: Start) -> None:
    long_id = jobs.enqueue(NewJob("wait", {"tenths": 6_000})).id
    start()
    wait_until(jobs, long_id, has_progress(jobs))
    jobs.cancel(long_id)
    short_id = jobs.enqueue(NewJob("wait", {"tenths": 1})).id
    wait_until(jobs, short_id, lambda job: job.status is JobStatus.DONE)
    assert [event.kind for event in jobs.events(long_id)][-1] is JobEventKind.CANCELLED


def test_two_workers_share_the_work(jobs: PostgresJobs, start: Start) -> None:
    workers = {start().pid, start().pid}
    deadline_s = time.monotonic() + _WAIT_SECONDS
    while len(jobs.live_workers(60)) < 2 and time.monotonic() < deadline_s:
        time.sleep(0.05)
    ids = [jobs.enqueue(NewJob("wait", {"tenths": 5})).id for _ in range(4)]
    done = [wait_until(jobs, job_id, lambda job: job.status is JobStatus.DONE) for job_id in ids]
    assert {job.result["worker"] for job in done if job.result} == workers
    assert all(job.attempts == 0 for job in done)
