"""Kill -9 of the fold at its named steps and in the middle of the Parquet write; the next fold makes the calm files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Calm, opened_stage
from real_processes import Stage

from oof_pipelines.storage.postgres.server import EmbeddedPostgres

# The n-th partition: three days of raw_transactions, then three of raw_logs.
STEPS = [
    "fold.read:before:2",
    "fold.validate:before:1",
    "fold.write:before:2",
    "partition.rename:before:1",
    "partition.rename:after:5",
    "fold.clear:before:3",
    "fold.clear:before:4",
    "waiting.clear:commit:2",
    "fold.done:before:1",
]


@pytest.fixture
def stored(open_folder: Path, server: EmbeddedPostgres, calm: Calm) -> Iterator[Stage]:
    """What the calm feed stored, not yet folded."""
    with opened_stage(open_folder, server, calm.template) as stage:
        yield stage


@pytest.mark.parametrize("step", STEPS)
def test_a_fold_killed_at_a_step(stored: Stage, calm: Calm, step: str) -> None:
    killed = stored.fold(at=step)
    assert killed.returncode == -9, killed.stderr
    assert stored.rows() != calm.expected
    assert stored.fold_and_read() == calm.expected


def test_a_fold_killed_leaves_only_whole_files(stored: Stage, calm: Calm) -> None:
    """Whatever step it died at, a reader sees no partition that is not the final one."""
    for step in ("partition.rename:before:1", "fold.clear:before:2", "partition.rename:before:2"):
        assert stored.fold(at=step).returncode == -9
        seen = {name: digest for name, digest in stored.files().items() if name.endswith(".parquet")}
        assert seen.items() <= calm.expected.files.items()
    assert stored.fold_and_read() == calm.expected


def test_folding_again_changes_nothing(stored: Stage, calm: Calm) -> None:
    assert stored.fold_and_read() == calm.expected
    assert stored.fold_and_read() == calm.expected
