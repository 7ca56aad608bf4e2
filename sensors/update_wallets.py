"""Bring wallet buckets up to the decoded days: read which lag behind, request one run over them."""

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.wallets import wallets
from resources.warehouse import Warehouse
from sensors.fold_inbox import fold_inbox
from sensors.in_flight import reason_to_pause, reason_to_wait

update_wallets = dg.define_asset_job(
    "update_wallets",
    selection=[wallets],
    description="Bring the wallet buckets up to date that newly decoded days touch.",
)

# While days are being decoded more buckets are about to lag behind: one run after it serves them all.
_JOBS = (update_wallets.name, fold_inbox.name)
_ASSETS = ("wallet_actions", "wallet_events", "actions", "position_events")


@dg.sensor(
    job=update_wallets,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests one run at a time over the wallet buckets that lag behind the decoded days.",
)
def wallets_sensor(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
    reason = reason_to_wait(context.instance, _JOBS, _ASSETS) or reason_to_pause(context.instance, update_wallets.name)
    if reason is not None:
        return dg.SkipReason(reason)
    stale = warehouse.stale_buckets()
    if not stale:
        return dg.SkipReason("every bucket is up to date")
    number = int(context.cursor or 0) + 1
    # One run costs seconds, a bucket that is up to date milliseconds: one stretch over all that lag.
    request = dg.RunRequest(
        run_key=f"{stale[0]:02d}:{stale[-1]:02d}:{number}",
        tags={
            ASSET_PARTITION_RANGE_START_TAG: f"{stale[0]:02d}",
            ASSET_PARTITION_RANGE_END_TAG: f"{stale[-1]:02d}",
        },
    )
    return dg.SensorResult(run_requests=[request], cursor=str(number))
