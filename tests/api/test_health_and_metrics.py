"""`GET /v1/health` and `GET /metrics`: what they say, and that asking often costs nothing."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from api_world import MemoryState, World, hint

from oof_pipelines.storage.postgres.platform_state import PlatformFigures, PlatformHealth

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def state(**changes: object) -> PlatformHealth:
    values: dict[str, object] = {
        "is_feed_running": True,
        "newest_stored_at": NOW - timedelta(seconds=3),
        "overdue_seconds": -5.0,
        "hints_overdue_seconds": None,
        "heartbeat_at": NOW - timedelta(seconds=20),
        "now": NOW,
    }
    return PlatformHealth(**(values | changes))  # type: ignore[arg-type]


def asked(world: World) -> tuple[int, dict[str, object]]:
    async def scenario() -> tuple[int, dict[str, object]]:
        async with world.running() as client:
            response = await client.get("/v1/health")
            return response.status_code, response.json()

    return asyncio.run(scenario())


def test_all_is_well() -> None:
    status, answer = asked(World(state=MemoryState(state())))
    assert (status, answer["status"]) == (200, "ok")
    checks = answer["checks"]
    assert isinstance(checks, dict)
    assert {name: check["status"] for name, check in checks.items()} == dict.fromkeys(
        ("database", "migrations", "rpc", "feed", "queue", "dagster", "webhook"), "ok"
    )
    assert checks["feed"]["detail"] == "newest stored 3 s ago"


@pytest.mark.parametrize(
    ("name", "world", "detail"),
    [
        ("feed", World(state=MemoryState(state(is_feed_running=False))), "no feed runs"),
        ("queue", World(state=MemoryState(state(overdue_seconds=61.0))), "told by a node: due for 61 s"),
        ("queue", World(state=MemoryState(state(hints_overdue_seconds=100.0))), "told by a webhook: due for 100 s"),
        ("dagster", World(state=MemoryState(state(heartbeat_at=NOW - timedelta(minutes=6)))), "heartbeat 360 s ago"),
        ("migrations", World(state=MemoryState(state()), missing_migrations=["0024_x.sql"]), "0024_x.sql"),
        ("rpc", World(state=MemoryState(state()), rpc_trouble="no answer"), "no answer"),
    ],
)
def test_what_is_amiss_is_named_and_is_no_outage(name: str, world: World, detail: str) -> None:
    status, answer = asked(world)
    assert (status, answer["status"]) == (200, "degraded")
    checks = answer["checks"]
    assert isinstance(checks, dict)
    assert {key for key, check in checks.items() if check["status"] == "degraded"} == {name}
    assert detail in checks[name]["detail"]


def test_without_the_database_it_is_down() -> None:
    status, answer = asked(World(state=MemoryState(None)))
    assert (status, answer["status"]) == (503, "down")


def test_a_home_without_dagster_or_webhook_is_not_ill() -> None:
    status, answer = asked(World(state=MemoryState(state(heartbeat_at=None)), authentication=None))
    assert (status, answer["status"]) == (200, "ok")


def test_many_who_ask_are_one_question() -> None:
    async def scenario() -> None:
        world = World(state=MemoryState(state()))
        async with world.running() as client:
            await asyncio.gather(*(client.get("/v1/health") for _ in range(50)))
            assert world.state.asked == 1
            world.clock.passed_s += 2.5
            await client.get("/v1/health")
            assert world.state.asked == 2
            await asyncio.gather(*(client.get("/metrics") for _ in range(50)))
            assert world.state.asked == 3

    asyncio.run(scenario())


def test_metrics_tell_of_deliveries_and_of_the_platform() -> None:
    figures = PlatformFigures(
        {
            "queue": {"socket": (7, 1.5), "webhook": (2, 30.0)},
            "transactions": {"": (123_456, 0)},
            "provisional": {"": (12, 0)},
            "moments": {"S2E": (3, 0)},
            "jobs": {"queued": (4, 2.5)},
        },
        missing=("quarantine",),
    )

    async def scenario() -> str:
        world = World(state=MemoryState(state(), figures))
        async with world.running() as client:
            await client.post("/webhooks/helius", json=[hint("a"), hint("b"), {}])
            await client.post("/webhooks/helius", json=[hint("a")])
            await client.post("/webhooks/helius", json=[hint("a")], headers={"Authorization": "x"})
            await client.get("/some/made/up/path")
            response = await client.get("/metrics")
            assert response.headers["content-type"].startswith("text/plain")
            return response.text

    text = asyncio.run(scenario())
    samples = dict(re.findall(r"^([^#\s]+) (\S+)$", text, re.MULTILINE))
    expected = {
        'oof_webhook_requests_total{outcome="accepted"}': 2,
        'oof_webhook_requests_total{outcome="unauthorized"}': 1,
        'oof_webhook_hints_total{result="new"}': 2,
        'oof_webhook_hints_total{result="known"}': 1,
        'oof_webhook_hints_total{result="refused"}': 1,
        'oof_api_requests_total{route="other",status="404"}': 1,
        'oof_api_request_seconds_count{route="/webhooks/helius"}': 3,
        'oof_queue_length{source="webhook"}': 2,
        'oof_queue_length{source="repair"}': 0,
        'oof_queue_oldest_seconds{source="socket"}': 1.5,
        "oof_transactions_stored": 123_456,
        "oof_transactions_provisional": 12,
        'oof_moments{kind="S2E"}': 3,
        'oof_jobs{status="queued"}': 4,
        'oof_jobs_lag_seconds{status="queued"}': 2.5,
        'oof_figures_missing{figure="quarantine"}': 1,
    }
    assert {name: float(samples[name]) for name in expected} == expected
    assert "made/up" not in text
