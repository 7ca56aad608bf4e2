"""`GET /metrics`: what the API did since it started, and how the platform stands, counted at most every few seconds."""

from collections.abc import Iterator
from typing import Protocol

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from oof_pipelines.api.cached import Cached
from oof_pipelines.api.hint_writer import HintWriter
from oof_pipelines.api.request_log import LATENCY_BUCKETS_S, RequestTimes
from oof_pipelines.api.webhook import WebhookReceiver
from oof_pipelines.interfaces import Clock
from oof_pipelines.storage.postgres.platform_state import PlatformFigures

METRICS_ROUTE = "/metrics"
_KEPT_SECONDS = 10.0


class CountedState(Protocol):
    """Where the platform's figures are read from. Does not raise."""

    async def figures(self) -> PlatformFigures: ...


class Metrics:
    """The page, over counts that are kept elsewhere."""

    def __init__(
        self, state: CountedState, receiver: WebhookReceiver, writer: HintWriter, times: RequestTimes, clock: Clock
    ) -> None:
        self._figures = Cached(state.figures, _KEPT_SECONDS, clock)
        self._receiver = receiver
        self._writer = writer
        self._times = times

    async def page(self) -> bytes:
        """In Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(_Families([*self._requests(), *self._webhook(), *_platform(await self._figures.get())]))
        return generate_latest(registry)

    def _requests(self) -> Iterator[Metric]:
        answers = CounterMetricFamily("oof_api_requests", "answers by route and status", labels=["route", "status"])
        for (route, status), count in sorted(self._times.answers.items()):
            answers.add_metric([route, str(status)], count)
        yield answers
        seconds = HistogramMetricFamily("oof_api_request_seconds", "time until the answer was sent", labels=["route"])
        for route, buckets in sorted(self._times.buckets.items()):
            names = [*map(str, LATENCY_BUCKETS_S), "+Inf"]
            seconds.add_metric([route], list(zip(names, buckets, strict=True)), self._times.seconds[route])
        yield seconds

    def _webhook(self) -> Iterator[Metric]:
        outcomes = CounterMetricFamily("oof_webhook_requests", "webhook deliveries by outcome", labels=["outcome"])
        for outcome, count in sorted(self._receiver.outcomes.items()):
            outcomes.add_metric([outcome], count)
        yield outcomes
        counts = self._writer.counts
        hints = CounterMetricFamily(
            "oof_webhook_hints", "hints: new, known (queued or stored before), refused", labels=["result"]
        )
        for result, count in (
            ("new", counts.new),
            ("known", counts.known),
            ("refused", self._receiver.refused_entries),
        ):
            hints.add_metric([result], count)
        yield hints
        refused = CounterMetricFamily(
            "oof_webhook_refused", "authenticated deliveries answered with 503: possible gaps", labels=["reason"]
        )
        for reason, count in sorted(counts.refused.items()):
            refused.add_metric([reason], count)
        yield refused
        yield CounterMetricFamily("oof_webhook_commits", "transactions that queued hints", value=counts.commits)


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


# Of these there is a sample also where there are none, so that an alert can be written on nought.
_KNOWN_LABELS = {
    "queue": ("socket", "repair", "reorg", "webhook", "account", "backfill"),
    "jobs": ("queued", "running", "done", "dead", "cancelled"),
}


def _platform(read: PlatformFigures) -> Iterator[Metric]:
    for name, text, label, figure in (
        ("oof_queue_length", "signatures queued to be fetched", "source", "queue"),
        ("oof_transactions_stored", "stored transactions, estimated where they are many", "", "transactions"),
        ("oof_transactions_provisional", "stored transactions not yet seen finalised", "", "provisional"),
        ("oof_quarantined", "signatures in quarantine", "reason", "quarantine"),
        ("oof_moments", "moments served", "kind", "moments"),
        ("oof_jobs", "jobs by status", "status", "jobs"),
    ):
        if figure in read.figures:
            family = GaugeMetricFamily(name, text, labels=[label] if label else [])
            for value, (count, _) in _rows(read, figure):
                family.add_metric([value] if label else [], count)
            yield family
    for name, text, label, figure in (
        ("oof_queue_oldest_seconds", "how long the oldest queued signature has been queued", "source", "queue"),
        ("oof_jobs_lag_seconds", "how long the oldest due job has been waiting", "status", "jobs"),
    ):
        if figure in read.figures:
            family = GaugeMetricFamily(name, text, labels=[label])
            for value, (_, seconds) in _rows(read, figure):
                family.add_metric([value], seconds)
            yield family
    missing = GaugeMetricFamily("oof_figures_missing", "figures that could not be read in time", labels=["figure"])
    for name in read.missing:
        missing.add_metric([name], 1)
    yield missing


def _rows(read: PlatformFigures, figure: str) -> list[tuple[str, tuple[int, float]]]:
    none = dict.fromkeys(_KNOWN_LABELS.get(figure, ()), (0, 0.0))
    return sorted((none | read.figures[figure]).items())


def metrics_router(metrics: Metrics) -> APIRouter:
    """The route over the page."""
    router = APIRouter()

    @router.get(METRICS_ROUTE)
    async def answer() -> Response:
        return Response(await metrics.page(), media_type=CONTENT_TYPE_LATEST)

    return router
