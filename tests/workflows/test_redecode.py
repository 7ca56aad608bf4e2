"""Decoding again: which days are concerned, and what is said to have changed for whom."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from decoded_home import synthetic_rows

from oof_pipelines.storage.parquet.schemas import ACTIONS, RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.redecode import WalletChange, changes_by_wallet, days_calling

AT = datetime(2026, 4, 28, tzinfo=UTC)
DAY = date(2026, 4, 28)


def action(identifier: str, wallet: str, kind: str = "swap", amount_raw: int = 5) -> dict[str, object]:
    empty = dict.fromkeys(ACTIONS.columns, "")
    place = {
        "signature": "s",
        "slot": 1,
        "tx_index": None,
        "block_time": AT,
        "log_idx": 1,
        "bought_raw": 0,
        "paths": ["1"],
    }
    return {**empty, **place, "id": identifier, "wallet": wallet, "kind": kind, "amount_raw": amount_raw}


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=ACTIONS.columns)


def test_what_changed_is_told_by_wallet() -> None:
    before = frame(
        action("1", "alice"),
        action("2", "alice", "transfer"),
        action("3", "bob"),
        action("4", "carol"),
        action("5", "dave"),
    )
    after = frame(
        action("1", "alice", amount_raw=6),
        action("3", "bob"),
        action("4", "erin"),
        action("6", "alice", "liquidity_add"),
    )
    assert changes_by_wallet(before, after) == (
        WalletChange("alice", 1, 1, 1, ("liquidity_add", "swap", "transfer")),
        WalletChange("carol", 1, 0, 0, ("swap",)),
        WalletChange("dave", 1, 0, 0, ("swap",)),
        WalletChange("erin", 0, 1, 0, ("swap",)),
    )


def test_the_same_rows_in_another_order_are_no_change() -> None:
    rows = [action(str(number), f"w{number}") for number in range(9)]
    assert changes_by_wallet(frame(*rows), frame(*reversed(rows))) == ()
    assert changes_by_wallet(frame(), frame()) == ()


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    """Three stored days, the first and the last of which call `pumpfun`."""
    store = ParquetStore(tmp_path)
    for day, programs in ((26, ["system", "pumpfun"]), (27, ["system"]), (28, ["pumpfun"])):
        row = synthetic_rows()[0]
        rows = [
            (row.signature, 1, None, AT, False, "0", False, 5_000, row.fee_payer, programs, row.body_zstd),
            (row.signature + "x", 1, None, AT, False, "0", False, 5_000, row.fee_payer, [], row.body_zstd),
        ]
        frame = pl.DataFrame(rows, schema=RAW_TRANSACTIONS.columns, orient="row")
        store.write("raw_transactions", date(2026, 4, day), frame)
    return store


def test_only_days_that_call_the_program_are_concerned(store: ParquetStore) -> None:
    def days(since: int, until: int | None = None, program: str = "pumpfun") -> list[int]:
        last = date(2026, 4, until) if until else None
        return [day.day for day in days_calling(store, (program,), date(2026, 4, since), last)]

    assert days(1) == [26, 28]
    assert days(27) == [28]
    assert days(26, 26) == [26]
    assert days(26, 27, "system") == [26, 27]
    assert days(1, None, "nobody") == []
