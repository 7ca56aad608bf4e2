"""The tables of `oof bench decode`: medians over the rounds, the least and the most beside them, ratios within a round."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

import click
from rich.console import Console
from rich.table import Table

from oof_pipelines.commands.bench_decode_worker import (
    CONSERVATION,
    DECODE,
    DECODE_FRAME,
    DECOMPRESS,
    FLOOR,
    FRAMES,
    PARSE,
    PARTS,
    ROWS,
    Measured,
)

WIDTH = 120
_KIB_A_MIB = 1024
_WAYS = (
    ("JSON → moves and actions", (PARSE, DECODE)),
    ("stored body → moves and actions", (DECOMPRESS, PARSE, DECODE)),
    ("stored body → conserved, sorted frames", (DECOMPRESS, PARSE, DECODE, CONSERVATION, ROWS, FRAMES)),
    ("stored day → decoded Parquet, checked", PARTS),
)
"""How far a transaction is brought, and the parts that it takes."""


def show(
    note: str,
    parts: Sequence[Measured],
    days: Mapping[int, Sequence[Measured]],
    alone: Sequence[Sequence[Measured]],
    together: Sequence[Sequence[Measured]],
) -> None:
    """Print every table. A `Measured` is of one round; `alone` and `together` hold one a process."""
    console = Console(width=WIDTH)
    for table in (_ways(parts), _parts(parts), _days(days), _parallel(alone, together)):
        console.print(table)
    covered = [sum(one.seconds[name] for name in _WAYS[2][1]) / one.seconds[DECODE_FRAME] for one in parts]
    click.echo(
        f"decompress to frames add up to {_spread(covered, '.2f')} of decode_frame, run whole in the same process"
    )
    click.echo(f"medians of {len(parts)} interleaved rounds (least–most); one core: Polars has one thread a process")
    click.echo(note)


def _ways(parts: Sequence[Measured]) -> Table:
    count = _total(parts[0])
    table = Table(
        "one core", "transactions/s", "time / floor's", title=f"{parts[0].counts['transactions']:,} transactions"
    )
    table.add_row("JSON → typed structures (floor)", _spread([count / one.seconds[FLOOR] for one in parts]), "1")
    for name, needed in _WAYS:
        seconds = [sum(one.seconds[part] for part in needed) for one in parts]
        ratios = [its / one.seconds[FLOOR] for its, one in zip(seconds, parts, strict=True)]
        table.add_row(name, _spread([count / its for its in seconds]), _spread(ratios, ".1f"))
    return _right(table)


def _parts(parts: Sequence[Measured]) -> Table:
    table = Table("part", "µs a transaction", "share")
    sums = [sum(one.seconds[part] for part in PARTS) for one in parts]
    for part in PARTS:
        micros = [one.seconds[part] / _total(one) * 1e6 for one in parts]
        shares = [one.seconds[part] / its_sum * 100 for one, its_sum in zip(parts, sums, strict=True)]
        table.add_row(part, _spread(micros, ".1f"), f"{median(shares):.1f} %")
    micros = [its_sum / _total(one) * 1e6 for one, its_sum in zip(parts, sums, strict=True)]
    table.add_row("together", _spread(micros, ".1f"), "100 %", style="bold")
    return _right(table)


def _days(days: Mapping[int, Sequence[Measured]]) -> Table:
    table = Table("a day of", "runs", "seconds", "µs a transaction", "to the first", "peak MiB", "garbage", "conserved")
    table.add_column("residual")
    table.add_column("moves")
    first: float | None = None
    for size, runs in days.items():
        micros = [_seconds(one) / _total(one) * 1e6 for one in runs]
        first = first or median(micros)
        counts = runs[0].counts
        peak_mib = median(one.peak_kib for one in runs) / _KIB_A_MIB
        garbage = median(one.garbage_seconds / _seconds(one) for one in runs)
        table.add_row(
            f"{size:,}",
            str(len(runs)),
            f"{median(_seconds(one) for one in runs):,.2f}",
            _spread(micros, ".0f"),
            f"{median(micros) / first:.2f}",
            f"{peak_mib:,.0f}",
            f"{garbage * 100:.0f} %",
            f"{counts['conserved']:,}",
            f"{counts['residual']:,}",
            f"{counts['moves']:,}",
        )
    idle = median(one.idle_kib for runs in days.values() for one in runs) / _KIB_A_MIB
    table.caption = f"read, decode, check, write; of each peak {idle:,.0f} MiB are there before the day is read"
    return _right(table)


def _parallel(alone: Sequence[Sequence[Measured]], together: Sequence[Sequence[Measured]]) -> Table:
    table = Table("two equal days", "seconds", "transactions/s", "speed-up")
    count = sum(_total(one) for one in alone[0])
    walls = [[_wall(group) for group in groups] for groups in (alone, together)]
    ups = [one / two for one, two in zip(*walls, strict=True)]
    for name, seconds, speed_up in (("1 process", walls[0], "1"), ("2 processes", walls[1], _spread(ups, ".2f"))):
        table.add_row(name, _spread(seconds, ".2f"), _spread([count / its for its in seconds]), speed_up)
    table.caption = f"{count:,} transactions"
    return _right(table)


def _total(one: Measured) -> int:
    """Transactions measured, in all passes."""
    return one.counts["transactions"] * one.passes


def _seconds(one: Measured) -> float:
    return one.ended_s - one.started_s


def _wall(group: Sequence[Measured]) -> float:
    """From the first process's start to the last one's end."""
    return max(one.ended_s for one in group) - min(one.started_s for one in group)


def _spread(values: Iterable[float], form: str = ",.0f") -> str:
    """'median (least–most)', the median alone where there is one value."""
    numbers = list(values)
    middle = format(median(numbers), form)
    return middle if len(numbers) == 1 else f"{middle} ({format(min(numbers), form)}–{format(max(numbers), form)})"


def _right(table: Table) -> Table:
    for column in table.columns[1:]:
        column.justify = "right"
        column.no_wrap = True
    return table
