"""The jobs sensor: one run stands, its successor comes in time, a run whose process is gone is noticed, the dead are told."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oof_pipelines.definitions import build_definitions
from oof_pipelines.workflows.serve_jobs import ServeReport
from resources.job_queue import JobQueueResource, QueueState
from sensors.run_jobs import STANDING_TAG, jobs_sensor, run_jobs
from sensors.standing_run import STANDS_FOR, SUCCESSOR_AFTER, StandingRuns, reason_to_rest, standing_runs

IDLE = QueueState(
    is_off=False,
    is_standing_wanted=False,
    is_work_due=False,
    queued=0,
    lag_seconds=0.0,
    dead=0,
    last_died_at=None,
    workers=frozenset(),
)
STANDING = replace(IDLE, is_standing_wanted=True)
DIED_AT = datetime(2026, 1, 1, tzinfo=UTC)


class FakeQueue(JobQueueResource):
    """Tells of a queue, or fails as an unreachable database does."""

    def state(self) -> QueueState:
        if _told is None:
            raise ConnectionError("the server is down")
        return _told

    def serve(
        self, run_id: str, *, is_standing: bool, most_seconds: float, should_stop: Callable[[], bool]
    ) -> ServeReport:
        assert not should_stop()
        _served.append((run_id, is_standing, most_seconds))
        return ServeReport(done=2, partial=1, dead=1)


_told: QueueState | None = IDLE
_served: list[tuple[str, bool, float]] = []


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def tick(
    instance: dg.DagsterInstance, state: QueueState | None, cursor: str | None = None
) -> tuple[list[dg.RunRequest], dg.SensorResult]:
    global _told
    _told = state
    queue = FakeQueue()
    repository = build_definitions(job_queue=queue).get_repository_def()
    context = dg.build_sensor_context(
        instance=instance, repository_def=repository, resources={"job_queue": queue}, cursor=cursor
    )
    result = jobs_sensor(context)
    assert isinstance(result, dg.SensorResult)
    return list(result.run_requests or []), result


def skipped(result: dg.SensorResult) -> str | None:
    return result.skip_reason.skip_message if isinstance(result.skip_reason, dg.SkipReason) else result.skip_reason


def begun(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """A run of the job that began just now."""
    run = instance.create_run_for_job(build_definitions().resolve_job_def(run_jobs.name))
    event = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_START.value, job_name=run_jobs.name)
    instance.report_dagster_event(event, run.run_id)
    return run


def test_nothing_runs_where_there_never_was_a_job(instance: dg.DagsterInstance) -> None:
    requests, result = tick(instance, IDLE)
    assert requests == []
    assert skipped(result) == "no job was ever queued, or none is due"


def test_one_run_stands(instance: dg.DagsterInstance) -> None:
    [request], result = tick(instance, STANDING)
    assert request.tags[STANDING_TAG] == "yes"
    [again], _ = tick(instance, STANDING, result.cursor)
    assert again.run_key != request.run_key


def test_where_none_stands_a_run_is_requested_for_what_is_due(instance: dg.DagsterInstance) -> None:
    [request], _ = tick(instance, replace(IDLE, is_work_due=True))
    assert STANDING_TAG not in request.tags


def test_none_is_requested_beside_one_that_waits_or_stands(instance: dg.DagsterInstance) -> None:
    job = build_definitions().resolve_job_def(run_jobs.name)
    waiting = instance.create_run_for_job(job, status=dg.DagsterRunStatus.NOT_STARTED)
    assert tick(instance, STANDING)[0] == []
    instance.delete_run(waiting.run_id)
    begun(instance)
    assert tick(instance, STANDING)[0] == []


def test_a_worker_of_its_own_is_left_alone(instance: dg.DagsterInstance) -> None:
    requests, result = tick(instance, replace(STANDING, workers=frozenset([""])))
    assert (requests, skipped(result)) == ([], "`oof work` serves the queue")


def test_dagster_serves_nothing_where_that_is_off(instance: dg.DagsterInstance) -> None:
    assert tick(instance, replace(IDLE, is_off=True, is_work_due=True))[0] == []


def test_a_failed_read_fails_the_tick(instance: dg.DagsterInstance) -> None:
    with pytest.raises(ConnectionError):
        tick(instance, None)


def test_a_successor_is_requested_before_the_end() -> None:
    now = datetime.now(UTC)
    assert SUCCESSOR_AFTER < STANDS_FOR
    young, old = StandingRuns(0, (now - SUCCESSOR_AFTER / 2,)), StandingRuns(0, (now - SUCCESSOR_AFTER,))
    assert young.reason_to_wait(now, is_standing=True) is not None
    assert old.reason_to_wait(now, is_standing=True) is None
    assert old.reason_to_wait(now, is_standing=False) is not None
    # Once it is requested it waits in the queue, and no other is.
    assert StandingRuns(1, old.started_at).reason_to_wait(now, is_standing=True) is not None
    assert StandingRuns(0, (*old.started_at, now)).reason_to_wait(now, is_standing=True) is not None


def test_a_run_that_is_not_heard_of_is_lost(instance: dg.DagsterInstance) -> None:
    run, now = begun(instance), datetime.now(UTC)
    assert len(standing_runs(instance, run_jobs.name, [], now).started_at) == 1
    later = now + timedelta(minutes=2)
    assert len(standing_runs(instance, run_jobs.name, [run.run_id], later).started_at) == 1
    assert standing_runs(instance, run_jobs.name, [], later) == StandingRuns(0, ())
    lost = instance.get_run_by_id(run.run_id)
    assert lost is not None
    assert lost.status == dg.DagsterRunStatus.FAILURE


def test_after_a_run_that_failed_at_once_the_next_waits(instance: dg.DagsterInstance) -> None:
    now = datetime.now(UTC)
    assert reason_to_rest(instance, run_jobs.name, now) is None
    instance.report_run_failed(begun(instance))
    assert reason_to_rest(instance, run_jobs.name, now) is not None
    assert reason_to_rest(instance, run_jobs.name, now + timedelta(minutes=5)) is None
    assert tick(instance, STANDING)[0] == []


def test_the_dead_are_told_once(instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]) -> None:
    dead = replace(IDLE, dead=3, last_died_at=DIED_AT)
    _, result = tick(instance, dead)
    assert "3 jobs are dead: `oof jobs list --status dead` shows why" in capsys.readouterr().err
    _, result = tick(instance, dead, result.cursor)
    assert "dead" not in capsys.readouterr().err
    tick(instance, replace(dead, dead=4, last_died_at=DIED_AT + timedelta(hours=1)), result.cursor)
    assert "4 jobs are dead" in capsys.readouterr().err


@pytest.mark.parametrize("is_standing", [True, False])
def test_the_run_serves_and_tells_what_it_did(is_standing: bool) -> None:
    _served.clear()
    job = build_definitions(job_queue=FakeQueue()).resolve_job_def(run_jobs.name)
    result = job.execute_in_process(tags={STANDING_TAG: "yes"} if is_standing else {})
    assert _served == [(result.run_id, is_standing, STANDS_FOR.total_seconds())]
    [output] = [event for event in result.all_events if event.is_successful_output]
    metadata = output.step_output_data.metadata
    assert (metadata["done"].value, metadata["partial"].value, metadata["dead"].value) == (2, 1, 1)


def test_a_standing_run_keeps_no_other_sensor_waiting(instance: dg.DagsterInstance) -> None:
    from sensors.in_flight import reason_to_wait

    begun(instance)
    assert reason_to_wait(instance, ["fold_inbox", "update_wallets", "update_positions"], ["actions", "lots"]) is None
