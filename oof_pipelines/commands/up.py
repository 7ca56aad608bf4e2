"""`oof up`: the whole platform on this machine until Ctrl-C."""

import signal
import socket
import time
from pathlib import Path
from types import FrameType

import click

from oof_pipelines.commands.dagster_api import DagsterApi
from oof_pipelines.commands.dagster_instance import (
    daemon_command,
    dagster_environment,
    program,
    storage_command,
    webserver_command,
)
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.postgres import without_password
from oof_pipelines.commands.processes import Processes
from oof_pipelines.commands.recorded_chain import choose_recording, recorded_option, start_node
from oof_pipelines.settings import Settings, SettingsError, load_settings
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

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
@click.option("--speed", type=click.FloatRange(0), default=1.0, show_default=True, help="Of the recorded chain.")
@plain_errors
def up(recorded: Path | None, speed: float) -> None:
    """Run Postgres, the feed, Dagster's webserver and daemon; a recorded chain too where no RPC_PRIMARY is set.

    Prints where everything is. Ctrl-C stops all of it; what was stored stays in OOF_HOME.
    """
    settings = load_settings()
    _check_port("DAGSTER_WEBSERVER_PORT", settings.webserver_port)
    _check_port("the feed's metrics port", METRICS_PORT)
    signal.signal(signal.SIGTERM, _interrupt)
    server = EmbeddedPostgres(settings.home) if settings.database_url is None else None
    was_running = server is not None and server.status().is_running
    try:
        _run(settings, recorded, speed)
    except KeyboardInterrupt:
        click.echo("up: stopped")
    finally:
        if server is not None and not was_running:
            server.stop()


def _run(settings: Settings, recorded: Path | None, speed: float) -> None:
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    dagster = dagster_environment(url, settings.home)
    environment = {"OOF_HOME": str(settings.home), "OOF_STORE": str(settings.store)}
    with Processes(settings.home / "logs", environment) as processes:
        making_storage = processes.start("dagster_storage", storage_command(), dagster, ends=True)
        follow = [program("oof"), "follow", "--metrics-port", str(METRICS_PORT), "--json-logs"]
        feed_environment: dict[str, str] = {}
        if settings.rpc_endpoints:
            source = str(settings.rpc_endpoints[0])
        else:
            folder, described = choose_recording(recorded, settings.home)
            node = start_node(processes, folder, speed=speed)
            feed_environment = node.environment()
            follow.append("allWithVotes")
            source = f"{node.http_url}  ({described}, speed {speed:g})"
        processes.start("feed", follow, feed_environment)
        processes.wait(making_storage, _STORAGE_SECONDS)
        address = f"http://127.0.0.1:{settings.webserver_port}"
        processes.start("webserver", webserver_command(settings.webserver_port), dagster)
        processes.start("daemon", daemon_command(), dagster)
        DagsterApi(address).wait_until_ready(processes.check)
        click.echo(
            f"Dagster   {address}\n"
            f"Postgres  {without_password(url)}\n"
            f"RPC       {source}\n"
            f"metrics   http://127.0.0.1:{METRICS_PORT}/metrics\n"
            f"store     {settings.store}\n"
            f"logs      {settings.home / 'logs'}\n"
            "Ctrl-C stops all of it."
        )
        while True:
            processes.check()
            time.sleep(_WATCH_SECONDS)


def _check_port(setting: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise SettingsError(f"{setting}: port {port} is taken by another program") from None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
