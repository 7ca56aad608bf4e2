"""`oof up`: the whole platform on this machine until Ctrl-C."""

import signal
import time
from dataclasses import replace
from pathlib import Path

import click

from oof_pipelines.commands.api import WEBHOOK_OFF
from oof_pipelines.commands.dagster_api import DagsterApi
from oof_pipelines.commands.dagster_instance import (
    daemon_command,
    dagster_environment,
    program,
    storage_command,
    webserver_command,
)
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.free_port import check_port
from oof_pipelines.commands.interruption import Interrupted, orderly_end, shielded
from oof_pipelines.commands.numbers import SPEED, WholeNumber
from oof_pipelines.commands.postgres import without_password
from oof_pipelines.commands.processes import Processes
from oof_pipelines.commands.recorded_chain import check_recorded, choose_recording, recorded_option, start_node
from oof_pipelines.settings import Settings, SettingsError, load_settings
from oof_pipelines.source_settings import ALWAYS, AUTO, GEYSER
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.workflows.refresh_market import STREAMS

METRICS_PORT = 9801
"""The market-data metrics port of spec 3 §2.5."""

_STORAGE_SECONDS = 120
_WATCH_SECONDS = 0.5

EPILOG = """\b
Examples:
  oof up                                       recorded (or synthetic) transactions, in real time
  oof up --recorded ~/recorded --speed 20
  RPC_PRIMARY=https://… OOF_FOLLOW=ADDRESS oof up
"""


@click.command(epilog=EPILOG)
@recorded_option
@click.option("--speed", type=SPEED, default=1.0, show_default=True, help="Of the recorded chain.")
@click.option(
    "--metrics-port",
    type=WholeNumber(1, 65535),
    default=METRICS_PORT,
    show_default=True,
    help="Where the feed serves its metrics.",
)
@plain_errors
def up(recorded: Path | None, speed: float, metrics_port: int) -> None:
    """Run Postgres, the feed, the API, Dagster's webserver and daemon; a recorded chain too where no RPC_PRIMARY is set.

    Prints where everything is. Ctrl-C stops all of it; what was stored stays in OOF_HOME, or in OOF_HOME/recorded where
    the chain is a recorded one: the two never mix.
    """
    settings = load_settings()
    if settings.rpc_endpoints and recorded is not None:
        raise SettingsError("RPC_PRIMARY and --recorded (RECORDED) are both set: follow one or the other")
    if not settings.rpc_endpoints:
        # What was recorded or made up must never mix with what a real node says.
        home = settings.home / "recorded"
        settings = replace(settings, home=home, store=home / "parquet_store", database=None)
    _check_ports(
        {
            "DAGSTER_WEBSERVER_PORT": settings.webserver_port,
            "--metrics-port": metrics_port,
            "OOF_API_PORT": settings.api.port,
        }
    )
    if not settings.rpc_endpoints:
        check_recorded(recorded)
    server = EmbeddedPostgres(settings.home) if settings.database_url is None else None
    was_running = server is not None and server.status().is_running
    try:
        with orderly_end():
            try:
                _run(settings, recorded, speed, metrics_port)
            finally:
                with shielded():
                    if server is not None and not was_running:
                        server.stop()
    except Interrupted as interruption:
        click.echo("up: stopped")
        if interruption.signal_number != signal.SIGINT:
            raise


def _check_ports(ports: dict[str, int]) -> None:
    """Raise `SettingsError` where two of ours are the same, or one is taken."""
    taken: dict[int, str] = {}
    for setting, port in ports.items():
        if port in taken:
            raise SettingsError(f"{setting}: {port} is the port of {taken[port]} too")
        taken[port] = setting
        check_port(setting, port)


def _run(settings: Settings, recorded: Path | None, speed: float, metrics_port: int) -> None:
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    dagster = dagster_environment(url, settings.home)
    environment = {
        "OOF_HOME": str(settings.home),
        "OOF_STORE": str(settings.store),
        "DATABASE_URL": settings.database_url or "",
    }
    with Processes(settings.home / "logs", environment) as processes:
        making_storage = processes.start("dagster_storage", storage_command(), dagster, ends=True)
        follow = [program("oof"), "follow", "--metrics-port", str(metrics_port), "--json-logs"]
        feed_environment: dict[str, str] = {}
        if settings.rpc_endpoints:
            source = str(settings.rpc_endpoints[0])
        else:
            folder, described = choose_recording(recorded, settings.home)
            # Its own stream, or the feed would hear the server of the settings beside the recorded chain.
            node = start_node(processes, folder, speed=speed, has_geyser=GEYSER in settings.sources)
            feed_environment = node.environment()
            # The recording may have begun before the feed subscribes: what happened until then is repaired.
            follow += ["allWithVotes", "--from-slot", str(node.first_slot())]
            source = f"{node.http_url}  ({described}: {node.described()}; speed {speed:g})"
            for skip in node.skips:
                click.echo(skip, err=True)
        processes.start("feed", follow, feed_environment)
        processes.start("api", [program("oof"), "api", "--json-logs"], feed_environment)
        if set(STREAMS.values()).intersection(settings.market.sources):
            # What is asked now and then is asked by Dagster's schedules; a stream wants a process that listens.
            processes.start("market", [program("oof"), "market", "--streams", "--json-logs"])
        processes.wait(making_storage, _STORAGE_SECONDS)
        address = f"http://127.0.0.1:{settings.webserver_port}"
        processes.start("webserver", webserver_command(settings.webserver_port), dagster)
        api = DagsterApi(address)
        api.wait_until_ready(processes.check)
        cancelled = api.cancel_left_over_runs()
        if cancelled:
            click.echo(f"{cancelled} Dagster runs were left by an earlier start and are cancelled", err=True)
        # Jobs ask the node that the feed asks, and the first one is not to wait for a run to start either.
        standing = ALWAYS if settings.standing_runs == AUTO else settings.standing_runs
        daemon_environment = {**dagster, **feed_environment, "OOF_STANDING_RUNS": standing}
        processes.start("daemon", daemon_command(), daemon_environment)
        asked = ", ".join(settings.market.sources) or "nobody (OOF_MARKET_SOURCES)"
        click.echo(
            f"Dagster   {address}\n"
            f"Postgres  {without_password(url)}\n"
            f"RPC       {source}\n"
            f"market    {asked}\n"
            f"API       http://{settings.api.host}:{settings.api.port}  (webhook {_webhook(settings)})\n"
            f"metrics   http://127.0.0.1:{metrics_port}/metrics, http://{settings.api.host}:{settings.api.port}/metrics\n"
            f"home      {settings.home}\n"
            f"store     {settings.store}\n"
            f"logs      {settings.home / 'logs'}\n"
            "Ctrl-C stops all of it."
        )
        while True:
            processes.check()
            time.sleep(_WATCH_SECONDS)


def _webhook(settings: Settings) -> str:
    return WEBHOOK_OFF if settings.api.webhook_secret is None else f"on, by {settings.api.webhook_mode}"
