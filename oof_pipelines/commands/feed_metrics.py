"""The feed's counts as Prometheus metrics (`oof_feed_*`, `oof_geyser_*`, `oof_decode_*`), read when scraped."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from oof_pipelines.decode.program_names import PROGRAM_NAMES
from oof_pipelines.workflows.decode_tally import DecodeTally, ProgramTally
from oof_pipelines.workflows.feature_stream import FeatureCounts
from oof_pipelines.workflows.feed_counts import FeedCounts, GeyserCounts

GAUGES = ("in_flight", "newest_slot", "finalized_slot", "held", "lag_slots")


class FeedCollector(Collector):
    """Counts of a running feed and of its Geyser stream, what it decoded by program, its RPC calls by method and outcome."""

    def __init__(
        self,
        counts: FeedCounts,
        tally: DecodeTally,
        rpc_outcomes: Counter[tuple[str, str]],
        features: FeatureCounts | None = None,
        geyser: GeyserCounts | None = None,
    ) -> None:
        self._counts = counts
        self._geyser = geyser
        self._features = features or FeatureCounts()
        self._tally = tally
        self._rpc_outcomes = rpc_outcomes

    def register(self) -> None:
        REGISTRY.register(self)

    def collect(self) -> Iterator[Metric]:
        yield from _counted("feed", self._counts)
        if self._geyser is not None:
            yield from _counted("geyser", self._geyser)
        yield from self._decoding()
        for field in fields(self._features):
            text = f"features_1m: {field.name.replace('_', ' ')} since start"
            yield CounterMetricFamily(f"oof_features_{field.name}", text, value=getattr(self._features, field.name))
        calls = CounterMetricFamily("oof_rpc_calls", "RPC calls by outcome", labels=["method", "outcome"])
        for (method, outcome), count in sorted(self._rpc_outcomes.items()):
            calls.add_metric([method, outcome], count)
        yield calls

    def _decoding(self) -> Iterator[Metric]:
        for name, text, value in (
            ("stored", "stored transactions seen by the decoder", self._tally.transactions),
            ("decoded", "transactions decoded", self._tally.decoded),
            ("conserved", "decoded transactions whose moves add up to post − pre", self._tally.conserved),
            (
                "unread_instructions",
                "instructions of a known program that fit none of its layouts",
                self._tally.unread_instructions,
            ),
        ):
            yield CounterMetricFamily(f"oof_decode_{name}", text, value=value)
        by_name = self._by_name()
        for field, text in (
            ("transactions", "decoded transactions by lead program"),
            ("residual", "transactions with a residual by lead program"),
            ("moved_lamports", "lamports moved, counted once, by lead program"),
            ("residual_lamports", "lamports that no instruction explains by lead program"),
            ("calls", "calls of a program that is decoded"),
            ("unknown_calls", "calls whose discriminator no layout of the program declares"),
            ("unread_calls", "calls that did not fit their layout"),
        ):
            family = CounterMetricFamily(f"oof_decode_program_{field}", text, labels=["program"])
            for name, one in sorted(by_name.items()):
                family.add_metric([name], getattr(one, field))
            yield family

    def _by_name(self) -> dict[str, ProgramTally]:
        """Tallies by program name; programs without a name here are one, or the labels would have no end."""
        by_name: dict[str, ProgramTally] = {}
        for program_id, one in list(self._tally.by_program.items()):
            total = by_name.setdefault(PROGRAM_NAMES.get(program_id, "other"), ProgramTally())
            total.transactions += one.transactions
            total.residual += one.residual
            total.moved_lamports += one.moved_lamports
            total.residual_lamports += one.residual_lamports
            total.calls += one.calls
            total.unknown_calls += one.unknown_calls
            total.unread_calls += one.unread_calls
        return by_name


def _counted(source: str, counts: FeedCounts | GeyserCounts) -> Iterator[Metric]:
    for field in fields(counts):
        value = getattr(counts, field.name)
        if field.name in GAUGES:
            yield GaugeMetricFamily(f"oof_{source}_{field.name}", f"{source}: {field.name}", value=value)
        else:
            yield CounterMetricFamily(f"oof_{source}_{field.name}", f"{source}: {field.name} since start", value=value)
