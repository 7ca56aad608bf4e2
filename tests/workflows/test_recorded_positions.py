"""Positions of every wallet in the recorded transactions: the checks of a bucket hold, balances of the chain included."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from decoded_home import raw_frame
from position_world import World
from recorded_trades import recorded_trading

from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.position_balances import ParquetBalances
from oof_pipelines.storage.parquet.schemas import MOVES
from oof_pipelines.workflows.decode_day import decode_frame
from oof_pipelines.workflows.position_checks import check_balances
from oof_pipelines.workflows.wallet_slices import slices_of


@pytest.fixture(scope="module")
def world(fixtures_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """What recorded trading left in the wallets' buckets, without prices."""
    rows = recorded_trading(fixtures_dir)
    world = World(tmp_path_factory.mktemp("recorded"), as_of=max(row.block_time for row in rows) + timedelta(days=1))
    by_bucket: dict[int, list[pl.DataFrame]] = {}
    for day in sorted({row.block_time.date() for row in rows}):
        frames, _ = decode_frame(raw_frame(row for row in rows if row.block_time.date() == day))[:2]
        world.store.write(MOVES.name, day, frames[MOVES.name])
        for bucket, part in slices_of(frames).items():
            by_bucket.setdefault(bucket, []).append(part.events)
    for bucket, events in by_bucket.items():
        world.store.write(WALLET_EVENTS.name, bucket, pl.concat(events))
    return world


def test_every_bucket_passes_its_checks_and_is_written(world: World) -> None:
    reports = world.position()
    assert len(reports) > 50
    assert [check for report in reports for check in report.checks if not check.has_passed] == []
    assert sum(report.events for report in reports) > 300
    assert sum(report.row_counts["lots"] for report in reports) > 100
    assert sum(report.row_counts["realized_trades"] for report in reports) > 50


def test_replayed_balances_are_those_of_the_chain(world: World) -> None:
    compared = 0
    for bucket in world.store.buckets(WALLET_EVENTS.name):
        events = world.store.read(WALLET_EVENTS.name, bucket)
        assert events is not None
        check = check_balances(events, ParquetBalances(world.store))
        assert check.has_passed, check.detail
        compared += int(check.detail.split()[0])
    assert compared > 200


def test_a_unit_lost_on_the_way_is_noticed(world: World) -> None:
    bucket = world.store.buckets(WALLET_EVENTS.name)[0]
    events = world.store.read(WALLET_EVENTS.name, bucket)
    assert events is not None
    moved = events.filter(pl.col("qty_raw") > 0)
    first = moved.head(1).with_columns(qty_raw=(pl.col("qty_raw").cast(pl.Int128) + 1).cast(pl.Decimal(38, 0)))
    check = check_balances(pl.concat([first, moved.slice(1)]), ParquetBalances(world.store))
    assert not check.has_passed
    assert first["wallet"][0] in check.detail
