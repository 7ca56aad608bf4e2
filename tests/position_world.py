"""A small store of wallet events and candles, with notes in memory where Postgres would keep them."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.config_files import read_config
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.detectors.input import SeenQuote
from oof_pipelines.detectors.thresholds import FILE, read_thresholds
from oof_pipelines.positions.events import COST, PositionEvent
from oof_pipelines.positions.valued import PositionRules
from oof_pipelines.storage.parquet.dataset import RAW_AMOUNT
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.minute_candles import ParquetMinuteCandles
from oof_pipelines.storage.parquet.pool_events import ParquetPoolEvents
from oof_pipelines.storage.parquet.position_balances import BALANCE_COLUMNS
from oof_pipelines.storage.parquet.position_notes import MomentNote, PositionNote
from oof_pipelines.storage.parquet.position_schemas import MOMENT_DATASETS, POSITION_DATASETS
from oof_pipelines.storage.parquet.price_schemas import PRICE_1M, REFERENCE_PRICES
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.minute_candles import MinuteCandles
from oof_pipelines.workflows.moments_bucket import MomentsReport, buckets_to_look_at, make_moments
from oof_pipelines.workflows.position_inputs import DayMarks
from oof_pipelines.workflows.positions_bucket import PositionsReport, buckets_to_position, make_positions
from oof_pipelines.workflows.wallet_moments import Market, MomentRules

START = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
COIN_DECIMALS = 6
DOLLAR = 10**6
"""A dollar in base units of USDC."""


def address(name: str) -> str:
    """32 bytes in base58, the same for the same name."""
    return encode_base58(hashlib.sha256(name.encode()).digest())


def in_bucket(bucket: int, number: int = 0) -> str:
    """The `number`th wallet of a few that fall into a bucket."""
    found = (one for one in (address(f"wallet {i}") for i in range(100_000)) if wallet_bucket(one) == bucket)
    return next(one for place, one in enumerate(found) if place == number)


COIN, OTHER_COIN = address("coin"), address("other coin")
WALLET = in_bucket(7)
NEIGHBOUR = in_bucket(7, 1)
ELSEWHERE = in_bucket(9)


def event(
    kind: str, minute: int, *, wallet: str = WALLET, mint: str = COIN, qty: int = 0, **changes: Any
) -> PositionEvent:
    """An event `minute` minutes after START, a slot a second. `usdc` or `sol` is what was paid or received, in base units."""
    usdc, sol = changes.pop("usdc", None), changes.pop("sol", None)
    paid = {
        "other_mint": USDC_MINT if usdc is not None else NATIVE_MINT if sol is not None else "",
        "other_decimals": 6 if usdc is not None else 9 if sol is not None else None,
        "other_raw": usdc if usdc is not None else sol,
    }
    values: dict[str, Any] = {
        "signature": address(f"{kind} {minute} {wallet} {mint} {qty}") * 2,
        "slot": 300_000_000 + minute * 60,
        "tx_index": 5,
        "block_time_s": int(START.timestamp()) + minute * 60,
        "log_idx": 1,
        "path": "0",
        "seq": 0,
        "wallet": wallet,
        "kind": kind,
        "mint": NATIVE_MINT if kind == COST else mint,
        "decimals": 9 if kind == COST else COIN_DECIMALS,
        "qty_raw": qty,
        **paid,
        "counterparty": "",
        "venue": "",
        "network_fee_lamports": 0,
        "tip_lamports": 0,
        "rent_lamports": 0,
    }
    return PositionEvent(**(values | changes))


def events_frame(events: Sequence[PositionEvent]) -> pl.DataFrame:
    """Rows of wallet_events."""
    columns = []
    for name, dtype in WALLET_EVENTS.columns.items():
        if name == "block_time":
            values: list[Any] = [datetime.fromtimestamp(one.block_time_s, UTC) for one in events]
        else:
            values = [getattr(one, name) for one in events]
        is_amount = dtype == RAW_AMOUNT
        series = pl.Series(name, values, dtype=pl.Int128 if is_amount else dtype)
        columns.append(series.cast(RAW_AMOUNT) if is_amount else series)
    return WALLET_EVENTS.arrange(pl.DataFrame(columns))


def candle(minute: int, price: str, *, mint: str = COIN, volume: str = "5000", **changes: Any) -> dict[str, Any]:
    """A row of price_1m in USDC whose dollars are `price` throughout."""
    start, dollars = START + timedelta(minutes=minute), Decimal(price)
    row = dict.fromkeys(PRICE_1M.columns)
    row |= {name: 0 for name, dtype in PRICE_1M.columns.items() if dtype in (pl.Int32, RAW_AMOUNT)}
    row |= dict.fromkeys(("open", "high", "low", "close", "vwap"), dollars)
    row |= dict.fromkeys(("open_usd", "high_usd", "low_usd", "close_usd", "vwap_usd"), dollars)
    row |= {
        "mint": mint,
        "quote_mint": USDC_MINT,
        "bucket_start": start,
        "base_decimals": COIN_DECIMALS,
        "quote_decimals": 6,
        "trades": 9,
        "signers": 7,
        "quote_reserve_raw": 50_000 * DOLLAR,
        "quote_usd": Decimal(1),
        "usd_source": "par",
        "usd_confidence": Decimal(1),
        "volume_usd": Decimal(volume),
        "source": "swaps",
        "confidence": Decimal("0.8"),
        "is_primary": True,
        "available_at": start + timedelta(minutes=1),
    }
    return row | changes


@dataclass
class MemoryNotes:
    """Notes as Postgres keeps them, and the rows last published."""

    positions: dict[int, PositionNote] = field(default_factory=dict)
    moments: dict[int, MomentNote] = field(default_factory=dict)
    published: dict[int, dict[str, pl.DataFrame]] = field(default_factory=dict)
    locked: list[tuple[str, int]] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)

    @contextmanager
    def lock(self, dataset: str, bucket: int) -> Iterator[None]:
        self.locked.append((dataset, bucket))
        try:
            yield
        finally:
            self.locked.remove((dataset, bucket))

    def position_notes(self) -> dict[int, PositionNote]:
        return dict(self.positions)

    def moment_notes(self) -> dict[int, MomentNote]:
        return dict(self.moments)

    def begin_positions(self, bucket: int) -> None:
        assert ("positions", bucket) in self.locked
        self.positions[bucket] = PositionNote("", "", None, None, None)

    def forget_positions(self, bucket: int) -> None:
        assert ("wallet_actions", bucket) in self.locked
        del self.positions[bucket]
        self.forgotten.append(bucket)

    def publish_positions(self, bucket: int, frames: dict[str, pl.DataFrame], note: PositionNote) -> None:
        assert ("wallet_actions", bucket) in self.locked
        self.positions[bucket] = note
        self.published.setdefault(bucket, {}).update(frames)

    def begin_moments(self, bucket: int, as_of: datetime) -> None:
        assert ("moments", bucket) in self.locked
        self.moments[bucket] = MomentNote("", "", "", as_of)

    def publish_moments(self, bucket: int, frames: dict[str, pl.DataFrame], note: MomentNote) -> None:
        assert ("positions", bucket) in self.locked
        self.moments[bucket] = note
        self.published.setdefault(bucket, {}).update(frames)


@dataclass
class World:
    """A store and its notes, looked at as of `as_of`."""

    root: Path
    as_of: datetime = START + timedelta(days=1)
    notes: MemoryNotes = field(default_factory=MemoryNotes)
    exchanges: frozenset[str] = frozenset()
    quotes_seen: list[SeenQuote] = field(default_factory=list)
    failed: dict[str, bool] = field(default_factory=dict)
    closing: list[tuple[str, str, int, int, int]] = field(default_factory=list)

    @property
    def store(self) -> ParquetStore:
        return ParquetStore(self.root)

    @property
    def source(self) -> ParquetMinuteCandles:
        return ParquetMinuteCandles(self.store)

    @property
    def rules(self) -> MomentRules:
        return MomentRules(read_thresholds(read_config(FILE)), PositionRules(exchanges=self.exchanges))

    @property
    def market(self) -> Market:
        candles = MinuteCandles(self.source, date.min, self.as_of.date())
        return Market(candles, ParquetPoolEvents(self.store), self)

    def quotes(self, mints: Collection[str], since: datetime, until: datetime) -> list[SeenQuote]:
        return self.quotes_seen

    def outcomes(self, signatures: Collection[str], days: Collection[date]) -> dict[str, bool]:
        return {signature: self.failed.get(signature, False) for signature in signatures}

    def balances(self, wallets: Collection[str], days: Collection[date]) -> pl.DataFrame:
        return pl.DataFrame(self.closing, schema=BALANCE_COLUMNS, orient="row")

    def put_events(self, *events: PositionEvent) -> None:
        by_bucket: dict[int, list[PositionEvent]] = {}
        for one in events:
            by_bucket.setdefault(wallet_bucket(one.wallet), []).append(one)
        for bucket, its_events in by_bucket.items():
            self.store.write(WALLET_EVENTS.name, bucket, events_frame(its_events))

    def put_candles(self, *rows: dict[str, Any]) -> None:
        """Whole days: a day's file holds what is given of it now."""
        by_day: dict[date, list[dict[str, Any]]] = {}
        for row in rows:
            by_day.setdefault(row["bucket_start"].date(), []).append(row)
        for day, its_rows in by_day.items():
            self.store.write(PRICE_1M.name, day, pl.DataFrame(its_rows, schema=PRICE_1M.columns, orient="row"))

    def put_sol(self, price: str, *days: date) -> None:
        for day in days:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            minutes = [midnight + timedelta(minutes=minute) for minute in range(1_440)]
            rows = [(at, at, at, Decimal(price), "klines", Decimal("0.9")) for at in minutes]
            self.store.write(REFERENCE_PRICES.name, day, pl.DataFrame(rows, REFERENCE_PRICES.columns, orient="row"))

    def lagging_positions(self, *, newest: bool = True) -> list[int]:
        marks = DayMarks(self.store, self.as_of)
        return buckets_to_position(self.store, self.notes, self.rules.positions, marks, is_newest_counted=newest)

    def lagging_moments(self, *, newest: bool = True) -> list[int]:
        marks = DayMarks(self.store, self.as_of)
        return buckets_to_look_at(self.store, self.notes, self.rules, marks, is_newest_counted=newest)

    def position(self, *buckets: int, kill_at: str = "") -> list[PositionsReport]:
        market, marks = self.market, DayMarks(self.store, self.as_of)
        return [
            make_positions(
                self.store,
                self.notes,
                self.source,
                market.candles,
                self,
                self.rules.positions,
                marks,
                bucket,
                at_step=killing(kill_at),
            )
            for bucket in buckets or self.lagging_positions()
        ]

    def look(self, *buckets: int, kill_at: str = "") -> list[MomentsReport]:
        market, marks = self.market, DayMarks(self.store, self.as_of)
        return [
            make_moments(
                self.store,
                self.notes,
                self.source,
                market,
                self,
                self.rules,
                marks,
                bucket,
                at_step=killing(kill_at),
            )
            for bucket in buckets or self.lagging_moments()
        ]

    def files(self, *, moments: bool = False) -> dict[str, bytes]:
        """Dataset and bucket → the file's bytes."""
        datasets = MOMENT_DATASETS if moments else POSITION_DATASETS
        return {
            f"{name} {bucket}": self.store.path(name, bucket).read_bytes()
            for name in datasets
            for bucket in self.store.buckets(name)
        }


class KilledError(Exception):
    """What a killed process looks like from inside."""


def killing(kill_at: str) -> Any:
    def at_step(step: str) -> None:
        if step == kill_at:
            raise KilledError

    return at_step
