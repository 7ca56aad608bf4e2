"""Following a job: its events as lines, in order and without gaps, on to the jobs that continue it."""

import sys
import time
from datetime import UTC

import click

from oof_pipelines.commands.analyze_json import json_line
from oof_pipelines.commands.sql_output import visible
from oof_pipelines.job_interfaces import Job, JobEventKind, ToldEvent
from oof_pipelines.storage.postgres.jobs import PostgresJobs

_PAGE = 1_000
_WAIT_SECONDS = 5.0
_NOBODY_AFTER_SECONDS = 15.0
_HEARD_WITHIN_SECONDS = 60.0


def watch_job(queue: PostgresJobs, job: Job, after_seq: int = 0, *, is_json: bool) -> ToldEvent | None:
    """Print what a job says behind `after_seq`, until it and what continues it have ended; the last event.

    None where the job ended without one: it was forgotten meanwhile. Says so where nobody serves the queue.
    """
    job_id, seq = job.id, after_seq
    last: ToldEvent | None = None
    quiet_since_s: float | None = time.monotonic()
    queue.wait_for_events(0)  # From here on nothing is said unheard.
    while True:
        events = queue.events(job_id, seq, _PAGE)
        for event in events:
            last, seq, quiet_since_s = event, event.seq, None
            click.echo(_json(event) if is_json else event_line(event))
            sys.stdout.flush()
        if last is not None and last.kind is JobEventKind.PARTIAL and last.job_id == job_id:
            job_id, seq = str(last.payload["continuation"]), 0
        elif len(events) == _PAGE:
            continue
        elif _is_over(queue, job_id, seq):
            return last or _event_at(queue, job_id, seq)
        else:
            queue.wait_for_events(_WAIT_SECONDS)
            quiet_since_s = _say_if_nobody_serves(queue, quiet_since_s)


def exit_status(last: ToldEvent | None) -> int:
    """0 where the job was done, 1 where it died or was cancelled."""
    return 0 if last is not None and last.kind in (JobEventKind.DONE, JobEventKind.PARTIAL) else 1


def event_line(event: ToldEvent) -> str:
    """`12:34:56  progress  days 3 of 10`."""
    text = _text(event)
    return f"{event.at.astimezone(UTC):%H:%M:%S}  {event.kind:<9} {visible(text)}".rstrip()


def _text(event: ToldEvent) -> str:
    told = event.payload
    if event.kind is JobEventKind.PROGRESS:
        of = f" {told.get('done')}" + (f" of {told.get('total')}" if told.get("total") else "")
        return f"{told.get('stage')}{of if told.get('done') or told.get('total') else ''}"
    if event.kind is JobEventKind.MOMENT:
        missed = f" missed {told['missed_usd']} USD" if told.get("missed_usd") is not None else ""
        return f"{told.get('kind')} {told.get('mint')} at {told.get('event_at')}{missed}"
    if event.kind is JobEventKind.ERROR:
        return f"{told.get('error')}; again at {told.get('again_at')}"
    if event.kind is JobEventKind.DEAD:
        return str(told.get("error"))
    return " ".join(f"{name}={_plain(value)}" for name, value in told.items() if value not in (None, [], {}))


def _plain(value: object) -> str:
    return json_line(value) if isinstance(value, (dict, list)) else str(value)


def _json(event: ToldEvent) -> str:
    told = {"job": event.job_id, "seq": event.seq, "at": event.at, "kind": str(event.kind), "payload": event.payload}
    return json_line(told)


def _is_over(queue: PostgresJobs, job_id: str, seq: int) -> bool:
    """Whether nothing comes behind `seq`: the job is finished, or forgotten. One that was tried again goes on."""
    job = queue.get(job_id)
    return job is None or (job.status.is_finished and not queue.events(job_id, seq, 1))


def _event_at(queue: PostgresJobs, job_id: str, seq: int) -> ToldEvent | None:
    """What ended a job that said nothing more behind `seq`."""
    return next(iter(queue.events(job_id, seq - 1, 1)), None)


def _say_if_nobody_serves(queue: PostgresJobs, quiet_since_s: float | None) -> float | None:
    """Say once, where nothing was said for a while, that nobody will; None when it need not be looked at any more."""
    if quiet_since_s is None or time.monotonic() - quiet_since_s < _NOBODY_AFTER_SECONDS:
        return quiet_since_s
    if not queue.live_workers(_HEARD_WITHIN_SECONDS):
        click.echo("nobody serves the queue: start `oof work`, or `oof up`", err=True)
    return None
