"""The views of trades: routes apart from legs, fees beside their swaps, and which transfers are parts of a swap."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from crafted_bodies import LARGEST_U64, address
from decoded_home import decode_all, fold_all, keep
from told_trades import COIN, DOLLAR, PROGRAM, ROUTER, told_rows

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.program_names import PROGRAM_NAMES
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.migrate import migrate

ROWS = told_rows()
TRADES = sum(not row.is_failed for row in ROWS)
ROW = next(row for row in ROWS if not row.is_failed)
pytestmark = pytest.mark.usefixtures("telling")

Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(params=["hot", "files"])
def ask(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Ask:
    migrate(database_url, load_settings({}).migrations_folder)
    keep(database_url, ROWS)
    store = ParquetStore(tmp_path / "store")
    if request.param == "files":
        fold_all(database_url, store)
        decode_all(database_url, store)

    def run(statement: str) -> list[tuple[Any, ...]]:
        with QueryEngine(store, database_url, REPOSITORY_ROOT / "sql" / "views") as engine:
            return list(engine.query(statement))

    return run


def test_swaps_are_net_routes_with_what_they_cost_and_brought(ask: Ask) -> None:
    columns = "path, venue, via, program_id, pool, trader, recipient, sold_mint, sold_raw, sold_decimals, bought_mint, "
    columns += "bought_raw, sold_fees_on_top_raw, bought_fees_on_top_raw, reserve_kind, sold_reserve_before_raw"
    where = f"where signature = '{ROW.signature}'"
    path = ask(f"select distinct path from swaps {where}")[0][0]
    shared = (path, "curve")
    assert ask(f"select {columns} from swaps {where} order by ordinal") == [
        (*shared, "router", ROUTER, "", ROW.fee_payer, "", NATIVE_MINT, Decimal(1_000), 9, DOLLAR, Decimal(7), Decimal(10),
         Decimal(0), "", None),
        (*shared, "curve", PROGRAM, address("curve"), ROW.fee_payer, address("friend"), NATIVE_MINT, Decimal(1_000), 9, COIN,
         Decimal(LARGEST_U64), Decimal(3), Decimal(0), "virtual", Decimal(30_000)),
    ]  # fmt: skip
    assert ask("select count(*), count(distinct (signature, path, ordinal)) from swaps") == [(2 * TRADES,) * 2]


def test_legs_are_apart_and_name_their_route(ask: Ask) -> None:
    assert ask("select count(*) from swap_legs") == [(3 * TRADES,)]
    joined = "select count(*) from swap_legs l join swaps s on s.signature = l.signature and s.path = l.route_path "
    joined += "and s.ordinal = l.route_ordinal and s.trader = l.trader"
    assert ask(joined) == [(3 * TRADES,)]
    assert ask("select venue, count(*), count(distinct pool) from swap_legs group by venue order by venue") == [
        ("curve", 2 * TRADES, 1),
        ("pool", TRADES, 1),
    ]


def test_every_part_of_a_fee_is_there_with_its_sign(ask: Ask) -> None:
    found = ask(
        "select kind, count(*), sum(amount_raw), min(side) from fee_parts where is_route group by kind order by kind"
    )
    assert found == [
        ("cashback", 2 * TRADES, Decimal(-4 * TRADES), "on_top"),
        ("creator", 2 * TRADES, Decimal(10 * TRADES), "on_top"),
        ("lp", 2 * TRADES, Decimal(60 * TRADES), "inside"),
        ("platform", TRADES, Decimal(7 * TRADES), "on_top"),
    ]


def test_liquidity_and_token_events_are_rows_of_their_own(ask: Ask) -> None:
    assert ask("select kind, mint, count(*), sum(amount_raw) from liquidity group by all order by 4") == [
        ("liquidity_add", COIN, 2 * TRADES, Decimal(10 * TRADES)),
        ("liquidity_add", DOLLAR, 2 * TRADES, Decimal(12 * TRADES)),
    ]
    assert ask(
        "select kind, count(*), count(distinct mint), min(name) from token_events group by all order by kind"
    ) == [
        ("graduation", TRADES, TRADES, ""),
        ("launch", TRADES, TRADES, "name ☃"),
        ("migration", TRADES, TRADES, ""),
        ("pool_created", TRADES, TRADES, ""),
    ]
    assert ask("select count(*), count(distinct mint), min(status) from tokens") == [(TRADES, TRADES, "migrated")]


def test_a_transfer_at_a_path_of_a_swap_is_a_leg_and_no_other(ask: Ask) -> None:
    paths = "(select signature, unnest(paths) as path from actions where kind = 'swap')"
    wrong = f"select count(*) from transfers t where is_leg <> ((t.signature, t.path) in {paths})"
    assert ask(wrong) == [(0,)]
    assert {is_leg for (is_leg,) in ask("select distinct is_leg from transfers")} == {True, False}


def test_programs_are_named_as_in_the_decoder(ask: Ask) -> None:
    assert dict(ask("select program_id, name from program_names")) == PROGRAM_NAMES
