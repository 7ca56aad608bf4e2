"""Positions and moments in Postgres: the rows of the files, replaced bucket by bucket; what users did with a moment stays."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import psycopg
import pytest
from decoded_home import select

from oof_pipelines.detectors.extremes import NAMES, extremes_of
from oof_pipelines.detectors.moment import Moment
from oof_pipelines.positions.results import Episode, Lot, RealizedTrade
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.position_notes import MomentNote, PositionNote
from oof_pipelines.storage.parquet.position_rows import frame_of
from oof_pipelines.storage.parquet.position_schemas import (
    EPISODES,
    LOTS,
    OOF_MOMENTS,
    POSITION_DATASETS,
    REALIZED_TRADES,
    WALLET_EXTREMES,
)
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.position_columns import served_columns, served_rows
from oof_pipelines.storage.postgres.positions import PostgresPositions
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.workflows.extreme_rows import extreme_rows

AS_OF = datetime(2025, 4, 1, tzinfo=UTC)
ONE = 10**18


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


@pytest.fixture
def served(url: str) -> Iterator[PostgresPositions]:
    with PostgresPositions(url) as opened:
        yield opened


def lot(name: str, wallet: str = "w", **changes: Any) -> Lot:
    values: dict[str, Any] = {
        "lot_id": name,
        "wallet": wallet,
        "mint": "m",
        "episode_id": "e",
        "origin": "buy",
        "signature": "s",
        "path": "0",
        "slot": 2**40,
        "tx_index": None,
        "entry_at_s": 1_740_000_000,
        "decimals": 6,
        "qty_initial_raw": 3_000_000,
        "qty_remaining_raw": 1_000_000,
        "qty_sold_raw": 2_000_000,
        "qty_moved_raw": 0,
        "qty_in_pool_raw": 0,
        "cost_mint": "u",
        "cost_raw": 10,
        "cost_remaining_raw": 3,
        "cost_usd_e18": ONE,
        "cost_remaining_usd_e18": ONE // 3,
        "basis_status": "known",
    }
    return Lot(**(values | changes))


def exit_row(name: str, pnl: int | None = 5 * ONE, **changes: Any) -> RealizedTrade:
    values: dict[str, Any] = {
        "exit_id": name,
        "wallet": "w",
        "mint": "m",
        "episode_id": "e",
        "kind": "sell",
        "signature": name,
        "path": "0",
        "slot": 5,
        "tx_index": 1,
        "sold_at_s": 1_740_000_060,
        "qty_raw": 2_000_000,
        "decimals": 6,
        "proceeds_mint": "u",
        "proceeds_raw": 2**64 - 1,
        "proceeds_usd_e18": 6 * ONE,
        "cost_mint": "u",
        "cost_raw": 7,
        "cost_usd_e18": ONE,
        "basis_status": "known",
        "realized_pnl_usd_e18": pnl,
        "average_cost_usd_e18": None,
        "average_pnl_usd_e18": None,
        "entry_at_s": 1_740_000_000,
        "network_fee_lamports": 5_000,
        "tip_lamports": 0,
        "rent_lamports": -2_039_280,
        "fees_usd_e18": None,
        "price_source": "par",
        "price_confidence_e18": ONE,
    }
    return RealizedTrade(**(values | changes))


EPISODE = Episode(
    "e", "w", "m", 1, 0, None, "a", "b", 3, 2, 0, 0, 1, 0, ONE, ONE, 0, -ONE, Decimal("-0.5"), None, 0, 2, True
)


def moment(name: str, **changes: Any) -> Moment:
    values: dict[str, Any] = {
        "id": name,
        "wallet": "w",
        "mint": "m",
        "kind": "S2E",
        "t_event_s": 1_740_000_060,
        "window_start_s": 1_740_000_060,
        "window_end_s": 1_740_604_860,
        "pct": Decimal("0.5"),
        "missed_usd_e18": 30 * ONE,
        "reachable_usd_e18": None,
        "severity": Decimal("0.66"),
        "signature": "s",
        "path": "0",
        "slot": 5,
        "version": "1",
        "status": "open",
        "price_source": "swaps/par",
        "confidence": Decimal("0.9"),
        "explain": {"peak": {"price": "2.0"}, "inputs": ["a", "b"]},
    }
    return Moment(**(values | changes))


def positions(lots: list[Lot], exits: list[RealizedTrade], episodes: list[Episode]) -> dict[str, pl.DataFrame]:
    return {
        LOTS.name: frame_of(LOTS, lots),
        REALIZED_TRADES.name: frame_of(REALIZED_TRADES, exits),
        EPISODES.name: frame_of(EPISODES, episodes),
    }


def moments(*found: Moment, exits: tuple[RealizedTrade, ...] = ()) -> dict[str, pl.DataFrame]:
    extremes = list(extreme_rows("w", extremes_of(exits, found)))
    return {OOF_MOMENTS.name: frame_of(OOF_MOMENTS, found), WALLET_EXTREMES.name: frame_of(WALLET_EXTREMES, extremes)}


NOTE = PositionNote("a b c", "digest", date(2025, 1, 1), date(2025, 2, 1), None)
MOMENT_NOTE = MomentNote("d e", "digest", "S2E=1", AS_OF)


def test_rows_are_those_of_the_files(served: PostgresPositions, url: str) -> None:
    frames = positions([lot("l1"), lot("l2", decimals=None)], [exit_row("x")], [EPISODE])
    served.publish_positions(7, frames, NOTE)
    for name, dataset in POSITION_DATASETS.items():
        columns = served_columns(dataset)
        listed = ", ".join(f'"{column}"' for column in columns)
        found = select(url, f"select {listed} from {name} order by {columns[0]}")
        assert found == [tuple(row) for row in served_rows(dataset, frames[name])]
        assert len(found) == frames[name].height


def test_whole_tokens_and_prices_are_exact(served: PostgresPositions, url: str) -> None:
    served.publish_positions(7, positions([lot("l")], [exit_row("x", qty_raw=3)], []), NOTE)
    assert select(url, "select qty_initial, qty_remaining, entry_px_usd_dec from lots") == [
        (Decimal(3), Decimal(1), Decimal("0.333333333333333333"))
    ]
    assert select(url, "select qty, vwavg_exit_px_usd_dec, realized_pnl_usd_dec, sig from realized_trades") == [
        (Decimal("0.000003"), Decimal(2_000_000), Decimal(5), "x")
    ]


def test_a_bucket_is_replaced_and_no_other(served: PostgresPositions, url: str) -> None:
    served.publish_positions(7, positions([lot("gone"), lot("kept")], [exit_row("gone")], [EPISODE]), NOTE)
    served.publish_positions(8, positions([lot("other")], [], []), NOTE)
    served.publish_positions(7, positions([lot("kept", qty_remaining_raw=0, qty_sold_raw=3_000_000)], [], []), NOTE)
    assert select(url, "select lot_id, bucket, qty_remaining from lots order by 1") == [
        ("kept", 7, Decimal(0)),
        ("other", 8, Decimal(1)),
    ]
    assert select(url, "select count(*) from realized_trades") == [(0,)]
    assert select(url, "select count(*) from episodes") == [(0,)]


def test_notes_say_what_is_published(served: PostgresPositions) -> None:
    assert (served.position_notes(), served.moment_notes()) == ({}, {})
    served.publish_positions(7, positions([], [], []), NOTE)
    served.publish_moments(7, moments(), MOMENT_NOTE)
    assert served.position_notes() == {7: NOTE}
    assert served.moment_notes() == {7: MOMENT_NOTE}
    served.begin_positions(7)
    served.begin_moments(7, AS_OF)
    assert served.position_notes()[7].sha256 == served.moment_notes()[7].sha256 == ""


def test_a_failing_row_leaves_everything_as_it_was(served: PostgresPositions, url: str) -> None:
    served.publish_positions(7, positions([lot("l")], [], []), NOTE)
    broken = positions([lot("l", qty_sold_raw=7)], [exit_row("x")], [])
    with pytest.raises(psycopg.errors.CheckViolation):
        served.publish_positions(7, broken, PositionNote("", "", None, None, None))
    assert select(url, "select qty_sold_raw from lots") == [(Decimal(2_000_000),)]
    assert served.position_notes() == {7: NOTE}


def test_moments_have_the_names_of_the_requirement(served: PostgresPositions, url: str) -> None:
    served.publish_moments(7, moments(moment("i")), MOMENT_NOTE)
    query = (
        'select id, wallet, mint, kind, t_event, lower("window"), upper("window"), pct_dec, missed_usd_dec, severity_dec, '
        "sig_ref, slot_ref, version, explain_json, preview_png_url, nft_minted, nft_mint from oof_moments"
    )
    event_at, end_at = (datetime.fromtimestamp(second, UTC) for second in (1_740_000_060, 1_740_604_860))
    assert select(url, query) == [
        (
            *("i", "w", "m", "S2E", event_at, event_at, end_at, Decimal("0.5"), Decimal(30), Decimal("0.66")),
            *("s", 5, "1", {"peak": {"price": "2.0"}, "inputs": ["a", "b"]}, None, False, None),
        )
    ]


def test_what_users_did_with_a_moment_stays_and_an_outdated_card_goes(served: PostgresPositions, url: str) -> None:
    served.publish_moments(7, moments(moment("i"), moment("j"), moment("gone")), MOMENT_NOTE)
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("update oof_moments set preview_png_url = 'card', nft_minted = true, nft_mint = 'n'")
    # Of i only its status is another; of j what its card shows.
    changed = moments(moment("i", status="final"), moment("j", missed_usd_e18=31 * ONE))
    served.publish_moments(7, changed, MOMENT_NOTE)
    query = "select id, status, missed_usd_dec, preview_png_url, nft_minted, nft_mint from oof_moments order by id"
    assert select(url, query) == [
        ("i", "final", Decimal(30), "card", True, "n"),
        ("j", "open", Decimal(31), None, True, "n"),
    ]


def test_an_nft_outlives_that_its_moment_is_not_found_for_a_time(served: PostgresPositions, url: str) -> None:
    served.publish_moments(7, moments(moment("minted"), moment("plain"), moment("stays")), MOMENT_NOTE)
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("update oof_moments set nft_minted = true, nft_mint = 'n of ' || id where id <> 'plain'")
    kept, shown = (
        "select id, nft_mint from minted_moments",
        "select id, nft_minted, nft_mint from oof_moments order by id",
    )
    for _ in range(2):
        served.publish_moments(7, moments(moment("stays")), MOMENT_NOTE)
        assert select(url, shown) == [("stays", True, "n of stays")]
        assert select(url, kept) == [("minted", "n of minted")]
        served.publish_moments(8, moments(), MOMENT_NOTE)
    served.publish_moments(7, moments(moment("minted"), moment("plain"), moment("stays")), MOMENT_NOTE)
    assert select(url, shown) == [
        ("minted", True, "n of minted"),
        ("plain", False, None),
        ("stays", True, "n of stays"),
    ]
    assert select(url, kept) == []


def test_what_is_forgotten_of_a_bucket_makes_its_wallet_files_lag_behind(served: PostgresPositions, url: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.cursor().executemany(
            "insert into wallet_slices (day, bucket, sha256) values ('2025-01-01', %s, 'a')", [(7,), (8,)]
        )
    with PostgresWalletContents(url) as contents:
        for bucket in (7, 8):
            contents.record(bucket, {date(2025, 1, 1): "a"})
            served.publish_positions(bucket, positions([lot(f"l{bucket}")], [], []), NOTE)
        assert contents.stale_buckets() == {}
        served.forget_positions(7)
        assert contents.stale_buckets() == {7: 1}
    assert served.position_notes() == {8: NOTE}
    assert select(url, "select lot_id from lots order by 1") == [("l7",), ("l8",)]


def test_extremes_are_told_by_name(served: PostgresPositions, url: str) -> None:
    exits = (exit_row("win", 5 * ONE), exit_row("loss", -7 * ONE), exit_row("unknown", None))
    served.publish_moments(7, moments(moment("i"), exits=exits), MOMENT_NOTE)
    found = served.extremes_of("w")
    assert found is not None
    as_of, told = found
    assert as_of == AS_OF
    assert sorted(told) == sorted(NAMES)
    assert told["top_win"]["realized_pnl_usd"] == "5.000000000000000000"
    assert told["top_loss"]["id"] == "loss"
    assert told["S2E"]["id"] == "i"
    assert told["Rug"] is None
    assert served.extremes_of("nobody") is None
    served.publish_moments(7, moments(), MOMENT_NOTE)
    assert served.extremes_of("w") is None


def test_lists_have_their_indexes(url: str) -> None:
    indexed = {
        definition for (definition,) in select(url, "select indexdef from pg_indexes where schemaname = 'public'")
    }
    for wanted in (
        "realized_trades USING btree (wallet, ts DESC",
        "episodes USING btree (wallet, mint, start_ts)",
        "oof_moments USING btree (wallet, t_event DESC",
        "oof_moments USING btree (kind, t_event DESC",
    ):
        assert any(wanted in definition for definition in indexed), wanted
