"""Moves on the accounts of wallets, read from the days' files, and what their transactions call.

Moves and bodies are sorted by slot, so that of a day's file only the groups of rows around the wallets' slots are read.
"""

from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path

import polars as pl

from oof_pipelines.chain.moves import NATIVE_MINTS
from oof_pipelines.storage.parquet.minute_candles import read_unchanged
from oof_pipelines.storage.parquet.schemas import MOVES, RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore

MOVE_COLUMNS = (
    "signature",
    "slot",
    "tx_index",
    "block_time",
    "seq",
    "path",
    "owner",
    "account",
    "asset",
    "delta_raw",
    "balance_raw",
)
"""What is read of a move."""

_DAYS_AT_ONCE = 64


class ParquetWalletMoves:
    """Reads moves and the programs that transactions call, of a store.

    Transactions are named by their days, slots and signatures together. What the methods raise is `read_unchanged`'s.
    """

    def __init__(self, store: ParquetStore) -> None:
        self._store = store

    def moves(
        self, wallets: Collection[str], days: Collection[date], slots: Collection[int], signatures: Collection[str]
    ) -> pl.DataFrame:
        """The moves on real accounts of `wallets` in these transactions, in `MOVE_COLUMNS`.

        Wrapped SOL is in both ledgers of the book, and here only as the lamports it is.
        """
        wanted = (
            _of(slots, signatures)
            & pl.col("owner").is_in(sorted(wallets))
            & ~pl.col("is_virtual")
            & ~pl.col("asset").is_in(sorted(NATIVE_MINTS))
        )
        return self._read(MOVES.name, days, wanted, MOVE_COLUMNS)

    def programs(
        self, days: Collection[date], slots: Collection[int], signatures: Collection[str]
    ) -> dict[str, list[str]]:
        """Signature → the programs that the transaction calls, at any depth."""
        rows = self._read(RAW_TRANSACTIONS.name, days, _of(slots, signatures), ("signature", "program_ids"))
        return dict(zip(rows["signature"], rows["program_ids"].to_list(), strict=True))

    def _read(self, dataset: str, days: Collection[date], wanted: pl.Expr, columns: Collection[str]) -> pl.DataFrame:
        schema = {MOVES.name: MOVES, RAW_TRANSACTIONS.name: RAW_TRANSACTIONS}[dataset].columns
        parts = [pl.DataFrame(schema={name: schema[name] for name in columns})]
        for paths in self._paths(dataset, days):
            query = pl.scan_parquet(paths, hive_partitioning=False, glob=False).filter(wanted).select(columns)
            parts.append(read_unchanged(dataset, paths, lambda query=query: query))  # type: ignore[misc]
        return pl.concat(parts)

    def _paths(self, dataset: str, days: Collection[date]) -> Iterator[list[Path]]:
        stored = sorted(set(self._store.days(dataset)) & set(days))
        for start in range(0, len(stored), _DAYS_AT_ONCE):
            yield [self._store.path(dataset, day) for day in stored[start : start + _DAYS_AT_ONCE]]


def _of(slots: Collection[int], signatures: Collection[str]) -> pl.Expr:
    own_slots = pl.Series(sorted(slots), dtype=pl.Int64())
    own_signatures = pl.Series(sorted(signatures), dtype=pl.String())
    return pl.col("slot").is_in(own_slots.implode()) & pl.col("signature").is_in(own_signatures.implode())
