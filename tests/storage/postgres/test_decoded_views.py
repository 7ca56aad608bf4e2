"""The views over decoded rows: every row once, at whatever step a writer stands, and no order guessed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from decoded_home import decode_all, fold_all, keep, update_all
from told_trades import told_rows

from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.workflows.decode_day import decode_day
from oof_pipelines.workflows.update_wallets import DaySlices, update_bucket

pytestmark = pytest.mark.usefixtures("telling")

ROWS = told_rows()
VIEWS = (
    "actions",
    "moves",
    "participants",
    "token_facts",
    "wallet_actions",
    "fees_paid",
    "transfers",
    "swaps",
    "swap_legs",
    "fee_parts",
    "liquidity",
    "token_events",
    "tokens",
)
STEPS = [*(f"write {name}" for name in DECODED_DATASETS), "publish", "done"]
Ask = Callable[[str], list[tuple[Any, ...]]]


class KilledError(Exception):
    """What a killed process looks like from inside."""


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


def contents(ask: Ask) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of every view; which of them are final does not matter here."""
    found = {}
    for view in VIEWS:
        columns = "*" if view in ("token_facts", "tokens") else "* exclude (is_final)"
        found[view] = sorted(ask(f"select {columns} from {view}"), key=repr)
    return found


@pytest.mark.parametrize("step", STEPS)
def test_a_day_that_is_being_written_counts_once(step: str, url: str, store: ParquetStore, ask: Ask) -> None:
    keep(url, ROWS)
    hot = contents(ask)
    assert all(hot.values())
    [first, second] = fold_all(url, store)

    def kill(name: str) -> None:
        if name == step:
            raise KilledError

    with PostgresServedRows(url) as served:
        decode_day(store, served, second)
        with pytest.raises(KilledError):
            decode_day(store, served, first, at_step=kill)
    assert contents(ask) == hot
    decode_all(url, store)
    assert contents(ask) == hot


def test_wallets_are_the_same_before_while_and_after_their_buckets_are_written(
    url: str, store: ParquetStore, ask: Ask
) -> None:
    keep(url, ROWS[:40])
    fold_all(url, store)
    decode_all(url, store)
    wanted = contents(ask)["wallet_actions"]
    with PostgresWalletContents(url) as buckets:
        slices = DaySlices(store)
        for bucket in list(buckets.stale_buckets())[::2]:
            update_bucket(store, buckets, slices, bucket)
    assert contents(ask)["wallet_actions"] == wanted
    update_all(url, store)
    assert contents(ask)["wallet_actions"] == wanted
    keep(url, ROWS[40:])
    hot = contents(ask)["wallet_actions"]
    assert len(hot) > len(wanted)
    fold_all(url, store)
    decode_all(url, store)
    assert contents(ask)["wallet_actions"] == hot
    update_all(url, store)
    assert contents(ask)["wallet_actions"] == hot


def test_a_bucket_that_lags_behind_a_decoded_day_shows_what_the_day_says(
    url: str, store: ParquetStore, ask: Ask
) -> None:
    keep(url, ROWS)
    fold_all(url, store)
    decode_all(url, store)
    update_all(url, store)
    day = store.days("actions")[0]
    actions = store.read("actions", day)
    assert actions is not None
    # Another decoder gave the same actions other amounts: the bucket files hold the old ones.
    store.write("actions", day, actions.with_columns(amount_raw=actions["amount_raw"] + 1))
    with PostgresWalletContents(url) as buckets:
        buckets._connection.execute("update wallet_slices set sha256 = 'new' where day = %s", (day,))
    wrong = ask("select count(*) from wallet_actions w join actions a using (id) where w.amount_raw <> a.amount_raw")
    assert wrong == [(0,)]
    assert ask("select count(*), count(distinct (wallet, id)) from wallet_actions where wallet <> ''") == [
        tuple([ask("select count(*) from wallet_actions")[0][0]] * 2)
    ]


def test_the_bucket_is_the_one_of_the_file(url: str, store: ParquetStore, ask: Ask) -> None:
    keep(url, ROWS)
    fold_all(url, store)
    decode_all(url, store)
    update_all(url, store)
    assert ask("select count(*) from parquet_wallet_actions where bucket <> wallet_bucket(wallet)") == [(0,)]
    assert ask("select count(*) > 0 from parquet_wallet_actions") == [(True,)]


def crafted(view: str) -> str:
    """A view's own query over crafted moves: its text with the table's name put in place of the view's."""
    text = (REPOSITORY_ROOT / "sql" / "views" / f"{view}.sql").read_text(encoding="utf-8")
    rows = (
        "(select *, account as owner, false as is_virtual, true as is_final from (values "
        "('a', 1, 0, 0, 'x', 'lamports', 100, 100), ('s3', 5, null, 0, 'x', 'lamports', -10, 90), "
        "('s1', 5, null, 0, 'x', 'lamports', -20, 70), ('z', 9, 0, 0, 'x', 'lamports', -10, 60), "
        "('a', 1, 0, 1, 'y', 'lamports', 5, 5), ('q', 7, null, 0, 'y', 'lamports', 1, 6), "
        "('r', 8, 3, 0, 'y', 'lamports', 1, 9)) "
        "as m (signature, slot, tx_index, seq, account, asset, delta_raw, balance_raw))"
    )
    return text.replace("from moves", f"from {rows} as moves")


def test_no_order_is_guessed_within_a_slot(ask: Ask) -> None:
    """Account x goes 100 → 90 → 70 in one slot, which transaction was first is unknown; y misses 2 between q and r."""
    at_5 = {row[0]: row for row in ask(crafted("balances_at").replace("at_slot", "5"))}
    assert (at_5["x"][3], at_5["x"][6]) == (None, False)
    assert (at_5["y"][3], at_5["y"][6]) == (5, True)
    at_9 = {row[0]: row for row in ask(crafted("balances_at").replace("at_slot", "9"))}
    assert (at_9["x"][3], at_9["x"][6]) == (60, True)
    gaps = ask(crafted("balance_gaps"))
    assert [(gap[0], gap[2], gap[5], gap[8]) for gap in gaps] == [("y", "q", "r", 2)]
