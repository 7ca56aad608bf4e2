"""`oof work`: serve the job queue without Dagster."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.numbers import Number, WholeNumber
from oof_pipelines.job_work import JOBS_AT_ONCE, serve
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.telemetry import configure_logging
from oof_pipelines.workflows.serve_jobs import ServeReport, ServeTerms

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LONGEST_LINGER_SECONDS = 10**9

EPILOG = """\b
Examples:
  oof work                   serve the queue until Ctrl-C
  oof work --linger 0        do what is due, and end
  oof work --once            one job, if one is due
Several may run, on several machines over one database: no job is done by two at once.
"""


@click.command("work", epilog=EPILOG)
@click.option("--once", "is_once", is_flag=True, help="Do one job, if one is due, and end.")
@click.option(
    "--linger",
    "linger_seconds",
    type=Number(0, _LONGEST_LINGER_SECONDS),
    help="End after so many seconds without work.",
)
@click.option(
    "--at-once", type=WholeNumber(1, 64), default=JOBS_AT_ONCE, show_default=True, help="Jobs done at a time."
)
@click.option("--json-logs/--line-logs", default=None, help="Logs as JSON or lines (default: lines on a terminal).")
@plain_errors
def work(is_once: bool, linger_seconds: float | None, at_once: int, json_logs: bool | None) -> None:
    """Serve the job queue, as Dagster's standing run does.

    Ctrl-C or SIGTERM gives what is under way back to the queue, unless it ends within ten seconds. A worker that was killed
    loses its jobs to the next one a minute later.
    """
    configure_logging(is_json=not sys.stderr.isatty() if json_logs is None else json_logs)
    settings = load_settings()
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    terms = ServeTerms(
        linger_seconds=0.0 if is_once and linger_seconds is None else linger_seconds,
        most_jobs=1 if is_once else None,
        at_once=at_once,
    )
    with _stopped_by_signals() as stopping:
        report = serve(settings, url, terms, should_stop=stopping.is_set)
    click.echo(
        f"work: done={report.done} partial={report.partial} failed={report.failed} dead={report.dead} "
        f"given_back={report.given_back} lost={report.lost}"
    )
    _end(report)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Set by the first signal; the second one ends the process as usual, and what it held is free when its lease is over."""
    stopping = threading.Event()

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(report: ServeReport) -> None:
    """Where a handler did not stop its thread still works: nothing waits for it, since its job is somebody else's now."""
    if report.is_handler_left:
        sys.stdout.flush()
        logging.shutdown()
        os._exit(0)
