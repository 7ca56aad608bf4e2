"""Asking within a plan, over a desk in memory: quota, depth, boost, the same request twice, watched wallets."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from oof_pipelines.config_files import read_config
from oof_pipelines.job_interfaces import Enqueued, NewJob
from oof_pipelines.workflows.analysis_request import AnalysisRequest
from oof_pipelines.workflows.plans import DAILY, PLANS_FILE, WEEKLY, read_plans
from oof_pipelines.workflows.request_analysis import QuotaSpentError, plan_of, request_analysis, request_due

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PLANS = read_plans(read_config(PLANS_FILE))


@dataclass(frozen=True)
class Amount:
    raw: int
    decimals: int | None


@dataclass
class MemoryStakes:
    amounts: dict[str, Amount] = field(default_factory=dict)

    def staked(self, wallet: str) -> Amount:
        return self.amounts.get(wallet, Amount(0, None))


@dataclass
class MemoryDesk:
    codes: dict[str, list[str]] = field(default_factory=dict)
    wallets: dict[str, list[str]] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)
    jobs: list[NewJob] = field(default_factory=list)
    watched: dict[tuple[str, str], datetime | None] = field(default_factory=dict)

    def running_codes(self, user_id: str, now: datetime) -> list[str]:
        return self.codes.get(user_id, [])

    def wallets_of(self, user_id: str) -> list[str]:
        return self.wallets.get(user_id, [])

    def used(self, user_id: str, now: datetime) -> int:
        return self.spent.get(user_id, 0)

    def resets_at(self, now: datetime) -> datetime:
        return datetime(2025, 6, 2, tzinfo=UTC)

    def _enqueue(self, job: NewJob) -> Enqueued:
        for number, other in enumerate(self.jobs):
            if other.dedupe_key == job.dedupe_key:
                return Enqueued(str(number), False)
        self.jobs.append(job)
        return Enqueued(str(len(self.jobs) - 1), True)

    def spend_and_enqueue(self, job: NewJob, count: int, limit: int, now: datetime) -> Enqueued | None:
        if any(other.dedupe_key == job.dedupe_key for other in self.jobs):
            return self._enqueue(job)
        if self.spent.get(str(job.user_id), 0) + count > limit:
            return None
        self.spent[str(job.user_id)] = self.spent.get(str(job.user_id), 0) + count
        return self._enqueue(job)

    def request_watched(self, job: NewJob, wallet: str, before: datetime, now: datetime) -> Enqueued | None:
        self.watched[str(job.user_id), wallet] = now
        return self._enqueue(job)

    def due(self, cadence: str, before: datetime, now: datetime) -> list[tuple[str, str, int]]:
        cadences = {user: {PLANS.by_code[code].cadence for code in codes} for user, codes in self.codes.items()}
        found, places = [], dict[str, int]()
        for (user, wallet), last in self.watched.items():
            places[user] = places.get(user, 0) + 1
            if cadence in cadences.get(user, ()) and (last is None or last <= before):
                found.append((user, wallet, places[user]))
        return found


def ask(desk: MemoryDesk, *wallets: str, stakes: MemoryStakes | None = None, user: str = "u", **options: Any) -> Any:
    return request_analysis(desk, stakes or MemoryStakes(), PLANS, user, wallets, NOON, **options)


def test_free_gets_two_wallets_a_day_half_a_year_deep() -> None:
    desk = MemoryDesk()
    assert ask(desk, "a").days == 180
    assert ask(desk, "b", days=9999).days == 180
    assert desk.jobs[0].payload["days"] == 180
    with pytest.raises(QuotaSpentError, match=r"FREE allows 2 wallets a day, 2 are used and 1 asked for; .*2025-06-02"):
        ask(desk, "c")
    assert [job.payload["wallets"] for job in desk.jobs] == [["a"], ["b"]]


def test_a_shallower_request_stays_as_asked() -> None:
    desk = MemoryDesk(codes={"u": ["PRO"]})
    assert ask(desk, "a").days == 730
    assert ask(desk, "a", days=30).days == 30


def test_an_instant_in_the_past_reaches_no_deeper_than_the_plan() -> None:
    desk = MemoryDesk(codes={"u": ["LITE"]})
    ask(desk, "a", days=30, as_of=NOON - 700 * DAY)
    request = msgspec.convert(desk.jobs[0].payload, AnalysisRequest)
    assert (request.days, request.reach_days) == (30, 365)


def test_each_wallet_counts_but_none_twice() -> None:
    desk = MemoryDesk()
    assert ask(desk, "a", "b", "a").used == 2
    assert desk.jobs[0].payload["wallets"] == ["a", "b"]
    with pytest.raises(QuotaSpentError):
        ask(desk, "c")


def test_what_is_queued_already_is_given_and_costs_nothing() -> None:
    desk = MemoryDesk()
    first = ask(desk, "a")
    again = ask(desk, "a")
    assert (again.job.id, again.job.is_new, again.used) == (first.job.id, False, 1)
    # Another user's request is a job of its own, with his plan's depth and ceilings.
    assert ask(desk, "a", user="v").job.is_new


def test_the_jobs_ceilings_and_priority_are_the_plans() -> None:
    desk = MemoryDesk(codes={"u": ["LITE"]})
    ask(desk, "a")
    [job] = desk.jobs
    lite = PLANS.by_code["LITE"]
    assert job.priority == lite.priority
    assert job.plan_code == "LITE"
    assert job.payload["ceilings"] == {
        "max_signatures": lite.ceilings.max_signatures,
        "max_tx": lite.ceilings.max_tx,
        "max_cpu_ms": lite.ceilings.max_cpu_ms,
        "max_candle_reads": lite.ceilings.max_candle_reads,
    }


def test_stakes_of_all_own_wallets_together_boost() -> None:
    desk = MemoryDesk(wallets={"u": ["w1", "w2"]})
    stakes = MemoryStakes({"w1": Amount(600 * 10**6, 6), "w2": Amount(400 * 10**6, 6), "other": Amount(10**18, 6)})
    for wallet in ("a", "b", "c"):
        ask(desk, wallet, stakes=stakes)
    with pytest.raises(QuotaSpentError, match="FREE allows 3 wallets"):
        ask(desk, "d", stakes=stakes)
    assert {job.priority for job in desk.jobs} == {10}
    stakes.amounts["w2"] = Amount(399 * 10**6, 6)
    assert not plan_of(desk, stakes, PLANS, "u", NOON).is_boosted


def test_watched_wallets_are_asked_for_by_cadence_without_quota() -> None:
    desk = MemoryDesk(codes={"pro": ["PRO"], "lite": ["LITE"], "both": ["LITE", "PRO"]})
    for user in ("pro", "lite", "both", "free"):
        for number in range(7):
            desk.watched[user, f"w{number}"] = None
    weekly = request_due(desk, MemoryStakes(), PLANS, WEEKLY, NOON)
    # Five of the seven are what LITE allows; who has PRO beside it is asked for every day.
    assert (weekly.requested, weekly.over_limit) == (5, 2)
    assert {job.user_id for job in desk.jobs} == {"lite"}
    daily = request_due(desk, MemoryStakes(), PLANS, DAILY, NOON)
    assert (daily.requested, daily.over_limit) == (14, 0)
    assert desk.spent == {}
    assert request_due(desk, MemoryStakes(), PLANS, DAILY, NOON + DAY / 2).requested == 0
    later = request_due(desk, MemoryStakes(), PLANS, DAILY, NOON + DAY)
    assert (later.requested, later.already_queued) == (0, 14)
