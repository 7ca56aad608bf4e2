"""A database and a store in which wallets are made again as the feed goes on; and a chain of trades for it."""

import csv
import functools
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
from decoded_home import fold_all, use_inbox
from dropped_database import drop_database
from filled_home import NOW

from oof_pipelines.commands.price_days import make_prices
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.position_work import open_position_work
from oof_pipelines.refresh_work import RefreshTotals, RefreshWork, open_refresh_work
from oof_pipelines.settings import Settings, load_settings
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.testing.synthetic_chain import DEFAULT_START_SLOT, DEFAULT_START_TIME_S
from oof_pipelines.testing.synthetic_trading import generate_trading
from oof_pipelines.workflows.decode_day import decode_day
from oof_pipelines.workflows.decoder_version import decoder_version
from oof_pipelines.workflows.prepare import FetchedBody, prepare
from oof_pipelines.workflows.update_wallets import DaySlices, update_bucket

SERVED = ("lots", "realized_trades", "episodes", "oof_moments", "wallet_extremes")
_KLINES_MINUTES = 3 * 1_440

Tables = dict[str, list[tuple[Any, ...]]]


@functools.cache
def trading_rows(seed: int = 5, wallets: int = 6, count: int = 80, days: int = 1) -> tuple[StoredTransaction, ...]:
    """A chain of trades as the feed would store it."""
    made = generate_trading(
        seed, wallets, count, start_slot=DEFAULT_START_SLOT, start_time_s=DEFAULT_START_TIME_S, days=days
    )
    rows = [
        prepare(FetchedBody(one.signature, one.to_json_bytes("base64")), one.slot, "mainnet-beta", NOW) for one in made
    ]
    assert all(isinstance(row, StoredTransaction) for row in rows)
    return cast("tuple[StoredTransaction, ...]", tuple(rows))


def write_klines(path: Path) -> None:
    """A SOL a minute from a day before the chain on, at prices that differ."""
    start = datetime.fromtimestamp(DEFAULT_START_TIME_S, UTC).replace(second=0, microsecond=0) - timedelta(days=1)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("timestamp", "open", "high", "low", "close", "volume"))
        for minute in range(_KLINES_MINUTES):
            close = f"{150 + minute % 7}.{minute % 100:02}"
            writer.writerow(((start + timedelta(minutes=minute)).isoformat(" "), close, close, close, close, "1"))


@dataclass(frozen=True, slots=True)
class RefreshedWorld:
    """One database, migrated, and its store. Steps are those of the processes that run side by side."""

    url: str
    settings: Settings

    @property
    def store(self) -> ParquetStore:
        return ParquetStore(self.settings.store)

    def hear(self, rows: Sequence[StoredTransaction]) -> None:
        """Store rows as the feed does: provisional, decoded."""

        async def work(inbox: PostgresInbox) -> None:
            await inbox.store(rows, [])

        use_inbox(self.url, work)

    def finalise(self, signatures: Sequence[str]) -> None:
        async def work(inbox: PostgresInbox) -> None:
            await inbox.mark_final(signatures)

        use_inbox(self.url, work)

    def retract(self, signature: str) -> None:
        async def work(inbox: PostgresInbox) -> None:
            await inbox.retract(signature, "left the chain")

        use_inbox(self.url, work)

    def fold(self) -> None:
        """Fold what is final, and decode it."""
        fold_all(self.url, self.store)
        with PostgresServedRows(self.url) as served:
            for day in sorted(served.days_waiting(decoder_version())):
                decode_day(self.store, served, day)

    def price(self) -> None:
        assert make_prices(self.url, self.settings, self.store) == []

    def update_buckets(self) -> None:
        with PostgresWalletContents(self.url) as contents:
            slices = DaySlices(self.store)
            for bucket in contents.stale_buckets():
                update_bucket(self.store, contents, slices, bucket)

    def make_cold(self) -> None:
        """Positions and moments of every bucket that lags, from files."""
        with open_position_work(self.url, self.settings) as work:
            reports = [*work.make_positions(work.lagging_positions()), *work.make_moments(work.lagging_moments())]
        assert not [report for report in reports if isinstance(report, Exception)], reports

    def refresh(self) -> RefreshTotals:
        """Make all wallets again that are due."""
        with self.refreshing() as work:
            return work.until_done()

    @contextmanager
    def refreshing(self) -> Any:
        with open_refresh_work(self.url, self.settings) as work:
            yield cast(RefreshWork, work)

    def make_prices_due(self) -> None:
        """Who was touched by a price need not wait any more."""
        self.execute("update touched_wallets set not_before = now() - interval '1 second'")

    def execute(self, statement: str, *parameters: object) -> None:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement.encode(), parameters or None)

    def select(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=10) as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()

    def tables(self) -> Tables:
        """Every served row of positions and moments."""
        return {name: sorted(self.select(f"select * from {name}"), key=repr) for name in SERVED}

    def settle(self) -> None:
        """Everything that is stored becomes final and goes into the files, and what follows from them is served."""
        self.execute("update tx_raw set is_final = true")
        self.fold()
        self.price()
        self.update_buckets()
        self.make_cold()


def open_world(url: str, home: Path) -> RefreshedWorld:
    """Over a database without tables and an empty folder."""
    klines = home / "klines.csv"
    write_klines(klines)
    settings = load_settings(
        {
            "OOF_HOME": str(home),
            "OOF_STORE": str(home / "store"),
            "DATABASE_URL": url,
            "OOF_SOL_USD_SOURCE": "klines",
            "OOF_SOL_USD_KLINES": str(klines),
        }
    )
    migrate(url, settings.migrations_folder)
    return RefreshedWorld(url, settings)


Make = Callable[[], RefreshedWorld]


def made_worlds(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Make]:
    """A fixture that opens worlds, each with a database and a store of its own."""
    names: list[str] = []

    def open_one() -> RefreshedWorld:
        name = f"t_{secrets.token_hex(6)}"
        names.append(name)
        home = tmp_path / name
        home.mkdir()
        with psycopg.connect(postgres.url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(f'create database "{name}"'.encode())
        return open_world(postgres.url.rpartition("/")[0] + "/" + name, home)

    yield open_one
    with psycopg.connect(postgres.url, autocommit=True, connect_timeout=10) as connection:
        for name in names:
            drop_database(connection, name)


def cold_tables(make: Make, rows: Sequence[StoredTransaction]) -> Tables:
    """What files alone give."""
    world = make()
    world.hear(rows)
    world.settle()
    return world.tables()
