"""`python job_worker_process.py URL`: serves jobs that only wait, with a lease of two seconds, until SIGTERM."""

import os
import signal
import sys
import threading
import time

from oof_pipelines.job_interfaces import Job, JobOutcome
from oof_pipelines.storage.postgres.jobs import PostgresJobs
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.running_job import Progress
from oof_pipelines.workflows.serve_jobs import ServeTerms, serve_jobs

TERMS = ServeTerms(lease_seconds=2.0, heartbeat_seconds=0.2, poll_seconds=0.2, listen_seconds=0.1)


def wait(job: Job, progress: Progress) -> JobOutcome:
    """Waits for the payload's tenths of a second; says who waited."""
    for done in range(job.payload["tenths"]):
        progress("waiting", done, job.payload["tenths"])
        time.sleep(0.1)
    return JobOutcome({"worker": os.getpid()})


def main(url: str) -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopping.set())
    with PostgresJobs(lambda: url) as jobs:
        serve_jobs(
            jobs,
            {"wait": wait},
            SystemClock(),
            TERMS,
            worker=f"process:{os.getpid()}",
            should_stop=stopping.is_set,
            jitter=lambda: 0.0,
        )


if __name__ == "__main__":
    main(sys.argv[1])
