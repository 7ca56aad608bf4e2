"""`oof follow`: the feed alone, from the configured endpoints into the inbox."""

import asyncio
import contextlib
import logging
import random
import signal
import sys

import click
from prometheus_client import start_http_server

from oof_pipelines.chain.slot_clock import GENESIS_HASHES
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.feed_metrics import FeedCollector
from oof_pipelines.interfaces import SourceUnavailableError
from oof_pipelines.settings import Settings, SettingsError, check_targets, load_settings
from oof_pipelines.storage.postgres.database import ready_database_url, running_database_url
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.telemetry import configure_logging
from oof_pipelines.transport.log_socket import LogSocket
from oof_pipelines.transport.rpc import RpcClient
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.follow import Feed

logger = logging.getLogger(__name__)
_REPORT_SECONDS = 10

EPILOG = """\b
Examples:
  oof follow                                  the pump.fun program, or what OOF_FOLLOW names
  oof follow all                              everything but votes
  oof follow allWithVotes --from-slot 0       everything, and what happened before
  RPC_PRIMARY=https://… oof follow ADDRESS    one address on your own endpoint
"""


@click.command(epilog=EPILOG)
@click.argument("targets", nargs=-1)
@click.option("--from-slot", type=click.IntRange(0), help="First start only: repair from this slot, not from now.")
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Serve Prometheus metrics on this port.")
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Address to serve them on.")
@click.option("--json-logs/--line-logs", default=None, help="Logs as JSON or lines (default: lines on a terminal).")
@plain_errors
def follow(
    targets: tuple[str, ...],
    from_slot: int | None,
    metrics_port: int | None,
    metrics_host: str,
    json_logs: bool | None,
) -> None:
    """Hear TARGETS (all, allWithVotes, or addresses), fetch every transaction once, and keep it in the inbox.

    Runs until Ctrl-C. It may be killed at any time: the next start repairs what was missed.
    """
    settings = load_settings()
    if not settings.rpc_endpoints:
        raise SettingsError("RPC_PRIMARY: no endpoint is set; `oof node DIR` serves recorded transactions as one")
    followed = check_targets("TARGETS", list(targets)) if targets else settings.follow
    configure_logging(is_json=not sys.stderr.isatty() if json_logs is None else json_logs)
    ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    asyncio.run(_follow(settings, followed, from_slot, (metrics_host, metrics_port) if metrics_port else None))


async def _follow(
    settings: Settings, targets: tuple[str, ...], from_slot: int | None, metrics_at: tuple[str, int] | None
) -> None:
    clock = SystemClock()
    randomness = random.Random()  # noqa: S311 - jitter, not a secret
    socket = LogSocket(
        settings.rpc_sockets, timeout_seconds=settings.rpc_timeout_seconds, clock=clock, randomness=randomness
    )
    rpc = RpcClient(
        settings.rpc_endpoints,
        requests_per_second=settings.requests_per_second,
        timeout_seconds=settings.rpc_timeout_seconds,
        clock=clock,
        randomness=randomness,
        connections=settings.rpc_concurrency + 4,
    )
    inbox = PostgresInbox(lambda: running_database_url(settings.database_url, settings.home))
    async with rpc, inbox:
        await _check_cluster(rpc, settings.cluster)
        feed = Feed(
            rpc,
            socket,
            inbox,
            clock,
            targets=targets,
            cluster=settings.cluster,
            concurrency=settings.rpc_concurrency,
            from_slot=from_slot,
        )
        if metrics_at is not None:
            FeedCollector(feed.counts, rpc.outcomes).register()
            _serve_metrics(*metrics_at)
        logger.info("following", extra={"targets": ",".join(targets), "endpoint": str(settings.rpc_endpoints[0])})
        await _run_until_signal(feed)


def _serve_metrics(host: str, port: int) -> None:
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        # An address that is not ours, or a port that is taken: say which option to change.
        reason = error.strerror or str(error)
        raise SettingsError(f"--metrics-host, --metrics-port: cannot listen on {host} port {port}: {reason}") from None


async def _check_cluster(rpc: RpcClient, cluster: str) -> None:
    """Refuse to fill a store of one cluster from an endpoint of another."""
    try:
        genesis_hash = await rpc.genesis_hash()
    except SourceUnavailableError as error:
        raise SettingsError(f"RPC_PRIMARY: {error}") from None
    expected = GENESIS_HASHES.get(cluster)
    if expected is not None and genesis_hash != expected:
        raise SettingsError(f"SOLANA_CLUSTER: the endpoint's genesis hash {genesis_hash} is not that of {cluster}")


async def _run_until_signal(feed: Feed) -> None:
    running = asyncio.create_task(feed.run())
    reporting = asyncio.create_task(_report(feed))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running
    reporting.cancel()
    _log_counts("stopped", feed)


async def _report(feed: Feed) -> None:
    while True:
        await asyncio.sleep(_REPORT_SECONDS)
        _log_counts("progress", feed)


def _log_counts(event: str, feed: Feed) -> None:
    counts = feed.counts
    shown = ("heard", "stored", "quarantined", "finalised", "repaired", "drops", "in_flight", "newest_slot")
    logger.info(event, extra={name: getattr(counts, name) for name in shown})
