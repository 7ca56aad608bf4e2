"""`oof jobs …`: queue an analysis, see how jobs stand, follow one, try a dead one again."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import msgspec

from oof_pipelines.commands.analyze_json import instant, json_line
from oof_pipelines.commands.analyze_options import read_instant, read_wallets
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.jobs_watch import event_line, exit_status, watch_job
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.commands.sql_output import print_table
from oof_pipelines.job_interfaces import Enqueued, Job, JobStatus, JobWorker, NewJob
from oof_pipelines.plan_work import configured_plans, open_plan_work
from oof_pipelines.settings import Settings, SettingsError, load_settings
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.jobs import JobStateError, PostgresJobs
from oof_pipelines.ulid import is_ulid
from oof_pipelines.workflows.analysis_request import MOST_DAYS
from oof_pipelines.workflows.ceilings import NO_CEILINGS
from oof_pipelines.workflows.request_analysis import ANALYZE, QuotaSpentError, analysis_payload
from oof_pipelines.workflows.serve_jobs import LEASE_SECONDS

_SHOWN_ERROR_CHARACTERS = 100

EPILOG = """\b
Examples:
  oof jobs add WALLET --days 180 --watch       queue an analysis and follow it
  oof jobs add WALLET --user USER              within his plan: his depth, his ceilings, his quota
  oof jobs list --status dead                  what was given up, and why
  oof jobs retry ID                            once more, with all its attempts
Jobs are served by the daemon of `oof up`, or by `oof work`. docs/jobs.md tells more.
"""


@click.group("jobs", epilog=EPILOG)
def jobs() -> None:
    """The job queue: analyses that were asked for, and what became of them."""


@jobs.command("add")
@click.argument("wallets", metavar="WALLET…", nargs=-1, required=True)
@click.option("--days", type=WholeNumber(1, MOST_DAYS), help="The last N days. Default: all there is, or the plan's.")
@click.option("--as-of", "as_of_text", metavar="T", help="Instant, with its zone. Default: the newest stored block.")
@click.option("--user", help="Who asks: his plan's depth, ceilings, priority and quota apply.")
@click.option("--plan", "plan_code", help="For nobody in particular, with this plan's depth, ceilings and priority.")
@click.option("--watch", "is_watched", is_flag=True, help="Follow the job until it ends.")
@plain_errors
def add(
    wallets: tuple[str, ...],
    days: int | None,
    as_of_text: str | None,
    user: str | None,
    plan_code: str | None,
    is_watched: bool,
) -> None:
    """Queue the analysis of one owner's wallets, and print the job's id.

    Without --user and --plan nothing bounds it and no quota is used. Where the same is queued or running already, that job
    is meant.
    """
    if user is not None and plan_code is not None:
        raise click.UsageError("--user and --plan are both set: a user has the plan that he has")
    asked = read_wallets(wallets)
    as_of = read_instant("--as-of", as_of_text)
    settings = load_settings()
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    if user is not None:
        queued = _ask_for(user, url, settings, asked, days, as_of)
    else:
        with PostgresJobs(lambda: url) as queue:
            queued = queue.enqueue(_unmetered(asked, days, as_of, plan_code))
    click.echo(queued.id)
    if not queued.is_new:
        click.echo("the same is queued or running already", err=True)
    if is_watched:
        _watch(url, queued.id, 0, is_json=False)


@jobs.command("list")
@click.option("--status", type=click.Choice([str(status) for status in JobStatus]), help="Only those.")
@click.option("--most", type=WholeNumber(1, 10_000), default=50, show_default=True, help="Jobs shown.")
@click.option("--json", "is_json", is_flag=True, help="A JSON line a job.")
@plain_errors
def list_jobs(status: str | None, most: int, is_json: bool) -> None:
    """The jobs last made, the newest first."""
    with _opened() as queue:
        found = queue.newest(most, JobStatus(status) if status else None)
    if is_json:
        for job in found:
            click.echo(json_line(_told(job)))
        return
    columns = ["id", "kind", "status", "what", "user", "attempts", "created_at", "took", "last_error"]
    print_table(columns, iter([_row(job) for job in found]))


@jobs.command("show")
@click.argument("job_id", metavar="ID")
@click.option("--json", "is_json", is_flag=True, help="One JSON object, its events included.")
@plain_errors
def show(job_id: str, is_json: bool) -> None:
    """One job, with all it has said."""
    with _opened() as queue:
        job = _job(queue, job_id)
        events = queue.events(job.id, limit=1_000_000)
    if is_json:
        told = [{"seq": one.seq, "at": one.at, "kind": str(one.kind), "payload": one.payload} for one in events]
        click.echo(json_line({**_told(job), "events": told}))
        return
    for name, value in _told(job).items():
        if value is not None:
            click.echo(f"{name:<13} {json_line(value) if isinstance(value, (dict, list)) else value}")
    for event in events:
        click.echo(event_line(event))


@jobs.command("watch")
@click.argument("job_id", metavar="ID")
@click.option(
    "--after", type=WholeNumber(0), default=0, show_default=True, help="Begin behind the event of this number."
)
@click.option("--json", "is_json", is_flag=True, help="A JSON line an event.")
@plain_errors
def watch(job_id: str, after: int, is_json: bool) -> None:
    """Print what a job says until it ends, and go on with what continues it. The exit status is 1 where it died.

    Ctrl-C ends the watching, not the job; --after resumes.
    """
    settings = load_settings()
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    _watch(url, _checked_id(job_id), after, is_json=is_json)


@jobs.command("retry")
@click.argument("job_ids", metavar="ID…", nargs=-1, required=True)
@plain_errors
def retry(job_ids: tuple[str, ...]) -> None:
    """Queue dead or cancelled jobs again, with all their attempts."""
    with _opened() as queue:
        for job_id in job_ids:
            queue.retry(_checked_id(job_id))
            click.echo(f"{job_id} is queued")


@jobs.command("cancel")
@click.argument("job_ids", metavar="ID…", nargs=-1, required=True)
@plain_errors
def cancel(job_ids: tuple[str, ...]) -> None:
    """End jobs that are queued or running. What they stored stays."""
    with _opened() as queue:
        for job_id in job_ids:
            queue.cancel(_checked_id(job_id))
            click.echo(f"{job_id} is cancelled")


@jobs.command("workers")
@click.option("--here", "is_here", is_flag=True, help="Only of this machine; the exit status is 1 where none serves.")
@plain_errors
def workers(is_here: bool) -> None:
    """Who serves the queue: Dagster's runs and `oof work`, and who was killed within a day."""
    now = datetime.now(UTC)
    with _opened() as queue:
        found = queue.workers()
    if is_here:
        found = [one for one in found if one.worker.startswith(f"{socket.gethostname()}:")]
    rows = [(one.worker, one.run_id or "", instant(one.began_at), _serves(one, now)) for one in found]
    print_table(["worker", "dagster_run", "began_at", "serves"], iter(rows))
    if is_here and not any(_serves(one, now) for one in found):
        raise SystemExit(1)


def _serves(worker: JobWorker, now: datetime) -> bool:
    return now - worker.seen_at < timedelta(seconds=LEASE_SECONDS)


@contextmanager
def _opened() -> Iterator[PostgresJobs]:
    settings = load_settings()
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    try:
        with PostgresJobs(lambda: url) as queue:
            yield queue
    except JobStateError as error:
        raise click.ClickException(str(error)) from None


def _ask_for(
    user: str, url: str, settings: Settings, wallets: list[str], days: int | None, as_of: datetime | None
) -> Enqueued:
    """Within the user's plan; says what it granted where that is less than was asked for."""
    try:
        with open_plan_work(url, settings) as work:
            granted = work.request(user, wallets, datetime.now(UTC), days=days, as_of=as_of)
    except QuotaSpentError as error:
        raise click.ClickException(str(error)) from None
    if days is not None and granted.days < days:
        click.echo(f"{granted.plan.code} goes back {granted.days} days", err=True)
    click.echo(f"{granted.used} of {granted.plan.daily_wallets} wallets used today", err=True)
    return granted.job


def _unmetered(wallets: list[str], days: int | None, as_of: datetime | None, plan_code: str | None) -> NewJob:
    """An operator's job: no quota; a plan's bounds where one is named."""
    ceilings, priority, reach_days = NO_CEILINGS, 0, None
    if plan_code is not None:
        by_code = configured_plans().by_code
        if plan_code not in by_code:
            raise SettingsError(f"--plan: {plan_code[:20]!r} is none of {', '.join(by_code)}")
        plan = by_code[plan_code]
        days, reach_days = min(days or plan.backfill_days, plan.backfill_days), plan.backfill_days
        ceilings, priority = plan.ceilings, plan.priority
    payload = analysis_payload(wallets, days, as_of, msgspec.structs.asdict(ceilings), reach_days=reach_days)
    what = f"{','.join(sorted(wallets))}|{days or ''}|{payload['as_of'] or ''}|{plan_code or ''}"
    return NewJob(ANALYZE, payload, priority=priority, plan_code=plan_code, dedupe_key=f"{ANALYZE}||{what}")


def _watch(url: str, job_id: str, after_seq: int, *, is_json: bool) -> None:
    with PostgresJobs(lambda: url) as queue:
        job = _job(queue, job_id)
        last = watch_job(queue, job, after_seq, is_json=is_json)
    raise SystemExit(exit_status(last))


def _job(queue: PostgresJobs, job_id: str) -> Job:
    job = queue.get(_checked_id(job_id))
    if job is None:
        raise SettingsError(f"ID: there is no job {job_id}; one that ended is kept for 30 days")
    return job


def _checked_id(job_id: str) -> str:
    if not is_ulid(job_id.upper()):
        raise SettingsError(f"ID: {job_id[:40]!r} is no job's id (26 characters)")
    return job_id.upper()


def _told(job: Job) -> dict[str, Any]:
    """A job's columns; what is empty is None."""
    return {
        "id": job.id,
        "kind": job.kind,
        "status": str(job.status),
        "payload": dict(job.payload),
        "priority": job.priority,
        "attempts": job.attempts,
        "max_attempts": job.max_attempts,
        "user_id": job.user_id,
        "plan_code": job.plan_code,
        "parent_id": job.parent_id,
        "created_at": instant(job.created_at),
        "run_after": instant(job.run_after) if job.status is JobStatus.QUEUED else None,
        "started_at": instant(job.started_at) if job.started_at else None,
        "finished_at": instant(job.finished_at) if job.finished_at else None,
        "worker": job.locked_by,
        "last_error": job.last_error,
        "result": dict(job.result) if job.result is not None else None,
    }


def _row(job: Job) -> tuple[object, ...]:
    error = (job.last_error or "")[:_SHOWN_ERROR_CHARACTERS]
    took = (
        "" if job.started_at is None or job.finished_at is None else f"{(job.finished_at - job.started_at).seconds} s"
    )
    attempts = f"{job.attempts} of {job.max_attempts}"
    created = f"{job.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return job.id, job.kind, str(job.status), _what(job), job.user_id or "", attempts, created, took, error


def _what(job: Job) -> str:
    """The wallets of an analysis; whatever else a payload is, it is shown as it is by `show`."""
    wallets = job.payload.get("wallets")
    if not isinstance(wallets, list) or not wallets:
        return ""
    return f"{wallets[0]}" + (f" +{len(wallets) - 1}" if len(wallets) > 1 else "")
