"""`oof market-node`: stands in for every market service, on this machine."""

import asyncio
import signal
import sys
from pathlib import Path

import click

from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.settings import load_settings
from oof_pipelines.testing.market_server.faults import MARKET_FAULTS_HELP, MarketFaultError, parse_market_faults
from oof_pipelines.testing.market_server.recordings import MarketRecordings, RecordingError
from oof_pipelines.testing.market_server.server import MarketPortError, MarketServer

EPILOG = """\
\b
Examples:
  oof market-node --port 8801
  oof market-node --recorded DIR --faults 429:p=0.2;retry_after=1,absurd:p=0.1
The lines it prints are settings: put them into .env, and every market client asks here.
Recorded prices are as old as they are: OOF_STALE_PRICES=mark keeps them.

\b
"""


@click.command(name="market-node", epilog=EPILOG + MARKET_FAULTS_HELP)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=WholeNumber(0, 65535), default=8801, show_default=True, help="0 takes a free one.")
@click.option("--seed", type=WholeNumber(), default=0, show_default=True, help="Decides the market and the faults.")
@click.option("--faults", "faults_spec", metavar="SPEC", help="What goes wrong, see below.")
@click.option(
    "--recorded",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Recorded answers to serve where the question is theirs.",
)
@plain_errors
def market_node(host: str, port: int, seed: int, faults_spec: str | None, recorded: Path | None) -> None:
    """Serve Jupiter, Pyth Hermes, DeFiLlama, pump.fun, Binance and token metadata from a made-up market."""
    try:
        parse_market_faults(faults_spec)
        recordings = MarketRecordings(recorded)
    except (MarketFaultError, RecordingError) as error:
        raise click.ClickException(str(error)) from None
    feeds = {feed_id: mint for mint, feed_id in load_settings().market.pyth_feeds}
    server = MarketServer(feeds=feeds, seed=seed, faults=faults_spec, recordings=recordings, host=host, port=port)
    try:
        asyncio.run(_serve(server, recordings.count))
    except MarketPortError as error:
        raise click.ClickException(str(error)) from None


async def _serve(server: MarketServer, recorded_count: int) -> None:
    has_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, has_to_stop.set)
    async with server.serving():
        click.echo(f"market-node: {server.url} recordings={recorded_count}")
        for name, value in server.environment().items():
            click.echo(f"{name}={value}")
        sys.stdout.flush()
        await has_to_stop.wait()
