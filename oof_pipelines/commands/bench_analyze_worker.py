"""One measured analysis, in a process of its own, so that its memory is its own.

`python -m oof_pipelines.commands.bench_analyze_worker STORE SWAPS SEED` says its `Measured` as one line of JSON. It reads
what `oof analyze` reads of a stored wallet and calls what it calls; there are no quotes of a made-up wallet in Postgres.
"""

import gc
import resource
import sys
import time
from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path

import msgspec

from oof_pipelines.commands.analyze import OBJECTS_BEFORE_A_LOOK
from oof_pipelines.commands.bench_analyze_world import WalletWorld
from oof_pipelines.config_files import read_config
from oof_pipelines.detectors.input import SeenQuote
from oof_pipelines.detectors.thresholds import FILE, read_thresholds
from oof_pipelines.positions.valued import PositionRules
from oof_pipelines.storage.parquet.minute_candles import ParquetMinuteCandles
from oof_pipelines.storage.parquet.pool_events import ParquetPoolEvents
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.analyze_wallets import analyze_wallets
from oof_pipelines.workflows.minute_candles import MinuteCandles
from oof_pipelines.workflows.wallet_moments import Market, MomentRules


class Measured(msgspec.Struct, frozen=True):
    """Seconds from the files to the analysis, in all and by step, and what came of it. Memory in KiB, before and at most.

    `cpu_seconds` is what all threads of the process worked: on a busy machine it says more than `seconds`.
    """

    seconds: float
    cpu_seconds: float
    by_step: dict[str, float]
    events: int
    exits: int
    episodes: int
    moments: int
    idle_kib: int
    peak_kib: int


class _NoQuotes:
    """Nothing was quoted."""

    def quotes(self, mints: Collection[str], since: datetime, until: datetime) -> list[SeenQuote]:
        return []


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(folder: str, swaps: str, seed: str) -> None:
    """Measure once."""
    world, store = WalletWorld(int(swaps), int(seed)), ParquetStore(Path(folder))
    rules = MomentRules(read_thresholds(read_config(FILE)), PositionRules())
    gc.set_threshold(OBJECTS_BEFORE_A_LOOK)
    idle_kib = _peak_kib()
    steps: list[tuple[str, float]] = []
    began_at_s, began_cpu_s = time.perf_counter(), time.process_time()
    source = ParquetMinuteCandles(store)
    candles = MinuteCandles(source, date.min, world.until.date())
    analysis = analyze_wallets(
        store,
        source,
        Market(candles, ParquetPoolEvents(store), _NoQuotes()),
        rules,
        [world.wallet],
        world.until,
        at_step=lambda step: steps.append((step, time.perf_counter())),
    )
    ended_at_s, cpu_seconds = time.perf_counter(), time.process_time() - began_cpu_s
    ends = [at_s for _, at_s in steps[1:]] + [ended_at_s]
    measured = Measured(
        seconds=ended_at_s - began_at_s,
        cpu_seconds=cpu_seconds,
        by_step={name: end_s - at_s for (name, at_s), end_s in zip(steps, ends, strict=True)},
        events=analysis.events,
        exits=len(analysis.realized),
        episodes=len(analysis.episodes),
        moments=len(analysis.moments),
        idle_kib=idle_kib,
        peak_kib=_peak_kib(),
    )
    sys.stdout.write(msgspec.json.encode(measured).decode() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
