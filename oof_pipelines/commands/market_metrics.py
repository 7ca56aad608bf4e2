"""Refreshes and streams of market data as Prometheus metrics (`oof_market_*`), read when scraped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from oof_pipelines.interfaces import Clock
from oof_pipelines.transport.market.breaker import BreakerState
from oof_pipelines.transport.market.service import MarketService
from oof_pipelines.workflows.refresh_asking import RefreshReport
from oof_pipelines.workflows.refresh_streams import StreamCounts


@dataclass(slots=True)
class RefreshTally:
    """What the reports of one refresh add up to."""

    runs: int = 0
    failures: int = 0
    readings: int = 0
    stored: int = 0
    missing: int = 0
    refused: int = 0
    last_good_at: datetime | None = None

    def add(self, report: RefreshReport) -> None:
        self.runs += 1
        self.failures += report.error is not None
        self.readings += report.readings
        self.stored += report.stored
        self.missing += report.missing
        self.refused += report.refused
        self.last_good_at = report.last_good_at or self.last_good_at


_COUNTED = {
    "runs": "times a refresh was made",
    "failures": "refreshes that ended in an error",
    "readings": "readings believed",
    "stored": "readings that were not stored before",
    "missing": "subjects that the source does not know",
    "refused": "readings refused and quarantined",
}
_STREAM_COUNTED = {
    "heard": "readings heard on a stream",
    "stored": "of them stored",
    "refused": "refused and quarantined",
    "lost": "heard and not kept, because the database was away",
    "downs": "times a stream went down",
}


@dataclass
class MarketTelemetry:
    """What a running `oof market` counts."""

    tallies: dict[str, RefreshTally] = field(default_factory=dict)
    streams: dict[str, StreamCounts] = field(default_factory=dict)

    def add(self, report: RefreshReport) -> None:
        self.tallies.setdefault(report.name, RefreshTally()).add(report)


class MarketCollector(Collector):
    """The counts, how old each refresh's last good answer is, and the services' calls and breakers."""

    def __init__(self, telemetry: MarketTelemetry, services: Sequence[MarketService], clock: Clock) -> None:
        self._telemetry = telemetry
        self._services = services
        self._clock = clock

    def register(self) -> None:
        REGISTRY.register(self)

    def collect(self) -> Iterator[Metric]:
        tallies = sorted(self._telemetry.tallies.items())
        for name, text in _COUNTED.items():
            family = CounterMetricFamily(f"oof_market_refresh_{name}", text, labels=["refresh"])
            for refresh, tally in tallies:
                family.add_metric([refresh], getattr(tally, name))
            yield family
        age = GaugeMetricFamily(
            "oof_market_last_good_age_seconds", "age of the last answer that was believed", labels=["refresh"]
        )
        for refresh, tally in tallies:
            if tally.last_good_at is not None:
                age.add_metric([refresh], (self._clock.now() - tally.last_good_at).total_seconds())
        yield age
        yield from self._streams()
        yield from self._calls()

    def _streams(self) -> Iterator[Metric]:
        streams = sorted(self._telemetry.streams.items())
        for name, text in _STREAM_COUNTED.items():
            family = CounterMetricFamily(f"oof_market_stream_{name}", text, labels=["stream"])
            for stream, counts in streams:
                family.add_metric([stream], getattr(counts, name))
            yield family
        is_up = GaugeMetricFamily("oof_market_stream_is_up", "1 while a stream brings readings", labels=["stream"])
        for stream, counts in streams:
            is_up.add_metric([stream], int(counts.is_up))
        yield is_up

    def _calls(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "oof_market_calls", "calls of market services by outcome", labels=["source", "outcome"]
        )
        breakers = GaugeMetricFamily("oof_market_breaker_is_open", "1 while a service is left alone", labels=["source"])
        for service in self._services:
            for outcome, count in sorted(service.outcomes.items()):
                calls.add_metric([service.source, outcome], count)
            breakers.add_metric([service.source], int(service.breaker.state is BreakerState.OPEN))
        yield calls
        yield breakers
