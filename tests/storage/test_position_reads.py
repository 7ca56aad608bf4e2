"""What positions and moments are checked against: the chain's own balances, what failed, and when the newest was stored."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT
from oof_pipelines.storage.parquet.dataset import RAW_AMOUNT
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.pool_events import ParquetPoolEvents
from oof_pipelines.storage.parquet.position_balances import ParquetBalances
from oof_pipelines.storage.parquet.schemas import MOVES, RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.transaction_outcomes import ParquetOutcomes

NOON = datetime(2025, 5, 1, 12, tzinfo=UTC)
DAY, NEXT = NOON.date(), NOON.date() + timedelta(days=1)


def move(slot: int, delta: int, balance: int | None, **changes: Any) -> dict[str, Any]:
    values = {
        "signature": f"s{slot}",
        "slot": slot,
        "tx_index": 1,
        "block_time": NOON + timedelta(seconds=slot),
        "seq": 0,
        "log_idx": 1,
        "path": "0",
        "account": "a",
        "owner": "w",
        "asset": "m",
        "delta_raw": delta,
        "balance_raw": balance,
        "kind": "transfer",
        "is_virtual": False,
    }
    return values | changes


def put(store: ParquetStore, dataset: Any, *rows: dict[str, Any]) -> None:
    by_day: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        by_day.setdefault(row["block_time"].date(), []).append(row)
    for day, its_rows in by_day.items():
        columns = []
        for name, dtype in dataset.columns.items():
            values = [row.get(name) for row in its_rows]
            series = pl.Series(name, values, dtype=pl.Int128 if dtype == RAW_AMOUNT else dtype)
            columns.append(series.cast(dtype))
        store.write(dataset.name, day, pl.DataFrame(columns))


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path)


def balances(store: ParquetStore, *wallets: str) -> list[tuple[Any, ...]]:
    return ParquetBalances(store).balances(wallets or ("w",), {DAY, NEXT}).rows()


def test_accounts_of_a_wallet_and_mint_add_up(store: ParquetStore) -> None:
    put(store, MOVES, move(1, 5, 5), move(2, -2, 3), move(3, 7, 17, account="b"), move(90_000, 1, 4))
    assert balances(store) == [("w", "m", 10, 21, 0)]


def test_what_lies_between_and_is_not_stored_is_a_gap(store: ParquetStore) -> None:
    put(store, MOVES, move(1, 5, 5), move(2, -2, 30), move(3, 1, 31))
    assert balances(store) == [("w", "m", 0, 31, 1)]


def test_money_counter_accounts_and_others_do_not_count(store: ParquetStore) -> None:
    others = (
        move(1, 9, 9, asset=LAMPORTS_ASSET),
        move(1, 9, 9, asset=NATIVE_MINT, seq=1),
        move(1, 9, None, is_virtual=True, seq=2),
        move(1, 9, 9, owner="x", account="c", seq=3),
    )
    put(store, MOVES, *others, move(2, 1, 1))
    assert balances(store) == [("w", "m", 0, 1, 0)]
    assert balances(store, "w", "x") == [("w", "m", 0, 1, 0), ("x", "m", 0, 9, 0)]
    assert balances(store, "nobody") == []


def test_moves_of_one_transaction_are_in_their_order(store: ParquetStore) -> None:
    put(store, MOVES, move(1, -5, 0, seq=1), move(1, 5, 5, seq=0), move(1, 2, 2, seq=2))
    assert balances(store) == [("w", "m", 0, 2, 0)]


def test_an_unknown_order_shows_as_a_gap_and_not_as_a_difference(store: ParquetStore) -> None:
    put(store, MOVES, move(1, 5, 7, signature="a", tx_index=None), move(1, 2, 2, signature="b", tx_index=None))
    [(_, _, _, _, gaps)] = balances(store)
    assert gaps == 1


def test_a_store_without_moves_says_nothing(store: ParquetStore) -> None:
    assert balances(store) == []
    put(store, MOVES, move(1, 5, 5))
    assert ParquetBalances(store).balances((), {DAY}).rows() == []
    assert ParquetBalances(store).balances(("w",), {NEXT}).rows() == []


def test_outcomes_are_those_of_the_stored_transactions(store: ParquetStore) -> None:
    outcomes = ParquetOutcomes(store)
    assert outcomes.newest_block_at() is None
    assert outcomes.outcomes(["good"], [DAY]) == {}
    put(
        store,
        RAW_TRANSACTIONS,
        {"signature": "good", "slot": 1, "block_time": NOON, "is_failed": False},
        {"signature": "bad", "slot": 2, "block_time": NOON, "is_failed": True},
        {"signature": "later", "slot": 3, "block_time": NOON + timedelta(days=1, seconds=7), "is_failed": False},
    )
    assert outcomes.outcomes(["good", "bad", "later", "unknown"], [DAY]) == {"good": False, "bad": True}
    assert outcomes.outcomes([], [DAY]) == {}
    assert outcomes.newest_block_at() == NOON + timedelta(days=1, seconds=7)


def test_pool_events_are_of_the_pairs_venues_kinds_and_days_asked_for(store: ParquetStore) -> None:
    row = {"slot": 1, "kind": "trade", "venue": "v", "mint": "m", "quote_mint": "u", "log_idx": 1, "ordinal": 0}
    put(
        store,
        MARKET_EVENTS,
        row | {"signature": "kept", "block_time": NOON},
        row | {"signature": "kind", "block_time": NOON, "kind": "token_launched"},
        row | {"signature": "venue", "block_time": NOON, "venue": "w"},
        row | {"signature": "pair", "block_time": NOON, "quote_mint": "x"},
        row | {"signature": "later", "block_time": NOON + timedelta(days=1)},
    )
    reader = ParquetPoolEvents(store)
    assert reader.pool_events([DAY], ["m", "u"], ["v"])["signature"].to_list() == ["kept"]
    assert set(reader.pool_events([DAY, NEXT], ["m", "u"], ["v"])["signature"]) == {"kept", "later"}
    assert reader.pool_events([], ["m", "u"], ["v"]).is_empty()
    assert reader.pool_events([DAY], [], ["v"]).schema == pl.Schema(MARKET_EVENTS.columns)
