"""`oof bench features`: what features_1m of a day costs, beside the same columns written by hand in Polars and in DuckDB."""

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

from oof_pipelines.commands.bench_features_worker import Measured
from oof_pipelines.commands.bench_trades import TradeWorld, trade_slices
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.features.trade_frames import PLACED_TRADE_COLUMNS
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.store import ROWS_A_GROUP, ParquetStore

DAY = date(2026, 1, 5)
TRADES = 5_000_000
TARGET_RATIO = 1.5
_GROWTH = (1_000_000, 5_000_000, 10_000_000, 50_000_000)
_WHOLE_DAY_METHODS = ("ours", "polars", "duckdb")
_KIB_A_MIB = 1_024
_MILLION = 1_000_000
_MEASURE_SECONDS = 3_600

EPILOG = """\b
Examples:
  oof bench features                              5 million trades, three ways, and the fold
  oof bench features --trades 200000 --rounds 1
  oof bench features --growth                     and 1, 5, 10 and 50 million, ours alone
"""


@click.command("features", epilog=EPILOG)
@click.option(
    "--trades", type=WholeNumber(1_000, 100_000_000), default=TRADES, show_default=True, help="Made-up trades."
)
@click.option("--rounds", type=WholeNumber(1, 20), default=3, show_default=True, help="Rounds; medians are shown.")
@click.option("--seed", type=WholeNumber(0, 2**32), default=1, show_default=True)
@click.option("--growth", "is_growth", is_flag=True, help="Also days of 1, 5, 10 and 50 million trades, ours alone.")
@plain_errors
def features(trades: int, rounds: int, seed: int, is_growth: bool) -> None:
    """All columns of features_1m over a day of made-up trades: seconds, ratio, peak memory; and the fold's events a second.

    Each way runs in a process of its own and reads the same file, in turns. Ours is exact; the two by hand use floats.
    """
    folder = Path(tempfile.mkdtemp(prefix="oof-bench-"))
    try:
        _write_day(folder, trades, seed)
        _three_ways(folder, trades, rounds)
        if is_growth:
            _growth(folder, seed)
    finally:
        shutil.rmtree(folder)


def _three_ways(folder: Path, trades: int, rounds: int) -> None:
    found: dict[str, list[Measured]] = {method: [] for method in _WHOLE_DAY_METHODS}
    for _ in range(rounds):
        for method, measured in found.items():
            measured.append(_measure(method, folder))
    seconds = {method: statistics.median(one.seconds for one in measured) for method, measured in found.items()}
    click.echo(f"{trades:,} trades; medians of {rounds}; from the file to rows")
    for method, measured in found.items():
        peak_kib = max(one.peak_kib for one in measured)
        click.echo(
            f"  {method:7} {seconds[method]:7.2f} s   ours is {seconds['ours'] / seconds[method]:5.2f} times that   "
            f"peak {peak_kib // _KIB_A_MIB:,} MiB   {measured[0].rows:,} rows of {measured[0].trades:,} trades"
        )
    written = statistics.median(one.written_seconds or 0 for one in found["ours"])
    click.echo(f"  ours, checked (a part of it folded again) and written to Parquet: {written:.2f} s")
    click.echo(f"  aim: at most {TARGET_RATIO} times Polars by hand")
    folded = [_measure("step", folder) for _ in range(rounds)]
    rate = statistics.median(one.trades / one.seconds for one in folded)
    click.echo(f"  the fold, one core: {rate:,.0f} trades a second, with the rows of {folded[0].rows:,} buckets")


def _growth(folder: Path, seed: int) -> None:
    click.echo("ours by size of the day")
    for trades in _GROWTH:
        _write_day(folder, trades, seed)
        one = _measure("ours", folder)
        click.echo(
            f"  {trades:>11,} trades   {one.seconds:7.2f} s   {one.seconds / trades * _MILLION:5.2f} s a million   "
            f"checked and written {one.written_seconds or 0:7.2f} s   peak {one.peak_kib // _KIB_A_MIB:,} MiB   "
            f"{one.rows:,} rows"
        )


def _write_day(folder: Path, trades: int, seed: int) -> None:
    """The day's file of market_events, of the columns that any of the ways reads, in groups as the store writes them."""
    path = ParquetStore(folder).path(MARKET_EVENTS.name, DAY)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = None
    for frame in trade_slices(TradeWorld(trades, seed, DAY), [*PLACED_TRADE_COLUMNS, "kind"]):
        # As the store has them; made-up positions in the block begin again after a million transactions.
        table = frame.sort("slot", "tx_index", "signature", "log_idx", "ordinal").to_arrow()
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=ROWS_A_GROUP)
    assert writer is not None
    writer.close()


def _measure(method: str, folder: Path) -> Measured:
    worker = [sys.executable, "-m", "oof_pipelines.commands.bench_features_worker"]
    command = [*worker, method, str(folder), DAY.isoformat()]
    done = subprocess.run(command, capture_output=True, timeout=_MEASURE_SECONDS, check=False)
    if done.returncode:
        raise click.ClickException(f"{method}: {done.stderr.decode(errors='replace').strip().splitlines()[-1]}")
    return msgspec.json.decode(done.stdout, type=Measured)
