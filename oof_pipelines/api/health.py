"""`GET /v1/health`: what works and what does not, in a bounded time; the answer is kept for some seconds."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from oof_pipelines.api.cached import Cached
from oof_pipelines.interfaces import Clock
from oof_pipelines.storage.postgres.platform_state import PlatformHealth

HEALTH_ROUTE = "/v1/health"
OK, DEGRADED, DOWN, OFF = "ok", "degraded", "down", "off"

_KEPT_SECONDS = 2.0
_SLOW_CHECKS_KEPT_SECONDS = 30.0
LONGEST_OVERDUE_SECONDS = 60.0
"""A signature that a node told of is fetched within seconds; one that has been due for longer waits for something."""
LONGEST_HEARTBEAT_SECONDS = 300.0
"""As DAGSTER_DAEMON_HEARTBEAT_TOLERANCE: its heartbeats come every 30 s."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the answer: `status` is ok, degraded, down, or off (not asked for, and no fault)."""

    status: str
    detail: str


class PlatformState(Protocol):
    """Where health is read from; None where the database is away."""

    async def health(self) -> PlatformHealth | None: ...


@dataclass(frozen=True, slots=True)
class HealthSources:
    """What is asked. `migrations` names those not applied and `rpc` why no endpoint answers (None: one does, or none is set
    and `has_rpc` is false); neither raises."""

    state: PlatformState
    migrations: Callable[[], Awaitable[Sequence[str] | None]]
    rpc: Callable[[], Awaitable[str | None]]
    has_rpc: bool
    is_webhook_on: bool
    webhook_off_because: str


class Health:
    """Answers for all who ask within two seconds are one answer."""

    def __init__(self, sources: HealthSources, clock: Clock) -> None:
        self._sources = sources
        self._migrations = Cached(sources.migrations, _SLOW_CHECKS_KEPT_SECONDS, clock)
        self._rpc = Cached(sources.rpc, _SLOW_CHECKS_KEPT_SECONDS, clock)
        self._checks = Cached(self._ask, _KEPT_SECONDS, clock)

    async def checks(self) -> dict[str, Check]:
        """Check by name."""
        return await self._checks.get()

    async def _ask(self) -> dict[str, Check]:
        health = await self._sources.state.health()
        webhook = Check(OK, "on") if self._sources.is_webhook_on else Check(OFF, self._sources.webhook_off_because)
        if health is None:
            return {"database": Check(DOWN, "no answer within a second"), "webhook": webhook}
        return {
            "database": Check(OK, "answers"),
            "migrations": _migrations(await self._migrations.get()),
            "rpc": _rpc(await self._rpc.get()) if self._sources.has_rpc else Check(OFF, "RPC_PRIMARY is not set here"),
            "feed": _feed(health),
            "queue": _queue(health.overdue_seconds, health.hints_overdue_seconds),
            "dagster": _dagster(health),
            "webhook": webhook,
        }


def health_router(health: Health) -> APIRouter:
    """`{"status": "ok"|"degraded"|"down", "checks": {name: {"status", "detail"}}}`; 503 where the database is away."""
    router = APIRouter()

    @router.get(HEALTH_ROUTE)
    async def answer() -> Response:
        checks = await health.checks()
        statuses = {check.status for check in checks.values()}
        status = DOWN if DOWN in statuses else DEGRADED if DEGRADED in statuses else OK
        named = {name: {"status": check.status, "detail": check.detail} for name, check in checks.items()}
        body = msgspec.json.encode({"status": status, "checks": named})
        return Response(body, 503 if status == DOWN else 200, media_type="application/json")

    return router


def _migrations(missing: Sequence[str] | None) -> Check:
    if missing is None:
        return Check(DEGRADED, "not known: the migrations could not be compared")
    return Check(DEGRADED, f"not applied: {', '.join(missing)}") if missing else Check(OK, "all applied")


def _rpc(trouble: str | None) -> Check:
    return Check(OK, "answers") if trouble is None else Check(DEGRADED, trouble)


def _feed(health: PlatformHealth) -> Check:
    newest = "nothing stored yet"
    if health.newest_stored_at is not None:
        newest = f"newest stored {(health.now - health.newest_stored_at).total_seconds():.0f} s ago"
    return Check(OK, newest) if health.is_feed_running else Check(DEGRADED, f"no feed runs; {newest}")


def _queue(overdue_seconds: float | None, hints_overdue_seconds: float | None) -> Check:
    late = {"told by a node": overdue_seconds, "told by a webhook": hints_overdue_seconds}
    texts = [
        f"{name}: due for {seconds:.0f} s" for name, seconds in late.items() if seconds is not None and seconds > 0
    ]
    is_late = any(seconds is not None and seconds > LONGEST_OVERDUE_SECONDS for seconds in late.values())
    return Check(DEGRADED if is_late else OK, "; ".join(texts) or "nothing is overdue")


def _dagster(health: PlatformHealth) -> Check:
    if health.heartbeat_at is None:
        return Check(OFF, "no daemon has used this database")
    seconds = (health.now - health.heartbeat_at).total_seconds()
    return Check(OK if seconds <= LONGEST_HEARTBEAT_SECONDS else DEGRADED, f"heartbeat {seconds:.0f} s ago")
