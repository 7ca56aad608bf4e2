"""What jobs do: a payload is checked before anybody is asked, an analysis is told whole, the hopeless is dead at once."""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pytest
from filled_home import FilledHome, fill

from oof_pipelines import job_work
from oof_pipelines.detectors.moment import Moment
from oof_pipelines.interfaces import SourceUnavailableError
from oof_pipelines.job_interfaces import JobEventKind, JobStatus, NewJob, PoisonedJobError
from oof_pipelines.job_work import analysis_request, moment_event, serve
from oof_pipelines.settings import Settings, load_settings
from oof_pipelines.storage.postgres.jobs import PostgresJobs
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.workflows.ceilings import Ceilings
from oof_pipelines.workflows.request_analysis import ANALYZE, analysis_payload
from oof_pipelines.workflows.serve_jobs import ServeReport, ServeTerms

WALLET = "Vote111111111111111111111111111111111111111"
NOBODY = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"


@pytest.fixture(scope="module")
def home() -> Iterator[FilledHome]:
    """Three days wait in the inbox; nothing is folded."""
    folder = Path(tempfile.mkdtemp(prefix="oof-w-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "server")
    try:
        url = server.start()
        migrate(url, load_settings({}).migrations_folder)
        yield FilledHome(folder, url, fill(url))
    finally:
        server.erase()
        shutil.rmtree(folder)


def settings_of(home: FilledHome, **more: str) -> Settings:
    return load_settings({"OOF_HOME": str(home.home), "DATABASE_URL": home.url, **more})


def serve_all(home: FilledHome, settings: Settings | None = None) -> ServeReport:
    return serve(settings or settings_of(home), home.url, ServeTerms(linger_seconds=0))


def payload(*wallets: str, **more: Any) -> dict[str, Any]:
    return {**analysis_payload(wallets, None, None, {}), **more}


def test_a_payload_that_was_queued_is_read_back() -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    queued = analysis_payload([WALLET], 30, at, {"max_tx": 5, "max_cpu_ms": None})
    request = analysis_request(json.loads(json.dumps(queued)))
    assert (request.wallets, request.days, request.as_of) == ((WALLET,), 30, at)
    assert request.ceilings == Ceilings(max_tx=5)


@pytest.mark.parametrize(
    ("poisoned", "said"),
    [
        ({}, "wallets"),
        (payload(), "names no wallet"),
        (payload("nobody"), "'nobody' is no wallet address"),
        (payload(WALLET, days="many"), "days"),
        (payload(WALLET, days=0), "0 days"),
        (payload(WALLET, as_of="2026-01-31T12:00:00"), "no zone"),
        (payload(WALLET, ceilings={"max_tx": -0.5}), "max_tx"),
        (payload(WALLET, colour="red"), "colour"),
    ],
)
def test_a_poisoned_payload_says_what_is_wrong(poisoned: dict[str, Any], said: str) -> None:
    with pytest.raises(PoisonedJobError, match=said):
        analysis_request(poisoned)


def test_a_moment_is_told_in_text() -> None:
    moment = Moment(
        id="m",
        wallet=WALLET,
        mint="mint",
        kind="S2E",
        t_event_s=1_767_225_600,
        window_start_s=0,
        window_end_s=1,
        pct=Decimal("0.25"),
        missed_usd_e18=12_500_000_000_000_000_000,
        reachable_usd_e18=None,
        severity=Decimal("1E-18"),
        signature="s",
        path="0",
        slot=1,
        version="1",
        status="open",
        price_source="candle",
        confidence=Decimal(1),
        explain={},
    )
    told = moment_event(moment)
    assert told.kind is JobEventKind.MOMENT
    assert (told.payload["missed_usd"], told.payload["severity"]) == ("12.500000000000000000", "0.000000000000000001")
    assert told.payload["event_at"] == "2026-01-01T00:00:00Z"


def test_a_ceiling_ends_it_in_part_and_continuations_end_it_whole(home: FilledHome) -> None:
    [(wallet, _)] = Counter(transaction.fee_payer for transaction in home.transactions).most_common(1)
    asked = payload(wallet, is_stored_only=True, ceilings={"max_cpu_ms": 1})
    with PostgresJobs(lambda: home.url) as jobs:
        first_id = jobs.enqueue(NewJob(ANALYZE, asked, user_id="u", priority=2)).id
        serve_all(home)
        chain = [job for job in jobs.newest(100) if first_id in (job.id, job.parent_id)]
    # A day at least is made by each.
    assert 2 <= len(chain) <= 4
    assert {job.status for job in chain} == {JobStatus.DONE}
    assert {(job.user_id, job.priority) for job in chain} == {("u", 2)}
    # The newest is first: it hit nothing, those before it did.
    assert [bool(job.result and job.result["ceilings_hit"]) for job in chain] == [False, *[True] * (len(chain) - 1)]


def test_an_analysis_is_done_and_told(home: FilledHome) -> None:
    [(wallet, _)] = Counter(transaction.fee_payer for transaction in home.transactions).most_common(1)
    with PostgresJobs(lambda: home.url) as jobs:
        job_id = jobs.enqueue(NewJob(ANALYZE, payload(wallet, is_stored_only=True))).id
        report = serve_all(home)
        job = jobs.get(job_id)
        events = jobs.events(job_id)
    assert report.done == 1
    assert job is not None
    assert job.status is JobStatus.DONE, job.last_error
    assert job.result is not None
    assert (job.result["wallets"], job.result["calls"]) == ([wallet], {})
    assert job.result["events"] > 0
    # Nobody listed the wallet, so nothing is claimed.
    [certificate] = job.result["certificates"]
    assert (certificate["is_complete"], job.result["is_complete"]) == (False, False)
    assert certificate["reasons"]
    assert events[-1].payload == job.result
    assert {event.kind for event in events[:-1]} <= {JobEventKind.PROGRESS, JobEventKind.MOMENT}
    assert events[0].kind is JobEventKind.PROGRESS


def test_what_nobody_can_answer_is_dead_at_once(home: FilledHome) -> None:
    with PostgresJobs(lambda: home.url) as jobs:
        job_id = jobs.enqueue(NewJob(ANALYZE, payload(NOBODY))).id
        report = serve_all(home)
        job = jobs.get(job_id)
    assert (report.dead, report.failed) == (1, 0)
    assert job is not None
    assert (job.status, job.last_error) == (JobStatus.DEAD, f"nothing is stored of {NOBODY}")


def test_an_outage_is_tried_again_and_no_key_is_told(home: FilledHome, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = "http://127.0.0.1:9/?api-key=hunter2-hunter2"

    def away(*_arguments: object, **_named: object) -> NoReturn:
        raise SourceUnavailableError(f"no endpoint answered:\n{endpoint} refused")

    monkeypatch.setattr(job_work, "run_analysis", away)
    with PostgresJobs(lambda: home.url) as jobs:
        job_id = jobs.enqueue(NewJob(ANALYZE, payload(NOBODY))).id
        report = serve_all(home, settings_of(home, RPC_PRIMARY=endpoint))
        job = jobs.get(job_id)
        jobs.cancel(job_id)
    assert (report.dead, report.failed) == (0, 1)
    assert job is not None
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 1)
    assert (job.last_error or "").startswith("SourceUnavailableError: no endpoint answered: http://127.0.0.1:9")
    assert "hunter2" not in (job.last_error or "")
