"""Fold the inbox as it fills: read what waits, choose a stretch of days, request one run."""

from datetime import timedelta

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.raw import raw_logs, raw_transactions
from oof_pipelines.workflows.waiting_days import next_range
from resources.warehouse import Warehouse

# Gaps that one run bridges, and the longest stretch: two years of days cost a run 2.3 s of framework.
_BRIDGE_DAYS = 31
_AT_MOST_DAYS = 731

fold_inbox = dg.define_asset_job(
    "fold_inbox",
    selection=[raw_transactions, raw_logs],
    description="Fold what the feed stored into the days' Parquet files.",
)

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    job=fold_inbox,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests one fold at a time for the oldest days that wait in the inbox.",
)
def inbox_sensor(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
    if context.instance.get_runs_count(dg.RunsFilter(statuses=_UNFINISHED)):
        return dg.SkipReason("a run is in flight")
    under_way = BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED])
    if context.instance.get_backfills(filters=under_way, limit=1):
        return dg.SkipReason("a backfill is under way")
    # A failed read raises here and fails the tick: it is not an empty inbox.
    waiting = warehouse.days_waiting("raw_transactions")
    for day, count in warehouse.days_waiting("raw_logs").items():
        waiting[day] = waiting.get(day, 0) + count
    chosen = next_range(waiting, bridge_days=_BRIDGE_DAYS, at_most_days=_AT_MOST_DAYS)
    if chosen is None:
        return dg.SkipReason("nothing final waits in the inbox")
    # The cursor counts requests: a fold that failed must be asked for again although the same days wait.
    number = int(context.cursor or 0) + 1
    request = dg.RunRequest(
        run_key=f"{chosen.first}:{chosen.last}:{number}",
        tags={
            ASSET_PARTITION_RANGE_START_TAG: chosen.first.isoformat(),
            ASSET_PARTITION_RANGE_END_TAG: chosen.last.isoformat(),
        },
    )
    return dg.SensorResult(run_requests=[request], cursor=str(number))


@dg.schedule(
    job=fold_inbox,
    cron_schedule="20 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Closes yesterday: folds it once more after the last of its transactions is final.",
)
def close_yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    yesterday = (context.scheduled_execution_time - timedelta(days=1)).date()
    return dg.RunRequest(partition_key=yesterday.isoformat())
