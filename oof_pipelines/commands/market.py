"""`oof market`: ask the configured market services again and again, listen to their streams, and keep what they say."""

import asyncio
import contextlib
import logging
import random
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import click
from prometheus_client import start_http_server

from oof_pipelines.commands.errors import hide_secrets, plain_errors
from oof_pipelines.commands.market_metrics import MarketCollector, MarketTelemetry
from oof_pipelines.settings import MARKET_SOURCES, Settings, SettingsError, load_settings
from oof_pipelines.storage.postgres.database import ready_database_url, running_database_url
from oof_pipelines.storage.postgres.market_data import PostgresMarketData
from oof_pipelines.telemetry import configure_logging
from oof_pipelines.transport.market.clients import MarketClients, open_market_clients
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.refresh_asking import RefreshReport
from oof_pipelines.workflows.refresh_market import STREAMS, keep_refreshing, refresh_once

logger = logging.getLogger(__name__)

EPILOG = """\b
Examples:
  OOF_MARKET_SOURCES=pyth,binance oof market          SOL in dollars and SOLUSDT as they change, until Ctrl-C
  OOF_MARKET_SOURCES=jupiter,defillama oof market --once
  oof market --streams                                only what comes as a stream; Dagster's schedules ask the rest
"""


@click.command(epilog=EPILOG)
@click.option("--once", "is_once", is_flag=True, help="Ask each source once, say how it went, and end.")
@click.option("--streams", "is_streams_only", is_flag=True, help="Listen to the streams alone (pyth, binance).")
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Serve Prometheus metrics on this port.")
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Address to serve them on.")
@click.option("--json-logs/--line-logs", default=None, help="Logs as JSON or lines (default: lines on a terminal).")
@plain_errors
def market(
    is_once: bool, is_streams_only: bool, metrics_port: int | None, metrics_host: str, json_logs: bool | None
) -> None:
    """Keep what market services say: prices, volumes, klines, order books, token metadata.

    OOF_MARKET_SOURCES names the services; one that is not named is skipped, and one that fails never stops the others.
    Runs until Ctrl-C. With --once, the exit status is 1 where a source gave nothing but an error.
    """
    if is_once and is_streams_only:
        raise click.UsageError("--once and --streams are both set: a stream has no end")
    settings = load_settings()
    if not is_once:
        _check_sources(settings, set(STREAMS.values()) if is_streams_only else set(MARKET_SOURCES))
    configure_logging(is_json=not sys.stderr.isatty() if json_logs is None else json_logs)
    ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    if is_once:
        failures = asyncio.run(_ask_once(settings))
        if failures:
            raise click.ClickException(hide_secrets("; ".join(failures)))
        return
    asyncio.run(_run(settings, is_streams_only, (metrics_host, metrics_port) if metrics_port else None))


def _check_sources(settings: Settings, of: set[str]) -> None:
    if not of.intersection(settings.market.sources):
        named = ", ".join(name for name in MARKET_SOURCES if name in of)
        raise SettingsError(f"OOF_MARKET_SOURCES: names no source to ask; there are {named}")


def _store(settings: Settings) -> PostgresMarketData:
    return PostgresMarketData(lambda: running_database_url(settings.database_url, settings.home))


async def _ask_once(settings: Settings) -> list[str]:
    clock = SystemClock()
    clients = open_market_clients(settings.market, clock=clock, randomness=random.Random())  # noqa: S311 - jitter
    async with _store(settings) as store, clients as opened:
        reports = await refresh_once(settings.market.sources, opened, store, clock)
    for report in reports:
        click.echo(hide_secrets(_line(report)))
    return [f"{report.name}: {report.error}" for report in reports if report.error and not report.readings]


def _line(report: RefreshReport) -> str:
    if report.skipped is not None:
        return f"{report.name} skipped: {report.skipped}"
    counts = f"readings={report.readings} stored={report.stored} missing={report.missing} refused={report.refused}"
    return f"{report.name} {report.source} {counts}{f' error: {report.error}' if report.error else ''}"


async def _run(settings: Settings, is_streams_only: bool, metrics_at: tuple[str, int] | None) -> None:
    clock = SystemClock()
    telemetry = MarketTelemetry()
    clients = open_market_clients(settings.market, clock=clock, randomness=random.Random())  # noqa: S311 - jitter
    async with _store(settings) as store, clients as opened:
        if metrics_at is not None:
            MarketCollector(telemetry, opened.services, clock).register()
            _serve_metrics(*metrics_at)
        logger.info("asking market services", extra={"sources": ",".join(settings.market.sources)})
        await _until_signal(_keep(settings, opened, store, clock, telemetry, is_streams_only))
    for name, counts in telemetry.streams.items():
        logger.info("stream stopped", extra={"stream": name, "heard": counts.heard, "stored": counts.stored})


async def _keep(
    settings: Settings,
    clients: MarketClients,
    store: PostgresMarketData,
    clock: SystemClock,
    telemetry: MarketTelemetry,
    is_streams_only: bool,
) -> None:
    def told(report: RefreshReport) -> None:
        telemetry.add(report)
        # Failures are logged where they happen, with their reason.
        if report.skipped is not None:
            logger.info("skipped", extra={"refresh": report.name, "reason": report.skipped})
        elif report.error is None:
            logger.info("refreshed", extra={"refresh": report.name, "readings": report.readings, "new": report.stored})

    await keep_refreshing(
        settings.market.sources,
        clients,
        store,
        clock,
        on_report=told,
        stream_counts=telemetry.streams,
        is_streams_only=is_streams_only,
    )


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    running = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _serve_metrics(host: str, port: int) -> None:
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"--metrics-host, --metrics-port: cannot listen on {host} port {port}: {reason}") from None
