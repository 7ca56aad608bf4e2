"""Ask for an analysis within a plan: how deep, how soon and how often is the plan's; the quota is spent as the job is queued.

A continuation is queued by the job that was cut short, and spends nothing. Watched wallets are asked for as often as the
plan's cadence says, and spend nothing either: how many may be watched is the plan's number of wallets a day.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec

from oof_pipelines.job_interfaces import Enqueued, NewJob
from oof_pipelines.workflows.plans import CADENCES, Plan, Plans

ANALYZE = "analyze"
"""The kind of job that analyses wallets."""


class QuotaSpentError(Exception):
    """The plan allows no more today. The message is for the user; nothing was spent, nothing queued."""

    def __init__(self, plan: Plan, used: int, asked: int, resets_at: datetime) -> None:
        super().__init__(
            f"{plan.code} allows {plan.daily_wallets} wallets a day, {used} are used and {asked} asked for; "
            f"it is whole again at {resets_at:%Y-%m-%d %H:%M} UTC"
        )
        self.plan = plan
        self.used = used
        self.resets_at = resets_at


class StakedBalance(Protocol):
    """Base units staked, and the token's decimals where they are known."""

    @property
    def raw(self) -> int: ...

    @property
    def decimals(self) -> int | None: ...


class Stakes(Protocol):
    """What wallets have staked."""

    def staked(self, wallet: str) -> StakedBalance: ...


class RequestDesk(Protocol):
    """Where plans are kept and jobs are queued, in one database."""

    def running_codes(self, user_id: str, now: datetime) -> list[str]: ...

    def wallets_of(self, user_id: str) -> list[str]:
        """The user's own wallets."""
        ...

    def used(self, user_id: str, now: datetime) -> int: ...

    def resets_at(self, now: datetime) -> datetime:
        """When the day's quota is whole again."""
        ...

    def spend_and_enqueue(self, job: NewJob, count: int, limit: int, now: datetime) -> Enqueued | None:
        """Spend `count` of the user's `limit` and queue his job, in one transaction. None, with neither done, where the
        limit does not allow it; where the same job is queued already that one is given and nothing is spent."""
        ...

    def request_watched(self, job: NewJob, wallet: str, before: datetime, now: datetime) -> Enqueued | None:
        """Queue a watched wallet's job and note when, in one transaction; None where it was asked for since `before`."""
        ...

    def due(self, cadence: str, before: datetime, now: datetime) -> list[tuple[str, str, int]]:
        """(user, wallet, its place among the user's from 1) not requested since `before`."""
        ...


@dataclass(frozen=True, slots=True)
class Granted:
    """A request that was granted. `days` is how deep it goes, at most what the plan allows; `used` of the day's quota."""

    job: Enqueued
    plan: Plan
    days: int
    used: int


@dataclass(frozen=True, slots=True)
class CadenceReport:
    """What a schedule's run asked for; `over_limit` are watched wallets beyond what the plan allows now."""

    cadence: str
    requested: int
    already_queued: int
    over_limit: int


def plan_of(desk: RequestDesk, stakes: Stakes, plans: Plans, user_id: str, now: datetime) -> Plan:
    """What the user has at `now`: his best running plan, with the boost that his own wallets' stakes give."""
    plan = plans.effective(desk.running_codes(user_id, now))
    staked = [stakes.staked(wallet) for wallet in desk.wallets_of(user_id)]
    decimals = next((one.decimals for one in staked if one.decimals is not None), None)
    return plans.boosted(plan, sum(one.raw for one in staked), decimals)


def request_analysis(
    desk: RequestDesk,
    stakes: Stakes,
    plans: Plans,
    user_id: str,
    wallets: Sequence[str],
    now: datetime,
    *,
    days: int | None = None,
    as_of: datetime | None = None,
) -> Granted:
    """Queue the analysis of one owner's wallets for a user. Each wallet counts one of the day's quota.

    Raises `QuotaSpentError`.
    """
    unique = tuple(dict.fromkeys(wallets))
    plan = plan_of(desk, stakes, plans, user_id, now)
    depth_days = min(days or plan.backfill_days, plan.backfill_days)
    job = _job(plan, user_id, unique, depth_days, as_of)
    queued = desk.spend_and_enqueue(job, len(unique), plan.daily_wallets, now)
    used = desk.used(user_id, now)
    if queued is None:
        raise QuotaSpentError(plan, used, len(unique), desk.resets_at(now))
    return Granted(queued, plan, depth_days, used)


def request_due(
    desk: RequestDesk,
    stakes: Stakes,
    plans: Plans,
    cadence: str,
    now: datetime,
    *,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> CadenceReport:
    """Queue the analyses of all watched wallets that are due by a cadence, each for its user's plan as it is now."""
    before = now - CADENCES[cadence]
    due = desk.due(cadence, before, now)
    plan_by_user: dict[str, Plan] = {}
    requested = already_queued = over_limit = 0
    for done, (user_id, wallet, place) in enumerate(due, 1):
        plan = plan_by_user.get(user_id)
        if plan is None:
            plan = plan_by_user[user_id] = plan_of(desk, stakes, plans, user_id, now)
        if plan.cadence != cadence:
            # He has a better plan beside this one, and is asked for by its cadence.
            continue
        if place > plan.daily_wallets:
            over_limit += 1
            continue
        queued = desk.request_watched(_job(plan, user_id, (wallet,), plan.backfill_days, None), wallet, before, now)
        if queued is not None:
            requested += queued.is_new
            already_queued += not queued.is_new
        on_progress(done, len(due))
    return CadenceReport(cadence, requested, already_queued, over_limit)


def analysis_payload(
    wallets: Iterable[str],
    days: int | None,
    as_of: datetime | None,
    ceilings: Mapping[str, Any],
    *,
    reach_days: int | None = None,
) -> dict[str, Any]:
    """What a job of the kind `ANALYZE` holds. `ceilings` as `Ceilings` names them; `reach_days` None is the most there is."""
    payload = {
        "wallets": list(wallets),
        "days": days,
        "as_of": None if as_of is None else as_of.isoformat(),
        "ceilings": dict(ceilings),
    }
    return payload if reach_days is None else payload | {"reach_days": reach_days}


def _job(plan: Plan, user_id: str, wallets: tuple[str, ...], days: int, as_of: datetime | None) -> NewJob:
    # An instant in the past must not reach behind what the plan allows.
    reach_days = plan.backfill_days
    payload = analysis_payload(wallets, days, as_of, msgspec.structs.asdict(plan.ceilings), reach_days=reach_days)
    what = f"{','.join(sorted(wallets))}|{days}|{payload['as_of'] or ''}"
    return NewJob(
        kind=ANALYZE,
        payload=payload,
        priority=plan.priority,
        user_id=user_id,
        plan_code=plan.code,
        dedupe_key=f"{ANALYZE}|{user_id}|{what}",
    )
