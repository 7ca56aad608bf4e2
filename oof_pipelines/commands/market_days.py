"""What follows a day's decoding outside Dagster: its risk flags."""

import click

from oof_pipelines.config_files import read_config
from oof_pipelines.market.risk import thresholds_of
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.workflows.fold import InvalidPartitionError
from oof_pipelines.workflows.risk_flags import days_to_flag, flag_day


def flag_days(url: str, store: ParquetStore) -> list[str]:
    """Raise the risk flags of every day that lags behind its stream, and say each file's rows and digest.

    Returns a line for each day that breaks a check and stays as it was.
    """
    failures = []
    thresholds = thresholds_of(read_config("risk.yaml"))
    with PostgresServedRows(url) as locks:
        for day in days_to_flag(store, thresholds):
            try:
                report = flag_day(store, locks, day, thresholds)
            except InvalidPartitionError as error:
                failures.append(str(error))
                continue
            if report.file:
                click.echo(f"risk_flags {day} rows={report.row_count} sha256={report.file.sha256}")
    return failures
