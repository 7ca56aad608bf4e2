"""Watched wallets by cadence through Dagster: what is due is queued once, and nothing where nothing is due."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import psycopg
from filled_home import FilledHome

from oof_pipelines.definitions import build_definitions
from oof_pipelines.plan_work import open_plan_work
from oof_pipelines.settings import load_settings
from resources.warehouse import Warehouse
from sensors.plan_cadences import CADENCE_TAG, cadence_schedules, request_due_analyses

WALLET, OTHER = "So11111111111111111111111111111111111111112", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
SCHEDULES = {schedule.name: schedule for schedule in cadence_schedules}


def tick(name: str) -> list[dg.RunRequest]:
    with dg.instance_for_test() as instance:
        context = dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=datetime(2025, 6, 1, 12, tzinfo=UTC),
            resources={"warehouse": Warehouse()},
        )
        answer = SCHEDULES[name](context)
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return [answer] if isinstance(answer, dg.RunRequest) else []


def run(request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return request_due_analyses.execute_in_process(
            instance=instance, resources={"warehouse": Warehouse()}, tags=dict(request.tags)
        )


def test_each_cadence_has_a_running_schedule() -> None:
    repository = build_definitions().get_repository_def()
    assert {"daily_analyses", "weekly_analyses"} <= {schedule.name for schedule in repository.schedule_defs}
    assert all(one.default_status == dg.DefaultScheduleStatus.RUNNING for one in cadence_schedules)


def test_due_wallets_are_queued_once(filled_home: FilledHome) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=30)
    assert tick("daily_analyses") == []
    with open_plan_work(filled_home.url, load_settings()) as work:
        work.desk.set_plan("daily", "PRO", long_ago, None)
        work.desk.set_plan("weekly", "LITE", long_ago, None)
        for user, wallet in (("daily", WALLET), ("daily", OTHER), ("weekly", WALLET), ("free", WALLET)):
            assert work.desk.watch(user, wallet, 5, long_ago)
    [request] = tick("daily_analyses")
    assert request.tags[CADENCE_TAG] == "daily"
    assert run(request).success
    with psycopg.connect(filled_home.url, connect_timeout=10) as connection:
        jobs = connection.execute(
            "select user_id, plan_code, payload_json->'wallets'->>0, payload_json->>'days', priority from job_queue "
            "order by user_id, created_at, id"
        ).fetchall()
    assert sorted(jobs) == [("daily", "PRO", OTHER, "730", 2), ("daily", "PRO", WALLET, "730", 2)]
    assert tick("daily_analyses") == []
    [request] = tick("weekly_analyses")
    assert run(request).success
    with psycopg.connect(filled_home.url, connect_timeout=10) as connection:
        weekly = connection.execute("select plan_code, payload_json->>'days' from job_queue where user_id = 'weekly'")
        assert weekly.fetchall() == [("LITE", "365")]
        # What a schedule asks for is not of the day's quota.
        assert connection.execute("select count(*) from policy_state").fetchall() == [(0,)]
