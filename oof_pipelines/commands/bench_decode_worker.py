"""One measurement of decoding, in a process of its own, so that its memory and its threads are its own.

`python -m oof_pipelines.commands.bench_decode_worker ORDER` with an `Order` as JSON says `ready` on stdout, waits for the
file `go`, measures, and says its `Measured` as one line of JSON.
"""

import gc
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import polars as pl

from oof_pipelines.chain.compression import decompress_body
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.commands.bench_floor import read_typed
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.storage.parquet.decoded_rows import Place, Row, first_facts, frames_of, rows_of
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS, RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.decode_day import decode_frame
from oof_pipelines.workflows.decode_tally import DecodeTally
from oof_pipelines.workflows.decoded_checks import check_decoded
from oof_pipelines.workflows.wallet_slices import slice_digests

FLOOR = "msgspec alone"
DECODE_FRAME = "decode_frame"
PARTS = (
    "read the raw file",
    "decompress",
    "parse",
    "decode: book and actions",
    "conservation check, tally",
    "rows",
    "frames, sorted",
    "checks of the frames",
    "wallet slices",
    "write Parquet",
)
"""The parts of decoding a day, in their order."""
READ, DECOMPRESS, PARSE, DECODE, CONSERVATION, ROWS, FRAMES, CHECKS, SLICES, WRITE = PARTS

# Few enough that what is parsed dies young, as it does in production; enough that looking at the clock costs nothing.
_TRANSACTIONS_AT_ONCE = 100
_ROWS_AT_ONCE = 10_000
_WARM_UP = 300
_GO_POLL_SECONDS = 0.002
_GO_SECONDS = 600

T = TypeVar("T")
Frames = dict[str, pl.DataFrame]


class Order(msgspec.Struct, frozen=True):
    """What to measure: `kind` is `parts` (every part apart, beside the floor) or `day` (as production runs it)."""

    kind: str
    store: str
    output: str
    days: list[str]
    go: str
    passes: int = 1


class Measured(msgspec.Struct, frozen=True):
    """Seconds by part, over all passes; counts are of one pass. `…ed_s` are of the machine's monotonic clock."""

    seconds: dict[str, float]
    counts: dict[str, int]
    passes: int
    garbage_seconds: float
    idle_kib: int
    peak_kib: int
    started_s: float
    ended_s: float


class Stopwatch:
    """Adds up seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, name: str, work: Callable[[], T]) -> T:
        started_s = time.perf_counter()
        result = work()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started_s
        return result


class _GarbageClock:
    """How long the garbage collector ran."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started_s = 0.0
        gc.callbacks.append(self._on_collection)

    def _on_collection(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._started_s = time.perf_counter()
        else:
            self.seconds += time.perf_counter() - self._started_s


def measure(order: Order, wait: Callable[[], None] = lambda: None) -> Measured:
    """Warm up, `wait`, then measure what is ordered."""
    store, output = ParquetStore(Path(order.store)), ParquetStore(Path(order.output))
    days = [date.fromisoformat(day) for day in order.days]
    _warm_up(store, days[0])
    idle_kib = _memory_kib("VmRSS")
    garbage, watch = _GarbageClock(), Stopwatch()
    work = _parts if order.kind == "parts" else _as_production
    wait()
    started_s = time.monotonic()
    for _ in range(order.passes):
        counts: dict[str, int] = {}
        for day in days:
            for name, count in work(store, output, day, watch).items():
                counts[name] = counts.get(name, 0) + count
    ended_s = time.monotonic()
    return Measured(
        seconds=watch.seconds,
        counts=counts,
        passes=order.passes,
        garbage_seconds=garbage.seconds,
        idle_kib=idle_kib,
        # The kernel counts both by and by: a peak may be read as a little less than what was there before.
        peak_kib=max(idle_kib, _memory_kib("VmHWM")),
        started_s=started_s,
        ended_s=ended_s,
    )


def _as_production(store: ParquetStore, output: ParquetStore, day: date, watch: Stopwatch) -> dict[str, int]:
    """A day's decoding without its database: what `decode_day` does from the raw file to the decoded ones."""
    raw = watch.time(READ, lambda: _read(store, day))
    frames, tally = watch.time(DECODE_FRAME, lambda: decode_frame(raw))
    _finish(output, day, frames, tally, watch)
    return _counts(frames, tally)


def _parts(store: ParquetStore, output: ParquetStore, day: date, watch: Stopwatch) -> dict[str, int]:
    """The same with every part apart, and the floor over each batch beside it."""
    raw = watch.time(READ, lambda: _read(store, day))
    tally = DecodeTally()
    parts: list[Frames] = [frames_of({name: [] for name in DECODED_DATASETS})]
    for start in range(0, raw.height, _ROWS_AT_ONCE):
        rows: dict[str, list[Row]] = {name: [] for name in DECODED_DATASETS}
        for batch in raw.slice(start, _ROWS_AT_ONCE).iter_slices(_TRANSACTIONS_AT_ONCE):
            _batch(batch, rows, tally, watch)
        parts.append(watch.time(FRAMES, lambda rows=rows: frames_of(rows)))  # type: ignore[misc]
    frames = watch.time(FRAMES, lambda: _joined(parts))
    _finish(output, day, frames, tally, watch)
    counts = _counts(frames, tally)
    if _counts(*watch.time(DECODE_FRAME, lambda: decode_frame(raw))) != counts:
        raise SystemExit(f"{day}: decode_frame and its parts do not count alike")
    return counts


def _batch(batch: pl.DataFrame, rows: dict[str, list[Row]], tally: DecodeTally, watch: Stopwatch) -> None:
    columns = batch.select("signature", "slot", "tx_index", "block_time").iter_rows()
    places = [Place(*row) for row in columns]
    packed = batch["body_zstd"].to_list()
    bodies = watch.time(DECOMPRESS, lambda: [decompress_body(body) for body in packed])
    watch.time(FLOOR, lambda: [read_typed(body) for body in bodies])
    parsed = watch.time(PARSE, lambda: [parse_transaction(body) for body in bodies])
    decoded = watch.time(DECODE, lambda: [decode_transaction(one) for one in parsed])

    def check() -> None:
        for one in decoded:
            tally.add(one)

    def fill() -> None:
        for place, one in zip(places, decoded, strict=True):
            for name, its_rows in rows_of(place, one).items():
                rows[name] += its_rows

    watch.time(CONSERVATION, check)
    watch.time(ROWS, fill)


def _joined(parts: list[Frames]) -> Frames:
    frames = {name: pl.concat([part[name] for part in parts]) for name in DECODED_DATASETS}
    frames["token_facts"] = first_facts(frames["token_facts"])
    return {name: DECODED_DATASETS[name].arrange(frame) for name, frame in frames.items()}


def _finish(output: ParquetStore, day: date, frames: Frames, tally: DecodeTally, watch: Stopwatch) -> None:
    checks = watch.time(CHECKS, lambda: check_decoded(day, frames, tally))
    failed = [f"{check.name}: {check.detail}" for check in checks if check.is_blocking and not check.has_passed]
    if failed:
        raise SystemExit(f"{day}: {failed[0]}")
    for name, frame in frames.items():
        watch.time(WRITE, lambda name=name, frame=frame: output.write(name, day, frame))  # type: ignore[misc]
    watch.time(SLICES, lambda: slice_digests(frames))


def _counts(frames: Frames, tally: DecodeTally) -> dict[str, int]:
    rows = {name: frame.height for name, frame in frames.items()}
    return {
        "transactions": tally.transactions,
        "decoded": tally.decoded,
        "conserved": tally.conserved,
        "residual": tally.total.residual,
        **rows,
    }


def _read(store: ParquetStore, day: date) -> pl.DataFrame:
    raw = store.read(RAW_TRANSACTIONS.name, day)
    if raw is None:
        raise SystemExit(f"there is no file of {day} to measure")
    return raw


def _warm_up(store: ParquetStore, day: date) -> None:
    """Run everything once on a few transactions: what is loaded or built on first use is nobody's cost."""
    path = store.path(RAW_TRANSACTIONS.name, day)
    raw = pl.scan_parquet(path).head(_WARM_UP).collect()
    frames, tally = decode_frame(raw)
    check_decoded(day, frames, tally)
    slice_digests(frames)
    watch, rows = Stopwatch(), {name: list[Row]() for name in DECODED_DATASETS}
    _batch(raw, rows, DecodeTally(), watch)


def _memory_kib(field: str) -> int:
    """VmRSS (resident now) or VmHWM (resident at most, so far) of this process, in KiB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise SystemExit(f"the system does not say {field}")


def _wait_for(go: Path) -> None:
    print("ready", flush=True)  # noqa: T201 - a line to the parent process
    give_up_s = time.monotonic() + _GO_SECONDS
    while not go.exists():
        if time.monotonic() > give_up_s:
            raise SystemExit(f"nobody said go within {_GO_SECONDS} s")
        time.sleep(_GO_POLL_SECONDS)


def main(arguments: list[Any]) -> None:
    """Do what the one argument orders."""
    order = msgspec.json.decode(arguments[0], type=Order)
    measured = measure(order, lambda: _wait_for(Path(order.go)))
    print(msgspec.json.encode(measured).decode(), flush=True)  # noqa: T201 - a line to the parent process


if __name__ == "__main__":
    main(sys.argv[1:])
