"""The warehouse: the Parquet store and the Postgres beside it, joined for the assets and sensors."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import dagster as dg

from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.workflows.fold import FoldReport, fold_day


class Warehouse(dg.ConfigurableResource[None]):
    """Where facts are kept. Reads the settings (OOF_HOME, OOF_STORE, DATABASE_URL) when it is first used, not at load."""

    def fold_days(self, dataset: str, days: list[date]) -> Iterator[FoldReport]:
        """Fold each day of a dataset in turn; see `fold_day` for what it guarantees and raises."""
        with self._fold_source() as source:
            store = ParquetStore(load_settings().store)
            for day in days:
                yield fold_day(store, source, dataset, day)

    def days_waiting(self, dataset: str) -> dict[date, int]:
        """Day → final rows of the dataset that wait in the inbox. Raises where Postgres cannot be read."""
        with self._fold_source() as source:
            return source.days_waiting(dataset)

    @contextmanager
    def _fold_source(self) -> Iterator[PostgresFoldSource]:
        settings = load_settings()
        url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
        with PostgresFoldSource(url) as source:
            yield source
