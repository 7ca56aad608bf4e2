"""How a feed begins and ends: one feed a database, one cluster a store, Ctrl-C."""

import time

from conftest import Calm, MakeStage
from real_processes import Stage, transaction_count

from oof_pipelines.chain.slot_clock import GENESIS_HASHES
from oof_pipelines.testing.recorded_node.process import start_node_process


def error_lines(stage: Stage) -> list[str]:
    """What the newest feed wrote that is not a JSON log line."""
    return [line for line in stage.log().splitlines() if not line.startswith("{")]


def test_a_second_feed_on_the_same_database_is_refused(stage: Stage, calm: Calm) -> None:
    with start_node_process(calm.chain) as node:
        first = stage.start_feed(node)
        stage.wait_until_following(first)
        second = stage.start_feed(node)
        assert second.wait(20) == 1
        (line,) = error_lines(stage)
        assert line.startswith("Error: another feed")
        assert "DATABASE_URL" in line
        stage.wait_until_complete(first, transaction_count(node))
        assert stage.interrupt(first) == 0
    assert stage.fold_and_read() == calm.expected


def test_an_endpoint_of_another_cluster_is_refused(stage: Stage, calm: Calm) -> None:
    with start_node_process(calm.chain, genesis=GENESIS_HASHES["devnet"]) as node:
        assert stage.start_feed(node).wait(20) == 1
        (line,) = error_lines(stage)
        assert line.startswith("Error: SOLANA_CLUSTER: ")
        assert "mainnet-beta" in line
        assert stage.progress() == (0, 0, 0, 0)
        # Of the cluster it says it is, the same endpoint is welcome.
        feed = stage.start_feed(node, SOLANA_CLUSTER="devnet")
        stage.wait_until_following(feed)
        assert stage.interrupt(feed) == 0


def test_an_interrupt_ends_a_busy_feed_soon_with_status_0(make_stage: MakeStage, calm: Calm) -> None:
    stage = make_stage()
    with start_node_process(calm.chain, faults="slow:p=0.3;ms=500") as node:
        feed = stage.start_feed(node)
        stage.wait_until_following(feed)
        deadline_s = time.monotonic() + 20
        while stage.progress()[0] == 0 and time.monotonic() < deadline_s:
            time.sleep(0.02)
        started_s = time.monotonic()
        assert stage.interrupt(feed) == 0
        assert time.monotonic() - started_s < 5
        assert error_lines(stage) == []
        assert stage.progress()[3] > 0, "nothing was left to do, so nothing was interrupted"
        stage.run_to_completion(node, stage.start_feed(node), transaction_count(node))
    assert stage.fold_and_read() == calm.expected
