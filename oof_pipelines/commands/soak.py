"""`oof soak`: spec 1's gate A. An hour of following with sockets dropping: everything persisted, memory flat."""

import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import psycopg

from oof_pipelines.commands.dagster_instance import program
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.fresh_home import fresh_home
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.commands.processes import Processes
from oof_pipelines.commands.recorded_chain import start_node
from oof_pipelines.settings import Settings, load_settings
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.testing.synthetic_chain import generate, write_chain

TRANSACTIONS_A_MINUTE = 300
FAULTS = "drop:after=400;times=0;lose=15,429:p=0.01;retry_after=1,truncated:p=0.01,null_after_log:p=0.05;for_ms=500"
MEMORY_GROWTH_PERCENT = 20
_SLOT_SECONDS = 0.4
_LONGEST_GAP_SECONDS = 1.0
_SAMPLE_SECONDS = 10
_CATCH_UP_SECONDS = 120

_COUNTS = """
select (select count(*) from tx_raw), (select count(*) from tx_raw where is_final), (select count(*) from quarantine),
       (select count(*) from raw_logs)
"""


@click.command()
@click.option("--minutes", type=WholeNumber(1, 100_000), default=60, show_default=True)
@click.option("--seed", type=WholeNumber(), default=1, show_default=True, help="Of the chain and of the faults.")
@plain_errors
def soak(minutes: int, seed: int) -> None:
    """Follow a synthetic chain while sockets drop and answers fail: everything persisted, memory flat, or status 1.

    Its state is $OOF_HOME/soak, made anew by every soak.
    """
    settings = load_settings({"OOF_HOME": str(load_settings().home / "soak")})
    with fresh_home(settings.home):
        _run(settings, minutes, seed)


def _run(settings: Settings, minutes: int, seed: int) -> None:
    chain = settings.home / "chain"
    count = minutes * TRANSACTIONS_A_MINUTE
    write_chain(chain, seed=seed, transaction_count=count)
    speed = _real_time_seconds({transaction.slot for transaction in generate(seed, count)}) / (minutes * 60)
    url = ready_database_url(None, settings.home, settings.migrations_folder)
    environment = {"OOF_HOME": str(settings.home), "DATABASE_URL": "", "OOF_SOURCES": ""}
    with Processes(settings.home / "logs", environment) as processes:
        node = start_node(processes, chain, speed=speed, faults=FAULTS, seed=seed)
        feed = processes.start("feed", [program("oof"), "follow", "allWithVotes", "--json-logs"], node.environment())
        samples = _watch(processes, feed.process.pid, url, count, minutes * 60 + _CATCH_UP_SECONDS)
        drops = feed.log.read_text().count('"socket dropped"')
    first, last = samples[len(samples) // 4], max(samples[len(samples) // 4 :])
    growth_percent = (last - first) * 100 // first
    click.echo(
        f"soak: minutes={minutes} transactions={count} drops={drops} rss_kib={first}→{last} ({growth_percent:+}%)"
    )
    if growth_percent > MEMORY_GROWTH_PERCENT:
        raise click.ClickException(f"memory grew by {growth_percent} %, more than {MEMORY_GROWTH_PERCENT} %")
    if drops == 0:
        raise click.ClickException("no socket was dropped: nothing was shown")


def _watch(processes: Processes, feed_pid: int, url: str, count: int, deadline_seconds: float) -> list[int]:
    """Sample the feed's memory until every transaction is stored and final; returns the samples in KiB."""
    samples: list[int] = []
    started_s = time.monotonic()
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        while True:
            processes.check()
            stored, final, quarantined, logs = _row(connection)
            samples.append(resident_kib(feed_pid))
            elapsed_s = time.monotonic() - started_s
            if len(samples) % 6 == 1:
                click.echo(
                    f"{elapsed_s:6.0f} s stored={stored} final={final} logs={logs} quarantined={quarantined} "
                    f"rss_kib={samples[-1]}"
                )
            if stored + quarantined >= count and final == stored:
                if quarantined or logs != stored:
                    raise click.ClickException(f"{quarantined} quarantined, {logs} logs of {stored} transactions")
                return samples
            if elapsed_s > deadline_seconds:
                raise click.ClickException(f"only {stored} of {count} transactions were persisted")
            time.sleep(_SAMPLE_SECONDS)


def _row(connection: psycopg.Connection[Any]) -> tuple[int, int, int, int]:
    row = connection.execute(_COUNTS).fetchone()
    assert row is not None
    return row  # type: ignore[no-any-return]


def resident_kib(pid: int) -> int:
    """Resident memory of a process in KiB (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _real_time_seconds(slots: set[int]) -> float:
    """How long the node takes for these slots at speed 1, its gaps cut."""
    gaps = ((after - before) * _SLOT_SECONDS for before, after in pairwise(sorted(slots)))
    return sum(min(gap, _LONGEST_GAP_SECONDS) for gap in gaps)
