"""What follows a day's decoding outside Dagster: its features."""

import click

from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.trade_slices import ParquetTrades
from oof_pipelines.storage.postgres.served_features import PostgresServedFeatures
from oof_pipelines.workflows.features_day import days_to_make, features_day
from oof_pipelines.workflows.fold import InvalidPartitionError


def make_features(url: str, store: ParquetStore) -> list[str]:
    """Make the features of every day that lags behind its trades, and say each file's rows and digest.

    Returns a line for each day that breaks a check and stays as it was.
    """
    failures = []
    with PostgresServedFeatures(url) as served:
        for day in days_to_make(store, served):
            try:
                report = features_day(store, ParquetTrades(store), served, day)
            except InvalidPartitionError as error:
                failures.append(str(error))
                continue
            if report.file:
                click.echo(f"features_1m {day} rows={report.row_count} sha256={report.file.sha256}")
    return failures
