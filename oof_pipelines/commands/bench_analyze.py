"""`oof bench analyze`: what the analysis of a stored wallet costs, by the number of its swaps."""

import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
import msgspec

from oof_pipelines.commands.bench_analyze_worker import Measured
from oof_pipelines.commands.bench_analyze_world import DAYS, WalletWorld, write_market, write_wallet
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.storage.parquet.store import ParquetStore

SWAPS = 10_000
AIM_SECONDS = 2.0
_GROWTH = (1_000, 10_000, 100_000)
_KIB_A_MIB = 1_024
_MEASURE_SECONDS = 3_600

EPILOG = """\b
Examples:
  oof bench analyze                      a wallet of 10,000 swaps in 500 coins over two years
  oof bench analyze --swaps 2000 --mints 50 --rounds 1
  oof bench analyze --growth             and wallets of 1,000, 10,000 and 100,000 swaps in the same market
"""


@click.command("analyze", epilog=EPILOG)
@click.option("--swaps", type=WholeNumber(100, 1_000_000), default=SWAPS, show_default=True, help="Of the wallet.")
@click.option("--mints", type=WholeNumber(1, 5_000), default=500, show_default=True, help="Coins it trades.")
@click.option(
    "--candles", "candles_a_day", type=WholeNumber(1, 1_440), default=24, show_default=True, help="A coin and day."
)
@click.option("--rounds", type=WholeNumber(1, 20), default=3, show_default=True, help="Rounds; medians are shown.")
@click.option("--seed", type=WholeNumber(0, 2**32), default=1, show_default=True)
@click.option("--growth", "is_growth", is_flag=True, help="Also 1,000, 10,000 and 100,000 swaps in the same market.")
@plain_errors
def analyze(swaps: int, mints: int, candles_a_day: int, rounds: int, seed: int, is_growth: bool) -> None:
    """From the files of a stored wallet to its positions, moments and extremes: seconds by step, peak memory.

    Each round is a process of its own and reads what `oof analyze` reads: the wallet's bucket, and of 730 days candles,
    SOL prices and pools. Writing them by seed is not measured, nor is starting Python.
    """
    folder = Path(tempfile.mkdtemp(prefix="oof-bench-"))
    try:
        store = ParquetStore(folder)
        world = WalletWorld(swaps, seed, mints, candles_a_day)
        candles = write_market(store, world)
        click.echo(f"{candles:,} candles and as many trades of {mints:,} coins over {DAYS} days; medians of {rounds}")
        _say(_measure(store, world, rounds), swaps)
        click.echo(f"  aim: {SWAPS:,} swaps in under {AIM_SECONDS:.0f} s")
        if is_growth:
            _growth(store, world, rounds)
    finally:
        shutil.rmtree(folder)


def _measure(store: ParquetStore, world: WalletWorld, rounds: int) -> list[Measured]:
    write_wallet(store, world)
    worker = [sys.executable, "-m", "oof_pipelines.commands.bench_analyze_worker"]
    command = [*worker, str(store.root), str(world.swaps), str(world.seed)]
    measured = []
    for _ in range(rounds):
        done = subprocess.run(command, capture_output=True, timeout=_MEASURE_SECONDS, check=False)
        if done.returncode:
            raise click.ClickException(f"analyze: {done.stderr.decode(errors='replace').strip().splitlines()[-1]}")
        measured.append(msgspec.json.decode(done.stdout, type=Measured))
    return measured


def _say(measured: list[Measured], swaps: int) -> None:
    one = measured[0]
    steps = {name: statistics.median(each.by_step[name] for each in measured) for name in one.by_step}
    click.echo(
        f"  {swaps:>9,} swaps   {statistics.median(each.seconds for each in measured):7.2f} s   "
        f"{statistics.median(each.cpu_seconds for each in measured):.2f} s of processor   "
        f"peak {max(each.peak_kib for each in measured) // _KIB_A_MIB:,} MiB   "
        f"{one.exits:,} exits   {one.episodes:,} episodes   {one.moments:,} moments"
    )
    click.echo("    " + "   ".join(f"{name} {seconds:.2f} s" for name, seconds in steps.items()))


def _growth(store: ParquetStore, world: WalletWorld, rounds: int) -> None:
    click.echo("by swaps, in the same market: what does not grow is reading its candles and pools")
    before: tuple[int, float] | None = None
    for swaps in _GROWTH:
        measured = _measure(store, replace(world, swaps=swaps), rounds)
        _say(measured, swaps)
        seconds = statistics.median(each.seconds for each in measured)
        if before is not None:
            more = (seconds - before[1]) / (swaps - before[0])
            click.echo(f"    {more * 1e6:,.0f} µs for each swap more")
        before = swaps, seconds
