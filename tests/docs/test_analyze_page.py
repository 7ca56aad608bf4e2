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
from oof_pipelines.workflows.wallet_coverage import Coverage
from oof_pipelines.workflows.wallet_summary import Holding, WalletSummary

PAGE = (REPOSITORY_ROOT / "docs" / "analyze.md").read_text(encoding="utf-8")


def fields_of(heading: str, table: int = 0) -> list[str]:
    """The fields that a table below a heading explains."""
    section = re.split(r"^#+ ", PAGE.split(f"{heading}\n", 1)[1], flags=re.MULTILINE)[0]
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
    ],
)
def test_every_field_is_explained_once(heading: str, table: int, struct: type[msgspec.Struct]) -> None:
    assert sorted(fields_of(heading, table)) == sorted(json_name(name) for name in struct.__struct_fields__)


def test_the_object_itself_is_explained() -> None:
    assert fields_of("## The object") == [
        "wallet", "wallets", "as_of", "summary", "episodes", "moments", "extremes", "coverage",
    ]  # fmt: skip
    for word in (*KINDS, *NAMES, *EXIT_KINDS):
        assert f"`{word}`" in PAGE


def test_the_commands_options_are_on_the_page() -> None:
    for command in (analyze, leaderboard):
        assert f"oof {command.name}" in PAGE
    for option in ("--recorded", "--days", "--as-of", "--json"):
        assert option in PAGE
        assert any(option in parameter.opts for parameter in analyze.params)
    for period in PERIOD_DAYS:
        assert period in PAGE
    assert all(f"`{json_name(name)}`" in PAGE for name in LeaderboardRow.__struct_fields__)
