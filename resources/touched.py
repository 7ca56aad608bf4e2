"""Touched wallets, for the sensor that watches them and the run that makes them again."""

from collections.abc import Callable

import dagster as dg

from oof_pipelines.refresh_work import RefreshTerms, RefreshTotals, refresh_standing
from oof_pipelines.settings import load_settings
from oof_pipelines.source_settings import OFF
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.touched_wallets import RefreshIsRunningError, RefreshState, refresh_state


class TouchedResource(dg.ConfigurableResource[None]):
    """Reads the settings (OOF_HOME, OOF_STORE, DATABASE_URL) when it is first used, not at load."""

    def is_off(self) -> bool:
        """Whether OOF_STANDING_RUNS keeps runs from standing by."""
        return load_settings().standing_runs == OFF

    def state(self) -> RefreshState:
        """What is due and who is at it."""
        return refresh_state(_database_url())

    def serve(
        self, run_id: str, *, idle_seconds: float, most_seconds: float, should_stop: Callable[[], bool]
    ) -> RefreshTotals | None:
        """Make wallets again until it is idle for so long, so old, or to stop; None where another process is at it."""
        terms = RefreshTerms(idle_seconds=idle_seconds, most_seconds=most_seconds)
        try:
            return refresh_standing(load_settings(), _database_url, terms, should_stop, name=run_id)
        except RefreshIsRunningError:
            return None


def _database_url() -> str:
    settings = load_settings()
    return ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
