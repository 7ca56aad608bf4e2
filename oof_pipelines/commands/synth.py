"""`oof synth`: write made-up chains into a folder, for trying things out and for measuring."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast, get_args

import click

from oof_pipelines.testing.golden_chain import write_golden
from oof_pipelines.testing.golden_market import StoryError
from oof_pipelines.testing.recorded_accounts import write_accounts
from oof_pipelines.testing.synthetic_account_writes import AccountWrites
from oof_pipelines.testing.synthetic_chain import (
    DEFAULT_START_SLOT,
    DEFAULT_START_TIME_S,
    Encoding,
    SyntheticTransaction,
    generate,
    write_transactions,
)
from oof_pipelines.testing.synthetic_ledger import LedgerError
from oof_pipelines.testing.synthetic_trading import Trading, generate_trading
from oof_pipelines.testing.synthetic_written_ledger import WrittenLedgerError

_GOLDEN_ABOUT = 1_200

_EPILOG = """\b
Examples:
  oof synth chain --out var/chain
  oof synth golden --out var/golden
"""

_CHAIN_EPILOG = """\b
Examples:
  oof synth chain --out var/chain --transactions 300 --seed 1 --days 3
  oof synth chain --out var/bench --wallets 2000 --transactions 100000 --days 730
  oof synth chain --out var/bench --wallets 50 --transactions 5000 --encoding json
"""

_GOLDEN_EPILOG = """\b
Examples:
  oof synth golden --out var/golden
  oof synth golden --out var/other --seed 2
"""

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(epilog=_EPILOG)
def synth() -> None:
    """Write made-up chains: transactions in true shape and encoding, signed, a file each."""


@synth.command(epilog=_CHAIN_EPILOG)
@click.option("--out", "folder", required=True, metavar="DIR", type=_FOLDER, help="Where to write; made where missing.")
@click.option(
    "--wallets",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="How many wallets trade coins. 0: a chain without swaps, of real executions.",
)
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
@click.option(
    "--accounts", "has_accounts", is_flag=True, help="With --wallets: also what each transaction wrote into accounts."
)
def chain(
    folder: Path,
    wallets: int,
    transactions: int,
    seed: int,
    days: int,
    encoding: str,
    start_slot: int,
    start_time_s: int,
    has_accounts: bool,
) -> None:
    """Write a synthetic chain, one file a transaction, SIGNATURE.json.

    With --wallets, these buy and sell coins on pump.fun, PumpSwap, Raydium AMM v4 and CPMM, in true encodings with exact
    balances. Without, the transactions are of the System, token, associated-token, memo and lookup-table programs,
    executed in process; there are no swaps among them. Some fail. The same options write the same bytes, so running
    it again changes nothing. Files that are in DIR already stay there. --accounts adds account_updates.tsv.gz, which
    `oof node` serves as account changes.
    """
    when = {"start_slot": start_slot, "start_time_s": start_time_s, "days": days}
    is_trading = wallets > 0
    if has_accounts and not is_trading:
        raise click.UsageError("--accounts wants --wallets: a chain without swaps has no pools")
    writes: list[AccountWrites] = []

    def follow(trading: Trading) -> Callable[[SyntheticTransaction], None]:
        writes.append(AccountWrites(trading.ledger, trading.pools))
        return writes[0].landed

    if is_trading:
        made = generate_trading(seed, wallets, transactions, **when, on_trading=follow if has_accounts else None)
    else:
        made = generate(seed, transactions, **when)
    with _writing(folder, transactions) as on_written:
        written = write_transactions(folder, made, cast("Encoding", encoding), on_written)
        for one in writes:
            write_accounts(folder, one.updates)
    click.echo(f"{written} transactions in {folder}")
    _name_others(folder, written)


@synth.command(epilog=_GOLDEN_EPILOG)
@click.option("--out", "folder", required=True, metavar="DIR", type=_FOLDER, help="Where to write; made where missing.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another wallet, amounts and days, the same plot.")
def golden(folder: Path, seed: int) -> None:
    """Write the golden wallet: four years of one wallet, and what is to be found in them.

    SIGNATURE.json are its transactions and those of the markets it trades in, klines/ what a SOL was worth, answers.json
    what the story knows of itself: realised dollars, episodes, moments by kind, extremes, near misses. The same seed writes
    the same bytes.
    """
    with _writing(folder, _GOLDEN_ABOUT) as on_written:
        told = write_golden(folder, seed=seed, on_written=on_written)
    wallet, as_of = told.answers["wallet"], told.answers["as_of"]
    click.echo(
        f"{len(told.transactions)} transactions of the wallet {wallet} and its markets in {folder}, up to {as_of}"
    )
    _name_others(folder, len(told.transactions) + 1)


@contextmanager
def _writing(folder: Path, expected: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, and errors in one line."""
    is_quiet = not sys.stderr.isatty()
    with click.progressbar(length=expected, label="Writing", file=sys.stderr, hidden=is_quiet) as progress:
        try:
            yield lambda _written: progress.update(1)
        except (LedgerError, WrittenLedgerError, StoryError) as error:
            raise click.ClickException(f"no chain of these options: {error}") from error
        except OSError as error:
            raise click.ClickException(f"cannot write into {folder}: {error.strerror or error}") from error


def _name_others(folder: Path, written: int) -> None:
    others = sum(1 for _ in folder.glob("*.json")) - written
    if others > 0:
        click.echo(f"{folder} also holds {others} files of something else, perhaps another chain.", err=True)
