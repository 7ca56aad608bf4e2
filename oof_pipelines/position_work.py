"""What positions and moments are made with, joined once for Dagster's warehouse and for the commands.

Rules come from oof_pipelines/config and the settings, prices, pools and events from the Parquet files, quotes and notes from
Postgres.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

from oof_pipelines.chain.exchanges import EXCHANGES_FILE, read_exchanges
from oof_pipelines.config_files import read_config
from oof_pipelines.detectors.thresholds import FILE as THRESHOLDS_FILE
from oof_pipelines.detectors.thresholds import read_thresholds
from oof_pipelines.positions.valued import PositionRules
from oof_pipelines.settings import Settings
from oof_pipelines.storage.parquet.minute_candles import ParquetMinuteCandles, ReplacedMeanwhileError
from oof_pipelines.storage.parquet.pool_events import ParquetPoolEvents
from oof_pipelines.storage.parquet.position_balances import ParquetBalances
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.transaction_outcomes import ParquetOutcomes
from oof_pipelines.storage.postgres.locks import PartitionIsBusyError
from oof_pipelines.storage.postgres.positions import PostgresPositions
from oof_pipelines.storage.postgres.seen_quotes import PostgresQuotes
from oof_pipelines.workflows.minute_candles import MinuteCandles
from oof_pipelines.workflows.moments_bucket import MOMENTS, MomentsReport, buckets_to_look_at, make_moments
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.position_inputs import DayMarks
from oof_pipelines.workflows.positions_bucket import (
    POSITIONS,
    InvalidPositionsError,
    PositionsReport,
    buckets_to_position,
    make_positions,
)
from oof_pipelines.workflows.wallet_moments import Market, MomentRules

_NOTHING_STORED = datetime(1970, 1, 1, tzinfo=UTC)

Report = TypeVar("Report", PositionsReport, MomentsReport)


@dataclass(frozen=True, slots=True)
class PositionWork:
    """Everything that is needed, as of `marks.as_of`. Candles that were read once serve all that is asked of one object."""

    store: ParquetStore
    served: PostgresPositions
    source: ParquetMinuteCandles
    market: Market
    outcomes: ParquetOutcomes
    balances: ParquetBalances
    rules: MomentRules
    marks: DayMarks

    @property
    def as_of(self) -> datetime:
        return self.marks.as_of

    def lagging_positions(self, *, is_newest_counted: bool = True) -> list[int]:
        """Buckets whose positions lag; see `buckets_to_position`."""
        return buckets_to_position(
            self.store, self.served, self.rules.positions, self.marks, is_newest_counted=is_newest_counted
        )

    def lagging_moments(self, *, is_newest_counted: bool = True) -> list[int]:
        """Buckets whose moments lag behind positions that are published; see `buckets_to_look_at`."""
        return buckets_to_look_at(self.store, self.served, self.rules, self.marks, is_newest_counted=is_newest_counted)

    def make_positions(self, buckets: Iterable[int]) -> Iterator[PositionsReport | InvalidPositionsError]:
        """Make the positions of each bucket in turn; one that cannot be made or breaks a check is given as its error."""

        def make(bucket: int) -> PositionsReport:
            return make_positions(
                self.store,
                self.served,
                self.source,
                self.market.candles,
                self.balances,
                self.rules.positions,
                self.marks,
                bucket,
            )

        return (_report_or_error(POSITIONS, make, bucket) for bucket in buckets)

    def make_moments(self, buckets: Iterable[int]) -> Iterator[MomentsReport | InvalidPositionsError]:
        """Make the moments and extremes of each bucket in turn, likewise."""

        def make(bucket: int) -> MomentsReport:
            return make_moments(
                self.store,
                self.served,
                self.source,
                self.market,
                self.outcomes,
                self.rules,
                self.marks,
                bucket,
            )

        return (_report_or_error(MOMENTS, make, bucket) for bucket in buckets)


def _report_or_error(what: str, make: Callable[[int], Report], bucket: int) -> Report | InvalidPositionsError:
    """What `make` makes of the bucket, or why it made nothing: other buckets need not have the same fault.

    Files replaced while they were read, a bucket that another process holds, a value that fits no column, candles out of
    order, a damaged file (the last three are `ValueError`s). An outage of the database is of all buckets, and is raised.
    """
    try:
        return make(bucket)
    except InvalidPositionsError as error:
        return error
    except (ReplacedMeanwhileError, PartitionIsBusyError, ValueError) as error:
        failed = InvalidPositionsError(what, bucket, (CheckResult("could_be_made", False, str(error)),))
        failed.__cause__ = error
        return failed


def moment_rules(settings: Settings) -> MomentRules:
    """Raises `ConfigFileError`, `ExchangeConfigError` and `DetectorConfigError`, each with one line."""
    exchanges = frozenset(read_exchanges(read_config(EXCHANGES_FILE)))
    thresholds = read_thresholds(read_config(THRESHOLDS_FILE))
    return MomentRules(thresholds, PositionRules(exchanges=exchanges), settings.token_mint)


@contextmanager
def open_position_work(url: str, settings: Settings, *, as_of: datetime | None = None) -> Iterator[PositionWork]:
    """Positions and moments of the store of `settings` and the migrated database at `url`.

    `as_of` is the newest stored transaction's block time where it is None. Raises what `moment_rules` raises.
    """
    store = ParquetStore(settings.store)
    outcomes = ParquetOutcomes(store)
    at = as_of or outcomes.newest_block_at() or _NOTHING_STORED
    source = ParquetMinuteCandles(store)
    candles = MinuteCandles(source, date.min, at.astimezone(UTC).date())
    with PostgresPositions(url) as served, PostgresQuotes(url) as quotes:
        yield PositionWork(
            store=store,
            served=served,
            source=source,
            market=Market(candles, ParquetPoolEvents(store), quotes),
            outcomes=outcomes,
            balances=ParquetBalances(store),
            rules=moment_rules(settings),
            marks=DayMarks(store, at),
        )
