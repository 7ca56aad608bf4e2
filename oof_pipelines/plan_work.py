"""Plans, quotas and stakes joined once, for the commands, the schedules and the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from oof_pipelines.config_files import read_config
from oof_pipelines.settings import Settings
from oof_pipelines.storage.parquet.stakes import ParquetStakes
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.plans import PostgresPlans
from oof_pipelines.workflows.plans import CADENCES, PLANS_FILE, Plan, Plans, plan_row, read_plans
from oof_pipelines.workflows.request_analysis import (
    CadenceReport,
    Granted,
    plan_of,
    request_analysis,
    request_due,
)


@dataclass(frozen=True, slots=True)
class PlanWork:
    """Who may ask for what. Made by `open_plan_work`."""

    plans: Plans
    desk: PostgresPlans
    stakes: ParquetStakes

    def plan_of(self, user_id: str, now: datetime) -> Plan:
        """What the user has at `now`, boosts included."""
        return plan_of(self.desk, self.stakes, self.plans, user_id, now)

    def request(
        self, user_id: str, wallets: list[str], now: datetime, *, days: int | None = None, as_of: datetime | None = None
    ) -> Granted:
        """Spend the quota and queue the analysis; raises `QuotaSpentError`."""
        return request_analysis(self.desk, self.stakes, self.plans, user_id, wallets, now, days=days, as_of=as_of)

    def due(self, cadence: str, now: datetime) -> int:
        """How many watched wallets are due by a cadence."""
        return len(self.desk.due(cadence, now - CADENCES[cadence], now))

    def request_due(self, cadence: str, now: datetime) -> CadenceReport:
        """Queue the analyses of the watched wallets that are due."""
        return request_due(self.desk, self.stakes, self.plans, cadence, now)


def configured_plans() -> Plans:
    """The plans of plans.yaml. Raises `ConfigFileError` and `PlansConfigError`, each with one line."""
    return read_plans(read_config(PLANS_FILE))


@contextmanager
def open_plan_work(url: str, settings: Settings) -> Iterator[PlanWork]:
    """Over the migrated database at `url` and the store of `settings`. Raises what `configured_plans` raises."""
    plans = configured_plans()
    stakes = ParquetStakes(ParquetStore(settings.store), settings.programs.staking, settings.token_mint)
    with PostgresPlans(url, [plan_row(plan) for plan in plans.by_code.values()]) as desk:
        yield PlanWork(plans, desk, stakes)
