"""A part of the fault matrix, by the command itself: every kind of fault once, on the real processes."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from oof_pipelines.commands import faults as faults_command
from oof_pipelines.testing.fault_catalogue import FOLD, NODE, Fault, all_faults

OOF = str(Path(sys.executable).with_name("oof"))
SEED = 11
KINDS = (
    "socket-drop",
    "fork-moved",
    "kill-feed:inbox.store",
    "kill-fold:positions.publish_positions",
    "kill-refresh:refresh.serve",
    "disk-full-store",
)
SECONDS = 840
"""Far more than it takes, about a minute on two quiet cores: how long it does take depends on what else runs."""


def run_faults(home: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [OOF, "faults", *options],
        env={**os.environ, "OOF_HOME": str(home), "DATABASE_URL": "", "RECORDED": ""},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def of_any_step() -> str:
    """One of the steps that a fold names, another one for another seed."""
    dice = random.Random(SEED)
    return dice.choice([fault.name for fault in all_faults(SEED) if fault.kind == FOLD])


@pytest.fixture(scope="module")
def home(open_folder: Path) -> Path:
    folder = open_folder / "matrix"
    folder.mkdir()
    return folder


@pytest.mark.timeout(900)
def test_every_kind_of_fault_leaves_what_the_calm_run_leaves(home: Path) -> None:
    names = (*KINDS, of_any_step())
    only = [part for name in names for part in ("--only", name)]
    ended = run_faults(home, "--seed", str(SEED), "--drop-seconds", "3", "--json", *only)
    told: dict[str, Any] = json.loads(ended.stdout)
    assert ended.returncode == 0, [row for row in told["faults"] if row["verdict"] != "same"]
    rows = {row["fault"]: row for row in told["faults"]}
    assert set(names) == rows.keys()
    assert {row["verdict"] for row in rows.values()} <= {"same", "skipped"}
    skipped = [name for name, row in rows.items() if row["verdict"] == "skipped"]
    assert skipped in ([], ["disk-full-store"]), "only a disk cannot be made small everywhere"
    plain = [row for name, row in rows.items() if name not in ("fork-moved", *skipped)]
    assert {row["sha256"] for row in plain} == {told["calm_sha256"]}
    # Each fault did strike.
    assert rows["socket-drop"]["happened"]["drops"] >= 1
    assert rows["fork-moved"]["happened"]["moved"] > 0
    assert all(row["happened"]["kills"] >= 1 for name, row in rows.items() if name.startswith("kill-"))


@pytest.mark.timeout(900)
def test_a_run_that_leaves_something_else_ends_with_status_1(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slots that land elsewhere leave corrections; compared as if they were none of the chain's doing, that is told."""
    unexpected = Fault("unexpected-forks", NODE, "fork:p=0.3;back=1;after_ms=2500")
    monkeypatch.setattr(faults_command, "all_faults", lambda _seed, drop_seconds: (unexpected,))
    monkeypatch.setenv("OOF_HOME", str(home / "unexpected"))
    ended = CliRunner().invoke(faults_command.faults, ["--seed", str(SEED), "--json"])
    assert ended.exit_code == 1
    assert "1 of 1 did not end as the calm run did: unexpected-forks" in ended.output
    told = json.loads(next(line for line in ended.output.splitlines() if line.startswith("{")))
    (row,) = told["faults"]
    assert row["verdict"] == "DIFFERENT"
    assert row["sha256"] != told["calm_sha256"]
    (detail,) = row["details"]
    assert detail.startswith("table corrections: ")
    assert "moved_slot" in detail


def test_a_fault_that_is_none_is_told(home: Path) -> None:
    ended = run_faults(home, "--only", "fire")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: --only: 'fire' is no fault; there are ")
    listed = run_faults(home, "--list", "--only", "429").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["429-storm", "429-scattered"]
