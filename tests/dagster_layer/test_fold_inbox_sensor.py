"""The inbox sensor: one stretch at a time, nothing while a run is in flight, and a failed read is no empty inbox."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from oof_pipelines.definitions import build_definitions
from resources.warehouse import Warehouse
from sensors.fold_inbox import TOLD_ASSETS, close_yesterday, fold_inbox, inbox_sensor

WAITING: dict[str, dict[date, int]] = {
    "raw_transactions": {date(2024, 1, 1): 3, date(2024, 1, 20): 1, date(2024, 6, 1): 2},
    "raw_logs": {date(2024, 1, 2): 3},
}


class FakeWarehouse(Warehouse):
    """Tells of waiting days, or fails as an unreachable database does."""

    is_down: bool = False
    is_empty: bool = False
    stored: list[str] = []  # noqa: RUF012 - a field of the resource
    claimed: list[str] = []  # noqa: RUF012

    def days_waiting(self, dataset: str) -> dict[date, int]:
        if self.is_down:
            raise ConnectionError("the server is down")
        return {} if self.is_empty else WAITING[dataset]

    def days_to_decode(self) -> dict[date, int]:
        return {date.fromisoformat(day): 1 for day in self.claimed}

    def days_stored(self) -> list[date]:
        return [date.fromisoformat(day) for day in self.stored]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def tick(instance: dg.DagsterInstance, warehouse: FakeWarehouse, cursor: str | None = None) -> object:
    repository = build_definitions(warehouse=warehouse).get_repository_def()
    context = dg.build_sensor_context(
        instance=instance, repository_def=repository, resources={"warehouse": warehouse}, cursor=cursor
    )
    return inbox_sensor(context)


def test_the_oldest_stretch_is_requested_with_gaps_bridged(instance: dg.DagsterInstance) -> None:
    result = tick(instance, FakeWarehouse())
    assert isinstance(result, dg.SensorResult)
    [request] = result.run_requests or []
    assert request.tags["dagster/asset_partition_range_start"] == "2024-01-01"
    assert request.tags["dagster/asset_partition_range_end"] == "2024-01-20"
    assert (request.run_key, result.cursor) == ("2024-01-01:2024-01-20:1", "1 2024-01-20")


def test_asking_again_makes_another_run_key(instance: dg.DagsterInstance) -> None:
    result = tick(instance, FakeWarehouse(), cursor="7")
    assert isinstance(result, dg.SensorResult)
    assert [request.run_key for request in result.run_requests or []] == ["2024-01-01:2024-01-20:8"]


def test_an_empty_inbox_is_skipped(instance: dg.DagsterInstance) -> None:
    result = tick(instance, FakeWarehouse(is_empty=True))
    assert isinstance(result, dg.SkipReason)


def test_a_failed_read_fails_the_tick(instance: dg.DagsterInstance) -> None:
    with pytest.raises(ConnectionError):
        tick(instance, FakeWarehouse(is_down=True))


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_nothing_is_requested_while_a_run_is_in_flight(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    job = build_definitions().resolve_job_def(fold_inbox.name)
    instance.create_run_for_job(job, status=status)
    result = tick(instance, FakeWarehouse())
    assert isinstance(result, dg.SkipReason)
    assert "in flight" in (result.skip_message or "")


def test_a_finished_run_is_not_in_flight(instance: dg.DagsterInstance) -> None:
    job = build_definitions().resolve_job_def(fold_inbox.name)
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.FAILURE)
    assert isinstance(tick(instance, FakeWarehouse()), dg.SensorResult)


def test_stretches_take_turns(instance: dg.DagsterInstance) -> None:
    second = tick(instance, FakeWarehouse(), cursor="1 2024-01-20")
    assert isinstance(second, dg.SensorResult)
    assert [request.run_key for request in second.run_requests or []] == ["2024-06-01:2024-06-01:2"]
    third = tick(instance, FakeWarehouse(), cursor=second.cursor)
    assert isinstance(third, dg.SensorResult)
    assert [request.run_key for request in third.run_requests or []] == ["2024-01-01:2024-01-20:3"]


def test_a_file_that_dagster_was_not_told_of_is_folded_again(instance: dg.DagsterInstance) -> None:
    warehouse = FakeWarehouse(is_empty=True, stored=["2023-05-05", "2023-05-06"])
    for name in TOLD_ASSETS:
        instance.report_runless_asset_event(dg.AssetMaterialization(asset_key=name, partition="2023-05-05"))
    result = tick(instance, warehouse)
    assert isinstance(result, dg.SensorResult)
    assert [request.run_key for request in result.run_requests or []] == ["2023-05-06:2023-05-06:1"]


@pytest.mark.parametrize("untold", TOLD_ASSETS)
def test_a_run_that_ended_between_its_steps_is_made_again(instance: dg.DagsterInstance, untold: str) -> None:
    for name in set(TOLD_ASSETS) - {untold}:
        instance.report_runless_asset_event(dg.AssetMaterialization(asset_key=name, partition="2023-05-05"))
    result = tick(instance, FakeWarehouse(is_empty=True, stored=["2023-05-05"]))
    assert isinstance(result, dg.SensorResult)
    assert [request.run_key for request in result.run_requests or []] == ["2023-05-05:2023-05-05:1"]


def test_the_schedule_closes_yesterday() -> None:
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2024, 3, 1, 0, 20, tzinfo=UTC))
    request = close_yesterday(context)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2024-02-29"


def test_a_day_whose_file_is_gone_is_not_asked_for_for_ever(instance: dg.DagsterInstance) -> None:
    for name in TOLD_ASSETS:
        instance.report_runless_asset_event(dg.AssetMaterialization(asset_key=name, partition="2023-05-05"))
    gone = FakeWarehouse(is_empty=True, stored=["2023-05-05"], claimed=["2023-05-06"])
    assert isinstance(tick(instance, gone), dg.SkipReason)
    there = FakeWarehouse(is_empty=True, stored=["2023-05-05"], claimed=["2023-05-05"])
    assert isinstance(tick(instance, there), dg.SensorResult)
