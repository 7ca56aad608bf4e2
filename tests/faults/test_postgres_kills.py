"""Kill -9 of the embedded PostgreSQL while the feed stores, while the fold folds, and at random: the feed lives on."""

import random
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conftest import Calm
from real_processes import Stage, transaction_count

from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.crash_points import kill_server
from oof_pipelines.testing.recorded_node.process import start_node_process
from oof_pipelines.testing.synthetic_chain import DEFAULT_START_SLOT

FROM_THE_START = ("--from-slot", str(DEFAULT_START_SLOT))


@pytest.fixture(scope="module")
def doomed_home(open_folder: Path) -> Iterator[Path]:
    """A home with a server of its own, which these tests kill."""
    home = open_folder / "doomed"
    EmbeddedPostgres(home).start()
    yield home
    EmbeddedPostgres(home).erase()


@pytest.fixture
def own_server(open_folder: Path, doomed_home: Path) -> Iterator[Stage]:
    """A stage on the embedded server of its home, which is emptied for it."""
    with psycopg.connect(EmbeddedPostgres(doomed_home).start(), autocommit=True, connect_timeout=10) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    folder = open_folder / f"p_{secrets.token_hex(6)}"
    folder.mkdir()
    stage = Stage(folder, "", doomed_home)
    yield stage
    stage.end()


@pytest.mark.parametrize(
    ("step", "victim"),
    [
        ("inbox.store:commit:1", "server"),
        ("inbox.store:after:2", "postmaster"),
        ("inbox.enqueue:commit:10", "postmaster"),
    ],
)
def test_the_server_killed_under_the_feed(own_server: Stage, calm: Calm, step: str, victim: str) -> None:
    before = EmbeddedPostgres(own_server.home).status().pid
    with start_node_process(calm.chain) as node:
        feed = own_server.start_feed(node, *FROM_THE_START, at=step, kill=victim)
        own_server.run_to_completion(node, feed, transaction_count(node))
    assert "crash point" in own_server.log()
    assert EmbeddedPostgres(own_server.home).status().pid != before
    assert own_server.fold_and_read() == calm.expected


def test_the_server_killed_under_one_fold_after_another(own_server: Stage, calm: Calm) -> None:
    with start_node_process(calm.chain) as node:
        own_server.run_to_completion(node, own_server.start_feed(node), transaction_count(node))
    for step in ("fold.clear:before:2", "waiting.clear:commit:1", "fold.write:before:3"):
        failed = own_server.fold(at=step, kill="server")
        assert failed.returncode == 1
        assert "Traceback" not in failed.stderr, failed.stderr
        error_lines = [line for line in failed.stderr.splitlines() if line.startswith("Error: ")]
        assert len(error_lines) == 1
        assert "DATABASE_URL" in error_lines[0]
        assert own_server.files().items() <= calm.expected.files.items()
    assert own_server.fold_and_read() == calm.expected


@pytest.mark.parametrize("seed", [1, 2])
def test_the_server_and_the_feed_killed_at_random(own_server: Stage, calm: Calm, seed: int) -> None:
    dice = random.Random(seed)
    kills = 0
    with start_node_process(calm.chain, faults="slow:p=0.3;ms=150", seed=seed) as node:
        feed = own_server.start_feed(node, *FROM_THE_START)
        own_server.wait_until_following(feed)
        for _ in range(3):
            time.sleep(dice.uniform(0.05, 0.6))
            if dice.random() < 0.4:
                own_server.kill(feed)
                feed = own_server.start_feed(node, *FROM_THE_START)
                own_server.wait_until_following(feed)
            else:
                kills += 1
                kill_server(own_server.home, is_whole=dice.random() < 0.5)
                wait_for_a_new_server(own_server, feed)
        own_server.run_to_completion(node, feed, transaction_count(node))
    assert kills > 0
    assert own_server.fold_and_read() == calm.expected


def wait_for_a_new_server(stage: Stage, feed: "subprocess.Popen[bytes]") -> None:
    """The feed starts it by itself, at its next use of the inbox."""
    deadline_s = time.monotonic() + 30
    while not EmbeddedPostgres(stage.home).status().is_running:
        assert feed.poll() is None, stage.log_tail()
        assert time.monotonic() < deadline_s, f"nobody started the server again:\n{stage.log_tail()}"
        time.sleep(0.02)
