"""The arena of the fault matrix: a chain, a server, the calm runs that every other one is compared with, and stages."""

import re
import secrets
import shutil
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from oof_pipelines.chain.body import read_body
from oof_pipelines.commands.faults_stage import RunError, Stage
from oof_pipelines.commands.processes import Processes, stop
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.fault_chain import vanishing_signatures, write_without
from oof_pipelines.testing.fault_tables import Outcome
from oof_pipelines.testing.golden_chain import KLINES_FOLDER
from oof_pipelines.testing.recorded_node.ledger import Ledger, load_ledger
from oof_pipelines.workflows.analysis_request import MOST_DAYS

_LONGEST_GAP_SECONDS = 1.0
_DROP_SECONDS = 15.0
_DROP_PAUSE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Calm:
    """What an undisturbed run over a chain leaves. `template` is the database as it is before the fold."""

    outcome: Outcome
    template: str
    first_slot: int


class Arena:
    """Makes stages, and calm runs once each. Safe for threads; `end` has every wait of every stage end."""

    def __init__(
        self, processes: Processes, home: Path, chain: Path, server_url: str, seed: int, open_folder: Path
    ) -> None:
        """`open_folder` is one that the server's user may enter, wherever the home is."""
        self.seed = seed
        self.open_folder = open_folder
        self._processes = processes
        self._home = home
        self._chain = chain
        self._server_url = server_url
        self._turn = threading.Lock()
        self._calm: dict[frozenset[str], Calm] = {}
        self._calm_of_analysis: Calm | None = None
        self._ledger: Ledger | None = None
        self._is_over = threading.Event()
        self._stages: dict[str, Stage] = {}

    def end(self) -> None:
        """Have every run end at its next look."""
        self._is_over.set()

    def raise_if_over(self) -> None:
        """Raise `RunError` where the matrix has ended."""
        if self._is_over.is_set():
            raise RunError("interrupted")

    @property
    def ledger(self) -> Ledger:
        """The chain, indexed."""
        if self._ledger is None:
            self._ledger = load_ledger(self._chain)
        return self._ledger

    @property
    def chain_seconds(self) -> float:
        """How long the node takes for the chain at speed 1, at most: gaps are cut."""
        return len(self.ledger.slots) * _LONGEST_GAP_SECONDS

    def calm(self) -> Calm:
        """The calm run over the whole chain."""
        return self._calm_without(frozenset())

    def calm_after(self, node_faults: str) -> Calm:
        """The calm run over what a node with these faults leaves of the chain."""
        slots = {entry.signature: entry.slot for entry in self.ledger.entries}
        return self._calm_without(vanishing_signatures(slots, node_faults, self.seed))

    def calm_analysis(self) -> Calm:
        """The analysis of the busiest wallet, asked of the node and folded, with nothing going wrong."""
        with self._turn:
            if self._calm_of_analysis is None:
                stage = self.stage("calm-analysis")
                with stage.node() as node:
                    stage.run_well(self.analysis("analyze"), settings=node.environment())
                stage.run_well(["fold"])
                self._calm_of_analysis = Calm(stage.outcome(), "", self.ledger.slots[0])
            return self._calm_of_analysis

    def analysis(self, *command: str) -> list[str]:
        """`oof COMMAND…` for the wallet that paid for most transactions, as of the chain's end."""
        ledger = self.ledger
        payers = Counter(read_body(ledger.read_body(entry, "base64")).fee_payer for entry in ledger.entries)
        (wallet, _count) = payers.most_common(1)[0]
        times_s = [entry.block_time_seconds for entry in ledger.entries if entry.block_time_seconds is not None]
        as_of = datetime.fromtimestamp(max(times_s), UTC)
        return [*command, wallet, "--days", str(MOST_DAYS), "--as-of", as_of.isoformat()]

    def _calm_without(self, gone: frozenset[str]) -> Calm:
        with self._turn:
            if gone not in self._calm:
                self._calm[gone] = self._run_calmly(gone)
            return self._calm[gone]

    def _run_calmly(self, gone: frozenset[str]) -> Calm:
        stage = self.stage(f"calm-{len(self._calm) + 1}")
        if gone:
            stage.chain = stage.folder / "chain"
            write_without(self.ledger, gone, stage.chain)
            if (self._chain / KLINES_FOLDER).exists():
                (stage.chain / KLINES_FOLDER).symlink_to((self._chain / KLINES_FOLDER).resolve())
        with stage.node() as node:
            stage.complete(stage.start_feed(node), node.transaction_count)
        template = f"before_fold_{len(self._calm) + 1}"
        self._database(template, _database_of(stage.database_url))
        stage.run_well(["fold"])
        outcome = stage.outcome()
        if not outcome.tables.get("tx_raw") or outcome.tables["fetch_queue"]:
            raise RunError("the calm run stored nothing, or left something undone")
        return Calm(outcome, template, self.ledger.slots[0])

    def stage(self, name: str, *, template: str | None = None, has_own_server: bool = False) -> Stage:
        """A new stage with an empty store. Its database is empty, or a copy of `template`."""
        plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower())
        folder = self._home / "runs" / plain
        folder.mkdir(parents=True)
        home, url = self._home, ""
        if has_own_server:
            home = folder / "home"
            EmbeddedPostgres(home).start()
        else:
            url = self._database(f"run_{secrets.token_hex(6)}", template)
        stage = Stage(plain, folder, self._chain, home, url, self._processes, self.raise_if_over)
        self._stages[name] = stage
        return stage

    def stop(self, name: str) -> None:
        """End what still runs of a stage that failed; what it left stays for looking at."""
        stage = self._stages.get(name)
        if stage is None:
            return
        for feed in stage.feeds:
            stop(feed)
        if not stage.database_url:
            EmbeddedPostgres(stage.home).stop("immediate")

    def clear(self, stage: Stage) -> None:
        """Drop the stage's database and files, which are not needed any more."""
        if stage.database_url:
            self._drop(_database_of(stage.database_url))
        else:
            EmbeddedPostgres(stage.home).erase()
        shutil.rmtree(stage.folder, ignore_errors=True)

    def _drop(self, database: str) -> None:
        """Drop it, whoever is in it; autovacuum's worker is not ours to end, and gone in a moment."""
        statement = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database))
        deadline_s = time.monotonic() + _DROP_SECONDS
        with psycopg.connect(self._server_url, autocommit=True, connect_timeout=10) as connection:
            while True:
                try:
                    connection.execute(statement)
                except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
                    if time.monotonic() > deadline_s:
                        raise
                    time.sleep(_DROP_PAUSE_SECONDS)
                else:
                    return

    def _database(self, name: str, template: str | None) -> str:
        """A new database, a copy of `template` where one is named; its address."""
        made = sql.SQL("create database {}").format(sql.Identifier(name))
        if template is not None:
            made += sql.SQL(" template {}").format(sql.Identifier(template))
        with psycopg.connect(self._server_url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(made)
        return self._server_url.rpartition("/")[0] + "/" + name


def _database_of(url: str) -> str:
    return url.rpartition("/")[2]
