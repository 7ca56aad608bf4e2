"""`oof node`: serves a folder of recorded transactions as a Solana node."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from oof_pipelines.commands.numbers import SPEED, WholeNumber
from oof_pipelines.testing.recorded_geyser.server import REPLAYED_SLOTS, GeyserPortError, RecordedGeyser
from oof_pipelines.testing.recorded_node.faults import FAULTS_HELP, Faults, FaultSpecError
from oof_pipelines.testing.recorded_node.ledger import load_ledger
from oof_pipelines.testing.recorded_node.recording_files import shown_path
from oof_pipelines.testing.recorded_node.server import PortError, RecordedNode, encode_summary

SUMMARY_PREFIX = "node: "
"""What begins each line on stderr that sums up skipped input."""

STRUCK_PREFIX = "node: struck "
"""What begins each line on stderr that says at the end how many things a fault has struck."""

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
@click.option(
    "--announced",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append when each signature was announced here.",
)
@click.option("--genesis", metavar="HASH", help="What getGenesisHash answers; mainnet's by default.")
@click.option("--name-skipped", is_flag=True, help="Name every skipped file on stderr, not only how many.")
@click.option(
    "--geyser-port", type=WholeNumber(0, 65535), help="Serve a Geyser stream (gRPC) too; 0 takes a free port."
)
@click.option("--geyser-token", metavar="TOKEN", help="What Geyser clients have to send as x-token; default: nothing.")
@click.option(
    "--geyser-replay",
    type=WholeNumber(0),
    default=REPLAYED_SLOTS,
    show_default=True,
    help="How many recorded slots a Geyser client may go back with from_slot.",
)
def node(
    directory: Path | None,
    host: str,
    port: int,
    speed: float,
    faults_spec: str | None,
    seed: int,
    log: Path | None,
    announced: Path | None,
    genesis: str | None,
    name_skipped: bool,
    geyser_port: int | None,
    geyser_token: str | None,
    geyser_replay: int,
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
    for option, path in (("--log", log), ("--announced", announced)):
        if path is not None:
            _check_log(option, path)
    ledger = load_ledger(
        directory, _show_progress if sys.stderr.isatty() else None, _name_skipped if name_skipped else None
    )
    for line in ledger.tally.lines():
        click.echo(f"{SUMMARY_PREFIX}{line}", err=True)
    if not ledger.entries:
        raise click.ClickException(f"{shown_path(directory)} holds no recorded transaction")
    running = RecordedNode(
        ledger,
        speed=speed,
        faults=faults_spec,
        seed=seed,
        log=log,
        genesis=genesis,
        host=host,
        port=port,
        on_announced=_announcement_log(announced),
    )
    geyser = None
    if geyser_port is not None:
        geyser = RecordedGeyser(
            running.chain,
            host=host,
            port=geyser_port,
            token=geyser_token,
            replayed_slots=geyser_replay,
            accounts=ledger.accounts,
        )
    try:
        asyncio.run(_serve(running, geyser, speed))
    except (PortError, GeyserPortError) as error:
        raise click.ClickException(str(error)) from None


def _show_progress(files: int) -> None:
    if files % _PROGRESS_EVERY_FILES == 0:
        click.echo(f"\rnode: {files} files", err=True, nl=False)


def _name_skipped(place: str, reason: str) -> None:
    click.echo(f"skipped: {place}: {reason}", err=True)


def _check_log(option: str, log: Path) -> None:
    try:
        log.open("ab").close()
    except OSError as error:
        raise click.ClickException(f"{option}: cannot write to {shown_path(log)}: {error.strerror}") from None


def _announcement_log(path: Path | None) -> Callable[[str], None]:
    """What to tell of each announcement: a line `MILLISECONDS SIGNATURE`, the Unix time of this machine's clock."""
    if path is None:
        return lambda _signature: None
    # Buffered by lines, so that whoever reads it meanwhile sees whole ones; open as long as the node runs.
    file = path.open("a", encoding="ascii", buffering=1)
    return lambda signature: print(time.time_ns() // 1_000_000, signature, file=file)


async def _serve(running: RecordedNode, geyser: RecordedGeyser | None, speed: float) -> None:
    has_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, has_to_stop.set)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(running.serving())
        place = ""
        if geyser is not None:
            await stack.enter_async_context(geyser.serving())
            place = f" geyser={geyser.url}"
        click.echo(encode_summary(running, speed) + place)
        sys.stdout.flush()
        await has_to_stop.wait()
    for name, count in running.chain.faults.strikes().items():
        click.echo(f"{STRUCK_PREFIX}{name} {count}", err=True)
