"""Positions and moments follow wallet buckets: read which lag behind, request one run over them.

Two jobs, so that a new version of a detector makes moments again and nothing else.
"""

from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.following import LAGGING, LAGGING_SETTLED, LAGGING_TAG
from assets.moments import moments
from assets.positions import positions
from resources.warehouse import Warehouse
from sensors.fold_inbox import fold_inbox
from sensors.in_flight import reason_to_pause, reason_to_wait
from sensors.update_wallets import update_wallets

update_positions = dg.define_asset_job(
    "update_positions",
    selection=[positions, moments],
    description="Make the positions of wallet buckets, and the moments that follow from them.",
)
update_moments = dg.define_asset_job(
    "update_moments",
    selection=[moments],
    description="Make the moments and extremes of wallet buckets: after later prices, or a new version of a detector.",
)

_HOUR_SECONDS = 3_600

# While days are decoded or buckets updated more are about to lag behind: one run after it serves them all.
_JOBS = (update_positions.name, update_moments.name, update_wallets.name, fold_inbox.name)
_ASSETS = ("lots", "realized_trades", "episodes", "oof_moments", "wallet_extremes", "wallet_events", "position_events")


@dg.sensor(
    jobs=[update_positions, update_moments],
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests runs over the buckets whose positions, or moments alone, lag behind, when none is in flight.",
)
def positions_sensor(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
    reason = reason_to_wait(context.instance, _JOBS, _ASSETS)
    if reason is not None:
        return dg.SkipReason(reason)
    number, looked_at_hour = map(int, (context.cursor or "0 0").split())
    hour = int(datetime.now(UTC).timestamp()) // _HOUR_SECONDS
    # Every fold changes the newest day's prices, which concern most buckets a little: those count once an hour.
    is_newest_counted = hour != looked_at_hour
    of_positions, of_moments = warehouse.lagging_positions(is_newest_counted=is_newest_counted)
    requests, paused = [], []
    for job, lagging in ((update_positions, of_positions), (update_moments, of_moments)):
        if not lagging:
            continue
        reason = reason_to_pause(context.instance, job.name)
        if reason is None:
            requests.append(_request(job.name, lagging, number + 1, is_newest_counted=is_newest_counted))
        else:
            paused.append(reason)
    # Both are asked for at once: whichever waited would find the hour looked at already.
    if requests:
        return dg.SensorResult(run_requests=requests, cursor=f"{number + 1} {hour}")
    if paused:
        return dg.SkipReason(paused[0])
    return dg.SensorResult(skip_reason="every bucket is up to date", cursor=f"{number} {hour}")


def _request(job_name: str, buckets: list[int], number: int, *, is_newest_counted: bool) -> dg.RunRequest:
    """One stretch over all that lag; the run leaves out those in between that do not."""
    return dg.RunRequest(
        run_key=f"{job_name}:{buckets[0]:02d}:{buckets[-1]:02d}:{number}",
        job_name=job_name,
        tags={
            ASSET_PARTITION_RANGE_START_TAG: f"{buckets[0]:02d}",
            ASSET_PARTITION_RANGE_END_TAG: f"{buckets[-1]:02d}",
            LAGGING_TAG: LAGGING if is_newest_counted else LAGGING_SETTLED,
        },
    )
