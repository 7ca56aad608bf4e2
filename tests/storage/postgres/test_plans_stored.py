"""Plans in a real PostgreSQL: quotas against requests at once, a new day, whose plan runs, what is watched and due."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import psycopg
import pytest

from oof_pipelines.config_files import read_config
from oof_pipelines.job_interfaces import NewJob
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.plans import PostgresPlans, midnight, next_midnight
from oof_pipelines.workflows.plans import PLANS_FILE, plan_row, read_plans

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WALLET, OTHER = "So11111111111111111111111111111111111111112", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
PLANS = read_plans(read_config(PLANS_FILE))
ROWS = [plan_row(plan) for plan in PLANS.by_code.values()]


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


@pytest.fixture
def plans(url: str) -> Iterator[PostgresPlans]:
    with PostgresPlans(url, ROWS) as opened:
        yield opened


def test_the_table_is_what_the_file_says(url: str, plans: PostgresPlans) -> None:
    with psycopg.connect(url) as connection:
        told = connection.execute(
            "select code, price_usd_dec::text, daily_wallets, backfill_days, cadence from plans order by plans.price_usd_dec"
        ).fetchall()
        assert told == [
            ("FREE", "0.00", 2, 180, "manual"),
            ("LITE", "2.00", 5, 365, "weekly"),
            ("PRO", "10.00", 25, 730, "daily"),
        ]
    with PostgresPlans(url, [{**ROWS[0], "daily_wallets": 3}]), psycopg.connect(url) as connection:
        assert connection.execute("select daily_wallets from plans order by code").fetchall() == [(3,), (5,), (25,)]


def test_a_hundred_requests_at_once_get_exactly_two(url: str) -> None:
    limit = PLANS.by_code["FREE"].daily_wallets
    # The server takes a hundred connections in all: fifty ask at the same moment, each twice.
    together = Barrier(50)

    def ask_twice(_number: int) -> list[int | None]:
        with PostgresPlans(url, ROWS) as own:
            together.wait(60)
            return [own.spend("somebody", 1, limit, NOON) for _ in range(2)]

    with ThreadPoolExecutor(50) as threads:
        answers = [used for pair in threads.map(ask_twice, range(50)) for used in pair]
    assert len(answers) == 100
    assert sorted(used for used in answers if used is not None) == [1, 2]
    with PostgresPlans(url, ROWS) as own:
        assert own.used("somebody", NOON) == 2


def test_several_wallets_count_each_and_all_or_none(plans: PostgresPlans) -> None:
    assert plans.spend("a", 3, 2, NOON) is None
    assert plans.used("a", NOON) == 0
    assert plans.spend("a", 2, 2, NOON) == 2
    assert plans.spend("a", 1, 2, NOON) is None
    assert plans.spend("b", 1, 2, NOON) == 1


def test_a_new_day_in_utc_counts_anew(plans: PostgresPlans) -> None:
    last_second = midnight(NOON) + DAY - timedelta(seconds=1)
    assert plans.spend("a", 2, 2, last_second) == 2
    assert plans.spend("a", 1, 2, last_second) is None
    assert next_midnight(last_second) - last_second == timedelta(seconds=1)
    assert plans.used("a", next_midnight(last_second)) == 0
    assert plans.spend("a", 1, 2, next_midnight(last_second)) == 1
    # A clock that lags spends of the newer day, and does not begin an older one.
    assert plans.spend("a", 1, 2, last_second) == 2
    assert plans.spend("a", 1, 2, last_second) is None


def job(wallet: str, user: str = "a") -> NewJob:
    return NewJob("analyze", {"wallets": [wallet]}, user_id=user, dedupe_key=f"{user} {wallet}")


def queued_jobs(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("select payload_json->'wallets'->>0 from job_queue order by 1").fetchall()
        return [wallet for (wallet,) in rows]


def test_a_quota_is_spent_with_the_job_or_not_at_all(url: str, plans: PostgresPlans) -> None:
    first = plans.spend_and_enqueue(job("x"), 1, 2, NOON)
    assert first is not None
    assert first.is_new
    assert plans.spend_and_enqueue(job("x"), 1, 2, NOON) == replace(first, is_new=False)
    assert plans.used("a", NOON) == 1
    assert plans.spend_and_enqueue(job("y"), 2, 2, NOON) is None
    assert plans.used("a", NOON) == 1
    assert plans.spend_and_enqueue(job("y"), 1, 2, NOON) is not None
    assert plans.spend_and_enqueue(job("z"), 1, 2, NOON) is None
    assert queued_jobs(url) == ["x", "y"]


def test_a_hundred_jobs_asked_for_at_once_are_two(url: str) -> None:
    together = Barrier(25)

    def ask(number: int) -> int:
        with PostgresPlans(url, ROWS) as own:
            together.wait(60)
            granted = [own.spend_and_enqueue(job(f"{number} {again}"), 1, 2, NOON) for again in range(4)]
            return sum(one is not None for one in granted)

    with ThreadPoolExecutor(25) as threads:
        assert sum(threads.map(ask, range(25))) == 2
    assert len(queued_jobs(url)) == 2


def test_a_watched_wallet_is_asked_for_once_by_schedules_at_once(url: str) -> None:
    together = Barrier(6)
    with PostgresPlans(url, ROWS) as own:
        own.watch("a", "x", 5, NOON)

    def ask(_number: int) -> bool:
        with PostgresPlans(url, ROWS) as own:
            together.wait(60)
            return own.request_watched(job("x"), "x", NOON - DAY, NOON) is not None

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(ask, range(6))) == 1
    with PostgresPlans(url, ROWS) as own:
        assert own.request_watched(job("gone"), "gone", NOON - DAY, NOON) is None
        assert own.watched("a") == [("x", NOON)]
    assert queued_jobs(url) == ["x"]


def test_a_plan_runs_from_its_start_to_its_end(plans: PostgresPlans) -> None:
    plans.set_plan("a", "LITE", NOON, None)
    plans.set_plan("a", "PRO", NOON, NOON + DAY)
    assert plans.running_codes("a", NOON - DAY) == []
    assert plans.running_codes("a", NOON) == ["LITE", "PRO"]
    assert plans.running_codes("a", NOON + DAY) == ["LITE"]
    assert plans.end_plan("a", "LITE")
    assert not plans.end_plan("a", "LITE")
    assert plans.running_codes("a", NOON + DAY) == []
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        plans.set_plan("a", "GOLD", NOON, None)


def test_a_wallet_is_one_users_own(plans: PostgresPlans) -> None:
    assert plans.wallets_of("a") == []
    assert plans.wallets_of(WALLET) == [WALLET]
    assert plans.link("a", WALLET, NOON)
    assert plans.link("a", WALLET, NOON + DAY)
    assert not plans.link("b", WALLET, NOON)
    assert plans.wallets_of("a") == [WALLET]
    # It is linked to somebody, so it speaks for him alone.
    assert plans.wallets_of(WALLET) == []


def test_so_many_are_watched_and_no_more(url: str) -> None:
    together = Barrier(8)

    def add(number: int) -> bool:
        with PostgresPlans(url, ROWS) as own:
            together.wait(60)
            return own.watch("a", f"wallet {number}", 5, NOON)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(add, range(8))) == 5
    with PostgresPlans(url, ROWS) as own:
        watched = [wallet for wallet, _ in own.watched("a")]
        assert len(watched) == 5
        assert own.watch("a", watched[0], 5, NOON)
        assert own.unwatch("a", watched[0])
        assert not own.unwatch("a", watched[0])
        assert own.watch("a", OTHER, 5, NOON)


def test_who_is_due_has_a_plan_of_the_cadence_and_waited_long_enough(plans: PostgresPlans) -> None:
    plans.set_plan("daily", "PRO", NOON, None)
    plans.set_plan("weekly", "LITE", NOON, None)
    plans.set_plan("over", "PRO", NOON - 2 * DAY, NOON - DAY)
    for user in ("daily", "weekly", "over", "nobody"):
        plans.watch(user, WALLET, 5, NOON)
        plans.watch(user, OTHER, 5, NOON + DAY)
    assert plans.due("daily", NOON - DAY, NOON) == [("daily", WALLET, 1), ("daily", OTHER, 2)]
    assert plans.due("weekly", NOON - 7 * DAY, NOON) == [("weekly", WALLET, 1), ("weekly", OTHER, 2)]
    assert plans.request_watched(job(WALLET, "daily"), WALLET, NOON - DAY, NOON) is not None
    assert plans.due("daily", NOON - DAY, NOON) == [("daily", OTHER, 2)]
    assert plans.due("daily", NOON, NOON + DAY) == [("daily", WALLET, 1), ("daily", OTHER, 2)]
