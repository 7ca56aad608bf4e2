"""A folder of recorded transactions, read into the store by way of a node: what is stored is never asked for again."""

import asyncio
import hashlib
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from oof_pipelines.commands.analyze_stages import Stages
from oof_pipelines.commands.processes import Processes
from oof_pipelines.commands.recorded_chain import RunningNode, start_node
from oof_pipelines.interfaces import Checkpoint
from oof_pipelines.settings import SecretUrl, Settings
from oof_pipelines.storage.postgres.database import running_database_url
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.testing.recorded_node.recording_files import find_recording_files, shown_path
from oof_pipelines.transport.rpc import RpcClient
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.ingest_slots import IngestReport, ingest_slots

# The node is this machine's own: nobody's budget is spent.
_REQUESTS_PER_SECOND = 100_000
_REQUESTS_AT_ONCE = 4
"""More only wait for the same processor, and a client looks through its idle connections with every request."""
_MARK = "recorded "
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class RecordedRead:
    """What reading a folder did. `report` is None where it is unchanged since it was read whole; `calls` counts by method."""

    report: IngestReport | None
    calls: Counter[str]


def read_recorded(folder: Path, settings: Settings, stages: Stages) -> RecordedRead:
    """Store what the folder has and the store has not, through the node, the client and the inbox that a feed uses.

    A folder whose files are unchanged since a run read it whole is not served again. Raises `click.ClickException` where
    the node does not come up, and what the source and the inbox raise.
    """
    with stages.stage(f"reading {shown_path(folder)}") as stage:
        mark, file_count = _mark(folder)
        if asyncio.run(_is_read(settings, mark)):
            stage.result = f"{file_count:,} files unchanged since they were stored, nothing asked"
            return RecordedRead(None, Counter())
        with Processes(settings.home / "logs", {}) as processes:
            node = start_node(processes, folder, speed=0)
            stage.result = node.described()
            read = asyncio.run(_ingest(settings, node, mark, stages))
    return read


def _mark(folder: Path) -> tuple[str, int]:
    """(what stands for the folder as it is now, how many files it has): the files' names, sizes and times of change."""
    digest = hashlib.sha256()
    count = 0
    for path in find_recording_files(folder):
        told = path.stat()
        digest.update(
            f"{path.relative_to(folder)}\0{told.st_size}\0{told.st_mtime_ns}\n".encode("utf-8", "surrogateescape")
        )
        count += 1
    return _MARK + digest.hexdigest()[:_DIGITS], count


async def _is_read(settings: Settings, mark: str) -> bool:
    async with _inbox(settings) as inbox:
        return await inbox.checkpoint(mark) is not None


def _inbox(settings: Settings) -> PostgresInbox:
    return PostgresInbox(lambda: running_database_url(settings.database_url, settings.home), is_feed=False)


async def _ingest(settings: Settings, node: RunningNode, mark: str, stages: Stages) -> RecordedRead:
    clock = SystemClock()
    rpc = RpcClient(
        [SecretUrl(node.http_url, "--recorded")],
        requests_per_second=_REQUESTS_PER_SECOND,
        timeout_seconds=settings.rpc_timeout_seconds,
        clock=clock,
        randomness=random.Random(),  # noqa: S311 - jitter, not a secret
        connections=_REQUESTS_AT_ONCE,
    )
    inbox = _inbox(settings)
    async with rpc, inbox:
        with stages.stage("storing") as stage:
            report = await ingest_slots(
                rpc,
                inbox,
                clock,
                cluster=settings.cluster,
                concurrency=_REQUESTS_AT_ONCE,
                on_progress=lambda _stage, done, total: stage.show(done, total),
            )
            calls: Counter[str] = Counter()
            for (method, _outcome), count in rpc.outcomes.items():
                calls[method] += count
            stage.result = (
                f"{report.listed:,} listed, {report.queued:,} new, {calls['getTransaction']:,} getTransaction calls, "
                f"{report.stored:,} stored, {report.quarantined:,} quarantined"
            )
        if report.is_complete:
            await inbox.save_checkpoint(mark, Checkpoint(report.last_slot, has_heard=True))
        for reason in sorted(set(report.unproven)):
            stages.say(f"  not listed: {reason}")
        if report.waiting or report.provisional:
            stages.say(f"  {report.waiting:,} could not be fetched, {report.provisional:,} are not final: run it again")
    return RecordedRead(report, calls)
