"""`oof jobs` over a real queue: what it queues, shows, follows to the end, tries again and cancels."""

import json
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from oof_pipelines.commands.jobs import jobs
from oof_pipelines.commands.work import work
from oof_pipelines.job_interfaces import Job, JobEvent, JobEventKind, JobOutcome, JobStatus, NewJob
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.jobs import PostgresJobs, new_job_id
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

WALLET, OTHER = "So11111111111111111111111111111111111111112", "Vote111111111111111111111111111111111111111"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="oof-j-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "server")
    server.start()
    migrate(server.url, load_settings({}).migrations_folder)
    yield server
    server.erase()
    shutil.rmtree(folder)


@pytest.fixture
def queue(server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresJobs]:
    monkeypatch.setenv("OOF_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", server.url)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("truncate job_queue, job_workers, policy_state, user_plans cascade")
    with PostgresJobs(lambda: server.url) as opened:
        yield opened


def run(*arguments: str) -> Result:
    return CliRunner().invoke(jobs, arguments)


def add(*arguments: str) -> str:
    result = run("add", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def claimed(queue: PostgresJobs) -> Job:
    job = queue.claim("test")
    assert job is not None
    return job


def test_an_analysis_is_queued_once(queue: PostgresJobs) -> None:
    first = add(WALLET, OTHER, "--days", "30")
    again = run("add", OTHER, WALLET, "--days", "30")
    assert again.stdout.strip() == first
    assert "queued or running already" in again.stderr
    job = queue.get(first)
    assert job is not None
    assert job.kind == "analyze"
    assert (job.payload["wallets"], job.payload["days"]) == ([WALLET, OTHER], 30)
    assert add(WALLET, OTHER, "--days", "31") != first


def test_a_plan_bounds_the_job(queue: PostgresJobs) -> None:
    job = queue.get(add(WALLET, "--plan", "FREE"))
    assert job is not None
    assert (job.plan_code, job.user_id, job.payload["days"]) == ("FREE", None, 180)
    assert job.payload["ceilings"]["max_signatures"] is not None
    assert "none of FREE" in run("add", WALLET, "--plan", "GOLD").output
    assert run("add", WALLET, "--plan", "FREE", "--user", "u").exit_code == 2


def test_a_user_asks_within_his_quota(queue: PostgresJobs) -> None:
    job = queue.get(add(WALLET, "--user", "somebody", "--days", "700"))
    assert job is not None
    assert (job.plan_code, job.user_id, job.payload["days"]) == ("FREE", "somebody", 180)
    add(OTHER, "--user", "somebody")
    refused = run("add", "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", "--user", "somebody")
    assert refused.exit_code == 1
    assert "FREE allows 2 wallets a day" in refused.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "nobody"), "WALLET: 'nobody' is no wallet address"),
        (("show", "x"), "ID: 'x' is no job's id"),
        (("watch", new_job_id()), "ID: there is no job"),
        (("retry", new_job_id()), "there is none"),
        (("cancel", new_job_id()), "there is none"),
    ],
)
def test_a_mistake_is_one_line(queue: PostgresJobs, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert said in result.output
    assert len(result.output.splitlines()) == 1


def test_the_dead_are_listed_with_their_reason_and_tried_again(queue: PostgresJobs) -> None:
    done, dead = add(WALLET), add(OTHER)
    queue.complete(claimed(queue), JobOutcome({}))
    queue.bury(claimed(queue), "the node refuses\nit")
    listed = run("list", "--status", "dead", "--json")
    [told] = map(json.loads, listed.stdout.splitlines())
    assert (told["id"], told["status"], told["last_error"]) == (dead, "dead", "the node refuses\nit")
    table = run("list").stdout
    assert done in table
    assert "the node refuses\\nit" in table
    assert run("retry", dead).exit_code == 0
    job = queue.get(dead)
    assert job is not None
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)
    assert run("retry", done).exit_code == 1


def test_a_job_is_cancelled(queue: PostgresJobs) -> None:
    job_id = add(WALLET)
    assert run("cancel", job_id.lower()).exit_code == 0
    job = queue.get(job_id)
    assert job is not None
    assert job.status is JobStatus.CANCELLED
    assert run("watch", job_id).exit_code == 1


def test_work_does_what_is_due_and_ends(queue: PostgresJobs) -> None:
    ids = [queue.enqueue(NewJob("paint", {})).id for _ in range(3)]
    before = signal.getsignal(signal.SIGTERM)
    once = CliRunner().invoke(work, ["--once", "--json-logs"])
    assert once.exit_code == 0
    assert once.stdout == "work: done=0 partial=0 failed=0 dead=1 given_back=0 lost=0\n"
    rest = CliRunner().invoke(work, ["--linger", "0", "--json-logs"])
    assert "dead=2" in rest.stdout
    jobs_after = [queue.get(job_id) for job_id in ids]
    assert {job.last_error for job in jobs_after if job} == {"nobody serves jobs of the kind 'paint'"}
    assert signal.getsignal(signal.SIGTERM) == before
    assert queue.workers() == []


def test_who_serves_is_told(queue: PostgresJobs, server: EmbeddedPostgres) -> None:
    assert run("workers").exit_code == 0
    assert run("workers", "--here").exit_code == 1
    queue.seen(f"{socket.gethostname()}:1")
    queue.seen("elsewhere:1")
    here = run("workers", "--here")
    assert here.exit_code == 0
    assert "elsewhere" not in here.stdout
    assert "elsewhere:1" in run("workers").stdout
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("update job_workers set seen_at = seen_at - interval '2 minutes'")
    assert run("workers", "--here").exit_code == 1


def test_show_tells_all_that_a_job_said(queue: PostgresJobs) -> None:
    job_id = add(WALLET)
    moment = JobEvent(JobEventKind.MOMENT, {"id": "m", "kind": "S2E", "mint": OTHER, "missed_usd": "12.5"})
    queue.complete(claimed(queue), JobOutcome({"moments": 1}, [moment]))
    told = json.loads(run("show", job_id, "--json").stdout)
    assert [(event["seq"], event["kind"]) for event in told["events"]] == [(1, "moment"), (2, "done")]
    assert told["result"] == {"moments": 1}
    text = run("show", job_id).stdout
    assert f"S2E {OTHER}" in text
    assert "missed 12.5 USD" in text


def serve_a_chain(url: str) -> None:
    """As a worker does: progress, a failed attempt, a part, and what continues it."""
    with PostgresJobs(lambda: url) as queue:
        first = claimed(queue)
        queue.append(first, [JobEvent(JobEventKind.PROGRESS, {"stage": "days", "done": 3, "total": 10})])
        queue.fail(first, "the node is away", 0)
        queue.complete(claimed(queue), JobOutcome({"moments": 0}, (), {"wallets": [WALLET]}))
        second = claimed(queue)
        queue.append(second, [JobEvent(JobEventKind.PROGRESS, {"stage": "listing", "done": 0, "total": 0})])
        queue.complete(second, JobOutcome({"moments": 1}, [JobEvent(JobEventKind.MOMENT, {"id": "m", "kind": "BHD"})]))


def test_watching_goes_on_to_the_end_of_what_continues(queue: PostgresJobs, server: EmbeddedPostgres) -> None:
    job_id = add(WALLET)
    worker = threading.Timer(0.5, serve_a_chain, [server.url])
    worker.start()
    watched = run("watch", job_id, "--json")
    worker.join()
    assert watched.exit_code == 0
    told = [json.loads(line) for line in watched.stdout.splitlines()]
    assert [(event["seq"], event["kind"]) for event in told] == [
        (1, "progress"),
        (2, "error"),
        (3, "partial"),
        (1, "progress"),
        (2, "moment"),
        (3, "done"),
    ]
    assert told[2]["payload"]["continuation"] == told[3]["job"] != job_id
    resumed = run("watch", job_id, "--after", "2", "--json")
    assert [json.loads(line)["seq"] for line in resumed.stdout.splitlines()] == [3, 1, 2, 3]
    lines = run("watch", job_id).stdout.splitlines()
    assert lines[0].split(maxsplit=1)[1] == "progress  days 3 of 10"
    assert "error     the node is away; again at" in lines[1]


def test_watching_a_job_that_dies_ends_with_1(queue: PostgresJobs) -> None:
    job_id = add(WALLET)
    queue.bury(claimed(queue), "no such thing")
    watched = run("watch", job_id)
    assert watched.exit_code == 1
    assert "dead      no such thing" in watched.stdout
    # All was said before: the exit status is the same.
    assert run("watch", job_id, "--after", "1").exit_code == 1
