"""Positions of a bucket: rows that a reader can count, the same bytes every time, and lagging that is cheap and honest."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from position_world import (
    COIN,
    DOLLAR,
    ELSEWHERE,
    NEIGHBOUR,
    OTHER_COIN,
    START,
    WALLET,
    KilledError,
    World,
    address,
    candle,
    event,
)

from oof_pipelines.positions.book import Book
from oof_pipelines.storage.parquet.position_schemas import POSITION_DATASETS
from oof_pipelines.workflows import positions_bucket
from oof_pipelines.workflows.positions_bucket import InvalidPositionsError, MonthPnl, wallets_at_once

STEPS = [
    "read",
    "fold",
    "validate",
    "begin",
    "write lots",
    "write realized_trades",
    "write episodes",
    "publish",
    "done",
]
EXCHANGE = address("exchange")

STORY = (
    event("buy", 0, qty=100, usdc=10 * DOLLAR, network_fee_lamports=5_000),
    event("buy", 10, qty=100, usdc=30 * DOLLAR),
    event("sell", 20, qty=150, usdc=60 * DOLLAR, network_fee_lamports=5_000, tip_lamports=1_000_000),
    event("send", 30, qty=20, counterparty=address("friend")),
    event("receive", 40, qty=5, counterparty=address("stranger")),
    event("buy", 15, wallet=NEIGHBOUR, qty=7, sol=10**9),
    event("sell", 25, wallet=NEIGHBOUR, qty=9, sol=2 * 10**9),
    event("buy", 50, wallet=ELSEWHERE, mint=OTHER_COIN, qty=1, usdc=DOLLAR),
    event("cost", 60, wallet=ELSEWHERE, network_fee_lamports=5_000),
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "store")
    world.put_sol("150", START.date())
    world.put_events(*STORY)
    return world


def rows(world: World, dataset: str, bucket: int, *columns: str) -> list[tuple[object, ...]]:
    frame = world.store.read(dataset, bucket)
    assert frame is not None
    return frame.select(columns).rows()


def test_a_story_told_in_rows(world: World) -> None:
    reports = world.position()
    assert [report.bucket for report in reports] == [7, 9]
    assert all(check.has_passed for report in reports for check in report.checks)
    quantities = ("qty_initial_raw", "qty_remaining_raw", "qty_sold_raw", "qty_moved_raw", "cost_raw", "basis_status")
    assert sorted(rows(world, "lots", 7, "wallet", *quantities), key=repr) == sorted(
        [
            (WALLET, 100, 0, 100, 0, 10 * DOLLAR, "known"),
            (WALLET, 100, 30, 50, 20, 30 * DOLLAR, "known"),
            (WALLET, 5, 5, 0, 0, None, "unknown"),
            (NEIGHBOUR, 7, 0, 7, 0, 10**9, "known"),
        ],
        key=repr,
    )
    money = ("qty_raw", "proceeds_usd", "cost_usd", "realized_pnl_usd", "average_cost_usd", "fees_usd", "basis_status")
    [sale] = [row[1:] for row in rows(world, "realized_trades", 7, "wallet", *money) if row[0] == WALLET]
    assert sale == (150, Decimal(60), Decimal(25), Decimal(35), Decimal(30), Decimal("0.15075"), "known")
    of_neighbour = [row[1:] for row in rows(world, "realized_trades", 7, "wallet", *money) if row[0] == NEIGHBOUR]
    assert [row[0] for row in sorted(of_neighbour, key=repr)] == [2, 7]
    [(_, unknown, *_rest)] = [row for row in of_neighbour if row[-1] == "unknown"]
    assert unknown is not None
    assert sum(Decimal(str(row[1])) for row in of_neighbour) == 300
    assert next(row for row in of_neighbour if row[-1] == "unknown")[3] is None
    [report, _] = reports
    month = START.date().replace(day=1)
    known = sum(int(Decimal(str(row[3])) * 10**18) for row in [sale, *of_neighbour] if row[3] is not None)
    assert report.by_month == (MonthPnl(month, known, 2),)
    assert (report.events, report.wallets, report.unheld, report.unknown_basis) == (7, 2, 1, 1)


def test_making_them_again_gives_the_same_bytes_however_many_wallets_are_folded_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.position()
    files = world.files()
    assert len(files) == 6
    notes = dict(world.notes.positions)
    world.position(7, 9)
    assert world.files() == files
    monkeypatch.setattr(positions_bucket, "EVENTS_AT_ONCE", 1)
    world.position(7, 9)
    assert world.files() == files
    assert world.notes.positions == notes


def test_wallets_are_never_cut(world: World) -> None:
    events = world.store.read("wallet_events", 7)
    assert events is not None
    for most in (1, 2, 3, 5, 100):
        parts = list(wallets_at_once(events, most))
        assert pl.concat(parts).equals(events)
        wallets = [wallet for part in parts for wallet in part["wallet"].unique()]
        assert len(wallets) == len(set(wallets))
    assert [part.height for part in wallets_at_once(events, 1)] == [5, 2] or events["wallet"][0] == NEIGHBOUR


def test_what_is_published_is_what_the_files_hold(world: World) -> None:
    world.position()
    for bucket, frames in world.notes.published.items():
        for name in POSITION_DATASETS:
            read = world.store.read(name, bucket)
            assert read is not None
            assert read.equals(frames[name])


def test_nothing_lags_after_it_was_made(world: World) -> None:
    assert world.lagging_positions() == [7, 9]
    world.position()
    assert world.lagging_positions() == []


def test_a_bucket_lags_when_its_own_inputs_change(world: World) -> None:
    world.as_of = START + timedelta(days=30)
    world.position()
    world.put_events(STORY[-1], STORY[-2])
    assert world.lagging_positions() == [9]
    world.position()
    world.put_sol("151", START.date())
    assert world.lagging_positions() == [7, 9]
    world.position()
    world.put_sol("151", (START + timedelta(days=3)).date())
    assert world.lagging_positions() == []
    world.exchanges = frozenset({EXCHANGE})
    assert world.lagging_positions() == [7, 9]
    world.position()
    world.store.path("episodes", 9).unlink()
    assert world.lagging_positions() == [9]


def test_the_newest_days_prices_may_be_left_for_later_but_not_for_ever(world: World) -> None:
    world.as_of = START + timedelta(minutes=61)
    world.position()
    world.put_sol("151", START.date())
    assert (world.lagging_positions(newest=False), world.lagging_positions()) == ([], [7, 9])
    world.as_of = START + timedelta(days=1)
    assert world.lagging_positions(newest=False) == [7, 9]
    world.position()
    assert world.lagging_positions() == []
    world.as_of = START + timedelta(days=2)
    assert world.lagging_positions() == []


def test_an_engine_of_another_version_makes_all_of_them_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.position()
    monkeypatch.setattr(positions_bucket, "POSITIONS_VERSION", positions_bucket.POSITIONS_VERSION + 1)
    assert world.lagging_positions() == [7, 9]


def test_its_steps_have_these_names(world: World) -> None:
    for step in STEPS:
        with pytest.raises(KilledError):
            world.position(7, kill_at=step)
    world.position(7, kill_at="no such step")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "held"])
def test_killed_at_any_step_doing_it_again_ends_the_same(world: World, step: str, is_new: bool, tmp_path: Path) -> None:
    whole = World(tmp_path / "whole")
    whole.put_sol("150", START.date())
    whole.put_events(*STORY)
    whole.position()
    if not is_new:
        world.put_events(*STORY[:3])
        world.position()
        world.put_events(*STORY)
    with pytest.raises(KilledError):
        world.position(7, kill_at=step)
    assert (7 in world.lagging_positions()) == (step != "done")
    world.position()
    assert world.lagging_positions() == []
    assert world.files() == whole.files()
    assert world.notes.locked == []


def test_rows_that_break_a_check_stay_unwritten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.position()
    files, notes = world.files(), dict(world.notes.positions)
    right = Book.lots
    monkeypatch.setattr(Book, "lots", lambda book: right(book)[:-1])
    with pytest.raises(InvalidPositionsError, match="bought_is_sold_held_moved"):
        world.position(7)
    assert world.files() == files
    assert world.notes.positions == notes


@pytest.mark.parametrize("is_published", [True, False], ids=["published", "half"])
def test_a_bucket_whose_events_are_gone_is_forgotten_once_and_made_again_with_them(
    world: World, is_published: bool
) -> None:
    world.position()
    files = world.files()
    if not is_published:
        with pytest.raises(KilledError):
            world.position(9, kill_at="write episodes")
    events = world.store.path("wallet_events", 9)
    content = events.read_bytes()
    for name in ("wallet_events", *POSITION_DATASETS):
        world.store.path(name, 9).unlink()
    assert world.lagging_positions() == [9]
    assert [report.files for report in world.position()] == [{}]
    assert world.notes.forgotten == [9]
    assert world.lagging_positions() == []
    assert world.position(9)[0].files == {}
    assert world.notes.forgotten == [9]
    events.write_bytes(content)
    assert world.lagging_positions() == [9]
    world.position()
    assert world.files() == files


def test_a_bucket_without_events_has_no_files(world: World) -> None:
    [report] = world.position(11)
    assert (report.files, report.events) == ({}, 0)
    assert world.store.buckets("lots") == []


def test_a_bucket_whose_wallets_are_all_gone_is_emptied(world: World) -> None:
    world.position()
    world.store.write("wallet_events", 9, events_of(world, 9).head(0))
    assert world.lagging_positions() == [9]
    [report] = world.position()
    assert set(report.row_counts.values()) == {0}
    assert world.lagging_positions() == []


def test_what_goes_to_an_exchange_is_realised_at_the_price_of_the_time(world: World) -> None:
    world.exchanges = frozenset({EXCHANGE})
    world.put_candles(candle(4, "0.5"), candle(5, "0.9"))
    world.put_events(
        event("buy", 0, qty=10 * 10**6, usdc=4 * DOLLAR), event("send", 5, qty=4 * 10**6, counterparty=EXCHANGE)
    )
    world.position(7)
    columns = ("kind", "proceeds_usd", "cost_usd", "realized_pnl_usd", "price_source", "price_confidence")
    assert rows(world, "realized_trades", 7, *columns) == [
        ("exchange_transfer", Decimal(2), Decimal("1.6"), Decimal("0.4"), "candle", Decimal("0.8"))
    ]


def test_a_balance_that_the_chain_tells_otherwise_is_named_and_published(world: World) -> None:
    world.closing = [(WALLET, COIN, 0, 36, 0)]
    [report] = world.position(7)
    [failed] = [check for check in report.checks if not check.has_passed]
    assert (failed.name, failed.is_blocking) == ("balances_replay", False)
    assert f"{WALLET} {COIN}" in failed.detail
    assert report.files


def events_of(world: World, bucket: int) -> pl.DataFrame:
    frame = world.store.read("wallet_events", bucket)
    assert frame is not None
    return frame
