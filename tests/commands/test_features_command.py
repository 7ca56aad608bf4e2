"""`oof features` and `oof bench features`: what they print, and what they refuse."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.commands import features as module
from oof_pipelines.commands.bench_features import features as bench
from oof_pipelines.commands.features import features
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The statements that were asked; a real engine without a database is not to be had."""
    statements: list[str] = []

    class Engine:
        def __init__(self, *_arguments: object) -> None: ...

        def __enter__(self) -> "Engine":
            return self

        def __exit__(self, *_exception: object) -> None: ...

        def query(self, statement: str) -> Any:
            statements.append(statement)

            class Result(list[tuple[object, ...]]):
                columns = ("mint", "trades")

            return Result([(NATIVE_MINT, 3)])

    monkeypatch.setattr(module, "QueryEngine", Engine)
    monkeypatch.setattr(module, "ready_database_url", lambda *_: "")
    monkeypatch.setenv("OOF_HOME", str(tmp_path))
    return statements


def test_json_asks_for_every_column_of_the_coin_and_time(asked: list[str]) -> None:
    options = [NATIVE_MINT, "--json", "--since", "2026-01-05", "--until", "2026-01-05T12:30"]
    result = CliRunner().invoke(features, options)
    assert result.exit_code == 0, result.output
    assert json.loads(result.output) == [{"mint": NATIVE_MINT, "trades": 3}]
    [statement] = asked
    assert all(re.search(rf"\b{name}\b", statement) for name in FEATURES_1M.columns)
    assert "bucket_start >= timestamptz '2026-01-05T00:00:00+00:00'" in statement
    assert "bucket_start < timestamptz '2026-01-05T12:30:00+00:00'" in statement


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no address'; --"], "is no address"),
        ([NATIVE_MINT, "--since", "2026-01-06", "--until", "2026-01-05"], "ends before it begins"),
        ([NATIVE_MINT, "--since", "yesterday"], "--since"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line(asked: list[str], arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(features, arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert asked == []


def test_the_benchmark_measures_three_ways_over_the_same_rows_and_the_fold() -> None:
    result = CliRunner().invoke(bench, ["--trades", "3000", "--rounds", "1"])
    assert result.exit_code == 0, result.output
    rows = dict(re.findall(r"^  (ours|polars|duckdb) .* ([\d,]+) rows of 3,000 trades$", result.output, re.MULTILINE))
    assert len(rows) == 3
    assert len(set(rows.values())) == 1
    assert re.search(r"the fold, one core: [\d,]+ trades a second", result.output)
