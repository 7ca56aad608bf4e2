"""`oof follow`: the feed alone, from the configured endpoints into the inbox."""

import asyncio
import contextlib
import functools
import logging
import random
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import click
from prometheus_client import start_http_server

from oof_pipelines.chain.slot_clock import GENESIS_HASHES
from oof_pipelines.commands.account_metrics import AccountCollector
from oof_pipelines.commands.account_sources import account_sources, log_targets
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.feed_metrics import FeedCollector
from oof_pipelines.commands.feed_sources import geyser_stream
from oof_pipelines.interfaces import Clock, SourceRefusedError, SourceUnavailableError
from oof_pipelines.settings import Settings, SettingsError, check_targets, load_settings
from oof_pipelines.source_settings import GEYSER
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.trade_slices import ParquetTrades
from oof_pipelines.storage.postgres.database import ready_database_url, running_database_url
from oof_pipelines.storage.postgres.hot_features import PostgresHotFeatures
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.sol_usd_source import sol_usd_source
from oof_pipelines.telemetry import configure_logging
from oof_pipelines.transport.log_socket import LogSocket
from oof_pipelines.transport.pacing import Backoff
from oof_pipelines.transport.rpc import EndpointsRefuseUsError, RpcClient
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.feature_stream import FeatureStream
from oof_pipelines.workflows.follow import Feed
from oof_pipelines.workflows.follow_geyser import GeyserFeed

logger = logging.getLogger(__name__)
_REPORT_SECONDS = 10
# A person who waits for the first line begins to wonder after this long.
_SILENCE_SECONDS = 1.5
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0

EPILOG = """\b
Examples:
  oof follow                                  the pump.fun program, or what OOF_FOLLOW names
  oof follow all                              everything but votes
  oof follow allWithVotes --from-slot 0       everything, and what happened before
  RPC_PRIMARY=https://… oof follow ADDRESS    one address on your own endpoint
  OOF_SOURCES=geyser OOF_GEYSER_URL=https://… oof follow    by a Geyser stream, gaps over RPC
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

    OOF_SOURCES says how it hears: logs, geyser, accounts, webhook, or several of them together. Runs until Ctrl-C. It may be
    killed at any time: the next start repairs what was missed. An endpoint that does not answer is named in a warning and
    tried on; one that does not let us in ends the start.
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
        await _check_cluster(rpc, settings, clock, Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, randomness))
        stream = await geyser_stream(settings, clock, randomness)
        features = await _start_features(settings, inbox, clock)
        feed = Feed(
            rpc,
            socket,
            inbox,
            clock,
            targets=log_targets(settings, targets),
            cluster=settings.cluster,
            concurrency=settings.rpc_concurrency,
            from_slot=from_slot,
            listener=features,
            is_leaving_out_votes="all" in targets and GEYSER in settings.sources,
            anchor_programs=settings.programs.ids,
        )
        accounts = await account_sources(settings, rpc, inbox, clock, randomness, from_slot=from_slot)
        geyser = None
        if stream is not None:
            geyser = GeyserFeed(
                stream, rpc, inbox, clock, feed.storing, feed.listing, targets=targets, from_slot=from_slot
            )
        if metrics_at is not None:
            geyser_counts = None if geyser is None else geyser.counts
            FeedCollector(feed.counts, feed.tally, rpc.outcomes, features.counts, geyser_counts).register()
            AccountCollector(accounts).register()
            _serve_metrics(*metrics_at)
        heard = {"targets": ",".join(targets), "sources": ",".join(settings.sources)}
        logger.info("following", extra={**heard, "endpoint": str(settings.rpc_endpoints[0])})
        # Everything that hears writes into the one inbox, from which the feed fetches, stores and finalises.
        sources: list[Callable[[], Coroutine[Any, Any, None]]] = [feed.run]
        if geyser is not None:
            sources.append(geyser.run)
        sources += [one.run for one in (accounts.hints, accounts.stream) if one is not None]
        await _run_until_signal(sources, lambda: _shown_counts(feed, geyser) | accounts.shown_counts())


async def _start_features(settings: Settings, inbox: PostgresInbox, clock: Clock) -> FeatureStream:
    """The stream that keeps features_1m as fresh as the feed, made good for what an earlier feed left undone."""
    url = running_database_url(settings.database_url, settings.home)
    stream = FeatureStream(
        PostgresHotFeatures(inbox),
        ParquetTrades(ParquetStore(settings.store)),
        sol_usd_source(settings, url),
        begun_at_s=int(clock.now().timestamp()),
    )
    buckets = await stream.start()
    if buckets:
        logger.info("features made anew", extra={"buckets": buckets})
    return stream


def _serve_metrics(host: str, port: int) -> None:
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        # An address that is not ours, or a port that is taken: say which option to change.
        reason = error.strerror or str(error)
        raise SettingsError(f"--metrics-host, --metrics-port: cannot listen on {host} port {port}: {reason}") from None


async def _check_cluster(rpc: RpcClient, settings: Settings, clock: Clock, backoff: Backoff) -> None:
    """Refuse to fill a store of one cluster from an endpoint of another. Waits for an endpoint that answers."""
    genesis_hash = await _ask_genesis_hash(rpc, settings, clock, backoff)
    expected = GENESIS_HASHES.get(settings.cluster)
    if expected is not None and genesis_hash != expected:
        raise SettingsError(
            f"SOLANA_CLUSTER: the endpoint's genesis hash {genesis_hash[:44]!r} is not that of {settings.cluster}"
        )


async def _ask_genesis_hash(rpc: RpcClient, settings: Settings, clock: Clock, backoff: Backoff) -> str:
    asked = ", ".join(endpoint.named for endpoint in settings.rpc_endpoints)
    warn = functools.partial(logger.warning, "no answer yet to the question for the genesis hash")
    warning = asyncio.get_running_loop().call_later(_SILENCE_SECONDS, lambda: warn(extra={"asked": asked}))
    try:
        while True:
            try:
                return await rpc.genesis_hash()
            except EndpointsRefuseUsError as error:
                raise SettingsError(str(error)) from None
            except SourceRefusedError as error:
                raise SettingsError(f"{asked}: getGenesisHash is refused: {error}") from None
            except SourceUnavailableError as error:
                # A connection may come back, and a node that starts with us may be later than we are.
                logger.warning("no endpoint tells the genesis hash, trying on", extra={"reason": str(error)})
                await clock.sleep(backoff.next_delay_seconds())
    finally:
        warning.cancel()


async def _run_until_signal(
    sources: Sequence[Callable[[], Coroutine[Any, Any, None]]], counts: Callable[[], dict[str, int]]
) -> None:
    running = asyncio.create_task(_run_all(sources))
    reporting = asyncio.create_task(_report(counts))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running
    reporting.cancel()
    logger.info("stopped", extra=counts())


async def _run_all(sources: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for run in sources:
            tasks.create_task(run())


async def _report(counts: Callable[[], dict[str, int]]) -> None:
    while True:
        await asyncio.sleep(_REPORT_SECONDS)
        logger.info("progress", extra=counts())


def _shown_counts(feed: Feed, geyser: GeyserFeed | None) -> dict[str, int]:
    counts = feed.counts
    names = ("heard", "stored", "quarantined", "finalised", "repaired", "drops", "in_flight", "newest_slot")
    shown = {name: getattr(counts, name) for name in names}
    if geyser is None:
        return shown
    newest_slot = max(counts.newest_slot, geyser.counts.newest_slot)
    drops = counts.drops + geyser.counts.drops
    return shown | {"newest_slot": newest_slot, "drops": drops, "geyser": geyser.counts.transactions}
