"""docs/analyze.md: every field of the object is explained under its heading, and nothing else is."""

import re

import msgspec
import pytest
from recorded_data import REPOSITORY_ROOT

from oof_pipelines.commands.analyze import analyze
from oof_pipelines.commands.analyze_json import json_name
from oof_pipelines.commands.leaderboard import leaderboard
from oof_pipelines.detectors.extremes import NAMES, RealizedSale
from oof_pipelines.detectors.leaderboard import PERIOD_DAYS, LeaderboardRow
from oof_pipelines.detectors.moment import KINDS, Moment
from oof_pipelines.positions.results import EXIT_KINDS, Episode
from oof_pipelines.workflows.analysis_request import MOST_DAYS
from oof_pipelines.workflows.backfill_accounts import MOST_TOKEN_ACCOUNTS
from oof_pipelines.workflows.backfill_wallets import MAX_AGE_SECONDS
from oof_pipelines.workflows.ceilings import Ceilings
from oof_pipelines.workflows.certificate import AddressProof, Certificate
from oof_pipelines.workflows.value_shares import ValueShares
from oof_pipelines.workflows.wallet_coverage import NOT_PROVEN, Coverage
from oof_pipelines.workflows.wallet_summary import Holding, WalletSummary

BACKFILL = (REPOSITORY_ROOT / "docs" / "backfill.md").read_text(encoding="utf-8")
PAGE = (REPOSITORY_ROOT / "docs" / "analyze.md").read_text(encoding="utf-8")


def fields_of(heading: str, table: int = 0, page: str = PAGE) -> list[str]:
    """The fields that a table below a heading explains."""
    section = re.split(r"^#+ ", page.split(f"{heading}\n", 1)[1], flags=re.MULTILINE)[0]
    tables = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    rows = tables[table].splitlines()[2:]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]


@pytest.mark.parametrize(
    ("heading", "table", "struct"),
    [
        ("### summary", 0, WalletSummary),
        ("### summary", 1, Holding),
        ("### episodes", 0, Episode),
        ("### moments", 0, Moment),
        ("### extremes", 0, RealizedSale),
        ("### coverage", 0, Coverage),
        ("### certificates", 0, Certificate),
        ("### certificates", 1, AddressProof),
        ("### certificates", 2, ValueShares),
    ],
)
def test_every_field_is_explained_once(heading: str, table: int, struct: type[msgspec.Struct]) -> None:
    assert sorted(fields_of(heading, table)) == sorted(json_name(name) for name in struct.__struct_fields__)


def test_the_object_itself_is_explained() -> None:
    assert fields_of("## The object") == [
        "wallet", "wallets", "as_of", "summary", "episodes", "moments", "extremes", "coverage", "certificates", "is_partial",
        "ceilings_hit",
    ]  # fmt: skip
    for word in (*KINDS, *NAMES, *EXIT_KINDS, *Ceilings.__struct_fields__):
        assert f"`{word}`" in PAGE


def test_the_page_on_backfill_names_every_ceiling_and_what_the_command_says() -> None:
    assert fields_of("## Ceilings and continuations", page=BACKFILL) == list(Ceilings.__struct_fields__)
    assert f"{MOST_DAYS} days" in BACKFILL
    assert f"{MAX_AGE_SECONDS:.0f} seconds" in BACKFILL
    assert f"{MOST_TOKEN_ACCOUNTS:,}" in BACKFILL
    assert NOT_PROVEN.split(":")[0] in BACKFILL


def test_the_commands_options_are_on_the_page() -> None:
    for command in (analyze, leaderboard):
        assert f"oof {command.name}" in PAGE
    options = {option for parameter in analyze.params for option in parameter.opts if option.startswith("--")}
    assert {option for option in options if option not in PAGE} == set()
    assert {
        "--recorded",
        "--stored",
        "--again",
        "--days",
        "--as-of",
        "--max-signatures",
        "--max-tx",
        "--json",
    } <= options
    for period in PERIOD_DAYS:
        assert period in PAGE
    assert all(f"`{json_name(name)}`" in PAGE for name in LeaderboardRow.__struct_fields__)
