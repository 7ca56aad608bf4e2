"""`oof leaderboard`: which wallets realised most over the last days of what is stored."""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import click
import polars as pl

from oof_pipelines.commands.analyze_json import dollars, instant, json_line
from oof_pipelines.commands.analyze_options import read_instant
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.other_homes import hint_at_other_homes
from oof_pipelines.commands.sql_output import print_table
from oof_pipelines.detectors.leaderboard import PERIOD_DAYS, LeaderboardRow
from oof_pipelines.detectors.leaderboard import leaderboard as ranked
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.settings import Settings, SettingsError, load_settings
from oof_pipelines.storage.parquet.position_rows import structs_of
from oof_pipelines.storage.parquet.position_schemas import REALIZED_TRADES
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.stored_wallets import PostgresStoredWallets

_PLACES_SHOWN = Decimal("0.01")

EPILOG = """\b
Examples:
  oof leaderboard                                    the last seven days of what is stored
  oof leaderboard --period 30d --as-of 2025-06-01T00:00:00Z
  oof leaderboard --json | head -20                  a JSON line a wallet
"""


@click.command("leaderboard", epilog=EPILOG)
@click.option("--period", type=click.Choice(list(PERIOD_DAYS)), default="7d", show_default=True)
@click.option(
    "--as-of", "as_of_text", metavar="T", help="End of the period, with a zone. Default: the newest stored block."
)
@click.option("--most", type=click.IntRange(1), default=100, show_default=True, help="Wallets shown.")
@click.option("--json", "is_json", is_flag=True, help="A JSON line a wallet; dollars as text.")
@plain_errors
def leaderboard(period: str, as_of_text: str | None, most: int, is_json: bool) -> None:
    """Wallets by realised PnL (FIFO) over the period before an instant, from the stored realized_trades.

    Only what was sold with a known or market basis counts; of equal ones the smaller address comes first. Positions are
    stored by `oof fold` and the assets; `oof analyze` computes one wallet and stores none.
    """
    settings = load_settings()
    hint_at_other_homes(settings)
    as_of = read_instant("--as-of", as_of_text)
    store = ParquetStore(settings.store)
    if not store.has_any(REALIZED_TRADES.name):
        raise SettingsError(f"OOF_HOME: no realised trade is stored in {settings.home}; `oof fold` makes them")
    as_of = as_of or _newest_at(settings)
    rows = ranked(_realized(store, period, as_of), period, int(as_of.timestamp()))[:most]
    if is_json:
        for row in rows:
            click.echo(json_line(row))
        return
    click.echo(f"{period} before {instant(as_of)}", err=True)
    print_table(["rank", "wallet", "realized_pnl_usd", "sales", "wins"], iter([_shown(row) for row in rows]))
    sys.stdout.flush()


def _newest_at(settings: Settings) -> datetime:
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    with PostgresStoredWallets(url) as stored:
        newest_at = stored.newest_at()
    if newest_at is None:
        raise SettingsError("--as-of: nothing is stored in the database, so name an instant")
    return newest_at


def _realized(store: ParquetStore, period: str, as_of: datetime) -> list[RealizedTrade]:
    """The exits of the period, of every bucket."""
    until = as_of.astimezone(UTC)
    since = until - timedelta(days=PERIOD_DAYS[period])
    scanned = pl.scan_parquet(store.glob(REALIZED_TRADES.name), hive_partitioning=False)
    return structs_of(RealizedTrade, scanned.filter(pl.col("sold_at").is_between(since, until)).collect())


def _shown(row: LeaderboardRow) -> tuple[object, ...]:
    pnl = Decimal(dollars(row.realized_pnl_usd_e18)).quantize(_PLACES_SHOWN)
    return row.rank, row.wallet, f"{pnl:,}", row.sales, row.wins
