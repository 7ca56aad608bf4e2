"""Fold the inbox as it fills, and decode what was folded: read what waits, choose a stretch of days, request one run."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.decoded import decoded
from assets.features import features_1m
from assets.prices import candles, reference_prices
from assets.raw import raw_logs, raw_transactions
from assets.risk_flags import risk_flags
from oof_pipelines.workflows.waiting_days import is_worth_folding, next_range
from resources.warehouse import Warehouse
from sensors.in_flight import reason_to_pause, reason_to_wait

# Gaps that one run bridges, and the longest stretch: two years of days cost a run 2.3 s of framework.
_BRIDGE_DAYS = 31
_AT_MOST_DAYS = 731

fold_inbox = dg.define_asset_job(
    "fold_inbox",
    selection=[raw_transactions, raw_logs, decoded, risk_flags, reference_prices, candles, features_1m],
    description="Fold what the feed stored into the days' Parquet files, and decode those days.",
)

TOLD_ASSETS = ("raw_transactions", "actions", "risk_flags", "price_1m", "features_1m")
"""One of each step of a fold: a stored day that Dagster was not told of by all of them is folded again."""

_ASSETS = ("raw_transactions", "raw_logs", "actions", "moves", "participants", "token_facts")


@dg.sensor(
    job=fold_inbox,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests one fold at a time for the oldest days that wait in the inbox or for the decoder.",
)
def inbox_sensor(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
    reason = reason_to_wait(context.instance, [fold_inbox.name], _ASSETS)
    if reason is not None:
        return dg.SkipReason(reason)
    # A failed read raises here and fails the tick: it is not an empty inbox.
    waiting = _days_waiting(context, warehouse)
    # The cursor counts requests, since a fold that failed must be asked for again although the same days wait, and knows
    # the last stretch, so that one which keeps failing does not starve those after it.
    number, last = _read_cursor(context.cursor)
    chosen = next_range(waiting, bridge_days=_BRIDGE_DAYS, at_most_days=_AT_MOST_DAYS, after=last)
    if chosen is None:
        return dg.SkipReason("nothing final waits in the inbox")
    reason = reason_to_pause(context.instance, fold_inbox.name)
    if reason is not None and chosen.last == last:
        return dg.SkipReason(reason)
    number += 1
    request = dg.RunRequest(
        run_key=f"{chosen.first}:{chosen.last}:{number}",
        tags={
            ASSET_PARTITION_RANGE_START_TAG: chosen.first.isoformat(),
            ASSET_PARTITION_RANGE_END_TAG: chosen.last.isoformat(),
        },
    )
    return dg.SensorResult(run_requests=[request], cursor=f"{number} {chosen.last}")


def _read_cursor(cursor: str | None) -> tuple[int, date | None]:
    """(requests so far, last day of the last stretch)."""
    number, _, day = (cursor or "0").partition(" ")
    return int(number), date.fromisoformat(day) if day else None


def _days_waiting(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dict[date, int]:
    """Day → how much is to do: rows to fold, transactions to decode, or a file that Dagster was never told of.

    The last is left by a run that was killed after its first days, and by folding without Dagster.
    """
    waiting: dict[date, int] = {}
    stored = warehouse.days_stored()
    to_decode = warehouse.days_to_decode()
    today = datetime.now(UTC).date()
    inbox = [warehouse.days_waiting(dataset) for dataset in ("raw_transactions", "raw_logs")]
    if any(today in found for found in inbox) and not is_worth_folding(*warehouse.growth(today)):
        inbox = [{day: count for day, count in found.items() if day != today} for found in inbox]
    missing = sorted(to_decode.keys() - set(stored))
    if missing:
        # Nothing here can bring the file back, and asking for the day again and again would not either.
        context.log.warning(
            "the database says that raw_transactions of %s are in files, and they are not there (OOF_STORE)", missing[0]
        )
    for found in (
        *inbox,
        {day: count for day, count in to_decode.items() if day not in missing},
        dict.fromkeys(_untold_days(context.instance, stored), 1),
    ):
        for day, count in found.items():
            waiting[day] = waiting.get(day, 0) + count
    # A time that our clock has not reached has no partition yet.
    return {day: count for day, count in waiting.items() if day <= today}


def _untold_days(instance: dg.DagsterInstance, stored: list[date]) -> list[date]:
    told = [instance.get_materialized_partitions(dg.AssetKey(name)) for name in TOLD_ASSETS]
    return [day for day in stored if any(day.isoformat() not in keys for keys in told)]


@dg.schedule(
    job=fold_inbox,
    cron_schedule="20 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Closes yesterday: folds and decodes it once more after the last of its transactions is final.",
)
def close_yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    yesterday = (context.scheduled_execution_time - timedelta(days=1)).date()
    return dg.RunRequest(partition_key=yesterday.isoformat())
