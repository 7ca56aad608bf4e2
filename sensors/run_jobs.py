"""Serve the job queue: one run stands by for it, requested by a sensor that also says which jobs are dead."""

from datetime import UTC, datetime

import dagster as dg

from resources.job_queue import JobQueueResource, QueueState
from sensors.standing_run import PRIORITY_TAGS, STANDS_FOR, reason_to_rest, standing_runs, stopped_in_order

STANDING_TAG = "oof/standing"
"""On a run that stands; without it a run ends when nothing is left to do."""


@dg.op(pool="run_jobs", description="Serves the job queue.")
def serve_queue(context: dg.OpExecutionContext, job_queue: JobQueueResource) -> None:
    with stopped_in_order(context) as stopping:
        report = job_queue.serve(
            context.run_id,
            is_standing=STANDING_TAG in context.run_tags,
            most_seconds=STANDS_FOR.total_seconds(),
            should_stop=stopping.is_set,
        )
    context.add_output_metadata(
        {
            "done": report.done,
            "partial": report.partial,
            "failed_attempts": report.failed,
            "dead": report.dead,
            "given_back": report.given_back,
            "lost": report.lost,
        }
    )


@dg.job(tags=PRIORITY_TAGS, description="Serve queued analyses, as soon as one is queued while a run stands by.")
def run_jobs() -> None:
    serve_queue()


@dg.sensor(
    job=run_jobs,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps one run standing by for queued jobs, and warns of dead ones.",
)
def jobs_sensor(context: dg.SensorEvaluationContext, job_queue: JobQueueResource) -> dg.SensorResult | dg.SkipReason:
    # A failed read raises here and fails the tick: it is not an empty queue.
    state = job_queue.state()
    number, warned = _read_cursor(context.cursor)
    now = datetime.now(UTC)
    warned = _warn_of_dead(context, state, warned)
    if state.is_off:
        return _skipped("OOF_STANDING_RUNS is off: `oof work` serves the queue", number, warned)
    if not state.is_standing_wanted and not state.is_work_due:
        return _skipped("no job was ever queued, or none is due", number, warned)
    if "" in state.workers:
        return _skipped("`oof work` serves the queue", number, warned)
    runs = standing_runs(context.instance, run_jobs.name, state.workers, now)
    reason = runs.reason_to_wait(now, is_standing=state.is_standing_wanted)
    reason = reason or reason_to_rest(context.instance, run_jobs.name, now)
    if reason is not None:
        return _skipped(reason, number, warned)
    request = dg.RunRequest(
        run_key=f"run_jobs:{number + 1}", tags={STANDING_TAG: "yes"} if state.is_standing_wanted else {}
    )
    return dg.SensorResult(run_requests=[request], cursor=f"{number + 1} {warned}")


def _warn_of_dead(context: dg.SensorEvaluationContext, state: QueueState, warned: str) -> str:
    """Say once of each dead job that there is one; until when that was done."""
    last = state.last_died_at.isoformat() if state.last_died_at is not None else ""
    if last > warned:
        context.log.warning("%s jobs are dead: `oof jobs list --status dead` shows why", state.dead)
        return last
    return warned


def _read_cursor(cursor: str | None) -> tuple[int, str]:
    """(requests so far, until when dead jobs were told)."""
    number, _, warned = (cursor or "0").partition(" ")
    return int(number), warned


def _skipped(reason: str, number: int, warned: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=reason, cursor=f"{number} {warned}")
