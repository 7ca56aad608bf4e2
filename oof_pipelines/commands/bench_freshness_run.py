"""One rate of `oof bench freshness`: a live market at the node, the feed, Dagster's daemon, and what became visible when."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psycopg

from oof_pipelines.commands.bench_freshness_times import Announced, Refreshed, SeenMoment
from oof_pipelines.commands.dagster_api import DagsterApi
from oof_pipelines.commands.dagster_instance import (
    daemon_command,
    dagster_environment,
    program,
    storage_command,
    webserver_command,
)
from oof_pipelines.commands.free_port import check_port
from oof_pipelines.commands.processes import Processes
from oof_pipelines.commands.recorded_chain import start_node
from oof_pipelines.settings import Settings
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.testing.live_chain import LiveTransaction, generate_live
from oof_pipelines.testing.synthetic_chain import write_transactions

LEAD_SECONDS = 60
"""One transaction a second before the rate begins: by its end the refresher's run stands by."""

_STORAGE_SECONDS = 120.0
_BEHIND_NOW_S = 20
"""The chain's own clock is so far behind ours, for a store refuses what has not happened yet."""
_POLL_SECONDS = 0.1
_DRAIN_SECONDS = 120.0
_TIMEOUT_SECONDS = 30

_NEW_MOMENTS = "select id, kind, wallet, sig_ref, explain_json from oof_moments where not (id = any(%s))"
_PLACES = """
select t.sig, (extract(epoch from l.received_at) * 1000)::bigint, (extract(epoch from t.stored_at) * 1000)::bigint
from tx_raw t left join raw_logs l on l.signature = t.sig
"""
_REFRESHED = """
select wallet, coalesce(extract(epoch from newest_block_at), 0)::bigint, (extract(epoch from began_at) * 1000)::bigint,
       (extract(epoch from read_at) * 1000)::bigint, (extract(epoch from served_at) * 1000)::bigint
from refresh_log
"""
_WAITING = "select count(*) from touched_wallets where cause = 'event'"


@dataclass(frozen=True, slots=True)
class FreshnessRun:
    """What was noted. `load` are the load averages of one minute in the middle and at the end of the rate."""

    announced: list[Announced]
    moments: list[SeenMoment]
    refreshed: list[Refreshed]
    load: tuple[float, float]
    measured_seconds: float
    left_waiting: int


def run_rate(settings: Settings, rate: int, seconds: int, seed: int) -> FreshnessRun:
    """Run one rate in an empty home. Raises `click.ClickException` where something that should run does not."""
    url = ready_database_url(None, settings.home, settings.migrations_folder)
    environment = {
        "OOF_HOME": str(settings.home),
        "OOF_STORE": str(settings.store),
        "DATABASE_URL": "",
        "OOF_FOLLOW": "",
        "OOF_SOURCES": "",
        "OOF_MARKET_SOURCES": "",
        "OOF_SOL_USD_SOURCE": "none",
    }
    with Processes(settings.home / "logs", environment) as processes:
        _start_dagster(processes, settings, url)
        told = settings.home / "logs" / "announced.txt"
        begins_s = int(time.time()) - _BEHIND_NOW_S
        chain = list(generate_live(seed, rate, seconds, start_time_s=begins_s, lead_seconds=LEAD_SECONDS))
        folder = settings.home / "chain"
        write_transactions(folder, (one.transaction for one in chain), "base64")
        node = start_node(processes, folder, speed=1, announced=told)
        first_slot = str(chain[0].transaction.slot)
        follow = [program("oof"), "follow", "allWithVotes", "--from-slot", first_slot, "--json-logs"]
        processes.start("feed", follow, node.environment())
        watch = _Watch(processes, url, told, chain)
        watch.until_announced()
        watch.until_served()
        return watch.noted()


def _start_dagster(processes: Processes, settings: Settings, url: str) -> None:
    check_port("DAGSTER_WEBSERVER_PORT", settings.webserver_port)
    dagster = dagster_environment(url, settings.home)
    processes.wait(processes.start("dagster_storage", storage_command(), dagster, ends=True), _STORAGE_SECONDS)
    processes.start("webserver", webserver_command(settings.webserver_port), dagster)
    DagsterApi(f"http://127.0.0.1:{settings.webserver_port}").wait_until_ready(processes.check)
    processes.start("daemon", daemon_command(), dagster)


class _Watch:
    """Looks ten times a second for moments that were not there before, as a reader of the table would find them."""

    def __init__(self, processes: Processes, url: str, told: Path, chain: list[LiveTransaction]) -> None:
        self._processes = processes
        self._told = told
        self._chain = chain
        self._url = url
        self._moments: list[SeenMoment] = []
        self._ids: list[str] = []
        self._loads: list[float] = []
        self._left_waiting = 0

    def until_announced(self) -> None:
        """Until the node has told the last one. The first ones may have been before the feed subscribed."""
        first, last = self._chain[0].transaction, self._chain[-1].transaction
        lasts_seconds = (last.block_time_s or 0) - (first.block_time_s or 0)
        deadline_s = time.monotonic() + 2 * lasts_seconds + _DRAIN_SECONDS
        with self._connected() as connection:
            while last.signature not in self._announced_ms():
                self._look(connection)
                if time.monotonic() > deadline_s:
                    raise click.ClickException("the node did not announce the whole chain in time")

    def until_served(self) -> None:
        """Until no wallet waits for what happened to it any more, or for as long as is watched."""
        deadline_s = time.monotonic() + _DRAIN_SECONDS
        with self._connected() as connection:
            while time.monotonic() < deadline_s:
                self._look(connection)
                (stored,) = connection.execute("select count(*) from tx_raw").fetchall()[0]
                (self._left_waiting,) = connection.execute(_WAITING).fetchall()[0]
                if stored >= len(self._chain) and not self._left_waiting:
                    return

    def _look(self, connection: psycopg.Connection[Any]) -> None:
        self._processes.check()
        rows = connection.execute(_NEW_MOMENTS, (self._ids,)).fetchall()
        now_ms = time.time_ns() // 1_000_000
        for moment_id, kind, wallet, signature, explain in rows:
            self._ids.append(moment_id)
            self._moments.append(SeenMoment(kind, wallet, signature, explain, now_ms))
        self._loads.append(os.getloadavg()[0])
        threading.Event().wait(_POLL_SECONDS)

    def noted(self) -> FreshnessRun:
        """Everything, once it is over."""
        announced_ms = self._announced_ms()
        with self._connected() as connection:
            places = {sig: (heard, stored) for sig, heard, stored in connection.execute(_PLACES).fetchall()}
            refreshed = [Refreshed(*row) for row in connection.execute(_REFRESHED).fetchall()]
        announced = []
        for one in self._chain:
            signature = one.transaction.signature
            if signature in announced_ms:
                heard_ms, stored_ms = places.get(signature, (None, None))
                block_time_s = one.transaction.block_time_s or 0
                announced.append(
                    Announced(
                        signature,
                        one.trader,
                        one.pool,
                        block_time_s,
                        not one.is_lead,
                        announced_ms[signature],
                        heard_ms,
                        stored_ms,
                    )
                )
        measured_ms = [one.announced_ms for one in announced if one.is_measured]
        return FreshnessRun(
            announced=announced,
            moments=self._moments,
            refreshed=refreshed,
            load=(self._loads[len(self._loads) * 3 // 4], self._loads[-1]),
            measured_seconds=(measured_ms[-1] - measured_ms[0]) / 1_000,
            left_waiting=self._left_waiting,
        )

    def _announced_ms(self) -> dict[str, int]:
        if not self._told.exists():
            return {}
        lines = self._told.read_text("ascii").splitlines()
        return {signature: int(at_ms) for at_ms, _, signature in (line.partition(" ") for line in lines) if signature}

    def _connected(self) -> psycopg.Connection[Any]:
        options = f"-c statement_timeout={_TIMEOUT_SECONDS}s -c timezone=UTC"
        return psycopg.connect(self._url, autocommit=True, connect_timeout=10, options=options)
