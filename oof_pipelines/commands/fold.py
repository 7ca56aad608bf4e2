"""`oof fold`: fold the inbox without Dagster, in this process."""

from datetime import date, datetime

import click

from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.schemas import DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.workflows.fold import fold_day

EPILOG = """\b
Examples:
  oof fold                          every day that waits in the inbox
  oof fold --day 2026-04-28         this day, also where nothing waits (writes the same bytes again)
"""


@click.command(epilog=EPILOG)
@click.option("--day", "days", type=click.DateTime(["%Y-%m-%d"]), multiple=True, help="UTC day; may be repeated.")
@plain_errors
def fold(days: tuple[datetime, ...]) -> None:
    """Fold what the feed stored into the days' Parquet files, as the Dagster assets do."""
    settings = load_settings()
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    store = ParquetStore(settings.store)
    with PostgresFoldSource(url) as source:
        for dataset in DATASETS:
            chosen: list[date] = [day.date() for day in days] or sorted(source.days_waiting(dataset))
            for day in chosen:
                report = fold_day(store, source, dataset, day)
                digest = report.file.sha256 if report.file else "-"
                click.echo(f"{dataset} {day} rows={report.row_count} added={report.added_count} sha256={digest}")
