"""`oof redecode`: after a decoder changed, decode again the stored days that call its program, and say what changed."""

from datetime import date, datetime

import click

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.feature_days import make_features
from oof_pipelines.commands.market_days import flag_days
from oof_pipelines.commands.other_homes import hint_at_other_homes
from oof_pipelines.commands.position_buckets import make_positions_and_moments
from oof_pipelines.commands.price_days import make_prices
from oof_pipelines.decode.program_names import PROGRAM_NAMES
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.workflows.fold import InvalidPartitionError
from oof_pipelines.workflows.redecode import RedecodedDay, days_calling, redecode_day
from oof_pipelines.workflows.update_wallets import DaySlices, InvalidBucketError, update_bucket

EPILOG = """\b
Examples:
  oof redecode --program pumpfun --since 2026-01-01
  oof redecode --program 6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P --since 2026-01-01 --until 2026-01-31
  oof redecode --program meteora_dlmm --since 2026-01-01 --dry-run      what would change, writing nothing
"""
_MOST_WALLETS = 20


@click.command(epilog=EPILOG)
@click.option(
    "--program", required=True, help='A program\'s name (as in `oof sql "select * from program_names"`) or address.'
)
@click.option("--since", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First UTC day.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last UTC day; default: the last stored one.")
@click.option(
    "--wallets", "most_wallets", default=_MOST_WALLETS, show_default=True, help="Wallets named a day at most."
)
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Write nothing; say what would change.")
@plain_errors
def redecode(program: str, since: datetime, until: datetime | None, most_wallets: int, is_dry_run: bool) -> None:
    """Decode again the stored days on which a program was called, and print what changed for each wallet.

    Days that do not call it are not touched. A day that breaks a check is named and stays as it was; the exit status is 1
    then.
    """
    program_ids = _program_ids(program)
    settings = load_settings()
    hint_at_other_homes(settings)
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    store = ParquetStore(settings.store)
    failures: list[str] = []
    with PostgresServedRows(url) as served:
        days = list(days_calling(store, program_ids, since.date(), until.date() if until else None))
        click.echo(f"{len(days)} of {len(store.days('raw_transactions'))} stored days call {program}")
        for number, day in enumerate(days, 1):
            try:
                redecoded = redecode_day(
                    store, served, day, program_ids, is_dry_run=is_dry_run, anchor_programs=settings.programs.ids
                )
            except InvalidPartitionError as error:
                failures.append(str(error))
                continue
            _print_day(redecoded, f"{number}/{len(days)}", most_wallets)
            failures += _failed_checks(day, redecoded)
    if not is_dry_run:
        failures += flag_days(url, store)
        failures += make_prices(url, settings, store)
        failures += make_features(url, store)
        failures += _update_wallets(url, store)
        failures += make_positions_and_moments(url, settings, lambda _line: None)
    if failures:
        raise click.ClickException("\n".join(failures))


def _program_ids(program: str) -> tuple[str, ...]:
    named = tuple(program_id for program_id, name in PROGRAM_NAMES.items() if name == program)
    if not named and not is_pubkey(program):
        raise click.BadParameter(
            f"{program!r} is neither a program we know by name nor an address", param_hint="--program"
        )
    return named or (program,)


def _print_day(redecoded: RedecodedDay, progress: str, most_wallets: int) -> None:
    changes = redecoded.changes
    click.echo(
        f"{progress} {redecoded.day} transactions={redecoded.transactions} calling={redecoded.calling}"
        f" wallets_changed={len(changes)} removed={sum(one.removed for one in changes)}"
        f" added={sum(one.added for one in changes)} changed={sum(one.changed for one in changes)}"
    )
    for one in changes[:most_wallets]:
        click.echo(f"  {one.wallet} -{one.removed} +{one.added} ~{one.changed} {','.join(one.kinds)}")
    if len(changes) > most_wallets:
        click.echo(f"  and {len(changes) - most_wallets} more wallets (--wallets N)")


def _failed_checks(day: date, redecoded: RedecodedDay) -> list[str]:
    checks = redecoded.report.checks if redecoded.report else ()
    return [f"{day} {check.name}: {check.detail}" for check in checks if not check.has_passed]


def _update_wallets(url: str, store: ParquetStore) -> list[str]:
    failures = []
    with PostgresWalletContents(url) as contents:
        slices = DaySlices(store)
        buckets = sorted(contents.stale_buckets())
        for bucket in buckets:
            try:
                update_bucket(store, contents, slices, bucket)
            except InvalidBucketError as error:
                failures.append(str(error))
        click.echo(f"{len(buckets)} wallet buckets updated")
    return failures
