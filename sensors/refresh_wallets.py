"""Make touched wallets again as soon as they are touched: one run stands by, requested by a sensor while there is work."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from resources.touched import TouchedResource
from sensors.standing_run import PRIORITY_TAGS, STANDS_FOR, reason_to_rest, standing_runs, stopped_in_order

IDLE_SECONDS = 300.0
"""A run to which nothing happens for so long ends; while wallets are touched more often than that one stands by."""


@dg.op(pool="refresh_wallets", description="Makes touched wallets again.")
def refresh_touched(context: dg.OpExecutionContext, touched: TouchedResource) -> None:
    with stopped_in_order(context) as stopping:
        totals = touched.serve(
            context.run_id,
            idle_seconds=IDLE_SECONDS,
            most_seconds=STANDS_FOR.total_seconds(),
            should_stop=stopping.is_set,
        )
    if totals is None:
        context.log.info("another process makes touched wallets again")
        return
    context.add_output_metadata(
        {
            "wallets": totals.served,
            "failed": totals.failed,
            "turns": totals.turns,
            "worst_lag_seconds": round(totals.worst_lag_seconds, 3),
        }
    )


@dg.job(tags=PRIORITY_TAGS, description="Serve the positions and moments of wallets within seconds of a transaction.")
def refresh_wallets() -> None:
    refresh_touched()


@dg.sensor(
    job=refresh_wallets,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps one run standing by while wallets are touched.",
)
def touched_sensor(context: dg.SensorEvaluationContext, touched: TouchedResource) -> dg.SensorResult | dg.SkipReason:
    if touched.is_off():
        return dg.SkipReason("OOF_STANDING_RUNS is off")
    # A failed read raises here and fails the tick: it is not an untouched database.
    state = touched.state()
    now = datetime.now(UTC)
    is_wanted = state.served_at is not None and now - state.served_at < timedelta(seconds=IDLE_SECONDS)
    if not state.due and not is_wanted:
        return dg.SkipReason("no wallet was touched of late")
    if "" in state.refreshers:
        return dg.SkipReason("`oof refresh` is at it")
    runs = standing_runs(context.instance, refresh_wallets.name, state.refreshers, now)
    reason = runs.reason_to_wait(now, is_standing=True)
    reason = reason or reason_to_rest(context.instance, refresh_wallets.name, now)
    if reason is not None:
        return dg.SkipReason(reason)
    number = int(context.cursor or 0) + 1
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"refresh_wallets:{number}")], cursor=str(number))
