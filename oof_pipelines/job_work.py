"""The job queue joined to what its jobs do, once for Dagster's standing run and for `oof work`."""

import os
import random
import secrets
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from oof_pipelines.analysis_work import AnalysisOutcome, NothingStoredError, run_analysis
from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.chain.exchanges import ExchangeConfigError
from oof_pipelines.config_files import ConfigFileError
from oof_pipelines.detectors.moment import Moment, text_of_e18
from oof_pipelines.detectors.thresholds import DetectorConfigError
from oof_pipelines.interfaces import SourceRefusedError
from oof_pipelines.job_interfaces import Job, JobEvent, JobEventKind, JobOutcome, PoisonedJobError
from oof_pipelines.settings import Settings, SettingsError
from oof_pipelines.storage.postgres.database import running_database_url
from oof_pipelines.storage.postgres.jobs import PostgresJobs
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.analysis_request import AnalysisRequest
from oof_pipelines.workflows.request_analysis import ANALYZE
from oof_pipelines.workflows.running_job import JobHandler, Progress
from oof_pipelines.workflows.serve_jobs import ServeReport, ServeTerms, serve_jobs

# What is configured or asked for so is so at the next attempt too.
_HOPELESS = (
    SettingsError,
    ConfigFileError,
    ExchangeConfigError,
    DetectorConfigError,
    SourceRefusedError,
    NothingStoredError,
)
_WORKER_BYTES = 4

JOBS_AT_ONCE = 2
"""So many jobs a worker does at a time: one that waits for a node, or goes on for minutes, does not hold up the next."""


def serve(
    settings: Settings,
    url: str,
    terms: ServeTerms,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    run_id: str | None = None,
) -> ServeReport:
    """Serve the queue of the migrated database at `url`; see `serve_jobs`. `run_id` is the Dagster run that does."""
    randomness = random.Random()  # noqa: S311 - jitter, not a secret
    with open_jobs(settings, run_id=run_id) as jobs:
        return serve_jobs(
            jobs,
            job_handlers(settings, url),
            SystemClock(),
            terms,
            worker=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(_WORKER_BYTES)}",
            should_stop=should_stop,
            jitter=randomness.random,
            error_text=lambda error: _error_text(error, settings),
        )


def open_jobs(settings: Settings, *, run_id: str | None = None) -> PostgresJobs:
    """The queue of the settings' database, which is migrated already. To be used as a context manager."""
    return PostgresJobs(lambda: running_database_url(settings.database_url, settings.home), run_id=run_id)


def job_handlers(settings: Settings, url: str) -> Mapping[str, JobHandler]:
    """Kind → what does jobs of it."""

    def analyze(job: Job, progress: Progress) -> JobOutcome:
        request = analysis_request(job.payload)
        try:
            outcome = run_analysis(settings, url, request, on_progress=progress)
        except _HOPELESS as error:
            raise PoisonedJobError(_error_text(error, settings)) from error
        return analysis_outcome(outcome)

    return {ANALYZE: analyze}


def analysis_request(payload: Mapping[str, Any]) -> AnalysisRequest:
    """What a job's payload asks for. Raises `PoisonedJobError` for what is none."""
    try:
        request = msgspec.convert(dict(payload), AnalysisRequest)
    except msgspec.ValidationError as error:
        raise PoisonedJobError(f"payload: {error}") from None
    if not request.wallets:
        raise PoisonedJobError("payload: names no wallet")
    for wallet in request.wallets:
        if not is_pubkey(wallet):
            raise PoisonedJobError(f"payload: {wallet[:60]!r} is no wallet address (32 bytes in base58)")
    if request.days is not None and request.days < 1:
        raise PoisonedJobError(f"payload: {request.days} days are none")
    if request.as_of is not None and request.as_of.tzinfo is None:
        raise PoisonedJobError("payload: as_of has no zone")
    return request


def analysis_outcome(outcome: AnalysisOutcome) -> JobOutcome:
    """What a job tells of an analysis: each moment, and in its last event the figures and how complete they are."""
    analysis, summary = outcome.analysis, outcome.analysis.summary
    certificates = outcome.certificates
    result = {
        "wallets": list(analysis.wallets),
        "as_of": _instant(analysis.as_of),
        "since": None if analysis.since is None else _instant(analysis.since),
        "events": analysis.events,
        "episodes": summary.episodes,
        "trades": summary.trades,
        "realized_pnl_usd": text_of_e18(summary.realized_pnl_usd_e18),
        "unrealized_pnl_usd": text_of_e18(summary.unrealized_pnl_usd_e18),
        "moments": len(analysis.moments),
        "moments_by_kind": summary.moments,
        "missed_usd": text_of_e18(summary.missed_usd_e18),
        "is_complete": bool(certificates) and all(one.is_complete for one in certificates),
        "certificates": [
            {"wallet": one.wallet, "is_complete": one.is_complete, "reasons": list(one.reasons)} for one in certificates
        ],
        "calls": outcome.calls,
        "ceilings_hit": list(outcome.ceilings_hit),
        "left_behind": list(outcome.left_behind),
        "unknown_wallets": list(outcome.unknown_wallets),
    }
    continuation = None if outcome.continuation is None else msgspec.to_builtins(outcome.continuation)
    return JobOutcome(result, [moment_event(moment) for moment in analysis.moments], continuation)


def moment_event(moment: Moment) -> JobEvent:
    """What a job tells of a moment; dollars, shares and severities as text."""
    return JobEvent(
        JobEventKind.MOMENT,
        {
            "id": moment.id,
            "kind": moment.kind,
            "wallet": moment.wallet,
            "mint": moment.mint,
            "event_at": _instant(datetime.fromtimestamp(moment.t_event_s, UTC)),
            "pct": format(moment.pct, "f"),
            "missed_usd": None if moment.missed_usd_e18 is None else text_of_e18(moment.missed_usd_e18),
            "severity": format(moment.severity, "f"),
            "confidence": format(moment.confidence, "f"),
            "status": moment.status,
            "signature": moment.signature,
            "price_source": moment.price_source,
            "version": moment.version,
        },
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _error_text(error: BaseException, settings: Settings) -> str:
    """One line, without passwords and keys that a library's words may hold."""
    words = " ".join(str(error).split())
    text = (
        words if isinstance(error, _HOPELESS) else f"{type(error).__name__}: {words}" if words else type(error).__name__
    )
    urls = [*settings.rpc_endpoints, *settings.rpc_sockets, *([settings.database] if settings.database else [])]
    for secret in (*urls, *settings.market.secrets):
        text = secret.hide_in(text)
    return text
