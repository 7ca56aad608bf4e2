"""What the chain itself says wallets hold: the first and last known balances of their token accounts, read from moves."""

from collections.abc import Collection
from datetime import date

import polars as pl

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINTS
from oof_pipelines.storage.parquet.dataset import IN_CHAIN_ORDER
from oof_pipelines.storage.parquet.minute_candles import read_unchanged
from oof_pipelines.storage.parquet.schemas import MOVES
from oof_pipelines.storage.parquet.store import ParquetStore

BALANCE_COLUMNS = {
    "wallet": pl.String(),
    "mint": pl.String(),
    "opening_raw": pl.Int128(),
    "closing_raw": pl.Int128(),
    "gaps": pl.UInt32(),
}
"""Of all accounts of a wallet and mint together. `gaps` counts places where an account's balance does not continue from the
move before: something that is not stored lies in between, or the order of two transactions is not known."""


class ParquetBalances:
    """Reads moves of a store."""

    def __init__(self, store: ParquetStore) -> None:
        self._store = store

    def balances(self, wallets: Collection[str], days: Collection[date]) -> pl.DataFrame:
        """A row a wallet and mint that moved on one of `days`, in `BALANCE_COLUMNS`."""
        stored = [day for day in self._store.days(MOVES.name) if day in days]
        paths = [self._store.path(MOVES.name, day) for day in stored]
        if not paths or not wallets:
            return pl.DataFrame(schema=BALANCE_COLUMNS)
        wanted = (
            pl.col("owner").is_in(sorted(wallets))
            & ~pl.col("is_virtual")
            & ~pl.col("asset").is_in([LAMPORTS_ASSET, *NATIVE_MINTS])
        )
        columns = ["owner", "asset", "account", *IN_CHAIN_ORDER, "seq", "delta_raw", "balance_raw"]
        moves = read_unchanged(
            MOVES.name,
            paths,
            lambda: pl.scan_parquet(paths, hive_partitioning=False, glob=False).filter(wanted).select(columns),
        )
        return _by_holding(moves)


def _by_holding(moves: pl.DataFrame) -> pl.DataFrame:
    account = ["owner", "asset", "account"]
    in_order = moves.sort(*IN_CHAIN_ORDER, "seq", nulls_last=True).with_columns(
        pl.col("delta_raw", "balance_raw").cast(pl.Int128)
    )
    before = pl.col("balance_raw") - pl.col("delta_raw")
    is_gap = (before != pl.col("balance_raw").shift(1).over(account)).fill_null(False)
    by_account = (
        in_order.with_columns(before=before, is_gap=is_gap)
        .lazy()
        .group_by(account)
        .agg(
            opening_raw=pl.col("before").first(),
            closing_raw=pl.col("balance_raw").last(),
            gaps=pl.col("is_gap").sum(),
        )
    )
    return (
        by_account.group_by(wallet="owner", mint="asset")
        .agg(pl.col("opening_raw", "closing_raw", "gaps").sum())
        .select(pl.col(name).cast(dtype) for name, dtype in BALANCE_COLUMNS.items())
        .sort("wallet", "mint")
        .collect()
    )
