"""The inbox as folding sees it, from a real PostgreSQL into frames and files."""

import asyncio
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import psycopg
import pytest
from stored_rows import AT, SLOT, signature_of, stored

from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.schemas import RAW_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore, object_key
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.locks import PartitionIsBusyError, partition_lock
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.workflows.fold import fold_day

DAY = date(2026, 2, 13)


@pytest.fixture(params=["UTC", "Asia/Kolkata", "America/Los_Angeles"])
def url(database_url: str, request: pytest.FixtureRequest) -> str:
    """A migrated database whose server lives in another time zone."""
    with psycopg.connect(database_url, autocommit=True, connect_timeout=10) as connection:
        name = database_url.rpartition("/")[2]
        connection.execute(f"alter database \"{name}\" set timezone = '{request.param}'")
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


def keep(url: str, *transactions: StoredTransaction, final: tuple[object, ...]) -> None:
    async def scenario() -> None:
        async with PostgresInbox(lambda: url) as inbox:
            await inbox.store(transactions, [])
            await inbox.mark_final([signature_of(name) for name in final])

    asyncio.run(scenario())


def test_final_rows_of_the_day_come_whole_and_go_when_folded(url: str, tmp_path: Path) -> None:
    keep(url, stored("a", tx_index=7), stored("b", logs=None), stored("c"), final=("a", "b"))
    store = ParquetStore(tmp_path)
    with PostgresFoldSource(url) as source:
        for dataset in RAW_DATASETS:
            assert source.days_waiting(dataset) == {DAY: 2}
            waiting = source.waiting(dataset, DAY)
            assert waiting.schema == pl.Schema(RAW_DATASETS[dataset].columns)
            assert set(waiting["block_time"]) == {AT}
            assert source.waiting(dataset, date(2026, 2, 14)).is_empty()
            report = fold_day(store, source, dataset, DAY)
            assert (report.row_count, report.added_count) == (2, 2)
            assert source.days_waiting(dataset) == {}
            again = fold_day(store, source, dataset, DAY)
            assert (again.added_count, again.file) == (0, report.file)
    folded = store.read("raw_transactions", DAY)
    assert folded is not None
    assert folded["fee_lamports"].to_list() == [Decimal(2**64 - 1)] * 2
    assert folded["fee_lamports"].sum() == Decimal(2 * (2**64 - 1))
    assert set(folded["body_zstd"]) == {stored("a").body_zstd, stored("b").body_zstd}
    with psycopg.connect(url, connect_timeout=10) as connection:
        kept = dict(connection.execute("select sig, object_key from tx_raw").fetchall())
        hot = connection.execute("select sig from inbox_transactions").fetchall()
    key = object_key("raw_transactions", DAY)
    assert kept == {signature_of("a"): key, signature_of("b"): key, signature_of("c"): None}
    assert hot == [(signature_of("c"),)]


def test_a_partition_has_one_writer(url: str) -> None:
    with PostgresFoldSource(url) as one, psycopg.connect(url, autocommit=True, connect_timeout=10) as other:
        with one.lock("raw_logs", DAY):
            wanted = partition_lock(other, "raw_logs", DAY.isoformat(), timeout_seconds=1)
            with pytest.raises(PartitionIsBusyError, match="raw_logs 2026-02-13"), wanted:
                pass
            with partition_lock(other, "raw_transactions", DAY.isoformat(), timeout_seconds=1):
                pass
        with partition_lock(other, "raw_logs", DAY.isoformat(), timeout_seconds=1):
            row = other.execute("show lock_timeout").fetchone()
            assert row == ("0",), "the wait for the lock is bounded, the statements after it are not"


def test_a_fold_cut_before_clearing_is_made_again(url: str, tmp_path: Path) -> None:
    keep(url, stored("a"), stored("b", slot=SLOT + 1), final=("a", "b"))
    store = ParquetStore(tmp_path)

    def cut(step: str) -> None:
        if step == "clear":
            raise KeyboardInterrupt

    with PostgresFoldSource(url) as source:
        with pytest.raises(KeyboardInterrupt):
            fold_day(store, source, "raw_transactions", DAY, at_step=cut)
        before = store.path("raw_transactions", DAY).read_bytes()
        assert source.days_waiting("raw_transactions") == {DAY: 2}
        report = fold_day(store, source, "raw_transactions", DAY)
    assert (report.row_count, report.added_count) == (2, 0)
    assert store.path("raw_transactions", DAY).read_bytes() == before
