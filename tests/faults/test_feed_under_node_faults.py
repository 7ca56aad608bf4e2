"""The real feed against a node that misbehaves: it ends where the calm run ends, whatever the seed."""

import json
from functools import partial
from pathlib import Path

import pytest
from conftest import TRANSACTIONS, Calm, MakeStage
from real_processes import Stage, side_by_side, transaction_count

from oof_pipelines.testing.recorded_node.process import start_node_process

SEEDS = (1, 2)
# Fault → the word by which it shows in the node's request log; None where it leaves no trace there.
FAULTS = {
    "429:p=0.15": "429",
    "429:p=0.03;retry_after=1": "429",
    "error:p=0.15": "50",
    "truncated:p=0.15": "truncated",
    "slow:p=0.2;ms=400": None,
    "null_after_log:p=0.3;for_ms=700": "null",
    "stale_slot:p=0.5;lag=60": None,
    "drop:after=20;times=0": "dropped",
    # The tip given after the drop lies before what was lost.
    "drop:after=50;times=1,stale_slot:p=0.7;lag=1000000": "dropped",
    "429:p=0.05,error:p=0.05,truncated:p=0.05,null_after_log:p=0.1,drop:after=30;times=0,slow:p=0.05": "dropped",
}


def answers(log: Path) -> list[str]:
    return [json.loads(line)["answer"] for line in log.read_bytes().splitlines()]


def run_faulty(stage: Stage, calm: Calm, faults: str, seed: int, trace: str | None) -> None:
    log = stage.folder / "node.log"
    with start_node_process(calm.chain, faults=faults, seed=seed, log=log) as node:
        stage.run_to_completion(node, stage.start_feed(node), transaction_count(node))
    assert stage.fold_and_read() == calm.expected
    if trace is not None:
        assert any(answer.startswith(trace) for answer in answers(log)), f"seed {seed}: the fault never struck"


@pytest.mark.parametrize("faults", FAULTS)
def test_a_fault_changes_nothing(make_stage: MakeStage, calm: Calm, faults: str) -> None:
    side_by_side([partial(run_faulty, make_stage(), calm, faults, seed, FAULTS[faults]) for seed in SEEDS])


def run_vanishing(stage: Stage, calm: Calm, seed: int) -> None:
    with start_node_process(calm.chain, faults="vanish:p=0.1;after_ms=1500", seed=seed) as node:
        stage.run_to_completion(node, stage.start_feed(node), transaction_count(node))
    rows = stage.fold_and_read()
    assert rows.signatures == calm.expected.signatures
    assert len(rows.stored) + len(rows.quarantined) == TRANSACTIONS
    assert rows.quarantined, f"seed {seed}: no slot vanished"
    assert {reason for _, reason in rows.quarantined} <= {"vanished", "not_found"}
    # Whole slots go, and what stays is as it is in the calm run.
    slot_of = {row[0]: row[1] for row in calm.expected.stored}
    gone_slots = {slot_of[signature] for signature, _ in rows.quarantined}
    assert rows.stored == tuple(row for row in calm.expected.stored if row[1] not in gone_slots)
    assert set(rows.left_over.values()) == {0}


def test_vanished_slots_are_in_quarantine_and_nowhere_else(make_stage: MakeStage, calm: Calm) -> None:
    side_by_side([partial(run_vanishing, make_stage(), calm, seed) for seed in SEEDS])
