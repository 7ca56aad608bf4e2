"""What a sensor asks before it requests a run: is one under way for the same assets, did the last one just fail."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import dagster as dg

# Dagster names these only in its core; tests/dagster_layer/test_fold_inbox_sensor.py notices when they move.
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_MOST_RUNS_LOOKED_AT = 200
FAILURE_PAUSE = timedelta(minutes=10)
"""After a failed run the same is not requested again at once: what made it fail is seldom gone 15 seconds later."""


def reason_to_wait(instance: dg.DagsterInstance, jobs: Collection[str], assets: Collection[str]) -> str | None:
    """Why no run over `assets` should be requested now: one of `jobs`, or any other run over them, is under way.

    A run that a sensor requested for a whole job does not name its assets, hence the jobs. None where one may be requested.
    """
    keys = {dg.AssetKey(name) for name in assets}
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED), limit=_MOST_RUNS_LOOKED_AT):
        if run.job_name in jobs or keys & (run.asset_selection or set()):
            return "a run is in flight"
    for backfill in instance.get_backfills(filters=BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED])):
        if keys & set(backfill.asset_selection or ()):
            return "a backfill is under way"
    return None


def reason_to_pause(instance: dg.DagsterInstance, job_name: str) -> str | None:
    """Why what the last run of `job_name` was asked for should not be asked for again yet; None where it did not fail."""
    last = instance.get_run_records(dg.RunsFilter(job_name=job_name), limit=1)
    if last and last[0].dagster_run.status == dg.DagsterRunStatus.FAILURE and last[0].end_time is not None:
        again_at = datetime.fromtimestamp(last[0].end_time, UTC) + FAILURE_PAUSE
        if datetime.now(UTC) < again_at:
            return f"the last run failed; the next is requested after {again_at:%H:%M:%S} UTC"
    return None
