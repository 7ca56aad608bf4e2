"""Some wallets' events out of their bucket's file, for somebody who asks again and again for few of many.

The file is sorted by wallet, so its statistics name the one or two groups of rows that hold a wallet. What was read stays in
memory until the file is replaced, as far as there is room.
"""

import os
from collections import OrderedDict
from collections.abc import Collection
from typing import BinaryIO

import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.position_event_rows import position_events_in
from oof_pipelines.storage.parquet.store import DamagedPartitionError, ParquetStore, object_key

MOST_EVENTS_KEPT = 300_000
"""Some 500 bytes each."""

_Version = tuple[int, int, int]
_WALLET_AT = list(WALLET_EVENTS.columns).index("wallet")


class ParquetWalletRows:
    """Reads wallet_events of a store by wallet. For one thread."""

    def __init__(self, store: ParquetStore, *, most_kept: int = MOST_EVENTS_KEPT) -> None:
        self._store = store
        self._most_kept = most_kept
        self._versions: dict[int, tuple[int, int, int] | None] = {}
        self._events: OrderedDict[tuple[int, str], list[PositionEvent]] = OrderedDict()
        self._kept = 0

    def events(self, bucket: int, wallets: Collection[str]) -> dict[str, list[PositionEvent]]:
        """Wallet → its events in the file, in the file's order; none of those it does not hold.

        The file is opened once and read as it was then. Raises `DamagedPartitionError`.
        """
        try:
            file = self._store.path(WALLET_EVENTS.name, bucket).open("rb")
        except FileNotFoundError:
            self._become(bucket, None)
            self._keep(bucket, self._missing(bucket, wallets), {})
        else:
            with file:
                self._become(bucket, _version(file))
                missing = self._missing(bucket, wallets)
                if missing:
                    self._keep(bucket, missing, _read(file, bucket, missing))
        for wallet in wallets:
            self._events.move_to_end((bucket, wallet))
        self._make_room(set(wallets))
        return {wallet: self._events[bucket, wallet] for wallet in wallets}

    def _missing(self, bucket: int, wallets: Collection[str]) -> list[str]:
        return sorted(wallet for wallet in set(wallets) if (bucket, wallet) not in self._events)

    def _become(self, bucket: int, version: _Version | None) -> None:
        """What was read of another version of the file does not count any more."""
        if self._versions.get(bucket) != version:
            for key in [key for key in self._events if key[0] == bucket]:
                self._kept -= len(self._events.pop(key)) + 1
            self._versions[bucket] = version

    def _keep(self, bucket: int, wallets: Collection[str], by_wallet: dict[str, list[PositionEvent]]) -> None:
        for wallet in wallets:
            events = self._events[bucket, wallet] = by_wallet.get(wallet, [])
            self._kept += len(events) + 1

    def _make_room(self, wanted: Collection[str]) -> None:
        """Drop what was asked for longest ago, never what is wanted now."""
        for key in list(self._events):
            if self._kept <= self._most_kept:
                return
            if key[1] not in wanted:
                self._kept -= len(self._events.pop(key)) + 1


def _version(file: BinaryIO) -> _Version:
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(file: BinaryIO, bucket: int, wallets: list[str]) -> dict[str, list[PositionEvent]]:
    try:
        parquet = pq.ParquetFile(file)
    except pa.ArrowInvalid:
        key = object_key(WALLET_EVENTS.name, bucket)
        raise DamagedPartitionError(f"{key}: is damaged, no whole Parquet file; make it again") from None
    groups = [number for number in range(parquet.num_row_groups) if _may_hold(parquet, number, wallets)]
    by_wallet: dict[str, list[PositionEvent]] = {}
    if groups:
        rows = pl.from_arrow(parquet.read_row_groups(groups, use_threads=False))
        assert isinstance(rows, pl.DataFrame)
        for one in position_events_in(rows.filter(pl.col("wallet").is_in(wallets))):
            by_wallet.setdefault(one.wallet, []).append(one)
    return by_wallet


def _may_hold(parquet: pq.ParquetFile, group: int, wallets: list[str]) -> bool:
    """Whether a group of rows may hold one of these; one without statistics may."""
    statistics = parquet.metadata.row_group(group).column(_WALLET_AT).statistics
    if statistics is None or not statistics.has_min_max:
        return True
    return any(statistics.min <= wallet <= statistics.max for wallet in wallets)
