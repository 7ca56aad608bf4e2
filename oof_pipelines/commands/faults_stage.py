"""One run of the fault matrix: a home with its database and store, the real processes over it, and what they leave."""

import contextlib
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from oof_pipelines.commands.dagster_instance import program
from oof_pipelines.commands.node import STRUCK_PREFIX
from oof_pipelines.commands.processes import Child, Processes
from oof_pipelines.commands.recorded_chain import RunningNode, start_node
from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.fault_tables import Outcome, read_outcome
from oof_pipelines.testing.golden_chain import KLINES_FOLDER

FEED_SECONDS = 120.0
COMMAND_SECONDS = 300.0
_STOP_SECONDS = 15.0
_NODE_SECONDS = 60.0
_POLL_SECONDS = 0.05

_PROGRESS = """
select (select count(*) from tx_raw), (select count(*) from tx_raw where is_final),
       (select count(*) from quarantine), (select count(*) from fetch_queue)
"""


class RunError(Exception):
    """A run did not go as it must whatever the fault; the message says how, with the end of the log."""


@dataclass
class Stage:
    """One run. `database_url` is empty where it has a server of its own, in `home`. `raise_if_over` ends every wait."""

    name: str
    folder: Path
    chain: Path
    home: Path
    database_url: str
    processes: Processes
    raise_if_over: Callable[[], None]
    counts: Counter[str] = field(default_factory=Counter)
    feeds: list[Child] = field(default_factory=list)
    _started: Counter[str] = field(default_factory=Counter)

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def request_log(self) -> Path:
        """What the node was asked and how it answered."""
        return self.folder / "requests.jsonl"

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Settings of a process of this run; whatever the caller has set for himself is set otherwise."""
        klines = self.chain / KLINES_FOLDER
        return {
            "OOF_HOME": str(self.home),
            "OOF_STORE": str(self.store),
            "DATABASE_URL": self.database_url,
            "OOF_FOLLOW": "",
            "OOF_SOURCES": "",
            "OOF_MARKET_SOURCES": "",
            "OOF_SOL_USD_SOURCE": "klines" if klines.exists() else "none",
            "OOF_SOL_USD_KLINES": str(klines / "*.csv") if klines.exists() else "",
            **more,
        }

    @contextlib.contextmanager
    def node(
        self, faults: str = "", *, seed: int = 0, speed: float = 0.0, has_geyser: bool = False
    ) -> Iterator[RunningNode]:
        """The recorded node over the chain, for the block."""
        running = start_node(
            self.processes,
            self.chain,
            speed=speed,
            faults=faults or None,
            seed=seed,
            timeout_seconds=_NODE_SECONDS,
            name=self._log_name("node"),
            request_log=self.request_log,
            has_geyser=has_geyser,
        )
        try:
            yield running
        finally:
            self.processes.release(running.child)
            for line in running.child.log.read_text(errors="replace").splitlines():
                name, _, count = line.removeprefix(STRUCK_PREFIX).partition(" ")
                if line.startswith(STRUCK_PREFIX) and name in _STRUCK:
                    self.counts[_STRUCK[name]] += int(count)

    def start_feed(
        self,
        node: RunningNode,
        *,
        from_slot: int | None = None,
        at: str | None = None,
        victim: str = "process",
        settings: Mapping[str, str] | None = None,
    ) -> Child:
        """`oof follow allWithVotes`, with `at` under a crash point."""
        command = ["follow", "allWithVotes", "--json-logs"]
        command += [] if from_slot is None else ["--from-slot", str(from_slot)]
        environment = self.environment({**node.environment(), **(settings or {})})
        feed = self.processes.start(self._log_name("feed"), _command(command, at, victim), environment)
        self.feeds.append(feed)
        return feed

    def wait_until_following(self, feed: Child) -> None:
        """From then on it answers signals. Raises `RunError` where it ends, or does not begin."""
        self._wait_for(
            lambda: '"event": "following"' in feed.log.read_text(errors="replace"), feed, "does not begin", FEED_SECONDS
        )

    def complete(self, feed: Child, total: int, timeout_seconds: float = FEED_SECONDS) -> None:
        """Wait until all `total` transactions are stored and final, or in quarantine; then end the feed by SIGINT."""

        def is_complete() -> bool:
            stored, final, quarantined, queued = self.progress()
            return stored + quarantined == total and final == stored and queued == 0

        self.wait_until_following(feed)
        self._wait_for(is_complete, feed, f"does not complete {total} transactions", timeout_seconds)
        self.end_feed(feed)

    def end_feed(self, feed: Child) -> None:
        """Ctrl-C; anything but status 0 is a `RunError`."""
        feed.process.send_signal(signal.SIGINT)
        status = self.wait_for_end(feed, _STOP_SECONDS)
        if status != 0:
            raise RunError(f"the feed ended with status {status}:\n{feed.log_tail()}")

    def progress(self) -> tuple[int, int, int, int]:
        """(stored, final, quarantined, queued); zeros while there is no server or no table."""
        with contextlib.suppress(psycopg.OperationalError, psycopg.errors.UndefinedTable, EmbeddedPostgresError):
            with psycopg.connect(self.url(), autocommit=True, connect_timeout=5) as connection:
                row = connection.execute(_PROGRESS).fetchone()
            if row is not None:
                return (int(row[0]), int(row[1]), int(row[2]), int(row[3]))
        return (0, 0, 0, 0)

    def url(self) -> str:
        """Where the database is now; a server that was started again may have another port."""
        return self.database_url or EmbeddedPostgres(self.home).url

    def wait_for_death(self, child: Child, timeout_seconds: float = FEED_SECONDS) -> None:
        """The crash point kills it; any other end is a `RunError`."""
        status = self.wait_for_end(child, timeout_seconds)
        if status != -signal.SIGKILL:
            raise RunError(f"{child.name} was to be killed and ended with status {status}:\n{child.log_tail()}")
        self.counts["kills"] += 1

    def wait_for_end(self, child: Child, timeout_seconds: float) -> int:
        """The exit status; `RunError` where it does not end in time."""
        deadline_s = time.monotonic() + timeout_seconds
        while (status := child.process.poll()) is None:
            self._pause(deadline_s, f"{child.name} does not end", child)
        return status

    def run(
        self,
        command: list[str],
        *,
        at: str | None = None,
        victim: str = "process",
        settings: Mapping[str, str] | None = None,
    ) -> Child:
        """`oof COMMAND…` to its end, with `at` under a crash point; its status is `process.returncode`."""
        child = self.start(command, at=at, victim=victim, settings=settings)
        self.wait_for_end(child, COMMAND_SECONDS)
        return child

    def start(
        self,
        command: list[str],
        *,
        at: str | None = None,
        victim: str = "process",
        settings: Mapping[str, str] | None = None,
    ) -> Child:
        """`oof COMMAND…`, not waited for."""
        environment = self.environment(settings or {})
        return self.processes.start(self._log_name(command[0]), _command(command, at, victim), environment)

    def run_well(self, command: list[str], *, settings: Mapping[str, str] | None = None) -> Child:
        """The same; anything but status 0 is a `RunError`."""
        child = self.run(command, settings=settings)
        if child.process.returncode != 0:
            raise RunError(f"{child.name} ended with status {child.process.returncode}:\n{child.log_tail()}")
        return child

    def run_killed(self, command: list[str], at: str, *, settings: Mapping[str, str] | None = None) -> None:
        """The same, killed at `at`; any other end is a `RunError`."""
        self.wait_for_death(self.run(command, at=at, settings=settings))

    def outcome(self) -> Outcome:
        return read_outcome(self.url(), self.store)

    def note_answers(self) -> None:
        """Count what the node answered otherwise than well."""
        if not self.request_log.exists():
            return
        for line in self.request_log.read_bytes().splitlines():
            entry = json.loads(line)
            answer = str(entry["answer"])
            if answer == "null" and entry["method"] != "getTransaction":
                continue
            if answer != "result":
                self.counts[_WORDS.get(answer, answer)] += 1

    def note_log_events(self, words: Mapping[str, str]) -> None:
        """Count the feeds' log lines of these events, under the names given."""
        for feed in self.feeds:
            for line in feed.log.read_text(errors="replace").splitlines():
                event = str(json.loads(line).get("event")) if line.startswith("{") else ""
                if event in words:
                    self.counts[words[event]] += 1

    def _log_name(self, what: str) -> str:
        self._started[what] += 1
        return f"{self.name}-{what}-{self._started[what]}"

    def _wait_for(self, is_so: Callable[[], bool], child: Child, what: str, timeout_seconds: float) -> None:
        deadline_s = time.monotonic() + timeout_seconds
        while not is_so():
            status = child.process.poll()
            if status is not None:
                raise RunError(f"{child.name} ended with status {status} at {self.progress()}:\n{child.log_tail()}")
            self._pause(
                deadline_s, f"{child.name} {what}, (stored, final, quarantined, queued) = {self.progress()}", child
            )

    def _pause(self, deadline_s: float, what: str, child: Child) -> None:
        self.raise_if_over()
        if time.monotonic() > deadline_s:
            raise RunError(f"{what}:\n{child.log_tail()}")
        time.sleep(_POLL_SECONDS)


# Faults of which the request log knows nothing.
_STRUCK = {
    "slow": "late answers",
    "stale_slot": "stale answers",
    "repeat": "repeated",
    "reorder": "reordered",
    "fork": "forked slots",
    "geyser_skip": "slots left out",
    "geyser_repeat": "repeated",
    "geyser_reorder": "reordered slots",
}
_WORDS = {"null": "nulls", "429": "429s", "dropped": "drops", "500": "500s", "503": "503s"}


def _command(command: list[str], at: str | None, victim: str) -> list[str]:
    if at is None:
        return [program("oof"), *command]
    return [sys.executable, "-m", "oof_pipelines.testing.crash_points", "--at", at, "--kill", victim, "--", *command]
