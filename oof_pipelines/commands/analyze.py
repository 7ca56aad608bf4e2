"""`oof analyze WALLET…`: the whole way from stored or recorded transactions to the story of one owner, in this process."""

import gc
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import click

from oof_pipelines.commands.analyze_buckets import update_buckets_of
from oof_pipelines.commands.analyze_days import make_days
from oof_pipelines.commands.analyze_json import json_line
from oof_pipelines.commands.analyze_options import read_instant, read_wallets
from oof_pipelines.commands.analyze_recorded import read_recorded
from oof_pipelines.commands.analyze_report import print_report, story_of
from oof_pipelines.commands.analyze_stages import Stages
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.commands.other_homes import hint_at_other_homes
from oof_pipelines.commands.recorded_chain import RecordedFolder, check_recorded
from oof_pipelines.commands.recorded_settings import with_recorded_settings
from oof_pipelines.position_work import moment_rules
from oof_pipelines.settings import Settings, SettingsError, load_settings
from oof_pipelines.storage.parquet.minute_candles import ParquetMinuteCandles
from oof_pipelines.storage.parquet.pool_events import ParquetPoolEvents
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.seen_quotes import PostgresQuotes
from oof_pipelines.storage.postgres.stored_wallets import PostgresStoredWallets
from oof_pipelines.workflows.analyze_wallets import WalletAnalysis, analyze_wallets
from oof_pipelines.workflows.minute_candles import MinuteCandles
from oof_pipelines.workflows.wallet_coverage import Coverage, coverage_of
from oof_pipelines.workflows.wallet_moments import Market, MomentRules

_MOST_DAYS = 36_525

OBJECTS_BEFORE_A_LOOK = 200_000
"""Collections of cyclic garbage come after so many new objects: what is made here lives to the end, and looking through it
again and again takes a twentieth of the time."""

EPILOG = """\b
Examples:
  oof analyze WALLET                                     what is stored of it, as of the newest stored block
  oof analyze WALLET --recorded DIR                      read recorded transactions first, those not stored yet
  oof analyze WALLET OTHER --as-of 2025-06-01T00:00:00Z  two wallets of one owner, as it was then
  oof analyze WALLET --days 30 --json > story.json       one object; docs/analyze.md tells its fields
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for; `as_of` None is the newest stored block, `days` None is all that is stored."""

    wallets: list[str]
    as_of: datetime | None
    days: int | None


@click.command("analyze", epilog=EPILOG)
@click.argument("wallets", metavar="WALLET…", nargs=-1, required=True)
@click.option("--recorded", type=RecordedFolder(), help="Folder of recorded transactions to store first.")
@click.option(
    "--days", type=WholeNumber(1, _MOST_DAYS), help="Tell the last N days before --as-of. Default: everything."
)
@click.option("--as-of", "as_of_text", metavar="T", help="Instant, with its zone. Default: the newest stored block.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object on standard output; amounts as text.")
@plain_errors
def analyze(
    wallets: tuple[str, ...], recorded: Path | None, days: int | None, as_of_text: str | None, is_json: bool
) -> None:
    """Positions, moments and extremes of one owner: several wallets are his, and what they send each other stays his.

    Days and buckets that lag are brought up to date first, and nothing else. Progress goes to standard error. Where a day
    breaks a check, the rest is told all the same and the exit status is 1.
    """
    gc.set_threshold(OBJECTS_BEFORE_A_LOOK)
    asked = _Asked(read_wallets(wallets), read_instant("--as-of", as_of_text), days)
    check_recorded(recorded)
    settings = load_settings()
    if recorded is None:
        hint_at_other_homes(settings)
    with Stages() as stages:
        with stages.stage("database") as stage:
            url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
            stage.result = "ready"
        if recorded is not None:
            settings, said = with_recorded_settings(recorded, settings)
            for line in said:
                stages.say(line)
            read_recorded(recorded, settings, stages)
        left_behind = _bring_up_to_date(url, settings, asked.wallets, stages)
        rules = moment_rules(settings)
        analysis, coverage = _analyze(url, settings, rules, asked, left_behind, stages)
    if is_json:
        click.echo(json_line(story_of(analysis, coverage)))
    else:
        print_report(analysis, coverage)
    if left_behind:
        sys.exit(1)


def _bring_up_to_date(url: str, settings: Settings, wallets: list[str], stages: Stages) -> list[str]:
    """A line for each day or bucket that breaks a check, which was said as well."""
    with stages.stage("days") as stage:
        count, failures = make_days(url, settings, stage.show)
        stage.result = f"{count:,} brought up to date"
    with stages.stage("wallets") as stage:
        buckets, broken = update_buckets_of(url, ParquetStore(settings.store), wallets, stage.show)
        stage.result = f"{buckets:,} buckets brought up to date"
    for failure in (*failures, *broken):
        stages.say(f"  {failure}")
    return [*failures, *broken]


def _analyze(
    url: str, settings: Settings, rules: MomentRules, asked: _Asked, left_behind: list[str], stages: Stages
) -> tuple[WalletAnalysis, Coverage]:
    store = ParquetStore(settings.store)
    with PostgresStoredWallets(url) as stored, PostgresQuotes(url) as quotes:
        as_of = _as_of(asked, stored.newest_at(), stages)
        _check_known(stored, settings, asked, as_of, stages)
        assert as_of is not None
        since = None if asked.days is None else as_of - timedelta(days=asked.days)
        source = ParquetMinuteCandles(store)
        candles = MinuteCandles(source, date.min, as_of.date())
        market = Market(candles, ParquetPoolEvents(store), quotes)
        with stages.stage("analysis") as stage:
            analysis = analyze_wallets(store, source, market, rules, asked.wallets, as_of, since=since)
            stage.result = (
                f"{analysis.events:,} events, {len(analysis.episodes):,} episodes, {len(analysis.moments):,} moments"
            )
        coverage = coverage_of(
            stored,
            store,
            asked.wallets,
            analysis.realized,
            days_asked=asked.days,
            since=since,
            until=as_of,
            left_behind=left_behind,
        )
    return analysis, coverage


def _as_of(asked: _Asked, newest_at: datetime | None, stages: Stages) -> datetime | None:
    """The instant that is told: never behind the newest stored block, of whose time alone the market is known."""
    if asked.as_of is None or newest_at is None or asked.as_of <= newest_at:
        return asked.as_of or newest_at
    stages.say(f"--as-of is behind the newest stored block: told as of {newest_at.isoformat()}")
    return newest_at


def _check_known(
    stored: PostgresStoredWallets, settings: Settings, asked: _Asked, as_of: datetime | None, stages: Stages
) -> None:
    """Raise `SettingsError` where nothing is stored of any wallet; say it of those of which nothing is."""
    counts = {
        wallet: 0 if as_of is None else stored.transactions([wallet], None, as_of).count for wallet in asked.wallets
    }
    unknown = [wallet for wallet, count in counts.items() if not count]
    if len(unknown) < len(asked.wallets):
        for wallet in unknown:
            stages.say(f"nothing is stored of {wallet}")
        return
    when = f" up to {as_of.isoformat()}" if asked.as_of is not None and as_of is not None else ""
    raise SettingsError(
        f"WALLET: nothing is stored of {', '.join(unknown)} in {settings.home}{when}; "
        "--recorded DIR reads recorded transactions, `oof follow WALLET` stores what happens from now on"
    )
