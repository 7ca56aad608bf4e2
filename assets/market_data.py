"""What services outside the chain say: prices, volumes, klines and token metadata, one asset a refresh, kept in Postgres."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from oof_pipelines.workflows.refresh_asking import RefreshReport
from oof_pipelines.workflows.refresh_market import REFRESHES
from resources.market_data import MarketData

# Refresh → (warn, fail): how old the last good answer may be. A fresh one comes every 1 to 60 minutes.
FRESHNESS = {
    "spot_prices": (timedelta(minutes=12), timedelta(minutes=30)),
    # Older than fifteen minutes a price of SOL is none (pricing/reference.py).
    "sol_price": (timedelta(minutes=10), timedelta(minutes=15)),
    "defillama_volume": (timedelta(minutes=15), timedelta(hours=1)),
    "pump_fun_volume": (timedelta(minutes=5), timedelta(minutes=15)),
    "sol_klines": (timedelta(minutes=12), timedelta(minutes=30)),
    "token_metadata": (timedelta(hours=3), timedelta(hours=12)),
    "token_mints": (timedelta(hours=3), timedelta(hours=12)),
}
GROUP = "market_data"
MARKET_POOL = "market"
"""One run at a time asks services, so that another always has room to fold."""


def market_asset(name: str) -> dg.AssetsDefinition:
    """The asset of one refresh: materialised where its source answered, nothing where none is configured."""
    warn, fail = FRESHNESS[name]

    @dg.asset(
        name=name,
        description=REFRESHES[name].description,
        group_name=GROUP,
        kinds={"postgres"},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=warn),
        output_required=False,
        pool=MARKET_POOL,
    )
    def market(context: dg.AssetExecutionContext, market_data: MarketData) -> Iterator[dg.MaterializeResult[None]]:
        report = market_data.refresh(name)
        if report.skipped is not None:
            context.log.info("nothing was asked: %s", report.skipped)
            return
        if report.error is not None and not report.readings:
            raise dg.Failure(report.error, metadata=_metadata(report), allow_retries=False)
        if report.error is not None:
            context.log.warning("what came before is kept: %s", report.error)
        yield dg.MaterializeResult(metadata=_metadata(report))

    return market


def _metadata(report: RefreshReport) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "source": report.source,
        "readings": report.readings,
        "stored": report.stored,
        "missing": report.missing,
        "refused": report.refused,
    }
    if report.last_good_at is not None:
        metadata["last_good_at"] = report.last_good_at.isoformat()
        metadata["last_good_age_seconds"] = int((datetime.now(UTC) - report.last_good_at).total_seconds())
    if report.error is not None:
        metadata["error"] = report.error
    return metadata


market_assets = [market_asset(name) for name in REFRESHES]
