"""What the tests of decoded storage share: filling an inbox, folding and decoding it, and reading what is served."""

import asyncio
import functools
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

import polars as pl
import psycopg
from filled_home import NOW

from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.storage.parquet.schemas import DATASETS, RAW_DATASETS, RAW_TRANSACTIONS, TOLD_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.testing.synthetic_chain import generate
from oof_pipelines.workflows.decode_day import DecodeReport, decode_day
from oof_pipelines.workflows.fold import fold_day
from oof_pipelines.workflows.prepare import FetchedBody, prepare
from oof_pipelines.workflows.update_wallets import DaySlices, WalletReport, update_bucket

SERVED = {
    "tx_raw": "sig, slot, ts, status, object_key, size_bytes, tx_index, is_block_time_estimated, is_final, is_decoded",
    "actions": "*",
    "participants": "*",
    "hot_moves": "*",
    "hot_token_facts": "*",
    **{f"hot_{name}": "*" for name in TOLD_DATASETS},
    "token_sightings": "*",
    "token_events": "*",
    "tokens": "*",
    "decoded_by_program_hour": "*",
    "unknown_discriminators": "*",
    "decoded_days": "*",
    "wallet_slices": "*",
}
"""Table → the columns that tell nothing of when a row was written."""

Served = dict[str, list[tuple[Any, ...]]]


@functools.cache
def synthetic_rows(seed: int = 3, count: int = 60, days: int = 2) -> tuple[StoredTransaction, ...]:
    """A synthetic chain as the feed would store it."""
    rows = [
        prepare(FetchedBody(one.signature, one.to_json_bytes("base64")), one.slot, "mainnet-beta", NOW)
        for one in generate(seed, count, days=days)
    ]
    assert all(isinstance(row, StoredTransaction) for row in rows)
    return cast("tuple[StoredTransaction, ...]", tuple(rows))


def raw_frame(rows: Iterable[StoredTransaction]) -> pl.DataFrame:
    """The rows of raw_transactions, in the order given."""
    values = [
        (
            row.signature,
            row.slot,
            row.tx_index,
            row.block_time,
            row.is_block_time_estimated,
            row.version,
            row.is_failed,
            row.fee_lamports,
            row.fee_payer,
            list(row.program_ids),
            row.body_zstd,
        )
        for row in rows
    ]
    return pl.DataFrame(values, schema=DATASETS[RAW_TRANSACTIONS.name].columns, orient="row")


def keep(url: str, rows: Sequence[StoredTransaction], *, is_final: bool = True) -> None:
    """Store rows as the feed does."""

    async def store(inbox: PostgresInbox) -> None:
        assert await inbox.store(rows, []) == (len(rows), 0)
        if is_final:
            await inbox.mark_final([row.signature for row in rows])

    use_inbox(url, store)


def use_inbox(url: str, work: Callable[[PostgresInbox], Any]) -> None:
    async def scenario() -> None:
        async with PostgresInbox(lambda: url, patience_seconds=5) as inbox:
            await work(inbox)

    asyncio.run(scenario())


def fold_all(url: str, store: ParquetStore) -> list[date]:
    """Fold everything that waits; the days."""
    days: set[date] = set()
    with PostgresFoldSource(url) as source:
        for dataset in RAW_DATASETS:
            for day in source.days_waiting(dataset):
                fold_day(store, source, dataset, day)
                days.add(day)
    return sorted(days)


def decode_all(url: str, store: ParquetStore) -> list[DecodeReport]:
    """Decode every folded day."""
    with PostgresServedRows(url) as served:
        return [decode_day(store, served, day) for day in store.days(RAW_TRANSACTIONS.name)]


def update_all(url: str, store: ParquetStore) -> list[WalletReport]:
    """Bring every stale bucket up to date."""
    with PostgresWalletContents(url) as contents:
        slices = DaySlices(store)
        return [update_bucket(store, contents, slices, bucket) for bucket in contents.stale_buckets()]


def served_rows(url: str) -> Served:
    """Every row that is served, sorted."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        return {
            table: sorted(connection.execute(f"select {columns} from {table}").fetchall(), key=repr)
            for table, columns in SERVED.items()
        }


def select(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        return connection.execute(query.encode()).fetchall()


def file_bytes(root: Path) -> dict[str, bytes]:
    """Every file below a store, unfinished ones too."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
