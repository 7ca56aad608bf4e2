"""The warehouse: the Parquet store and the Postgres beside it, joined for the assets and sensors."""

import enum
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import dagster as dg

from oof_pipelines.config_files import read_config
from oof_pipelines.market.risk import RiskThresholds, thresholds_of
from oof_pipelines.plan_work import open_plan_work
from oof_pipelines.position_work import open_position_work
from oof_pipelines.pricing.filters import read_filters
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.trade_slices import ParquetTrades
from oof_pipelines.storage.postgres.candles import PostgresCandles
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.served_features import PostgresServedFeatures
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.storage.sol_usd_source import sol_usd_source
from oof_pipelines.workflows.decode_day import DecodeReport, days_lacking_files, decode_day
from oof_pipelines.workflows.decoder_version import decoder_version
from oof_pipelines.workflows.features_day import FeaturesReport, features_day
from oof_pipelines.workflows.fold import FoldReport, InvalidPartitionError, fold_day
from oof_pipelines.workflows.moments_bucket import MomentsReport
from oof_pipelines.workflows.positions_bucket import InvalidPositionsError, PositionsReport
from oof_pipelines.workflows.price_day import PriceReport, price_day
from oof_pipelines.workflows.reference_prices import ReferenceReport, write_reference_day
from oof_pipelines.workflows.request_analysis import CadenceReport
from oof_pipelines.workflows.risk_flags import RiskReport, flag_day
from oof_pipelines.workflows.update_wallets import DaySlices, InvalidBucketError, WalletReport, update_bucket


class Asked(enum.Enum):
    """Which of the buckets that a run names it is to make: all of them, or those that lag; see `has_changed`."""

    NAMED = enum.auto()
    LAGGING = enum.auto()
    LAGGING_SETTLED = enum.auto()


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
                    yield decode_day(store, served, day, anchor_programs=_anchor_programs())
                except InvalidPartitionError as error:
                    yield error

    def flag_days(self, days: list[date]) -> Iterator[RiskReport | InvalidPartitionError]:
        """Raise each day's risk flags in turn; see `flag_day`."""
        with PostgresServedRows(_database_url()) as locks:
            store = _store()
            for day in days:
                try:
                    yield flag_day(store, locks, day, risk_thresholds())
                except InvalidPartitionError as error:
                    yield error

    def feature_days(self, days: list[date]) -> Iterator[FeaturesReport | InvalidPartitionError]:
        """Make each day's features in turn; see `features_day`."""
        with PostgresServedFeatures(_database_url()) as served:
            store = _store()
            for day in days:
                try:
                    yield features_day(store, ParquetTrades(store), served, day)
                except InvalidPartitionError as error:
                    yield error

    def refer_days(self, days: list[date]) -> Iterator[ReferenceReport | InvalidPartitionError]:
        """Write each day's reference prices in turn; see `write_reference_day`."""
        with PostgresCandles(_database_url()) as locks:
            store, source = _store(), sol_usd_source(load_settings(), _database_url())
            for day in days:
                try:
                    yield write_reference_day(store, locks, source, day)
                except InvalidPartitionError as error:
                    yield error

    def price_days(self, days: list[date]) -> Iterator[PriceReport | InvalidPartitionError]:
        """Make each day's candles in turn; see `price_day`."""
        with PostgresCandles(_database_url()) as served:
            store, filters = _store(), read_filters(read_config("prices.yaml"))
            for day in days:
                try:
                    yield price_day(store, served, filters, day)
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

    def position_buckets(
        self, buckets: list[int], asked: Asked = Asked.NAMED
    ) -> Iterator[PositionsReport | InvalidPositionsError]:
        """Make the positions of each bucket (of those that lag alone, where `asked`) in turn; see `make_positions`."""
        with open_position_work(_database_url(), load_settings()) as work:
            yield from work.make_positions(_asked_of(buckets, asked, work.lagging_positions))

    def moment_buckets(
        self, buckets: list[int], asked: Asked = Asked.NAMED
    ) -> Iterator[MomentsReport | InvalidPositionsError]:
        """Make the moments of each bucket (of those that lag alone, where `asked`) in turn; see `make_moments`."""
        with open_position_work(_database_url(), load_settings()) as work:
            yield from work.make_moments(_asked_of(buckets, asked, work.lagging_moments))

    def lagging_positions(self, *, is_newest_counted: bool = True) -> tuple[list[int], list[int]]:
        """(buckets whose positions lag behind, those whose moments do although their positions do not).

        Not counting the newest stored day, those are left out that lag behind its prices alone.
        """
        with open_position_work(_database_url(), load_settings()) as work:
            of_positions = work.lagging_positions(is_newest_counted=is_newest_counted)
            of_moments = work.lagging_moments(is_newest_counted=is_newest_counted)
            return of_positions, sorted(set(of_moments) - set(of_positions))

    def due_analyses(self, cadence: str, now: datetime) -> int:
        """How many watched wallets are due by a cadence."""
        with open_plan_work(_database_url(), load_settings()) as work:
            return work.due(cadence, now)

    def request_due(self, cadence: str) -> CadenceReport:
        """Queue the analyses of the watched wallets that are due; see `request_due`."""
        with open_plan_work(_database_url(), load_settings()) as work:
            return work.request_due(cadence, datetime.now(UTC))

    def days_waiting(self, dataset: str) -> dict[date, int]:
        """Day → final rows of the dataset that wait in the inbox. Raises where Postgres cannot be read."""
        with PostgresFoldSource(_database_url()) as source:
            return source.days_waiting(dataset)

    def growth(self, day: date) -> tuple[int, int, float]:
        """What of a day waits to be folded, what it has, and for how long; see `PostgresFoldSource.growth`."""
        with PostgresFoldSource(_database_url()) as source:
            return source.growth(day)

    def days_to_decode(self) -> dict[date, int]:
        """Day → folded transactions not yet decoded into its files, or that an earlier decoder failed on.

        A day that lacks the file of a dataset, as an older version wrote fewer, waits as a whole: it counts 1 more.
        """
        with PostgresServedRows(_database_url()) as served:
            waiting = served.days_waiting(decoder_version(_anchor_programs()))
        for day in days_lacking_files(_store()):
            waiting[day] = waiting.get(day, 0) + 1
        return waiting

    def days_stored(self) -> list[date]:
        """Days that have a raw_transactions file."""
        return _store().days("raw_transactions")

    def stale_buckets(self) -> list[int]:
        """Wallet buckets that lag behind the decoded days."""
        with PostgresWalletContents(_database_url()) as contents:
            return sorted(contents.stale_buckets())


def _asked_of(buckets: list[int], asked: Asked, lagging: Callable[..., list[int]]) -> list[int]:
    if asked is Asked.NAMED:
        return buckets
    among = set(lagging(is_newest_counted=asked is Asked.LAGGING))
    return [bucket for bucket in buckets if bucket in among]


def risk_thresholds() -> RiskThresholds:
    """From which shares on flags are raised: risk.yaml."""
    return thresholds_of(read_config("risk.yaml"))


def _database_url() -> str:
    settings = load_settings()
    return ready_database_url(settings.database_url, settings.home, settings.migrations_folder)


def _anchor_programs() -> tuple[str, ...]:
    return load_settings().programs.ids


def _store() -> ParquetStore:
    return ParquetStore(load_settings().store)
