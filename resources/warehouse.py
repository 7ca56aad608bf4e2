"""The warehouse: the Parquet store and the Postgres beside it, joined for the assets and sensors."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.workflows.decode_day import DecodeReport, decode_day
from oof_pipelines.workflows.decoder_version import decoder_version
from oof_pipelines.workflows.fold import FoldReport, InvalidPartitionError, fold_day
from oof_pipelines.workflows.update_wallets import DaySlices, InvalidBucketError, WalletReport, update_bucket


class Warehouse(dg.ConfigurableResource[None]):
    """Where facts are kept. Reads the settings (OOF_HOME, OOF_STORE, DATABASE_URL) when it is first used, not at load.

    Of many partitions one that breaks a check is given as its error, and the others are done all the same.
    """

    def fold_days(self, dataset: str, days: list[date]) -> Iterator[FoldReport | InvalidPartitionError]:
        """Fold each day of a dataset in turn; see `fold_day`."""
        with PostgresFoldSource(_database_url()) as source:
            store = _store()
            for day in days:
                try:
                    yield fold_day(store, source, dataset, day)
                except InvalidPartitionError as error:
                    yield error

    def decode_days(self, days: list[date]) -> Iterator[DecodeReport | InvalidPartitionError]:
        """Decode each day in turn; see `decode_day`."""
        with PostgresServedRows(_database_url()) as served:
            store = _store()
            for day in days:
                try:
                    yield decode_day(store, served, day)
                except InvalidPartitionError as error:
                    yield error

    def update_buckets(self, buckets: list[int]) -> Iterator[WalletReport | InvalidBucketError]:
        """Bring each wallet bucket up to date; see `update_bucket`."""
        with PostgresWalletContents(_database_url()) as contents:
            store = _store()
            slices = DaySlices(store)
            for bucket in buckets:
                try:
                    yield update_bucket(store, contents, slices, bucket)
                except InvalidBucketError as error:
                    yield error

    def days_waiting(self, dataset: str) -> dict[date, int]:
        """Day → final rows of the dataset that wait in the inbox. Raises where Postgres cannot be read."""
        with PostgresFoldSource(_database_url()) as source:
            return source.days_waiting(dataset)

    def days_to_decode(self) -> dict[date, int]:
        """Day → folded transactions not yet decoded into its files, or that an earlier decoder failed on."""
        with PostgresServedRows(_database_url()) as served:
            return served.days_waiting(decoder_version())

    def days_stored(self) -> list[date]:
        """Days that have a raw_transactions file."""
        return _store().days("raw_transactions")

    def stale_buckets(self) -> list[int]:
        """Wallet buckets that lag behind the decoded days."""
        with PostgresWalletContents(_database_url()) as contents:
            return sorted(contents.stale_buckets())


def _database_url() -> str:
    settings = load_settings()
    return ready_database_url(settings.database_url, settings.home, settings.migrations_folder)


def _store() -> ParquetStore:
    return ParquetStore(load_settings().store)
