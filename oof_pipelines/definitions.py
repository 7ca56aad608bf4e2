"""The composition root of the Dagster code location: `build_definitions(**overrides)` and `defs`.

Nothing here connects to anything: definitions load without a database, and resources find theirs when first used.
"""

import dagster as dg

from assets.decoded import decoded
from assets.features import features_1m
from assets.market_data import market_assets
from assets.moments import moments
from assets.positions import positions
from assets.prices import candles, reference_prices
from assets.raw import inbox, raw_logs, raw_transactions
from assets.risk_flags import risk_flags
from assets.wallets import wallets
from resources.job_queue import JobQueueResource
from resources.market_data import MarketData
from resources.touched import TouchedResource
from resources.warehouse import Warehouse
from sensors.fold_inbox import close_yesterday, fold_inbox, inbox_sensor
from sensors.follow_positions import positions_sensor, update_moments, update_positions
from sensors.plan_cadences import cadence_schedules, request_due_analyses
from sensors.refresh_market import market_jobs, market_schedules
from sensors.refresh_wallets import refresh_wallets, touched_sensor
from sensors.run_jobs import jobs_sensor, run_jobs
from sensors.update_wallets import update_wallets, wallets_sensor


def build_definitions(**overrides: object) -> dg.Definitions:
    """All assets, jobs, sensors and schedules; `overrides` replace resources by name (tests pass fakes)."""
    resources: dict[str, object] = {
        "warehouse": Warehouse(),
        "market_data": MarketData(),
        "job_queue": JobQueueResource(),
        "touched": TouchedResource(),
    }
    unknown = sorted(set(overrides) - set(resources))
    if unknown:
        raise ValueError(f"no such resource: {', '.join(unknown)}; there are {', '.join(sorted(resources))}")
    return dg.Definitions(
        assets=[
            inbox,
            raw_transactions,
            raw_logs,
            decoded,
            risk_flags,
            reference_prices,
            candles,
            features_1m,
            wallets,
            positions,
            moments,
            *market_assets,
        ],
        jobs=[
            fold_inbox,
            update_wallets,
            update_positions,
            update_moments,
            request_due_analyses,
            run_jobs,
            refresh_wallets,
            *market_jobs,
        ],
        sensors=[inbox_sensor, wallets_sensor, positions_sensor, jobs_sensor, touched_sensor],
        schedules=[close_yesterday, *cadence_schedules, *market_schedules],
        # A fold waits for disk and locks, not for cores: processes of its own would only cost it seconds.
        executor=dg.in_process_executor,
        resources={**resources, **overrides},
    )


defs = build_definitions()
