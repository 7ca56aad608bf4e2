"""Positions and moments in SQL: views show the files, ready queries answer, the leaderboard is the one of the detectors."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from position_world import COIN, DOLLAR, ELSEWHERE, NEIGHBOUR, START, WALLET, World, candle, event

from oof_pipelines.detectors.leaderboard import leaderboard
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.position_rows import structs_of
from oof_pipelines.storage.parquet.position_schemas import MOMENT_DATASETS, POSITION_DATASETS
from oof_pipelines.storage.postgres.migrate import migrate

WHOLE = 10**6
QUERIES = ("leaderboard_7d", "leaderboard_30d", "moments_by_kind", "open_positions", "top_wins", "worst_losses")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A gain, a loss, two wallets with the same gain, one sale of unknown basis, one long ago, and something held."""
    world = World(tmp_path / "store", as_of=START + timedelta(days=60))
    pairs = (
        (WALLET, 0, 100, 150),
        (NEIGHBOUR, 20_000, 100, 150),
        (ELSEWHERE, 20_010, 100, 150),
        (WALLET, 20_020, 90, 50),
    )
    events = []
    for wallet, minute, paid, got in pairs:
        events.append(event("buy", minute, wallet=wallet, qty=7 * WHOLE, usdc=paid * DOLLAR))
        events.append(event("sell", minute + 1, wallet=wallet, qty=7 * WHOLE, usdc=got * DOLLAR))
    events.append(event("sell", 20_030, wallet=NEIGHBOUR, qty=WHOLE, usdc=1_000 * DOLLAR))
    events.append(event("buy", 20_040, wallet=NEIGHBOUR, qty=WHOLE, usdc=DOLLAR))
    world.put_events(*events)
    world.put_candles(candle(2, "21"), candle(20_100, "40"))
    world.position()
    world.look()
    return world


@pytest.fixture
def engine(world: World, database_url: str) -> Iterator[QueryEngine]:
    migrate(database_url, load_settings({}).migrations_folder)
    with QueryEngine(world.store, database_url, REPOSITORY_ROOT / "sql" / "views") as opened:
        yield opened


def ask(engine: QueryEngine, query: str) -> list[tuple[Any, ...]]:
    return list(engine.query(query))


@pytest.mark.parametrize("dataset", [*POSITION_DATASETS, *MOMENT_DATASETS])
def test_views_show_the_files_and_their_bucket(engine: QueryEngine, world: World, dataset: str) -> None:
    result = engine.query(f"select * from {dataset} where bucket = 7")
    rows = world.store.read(dataset, 7)
    assert rows is not None
    assert rows.height > 0
    assert result.columns == [*rows.columns, "bucket"]
    assert sorted(map(repr, (row[0] for row in result))) == sorted(map(repr, rows[rows.columns[0]]))


@pytest.mark.parametrize("query", QUERIES)
def test_every_ready_query_answers(engine: QueryEngine, query: str) -> None:
    text = (REPOSITORY_ROOT / "sql" / "queries" / f"{query}.sql").read_text(encoding="utf-8")
    assert ask(engine, text)


def realized(world: World) -> list[RealizedTrade]:
    return [row for bucket in (7, 9) for row in structs_of(RealizedTrade, world.store.read("realized_trades", bucket))]


@pytest.mark.parametrize("days", [7, 30])
def test_the_leaderboard_is_that_of_the_detectors(engine: QueryEngine, world: World, days: int) -> None:
    as_of = START + timedelta(minutes=20_050)
    wanted = leaderboard(realized(world), f"{days}d", int(as_of.timestamp()))
    found = ask(engine, f"select * from leaderboard(timestamptz '{as_of.isoformat()}', {days}) order by rank")
    assert found == [
        (row.rank, row.wallet, Decimal(row.realized_pnl_usd_e18).scaleb(-18), row.sales, row.wins) for row in wanted
    ]
    tied = sorted([NEIGHBOUR, ELSEWHERE])
    assert [row[1] for row in found] == [*tied, WALLET]
    assert {row[1]: row[2] for row in found}[WALLET] == (Decimal(-40) if days == 7 else Decimal(10))


def test_inputs_of_a_moment_can_be_asked_for(engine: QueryEngine) -> None:
    rows = ask(engine, "select distinct json_extract_string(explain_json, '$.signature') is not null from oof_moments")
    assert rows == [(True,)]


def test_what_is_held_is_told_in_whole_tokens(engine: QueryEngine) -> None:
    text = (REPOSITORY_ROOT / "sql" / "queries" / "open_positions.sql").read_text(encoding="utf-8")
    [row] = ask(engine, text)
    assert row[:5] == (NEIGHBOUR, COIN, "1.000000", "0.000000", Decimal(1))
