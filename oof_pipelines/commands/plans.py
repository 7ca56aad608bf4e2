"""`oof plans …`: plans, who has which, what of today is used, which wallets are watched."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.commands.analyze_json import instant
from oof_pipelines.commands.analyze_options import read_instant
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.sql_output import print_table
from oof_pipelines.plan_work import PlanWork, configured_plans, open_plan_work
from oof_pipelines.settings import SettingsError, load_settings
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.plans import Plan

EPILOG = """\b
Examples:
  oof plans list                                   what each plan allows
  oof plans set USER PRO --until 2027-01-01T00:00:00Z
  oof plans show USER                              his plan, boost, what is left of today, watched wallets
  oof plans link USER WALLET                       what WALLET has staked counts for him
  oof plans watch USER WALLET                      analysed by itself, as often as his plan says
  oof jobs add WALLET --user USER                  an analysis within his quota
"""


@click.group("plans", epilog=EPILOG)
def plans() -> None:
    """What users may ask for. USER is any name; where it is an address, it is a wallet of its own too.

    The plans are those of oof_pipelines/config/plans.yaml. Everybody has FREE; a plan given lasts until its end.
    """


@plans.command("list")
@plain_errors
def list_plans() -> None:
    """What each plan allows."""
    configured = configured_plans()
    columns = ["plan", "price_usd", "daily_wallets", "backfill_days", "cadence", "alerts", "api_rows", "priority"]
    print_table(columns, iter([_shown(plan) for plan in configured.by_code.values()]))
    boost = configured.boost
    click.echo(
        f"with {boost.staked_at_least} OOF staked: daily_wallets {boost.daily_wallets_percent:+d} %, alerts "
        f"+{boost.alerts}, card mint fee {boost.card_mint_fee_percent:+d} %, priority +{boost.priority}",
        err=True,
    )


@plans.command("show")
@click.argument("user")
@plain_errors
def show(user: str) -> None:
    """A user's plan, what he has used of today, and his wallets."""
    with _work() as (work, now):
        plan = work.plan_of(user, now)
        desk = work.desk
        boost = " (boosted by his stake)" if plan.is_boosted else ""
        click.echo(
            f"plan      {plan.code}{boost}\n"
            f"today     {desk.used(user, now)} of {plan.daily_wallets} wallets used, anew at {instant(desk.resets_at(now))}\n"
            f"depth     {plan.backfill_days} days\n"
            f"cadence   {plan.cadence}\n"
            f"wallets   {', '.join(desk.wallets_of(user)) or 'none linked'}"
        )
        for wallet, last_requested_at in desk.watched(user):
            last = "not analysed yet" if last_requested_at is None else f"last {instant(last_requested_at)}"
            click.echo(f"watches   {wallet}  {last}")


@plans.command("set")
@click.argument("user")
@click.argument("code")
@click.option("--from", "from_text", metavar="T", help="From when on, with a zone. Default: now.")
@click.option("--until", "until_text", metavar="T", help="Until when, with a zone. Default: for ever.")
@plain_errors
def set_plan(user: str, code: str, from_text: str | None, until_text: str | None) -> None:
    """Give USER the plan CODE. Where he has several, the dearest counts."""
    with _work() as (work, now):
        if code not in work.plans.by_code:
            raise SettingsError(f"CODE: {code[:20]!r} is none of {', '.join(work.plans.by_code)}")
        started_at = read_instant("--from", from_text) or now
        expires_at = read_instant("--until", until_text)
        if expires_at is not None and expires_at <= started_at:
            raise SettingsError("--until: is not after the plan's beginning")
        work.desk.set_plan(_user(user), code, started_at, expires_at)
        click.echo(f"{user}: {code} from {instant(started_at)} {_until(expires_at)}")


@plans.command("end")
@click.argument("user")
@click.argument("code")
@plain_errors
def end(user: str, code: str) -> None:
    """Take the plan CODE from USER at once."""
    with _work() as (work, _now):
        if not work.desk.end_plan(user, code):
            raise SettingsError(f"CODE: {user} has no plan {code[:20]!r}")
        click.echo(f"{user}: {code} is over")


@plans.command("link")
@click.argument("user")
@click.argument("wallet")
@plain_errors
def link(user: str, wallet: str) -> None:
    """Make WALLET USER's own: what it has staked gives him boosts. A wallet is one user's."""
    with _work() as (work, now):
        if not work.desk.link(_user(user), _wallet(wallet), now):
            raise SettingsError(f"WALLET: {wallet} is linked to somebody else")
        click.echo(f"{user}: {wallet} is his")


@plans.command("watch")
@click.argument("user")
@click.argument("wallet")
@plain_errors
def watch(user: str, wallet: str) -> None:
    """Analyse WALLET for USER as often as his plan says. So many may be watched as the plan has wallets a day."""
    with _work() as (work, now):
        plan = work.plan_of(user, now)
        if not work.desk.watch(_user(user), _wallet(wallet), plan.daily_wallets, now):
            raise SettingsError(
                f"WALLET: {user} watches {plan.daily_wallets} already, which is all that {plan.code} allows"
            )
        click.echo(f"{user}: watches {wallet}, {plan.cadence}")
        if plan.cadence == "manual":
            click.echo(f"{plan.code} analyses nothing by itself; a plan with a cadence will", err=True)


@plans.command("unwatch")
@click.argument("user")
@click.argument("wallet")
@plain_errors
def unwatch(user: str, wallet: str) -> None:
    """Stop analysing WALLET for USER."""
    with _work() as (work, _now):
        if not work.desk.unwatch(user, wallet):
            raise SettingsError(f"WALLET: {user} does not watch {wallet[:44]}")
        click.echo(f"{user}: watches {wallet} no more")


@contextmanager
def _work() -> Iterator[tuple[PlanWork, datetime]]:
    settings = load_settings()
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    with open_plan_work(url, settings) as work:
        yield work, SystemClock().now()


def _user(user: str) -> str:
    if not user.strip() or not user.isprintable() or len(user) > 200:
        raise SettingsError("USER: wants a name of at most 200 printable characters")
    return user


def _wallet(wallet: str) -> str:
    if not is_pubkey(wallet):
        raise SettingsError(f"WALLET: {wallet[:44]!r} is no address")
    return wallet


def _until(expires_at: datetime | None) -> str:
    return "for ever" if expires_at is None else f"until {instant(expires_at)}"


def _shown(plan: Plan) -> tuple[object, ...]:
    return (
        plan.code,
        plan.price_usd,
        plan.daily_wallets,
        plan.backfill_days,
        plan.cadence,
        plan.alerts,
        plan.api_rows,
        plan.priority,
    )
