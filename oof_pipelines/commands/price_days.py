"""What follows a day's decoding outside Dagster: what a SOL was worth on it, and its candles."""

import click

from oof_pipelines.config_files import read_config
from oof_pipelines.pricing.filters import read_filters
from oof_pipelines.settings import Settings
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.candles import PostgresCandles
from oof_pipelines.storage.sol_usd_source import sol_usd_source
from oof_pipelines.workflows.fold import InvalidPartitionError
from oof_pipelines.workflows.price_day import days_to_price, price_day
from oof_pipelines.workflows.priced_trades import ChangedMeanwhileError, UnorderedEventsError
from oof_pipelines.workflows.reference_prices import days_to_refer, write_reference_day


def make_prices(url: str, settings: Settings, store: ParquetStore) -> list[str]:
    """Write the reference prices, then the candles, of every day that lags; say each file's rows and digest.

    Returns a line for each day that breaks a check and stays as it was. Raises `KlineFileError` and `PriceConfigError`.
    """
    with PostgresCandles(url) as served:
        return [*_refer_days(url, settings, store, served), *_price_days(store, served)]


def _refer_days(url: str, settings: Settings, store: ParquetStore, served: PostgresCandles) -> list[str]:
    failures = []
    source = sol_usd_source(settings, url)
    for day in days_to_refer(store, served, source):
        try:
            report = write_reference_day(store, served, source, day)
        except InvalidPartitionError as error:
            failures.append(str(error))
            continue
        if report.file:
            click.echo(f"reference_prices {day} rows={report.row_count} sha256={report.file.sha256}")
    return failures


def _price_days(store: ParquetStore, served: PostgresCandles) -> list[str]:
    failures = []
    filters = read_filters(read_config("prices.yaml"))
    for day in days_to_price(store, served):
        try:
            report = price_day(store, served, filters, day)
        except (InvalidPartitionError, ChangedMeanwhileError, UnorderedEventsError) as error:
            failures.append(str(error))
            continue
        for dataset, file in report.files.items():
            click.echo(f"{dataset} {day} rows={report.row_counts[dataset]} sha256={file.sha256}")
    return failures
