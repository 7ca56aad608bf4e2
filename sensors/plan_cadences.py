"""Watched wallets are analysed again as often as their users' plans say: a schedule a cadence, over the wallets due.

Due is who was last asked for a day, or a week, ago; so the work of a day is spread over its hours as the wallets were added.
"""

from datetime import UTC, datetime

import dagster as dg

from oof_pipelines.workflows.plans import DAILY, WEEKLY
from resources.warehouse import Warehouse
from sensors.in_flight import reason_to_wait

CADENCE_TAG = "oof/cadence"

_CRONS = {DAILY: "10 * * * *", WEEKLY: "40 */6 * * *"}


@dg.op(description="Queue an analysis of each watched wallet that is due by the cadence of the run.")
def queue_due_wallets(context: dg.OpExecutionContext, warehouse: Warehouse) -> None:
    report = warehouse.request_due(context.run.tags[CADENCE_TAG])
    context.add_output_metadata(
        {
            "cadence": report.cadence,
            "requested": report.requested,
            "already_queued": report.already_queued,
            "over_limit": report.over_limit,
        }
    )


@dg.job(description="Queue the analyses that plans promise: of watched wallets, weekly or daily.")
def request_due_analyses() -> None:
    queue_due_wallets()


def _schedule(cadence: str, cron: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{cadence}_analyses",
        job=request_due_analyses,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Queues the {cadence} analyses that are due. Who has a manual plan is never due.",
    )
    def tick(context: dg.ScheduleEvaluationContext, warehouse: Warehouse) -> dg.RunRequest | dg.SkipReason:
        reason = reason_to_wait(context.instance, [request_due_analyses.name], [])
        if reason is not None:
            return dg.SkipReason(reason)
        due = warehouse.due_analyses(cadence, datetime.now(UTC))
        if not due:
            return dg.SkipReason(f"no {cadence} analysis is due")
        scheduled_at = context.scheduled_execution_time
        return dg.RunRequest(run_key=f"{cadence}:{scheduled_at.isoformat()}", tags={CADENCE_TAG: cadence})

    return tick


cadence_schedules = [_schedule(cadence, cron) for cadence, cron in _CRONS.items()]
