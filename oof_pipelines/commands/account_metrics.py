"""Counts of the accounts that the feed follows as Prometheus metrics (`oof_accounts_*`, `oof_account_hints_*`)."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from oof_pipelines.commands.account_sources import AccountSources

_GAUGES = ("vaults", "newest_slot")
# What was odd is told by kind in the log; as a label it would have no end.
_SUMMED = "unknown"


class AccountCollector(Collector):
    """Reads the counts when scraped."""

    def __init__(self, sources: AccountSources) -> None:
        self._sources = sources

    def register(self) -> None:
        REGISTRY.register(self)

    def collect(self) -> Iterator[Metric]:
        if self._sources.hints is not None:
            yield from _counted("account_hints", self._sources.hints.counts)
        if self._sources.keeper is not None:
            yield from _counted("accounts", self._sources.keeper.counts)
        if self._sources.stream is not None:
            yield from _counted("account_stream", self._sources.stream.counts)


def _counted(source: str, counts: Any) -> Iterator[Metric]:
    for field in fields(counts):
        value = getattr(counts, field.name)
        if field.name in _GAUGES:
            yield GaugeMetricFamily(f"oof_{source}_{field.name}", f"{source}: {field.name}", value=value)
        else:
            total = value.total() if field.name == _SUMMED else value
            yield CounterMetricFamily(f"oof_{source}_{field.name}", f"{source}: {field.name} since start", value=total)
