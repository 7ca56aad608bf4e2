"""Who asks an empty home is told where something is."""

from dataclasses import replace
from pathlib import Path

import pytest

from oof_pipelines.commands.other_homes import hint_at_other_homes
from oof_pipelines.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load_settings({}), home=tmp_path, store=tmp_path / "parquet_store", database=None)


def test_the_home_that_holds_something_is_named(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hint_at_other_homes(settings)
    assert capsys.readouterr().err == ""
    (tmp_path / "recorded" / "pg").mkdir(parents=True)
    hint_at_other_homes(settings)
    assert capsys.readouterr().err == f"{tmp_path} holds nothing yet; OOF_HOME={tmp_path / 'recorded'} does\n"


@pytest.mark.parametrize("ours", ["pg", "parquet_store"])
def test_a_home_that_holds_something_needs_no_hint(
    ours: str, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "demo" / "pg").mkdir(parents=True)
    (tmp_path / ours).mkdir()
    hint_at_other_homes(settings)
    assert capsys.readouterr().err == ""
