"""`oof demo`: the whole platform once, on recorded transactions, with real processes; ends by itself."""

import shlex
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import click
import psycopg

from oof_pipelines.chain.wallet_bucket import WALLET_BUCKETS
from oof_pipelines.commands.dagster_api import DagsterApi
from oof_pipelines.commands.dagster_instance import (
    daemon_command,
    dagster_environment,
    program,
    storage_command,
    webserver_command,
)
from oof_pipelines.commands.demo_market import MarketTables
from oof_pipelines.commands.demo_positions import PositionTables
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.fresh_home import fresh_home
from oof_pipelines.commands.processes import Processes
from oof_pipelines.commands.recorded_chain import check_recorded, choose_recording, recorded_option, start_node
from oof_pipelines.commands.sql import QUERIES_FOLDER, VIEWS_FOLDER, print_table
from oof_pipelines.commands.steps import Steps, Task
from oof_pipelines.settings import Settings, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.schemas import DATASETS, RAW_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.testing.recorded_node.recording_files import find_recording_files

_STALLED_SECONDS = 120
_STORAGE_SECONDS = 120
_BACKFILL_SECONDS = 1_200
_POLL_SECONDS = 0.25

_COUNTS = """
select (select count(*) from tx_raw), (select count(*) from tx_raw where is_final), (select count(*) from quarantine)
"""

_DECODED = "select coalesce(sum(decoded), 0), coalesce(sum(conserved), 0), coalesce(sum(residual), 0) from decoded_days"

EPILOG = """\b
Examples:
  oof demo
  oof demo --recorded ~/recorded_transactions
  OOF_HOME=.oof/demo oof sql transactions_by_day      afterwards, over what the demo stored
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a demo did, and the tables it shows. All count distinct signatures; `folded` those in the files.

    `decoded`, `conserved` and `residual` are of the folded ones: decoded at all, their moves adding up to post − pre, and
    with a part that no instruction explains.
    """

    transactions: int
    stored: int
    quarantined: int
    folded: int
    decoded: int
    conserved: int
    residual: int
    columns: list[str]
    rows: list[tuple[Any, ...]]
    market: MarketTables
    positions: PositionTables


@click.command(epilog=EPILOG)
@recorded_option
@plain_errors
def demo(recorded: Path | None) -> None:
    """Start everything over recorded transactions, store and decode them all by a Dagster backfill, and show tables.

    Its state is $OOF_HOME/demo, made anew by every demo; your own store is not touched.
    """
    started_s = time.monotonic()
    check_recorded(recorded)
    settings = load_settings({"OOF_HOME": str(load_settings().home / "demo")})
    with fresh_home(settings.home), Steps() as steps:
        outcome = _run(settings, recorded, steps)
    print_table(outcome.columns, iter(outcome.rows))
    outcome.market.print()
    outcome.positions.print()
    seconds = time.monotonic() - started_s
    click.echo(
        f"demo: transactions={outcome.transactions} stored={outcome.stored} quarantined={outcome.quarantined} "
        f"decoded={outcome.decoded} conserved={outcome.conserved} residual={outcome.residual} seconds={seconds:.1f}"
    )
    if outcome.folded != outcome.stored:
        raise click.ClickException(f"{outcome.stored} are stored, but {outcome.folded} are in the files")
    if outcome.conserved != outcome.folded:
        raise click.ClickException(
            f"{outcome.folded} are in the files, but only {outcome.conserved} are decoded and add up"
        )


def _run(settings: Settings, recorded: Path | None, steps: Steps) -> Outcome:
    environment = {
        "OOF_HOME": str(settings.home),
        "OOF_STORE": str(settings.store),
        "DATABASE_URL": "",
        "OOF_SOURCES": "",
    }
    with steps.step("starting PostgreSQL, applying migrations"):
        url = ready_database_url(None, settings.home, settings.migrations_folder)
    with Processes(settings.home / "logs", environment) as processes:
        folder, described = choose_recording(recorded, settings.home)
        with steps.step(f"serving {described}") as task:
            node = start_node(processes, folder, speed=0, faults=_one_disconnect(folder))
            steps.describe(task, f"serving {described}: {node.described()}")
            for skip in node.skips:
                steps.say(f"  {skip}")
        dagster = dagster_environment(url, settings.home)
        making_storage = processes.start("dagster_storage", storage_command(), dagster, ends=True)
        feed = processes.start("feed", [program("oof"), "follow", "allWithVotes", "--json-logs"], node.environment())
        with steps.step("following the chain, one disconnect on the way", node.transaction_count) as task:
            stored, quarantined = _follow(processes, steps, task, settings, url, node.transaction_count)
        processes.release(feed)
        processes.wait(making_storage, _STORAGE_SECONDS)
        _backfill(processes, steps, url, dagster)
        with steps.step("asking for transactions by program and day"):
            return _ask(settings, url, node.transaction_count, stored, quarantined)


def _one_disconnect(folder: Path) -> str:
    """Drop the socket once, a third of the way through, with announcements lost to it."""
    files = sum(1 for _ in find_recording_files(folder))
    return f"drop:after={max(1, files // 3)};times=1;lose=25"


def _follow(
    processes: Processes, steps: Steps, task: Task, settings: Settings, url: str, total: int
) -> tuple[int, int]:
    """Wait until every transaction is stored and final, or quarantined; returns (stored, quarantined)."""
    moved_at_s = time.monotonic()
    last: tuple[int, int, int] | None = None
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        while True:
            processes.check()
            row = connection.execute(_COUNTS).fetchone()
            assert row is not None
            stored, final, quarantined = row
            steps.show(task, final + quarantined, total)
            if stored + quarantined >= total and final == stored:
                break
            if row != last:
                last, moved_at_s = row, time.monotonic()
            if time.monotonic() - moved_at_s > _STALLED_SECONDS:
                raise click.ClickException(
                    f"the feed stands still at {stored} stored and {quarantined} quarantined of {total}; "
                    f"`OOF_HOME={shlex.quote(str(settings.home))} {program('oof')} sql waiting` shows what it waits for"
                )
            time.sleep(_POLL_SECONDS)
    return stored, quarantined


def _backfill(processes: Processes, steps: Steps, url: str, dagster: dict[str, str]) -> None:
    """Fold and decode the days found by a backfill through Dagster's own API, as the UI launches one."""
    with PostgresFoldSource(url) as source:
        days = sorted({day for dataset in RAW_DATASETS for day in source.days_waiting(dataset)})
    if not days:
        return
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    with steps.step(f"starting Dagster's webserver on {address}"):
        processes.start("webserver", webserver_command(port), dagster)
        api = DagsterApi(address)
        api.wait_until_ready(processes.check)
    with steps.step(f"backfilling {_stretch(days)}") as task:
        by_day = [name for name, dataset in DATASETS.items() if dataset.partition_column == "day"]
        backfill_id = api.launch_backfill(by_day, days[0], days[-1], "demo")
        # The daemon looks at backfills when it starts and then every 30 s: started now it sees the launch, started anew
        # after the run it sees the end.
        daemon = processes.start("daemon", daemon_command(), dagster)
        api.wait_for_runs(backfill_id, processes.check, _BACKFILL_SECONDS)
        processes.release(daemon)
        processes.start("daemon", daemon_command(), dagster)
        api.wait_for_backfill(
            backfill_id, processes.check, lambda done, total: steps.show(task, done, total), _BACKFILL_SECONDS
        )
    last = f"{WALLET_BUCKETS - 1:02d}"
    with steps.step("updating the actions and events of every wallet"):
        api.run_job("update_wallets", "00", last, processes.check, _BACKFILL_SECONDS)
    with steps.step("making every wallet's positions and moments"):
        api.run_job("update_positions", "00", last, processes.check, _BACKFILL_SECONDS)


def _stretch(days: Sequence[date]) -> str:
    return f"1 day, {days[0]}" if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"


def _ask(settings: Settings, url: str, transactions: int, stored: int, quarantined: int) -> Outcome:
    with QueryEngine(ParquetStore(settings.store), url, VIEWS_FOLDER) as engine:
        folded = next(iter(engine.query("select count(distinct signature) from parquet_raw_transactions")))[0]
        decoded, conserved, residual = next(iter(engine.query(_DECODED)))
        query = (QUERIES_FOLDER / "transactions_by_program_and_day.sql").read_text(encoding="utf-8")
        result = engine.query(query)
        rows = list(result)
        market, positions = MarketTables(engine), PositionTables(engine)
    return Outcome(
        transactions, stored, quarantined, folded, decoded, conserved, residual, result.columns, rows, market, positions
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
