"""`oof fold`: fold the inbox and decode what was folded, without Dagster, in this process."""

from datetime import date, datetime

import click

from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.feature_days import make_features
from oof_pipelines.commands.market_days import flag_days
from oof_pipelines.commands.position_buckets import make_positions_and_moments
from oof_pipelines.commands.price_days import make_prices
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.schemas import RAW_DATASETS, RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.workflows.decode_day import days_lacking_files, decode_day
from oof_pipelines.workflows.decoder_version import decoder_version
from oof_pipelines.workflows.fold import InvalidPartitionError, fold_day
from oof_pipelines.workflows.update_wallets import DaySlices, InvalidBucketError, update_bucket

EPILOG = """\b
Examples:
  oof fold                          every day that waits or is not served yet, then the wallets it touched
  oof fold --day 2026-04-28         this day, also where nothing waits (writes the same bytes again)
  oof fold --redecode               decode again what another version of the decoder left
"""


@click.command(epilog=EPILOG)
@click.option("--day", "days", type=click.DateTime(["%Y-%m-%d"]), multiple=True, help="UTC day; may be repeated.")
@click.option(
    "--redecode", "is_redecoding", is_flag=True, help="Also the days that another version of the decoder decoded."
)
@plain_errors
def fold(days: tuple[datetime, ...], is_redecoding: bool) -> None:
    """Fold what the feed stored into the days' files, decode them, and make what follows, as the assets do.

    Flags, SOL prices, candles, features, wallets, positions and moments follow, of what lags behind.

    A day that breaks a check is named and left as it was; the others are done. A check that only watches is named too,
    and its day is done all the same. Either makes the exit status 1.
    """
    settings = load_settings()
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    store = ParquetStore(settings.store)
    named = [day.date() for day in days]
    failures = [
        *_fold_inbox(url, store, named),
        *_decode_days(url, store, named, is_redecoding, settings.programs.ids),
        *flag_days(url, store),
        *make_prices(url, settings, store),
        *make_features(url, store),
        *_update_wallets(url, store),
        *make_positions_and_moments(url, settings, click.echo),
    ]
    if failures:
        raise click.ClickException("\n".join(failures))


def _fold_inbox(url: str, store: ParquetStore, named: list[date]) -> list[str]:
    failures = []
    with PostgresFoldSource(url) as source:
        for dataset in RAW_DATASETS:
            for day in named or sorted(source.days_waiting(dataset)):
                try:
                    report = fold_day(store, source, dataset, day)
                except InvalidPartitionError as error:
                    failures.append(str(error))
                    continue
                digest = report.file.sha256 if report.file else "-"
                click.echo(f"{dataset} {day} rows={report.row_count} added={report.added_count} sha256={digest}")
    return failures


def _decode_days(
    url: str, store: ParquetStore, named: list[date], is_redecoding: bool, anchor_programs: tuple[str, ...]
) -> list[str]:
    failures = []
    version = decoder_version(anchor_programs)
    with PostgresServedRows(url) as served:
        # A database made anew serves no day yet: the files restore it. An older version wrote fewer datasets.
        unserved = set(store.days(RAW_TRANSACTIONS.name)) - served.days_decoded()
        lacking = days_lacking_files(store)
        others = served.days_of_other_decoders(version) if is_redecoding else []
        for day in named or sorted({*unserved, *lacking, *served.days_waiting(version), *others}):
            try:
                report = decode_day(store, served, day, anchor_programs=anchor_programs)
            except InvalidPartitionError as error:
                failures.append(str(error))
                continue
            failures += [f"{day} {c.name}: {c.detail}" for c in report.checks if not c.has_passed]
            for dataset, file in report.files.items():
                click.echo(f"{dataset} {day} rows={report.row_counts[dataset]} sha256={file.sha256}")
    return failures


def _update_wallets(url: str, store: ParquetStore) -> list[str]:
    failures = []
    with PostgresWalletContents(url) as contents:
        slices = DaySlices(store)
        for bucket in contents.stale_buckets():
            try:
                report = update_bucket(store, contents, slices, bucket)
            except InvalidBucketError as error:
                failures.append(str(error))
                continue
            for dataset, file in report.files.items():
                click.echo(f"{dataset} {bucket:02d} rows={report.row_counts[dataset]} sha256={file.sha256}")
    return failures
