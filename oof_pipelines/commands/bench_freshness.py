"""`oof bench freshness`: from a transaction's announcement to its moments and positions in Postgres, by way of the sensor."""

import os

import click
from rich.console import Console
from rich.table import Table

from oof_pipelines.commands.bench_freshness_run import FreshnessRun, run_rate
from oof_pipelines.commands.bench_freshness_times import (
    AT_ONCE,
    BY_PRICES,
    POSITIONS,
    STAGES,
    Chain,
    Measured,
    time_moments,
    time_positions,
)
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.fresh_home import fresh_home
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.settings import SettingsError, load_settings

PROMISED_MS = 60_000
AIMED_MS = 15_000
_MOST_RATE = 500

EPILOG = """\b
Examples:
  oof bench freshness
  oof bench freshness --rates 10 --seconds 120
"""


@click.command(epilog=EPILOG)
@click.option("--rates", default="1,10,50", show_default=True, help="Transactions a second, one run each.")
@click.option("--seconds", type=WholeNumber(5, 3_600), default=60, show_default=True, help="Of each rate.")
@click.option("--seed", type=WholeNumber(), default=1, show_default=True, help="Of the market.")
@plain_errors
def freshness(rates: str, seconds: int, seed: int) -> None:
    """How old a moment is when it can be read: a made-up market in real time, the real feed, Dagster's daemon as in `oof up`.

    A moment counts from when it could be known: from the announcement of its own transaction, or of the first one after the
    minute whose price makes it one. Status 1 where a P95 is above the promised 60 s.
    """
    wanted = _rates(rates)
    settings = load_settings({**os.environ, "OOF_HOME": str(load_settings().home / "bench"), "OOF_STORE": ""})
    table = Table("rate", "what", "count", "p50 s", "p95 s", "max s", *STAGES, "load")
    notes: list[str] = []
    slow = []
    for rate in wanted:
        with fresh_home(settings.home):
            run = run_rate(settings, rate, seconds, seed)
        measured = _measured(run)
        for group in (AT_ONCE, BY_PRICES, POSITIONS):
            table.add_row(*_cells(rate, group, measured[group], run))
            if _is_late(measured[group]):
                slow.append(f"{group} at {rate} a second")
        notes.append(_note(rate, run, measured))
    Console(width=140).print(table)
    for note in notes:
        click.echo(note)
    click.echo(f"P95 promised: {PROMISED_MS // 1_000} s, aimed at: {AIMED_MS // 1_000} s; {os.cpu_count()} cores")
    if slow:
        raise click.ClickException(f"P95 above {PROMISED_MS // 1_000} s: {', '.join(slow)}")


def _rates(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or any(not part.isdecimal() or not 1 <= int(part) <= _MOST_RATE for part in parts):
        raise SettingsError(f"--rates: {text!r} is no list of whole numbers from 1 to {_MOST_RATE}")
    return tuple(int(part) for part in parts)


def _measured(run: FreshnessRun) -> dict[str, Measured]:
    measured = time_moments(Chain(run.announced), run.moments, run.refreshed)
    return {**measured, POSITIONS: time_positions(run.announced, run.refreshed)}


def _cells(rate: int, group: str, measured: Measured, run: FreshnessRun) -> list[str]:
    shares = measured.stage_shares_percent()
    slowest = max((one.total_ms for one in measured.timed), default=None)
    times = (measured.percentile_ms(50), measured.percentile_ms(95), slowest)
    return [
        str(rate),
        group,
        str(len(measured.timed)),
        *(("never" if measured.missing else "-") if one is None else f"{one / 1_000:.1f}" for one in times),
        *(f"{shares[stage]} %" if shares else "-" for stage in STAGES),
        f"{run.load[0]:.1f}",
    ]


def _is_late(measured: Measured) -> bool:
    p95_ms = measured.percentile_ms(95)
    return measured.missing > 0 if p95_ms is None else p95_ms > PROMISED_MS


def _note(rate: int, run: FreshnessRun, measured: dict[str, Measured]) -> str:
    count = sum(one.is_measured for one in run.announced)
    return (
        f"rate {rate}: {count} transactions announced in {run.measured_seconds:.1f} s; "
        f"{measured[POSITIONS].missing} of them not in positions when the watch ended, "
        f"{run.left_waiting} wallets still waiting; load {run.load[0]:.1f} in the rate, {run.load[1]:.1f} at the end"
    )
