"""Which wallet buckets lag behind, told by a real PostgreSQL, over real decoded days."""

from datetime import date
from pathlib import Path

import psycopg
import pytest
from decoded_home import decode_all, file_bytes, fold_all, keep, select, synthetic_rows, update_all

from oof_pipelines.chain.replaced import replaced
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.schemas import WALLET_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.locks import PartitionIsBusyError, partition_lock
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.positions import PostgresPositions
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.workflows import prepare as prepare_module
from oof_pipelines.workflows.update_wallets import DaySlices, update_bucket

ONE, TWO = date(2026, 2, 13), date(2026, 2, 14)


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


def want(url: str, *slices: tuple[date, int, str]) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("delete from wallet_slices")
        connection.cursor().executemany("insert into wallet_slices (day, bucket, sha256) values (%s, %s, %s)", slices)


def test_a_bucket_lags_behind_by_the_days_that_differ(url: str) -> None:
    with PostgresWalletContents(url) as contents:
        assert contents.stale_buckets() == {}
        want(url, (ONE, 0, "a"), (TWO, 0, "b"), (ONE, 63, "c"), (TWO, 7, "d"))
        assert contents.stale_buckets() == {0: 2, 7: 1, 63: 1}
        assert contents.wanted(0) == {ONE: "a", TWO: "b"}
        assert contents.wanted(5) == {}
        contents.record(0, {ONE: "a", TWO: "b"})
        contents.record(63, {ONE: "another"})
        contents.record(5, {ONE: "of a day that lost the bucket"})
        assert contents.stale_buckets() == {5: 1, 7: 1, 63: 1}
        contents.record(5, {})
        contents.record(63, {ONE: "c"})
        contents.record(7, {TWO: ""})
        assert contents.stale_buckets() == {7: 1}, "a day that is being replaced is not there yet"
        want(url, (ONE, 0, "a"), (TWO, 0, "b"), (ONE, 63, "c"))
        assert contents.stale_buckets() == {7: 1}, "not even where nobody wants it any more"


def test_recording_replaces_what_was_noted_of_the_bucket_alone(url: str) -> None:
    with PostgresWalletContents(url) as contents:
        contents.record(1, {ONE: "a", TWO: "b"})
        contents.record(2, {ONE: "c"})
        contents.record(1, {TWO: "d"})
        contents.record(1, {TWO: "d"})
    noted = select(url, "select bucket, day, sha256 from wallet_bucket_contents order by bucket, day")
    assert noted == [(1, TWO, "d"), (2, ONE, "c")]


@pytest.mark.parametrize("bucket", [-1, 64])
def test_there_are_64_buckets(url: str, bucket: int) -> None:
    with PostgresWalletContents(url) as contents, pytest.raises(psycopg.errors.CheckViolation):
        contents.record(bucket, {ONE: "a"})


def test_a_bucket_has_one_writer(url: str) -> None:
    with PostgresWalletContents(url) as contents, psycopg.connect(url, autocommit=True, connect_timeout=10) as other:
        with contents.lock("wallet_actions", 3):
            wanted = partition_lock(other, "wallet_actions", "03", timeout_seconds=1)
            with pytest.raises(PartitionIsBusyError, match="wallet_actions 03"), wanted:
                pass
            with partition_lock(other, "wallet_actions", "04", timeout_seconds=1):
                pass
        with partition_lock(other, "wallet_actions", "03", timeout_seconds=1):
            pass


def test_no_statement_runs_for_ever(url: str) -> None:
    with PostgresWalletContents(url) as contents:
        assert contents._connection.execute("show statement_timeout").fetchall() == [("1h",)]


def test_only_buckets_that_a_changed_day_touches_lag_behind(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row for row in synthetic_rows() if row.day == synthetic_rows()[0].day][:12]
    keep(url, rows)
    store = ParquetStore(tmp_path)
    fold_all(url, store)
    decode_all(url, store)
    with PostgresWalletContents(url) as contents:
        assert set(contents.stale_buckets()) == {
            bucket for (bucket,) in select(url, "select bucket from wallet_slices")
        }
        update_all(url, store)
        assert contents.stale_buckets() == {}
        files = file_bytes(tmp_path)
        decode_all(url, store)
        assert contents.stale_buckets() == {}, "the same rows touch nothing"
        # Deposits are read off the actions: without them the events would change as well.
        victim = next(row.signature for row in reversed(rows) if row.decoded and not has_deposit(row.decoded))

        def without_one(parsed: ParsedTransaction, _programs: object = ()) -> Decoded:
            decoded = decode_transaction(parsed)
            return replaced(decoded, actions=[]) if parsed.signature == victim else decoded

        monkeypatch.setattr(prepare_module, "decode_transaction", without_one)
        old = _buckets_of(store, victim)
        decode_all(url, store)
        assert set(contents.stale_buckets()) == old
        assert 0 < len(old) < len(store.buckets("wallet_actions"))
        update_all(url, store)
        assert contents.stale_buckets() == {}
    changed = {name for name, content in file_bytes(tmp_path).items() if files[name] != content}
    wallets = {f"wallet_actions/bucket={bucket:02d}/part.parquet" for bucket in old}
    assert changed == wallets | {f"actions/day={rows[0].day}/part.parquet"}
    assert _buckets_of(store, victim) == set()


def test_wallet_files_that_are_gone_are_made_again_once_their_positions_are_forgotten(url: str, tmp_path: Path) -> None:
    rows = synthetic_rows()[:12]
    keep(url, rows)
    store = ParquetStore(tmp_path)
    fold_all(url, store)
    decode_all(url, store)
    update_all(url, store)
    files = file_bytes(tmp_path)
    bucket = store.buckets("wallet_events")[0]
    for name in WALLET_DATASETS:
        store.path(name, bucket).unlink()
    with PostgresWalletContents(url) as contents, PostgresPositions(url) as served:
        assert contents.stale_buckets() == {}
        served.forget_positions(bucket)
        assert list(contents.stale_buckets()) == [bucket]
        update_all(url, store)
        assert contents.stale_buckets() == {}
    assert file_bytes(tmp_path) == files


def has_deposit(decoded: Decoded) -> bool:
    return any(action.kind in ("account_open", "account_close") for action in decoded.actions)


def _buckets_of(store: ParquetStore, signature: str) -> set[int]:
    """Buckets whose file names a transaction."""
    frames = {bucket: store.read("wallet_actions", bucket) for bucket in store.buckets("wallet_actions")}
    return {bucket for bucket, frame in frames.items() if frame is not None and signature in set(frame["signature"])}


@pytest.mark.parametrize(
    "step", ["read", "validate", "mark", "write wallet_actions", "write wallet_events", "record", "done"]
)
def test_killed_at_any_step_the_bucket_ends_the_same(url: str, step: str, tmp_path: Path) -> None:
    def kill(at: str) -> None:
        if at == step:
            raise KeyboardInterrupt

    keep(url, synthetic_rows()[:6])
    store = ParquetStore(tmp_path)
    fold_all(url, store)
    decode_all(url, store)
    with PostgresWalletContents(url) as contents:
        bucket = min(contents.stale_buckets())
        with pytest.raises(KeyboardInterrupt):
            update_bucket(store, contents, DaySlices(store), bucket, at_step=kill)
        assert (bucket in contents.stale_buckets()) == (step != "done")
        report = update_bucket(store, contents, DaySlices(store), bucket)
        assert bucket not in contents.stale_buckets()
        assert set(report.files) == set(WALLET_DATASETS)
        again = update_bucket(store, contents, DaySlices(store), bucket)
        assert (again.files, again.changed_days) == (report.files, 0)
