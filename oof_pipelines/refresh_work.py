"""What touched wallets are made again with, joined once for the command, the Dagster job and the tests; and the loop."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg

from oof_pipelines.config_files import read_config
from oof_pipelines.position_work import moment_rules
from oof_pipelines.pricing.filters import read_filters
from oof_pipelines.settings import Settings
from oof_pipelines.storage.parquet.minute_candles import ParquetMinuteCandles, ReplacedMeanwhileError
from oof_pipelines.storage.parquet.pool_events import ParquetPoolEvents
from oof_pipelines.storage.parquet.recent_trades import ParquetRecentTrades
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.wallet_rows import ParquetWalletRows
from oof_pipelines.storage.postgres.hot_market import PostgresHotMarket
from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.storage.postgres.seen_quotes import PostgresQuotes
from oof_pipelines.storage.postgres.touched_wallets import PostgresTouched
from oof_pipelines.storage.sol_usd_source import sol_usd_source
from oof_pipelines.workflows.fresh_candles import FreshCandles, FreshRates, FreshSources, KeptCandles, KeptReference
from oof_pipelines.workflows.fresh_pools import FreshPools
from oof_pipelines.workflows.minute_candles import CandleSource
from oof_pipelines.workflows.refresh_wallets import RefreshTurn, refresh_turn
from oof_pipelines.workflows.wallet_moments import Market, MomentRules, QuoteSource

logger = logging.getLogger(__name__)

_BUSY_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 1.0
_AWAY_SECONDS = 0.5
_PATIENCE_SECONDS = 60.0
_SOURCE_KEPT_SECONDS = 60
"""Klines in files are read once by whoever reads them: so often somebody new reads them."""


class FreshPrices:
    """Prices, pools and quotes of a store, of what waits in Postgres, and of whoever says what a SOL is worth."""

    def __init__(
        self, url: str, settings: Settings, store: ParquetStore, hot: PostgresHotMarket, quotes: QuoteSource
    ) -> None:
        self._url = url
        self._settings = settings
        self._store = store
        self._hot = hot
        self._quotes = quotes
        self._files = ParquetMinuteCandles(store)
        self._filters = read_filters(read_config("prices.yaml"))
        self._kept = KeptCandles(store, self._files)
        self._filed_reference = KeptReference(store)
        self._reference = sol_usd_source(settings, url)
        self._reference_at = datetime.now(UTC)

    def at(self, as_of: datetime) -> tuple[CandleSource, Market]:
        """Those of one turn."""
        if (datetime.now(UTC) - self._reference_at).total_seconds() > _SOURCE_KEPT_SECONDS:
            self._reference, self._reference_at = sol_usd_source(self._settings, self._url), datetime.now(UTC)
        sources = FreshSources(
            files=self._store,
            candles=self._files,
            file_trades=ParquetRecentTrades(self._store),
            hot=self._hot,
            filed_reference=self._filed_reference,
            reference=self._reference,
            filters=self._filters,
        )
        candles = FreshCandles(sources, self._kept, as_of)
        pools = FreshPools(ParquetPoolEvents(self._store), self._hot)
        return FreshRates(sources, as_of), Market(candles, pools, self._quotes)


@dataclass(slots=True)
class RefreshTotals:
    """What a loop did so far. `worst_lag_seconds` is from the touch to the row served, the oldest of a turn."""

    turns: int = 0
    served: int = 0
    failed: int = 0
    worst_lag_seconds: float = 0.0

    def add(self, turn: RefreshTurn, ended_at: datetime) -> None:
        self.turns += 1
        self.served += len(turn.served)
        self.failed += turn.failed
        if turn.oldest_touched_at is not None and turn.served:
            self.worst_lag_seconds = max(self.worst_lag_seconds, (ended_at - turn.oldest_touched_at).total_seconds())


@dataclass(slots=True)
class RefreshWork:
    """One refresher of one database: it holds the lock that says there is no other."""

    touched: PostgresTouched
    files: ParquetWalletRows
    market: FreshPrices
    rules: MomentRules
    totals: RefreshTotals = field(default_factory=RefreshTotals)

    def turn(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> RefreshTurn:
        """Make what is due once; nothing where files were replaced again and again while they were read."""
        try:
            turn = refresh_turn(self.touched, self.files, self.market, self.rules, now)
        except ReplacedMeanwhileError:
            return RefreshTurn(0)
        if turn.taken:
            self.totals.add(turn, datetime.now(UTC))
        return turn

    def until_done(self) -> RefreshTotals:
        """Make all that is due, and what becomes due meanwhile."""
        while (turn := self.turn()).taken:
            if not turn.served:
                time.sleep(_BUSY_SECONDS)
        return self.totals

    def serve(self, terms: "RefreshTerms", should_stop: Callable[[], bool]) -> None:
        """Make wallets again as they become due, until `terms` end it or somebody stops it."""
        while not should_stop() and not terms.is_over():
            turn = self.turn()
            if turn.served:
                terms.has_worked()
            elif turn.taken:
                time.sleep(_BUSY_SECONDS)
            else:
                self.touched.wait(self._pause_seconds())

    def _pause_seconds(self) -> float:
        next_due_at, _ = self.touched.waiting()
        if next_due_at is None:
            return _LONGEST_PAUSE_SECONDS
        return min(_LONGEST_PAUSE_SECONDS, max(0.0, (next_due_at - datetime.now(UTC)).total_seconds()))


@dataclass(slots=True)
class RefreshTerms:
    """When a loop ends by itself: after so long without work, or, once it is so old, as soon as nothing is due."""

    idle_seconds: float | None = None
    most_seconds: float | None = None
    began_s: float = field(default_factory=time.monotonic)
    worked_s: float = field(default_factory=time.monotonic)

    def has_worked(self) -> None:
        self.worked_s = time.monotonic()

    def is_over(self) -> bool:
        now_s = time.monotonic()
        is_idle = self.idle_seconds is not None and now_s - self.worked_s >= self.idle_seconds
        return is_idle or (self.most_seconds is not None and now_s - self.began_s >= self.most_seconds)


def refresh_standing(
    settings: Settings,
    database_url: Callable[[], str],
    terms: RefreshTerms,
    should_stop: Callable[[], bool],
    *,
    name: str = "",
) -> RefreshTotals:
    """Make wallets again until `terms` end it or somebody stops it; a database that goes away is waited for.

    `name` is told to the database beside the lock. Raises `RefreshIsRunningError` where somebody else is at it, and the
    database's error once it has been away for a minute.
    """
    totals = RefreshTotals()
    away_since_s: float | None = None
    while not should_stop() and not terms.is_over():
        try:
            with open_refresh_work(database_url(), settings, name=name) as work:
                work.totals = totals
                away_since_s = None
                work.serve(terms, should_stop)
        except (psycopg.OperationalError, psycopg.InterfaceError, EmbeddedPostgresError):
            away_since_s = away_since_s or time.monotonic()
            if time.monotonic() - away_since_s >= _PATIENCE_SECONDS:
                raise
            logger.warning("database away, trying again")
            time.sleep(_AWAY_SECONDS)
    return totals


@contextmanager
def open_refresh_work(url: str, settings: Settings, *, name: str = "") -> Iterator[RefreshWork]:
    """Over the store of `settings` and the migrated database at `url`.

    Raises `RefreshIsRunningError` where another process is at it, and what `moment_rules` raises.
    """
    store = ParquetStore(settings.store)
    rules = moment_rules(settings)
    with PostgresTouched(url, name=name) as touched, PostgresHotMarket(url) as hot, PostgresQuotes(url) as quotes:
        market = FreshPrices(url, settings, store, hot, quotes)
        yield RefreshWork(touched, ParquetWalletRows(store), market, rules)
