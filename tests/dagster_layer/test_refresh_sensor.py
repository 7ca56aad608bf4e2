"""The sensor of touched wallets: one run stands by while there is work, none beside `oof refresh`; and what the run says."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oof_pipelines.definitions import build_definitions
from oof_pipelines.refresh_work import RefreshTotals
from oof_pipelines.storage.postgres.touched_wallets import RefreshState
from resources.touched import TouchedResource
from sensors.refresh_wallets import IDLE_SECONDS, refresh_wallets, touched_sensor
from sensors.standing_run import STANDS_FOR

IDLE = RefreshState(due=0, oldest_touched_at=None, served_at=None, refreshers=())
DUE = replace(IDLE, due=3, oldest_touched_at=datetime(2026, 1, 1, tzinfo=UTC))

_told: RefreshState | None = IDLE
_is_off = False
_totals: RefreshTotals | None = None
_asked: list[tuple[str, float, float]] = []


class FakeTouched(TouchedResource):
    """Tells of touched wallets, or fails as an unreachable database does."""

    def is_off(self) -> bool:
        return _is_off

    def state(self) -> RefreshState:
        if _told is None:
            raise ConnectionError("the server is down")
        return _told

    def serve(
        self, run_id: str, *, idle_seconds: float, most_seconds: float, should_stop: Callable[[], bool]
    ) -> RefreshTotals | None:
        assert not should_stop()
        _asked.append((run_id, idle_seconds, most_seconds))
        return _totals


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def tick(
    instance: dg.DagsterInstance, state: RefreshState | None, cursor: str | None = None
) -> dg.SensorResult | dg.SkipReason:
    global _told
    _told = state
    touched = FakeTouched()
    repository = build_definitions(touched=touched).get_repository_def()
    context = dg.build_sensor_context(
        instance=instance, repository_def=repository, resources={"touched": touched}, cursor=cursor
    )
    result = touched_sensor(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def reason(result: object) -> str | None:
    return result.skip_message if isinstance(result, dg.SkipReason) else None


def test_nothing_stands_by_where_no_wallet_is_touched(instance: dg.DagsterInstance) -> None:
    assert reason(tick(instance, IDLE)) == "no wallet was touched of late"
    long_ago = datetime.now(UTC) - timedelta(seconds=IDLE_SECONDS + 1)
    assert reason(tick(instance, replace(IDLE, served_at=long_ago))) == "no wallet was touched of late"


def test_one_run_stands_by_while_wallets_are_touched(instance: dg.DagsterInstance) -> None:
    first = tick(instance, DUE)
    assert isinstance(first, dg.SensorResult)
    [request] = first.run_requests or []
    again = tick(instance, replace(IDLE, served_at=datetime.now(UTC)), first.cursor)
    assert isinstance(again, dg.SensorResult)
    [another] = again.run_requests or []
    assert another.run_key != request.run_key
    job = build_definitions().resolve_job_def(refresh_wallets.name)
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.NOT_STARTED)
    assert reason(tick(instance, DUE)) == "a run is about to start"


def test_who_refreshes_beside_dagster_is_left_alone(instance: dg.DagsterInstance) -> None:
    assert reason(tick(instance, replace(DUE, refreshers=("",)))) == "`oof refresh` is at it"


def test_none_stands_by_where_standing_runs_are_off(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "_is_off", True)
    assert reason(tick(instance, DUE)) == "OOF_STANDING_RUNS is off"


def test_a_failed_read_fails_the_tick(instance: dg.DagsterInstance) -> None:
    with pytest.raises(ConnectionError):
        tick(instance, None)


@pytest.mark.parametrize("totals", [RefreshTotals(turns=2, served=7, failed=1, worst_lag_seconds=1.23456), None])
def test_the_run_says_what_it_did(instance: dg.DagsterInstance, totals: RefreshTotals | None) -> None:
    global _totals
    _totals = totals
    _asked.clear()
    result = refresh_wallets.execute_in_process(instance=instance, resources={"touched": FakeTouched()})
    assert result.success
    assert _asked == [(result.run_id, IDLE_SECONDS, STANDS_FOR.total_seconds())]
    [output] = [one for one in result.all_events if one.is_step_success or one.is_successful_output][:1]
    told = {name: value.value for name, value in output.step_output_data.metadata.items()}
    expected = {"wallets": 7, "failed": 1, "turns": 2, "worst_lag_seconds": 1.235}
    assert told == (expected if totals is not None else {})
