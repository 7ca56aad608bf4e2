"""The run that stands by for jobs, with the real daemon: it begins a job at once, and gives it back as Dagster stops."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from oof_pipelines.commands.dagster_instance import dagster_environment, program, storage_command
from oof_pipelines.commands.processes import Processes
from oof_pipelines.job_interfaces import Job, JobStatus, NewJob
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.postgres.jobs import PostgresJobs
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

DEFINITIONS = Path(__file__).with_name("standing_definitions.py")
# What a daemon needs to start, and a run, where much else runs.
_BEGIN_SECONDS = 150.0
_JOB_SECONDS = 60.0

WORKSPACE = f"""\
load_from:
  - python_file:
      relative_path: {DEFINITIONS}
      location_name: oof_pipelines
      working_directory: {REPOSITORY_ROOT}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="oof-s-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    server = EmbeddedPostgres(folder)
    try:
        url = server.start()
        migrate(url, load_settings({}).migrations_folder)
        yield url
    finally:
        server.erase()


def until(is_so: Callable[[], bool], processes: Processes, seconds: float, what: str) -> None:
    deadline_s = time.monotonic() + seconds
    while not is_so():
        processes.check()
        assert time.monotonic() < deadline_s, what
        time.sleep(0.1)


def stored(jobs: PostgresJobs, job_id: str) -> Job:
    job = jobs.get(job_id)
    assert job is not None
    return job


def test_the_standing_run_serves_and_is_stopped_in_order(folder: Path, url: str) -> None:
    workspace = folder / "workspace.yaml"
    workspace.write_text(WORKSPACE)
    environment = {
        **dagster_environment(url, folder),
        "DATABASE_URL": url,
        "OOF_STORE": "",
        "OOF_STANDING_RUNS": "always",
    }
    with PostgresJobs(lambda: url) as jobs:
        with Processes(folder / "logs", environment) as processes:
            processes.wait(processes.start("storage", storage_command(), ends=True), 120)
            processes.start("daemon", [program("dagster-daemon"), "run", "-w", str(workspace)])
            until(lambda: bool(jobs.live_workers(60)), processes, _BEGIN_SECONDS, "no run stands")
            short_id = jobs.enqueue(NewJob("wait", {"tenths": 2})).id
            until(lambda: stored(jobs, short_id).status.is_finished, processes, _JOB_SECONDS, "the job is not done")
            long_id = jobs.enqueue(NewJob("wait", {"tenths": 6_000})).id
            until(lambda: bool(jobs.events(long_id)), processes, _JOB_SECONDS, "the job says nothing")
        assert stored(jobs, short_id).status is JobStatus.DONE
        given_back = stored(jobs, long_id)
        assert (given_back.status, given_back.attempts) == (JobStatus.QUEUED, 0)
        assert jobs.live_workers(60) == []
    with psycopg.connect(url, autocommit=True) as connection:
        runs = connection.execute("select pipeline_name, status from dagster.runs where pipeline_name = 'run_jobs'")
        assert runs.fetchall() == [("run_jobs", "SUCCESS")]
