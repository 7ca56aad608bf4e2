"""`oof bench decode`: what a transaction costs from stored bytes to decoded Parquet, and how that grows with a day."""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import click
import msgspec

from oof_pipelines.commands import bench_decode_tables as tables
from oof_pipelines.commands.bench_days import (
    EXECUTED,
    Recorded,
    read_recorded,
    synthetic_volume,
    write_recorded_day,
    write_synthetic_day,
)
from oof_pipelines.commands.bench_decode_worker import Measured, Order
from oof_pipelines.commands.bench_peer import bench_peer
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.fresh_home import fresh_home
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.commands.processes import Child, Processes
from oof_pipelines.commands.recorded_chain import RecordedFolder, check_recorded
from oof_pipelines.commands.steps import Steps
from oof_pipelines.settings import Settings, load_settings
from oof_pipelines.storage.parquet.store import ParquetStore

LARGEST = 1_000_000
_SIZES = (1_000, 10_000, 100_000, LARGEST)
_PARTS_TRANSACTIONS = 10_000
_PARALLEL_TRANSACTIONS = 20_000
# A larger day takes minutes; its noise is small beside it.
_MOST_REPEATED = 100_000
# Recorded transactions are few: one measurement goes over them several times.
_RECORDED_PASSES = 5
_READY_SECONDS = 120
_DAY_SECONDS = 3_600
# One core means one: Polars would sort and write on all of them.
_ONE_CORE = {"POLARS_MAX_THREADS": "1"}

EPILOG = """\b
Examples:
  oof bench decode                              days of 1,000, 10,000 and 100,000 transactions
  oof bench decode --largest 1000000            and one of a million, some ten minutes more
  oof bench decode --largest 10000 --repetitions 7
  oof bench decode --recorded ../shared/fixtures
  oof bench decode --peer recorded/ block.json.gz --peer-modules peer/
"""


@dataclass(slots=True)
class Results:
    """What the rounds brought: `parts` a round, `days` by size, `alone` and `together` a round (one entry a process)."""

    parts: list[Measured] = field(default_factory=list)
    days: dict[int, list[Measured]] = field(default_factory=dict)
    alone: list[list[Measured]] = field(default_factory=list)
    together: list[list[Measured]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Workload:
    """The days on disk: one to take apart, one a size, and two equal ones; `passes` over the first; and words on them all."""

    apart: date
    by_size: dict[int, date]
    equal: tuple[date, date]
    passes: int
    note: str


@click.command(epilog=EPILOG)
@click.option(
    "--largest",
    type=WholeNumber(100, LARGEST),
    default=100_000,
    show_default=True,
    help="Transactions of the largest day; smaller ones are 1,000, 10,000 and 100,000.",
)
@click.option("--repetitions", type=WholeNumber(1, 99), default=3, show_default=True, help="Rounds, interleaved.")
@click.option("--seed", type=WholeNumber(), default=1, show_default=True, help="Another seed is another chain.")
@click.option(
    "--recorded",
    type=RecordedFolder(),
    help="Measure over the recorded transactions of this folder, as one day, instead.",
)
@click.argument("paths", metavar="[PATH…]", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--peer", is_flag=True, help="Measure and compare with solana-dex-parser (npm) over PATH… instead.")
@click.option(
    "--peer-modules",
    envvar="OOF_PEER_MODULES",
    type=click.Path(path_type=Path),
    help="npm prefix that holds node_modules/solana-dex-parser [env OOF_PEER_MODULES].",
)
@click.option("--json", "is_json", is_flag=True, help="With --peer: JSON lines instead of tables.")
@plain_errors
def decode(
    largest: int,
    repetitions: int,
    seed: int,
    recorded: Path | None,
    paths: tuple[Path, ...],
    peer: bool,
    peer_modules: Path | None,
    is_json: bool,
) -> None:
    """Transactions a second on one core, from stored bodies to moves, actions and Parquet, beside msgspec alone.

    Also what each part costs, time and memory as a day grows, and what a second process gains. Every measurement is a
    process of its own; medians, with the least and the most in brackets. It works in $OOF_HOME/bench, made anew.

    With --peer: our speed beside that of solana-dex-parser from the same bytes, in turn, and every trade on which the
    two differ, each with whom the transaction's own balances bear out. PATH… are files and folders of recorded
    transactions [default: --recorded, else ../shared/fixtures].
    """
    check_recorded(recorded)
    if peer:
        bench_peer(paths or ((recorded,) if recorded else ()), peer_modules, repetitions, is_json)
        return
    if paths or is_json:
        raise click.UsageError(f"{'--json' if is_json else 'PATH'} goes with --peer")
    settings = load_settings({"OOF_HOME": str(load_settings().home / "bench")})
    with fresh_home(settings.home), Steps() as steps:
        try:
            workload = _prepare(settings, largest, seed, recorded, steps)
            results = _run(settings, workload, repetitions, steps)
        finally:
            for folder in (settings.store, _output(settings)):
                shutil.rmtree(folder, ignore_errors=True)
    tables.show(workload.note, results.parts, results.days, results.alone, results.together)


def _prepare(settings: Settings, largest: int, seed: int, recorded: Path | None, steps: Steps) -> Workload:
    store = ParquetStore(settings.store)
    if recorded is not None:
        with steps.step("reading recorded transactions"):
            found = read_recorded(recorded)
        return _recorded_days(store, found)
    sizes = [*(size for size in _SIZES if size < largest), largest]
    apart, equal = min(largest, _PARTS_TRANSACTIONS), min(largest, _PARALLEL_TRANSACTIONS)
    with steps.step(f"executing {EXECUTED:,} transactions"):
        volume = synthetic_volume(seed)
    counts = dict.fromkeys([*sizes, apart, equal])
    days: dict[int, date] = {}
    with steps.step("writing raw days", total=sum(counts) + equal) as task:
        done = 0

        def write(number: int, count: int) -> date:
            nonlocal done
            day = write_synthetic_day(
                store, volume, number, count, lambda rows: steps.show(task, done + rows, sum(counts) + equal)
            )
            done += count
            return day

        for number, count in enumerate(counts):
            days[count] = write(number, count)
        twin = write(len(counts), equal)
    note = (
        f"synthetic: {EXECUTED:,} transactions were executed by a Solana virtual machine (System, token and memo programs, "
        "no swaps); larger days tell them again, re-encoded on the wire with fresh accounts, signatures (which verify "
        "against nothing), slots and places, so no two are equal"
    )
    return Workload(days[apart], {size: days[size] for size in sizes}, (days[equal], twin), 1, note)


def _recorded_days(store: ParquetStore, recorded: Recorded) -> Workload:
    count = len(recorded.bodies)
    if count == 0:
        raise click.ClickException("--recorded: no transaction in it can be read")
    first, second = (write_recorded_day(store, recorded, number) for number in (0, 1))
    note = (
        f"recorded: {count:,} transactions in the encodings they were recorded in, as one day, gone over "
        f"{_RECORDED_PASSES} times a measurement; {recorded.refused} more cannot be read, {recorded.repeated} were there "
        "before"
    )
    return Workload(first, {count: first}, (first, second), _RECORDED_PASSES, note)


def _run(settings: Settings, workload: Workload, repetitions: int, steps: Steps) -> Results:
    """Every measurement once a round, round after round, so that a busy minute of the machine meets them all."""
    results = Results(days={size: [] for size in workload.by_size})
    rounds = [_round(settings, workload, number, results) for number in range(repetitions)]
    jobs = [job for one_round in rounds for job in one_round]
    with (
        Processes(settings.home / "logs", {"OOF_HOME": str(settings.home), **_ONE_CORE}) as processes,
        steps.step("measuring", total=len(jobs)) as task,
    ):
        for done, (name, job) in enumerate(jobs):
            steps.describe(task, f"measuring {name}")
            job(processes)
            steps.show(task, done + 1, len(jobs))
    return results


_Job = tuple[str, Callable[[Processes], None]]


def _round(settings: Settings, workload: Workload, number: int, results: Results) -> list[_Job]:
    """The jobs of a round, each with its name."""
    passes = workload.passes

    def order(kind: str, *days: date) -> Order:
        return Order(
            kind=kind,
            store=str(settings.store),
            output=str(_output(settings) / days[0].isoformat()),
            days=[day.isoformat() for day in days],
            go=str(settings.home / "go"),
            passes=passes,
        )

    def day_of(size: int) -> Callable[[Processes], None]:
        it = order("day", workload.by_size[size])
        return lambda processes: results.days[size].extend(_measure(processes, [it]))

    one, other = workload.equal
    jobs: list[_Job] = [
        ("its parts", lambda processes: results.parts.extend(_measure(processes, [order("parts", workload.apart)])))
    ]
    jobs += [(f"a day of {size:,}", day_of(size)) for size in workload.by_size if number == 0 or size <= _MOST_REPEATED]
    jobs += [
        ("two days in one process", lambda p: results.alone.append(_measure(p, [order("day", one, other)]))),
        ("two days in two", lambda p: results.together.append(_measure(p, [order("day", one), order("day", other)]))),
    ]
    return jobs


def _measure(processes: Processes, orders: list[Order]) -> list[Measured]:
    """Carry out the orders at the same time, a process each, all let go together."""
    go = Path(orders[0].go)
    go.unlink(missing_ok=True)
    children = [
        processes.start(
            f"worker-{number}",
            [sys.executable, "-m", "oof_pipelines.commands.bench_decode_worker", msgspec.json.encode(order).decode()],
            is_piped=True,
            ends=True,
        )
        for number, order in enumerate(orders)
    ]
    for child in children:
        _line(processes, child, _READY_SECONDS)
    go.touch()
    deadline_s = time.monotonic() + _DAY_SECONDS * len(orders[0].days)
    lines = [_line(processes, child, max(1.0, deadline_s - time.monotonic())) for child in children]
    for child in children:
        processes.wait(child, _READY_SECONDS)
        assert child.process.stdout is not None
        child.process.stdout.close()
        processes.release(child)
    return [msgspec.json.decode(line, type=Measured) for line in lines]


def _line(processes: Processes, child: Child, timeout_seconds: float) -> str:
    line = processes.read_line(child, timeout_seconds)
    if line:
        return line
    if line == "":
        # It ended without a word on stdout; its log has the reason.
        processes.wait(child, _READY_SECONDS)
    raise click.ClickException(f"{child.name} said nothing within {timeout_seconds:.0f} s; its log is {child.log}")


def _output(settings: Settings) -> Path:
    return settings.home / "decoded"
