"""`oof bench webhook`: how long a webhook waits for its answer, beside a route that does nothing."""

import os
import sys
import time

import click
import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from oof_pipelines.commands.bench_webhook_load import Deliveries, LoadResult, make_deliveries, send, together
from oof_pipelines.commands.dagster_instance import program
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.free_port import free_port
from oof_pipelines.commands.fresh_home import fresh_home
from oof_pipelines.commands.processes import Processes
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.database import ready_database_url

PROMISED_P99_MS = 50
_SECRET = "the secret of a benchmark"  # noqa: S105 - of a server that lives for a minute on this machine
_SERVERS = ("floor", "oof api")
_TURNS = 5
_WARM_UP = 50
_POLL_SECONDS = 0.05

EPILOG = """\b
Examples:
  oof bench webhook
  oof bench webhook --requests 5000 --connections 32 --rate 500
"""


@click.command(epilog=EPILOG)
@click.option("--requests", type=click.IntRange(200, 10_000), default=2_000, show_default=True)
@click.option("--connections", type=click.IntRange(1, 256), default=8, show_default=True)
@click.option("--rate", type=click.IntRange(1, 5_000), default=100, show_default=True, help="Deliveries a second.")
@plain_errors
def webhook(requests: int, connections: int, rate: int) -> None:
    """Deliveries of 1 to 100 transactions, a fifth of them sent before, to a real `oof api` over a real PostgreSQL.

    First so many a second, as Helius sends; then each connection as fast as it is answered. A time counts from when the
    delivery was due. The floor is the same server over a route that reads the body and answers 200.
    """
    home = load_settings({"OOF_HOME": str(load_settings().home / "bench_webhook")}).home
    with fresh_home(home):
        settings = load_settings({"OOF_HOME": str(home)})
        url = ready_database_url(None, settings.home, settings.migrations_folder)
        paced, flat_out = make_deliveries(1, requests), make_deliveries(2, requests)
        environment = {"OOF_HOME": str(home), "DATABASE_URL": "", "HELIUS_WEBHOOK_SECRET": _SECRET}
        warm_up = make_deliveries(3, _WARM_UP)
        results: dict[str, list[tuple[LoadResult, LoadResult]]] = {name: [] for name in _SERVERS}
        with Processes(settings.home / "logs", environment) as processes:
            ports = {name: _serve(processes, name) for name in _SERVERS}
            for port in ports.values():
                send(port, _SECRET, warm_up.bodies, connections=connections, rate=None)
            # In turns, so that whatever else this machine does falls on both.
            for turn in range(_TURNS):
                for name, port in ports.items():
                    part = slice(requests * turn // _TURNS, requests * (turn + 1) // _TURNS)
                    results[name].append(
                        (
                            send(port, _SECRET, paced.bodies[part], connections=connections * 4, rate=rate),
                            send(port, _SECRET, flat_out.bodies[part], connections=connections, rate=None),
                        )
                    )
        _print(results, rate, connections)
        _tell_of_hints(url, [paced, flat_out, warm_up])


def _serve(processes: Processes, name: str) -> int:
    """Start a server; its port, once it answers."""
    port = free_port()
    if name == "floor":
        command = [sys.executable, "-m", "oof_pipelines.commands.bench_webhook_floor", str(port)]
    else:
        command = [program("oof"), "api", "--port", str(port), "--json-logs"]
    processes.start(name.replace(" ", "_"), command)
    with httpx.Client(transport=httpx.HTTPTransport(retries=0), timeout=5) as client:
        while True:
            processes.check()
            try:
                client.get(f"http://127.0.0.1:{port}/")
                return port
            except httpx.TransportError:
                time.sleep(_POLL_SECONDS)


def _print(results: dict[str, list[tuple[LoadResult, LoadResult]]], rate: int, connections: int) -> None:
    table = Table("deliveries", "to", "requests/s", "p50 ms", "p99 ms", "longest ms", "p99 to floor")
    for index, described in enumerate((f"{rate} a second", f"{connections} connections, no pause")):
        whole = {name: together(turn[index] for turn in turns) for name, turns in results.items()}
        for name, result in whole.items():
            table.add_row(
                described,
                name,
                f"{result.requests_per_second:,.0f}",
                f"{result.percentile_ms(50):.1f}",
                f"{result.percentile_ms(99):.1f}",
                f"{result.percentile_ms(100):.1f}",
                f"{result.percentile_ms(99) / whole['floor'].percentile_ms(99):.2f}",
            )
    Console(width=110).print(table)
    p99_ms = together(paced for paced, _ in results["oof api"]).percentile_ms(99)
    verdict = "kept" if p99_ms <= PROMISED_P99_MS else "NOT kept"
    processors, load = os.cpu_count(), os.getloadavg()[0]
    click.echo(f"{processors} processors, {load:.1f} processes that want one")
    click.echo(f"p99 at {rate} a second: {p99_ms:.1f} ms; promised {PROMISED_P99_MS} ms: {verdict}")


def _tell_of_hints(url: str, sent: list[Deliveries]) -> None:
    """Compare what was sent with what is queued; raises click's error where they differ."""
    signatures = frozenset().union(*(one.signatures for one in sent))
    with psycopg.connect(url, connect_timeout=10) as connection:
        row = connection.execute("select count(*) from fetch_queue where source = 'webhook'").fetchone()
    queued = row[0] if row else 0
    transactions = sum(one.transactions for one in sent)
    click.echo(
        f"{sum(len(one.bodies) for one in sent)} deliveries of up to {max(one.largest_bytes for one in sent):,} bytes: "
        f"{transactions} hints, {transactions - len(signatures)} of them duplicates; {queued} queued"
    )
    if queued != len(signatures):
        raise click.ClickException(
            f"{len(signatures)} different signatures were answered with 200, {queued} are queued"
        )
