"""`oof api`: the HTTP API, today the webhook receiver, health and metrics."""

import asyncio
import contextlib
import logging
import random
import socket
import sys
from collections.abc import AsyncIterator, Sequence

import click

from oof_pipelines.api.application import ApiParts, build_app
from oof_pipelines.api.health import Health, HealthSources
from oof_pipelines.api.hint_writer import HintWriter
from oof_pipelines.api.metrics import Metrics
from oof_pipelines.api.request_log import RequestTimes
from oof_pipelines.api.server import ApiServer, listening_socket, loop_factory
from oof_pipelines.api.webhook import SECRET_SETTING, WebhookReceiver
from oof_pipelines.api.webhook_authentication import BodySignature, HeaderSecret, WebhookAuthentication
from oof_pipelines.api.webhook_body import BodyReader
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.interfaces import Clock, SourceRefusedError, SourceUnavailableError
from oof_pipelines.settings import Settings, load_settings
from oof_pipelines.source_settings import HMAC, ApiSettings
from oof_pipelines.storage.postgres.database import ready_database_url, running_database_url
from oof_pipelines.storage.postgres.migrate import MigrationError, pending
from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.storage.postgres.platform_state import PostgresState
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.storage.postgres.webhook_hints import PostgresHints
from oof_pipelines.telemetry import configure_logging
from oof_pipelines.transport.rpc import RpcClient
from oof_pipelines.transport.system_clock import SystemClock

logger = logging.getLogger(__name__)

_RPC_SECONDS = 2.0
WEBHOOK_OFF = f"off: {SECRET_SETTING} is not set"

EPILOG = """\b
Examples:
  HELIUS_WEBHOOK_SECRET=… oof api
  oof api --host 0.0.0.0 --port 8080 --json-logs
"""


@click.command(epilog=EPILOG)
@click.option("--host", help="Address to listen on (default: OOF_API_HOST).")
@click.option("--port", type=WholeNumber(1, 65535), help="Port to listen on (default: OOF_API_PORT).")
@click.option("--json-logs/--line-logs", default=None, help="Logs as JSON or lines (default: lines on a terminal).")
@plain_errors
def api(host: str | None, port: int | None, json_logs: bool | None) -> None:
    """Serve the API: POST /webhooks/helius, GET /v1/health, GET /metrics.

    Runs until Ctrl-C; requests under way are answered first. What a webhook tells of is queued, and fetched by the feed.
    """
    settings = load_settings()
    configure_logging(is_json=not sys.stderr.isatty() if json_logs is None else json_logs)
    ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    listening = listening_socket(host or settings.api.host, port or settings.api.port)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(settings, listening))


async def _serve(settings: Settings, listening: socket.socket) -> None:
    clock = SystemClock()
    times = RequestTimes()
    reader = BodyReader(settings.api.webhook_most_bytes)
    writer = HintWriter(PostgresHints(lambda: running_database_url(settings.database_url, settings.home)), clock)
    receiver = WebhookReceiver(webhook_authentication(settings.api), reader, writer, clock, cluster=settings.cluster)
    # What looks must not start a server that was stopped.
    state = PostgresState(lambda: settings.database_url or EmbeddedPostgres(settings.home).url)
    async with _rpc(settings, clock) as rpc:
        sources = HealthSources(
            state=state,
            migrations=lambda: _missing_migrations(settings),
            rpc=lambda: _rpc_trouble(rpc),
            has_rpc=rpc is not None,
            is_webhook_on=receiver.is_on,
            webhook_off_because=WEBHOOK_OFF,
        )
        metrics = Metrics(state, receiver, writer, times, clock)
        failures: list[BaseException] = []

        def fail(error: BaseException) -> None:
            failures.append(error)
            server.stop()

        app = build_app(ApiParts(receiver, writer, Health(sources, clock), metrics, times), fail)
        server = ApiServer(app, on_stop=reader.stop)
        host, port = listening.getsockname()[:2]
        webhook = settings.api.webhook_mode if receiver.is_on else WEBHOOK_OFF
        logger.info("serving", extra={"host": host, "port": port, "webhook": webhook})
        await server.serve(sockets=[listening])
    if failures:
        raise failures[0]
    logger.info("stopped", extra={"hints": writer.counts.new, "deliveries": sum(receiver.outcomes.values())})


def webhook_authentication(api: ApiSettings) -> WebhookAuthentication | None:
    """How a sender shows the secret; None where none is set."""
    if api.webhook_secret is None:
        return None
    secret = api.webhook_secret.reveal()
    return BodySignature(secret) if api.webhook_mode == HMAC else HeaderSecret(secret)


@contextlib.asynccontextmanager
async def _rpc(settings: Settings, clock: Clock) -> AsyncIterator[RpcClient | None]:
    if not settings.rpc_endpoints:
        yield None
        return
    async with RpcClient(
        settings.rpc_endpoints,
        requests_per_second=1,
        timeout_seconds=_RPC_SECONDS,
        clock=clock,
        randomness=random.Random(),  # noqa: S311 - jitter, not a secret
        connections=1,
    ) as rpc:
        yield rpc


async def _rpc_trouble(rpc: RpcClient | None) -> str | None:
    """Why no endpoint answers, without what it said; None where one does."""
    if rpc is None:
        return None
    try:
        async with asyncio.timeout(_RPC_SECONDS):
            await rpc.slot("confirmed")
    except (TimeoutError, SourceUnavailableError, SourceRefusedError):
        return f"no answer to getSlot within {_RPC_SECONDS:g} s"
    return None


async def _missing_migrations(settings: Settings) -> Sequence[str] | None:
    try:
        url = settings.database_url or EmbeddedPostgres(settings.home).url
        missing = await asyncio.to_thread(pending, url, settings.migrations_folder)
    except (MigrationError, EmbeddedPostgresError):
        return None
    return [migration.file_name for migration in missing]
