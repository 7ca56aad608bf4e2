"""Kills at random, for as long as you like: `python tests/faults/soak_kills.py --rounds 50 --seed 1`.

Every round follows a chain from an empty database while feeds and the embedded PostgreSQL are killed, folds it under more
kills, and compares with a calm run. A round is decided by its seed: one that fails can be run again with `--rounds 1`.
"""

import argparse
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

import psycopg
from real_processes import Rows, Stage, fetch_counts, run_calmly, transaction_count

from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.crash_points import FOLD_STEPS, kill_server
from oof_pipelines.testing.recorded_node.process import start_node_process
from oof_pipelines.testing.synthetic_chain import DEFAULT_START_SLOT, write_chain

FROM_THE_START = ("--from-slot", str(DEFAULT_START_SLOT))
FAULTS = (
    "slow:p=0.3;ms=150",
    "drop:after=30;times=0",
    "429:p=0.1,slow:p=0.2;ms=100",
    "null_after_log:p=0.3;for_ms=400",
)
METHODS = ("record_heard", "enqueue", "store", "save_checkpoint", "mark_final")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each next one adds 1")
    parser.add_argument("--transactions", type=int, default=160)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="oof-k-", dir="/tmp"))
    folder.chmod(0o755)
    home = folder / "home"
    try:
        write_chain(folder / "chain", seed=7, transaction_count=arguments.transactions, days=3)
        calm = new_stage(folder, home, "calm")
        run_calmly(calm, folder / "chain")
        expected = calm.fold_and_read()
        for seed in range(arguments.seed, arguments.seed + arguments.rounds):
            started_s = time.monotonic()
            kills = run_round(new_stage(folder, home, f"round-{seed}"), folder / "chain", expected, seed)
            print(f"seed {seed}: the same after {kills}, {time.monotonic() - started_s:.1f} s", flush=True)  # noqa: T201
    finally:
        EmbeddedPostgres(home).erase()
        shutil.rmtree(folder)


def new_stage(folder: Path, home: Path, name: str) -> Stage:
    """An empty store, and the home's database emptied."""
    with psycopg.connect(EmbeddedPostgres(home).start(), autocommit=True, connect_timeout=10) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    (folder / name).mkdir()
    return Stage(folder / name, "", home)


def run_round(stage: Stage, chain: Path, expected: Rows, seed: int) -> str:
    """One life full of kills; returns what was killed. Raises AssertionError where it ends otherwise than the calm one."""
    dice = random.Random(seed)
    log = stage.folder / "node.log"
    try:
        with start_node_process(chain, faults=dice.choice(FAULTS), seed=seed, log=log) as node:
            feed = stage.start_feed(node, *FROM_THE_START)
            feed_kills = server_kills = 0
            for _ in range(dice.randint(1, 5)):
                time.sleep(dice.uniform(0.0, 1.2))
                if dice.random() < 0.3:
                    server_kills += kill_running_server(stage.home, is_whole=dice.random() < 0.5)
                    continue
                stage.kill(feed)
                feed_kills += 1
                moment = dice.choice(("before", "commit", "after"))
                at = f"inbox.{dice.choice(METHODS)}:{moment}:{dice.randint(1, 12)}" if dice.random() < 0.6 else None
                feed = stage.start_feed(node, *FROM_THE_START, at=at)
            stage.kill(feed)
            stage.run_to_completion(node, stage.start_feed(node, *FROM_THE_START), transaction_count(node))
        fold_kills = fold_under_kills(stage, dice)
        assert stage.fold_and_read() == expected, f"seed {seed}: not the rows and files of the calm run"
        assert max(fetch_counts(log).values()) <= 2 + feed_kills + server_kills + answers_lost(log)
    finally:
        stage.end()
    return f"{feed_kills + 1} kills of the feed, {server_kills} of the server, {fold_kills} of the fold"


def answers_lost(log: Path) -> int:
    """How many requests a fault of the node answered: each may be asked again."""
    text = log.read_text()
    return sum(text.count(f'"answer":"{answer}"') for answer in ("429", "null", "truncated", "500", "503"))


def fold_under_kills(stage: Stage, dice: random.Random) -> int:
    kills = 0
    for _ in range(dice.randint(0, 3)):
        at = f"fold.{dice.choice(FOLD_STEPS)}:before:{dice.randint(1, 4)}"
        at = dice.choice((at, f"partition.rename:{dice.choice(('before', 'after'))}:{dice.randint(1, 3)}"))
        victim = dice.choice(("process", "server", "postmaster"))
        status = stage.fold(at=at, kill=victim).returncode
        assert status in (0, 1, -signal.SIGKILL), f"{at}: the fold ended with {status}"
        kills += status != 0
    return kills


def kill_running_server(home: Path, *, is_whole: bool) -> int:
    """1 where there was one to kill; a feed that starts may not have started it again yet."""
    if not EmbeddedPostgres(home).status().is_running:
        return 0
    kill_server(home, is_whole=is_whole)
    return 1


if __name__ == "__main__":
    main()
