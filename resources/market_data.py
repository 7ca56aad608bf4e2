"""Market services and the tables their readings are kept in, joined for the assets and schedules."""

import asyncio
import random

import dagster as dg

from oof_pipelines.market_store import MarketStore
from oof_pipelines.settings import Settings, load_settings
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.market_data import PostgresMarketData
from oof_pipelines.transport.market.clients import open_market_clients
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.refresh_asking import RefreshReport
from oof_pipelines.workflows.refresh_market import REFRESHES, refresh, why_skipped


class MarketData(dg.ConfigurableResource[None]):
    """Whom market data is asked of. Reads the settings (OOF_MARKET_SOURCES and theirs) each time it is used, not at load."""

    def why_skipped(self, name: str) -> str | None:
        """Why the refresh would ask nobody; None where it would."""
        return why_skipped(REFRESHES[name].source, load_settings().market.sources)

    def refresh(self, name: str) -> RefreshReport:
        """Do one refresh of `REFRESHES`. Raises where Postgres cannot be reached at its start; later the report says so."""
        settings = load_settings()
        reason = why_skipped(REFRESHES[name].source, settings.market.sources)
        if reason is not None:
            return RefreshReport(name, REFRESHES[name].source, skipped=reason)
        url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
        return asyncio.run(_refresh(name, settings, url))


async def _refresh(name: str, settings: Settings, url: str) -> RefreshReport:
    clock = SystemClock()
    randomness = random.Random()  # noqa: S311 - jitter, not a secret
    store: MarketStore
    async with (
        PostgresMarketData(lambda: url) as store,
        open_market_clients(settings.market, clock=clock, randomness=randomness) as clients,
    ):
        return await refresh(name, settings.market.sources, clients, store, clock)
