"""The views over events of wallets: every row once, whatever is folded, decoded and written into buckets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from decoded_home import decode_all, fold_all, keep, update_all
from told_trades import told_rows

from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.event_schemas import POSITION_EVENTS, WALLET_EVENTS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.workflows.update_wallets import DaySlices, update_bucket

pytestmark = pytest.mark.usefixtures("telling")

ROWS = told_rows()
COLUMNS = ", ".join(POSITION_EVENTS.columns)
Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "store")


@pytest.fixture
def ask(url: str, store: ParquetStore) -> Ask:
    def run(statement: str) -> list[tuple[Any, ...]]:
        with QueryEngine(store, url, REPOSITORY_ROOT / "sql" / "views") as engine:
            return list(engine.query(statement))

    return run


def rows_in(ask: Ask, view: str) -> list[tuple[Any, ...]]:
    return sorted(ask(f"select {COLUMNS} from {view}"), key=repr)


def in_files(store: ParquetStore) -> list[tuple[Any, ...]]:
    """What the days' files hold."""
    frames = [store.read(POSITION_EVENTS.name, day) for day in store.days(POSITION_EVENTS.name)]
    return sorted((row for frame in frames if frame is not None for row in frame.rows()), key=repr)


def test_events_are_told_as_soon_as_they_are_stored_and_the_same_ever_after(
    url: str, store: ParquetStore, ask: Ask
) -> None:
    keep(url, ROWS)
    told = rows_in(ask, "position_events")
    kinds = {kind for (kind,) in ask("select distinct kind from position_events")}
    assert {"buy", "cost", "receive"} <= kinds
    assert rows_in(ask, "wallet_events") == told
    for step in (fold_all, decode_all, update_all):
        step(url, store)
        assert rows_in(ask, "position_events") == told, step.__name__
        assert rows_in(ask, "wallet_events") == told, step.__name__
    assert in_files(store) == told
    assert ask("select count(*) from hot_position_events") == [(0,)]


def test_wallets_have_the_days_rows_before_while_and_after_their_buckets_are_written(
    url: str, store: ParquetStore, ask: Ask
) -> None:
    keep(url, ROWS[:40])
    fold_all(url, store)
    decode_all(url, store)
    wanted = in_files(store)
    assert wanted
    assert rows_in(ask, "position_events") == wanted
    assert rows_in(ask, "wallet_events") == wanted
    assert store.buckets(WALLET_EVENTS.name) == []
    with PostgresWalletContents(url) as buckets:
        slices = DaySlices(store)
        for bucket in list(buckets.stale_buckets())[::2]:
            update_bucket(store, buckets, slices, bucket)
    assert rows_in(ask, "wallet_events") == wanted
    update_all(url, store)
    assert rows_in(ask, "wallet_events") == wanted
    keep(url, ROWS[40:])
    fold_all(url, store)
    told = rows_in(ask, "wallet_events")
    assert set(told) > set(wanted), "what waits to be decoded is told as the feed read it"
    decode_all(url, store)
    whole = in_files(store)
    assert told == whole
    assert rows_in(ask, "wallet_events") == whole
    update_all(url, store)
    assert rows_in(ask, "wallet_events") == whole


def test_a_bucket_that_lags_behind_a_decoded_day_shows_what_the_day_says(
    url: str, store: ParquetStore, ask: Ask
) -> None:
    keep(url, ROWS)
    fold_all(url, store)
    decode_all(url, store)
    update_all(url, store)
    day = store.days(POSITION_EVENTS.name)[0]
    events = store.read(POSITION_EVENTS.name, day)
    assert events is not None
    # Another decoder found other amounts: the bucket files hold the old ones.
    store.write(POSITION_EVENTS.name, day, events.with_columns(qty_raw=events["qty_raw"] + 1))
    assert rows_in(ask, "wallet_events") != in_files(store), "its buckets do not lag behind by their digests"
    with PostgresWalletContents(url) as buckets:
        buckets._connection.execute("update wallet_slices set sha256 = 'new' where day = %s", (day,))
    assert rows_in(ask, "wallet_events") == in_files(store)


def test_the_bucket_is_the_one_of_the_file(url: str, store: ParquetStore, ask: Ask) -> None:
    keep(url, ROWS)
    fold_all(url, store)
    decode_all(url, store)
    not_of_their_bucket = "select count(*), count(*) filter (bucket <> wallet_bucket(wallet)) from wallet_events"
    [(before, strangers)] = ask(not_of_their_bucket)
    assert (before > 0, strangers) == (True, 0)
    update_all(url, store)
    assert ask(not_of_their_bucket) == [(before, 0)]
    assert ask("select count(*) from parquet_wallet_events where bucket <> wallet_bucket(wallet)") == [(0,)]
