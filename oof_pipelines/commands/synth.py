"""`oof synth`: write a synthetic chain into a folder."""

import sys
from pathlib import Path
from typing import cast, get_args

import click

from oof_pipelines.testing.synthetic_chain import (
    DEFAULT_START_SLOT,
    DEFAULT_START_TIME_S,
    Encoding,
    write_chain,
)
from oof_pipelines.testing.synthetic_ledger import LedgerError

_EPILOG = """\b
Examples:
  oof synth var/chain
  oof synth var/chain --transactions 300 --seed 1 --days 3
  oof synth var/bench --transactions 100000 --days 1460 --encoding json
"""


@click.command(epilog=_EPILOG)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--transactions", type=click.IntRange(min=0), default=300, show_default=True, help="How many to write.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another chain.")
@click.option(
    "--days", type=click.IntRange(min=1), default=3, show_default=True, help="UTC days to spread them over, in order."
)
@click.option(
    "--encoding",
    type=click.Choice(get_args(Encoding)),
    default="base64",
    show_default=True,
    help="Encoding of the transaction in each file, as getTransaction names them.",
)
@click.option(
    "--start-slot", type=click.IntRange(min=1), default=DEFAULT_START_SLOT, show_default=True, help="The first slot."
)
@click.option(
    "--start-time",
    "start_time_s",
    type=click.IntRange(min=0),
    default=DEFAULT_START_TIME_S,
    show_default=True,
    help="Block time of the first slot, in Unix seconds.",
)
def synth(
    folder: Path, transactions: int, seed: int, days: int, encoding: str, start_slot: int, start_time_s: int
) -> None:
    """Write a synthetic chain into DIR, one file a transaction, SIGNATURE.json.

    Real transactions of the System, token, associated-token, memo and lookup-table programs, executed in process and
    written in the shape of getTransaction; some fail. There are no swaps among them. The same options write the same
    bytes, so running it again changes nothing. Files that are in DIR already stay there.
    """
    is_quiet = not sys.stderr.isatty()
    with click.progressbar(length=transactions, label="Writing", file=sys.stderr, hidden=is_quiet) as progress:
        try:
            written = write_chain(
                folder,
                seed=seed,
                transaction_count=transactions,
                start_slot=start_slot,
                start_time_s=start_time_s,
                days=days,
                encoding=cast("Encoding", encoding),
                on_written=lambda _: progress.update(1),
            )
        except LedgerError as error:
            raise click.ClickException(f"no chain of these options: {error}") from error
        except OSError as error:
            raise click.ClickException(f"cannot write into {folder}: {error.strerror or error}") from error
    click.echo(f"{written} transactions in {folder}")
    others = sum(1 for _ in folder.glob("*.json")) - written
    if others > 0:
        click.echo(f"{folder} also holds {others} files of something else, perhaps another chain.", err=True)
