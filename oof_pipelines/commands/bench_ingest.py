"""`oof bench ingest`: what it costs to hear, fetch, store and fold transactions, beside hand-written floors."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import click
import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from oof_pipelines.commands.dagster_instance import program
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.fresh_home import fresh_home
from oof_pipelines.commands.processes import Processes
from oof_pipelines.commands.recorded_chain import start_node
from oof_pipelines.settings import Settings, load_settings
from oof_pipelines.storage.parquet.schemas import RAW_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.testing.synthetic_chain import generate, write_chain
from oof_pipelines.workflows.fold import fold_day

_CONCURRENCY = 16
_POLL_SECONDS = 0.02

EPILOG = """\b
Examples:
  oof bench ingest
  oof bench ingest --transactions 20000
"""


@click.command(epilog=EPILOG)
@click.option("--transactions", type=click.IntRange(100), default=3_000, show_default=True)
@plain_errors
def ingest(transactions: int) -> None:
    """Transactions a second through fetch and store (the feed) and through fold, against hand-written floors.

    Floors: the same requests over the same HTTP client with the answers thrown away; the same frame written by Polars.
    """
    settings = load_settings({"OOF_HOME": str(load_settings().home / "bench")})
    with fresh_home(settings.home):
        _ingest(settings, transactions)


def _ingest(settings: Settings, count: int) -> None:
    chain = settings.home / "chain"
    write_chain(chain, seed=1, transaction_count=count)
    signatures = [transaction.signature for transaction in generate(1, count)]
    url = ready_database_url(None, settings.home, settings.migrations_folder)
    environment = {"OOF_HOME": str(settings.home), "DATABASE_URL": "", "OOF_SOURCES": ""}
    with Processes(settings.home / "logs", environment) as processes:
        node = start_node(processes, chain, speed=0)
        floor_seconds = asyncio.run(_fetch_only(node.http_url, signatures))
        started_s = time.monotonic()
        feed = processes.start("feed", [program("oof"), "follow", "allWithVotes", "--json-logs"], node.environment())
        first_s, last_s = _wait_until_final(processes, url, count)
        processes.release(feed)
    start_up_seconds = first_s - started_s
    fold_seconds, write_seconds = _fold_and_write(settings, url)
    table = Table("step", "transactions/s", "floor/s", "ratio to floor")
    table.add_row(
        "hear, fetch, store, finalise",
        f"{count / (last_s - first_s):,.0f}",
        f"{count / floor_seconds:,.0f} (fetch only)",
        f"{(last_s - first_s) / floor_seconds:.2f}",
    )
    table.add_row(
        "fold, with checks",
        f"{count / fold_seconds:,.0f}",
        f"{count / write_seconds:,.0f} (write only)",
        f"{fold_seconds / write_seconds:.2f}",
    )
    Console(width=100).print(table)
    click.echo(f"{count} transactions; the feed's start took {start_up_seconds:.1f} s, not counted")


async def _fetch_only(address: str, signatures: list[str]) -> float:
    """Seconds to ask for every transaction with as many calls under way as the feed has."""
    limits = httpx.Limits(max_connections=_CONCURRENCY, max_keepalive_connections=_CONCURRENCY)
    turn = asyncio.Semaphore(_CONCURRENCY)
    options = {"encoding": "base64", "commitment": "confirmed", "maxSupportedTransactionVersion": 0}

    async def ask(http: httpx.AsyncClient, signature: str) -> None:
        request = {"jsonrpc": "2.0", "id": 1, "method": "getTransaction", "params": [signature, options]}
        async with turn:
            (await http.post(address, json=request)).raise_for_status()

    async with httpx.AsyncClient(limits=limits, timeout=60) as http:
        started_s = time.monotonic()
        await asyncio.gather(*(ask(http, signature) for signature in signatures))
        return time.monotonic() - started_s


def _wait_until_final(processes: Processes, url: str, count: int) -> tuple[float, float]:
    """When the first announcement was queued and when the last transaction was final."""
    first_s: float | None = None
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        while True:
            processes.check()
            heard, final = _row(connection)
            if heard and first_s is None:
                first_s = time.monotonic()
            if final >= count and first_s is not None:
                return first_s, time.monotonic()
            time.sleep(_POLL_SECONDS)


def _row(connection: psycopg.Connection[Any]) -> tuple[int, int]:
    row = connection.execute(
        "select (select count(*) from raw_logs), (select count(*) from tx_raw where is_final)"
    ).fetchone()
    assert row is not None
    return row  # type: ignore[no-any-return]


def _fold_and_write(settings: Settings, url: str) -> tuple[float, float]:
    """Seconds to fold both datasets, and to write the same frames with Polars alone."""
    store = ParquetStore(settings.store)
    with PostgresFoldSource(url) as source:
        fold_seconds = _seconds(
            lambda: [
                fold_day(store, source, dataset, day)
                for dataset in RAW_DATASETS
                for day in sorted(source.days_waiting(dataset))
            ]
        )
    frames = [(d, day, store.read(d, day)) for d in RAW_DATASETS for day in store.days(d)]
    beside = settings.home / "floor"
    beside.mkdir()

    def write_only() -> None:
        for dataset, day, frame in frames:
            assert frame is not None
            frame.write_parquet(beside / f"{dataset}-{day}.parquet", compression="zstd", compression_level=3)

    return fold_seconds, _seconds(write_only)


def _seconds(work: Callable[[], object]) -> float:
    started_s = time.monotonic()
    work()
    return time.monotonic() - started_s
