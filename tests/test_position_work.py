"""A run over several buckets: one that cannot be made is told by its name, and the others are made."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from position_world import ELSEWHERE, NEIGHBOUR, OTHER_COIN, START, World, candle, event

from oof_pipelines import position_work
from oof_pipelines.position_work import PositionWork
from oof_pipelines.storage.parquet.minute_candles import ReplacedMeanwhileError
from oof_pipelines.storage.parquet.position_rows import ColumnOverflowError
from oof_pipelines.storage.postgres.locks import PartitionIsBusyError
from oof_pipelines.workflows.position_inputs import DayMarks
from oof_pipelines.workflows.positions_bucket import InvalidPositionsError

FAULTS = [
    ReplacedMeanwhileError("price_1m: files were replaced"),
    PartitionIsBusyError("another writer has held it"),
    ColumnOverflowError("amount_usd: a value does not fit"),
    ValueError("candles of m: out of order"),
]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "store", as_of=START + timedelta(days=4))
    world.put_sol("150", START.date())
    world.put_events(
        event("buy", 0, qty=10**6, usdc=10**6),
        event("buy", 1, wallet=NEIGHBOUR, qty=10**6, usdc=10**6),
        event("buy", 2, wallet=ELSEWHERE, qty=10**6, usdc=10**6),
    )
    world.put_candles(candle(0, "1.0"), candle(3_000, "0.6"))
    return world


@pytest.fixture
def work(world: World) -> PositionWork:
    marks, inputs = DayMarks(world.store, world.as_of), (world.source, world.market)
    # What asks Postgres is asked of the world instead.
    served: Any = world.notes
    asked: Any = world
    return PositionWork(world.store, served, *inputs, asked, asked, world.rules, marks)


def failing(right: Callable[..., Any], fault: Exception) -> Callable[..., Any]:
    """Bucket 7, which comes last of the arguments, cannot be made."""

    def make(*arguments: Any) -> Any:
        if arguments[-1] == 7:
            raise fault
        return right(*arguments)

    return make


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("what", ["positions", "moments"])
def test_a_bucket_that_cannot_be_made_stops_no_other(
    work: PositionWork, what: str, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "moments":
        assert [report.bucket for report in work.make_positions([7, 9]) if not isinstance(report, Exception)] == [7, 9]
    name = f"make_{what}"
    monkeypatch.setattr(position_work, name, failing(getattr(position_work, name), fault))
    failed, made = getattr(work, name)([7, 9])
    assert isinstance(failed, InvalidPositionsError)
    assert str(failed) == f"{what} 07: could_be_made: {fault}"
    assert [check.has_passed for check in failed.checks] == [False]
    assert failed.__cause__ is fault
    assert made.bucket == 9
    assert made.files
    assert getattr(work, f"lagging_{what}")() == [7]


def test_candles_that_overlap_are_told_by_the_bucket_that_needs_them(world: World, work: PositionWork) -> None:
    paid: dict[str, Any] = {"other_mint": OTHER_COIN, "other_decimals": 6, "other_raw": 10**6}
    world.put_events(event("buy", 9, wallet=ELSEWHERE, qty=10**6, **paid))
    world.put_candles(candle(5, "1.0", mint=OTHER_COIN), candle(5, "1.0", mint=OTHER_COIN))
    made, failed = work.make_positions([7, 9])
    assert not isinstance(made, Exception)
    assert isinstance(failed, InvalidPositionsError)
    assert str(failed).startswith("positions 09: could_be_made: candles of ")
    assert isinstance(failed.__cause__, ValueError)


def test_a_fault_of_all_buckets_is_raised(work: PositionWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        position_work, "make_positions", failing(position_work.make_positions, ConnectionError("the database is gone"))
    )
    with pytest.raises(ConnectionError, match="the database is gone"):
        list(work.make_positions([7, 9]))
