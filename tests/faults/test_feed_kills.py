"""Kill -9 of the feed at named steps, then a plain start: the same rows and files as the calm run, nothing fetched anew."""

from functools import partial

import pytest
from conftest import Calm, MakeStage
from real_processes import Stage, fetch_counts, side_by_side, transaction_count

from oof_pipelines.testing.recorded_node.process import start_node_process
from oof_pipelines.testing.synthetic_chain import DEFAULT_START_SLOT

FROM_THE_START = ("--from-slot", str(DEFAULT_START_SLOT))

# Step → where to kill, each in a run of its own; the runs of a step go side by side.
KILLED_FROM_THE_START = {
    "inbox.save_checkpoint": ("before:1", "commit:30", "after:1"),
    "inbox.record_heard": ("before:1", "commit:1", "after:1"),
    "inbox.enqueue": ("before:2", "commit:20", "after:1"),
    "inbox.store": ("before:1", "commit:2", "after:2"),
    "inbox.mark_final": ("before:1", "commit:1", "after:1"),
    "source.transaction": ("before:1", "after:1", "after:100"),
}
# Without --from-slot a feed promises what it is told from its first recorded announcement on.
KILLED_WHILE_HEARING = ("record_heard:after:1", "store:commit:1", "store:after:1", "mark_final:after:1")


def run_killed(stage: Stage, calm: Calm, steps: list[str], *options: str) -> None:
    """Kill one feed after another at `steps`, run a plain one to the end, fold, compare."""
    log = stage.folder / "node.log"
    with start_node_process(calm.chain, log=log) as node:
        for step in steps:
            feed = stage.start_feed(node, *options, at=step)
            stage.wait_for_death(feed)
            stored = stage.stored_signatures()
            log_size_bytes = log.stat().st_size
        stage.run_to_completion(node, stage.start_feed(node, *options), transaction_count(node))
    assert stage.fold_and_read() == calm.expected
    assert not stored & set(fetch_counts(log, log_size_bytes)), "what was stored at the kill was fetched again"
    assert max(fetch_counts(log).values()) <= 1 + len(steps)


@pytest.mark.parametrize("step", KILLED_FROM_THE_START)
def test_a_feed_killed_at_a_step(make_stage: MakeStage, calm: Calm, step: str) -> None:
    steps = [f"{step}:{moment}" for moment in KILLED_FROM_THE_START[step]]
    side_by_side([partial(run_killed, make_stage(), calm, [step], *FROM_THE_START) for step in steps])


def test_a_feed_killed_that_follows_from_now_on(make_stage: MakeStage, calm: Calm) -> None:
    side_by_side([partial(run_killed, make_stage(), calm, [f"inbox.{step}"]) for step in KILLED_WHILE_HEARING])


def test_a_feed_killed_again_and_again(stage: Stage, calm: Calm) -> None:
    steps = ["inbox.record_heard:after:1", "inbox.store:commit:1", "inbox.enqueue:commit:3", "inbox.store:after:1"]
    run_killed(stage, calm, steps)


def test_a_feed_killed_over_recorded_transactions(make_stage: MakeStage, recorded_calm: Calm) -> None:
    steps = ("inbox.record_heard:after:2", "inbox.store:commit:2")
    side_by_side([partial(run_killed, make_stage(), recorded_calm, [step]) for step in steps])
