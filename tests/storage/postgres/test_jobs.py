"""The job queue on a real server: nobody gets the same job twice, nothing is lost, nothing is told twice."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from oof_pipelines.job_interfaces import Job, JobEvent, JobEventKind, JobOutcome, JobStatus, LeaseLostError, NewJob
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.jobs import JobStateError, PostgresJobs, enqueue_on, new_job_id
from oof_pipelines.storage.postgres.migrate import migrate

ANALYZE = NewJob("analyze", {"wallets": ["w"]})


@pytest.fixture
def migrated_url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


@pytest.fixture
def jobs(migrated_url: str) -> Iterator[PostgresJobs]:
    with PostgresJobs(lambda: migrated_url) as opened:
        yield opened


def claimed(jobs: PostgresJobs, worker: str = "one") -> Job:
    job = jobs.claim(worker)
    assert job is not None
    return job


def kinds(jobs: PostgresJobs, job_id: str) -> list[str]:
    events = jobs.events(job_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    return [str(event.kind) for event in events]


def expire(url: str, seconds: int = 120) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update job_queue set locked_at = locked_at - make_interval(secs => %s)", (seconds,))


def test_a_job_keeps_what_it_was_queued_with(jobs: PostgresJobs) -> None:
    new = NewJob("analyze", {"wallets": ["a"], "days": 30}, priority=3, user_id="u", plan_code="PRO", dedupe_key="k")
    queued = jobs.enqueue(new)
    job = jobs.get(queued.id)
    assert job is not None
    assert (job.payload, job.priority, job.user_id, job.plan_code) == (new.payload, 3, "u", "PRO")
    assert (job.status, job.attempts, job.max_attempts, job.started_at) == (JobStatus.QUEUED, 0, 5, None)


def test_the_same_is_queued_once_until_it_ends(jobs: PostgresJobs) -> None:
    new = NewJob("analyze", {}, dedupe_key="k")
    first, second = jobs.enqueue(new), jobs.enqueue(NewJob("analyze", {}, dedupe_key="k", priority=7))
    assert (first.is_new, second.is_new, second.id) == (True, False, first.id)
    job = claimed(jobs)
    assert (job.id, job.priority) == (first.id, 7)
    assert jobs.enqueue(new).id == first.id
    jobs.complete(job, JobOutcome({}))
    assert jobs.enqueue(new).is_new


def test_a_transaction_that_is_rolled_back_queues_nothing(jobs: PostgresJobs, migrated_url: str) -> None:
    with psycopg.connect(migrated_url) as connection:
        assert enqueue_on(connection, ANALYZE).is_new
        connection.rollback()
    assert jobs.claim("one") is None
    with psycopg.connect(migrated_url) as connection:
        queued = enqueue_on(connection, ANALYZE)
    assert claimed(jobs).id == queued.id


def test_the_most_urgent_is_first_then_the_oldest(jobs: PostgresJobs) -> None:
    first, second = jobs.enqueue(ANALYZE).id, jobs.enqueue(ANALYZE).id
    urgent = jobs.enqueue(NewJob("analyze", {}, priority=1)).id
    assert [claimed(jobs).id for _ in range(3)] == [urgent, first, second]
    assert jobs.claim("one") is None


def test_twenty_claimers_at_once_get_each_job_once(jobs: PostgresJobs, migrated_url: str) -> None:
    wanted = {jobs.enqueue(ANALYZE).id for _ in range(60)}
    got: list[str] = []
    begin = threading.Barrier(20)

    def claim(number: int) -> None:
        with PostgresJobs(lambda: migrated_url) as own:
            begin.wait(30)
            while (job := own.claim(f"worker {number}")) is not None:
                got.append(job.id)
                own.complete(job, JobOutcome({"by": number}))

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(got) == dict.fromkeys(wanted, 1)
    assert jobs.counts().by_status == {"done": 60}


def test_racing_askers_of_the_same_queue_one_job(jobs: PostgresJobs, migrated_url: str) -> None:
    new = NewJob("analyze", {}, dedupe_key="the same")
    told: list[tuple[str, bool]] = []
    begin = threading.Barrier(10)

    def ask() -> None:
        with PostgresJobs(lambda: migrated_url) as own:
            begin.wait(30)
            queued = own.enqueue(new)
            told.append((queued.id, queued.is_new))

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({job_id for job_id, _ in told}) == 1
    assert sum(is_new for _, is_new in told) == 1
    assert jobs.counts().by_status == {"queued": 1}


def test_a_dead_workers_job_is_anothers_after_the_lease(jobs: PostgresJobs, migrated_url: str) -> None:
    job_id = jobs.enqueue(ANALYZE).id
    lost = claimed(jobs)
    assert jobs.release_expired(60) == 0
    expire(migrated_url)
    assert jobs.release_expired(60) == 1
    again = claimed(jobs, "two")
    assert (again.id, again.attempts) == (job_id, 1)
    assert "one was not heard of for 60 s" in (again.last_error or "")
    for late in (
        lambda: jobs.heartbeat(lost),
        lambda: jobs.complete(lost, JobOutcome({})),
        lambda: jobs.give_back(lost),
    ):
        with pytest.raises(LeaseLostError):
            late()
    with pytest.raises(LeaseLostError):
        jobs.append(lost, [JobEvent(JobEventKind.PROGRESS, {})])
    jobs.complete(again, JobOutcome({"n": 1}))
    assert kinds(jobs, job_id) == ["error", "done"]


def test_a_heartbeat_renews_the_lease(jobs: PostgresJobs, migrated_url: str) -> None:
    jobs.enqueue(ANALYZE)
    job = claimed(jobs)
    expire(migrated_url)
    jobs.heartbeat(job)
    assert jobs.release_expired(60) == 0


def test_it_is_dead_after_its_last_attempt(jobs: PostgresJobs) -> None:
    job_id = jobs.enqueue(NewJob("analyze", {}, max_attempts=3)).id
    assert [jobs.fail(claimed(jobs), f"failed {n}", 0) for n in range(3)] == ["queued", "queued", "dead"]
    dead = jobs.get(job_id)
    assert dead is not None
    assert (dead.status, dead.attempts, dead.last_error, dead.locked_by) == (JobStatus.DEAD, 3, "failed 2", None)
    assert kinds(jobs, job_id) == ["error", "error", "dead"]
    assert jobs.claim("one") is None
    count, newest_at = jobs.dead_letters()
    assert (count, newest_at) == (1, dead.finished_at)


def test_workers_that_keep_dying_over_a_job_end_it(jobs: PostgresJobs, migrated_url: str) -> None:
    job_id = jobs.enqueue(ANALYZE).id
    for _ in range(5):
        claimed(jobs)
        expire(migrated_url)
        jobs.release_expired(60)
    dead = jobs.get(job_id)
    assert dead is not None
    assert (dead.status, dead.attempts) == (JobStatus.DEAD, 5)


def test_a_failed_attempt_waits_for_its_time(jobs: PostgresJobs) -> None:
    jobs.enqueue(ANALYZE)
    jobs.fail(claimed(jobs), "the node is away\0", 40.0)
    assert jobs.claim("one") is None
    counts = jobs.counts()
    assert counts.lag_seconds == 0
    assert counts.seconds_to_next is not None
    assert 30 < counts.seconds_to_next <= 40
    [told] = jobs.events(jobs.newest(1)[0].id)
    assert told.payload["error"] == "the node is away"


def test_an_empty_queue_has_nothing_due(jobs: PostgresJobs) -> None:
    assert (jobs.counts().seconds_to_next, jobs.counts().lag_seconds, jobs.has_any()) == (None, 0, False)
    jobs.enqueue(ANALYZE)
    assert (jobs.counts().seconds_to_next, jobs.counts().lag_seconds > 0, jobs.has_any()) == (0, True, True)
    jobs.complete(claimed(jobs), JobOutcome({}))
    assert (jobs.counts().seconds_to_next, jobs.counts().by_status, jobs.has_any()) == (None, {"done": 1}, True)


def test_given_back_no_attempt_is_counted(jobs: PostgresJobs) -> None:
    jobs.enqueue(ANALYZE)
    first = claimed(jobs)
    jobs.give_back(first)
    again = claimed(jobs, "two")
    assert (again.id, again.attempts, again.started_at) == (first.id, 0, first.started_at)


def test_a_poisoned_job_is_dead_at_once(jobs: PostgresJobs) -> None:
    jobs.enqueue(ANALYZE)
    job = claimed(jobs)
    jobs.bury(job, "no wallet")
    assert kinds(jobs, job.id) == ["dead"]
    assert jobs.newest(5, JobStatus.DEAD)[0].last_error == "no wallet"


def test_a_continuation_is_queued_with_the_end_of_what_it_continues(jobs: PostgresJobs) -> None:
    first_id = jobs.enqueue(NewJob("analyze", {"n": 1}, 4, user_id="u", plan_code="LITE", dedupe_key="k")).id
    second_id = jobs.complete(claimed(jobs), JobOutcome({"some": 1}, (), {"n": 2}))
    assert second_id is not None
    third_id = jobs.complete(claimed(jobs), JobOutcome({"more": 1}, (), {"n": 3}))
    assert third_id is not None
    third = jobs.get(third_id)
    assert third is not None
    assert (third.payload, third.priority, third.parent_id) == ({"n": 3}, 4, first_id)
    assert (third.user_id, third.plan_code, third.dedupe_key) == ("u", "LITE", "k")
    [told] = jobs.events(first_id)
    assert (told.kind, told.payload) == (JobEventKind.PARTIAL, {"some": 1, "continuation": second_id})


def test_a_continuation_that_cannot_be_queued_leaves_the_job_running(jobs: PostgresJobs) -> None:
    jobs.enqueue(ANALYZE)
    job = claimed(jobs)
    with pytest.raises(psycopg.Error):
        jobs.complete(job, JobOutcome({}, [JobEvent(JobEventKind.MOMENT, {"id": "m"})], {"text": "\0"}))
    still = jobs.get(job.id)
    assert still is not None
    assert still.status is JobStatus.RUNNING
    assert jobs.events(job.id) == []


def test_a_chain_tells_a_moment_once_and_a_changed_one_again(jobs: PostgresJobs) -> None:
    def moment(moment_id: str, usd: str) -> JobEvent:
        return JobEvent(JobEventKind.MOMENT, {"id": moment_id, "missed_usd": usd})

    jobs.enqueue(ANALYZE)
    first = claimed(jobs)
    jobs.append(first, [JobEvent(JobEventKind.PROGRESS, {"stage": "days", "done": 1, "total": 1})])
    jobs.complete(first, JobOutcome({}, [moment("a", "1"), moment("b", "2")], {}))
    second = claimed(jobs)
    jobs.complete(second, JobOutcome({}, [moment("a", "1"), moment("b", "3"), moment("c", "4")]))
    assert kinds(jobs, first.id) == ["progress", "moment", "moment", "partial"]
    told = [(event.payload["id"], event.payload["missed_usd"]) for event in jobs.events(second.id)[:-1]]
    assert told == [("b", "3"), ("c", "4")]
    # Another chain tells what it finds, whoever told it before.
    jobs.enqueue(ANALYZE)
    third = claimed(jobs)
    jobs.complete(third, JobOutcome({}, [moment("a", "1")]))
    assert kinds(jobs, third.id) == ["moment", "done"]


def test_events_resume_behind_a_number(jobs: PostgresJobs) -> None:
    jobs.enqueue(ANALYZE)
    job = claimed(jobs)
    for done in range(5):
        jobs.append(job, [JobEvent(JobEventKind.PROGRESS, {"done": done})])
    assert [event.seq for event in jobs.events(job.id, after_seq=3)] == [4, 5]


def test_a_dead_job_is_tried_again_with_all_its_attempts(jobs: PostgresJobs) -> None:
    job_id = jobs.enqueue(NewJob("analyze", {}, dedupe_key="k")).id
    with pytest.raises(JobStateError, match="is queued: only a dead"):
        jobs.retry(job_id)
    jobs.bury(claimed(jobs), "no")
    other = jobs.enqueue(NewJob("analyze", {}, dedupe_key="k")).id
    with pytest.raises(JobStateError, match="another job for the same"):
        jobs.retry(job_id)
    jobs.cancel(other)
    jobs.retry(job_id)
    job = claimed(jobs)
    assert (job.id, job.attempts) == (job_id, 0)
    with pytest.raises(JobStateError, match="there is none"):
        jobs.retry(new_job_id())


def test_a_cancelled_job_is_its_workers_no_more(jobs: PostgresJobs) -> None:
    job_id = jobs.enqueue(ANALYZE).id
    job = claimed(jobs)
    jobs.cancel(job_id)
    with pytest.raises(LeaseLostError):
        jobs.heartbeat(job)
    assert kinds(jobs, job_id) == ["cancelled"]
    with pytest.raises(JobStateError, match="it has ended"):
        jobs.cancel(job_id)


def test_waiting_ends_when_something_is_queued(jobs: PostgresJobs, migrated_url: str) -> None:
    jobs.wait(0)  # begins to listen
    woken = threading.Event()

    def queue() -> None:
        with PostgresJobs(lambda: migrated_url) as other:
            other.enqueue(ANALYZE)
        woken.set()

    thread = threading.Thread(target=queue)
    thread.start()
    jobs.wait(60)
    # The wait is over long before its minute: the thread needed no more than a connection.
    assert woken.wait(30)
    assert jobs.claim("one") is not None
    thread.join()


def test_old_jobs_are_forgotten_with_their_events(jobs: PostgresJobs, migrated_url: str) -> None:
    jobs.enqueue(ANALYZE)
    old = claimed(jobs)
    following = jobs.complete(old, JobOutcome({}, (), {}))
    assert following is not None
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        connection.execute(
            "update job_queue set finished_at = finished_at - interval '31 days' where id = %s", (old.id,)
        )
    assert jobs.prune(30 * 86_400) == 1
    assert jobs.get(old.id) is None
    assert jobs.events(old.id) == []
    left = jobs.get(following)
    assert left is not None
    assert left.parent_id is None


def test_workers_say_that_they_serve(migrated_url: str) -> None:
    with PostgresJobs(lambda: migrated_url, run_id="run 1") as jobs:
        jobs.seen("host:1")
        jobs.seen("host:1")
        assert jobs.live_workers(60) == ["run 1"]
        with psycopg.connect(migrated_url, autocommit=True) as connection:
            connection.execute("update job_workers set seen_at = seen_at - interval '2 minutes'")
        assert jobs.live_workers(60) == []
        jobs.seen("host:1")
        jobs.gone("host:1")
        assert jobs.live_workers(60) == []


def test_the_queue_can_be_asked_by_sql(jobs: PostgresJobs, migrated_url: str, tmp_path: Path) -> None:
    jobs.enqueue(NewJob("analyze", {"wallets": ["W", "V"]}, user_id="u"))
    jobs.bury(claimed(jobs), "no such wallet")
    jobs.enqueue(ANALYZE)
    with QueryEngine(ParquetStore(tmp_path), migrated_url, REPOSITORY_ROOT / "sql" / "views") as engine:

        def ask(name: str) -> list[dict[str, object]]:
            statement = (REPOSITORY_ROOT / "sql" / "queries" / f"{name}.sql").read_text(encoding="utf-8")
            result = engine.query(statement)
            return [dict(zip(result.columns, row, strict=True)) for row in result]

        [dead] = ask("dead_jobs")
        assert (dead["wallet"], dead["user_id"], dead["attempts"], dead["last_error"]) == (
            "W",
            "u",
            1,
            "no such wallet",
        )
        assert [(row["status"], row["jobs"], row["failed_attempts"]) for row in ask("jobs_by_status")] == [
            ("dead", 1, 1),
            ("queued", 1, 0),
        ]
        assert list(engine.query("select kind from job_events")) == [("dead",)]
        assert list(engine.query("select * from job_workers")) == []


def test_a_lost_connection_is_opened_again(jobs: PostgresJobs, migrated_url: str) -> None:
    jobs.enqueue(ANALYZE)
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
    assert jobs.claim("one") is not None
