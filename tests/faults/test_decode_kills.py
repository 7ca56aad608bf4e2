"""Kill -9 of decoding and of the wallets' update at their named steps; the next fold leaves the calm files and rows."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Calm, opened_stage
from decoded_home import Served, select, served_rows
from real_processes import Rows, Stage

from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.crash_points import DECODE_STEPS, FLAG_STEPS, WALLET_STEPS

_WRITING = ("mark", "write_wallet_actions", "write_wallet_events", "record")
# The n-th of three days, or of the buckets they touch.
STEPS = [
    *(f"decode.{step}:before:{1 + number % 3}" for number, step in enumerate(DECODE_STEPS)),
    *(f"flag.{step}:before:{1 + number % 3}" for number, step in enumerate(FLAG_STEPS)),
    "served.publish:commit:2",
    # Six partitions are folded before the first decoded one.
    "partition.rename:before:7",
    *(f"wallets.{step}:before:{1 + number}" for number, step in enumerate(WALLET_STEPS) if step in _WRITING),
    "contents.record:commit:2",
]


@pytest.fixture
def stored(open_folder: Path, server: EmbeddedPostgres, calm: Calm) -> Iterator[Stage]:
    """What the calm feed stored, not yet folded."""
    with opened_stage(open_folder, server, calm.template) as stage:
        yield stage


@pytest.fixture(scope="module")
def calm_served(open_folder: Path, server: EmbeddedPostgres, calm: Calm) -> Served:
    """What is served after one undisturbed fold."""
    with opened_stage(open_folder, server, calm.template) as stage:
        assert stage.fold_and_read() == calm.expected
        return served_rows(stage.url()) | notes(stage)


def notes(stage: Stage) -> dict[str, list[tuple[Any, ...]]]:
    return {"contents": select(stage.url(), "select bucket, day, sha256 from wallet_bucket_contents order by 1, 2")}


def assert_killed(process: "subprocess.CompletedProcess[str]") -> None:
    assert process.returncode == -9, process.stderr


@pytest.mark.parametrize("step", STEPS)
def test_a_fold_killed_at_a_step_of_decoding(stored: Stage, calm: Calm, calm_served: Served, step: str) -> None:
    assert_killed(stored.fold(at=step))
    assert_what_is_seen_is_whole(stored, calm.expected)
    assert stored.fold_and_read() == calm.expected
    assert served_rows(stored.url()) | notes(stored) == calm_served


def assert_what_is_seen_is_whole(stage: Stage, expected: Rows) -> None:
    """Day files are the calm ones; a day is served whole or not at all; what it serves has its files."""
    days = {name: digest for name, digest in stage.files().items() if name.endswith(".parquet") and "/day=" in name}
    assert days.items() <= expected.files.items()
    served = select(stage.url(), "select day, actions_sha256 from decoded_days")
    for day, digest in served:
        assert days[f"actions/day={day}/part.parquet"] == digest
    decoded = select(stage.url(), "select distinct (ts at time zone 'UTC')::date from tx_raw where is_decoded")
    assert {day for (day,) in decoded} == {day for day, _ in served}
    both = select(
        stage.url(),
        "select count(*) from tx_raw t where is_decoded <> not exists (select from hot_moves m where m.sig = t.sig)",
    )
    assert both == [(0,)], "a transaction has hot rows exactly until its day is served"
    assert set(DECODED_DATASETS) <= {name.split("/")[0] for name in expected.files}


def test_killed_again_and_again_it_still_ends_the_same(stored: Stage, calm: Calm, calm_served: Served) -> None:
    for step in ("decode.write_moves:before:1", "decode.publish:before:2", "wallets.record:before:3"):
        assert_killed(stored.fold(at=step))
    assert stored.fold_and_read() == calm.expected
    assert served_rows(stored.url()) | notes(stored) == calm_served


def test_a_database_lost_after_the_fold_is_restored_by_the_next(
    stored: Stage, open_folder: Path, server: EmbeddedPostgres, calm: Calm, calm_served: Served
) -> None:
    """Killed on the way there as well."""
    assert stored.fold_and_read() == calm.expected
    with opened_stage(open_folder, server) as anew:
        stored.store.rename(anew.store)
        assert_killed(anew.fold(at="served.publish:commit:2"))
        assert anew.fold().returncode == 0
        assert served_rows(anew.url()) | notes(anew) == calm_served
        assert anew.files() == calm.expected.files
