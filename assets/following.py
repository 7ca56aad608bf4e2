"""Which buckets a run over wallet buckets makes: all it names, or, where a sensor asked, those of them that lag.

A run takes one stretch of partitions, and the buckets that lag are seldom neighbours. Making the others again would write the
same bytes and take its time.
"""

import dagster as dg

from resources.warehouse import Asked

LAGGING_TAG = "oof/lagging"
LAGGING = "all"
"""The value of the tag that asks for every bucket that lags."""
LAGGING_SETTLED = "settled"
"""The value that leaves out what lags behind the newest stored day's prices alone."""

_ASKED = {LAGGING: Asked.LAGGING, LAGGING_SETTLED: Asked.LAGGING_SETTLED}


def buckets_asked(context: dg.AssetExecutionContext) -> tuple[list[int], Asked]:
    """(the buckets of the run, which of them it is to make)."""
    asked = _ASKED.get(context.run_tags.get(LAGGING_TAG, ""), Asked.NAMED)
    return [int(key) for key in context.partition_keys], asked
