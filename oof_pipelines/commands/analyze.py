"""`oof analyze WALLET…`: the whole way from stored or recorded transactions to the story of one owner, in this process."""

import gc
import sys
from pathlib import Path

import click

from oof_pipelines.analysis_work import AnalysisOutcome, NothingStoredError, run_analysis
from oof_pipelines.commands.analyze_json import json_line
from oof_pipelines.commands.analyze_options import read_instant, read_wallets
from oof_pipelines.commands.analyze_progress import AnalysisProgress
from oof_pipelines.commands.analyze_recorded import read_recorded
from oof_pipelines.commands.analyze_report import print_report, story_of
from oof_pipelines.commands.analyze_stages import Stages
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.commands.other_homes import hint_at_other_homes
from oof_pipelines.commands.recorded_chain import RecordedFolder, check_recorded
from oof_pipelines.commands.recorded_settings import with_recorded_settings
from oof_pipelines.interfaces import SourceUnavailableError
from oof_pipelines.settings import Settings, SettingsError, load_settings
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.workflows.analysis_request import MOST_DAYS, AnalysisRequest
from oof_pipelines.workflows.ceilings import Ceilings

_MOST_DAYS = 36_525

OBJECTS_BEFORE_A_LOOK = 200_000
"""Collections of cyclic garbage come after so many new objects: what is made here lives to the end, and looking through it
again and again takes a twentieth of the time."""

EPILOG = """\b
Examples:
  oof analyze WALLET                                     with RPC_PRIMARY: what is missing of it is asked for first
  oof analyze WALLET --stored                            what is stored of it, as of the newest stored block
  oof analyze WALLET --max-tx 5000                       fetch at most so many; run it again to go on
  oof analyze WALLET --recorded DIR                      read recorded transactions first, those not stored yet
  oof analyze WALLET OTHER --as-of 2025-06-01T00:00:00Z  two wallets of one owner, as it was then
  oof analyze WALLET --days 30 --json > story.json       one object; docs/analyze.md tells its fields
"""


@click.command("analyze", epilog=EPILOG)
@click.argument("wallets", metavar="WALLET…", nargs=-1, required=True)
@click.option(
    "--recorded", type=RecordedFolder(), help="Folder of recorded transactions to store first; asks nobody else."
)
@click.option(
    "--days",
    type=WholeNumber(1, _MOST_DAYS),
    help=f"Tell, and ask for, the last N days before --as-of. Default: everything; of the node {MOST_DAYS} days.",
)
@click.option("--as-of", "as_of_text", metavar="T", help="Instant, with its zone. Default: the newest stored block.")
@click.option("--stored", "is_stored_only", is_flag=True, help="Ask nobody, whatever RPC_PRIMARY says.")
@click.option("--again", "is_asked_again", is_flag=True, help="List what is new even if that was done a moment ago.")
@click.option("--max-signatures", type=WholeNumber(1), help="List at most so many new signatures, then tell a part.")
@click.option("--max-tx", type=WholeNumber(1), help="Fetch at most so many transactions, then tell a part.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object on standard output; amounts as text.")
@plain_errors
def analyze(
    wallets: tuple[str, ...],
    recorded: Path | None,
    days: int | None,
    as_of_text: str | None,
    is_stored_only: bool,
    is_asked_again: bool,
    max_signatures: int | None,
    max_tx: int | None,
    is_json: bool,
) -> None:
    """Positions, moments and extremes of one owner: several wallets are his, and what they send each other stays his.

    What the node of RPC_PRIMARY has of the wallets and the store has not is fetched first; what was fetched once is never
    fetched again. Days and buckets that lag are brought up to date, and nothing else. Progress goes to standard error.
    Where a day breaks a check, the rest is told all the same and the exit status is 1.
    """
    gc.set_threshold(OBJECTS_BEFORE_A_LOOK)
    request = AnalysisRequest(
        wallets=tuple(read_wallets(wallets)),
        days=days,
        as_of=read_instant("--as-of", as_of_text),
        ceilings=Ceilings(max_signatures=max_signatures, max_tx=max_tx),
        is_stored_only=is_stored_only or recorded is not None,
        is_asked_again=is_asked_again,
    )
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
        outcome = _run(settings, url, request, stages)
        _say_what_came_of_it(outcome, stages)
    if is_json:
        click.echo(json_line(story_of(outcome)))
    else:
        print_report(outcome)
    if outcome.left_behind:
        sys.exit(1)


def _run(settings: Settings, url: str, request: AnalysisRequest, stages: Stages) -> AnalysisOutcome:
    try:
        with AnalysisProgress(stages) as progress:
            return run_analysis(settings, url, request, on_progress=progress)
    except SourceUnavailableError as error:
        raise SourceUnavailableError(f"{error}; --stored tells what is stored") from None
    except NothingStoredError as error:
        raise SettingsError(
            f"WALLET: {error} in {settings.home}; RPC_PRIMARY names a node that is asked, --recorded DIR reads recorded "
            "transactions, `oof follow WALLET` stores what happens from now on"
        ) from None


def _say_what_came_of_it(outcome: AnalysisOutcome, stages: Stages) -> None:
    """What the story lacks and how to go on, then what was asked of the node by method."""
    for line in outcome.left_behind:
        stages.say(f"  {line}")
    if outcome.request.as_of is not None and outcome.analysis.as_of < outcome.request.as_of:
        stages.say(f"--as-of is behind the newest stored block: told as of {outcome.analysis.as_of.isoformat()}")
    for wallet in outcome.unknown_wallets:
        stages.say(f"nothing is stored of {wallet}")
    if outcome.is_partial:
        stages.say(f"partial: {', '.join(outcome.ceilings_hit)} reached; the same command goes on from here")
    if outcome.backfill is not None:
        for reason in outcome.backfill.unproven:
            stages.say(f"  not proven: {reason}")
        calls = {"getTransaction": 0, **outcome.calls}
        stages.say("calls: " + ", ".join(f"{method} {count:,}" for method, count in sorted(calls.items())))
