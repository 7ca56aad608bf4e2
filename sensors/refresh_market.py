"""Refresh market data at each source's pace: one schedule an asset, one run in flight, a skip where nobody is configured."""

import dagster as dg

from assets.market_data import market_assets
from oof_pipelines.settings import SettingsError, load_settings
from oof_pipelines.workflows.refresh_market import REFRESHES
from resources.market_data import MarketData
from sensors.in_flight import reason_to_wait

# A run costs seconds of framework. A process that asks more often for less is `oof market`.
_CRONS = {
    "spot_prices": "*/5 * * * *",
    "sol_price": "*/5 * * * *",
    "defillama_volume": "*/5 * * * *",
    "pump_fun_volume": "* * * * *",
    "sol_klines": "*/5 * * * *",
    "token_metadata": "17 * * * *",
    "token_mints": "27 * * * *",
}


def _configured() -> tuple[str, ...]:
    try:
        return load_settings().market.sources
    except SettingsError:
        # The definitions load all the same; whoever uses the settings then says what is wrong with them.
        return ()


_JOBS = {
    # What the chain said goes first: it waits in the inbox, while a reading is one of many.
    name: dg.define_asset_job(f"refresh_{name}", selection=[asset], tags={"dagster/priority": "-1"})
    for name, asset in zip(REFRESHES, market_assets, strict=True)
}


def _schedule(name: str, configured: tuple[str, ...]) -> dg.ScheduleDefinition:
    is_on = REFRESHES[name].source in configured
    job = _JOBS[name]

    @dg.schedule(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=_CRONS[name],
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if is_on else dg.DefaultScheduleStatus.STOPPED,
        description=f"{REFRESHES[name].description} Skipped where OOF_MARKET_SOURCES does not name the source.",
    )
    def tick(context: dg.ScheduleEvaluationContext, market_data: MarketData) -> dg.RunRequest | dg.SkipReason:
        reason = market_data.why_skipped(name) or reason_to_wait(context.instance, [job.name], [name])
        return dg.SkipReason(reason) if reason is not None else dg.RunRequest()

    return tick


market_jobs = list(_JOBS.values())
market_schedules = [_schedule(name, _configured()) for name in REFRESHES]
