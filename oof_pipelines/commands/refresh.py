"""`oof refresh`: make touched wallets again without Dagster."""

import signal
import sys
import threading
from types import FrameType

import click

from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.refresh_work import RefreshTerms, RefreshTotals, open_refresh_work, refresh_standing
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.touched_wallets import RefreshIsRunningError
from oof_pipelines.telemetry import configure_logging

EPILOG = """\b
Examples:
  oof refresh                what is due now, then end
  oof refresh --watch        whenever something is touched, until Ctrl-C
"""


@click.command("refresh", epilog=EPILOG)
@click.option("--once/--watch", "is_once", default=True, help="Make what is due and end, or go on.")
@plain_errors
def refresh(is_once: bool) -> None:
    """Make the positions and moments of touched wallets again, as Dagster's standing run does.

    A wallet is touched when a transaction of it is stored or taken back, and some seconds after others trade what it holds or
    has sold. What is not folded yet counts.
    """
    configure_logging(is_json=not sys.stderr.isatty())
    settings = load_settings()

    def database_url() -> str:
        return ready_database_url(settings.database_url, settings.home, settings.migrations_folder)

    try:
        if is_once:
            with open_refresh_work(database_url(), settings) as work:
                totals = work.until_done()
        else:
            stopping = _stopped_by_signals()
            totals = refresh_standing(settings, database_url, RefreshTerms(), stopping.is_set)
    except RefreshIsRunningError as error:
        raise click.ClickException(f"{error} (DATABASE_URL, OOF_HOME)") from None
    _say(totals)


def _say(totals: RefreshTotals) -> None:
    click.echo(
        f"refresh: wallets={totals.served} failed={totals.failed} turns={totals.turns} "
        f"worst_lag_seconds={totals.worst_lag_seconds:.1f}"
    )


def _stopped_by_signals() -> threading.Event:
    """Set by the first signal, so that the turn under way ends; the second one ends the process as usual."""
    stopping = threading.Event()

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopping
