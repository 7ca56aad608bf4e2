"""The feed and the fold as real processes over a recorded node: started, killed, waited for, and what they leave behind."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from dropped_database import drop_database

from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.recorded_node.process import NodeProcess, start_node_process

OOF = str(Path(sys.executable).with_name("oof"))
FEED_SECONDS = 60.0
STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05

_PROGRESS = """
select (select count(*) from tx_raw), (select count(*) from tx_raw where is_final),
       (select count(*) from quarantine), (select count(*) from fetch_queue)
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a feed and a fold leave, without what tells when they ran.

    `stored` is (signature, slot, ts, status, object_key), `quarantined` (signature, reason); `left_over` counts the rows of
    the tables that folding empties; `files` is path under the store → SHA-256.
    """

    stored: tuple[tuple[object, ...], ...]
    quarantined: tuple[tuple[str, str], ...]
    left_over: dict[str, int]
    files: dict[str, str]

    @property
    def signatures(self) -> set[object]:
        return {row[0] for row in self.stored} | {signature for signature, _ in self.quarantined}


@dataclass
class Stage:
    """One home with its database and store, and the processes over it. `database_url` is empty for the home's own server."""

    folder: Path
    database_url: str
    home: Path
    feeds: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def environment(self, node: NodeProcess | None, **more: str) -> dict[str, str]:
        """Settings of a process of this stage; nothing of the caller's own is let in."""
        names = ("DATABASE_URL", "RPC_PRIMARY", "RPC_SECONDARY", "RPC_WS", "OOF_FOLLOW", "SOLANA_CLUSTER", "OOF_STORE")
        inherited = {name: value for name, value in os.environ.items() if name not in names}
        endpoints = {"RPC_PRIMARY": node.http_url, "RPC_WS": node.ws_url} if node else {}
        own = {
            "OOF_HOME": str(self.home),
            "OOF_STORE": str(self.store),
            "DATABASE_URL": self.database_url,
            "RPC_REQUESTS_PER_SECOND": "5000",
        }
        return {**inherited, **own, **endpoints, **more}

    def start_feed(
        self, node: NodeProcess, *options: str, at: str | None = None, kill: str = "process", **settings: str
    ) -> "subprocess.Popen[bytes]":
        """`oof follow allWithVotes`, with `at` under a crash point. The n-th one (from 1) writes to `feed-n.log`."""
        command = ["follow", "allWithVotes", "--json-logs", *options]
        with (self.folder / f"feed-{len(self.feeds) + 1}.log").open("wb") as log:
            feed = subprocess.Popen(
                _command(command, at, kill),
                env=self.environment(node, **settings),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.feeds.append(feed)
        return feed

    def run_to_completion(self, node: NodeProcess, feed: "subprocess.Popen[bytes]", total: int) -> None:
        """Wait until all `total` transactions are stored and final, or quarantined; then end the feed by SIGINT."""
        self.wait_until_following(feed)
        self.wait_until_complete(feed, total)
        assert self.interrupt(feed) == 0, self.log_tail()

    def wait_until_following(self, feed: "subprocess.Popen[bytes]") -> None:
        """Wait for the newest feed to say that it follows; from then on it answers signals."""
        deadline_s = time.monotonic() + FEED_SECONDS
        while '"event": "following"' not in self.log():
            assert feed.poll() is None, f"the feed ended with {feed.returncode}:\n{self.log_tail()}"
            assert time.monotonic() < deadline_s, f"the feed does not begin:\n{self.log_tail()}"
            time.sleep(_POLL_SECONDS)

    def wait_until_complete(self, feed: "subprocess.Popen[bytes]", total: int) -> None:
        """Raises AssertionError with how far it came where the feed ends or stands still."""
        deadline_s = time.monotonic() + FEED_SECONDS
        progress: tuple[int, ...] = ()
        while time.monotonic() < deadline_s:
            with contextlib.suppress(psycopg.OperationalError):
                progress = self.progress()
                stored, final, quarantined, queued = progress
                if stored + quarantined == total and final == stored and queued == 0:
                    return
            assert feed.poll() is None, f"the feed ended with {feed.returncode} at {progress}:\n{self.log_tail()}"
            time.sleep(_POLL_SECONDS)
        raise AssertionError(f"of {total}, (stored, final, quarantined, queued) = {progress}:\n{self.log_tail()}")

    def progress(self) -> tuple[int, ...]:
        """(stored, final, quarantined, queued); zeros before the tables are there."""
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=5) as connection:
            try:
                row = connection.execute(_PROGRESS).fetchone()
            except psycopg.errors.UndefinedTable:
                return (0, 0, 0, 0)
        assert row is not None
        return tuple(row)

    def url(self) -> str:
        """Where the database is now; a server started again may have another port."""
        if self.database_url:
            return self.database_url
        try:
            return EmbeddedPostgres(self.home).url
        except EmbeddedPostgresError as error:
            raise psycopg.OperationalError(str(error)) from None

    def interrupt(self, feed: "subprocess.Popen[bytes]") -> int:
        """Ctrl-C; the exit status."""
        feed.send_signal(signal.SIGINT)
        return feed.wait(STOP_SECONDS)

    def kill(self, feed: "subprocess.Popen[bytes]") -> None:
        feed.kill()
        feed.wait(STOP_SECONDS)

    def wait_for_death(self, process: "subprocess.Popen[bytes]", timeout_seconds: float = 30.0) -> None:
        """The crash point kills it; any other end, or none, is a failure."""
        try:
            status = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill(process)
            raise AssertionError(f"the crash point was never reached:\n{self.log_tail()}") from None
        assert status == -signal.SIGKILL, f"ended with status {status}:\n{self.log_tail()}"

    def fold(self, *, at: str | None = None, kill: str = "process") -> "subprocess.CompletedProcess[str]":
        """`oof fold` to its end, with `at` under a crash point."""
        return subprocess.run(
            _command(["fold"], at, kill),
            env=self.environment(None),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def rows(self) -> Rows:
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=5) as connection:
            stored = connection.execute("select sig, slot, ts, status, object_key from tx_raw order by sig").fetchall()
            quarantined = connection.execute("select signature, reason from quarantine order by 1").fetchall()
            left_over = {
                table: connection.execute(f"select count(*) from {table}").fetchall()[0][0]
                for table in ("inbox_transactions", "raw_logs", "fetch_queue")
            }
        return Rows(tuple(stored), tuple(quarantined), left_over, self.files())

    def files(self) -> dict[str, str]:
        """Every file below the store, unfinished ones too."""
        paths = sorted(path for path in self.store.rglob("*") if path.is_file())
        return {str(path.relative_to(self.store)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    def stored_signatures(self) -> set[str]:
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=5) as connection:
            return {row[0] for row in connection.execute("select sig from tx_raw").fetchall()}

    def fold_and_read(self) -> Rows:
        folded = self.fold()
        assert folded.returncode == 0, folded.stderr
        return self.rows()

    def log(self) -> str:
        """What the newest feed has written."""
        return (self.folder / f"feed-{len(self.feeds)}.log").read_text(errors="replace")

    def log_tail(self) -> str:
        return "\n".join(self.log().splitlines()[-15:])

    def end(self) -> None:
        """Kill whatever feed still runs."""
        for feed in self.feeds:
            if feed.poll() is None:
                self.kill(feed)


def _command(command: Sequence[str], at: str | None, kill: str) -> list[str]:
    if at is None:
        return [OOF, *command]
    return [sys.executable, "-m", "oof_pipelines.testing.crash_points", "--at", at, "--kill", kill, "--", *command]


def fetch_counts(log: Path, from_byte: int = 0) -> Counter[str]:
    """Signature → how often getTransaction was asked for it at the default commitment, from the node's request log."""
    fetched: Counter[str] = Counter()
    for line in log.read_bytes()[from_byte:].splitlines():
        entry = json.loads(line)
        if entry["method"] == "getTransaction" and entry["params"][1]["commitment"] == "confirmed":
            fetched[entry["params"][0]] += 1
    return fetched


def transaction_count(node: NodeProcess) -> int:
    return int(node.start_line.partition("transactions=")[2].split()[0])


@contextlib.contextmanager
def fresh_database(server_url: str, name: str, template: str | None = None) -> Iterator[str]:
    """A database of its own on a running server, a copy of `template` where one is named; dropped at the end."""
    with psycopg.connect(server_url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(f'create database "{name}"' + (f' template "{template}"' if template else ""))
    try:
        yield server_url.rpartition("/")[0] + "/" + name
    finally:
        with psycopg.connect(server_url, autocommit=True, connect_timeout=10) as connection:
            drop_database(connection, name)


def run_calmly(stage: Stage, chain: Path, *options: str) -> None:
    """The feed over the whole chain with nothing going wrong, up to where the fold begins. Its node logs to node.log."""
    with start_node_process(chain, log=stage.folder / "node.log") as node:
        feed = stage.start_feed(node, *options)
        stage.run_to_completion(node, feed, transaction_count(node))


def side_by_side(jobs: Sequence[Callable[[], None]]) -> None:
    """Run `jobs` at once (they mostly wait for processes) and raise what the first that failed raised."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        for future in [pool.submit(job) for job in jobs]:
            future.result()
