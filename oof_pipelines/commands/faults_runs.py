"""How each kind of fault is run. A run leaves a stage whose tables are compared with the calm ones afterwards."""

import json
import time
from collections import Counter
from collections.abc import Callable

import psycopg

from oof_pipelines.commands.faults_disk import run_full_disk
from oof_pipelines.commands.faults_matrix import Arena, Calm
from oof_pipelines.commands.faults_sources import run_geyser, run_webhook
from oof_pipelines.commands.faults_stage import FEED_SECONDS, RunError, Stage
from oof_pipelines.commands.processes import Child, stop
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.crash_points import kill_server
from oof_pipelines.testing.fault_catalogue import (
    BACKFILL,
    DISK,
    FEED,
    FOLD,
    FORK,
    GEYSER,
    NODE,
    REFRESH,
    SERVER,
    WEBHOOK,
    WORKER,
    Fault,
)
from oof_pipelines.testing.fault_tables import CORRECTION_TABLES, JOB_TABLES, Outcome

_EVENTS = {
    "socket dropped": "socket drops",
    "vanished": "retracted",
    "landed again": "moved",
    "gap not repaired, checkpoint held": "gaps",
}
_SERVER_SECONDS = 60.0
_TOUCHED_SECONDS = 120.0
_LEASE_SECONDS = 120
"""Longer than a dead worker keeps its job."""


def run_fault(arena: Arena, fault: Fault) -> tuple[Stage, Outcome, Outcome]:
    """Run it; the stage, what it left, and what the calm run left. Raises `RunError`."""
    try:
        stage, calm = _RUNS[fault.kind](arena, fault)
    except BaseException:
        arena.stop(fault.name)
        raise
    expected, found = calm.outcome, stage.outcome()
    stage.note_answers()
    stage.note_log_events(_EVENTS)
    if fault.kind == GEYSER:
        expected, found = expected.without_bodies(), found.without_bodies()
    if fault.kind == WEBHOOK:
        _check_only_forged(stage, found)
        expected, found = expected.without(CORRECTION_TABLES), found.without(CORRECTION_TABLES)
    if fault.kind == FORK:
        stage.counts["corrections"] = sum(len(found.tables[name]) for name in CORRECTION_TABLES)
        expected, found = expected.without(CORRECTION_TABLES), found.without(CORRECTION_TABLES)
    if fault.kind == WORKER:
        _check_job_is_done(found)
        expected, found = expected.without(JOB_TABLES), found.without(JOB_TABLES)
    return stage, found, expected


def _check_only_forged(stage: Stage, found: Outcome) -> None:
    reasons = [json.loads(row)["reason"] for row in found.tables["quarantine"]]
    if reasons != ["not_found"] * stage.counts["forged signatures"]:
        raise RunError(f"in quarantine is otherwise than what was forged: {Counter(reasons)}")


def _check_job_is_done(found: Outcome) -> None:
    states = [json.loads(row)["status"] for row in found.tables["job_queue"]]
    if states != ["done"]:
        raise RunError(f"the one job is not done, but {', '.join(states) or 'gone'}")


def _under_node_faults(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """The feed over a node that misbehaves."""
    stage, calm = arena.stage(fault.name), arena.calm()
    with stage.node(fault.node_faults, seed=arena.seed, speed=fault.speed) as node:
        # A feed that begins with what it hears does not know whether there was something before: where it has to repair
        # from its very first slot on, it notes the slot before as a gap, which the calm run has none of.
        from_slot = calm.first_slot if "drop" in fault.node_faults else None
        feed = stage.start_feed(node, from_slot=from_slot, settings=dict(fault.settings))
        lasts_seconds = arena.chain_seconds / fault.speed if fault.speed else 0.0
        stage.complete(feed, node.transaction_count, FEED_SECONDS + 2 * lasts_seconds)
    stage.run_well(["fold"])
    return stage, calm


def _forked(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """The same while slots vanish or land elsewhere, with feeds killed in the middle where the fault says so.

    Wallets are made again all the while, so that what is taken back has been served.
    """
    stage, calm = arena.stage(fault.name), arena.calm_after(fault.node_faults)
    with stage.node(fault.node_faults, seed=arena.seed) as node:
        refresher = stage.start(["refresh", "--watch"])
        for step in fault.steps:
            stage.wait_for_death(stage.start_feed(node, at=step))
        stage.complete(stage.start_feed(node), node.transaction_count)
        stop(refresher)
        if refresher.process.returncode != 0:
            raise RunError(f"the refresher ended with status {refresher.process.returncode}:\n{refresher.log_tail()}")
    _refresh_all(stage)
    stage.run_well(["fold"])
    return stage, calm


def _refresh_all(stage: Stage) -> None:
    """Until no wallet waits: those that a price touched are due only some seconds later."""
    deadline_s = time.monotonic() + _TOUCHED_SECONDS
    while True:
        stage.run_well(["refresh"])
        with psycopg.connect(stage.url(), autocommit=True, connect_timeout=10) as connection:
            (waiting,) = connection.execute("select count(*) from touched_wallets").fetchall()[0]
        if not waiting:
            return
        if time.monotonic() > deadline_s:
            raise RunError(f"{waiting} wallets are still to be made again")
        time.sleep(1)


def _killed_feed(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """One feed after the other is killed at its step, then a plain one ends the work."""
    stage, calm = arena.stage(fault.name), arena.calm()
    with stage.node(seed=arena.seed) as node:
        for step in fault.steps:
            stage.wait_for_death(stage.start_feed(node, from_slot=calm.first_slot, at=step))
        stage.complete(stage.start_feed(node, from_slot=calm.first_slot), node.transaction_count)
    stage.run_well(["fold"])
    return stage, calm


def _killed_fold(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """What the calm feed stored is folded, killed at each step, and folded to the end."""
    calm = arena.calm()
    stage = arena.stage(fault.name, template=calm.template)
    for step in fault.steps:
        stage.run_killed(["fold"], step)
        _check_files_are_whole(stage)
    stage.run_well(["fold"])
    return stage, calm


def _killed_refresher(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """What the calm feed stored is served hot, killed at each step; folded, it is what the cold path alone leaves."""
    calm = arena.calm()
    stage = arena.stage(fault.name, template=calm.template)
    for step in fault.steps:
        stage.run_killed(["refresh"], step)
    _refresh_all(stage)
    stage.run_well(["fold"])
    _refresh_all(stage)
    return stage, calm


def _killed_backfill(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """The analysis of a wallet that is asked of the node, killed at each step and asked for again."""
    stage, calm = arena.stage(fault.name), arena.calm_analysis()
    command = arena.analysis("analyze")
    with stage.node(fault.node_faults, seed=arena.seed) as node:
        for step in fault.steps:
            stage.run_killed(command, step, settings=node.environment())
        stage.run_well(command, settings=node.environment())
    stage.run_well(["fold"])
    return stage, calm


def _killed_worker(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """The same analysis as a job, whose worker is killed; another one does it when the lease is over."""
    stage, calm = arena.stage(fault.name), arena.calm_analysis()
    with stage.node(fault.node_faults, seed=arena.seed) as node:
        stage.run_well(arena.analysis("jobs", "add"))
        for step in fault.steps:
            stage.run_killed(["work", "--once"], step, settings=node.environment())
        stage.run_well(["work", "--once", "--linger", str(_LEASE_SECONDS)], settings=node.environment())
    stage.run_well(["fold"])
    return stage, calm


def _check_files_are_whole(stage: Stage) -> None:
    """Whenever a reader looks, what is called a Parquet file is one."""
    for path in sorted(stage.store.rglob("*.parquet")):
        # It ends with its magic number: https://parquet.apache.org/docs/file-format/
        if path.read_bytes()[-4:] != b"PAR1":
            raise RunError(f"half a file was left: {path.relative_to(stage.store)}")


def _lost_server(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """PostgreSQL is restarted or killed, while the feed stores or in the middle of a fold."""
    stage, calm = arena.stage(fault.name, has_own_server=True), arena.calm()
    how, *fold_steps = fault.steps
    with stage.node(fault.node_faults, seed=arena.seed) as node:
        feed = stage.start_feed(node, from_slot=calm.first_slot)
        stage.wait_until_following(feed)
        for pause_seconds in fault.plan:
            time.sleep(pause_seconds)
            _take_away(stage, how)
            _wait_for_a_server(stage, feed)
        stage.complete(feed, node.transaction_count)
    for step in fold_steps:
        failed = stage.run(["fold"], at=step, victim="server")
        _check_told(stage, failed)
    stage.run_well(["fold"])
    return stage, calm


def _take_away(stage: Stage, how: str) -> None:
    if how == "fast":
        EmbeddedPostgres(stage.home).stop("fast")
        stage.counts["restarts"] += 1
    else:
        kill_server(stage.home, is_whole=how == "server")
        stage.counts["server kills"] += 1


def _wait_for_a_server(stage: Stage, feed: Child) -> None:
    """The feed starts it by itself, at its next use of the inbox."""
    deadline_s = time.monotonic() + _SERVER_SECONDS
    while not EmbeddedPostgres(stage.home).status().is_running:
        stage.raise_if_over()
        if feed.process.poll() is not None or time.monotonic() > deadline_s:
            raise RunError(f"nobody started the server again:\n{feed.log_tail()}")
        time.sleep(0.02)


def _check_told(stage: Stage, failed: Child) -> None:
    """A command that could not go on said so in one line, and did not end well."""
    text = failed.log.read_text(errors="replace")
    errors = [line for line in text.splitlines() if line.startswith("Error: ")]
    if failed.process.returncode != 1 or len(errors) != 1 or "Traceback" in text:
        raise RunError(f"{failed.name} ended with status {failed.process.returncode}:\n{failed.log_tail()}")
    stage.counts["told failures"] += 1


_RUNS: dict[str, Callable[[Arena, Fault], tuple[Stage, Calm]]] = {
    NODE: _under_node_faults,
    FORK: _forked,
    FEED: _killed_feed,
    FOLD: _killed_fold,
    REFRESH: _killed_refresher,
    BACKFILL: _killed_backfill,
    WORKER: _killed_worker,
    SERVER: _lost_server,
    DISK: run_full_disk,
    WEBHOOK: run_webhook,
    GEYSER: run_geyser,
}
