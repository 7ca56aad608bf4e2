"""The project's definitions with jobs that only wait: how soon they begin does not depend on what jobs do."""

import os
import time
from collections.abc import Callable

from oof_pipelines.definitions import build_definitions
from oof_pipelines.job_interfaces import Job, JobOutcome
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.jobs import PostgresJobs
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.running_job import Progress
from oof_pipelines.workflows.serve_jobs import ServeReport, ServeTerms, serve_jobs
from resources.job_queue import JobQueueResource


def wait(job: Job, progress: Progress) -> JobOutcome:
    """A job of the kind `wait`, of so many tenths of a second."""
    total = int(job.payload["tenths"])
    for done in range(total):
        progress("waiting", done, total)
        time.sleep(0.1)
    return JobOutcome({"waited": total})


class WaitingQueue(JobQueueResource):
    def work(self, run_id: str, terms: ServeTerms, should_stop: Callable[[], bool]) -> ServeReport:
        url = load_settings().database_url
        assert url is not None
        with PostgresJobs(lambda: url, run_id=run_id) as jobs:
            return serve_jobs(
                jobs,
                {"wait": wait},
                SystemClock(),
                terms,
                worker=f"test:{os.getpid()}",
                should_stop=should_stop,
                jitter=lambda: 0.0,
            )


defs = build_definitions(job_queue=WaitingQueue())
