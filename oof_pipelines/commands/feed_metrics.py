"""The feed's counts as Prometheus metrics (`oof_feed_*`), read when scraped."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from oof_pipelines.workflows.follow import FeedCounts

GAUGES = ("in_flight", "newest_slot", "finalized_slot")


class FeedCollector(Collector):
    """Counts of a running feed, and its RPC calls by method and outcome."""

    def __init__(self, counts: FeedCounts, rpc_outcomes: Counter[tuple[str, str]]) -> None:
        self._counts = counts
        self._rpc_outcomes = rpc_outcomes

    def register(self) -> None:
        REGISTRY.register(self)

    def collect(self) -> Iterator[Metric]:
        for field in fields(self._counts):
            value = getattr(self._counts, field.name)
            if field.name in GAUGES:
                yield GaugeMetricFamily(f"oof_feed_{field.name}", f"feed: {field.name}", value=value)
            else:
                yield CounterMetricFamily(f"oof_feed_{field.name}", f"feed: {field.name} since start", value=value)
        calls = CounterMetricFamily("oof_rpc_calls", "RPC calls by outcome", labels=["method", "outcome"])
        for (method, outcome), count in sorted(self._rpc_outcomes.items()):
            calls.add_metric([method, outcome], count)
        yield calls
