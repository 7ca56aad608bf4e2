"""`oof faults`: the real processes once calmly and once for each fault; what they leave must be the same."""

import json
import shutil
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psycopg
from rich.console import Console
from rich.table import Table

from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.faults_disk import SkippedError, in_own_mounts
from oof_pipelines.commands.faults_matrix import Arena
from oof_pipelines.commands.faults_runs import run_fault
from oof_pipelines.commands.faults_stage import RunError
from oof_pipelines.commands.fresh_home import fresh_home
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.commands.processes import Processes
from oof_pipelines.commands.recorded_chain import RecordedFolder, check_recorded
from oof_pipelines.settings import Settings, SettingsError, load_settings
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.testing.fault_catalogue import DISK, Fault, all_faults, chosen
from oof_pipelines.testing.fault_chain import write_fault_chain
from oof_pipelines.testing.fault_tables import differences

SAME, DIFFERENT, FAILED, SKIPPED = "same", "DIFFERENT", "FAILED", "skipped"
_SHOWN_DIGITS = 12

EPILOG = """\b
Examples:
  oof faults                                    the whole matrix
  oof faults --list                             what there is, by name
  oof faults --only kill-fold --only disk-full
  oof faults --seed 7 --drop-seconds 10 --json
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the matrix. `sha256` is of all tables and files, '' where there are none; `details` say what differs."""

    fault: str
    counts: dict[str, int]
    seconds: float
    sha256: str
    verdict: str
    details: tuple[str, ...] = ()


@click.command(epilog=EPILOG)
@click.option("--seed", type=WholeNumber(), default=1, show_default=True, help="Decides which faults strike where.")
@click.option("--only", "names", metavar="NAME", multiple=True, help="Faults whose names begin so; may be repeated.")
@click.option("--recorded", type=RecordedFolder(), help="Folder of recorded transactions, instead of a made-up chain.")
@click.option("--drop-seconds", type=click.FloatRange(0.5, 600), default=90.0, show_default=True, help="Of the socket.")
@click.option("--jobs", type=WholeNumber(1, 16), default=2, show_default=True, help="Runs at a time.")
@click.option("--list", "is_listing", is_flag=True, help="Name the faults and run nothing.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object instead of a table.")
@plain_errors
def faults(
    seed: int,
    names: tuple[str, ...],
    recorded: Path | None,
    drop_seconds: float,
    jobs: int,
    is_listing: bool,
    is_json: bool,
) -> None:
    """Run feed and fold over a recorded node, calmly and under each fault, and compare everything they leave.

    The hash is over each Parquet file's bytes and over the rows of every table, less what tells when they were written.
    Status 1 where one differs. Its state is $OOF_HOME/faults, made anew by every run; the runs that differ stay there.
    """
    try:
        wanted = chosen(all_faults(seed, drop_seconds=drop_seconds), names)
    except ValueError as error:
        raise SettingsError(f"--only: {error}") from None
    if is_listing:
        for fault in wanted:
            click.echo(" ".join(filter(None, (fault.name, fault.node_faults, *fault.steps))))
        return
    check_recorded(recorded)
    settings = load_settings({"OOF_HOME": str(load_settings().home / "faults")})
    with fresh_home(settings.home):
        calm_sha256, rows = _run(settings, seed, wanted, recorded, jobs, is_json)
    _show(calm_sha256, rows, seed, is_json)
    bad = [row.fault for row in rows if row.verdict in (DIFFERENT, FAILED)]
    if bad:
        raise click.ClickException(f"{len(bad)} of {len(rows)} did not end as the calm run did: {', '.join(bad)}")


def _run(
    settings: Settings, seed: int, wanted: tuple[Fault, ...], recorded: Path | None, jobs: int, is_json: bool
) -> tuple[str, list[Row]]:
    chain = recorded.resolve() if recorded is not None else settings.home / "chain"
    if recorded is None:
        write_fault_chain(chain, seed=seed)
    url = ready_database_url(None, settings.home, settings.migrations_folder)
    with (
        tempfile.TemporaryDirectory(prefix="oof-faults-") as open_folder,
        Processes(settings.home / "logs", {}) as processes,
    ):
        Path(open_folder).chmod(0o755)
        arena = Arena(processes, settings.home, chain, url, seed, Path(open_folder))
        try:
            calm = arena.calm().outcome
            rows = _run_all(arena, wanted, jobs, is_json)
        except RunError as error:
            raise click.ClickException(f"the calm run: {error}") from None
        return calm.sha256(), rows


def _run_all(arena: Arena, wanted: tuple[Fault, ...], jobs: int, is_quiet: bool) -> list[Row]:
    rows: dict[str, Row] = {}
    with ThreadPoolExecutor(jobs) as pool:
        runs: list[Future[Row]] = [pool.submit(_run_one, arena, fault) for fault in wanted]
        try:
            for done in as_completed(runs):
                row = done.result()
                rows[row.fault] = row
                if not is_quiet:
                    click.echo(f"{len(rows)}/{len(wanted)} {row.fault} {row.verdict} {row.seconds:.1f} s", err=True)
        except BaseException:
            arena.end()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [rows[fault.name] for fault in wanted]


def _run_one(arena: Arena, fault: Fault) -> Row:
    began_s = time.monotonic()

    def compared() -> Row:
        stage, found, expected = run_fault(arena, fault)
        details = tuple(differences(expected, found))
        seconds = time.monotonic() - began_s
        if not details:
            arena.clear(stage)
        verdict = DIFFERENT if details else SAME
        return Row(fault.name, dict(sorted(stage.counts.items())), seconds, found.sha256(), verdict, details)

    try:
        return in_own_mounts(compared) if fault.kind == DISK else compared()
    except SkippedError as error:
        return Row(fault.name, {}, time.monotonic() - began_s, "", SKIPPED, (str(error),))
    except (RunError, OSError, psycopg.Error, EmbeddedPostgresError, click.ClickException) as error:
        # One run that cannot be made is a row of the matrix, not its end.
        return Row(fault.name, {}, time.monotonic() - began_s, "", FAILED, (str(error),))


def _show(calm_sha256: str, rows: list[Row], seed: int, is_json: bool) -> None:
    if is_json:
        click.echo(json.dumps({"seed": seed, "calm_sha256": calm_sha256, "faults": [_as_json(row) for row in rows]}))
        return
    table = Table("fault", "what happened", "seconds", "SHA-256", "same?")
    for row in rows:
        happened = ", ".join(f"{count} {what}" for what, count in row.counts.items())
        table.add_row(row.fault, happened, f"{row.seconds:.1f}", row.sha256[:_SHOWN_DIGITS], row.verdict)
    Console(width=max(100, shutil.get_terminal_size().columns)).print(table)
    click.echo(f"seed {seed}; the calm run: {calm_sha256}")
    for row in rows:
        for detail in row.details:
            click.echo(f"{row.fault}: {detail}")


def _as_json(row: Row) -> dict[str, Any]:
    return {
        "fault": row.fault,
        "happened": row.counts,
        "seconds": f"{row.seconds:.1f}",
        "sha256": row.sha256,
        "verdict": row.verdict,
        "details": list(row.details),
    }
