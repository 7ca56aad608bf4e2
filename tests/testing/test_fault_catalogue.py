"""What a seed decides of the faults, and the chain they are shown on."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

from oof_pipelines.testing.crash_points import PARTS, WORKFLOWS, CrashPoint
from oof_pipelines.testing.fault_catalogue import FORK, GEYSER, KILLS, WEBHOOK, all_faults, chosen
from oof_pipelines.testing.fault_chain import chapters, vanishing_signatures, write_fault_chain, write_without
from oof_pipelines.testing.golden_chain import tell
from oof_pipelines.testing.recorded_node.faults import parse_faults
from oof_pipelines.testing.recorded_node.ledger import load_ledger

SEEDS = range(8)


def test_a_seed_gives_the_same_faults_and_another_seed_others() -> None:
    assert all_faults(3) == all_faults(3)
    assert len({all_faults(seed) for seed in SEEDS}) == len(SEEDS)
    names = [fault.name for fault in all_faults(3)]
    assert names == [fault.name for fault in all_faults(4)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_can_be_understood_by_who_makes_it(seed: int) -> None:
    for fault in all_faults(seed, drop_seconds=5):
        parse_faults(fault.node_faults)
        if fault.kind in (*KILLS, FORK, WEBHOOK, GEYSER):
            for step in fault.steps:
                CrashPoint.parse(step)
        assert fault.speed >= 0
        assert parse_faults(fault.node_faults) or fault.steps or fault.plan, "a fault does something"


def test_every_step_that_a_workflow_names_is_killed_at() -> None:
    killed = {step.split(":")[0] for fault in all_faults(1) if fault.kind in KILLS for step in fault.steps}
    assert {f"{name}.{step}" for name, (_, _, steps) in WORKFLOWS.items() for step in steps} <= killed


@pytest.mark.parametrize("part", PARTS)
def test_what_is_watched_is_there(part: str) -> None:
    module, owner, methods = PARTS[part]
    assert all(callable(getattr(getattr(importlib.import_module(module), owner), method)) for method in methods)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_workflow_names_the_steps_that_are_killed_at(workflow: str) -> None:
    """By its source, which tells each step before it makes it."""
    module, function, steps = WORKFLOWS[workflow]
    told = inspect.getsource(getattr(importlib.import_module(module), function))
    named = {step.replace(" ", "_") for step in re.findall(r'at_step\("([a-z ]+)"\)', told)}
    is_writing_many = 'at_step(f"write {name}")' in told
    assert named == {step for step in steps if not (is_writing_many and step.startswith("write_"))}


def test_faults_are_chosen_by_how_their_names_begin() -> None:
    faults = all_faults(1)
    assert chosen(faults, ()) == faults
    found = [fault.name for fault in chosen(faults, ("kill-fold:moments", "429-storm"))]
    assert found[0] == "429-storm"
    assert len(found) == 1 + len(WORKFLOWS["moments"][2])
    assert [fault.name for fault in chosen(faults, ("socket-drop",))] == ["socket-drop"], "not socket-drops as well"
    with pytest.raises(ValueError, match=r"'fire' is no fault; there are .*kill-feed"):
        chosen(faults, ("429", "fire"))


def test_the_chain_is_a_part_of_the_golden_story_that_a_node_serves(tmp_path: Path) -> None:
    golden = write_fault_chain(tmp_path / "chain", seed=2)
    told = chapters(golden)
    assert 100 < len(told) < 250
    assert told == chapters(tell(2))
    ledger = load_ledger(tmp_path / "chain")
    assert {entry.signature for entry in ledger.entries} == {one.signature for one in told}
    assert (tmp_path / "chain" / "klines").is_dir()
    moments = {signature for each in golden.answers["moment_signatures"].values() for signature in each}
    assert moments & {one.signature for one in told}, "some of the story's moments are in it"


def test_what_vanishes_is_known_before_and_left_out_of_the_calm_chain(tmp_path: Path) -> None:
    write_fault_chain(tmp_path / "chain", seed=1)
    ledger = load_ledger(tmp_path / "chain")
    slots = {entry.signature: entry.slot for entry in ledger.entries}
    gone = vanishing_signatures(slots, "vanish:p=0.2", 1)
    assert 0 < len(gone) < len(slots)
    assert gone != vanishing_signatures(slots, "vanish:p=0.2", 2)
    assert not vanishing_signatures(slots, "slow:p=1", 1)
    write_without(ledger, gone, tmp_path / "calm")
    calm = load_ledger(tmp_path / "calm")
    assert {entry.signature for entry in calm.entries} == slots.keys() - gone
    for entry in calm.entries:
        whole = ledger.entries[ledger.position_of(entry.signature) or 0]
        assert calm.read_body(entry, "base64") == ledger.read_body(whole, "base64")
