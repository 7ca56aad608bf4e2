"""`oof bench fifo`: what booking an event costs, beside the package rp2 over the same trades, and against rationals."""

import statistics
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from oof_pipelines.commands.bench_fifo_worker import Booked, Compared, Grown, write_trades
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.numbers import WholeNumber

PACKAGE = "rp2"
SETTING = "--peer-python (OOF_PEER_PYTHON)"
TARGET_RATIO = 100
EVENTS = 100_000
PEER_TRADES = 10_000
COMPARED_EVENTS = 100_000
_GROWTH = (10_000, 100_000, 1_000_000, 10_000_000)
_PEER_SCRIPT = Path(__file__).with_name("bench_fifo_rp2.py")
_WORKER = ("-m", "oof_pipelines.commands.bench_fifo_worker")
_VERSION = f"from importlib.metadata import version; print(version({PACKAGE!r}))"
_KIB_A_MIB = 1_024
_MILLION = 1_000_000
_VERSION_SECONDS = 30
_MEASURE_SECONDS = 3_600

Answer = TypeVar("Answer", Booked, Grown, Compared)

EPILOG = """\b
Examples:
  oof bench fifo                          the engine alone, and every value against rationals
  oof bench fifo --peer                   and beside rp2 over the same trades
  oof bench fifo --peer --peer-python peer/bin/python
  oof bench fifo --compared 1000000       a million events of every kind against rationals, some minutes
  oof bench fifo --growth                 and 10 thousand to 10 million events
"""


@click.command("fifo", epilog=EPILOG)
@click.option(
    "--events",
    type=WholeNumber(1_000, 5_000_000),
    default=EVENTS,
    show_default=True,
    help="Made-up trades, ours alone.",
)
@click.option(
    "--compared",
    type=WholeNumber(0, 100_000_000),
    default=COMPARED_EVENTS,
    show_default=True,
    help="Events of every kind that go through the engine and through the reference with rationals.",
)
@click.option("--rounds", type=WholeNumber(1, 99), default=3, show_default=True, help="Rounds; medians are shown.")
@click.option("--seed", type=WholeNumber(0, 2**32), default=1, show_default=True, help="Another seed is other trades.")
@click.option("--peer", "is_peer", is_flag=True, help="Measure rp2 (PyPI) over the same trades, in turn with ours.")
@click.option(
    "--peer-trades", type=WholeNumber(100, 1_000_000), default=PEER_TRADES, show_default=True, help="Trades for --peer."
)
@click.option(
    "--peer-python",
    envvar="OOF_PEER_PYTHON",
    type=click.Path(path_type=Path),
    help="The Python that has rp2 [env OOF_PEER_PYTHON; default: this one].",
)
@click.option("--growth", "is_growth", is_flag=True, help="Also 10 thousand to 10 million events, ours alone.")
@plain_errors
def fifo(
    events: int,
    compared: int,
    rounds: int,
    seed: int,
    is_peer: bool,
    peer_trades: int,
    peer_python: Path | None,
    is_growth: bool,
) -> None:
    """Events a second on one core, from events in memory to realised trades, lots and episodes, all of them exact.

    Every measurement is a process of its own, times are the processor's, medians stand with the least and the most in
    brackets. The peer is timed from the same trades in memory: making its transactions, and its gains. Realised trades, lots
    and episodes as rows, with their ids, are ours alone, so they are counted apart. `make native` compiles the engine.
    """
    version = _version(peer_python) if is_peer else ""
    with tempfile.TemporaryDirectory(prefix="oof-") as name:
        folder = Path(name)
        _alone(folder, events, seed, rounds)
        if compared:
            _against_rationals(compared, seed)
        if is_peer:
            _beside_peer(folder, _python(peer_python), version, peer_trades, seed, rounds)
    if is_growth:
        _growth(seed)


def _alone(folder: Path, events: int, seed: int, rounds: int) -> None:
    file = folder / "alone.txt"
    write_trades(file, events, seed)
    found = [_ask([sys.executable, *_WORKER, "book", str(file)], folder, Booked) for _ in range(rounds)]
    one = found[0]
    click.echo(f"{events:,} trades of one wallet; {one.build}; medians of {rounds}, of the processor's seconds")
    click.echo(f"  events a second                {_spread([each.events / each.booking_seconds for each in found])}")
    click.echo(f"  from trades to all rows        {_spread([each.events / _whole(each) for each in found])}")
    click.echo(f"  {one.rows:,} realised trades, {one.lots:,} lots, {one.episodes:,} episodes")


def _against_rationals(compared: int, seed: int) -> None:
    said = _ask([sys.executable, *_WORKER, "rationals", str(compared), str(seed)], Path.cwd(), Compared)
    slower = said.rational_seconds / said.book_seconds
    click.echo(f"{said.events:,} events of every kind, through the engine (over its snapshots) and through rationals")
    click.echo(
        f"  {said.values:,} values in {said.rows:,} rows, {said.different:,} differ; rationals take {slower:.0f} times"
    )
    if said.different:
        raise click.ClickException(f"the engine and the reference differ in {said.different:,} values")


def _beside_peer(folder: Path, python: str, version: str, count: int, seed: int, rounds: int) -> None:
    """Ours and the peer's in turn, so that a busy minute meets both."""
    file = folder / "trades.txt"
    write_trades(file, count, seed)
    pairs: list[tuple[Booked, Booked]] = []
    for _ in range(rounds):
        ours = _ask([sys.executable, *_WORKER, "book", str(file)], folder, Booked)
        peers = _ask([python, "-I", str(_PEER_SCRIPT), str(file)], folder, Booked)
        pairs.append((ours, peers))
    click.echo(
        f"the same {count:,} trades through {PACKAGE} {version}; ours is {pairs[0][0].build}; µs a trade, medians of "
        f"{rounds}, neighbours compared"
    )
    for name, side in (("ours", 0), (PACKAGE, 1)):
        parts = [
            _spread([_micros(seconds, count) for seconds in each])
            for each in zip(*[_seconds(pair[side]) for pair in pairs], strict=True)
        ]
        click.echo(f"  {name:5} its input {parts[0]}   to gains {parts[1]}   rows {parts[2]}")
    for name, first, last in (
        ("from trades to gains", 0, 2),
        ("to gains alone", 1, 2),
        ("with all rows", 0, 3),
    ):
        times = [sum(_seconds(peers)[first:last]) / sum(_seconds(ours)[first:last]) for ours, peers in pairs]
        click.echo(f"  {name:22} {_spread(times)} times as fast")
    click.echo(f"  aim: {TARGET_RATIO} times")
    ours, peers = pairs[0]
    difference = abs(Decimal(ours.realized_usd) - Decimal(peers.realized_usd))
    click.echo(f"  realised: ours {ours.realized_usd}, {PACKAGE} {peers.realized_usd} dollars; {difference:E} apart")


def _growth(seed: int) -> None:
    click.echo("ours by number of events, what is over handed out every 20,000")
    for count in _GROWTH:
        one = _ask([sys.executable, *_WORKER, "growth", str(count), str(seed)], Path.cwd(), Grown)
        click.echo(
            f"  {count:>11,} events   {_micros(one.step_seconds, count):5.2f} µs an event   handing out "
            f"{_micros(one.drain_seconds, count):5.2f}   snapshot {one.snapshot_seconds * 1_000:6.1f} ms, "
            f"{one.snapshot_bytes:,} bytes   peak {one.peak_kib // _KIB_A_MIB:,} MiB   {one.rows:,} realised trades"
        )


def _seconds(one: Booked) -> tuple[float, float, float]:
    return one.making_seconds, one.booking_seconds, one.listing_seconds


def _whole(one: Booked) -> float:
    return sum(_seconds(one))


def _micros(seconds: float, count: int) -> float:
    return seconds / count * _MILLION


def _spread(values: list[float]) -> str:
    """The median, and the least and the most."""
    shown = [
        f"{one:,.0f}" if one >= 1_000 else f"{one:.1f}" for one in (statistics.median(values), min(values), max(values))
    ]
    return f"{shown[0]} [{shown[1]} to {shown[2]}]"


def _python(peer_python: Path | None) -> str:
    return str(peer_python.absolute()) if peer_python else sys.executable


def _version(peer_python: Path | None) -> str:
    """The peer's version; `click.ClickException` says what is missing and how to get it."""
    get_it = f"get it with `pip install {PACKAGE}`"
    try:
        done = subprocess.run(
            [_python(peer_python), "-I", "-c", _VERSION], capture_output=True, timeout=_VERSION_SECONDS, check=False
        )
    except OSError as error:
        raise click.ClickException(f"{SETTING}: {peer_python} does not run: {error.strerror}") from None
    if done.returncode:
        raise click.ClickException(f"{SETTING}: {_python(peer_python)} has no {PACKAGE}; {get_it}")
    return done.stdout.decode().strip()


def _ask(command: list[str], folder: Path, kind: type[Answer]) -> Answer:
    """The one line that a process prints, run in `folder`."""
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=_MEASURE_SECONDS, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no word"]
        raise click.ClickException(f"{' '.join(command[1:4])}: {said[-1]}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=kind)
