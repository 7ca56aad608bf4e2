"""The real feed over a Geyser stream, alone and beside logs, calm and disturbed: it ends where a calm log feed does."""

import json
import os
from functools import partial
from pathlib import Path

import pytest
from conftest import Calm, MakeStage
from real_processes import Stage, side_by_side, transaction_count

from oof_pipelines.testing.recorded_node.process import NodeProcess, start_node_process

TOKEN = "geyser-token-of-the-test"
GEYSER_NODE = ("--geyser-port", "0", "--geyser-token", TOKEN)


def settings_for(node: NodeProcess, sources: str) -> dict[str, str]:
    return {"OOF_SOURCES": sources, "OOF_GEYSER_URL": node.geyser_url, "OOF_GEYSER_TOKEN": TOKEN}


def run(
    stage: Stage, calm: Calm, sources: str, *, faults: str | None = None, seed: int = 0, more: tuple[str, ...] = ()
) -> None:
    node_log = stage.folder / "node.log"
    with start_node_process(calm.chain, faults=faults, seed=seed, log=node_log, more=GEYSER_NODE + more) as node:
        feed = stage.start_feed(node, **settings_for(node, sources))
        stage.run_to_completion(node, feed, transaction_count(node))
    assert TOKEN not in stage.log()
    rows = stage.fold_and_read()
    assert {path for path, digest in rows.files.items() if calm.expected.files.get(path) != digest} == set()
    assert rows == calm.expected


def asked_for(log: Path, method: str) -> int:
    return sum(json.loads(line)["method"] == method for line in log.read_bytes().splitlines())


def events(stage: Stage, event: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in stage.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def test_a_stream_alone_leaves_the_same_files_and_asks_for_no_body(make_stage: MakeStage, calm: Calm) -> None:
    stage = make_stage()
    run(stage, calm, "geyser")
    # What is not pending any more is asked after, to make it final; a body that came whole is never fetched.
    assert asked_for(stage.folder / "node.log", "getSignatureStatuses") > 0
    assert asked_for(stage.folder / "node.log", "getTransaction") <= calm_finality_calls(calm)


def calm_finality_calls(calm: Calm) -> int:
    """How many bodies the log feed asks for only to see whether they are final."""
    asked = [json.loads(line) for line in calm.log.read_bytes().splitlines()]
    finalised = [one for one in asked if one["method"] == "getTransaction" and "finalized" in json.dumps(one["params"])]
    return len(finalised)


def test_stream_and_logs_together_make_no_doubles(make_stage: MakeStage, calm: Calm) -> None:
    run(make_stage(), calm, "logs,geyser")


def test_recorded_transactions_by_stream(make_stage: MakeStage, recorded_calm: Calm) -> None:
    """Bodies recorded in other encodings become base64 ones, so rows are compared, and of the files those made of them."""
    stage = make_stage()
    with start_node_process(recorded_calm.chain, more=GEYSER_NODE) as node:
        feed = stage.start_feed(node, **settings_for(node, "geyser"))
        stage.run_to_completion(node, feed, transaction_count(node))
    rows = stage.fold_and_read()
    assert rows.stored == recorded_calm.expected.stored
    assert rows.quarantined == recorded_calm.expected.quarantined
    differing = {path for path, digest in rows.files.items() if recorded_calm.expected.files.get(path) != digest}
    assert rows.files.keys() == recorded_calm.expected.files.keys()
    assert {path.split("/")[0] for path in differing} <= {"raw_transactions"}


# Fault → what the feed's log must say at least once.
FAULTS = {
    "geyser_drop:after=60;times=3;lose=4": "Geyser stream dropped",
    "geyser_skip:p=0.15": "the Geyser stream left out slots",
    "geyser_stall:after=50;times=2;for_ms=700": "",
    "geyser_repeat:p=0.5,geyser_reorder:p=0.5": "",
    "geyser_drop:after=70;times=0,geyser_skip:p=0.1,geyser_repeat:p=0.2,geyser_reorder:p=0.3,429:p=0.1,error:p=0.1": (
        "Geyser stream dropped"
    ),
}


# One of each and the mix of all; `OOF_LONG_TESTS=1` runs the others too.
SHORT = [next(iter(FAULTS)), list(FAULTS)[-1]]


@pytest.mark.parametrize("faults", FAULTS if os.environ.get("OOF_LONG_TESTS") else SHORT)
def test_a_fault_of_the_stream_changes_nothing(make_stage: MakeStage, calm: Calm, faults: str) -> None:
    stages = [make_stage(), make_stage()]
    side_by_side([partial(run, stage, calm, "geyser", faults=faults, seed=seed) for seed, stage in enumerate(stages)])
    for stage in stages:
        assert not FAULTS[faults] or events(stage, FAULTS[faults]), stage.log_tail()


@pytest.mark.parametrize("replayed_slots", ["0", "2"] if os.environ.get("OOF_LONG_TESTS") else ["2"])
def test_where_the_server_cannot_resume_rpc_lists_what_was_missed(
    make_stage: MakeStage, calm: Calm, replayed_slots: str
) -> None:
    stage = make_stage()
    faults = "geyser_drop:after=60;times=2;lose=12"
    run(stage, calm, "geyser", faults=faults, more=("--geyser-replay", replayed_slots))
    assert events(stage, "Geyser stream dropped")
    assert events(stage, "the Geyser server cannot resume, RPC lists what was missed")


def test_a_killed_feed_begins_where_it_was(make_stage: MakeStage, calm: Calm) -> None:
    stage = make_stage()
    with start_node_process(calm.chain, more=GEYSER_NODE) as node:
        settings = settings_for(node, "geyser")
        feed = stage.start_feed(node, at="inbox.store:commit:2", **settings)
        feed.wait(60)
        assert feed.returncode == -9
        again = stage.start_feed(node, **settings)
        stage.run_to_completion(node, again, transaction_count(node))
    assert stage.fold_and_read() == calm.expected


def test_a_server_that_does_not_let_us_in_ends_the_start(stage: Stage, calm: Calm) -> None:
    with start_node_process(calm.chain, more=GEYSER_NODE) as node:
        feed = stage.start_feed(node, **settings_for(node, "geyser") | {"OOF_GEYSER_TOKEN": "another-secret-token"})
        assert feed.wait(30) == 1
    assert "Error: OOF_GEYSER_URL" in stage.log()
    assert "OOF_GEYSER_TOKEN" in stage.log()
    assert "another-secret-token" not in stage.log()
