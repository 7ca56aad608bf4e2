"""Moments of a bucket: open until their window closes, made again alone when a detector changes, the same bytes always."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

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
    candle,
    event,
)

from oof_pipelines.detectors import registry
from oof_pipelines.storage.parquet.position_schemas import MOMENT_DATASETS
from oof_pipelines.workflows import moments_bucket
from oof_pipelines.workflows.moments_bucket import detector_versions
from oof_pipelines.workflows.positions_bucket import InvalidPositionsError

STEPS = ["read", "detect", "validate", "begin", "write oof_moments", "write wallet_extremes", "publish", "done"]
WHOLE = 10**6

BUY = event("buy", 0, qty=1_000 * WHOLE, usdc=1_000 * DOLLAR)
SALE = event("sell", 60, qty=1_000 * WHOLE, usdc=1_200 * DOLLAR)
HELD = event("buy", 30, wallet=ELSEWHERE, qty=500 * WHOLE, usdc=500 * DOLLAR)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Sold at 1.20 what stood at 2.00 an hour later, and bought at 1.00 what stands at 0.60 on the third day."""
    world = World(tmp_path / "store", as_of=START + timedelta(days=4))
    world.put_sol("150", START.date())
    world.put_events(BUY, SALE, HELD)
    world.put_candles(candle(0, "1.0"), candle(59, "1.2"), candle(120, "2.0"), candle(180, "1.5"), candle(3_000, "0.6"))
    world.position()
    return world


def moments(world: World, bucket: int) -> list[dict[str, object]]:
    frame = world.store.read("oof_moments", bucket)
    assert frame is not None
    return frame.to_dicts()


def test_what_is_found_is_what_the_story_says(world: World) -> None:
    reports = world.look()
    assert [(report.bucket, report.by_kind, report.open_count) for report in reports] == [
        (7, {"S2E": 1}, 1),
        (9, {"BHD": 1}, 1),
    ]
    [early] = moments(world, 7)
    assert (early["wallet"], early["mint"], early["kind"], early["status"]) == (WALLET, COIN, "S2E", "open")
    assert early["signature"] == SALE.signature
    assert early["missed_usd"] == Decimal(800)
    assert early["pct"] == Decimal("0.666666666666666667")
    assert isinstance(json.loads(str(early["explain_json"])), dict)
    [bag] = moments(world, 9)
    assert (bag["pct"], bag["missed_usd"]) == (Decimal("-0.4"), Decimal(200))


def test_a_figure_without_room_holds_nothing_else_of_its_bucket_up(world: World) -> None:
    # As many coins as there can be for a dollar, and one coin for 10^-18 dollars: too many dollars, too large a share.
    world.put_events(
        BUY,
        SALE,
        event("sell", 61, wallet=NEIGHBOUR, qty=2**64 - 1, usdc=DOLLAR, decimals=0),
        event("sell", 62, wallet=NEIGHBOUR, qty=WHOLE, other_mint=OTHER_COIN, other_decimals=18, other_raw=1),
    )
    world.put_candles(
        candle(58, "1", mint=OTHER_COIN), candle(59, "1.2"), candle(120, "2.0"), candle(180, "9"), candle(3_000, "0.6")
    )
    world.position()
    [report] = world.look(7)
    assert all(check.has_passed for check in report.checks)
    assert {(one["wallet"], one["kind"]) for one in moments(world, 7)} == {(WALLET, "S2E")}
    frame = world.store.read("realized_trades", 7)
    assert frame is not None
    assert frame.filter(wallet=NEIGHBOUR)["proceeds_usd"].to_list() == [Decimal(1), Decimal("1e-18")]


def test_extremes_tell_the_same_figures(world: World) -> None:
    world.look()
    frame = world.store.read("wallet_extremes", 7)
    assert frame is not None
    assert frame.select("wallet", "name", "amount_usd").rows() == [
        (WALLET, "S2E", Decimal(800)),
        (WALLET, "top_win", Decimal(200)),
    ]
    assert json.loads(frame["told_json"][0])["missed_usd"] == "800.000000000000000000"


def test_an_open_moment_becomes_final_when_its_window_is_over_and_keeps_its_id(world: World) -> None:
    world.look()
    [before] = moments(world, 7)
    world.as_of = START + timedelta(days=8)
    assert world.lagging_moments() == [7, 9]
    world.look()
    [after] = moments(world, 7)
    assert (before["status"], after["status"]) == ("open", "final")
    assert after["id"] == before["id"]
    world.as_of = START + timedelta(days=20)
    world.look()
    files = world.files(moments=True)
    world.as_of = START + timedelta(days=40)
    # Nothing is held in bucket 7, and its windows are over: no later price concerns it.
    assert world.lagging_moments() == [9]
    world.look()
    assert {name: content for name, content in world.files(moments=True).items() if name.endswith("7")} == {
        name: content for name, content in files.items() if name.endswith("7")
    }


def test_a_later_price_changes_an_open_moment_and_not_its_id(world: World) -> None:
    world.look()
    [before] = moments(world, 7)
    world.put_candles(candle(4_300, "3.0"))
    world.as_of = START + timedelta(days=5)
    world.look()
    [after] = moments(world, 7)
    assert after["id"] == before["id"]
    assert after["missed_usd"] == Decimal(1_800)


def test_making_them_again_gives_the_same_bytes(world: World) -> None:
    world.look()
    files = world.files(moments=True)
    assert len(files) == 4
    world.look(7, 9)
    assert world.files(moments=True) == files
    assert world.lagging_moments() == []


def test_a_new_version_of_a_detector_makes_only_moments_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.look()
    positions = world.files()
    monkeypatch.setitem(registry.VERSIONS, "S2E", registry.VERSIONS["S2E"] + 1)
    assert f"S2E={registry.VERSIONS['S2E']}" in detector_versions()
    assert world.lagging_positions() == []
    assert world.lagging_moments() == [7, 9]
    written = {bucket: world.store.written_at_ns("lots", bucket) for bucket in (7, 9)}
    world.look()
    assert world.lagging_moments() == []
    assert world.files() == positions
    assert {bucket: world.store.written_at_ns("lots", bucket) for bucket in (7, 9)} == written


def test_later_prices_of_the_newest_day_may_be_left_for_later(world: World) -> None:
    world.look()
    world.put_candles(candle(4 * 24 * 60, "0.5"))
    assert (world.lagging_moments(newest=False), world.lagging_moments()) == ([], [7, 9])
    world.as_of += timedelta(minutes=1)
    assert (world.lagging_moments(newest=False), world.lagging_moments()) == ([], [7, 9])
    world.as_of += timedelta(days=1)
    assert world.lagging_moments(newest=False) == [7, 9]


def test_moments_lag_behind_positions_and_come_after_them(world: World) -> None:
    world.look()
    world.put_events(BUY)
    assert world.lagging_positions() == [7]
    world.position()
    assert world.lagging_moments() == [7]
    world.look()
    # The sale is gone, so what it sold is held through the fall.
    assert [moment["kind"] for moment in moments(world, 7)] == ["BHD"]


def test_moments_of_unpublished_positions_wait(world: World) -> None:
    with pytest.raises(KilledError):
        world.position(7, kill_at="write episodes")
    assert world.lagging_moments() == [9]
    [report] = world.look(7)
    assert report.files == {}


@pytest.mark.parametrize("name", ["wallet_events", "realized_trades"])
def test_moments_of_positions_whose_files_are_gone_wait(world: World, name: str) -> None:
    world.look()
    for dataset in (name, *MOMENT_DATASETS):
        world.store.path(dataset, 7).unlink()
    assert world.lagging_moments() == []
    assert world.lagging_positions() == [7]


def test_its_steps_have_these_names(world: World) -> None:
    for step in STEPS:
        with pytest.raises(KilledError):
            world.look(7, kill_at=step)
    world.look(7, kill_at="no such step")


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_doing_it_again_ends_the_same(world: World, step: str) -> None:
    world.look()
    files = world.files(moments=True)
    world.notes.moments.clear()
    with pytest.raises(KilledError):
        world.look(7, kill_at=step)
    assert (7 in world.lagging_moments()) == (step != "done")
    world.look()
    assert world.lagging_moments() == []
    assert world.files(moments=True) == files
    assert world.notes.locked == []


def test_a_moment_of_a_failed_transaction_is_not_published(world: World) -> None:
    world.failed = {SALE.signature: True}
    with pytest.raises(InvalidPositionsError, match=r"no_moment_of_a_failure.*" + SALE.signature[:20]):
        world.look(7)
    assert world.store.buckets("oof_moments") == []
    assert 7 not in world.notes.moments


def test_an_extreme_that_is_no_moment_is_not_published(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments_bucket, "frame_of", dropping(moments_bucket.frame_of))
    with pytest.raises(InvalidPositionsError, match="extremes_are_of_moments"):
        world.look(7)


def dropping(frame_of: object) -> object:
    """Rows of oof_moments are lost on the way."""

    def wrapped(dataset: object, structs: list[object]) -> object:
        is_moments = getattr(dataset, "name", "") == "oof_moments"
        return frame_of(dataset, [] if is_moments else structs)  # type: ignore[operator]

    return wrapped


def test_what_is_published_is_what_the_files_hold(world: World) -> None:
    world.look()
    for bucket in (7, 9):
        for name in MOMENT_DATASETS:
            read = world.store.read(name, bucket)
            assert read is not None
            assert read.equals(world.notes.published[bucket][name])
        assert world.notes.moments[bucket].as_of == world.as_of


def test_what_happened_after_as_of_is_not_known(world: World) -> None:
    world.as_of = START + timedelta(minutes=30)
    world.look(7)
    assert moments(world, 7) == []
