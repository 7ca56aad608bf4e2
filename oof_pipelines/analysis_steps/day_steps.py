"""What a wallet's analysis needs of a day, brought up to date: folded, decoded, and priced where a source says how.

The same workflows that `oof fold` and the assets call, without what an analysis does not read (logs, flags, features), which
go on lagging until one of those makes them.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from types import TracebackType

from oof_pipelines.config_files import read_config
from oof_pipelines.pricing.filters import read_filters
from oof_pipelines.settings import Settings
from oof_pipelines.storage.parquet.schemas import RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.candles import PostgresCandles
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.storage.sol_usd_source import sol_usd_source
from oof_pipelines.workflows.decode_day import days_lacking_files, decode_day
from oof_pipelines.workflows.decoder_version import decoder_version
from oof_pipelines.workflows.fold import InvalidPartitionError, fold_day
from oof_pipelines.workflows.price_day import days_to_price, price_day
from oof_pipelines.workflows.priced_trades import ChangedMeanwhileError, UnorderedEventsError
from oof_pipelines.workflows.reference_prices import days_to_refer, write_reference_day


@dataclass(frozen=True, slots=True)
class _OneDay:
    """Files as the rules of lagging want to see them, of one day alone."""

    store: ParquetStore
    day: date

    def days(self, dataset: str) -> list[date]:
        return [] if self.written_at_ns(dataset, self.day) is None else [self.day]

    def written_at_ns(self, dataset: str, partition: date) -> int | None:
        return self.store.written_at_ns(dataset, partition)


@dataclass(frozen=True, slots=True)
class DayWork:
    """A day of which something lags. Whether its prices do shows once it is decoded."""

    day: date
    is_waiting: bool
    is_undecoded: bool


class DaySteps:
    """Connections and thresholds, kept for many days. Use as a context manager.

    Making one raises `ConfigFileError` and `PriceConfigError`.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        self._url = url
        self._store = ParquetStore(settings.store)
        self._source = sol_usd_source(settings, url)
        self._anchor_programs = settings.programs.ids
        self._filters = read_filters(read_config("prices.yaml"))
        self._opened = ExitStack()

    def __enter__(self) -> "DaySteps":
        self._inbox = self._opened.enter_context(PostgresFoldSource(self._url))
        self._served = self._opened.enter_context(PostgresServedRows(self._url))
        self._candles = self._opened.enter_context(PostgresCandles(self._url))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def lagging(self) -> list[DayWork]:
        """What lags, by day ascending."""
        waiting = self._inbox.days_waiting(RAW_TRANSACTIONS.name).keys()
        # A database made anew serves no day yet: the files restore it. An older version wrote fewer datasets.
        unserved = set(self._store.days(RAW_TRANSACTIONS.name)) - self._served.days_decoded()
        version = decoder_version(self._anchor_programs)
        undecoded = {*unserved, *days_lacking_files(self._store), *self._served.days_waiting(version)}
        unpriced = set(days_to_price(self._store, self._candles))
        if self._source is not None:
            unpriced.update(days_to_refer(self._store, self._candles, self._source))
        return [DayWork(day, day in waiting, day in undecoded) for day in sorted({*waiting, *undecoded, *unpriced})]

    def make(self, work: DayWork) -> list[str]:
        """Do what lags of the day; a line for each check that it breaks, which leaves that part of it as it was.

        Where nobody is asked what a SOL is worth, what an earlier source said stays.
        """
        day, files = work.day, _OneDay(self._store, work.day)
        try:
            if work.is_waiting:
                fold_day(self._store, self._inbox, RAW_TRANSACTIONS.name, day)
            if work.is_waiting or work.is_undecoded:
                decode_day(self._store, self._served, day, anchor_programs=self._anchor_programs)
            if self._source is not None and days_to_refer(files, self._candles, self._source):
                write_reference_day(self._store, self._candles, self._source, day)
            if days_to_price(files, self._candles):
                price_day(self._store, self._candles, self._filters, day)
        except (InvalidPartitionError, ChangedMeanwhileError, UnorderedEventsError) as error:
            return [str(error)]
        return []
