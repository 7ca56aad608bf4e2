"""`oof bench prices`: what candles of a day cost, beside the same candles written by hand in Polars and in DuckDB."""

import shutil
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import click
import msgspec
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from oof_pipelines.commands.bench_compare import compare_recorded
from oof_pipelines.commands.bench_prices_worker import METHODS, Measured
from oof_pipelines.commands.bench_trades import TradeWorld, trade_slices
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.pricing.coded_trades import TRADE_COLUMNS
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.store import ROWS_A_GROUP, ParquetStore

DAY = date(2026, 1, 5)
TRADES = 5_000_000
_GROWTH = (1_000_000, 5_000_000, 10_000_000, 50_000_000)
_MILLION = 1_000_000
_KIB_A_MIB = 1_024
_MEASURE_SECONDS = 3_600

EPILOG = """\b
Examples:
  oof bench prices                              5 million trades, three ways
  oof bench prices --trades 200000 --rounds 1
  oof bench prices --growth                     and 1, 5, 10 and 50 million, ours alone
  oof bench prices --compare ../shared/fixtures our candles of recorded trades against those of others
"""


@click.command("prices", epilog=EPILOG)
@click.option(
    "--trades", type=WholeNumber(1_000, 100_000_000), default=TRADES, show_default=True, help="Made-up trades."
)
@click.option("--rounds", type=WholeNumber(1, 20), default=3, show_default=True, help="Rounds; medians are shown.")
@click.option("--seed", type=WholeNumber(0, 2**32), default=1, show_default=True)
@click.option("--growth", "is_growth", is_flag=True, help="Also days of 1, 5, 10 and 50 million trades, ours alone.")
@click.option(
    "--compare", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Recorded trades and candles."
)
@plain_errors
def prices(trades: int, rounds: int, seed: int, is_growth: bool, compare: Path | None) -> None:
    """Candles of one, five and sixty minutes of a day of made-up trades: seconds, ratio, peak memory.

    Each way runs in a process of its own and reads the same file, in turns. Ours is exact, filters and counts what it leaves
    out, and knows dollars; the two by hand use floats and a plain median, so the ratio is what exactness costs.
    """
    if compare is not None:
        compare_recorded(compare)
        return
    folder = Path(tempfile.mkdtemp(prefix="oof-bench-"))
    try:
        _three_ways(folder, trades, rounds, seed)
        if is_growth:
            _growth(folder, seed)
    finally:
        shutil.rmtree(folder)


def _three_ways(folder: Path, trades: int, rounds: int, seed: int) -> None:
    _write_day(folder, trades, seed)
    found: dict[str, list[Measured]] = {method: [] for method in METHODS}
    for _ in range(rounds):
        for method, measured in found.items():
            measured.append(_measure(method, folder))
    ours = statistics.median(one.seconds for one in found["ours"])
    click.echo(f"{trades:,} trades; medians of {rounds}; from the file to candles of 1m, 5m and 1h")
    for method, measured in found.items():
        seconds = statistics.median(one.seconds for one in measured)
        peak_kib = max(one.peak_kib for one in measured)
        click.echo(
            f"  {method:7} {seconds:7.2f} s   ours is {ours / seconds:5.2f} times that   "
            f"peak {peak_kib // _KIB_A_MIB:,} MiB   {measured[0].candles:,} candles of {measured[0].believed:,} trades"
        )
    written = statistics.median(one.written_seconds or 0 for one in found["ours"])
    click.echo(f"  ours, checked and written to Parquet: {written:.2f} s")
    click.echo(
        "  ours: exact integers, volume-weighted median, neighbours, minutes before, what is left out counted, dollars,"
    )
    click.echo(
        "  confidence, primaries. By hand: floats, the same dust, pool and digit limits, 5 times the plain median."
    )


def _growth(folder: Path, seed: int) -> None:
    click.echo("ours by size of the day")
    for trades in _GROWTH:
        _write_day(folder, trades, seed)
        one = _measure("ours", folder)
        click.echo(
            f"  {trades:>11,} trades   {one.seconds:7.2f} s   {one.seconds / trades * _MILLION:5.2f} s a million   "
            f"peak {one.peak_kib // _KIB_A_MIB:,} MiB   {one.candles:,} candles   "
            f"checked and written: {one.written_seconds or 0:.1f} s"
        )


def _write_day(folder: Path, trades: int, seed: int) -> None:
    """The day's file of market_events, of the columns that any of the ways reads, in groups as the store writes them."""
    path = ParquetStore(folder).path(MARKET_EVENTS.name, DAY)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = None
    for frame in trade_slices(TradeWorld(trades, seed, DAY), [*TRADE_COLUMNS, "kind"]):
        table = frame.to_arrow()
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=ROWS_A_GROUP)
    assert writer is not None
    writer.close()


def _measure(method: str, folder: Path) -> Measured:
    command = [sys.executable, "-m", "oof_pipelines.commands.bench_prices_worker", method, str(folder), DAY.isoformat()]
    done = subprocess.run(command, capture_output=True, timeout=_MEASURE_SECONDS, check=False)
    if done.returncode:
        raise click.ClickException(f"{method}: {done.stderr.decode(errors='replace').strip().splitlines()[-1]}")
    return msgspec.json.decode(done.stdout, type=Measured)
