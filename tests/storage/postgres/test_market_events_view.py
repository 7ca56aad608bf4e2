"""The view of the market's stream: hot or in files it says the same, and flags stand in it beside what raised them."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from decoded_home import decode_all, fold_all, keep
from told_trades import told_rows

from oof_pipelines.market.events import MarketEvent, RiskFlag
from oof_pipelines.market.from_decoded import market_events_of
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.market_rows import event_of, risk_frame
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS, RISK_FLAGS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.migrate import migrate

ROWS = told_rows()
COLUMNS = ", ".join(MARKET_EVENTS.columns)
pytestmark = pytest.mark.usefixtures("telling")


def wanted() -> list[MarketEvent]:
    found: list[MarketEvent] = []
    for row in ROWS:
        assert row.decoded is not None
        at_s = int(row.block_time.timestamp())
        found += market_events_of(row.signature, row.slot, row.tx_index, at_s, row.decoded)
    return sorted(found, key=lambda event: event.order_key)


def ask(store: ParquetStore, url: str, statement: str) -> list[tuple[Any, ...]]:
    with QueryEngine(store, url, REPOSITORY_ROOT / "sql" / "views") as engine:
        return list(engine.query(statement))


def test_hot_events_are_those_of_the_files(database_url: str, tmp_path: Path) -> None:
    migrate(database_url, load_settings({}).migrations_folder)
    keep(database_url, ROWS)
    store = ParquetStore(tmp_path / "store")

    def shown() -> list[MarketEvent]:
        rows = ask(store, database_url, f"select {COLUMNS} from market_events")
        return sorted(map(event_of, rows), key=lambda event: event.order_key)

    assert shown() == wanted()
    days = fold_all(database_url, store)
    assert shown() == wanted()
    reports = decode_all(database_url, store)
    assert shown() == wanted()
    assert all(check.has_passed for report in reports for check in report.checks)
    assert ask(store, database_url, "select count(*) from hot_market_events") == [(0,)]
    assert {day for (day,) in ask(store, database_url, "select distinct day from market_events")} == set(days)


def test_flags_are_part_of_the_stream(database_url: str, tmp_path: Path) -> None:
    migrate(database_url, load_settings({}).migrations_folder)
    store = ParquetStore(tmp_path / "store")
    event = next(event for event in wanted() if event.KIND == "trade")
    day = date(2026, 4, 28)
    flag = RiskFlag(event.place, "liquidity_pulled", "coin", "puller", "pool", 9_999)
    store.write(RISK_FLAGS.name, day, risk_frame([flag]))
    rows = ask(
        store, database_url, "select kind, flag, mint, wallet, pool, share_bps, day, is_final from market_events"
    )
    assert rows == [("risk_flag", "liquidity_pulled", "coin", "puller", "pool", 9_999, day, True)]
