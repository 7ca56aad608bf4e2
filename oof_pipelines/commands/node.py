"""`oof node`: serves a folder of recorded transactions as a Solana node."""

import asyncio
import signal
import sys
from pathlib import Path

import click

from oof_pipelines.commands.numbers import SPEED, WholeNumber
from oof_pipelines.testing.recorded_node.faults import FAULTS_HELP, Faults, FaultSpecError
from oof_pipelines.testing.recorded_node.ledger import load_ledger
from oof_pipelines.testing.recorded_node.recording_files import shown_path
from oof_pipelines.testing.recorded_node.server import PortError, RecordedNode, encode_summary

SUMMARY_PREFIX = "node: "
"""What begins each line on stderr that sums up skipped input."""

_PROGRESS_EVERY_FILES = 1000


@click.command(
    epilog="\b\n" + FAULTS_HELP,
    help="Serve the transactions recorded under DIR over JSON-RPC on port P and WebSocket on P and P + 1.",
)
@click.argument(
    "directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=WholeNumber(0, 65534), default=8899, show_default=True, help="P; 0 takes a free pair.")
@click.option(
    "--speed",
    type=SPEED,
    default=0.0,
    show_default=True,
    help="Times real time, gaps over 1 s cut to 1 s; 0 shows everything at once.",
)
@click.option("--faults", "faults_spec", metavar="SPEC", help="What goes wrong, see below; `help` lists it.")
@click.option("--seed", type=WholeNumber(), default=0, show_default=True, help="Decides what the faults strike.")
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Append one JSON line a request here.")
@click.option("--genesis", metavar="HASH", help="What getGenesisHash answers; mainnet's by default.")
@click.option("--name-skipped", is_flag=True, help="Name every skipped file on stderr, not only how many.")
def node(
    directory: Path | None,
    host: str,
    port: int,
    speed: float,
    faults_spec: str | None,
    seed: int,
    log: Path | None,
    genesis: str | None,
    name_skipped: bool,
) -> None:
    """Check the options, load the recordings and serve until SIGINT or SIGTERM."""
    if faults_spec == "help":
        click.echo(FAULTS_HELP)
        return
    if directory is None:
        raise click.UsageError("Missing argument 'DIR'.")
    try:
        Faults(faults_spec, seed)
    except FaultSpecError as error:
        raise click.ClickException(str(error)) from None
    if log is not None:
        _check_log(log)
    ledger = load_ledger(
        directory, _show_progress if sys.stderr.isatty() else None, _name_skipped if name_skipped else None
    )
    for line in ledger.tally.lines():
        click.echo(f"{SUMMARY_PREFIX}{line}", err=True)
    if not ledger.entries:
        raise click.ClickException(f"{shown_path(directory)} holds no recorded transaction")
    running = RecordedNode(
        ledger, speed=speed, faults=faults_spec, seed=seed, log=log, genesis=genesis, host=host, port=port
    )
    try:
        asyncio.run(_serve(running, speed))
    except PortError as error:
        raise click.ClickException(str(error)) from None


def _show_progress(files: int) -> None:
    if files % _PROGRESS_EVERY_FILES == 0:
        click.echo(f"\rnode: {files} files", err=True, nl=False)


def _name_skipped(place: str, reason: str) -> None:
    click.echo(f"skipped: {place}: {reason}", err=True)


def _check_log(log: Path) -> None:
    try:
        log.open("ab").close()
    except OSError as error:
        raise click.ClickException(f"--log: cannot write to {shown_path(log)}: {error.strerror}") from None


async def _serve(running: RecordedNode, speed: float) -> None:
    has_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, has_to_stop.set)
    async with running.serving():
        click.echo(encode_summary(running, speed))
        sys.stdout.flush()
        await has_to_stop.wait()
