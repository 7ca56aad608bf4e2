"""A day to price, where it is served, and what a SOL was worth on it: for the tests of pricing a day."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from oof_pipelines.commands.bench_trades import TradeWorld, trade_slices
from oof_pipelines.config_files import read_config
from oof_pipelines.pricing.filters import read_filters
from oof_pipelines.pricing.reference import ReferencePrice
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS, REFERENCE_PRICES
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.decode_day import DECODED
from oof_pipelines.workflows.price_day import PRICES
from oof_pipelines.workflows.reference_prices import midnight_s

DAY = date(2026, 1, 5)
FILTERS = read_filters(read_config("prices.yaml"))
WORLD = TradeWorld(trades=6_000, seed=11, day=DAY, mints=30, wallets=300)


def store_of_the_day(root: Path) -> ParquetStore:
    """A store that holds the day's trades."""
    made = ParquetStore(root)
    made.write(MARKET_EVENTS.name, DAY, pl.concat(trade_slices(WORLD)))
    return made


class Served:
    """Keeps what was published, which days count as published, and who was asked for reference prices."""

    def __init__(self) -> None:
        self.published: list[tuple[date, dict[str, pl.DataFrame]]] = []
        self.held: list[str] = []
        self.sha256s: dict[date, str] = {}
        self.asked: dict[date, str] = {}

    @contextmanager
    def lock(self, dataset: str, day: date) -> Iterator[None]:
        assert dataset not in self.held
        self.held.append(dataset)
        try:
            yield
        finally:
            self.held.remove(dataset)

    def days_published(self) -> set[date]:
        return {day for day, sha256 in self.sha256s.items() if sha256}

    def begin(self, day: date) -> None:
        assert PRICES in self.held
        self.sha256s[day] = ""

    def publish(self, day: date, pieces: Mapping[str, Iterable[pl.DataFrame]], sha256: str) -> None:
        assert self.held == [DECODED, REFERENCE_PRICES.name, PRICES]
        none = {name: pl.DataFrame(schema=CANDLE_DATASETS[name].columns) for name in pieces}
        self.published.append((day, {name: pl.concat([none[name], *frames]) for name, frames in pieces.items()}))
        self.sha256s[day] = sha256

    def record_asked(self, day: date, source: str) -> None:
        assert self.held == [REFERENCE_PRICES.name]
        self.asked[day] = source

    def sources_asked(self) -> dict[date, str]:
        return self.asked


class Source:
    """A SOL is worth so much, told every five minutes of the first half of the day."""

    name = "klines"

    def __init__(self, usd: str = "150") -> None:
        self.usd = usd

    def prices(self, first_s: int, last_s: int) -> list[ReferencePrice]:
        noon_s = midnight_s(DAY) + 43_200
        seconds = range(midnight_s(DAY), noon_s, 300)
        told = [ReferencePrice(second, Decimal(self.usd), self.name, Decimal("0.9"), second) for second in seconds]
        return [price for price in told if first_s <= price.at_s <= last_s]


def file_bytes(store: ParquetStore) -> dict[str, bytes]:
    return {name: store.path(name, DAY).read_bytes() for name in CANDLE_DATASETS}


def spilled_files(store: ParquetStore) -> list[Path]:
    return list(store.root.glob(".spill*/*"))
