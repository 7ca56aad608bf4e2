"""The job queue, as the standing run serves it and its sensor looks at it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from oof_pipelines.job_work import JOBS_AT_ONCE, serve
from oof_pipelines.settings import Settings, load_settings
from oof_pipelines.source_settings import ALWAYS, AUTO, OFF
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.jobs import PostgresJobs
from oof_pipelines.workflows.serve_jobs import LEASE_SECONDS, ServeReport, ServeTerms

_LINGER_SECONDS = 5.0
_HEARD_WITHIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class QueueState:
    """What the sensor decides by. `is_work_due` is also said of a job whose worker is gone.

    `workers` are the runs that serve the queue, and '' where a process of its own does.
    """

    is_off: bool
    is_standing_wanted: bool
    is_work_due: bool
    queued: int
    lag_seconds: float
    dead: int
    last_died_at: datetime | None
    workers: frozenset[str]


class JobQueueResource(dg.ConfigurableResource[None]):
    """The queue in Postgres. Reads the settings (OOF_HOME, DATABASE_URL, OOF_STANDING_RUNS) each time, not at load."""

    def state(self) -> QueueState:
        """Raises where Postgres cannot be read."""
        settings = load_settings()
        url = _database_url(settings)
        with PostgresJobs(lambda: url, patience_seconds=0) as jobs:
            counts = jobs.counts()
            dead, last_died_at = jobs.dead_letters()
            is_wanted = settings.standing_runs == ALWAYS or (settings.standing_runs == AUTO and jobs.has_any())
            return QueueState(
                is_off=settings.standing_runs == OFF,
                is_standing_wanted=is_wanted,
                is_work_due=counts.seconds_to_next == 0 or jobs.has_expired(LEASE_SECONDS),
                queued=counts.by_status.get("queued", 0),
                lag_seconds=counts.lag_seconds,
                dead=dead,
                last_died_at=last_died_at,
                workers=frozenset(jobs.live_workers(_HEARD_WITHIN_SECONDS)),
            )

    def serve(
        self, run_id: str, *, is_standing: bool, most_seconds: float, should_stop: Callable[[], bool]
    ) -> ServeReport:
        """Serve the queue in this run: for `most_seconds` where it stands, else until nothing is left to do."""
        terms = ServeTerms(
            most_seconds=most_seconds if is_standing else None,
            linger_seconds=None if is_standing else _LINGER_SECONDS,
            at_once=JOBS_AT_ONCE,
        )
        return self.work(run_id, terms, should_stop)

    def work(self, run_id: str, terms: ServeTerms, should_stop: Callable[[], bool]) -> ServeReport:
        """Serve the queue on these terms; see `serve_jobs`."""
        settings = load_settings()
        return serve(settings, _database_url(settings), terms, should_stop=should_stop, run_id=run_id)


def _database_url(settings: Settings) -> str:
    return ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
