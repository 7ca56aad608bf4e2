"""The decoder's version: it changes with what decoding runs through, and not with a fold over what was decoded."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from oof_pipelines.workflows import decoder_version as module
from oof_pipelines.workflows.decoder_version import decoder_version


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Copies of nothing: three packages of a file each, and what of the positions makes events."""
    for name in ("chain", "decode", "market"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.py").write_text("one", encoding="utf-8")
    (tmp_path / "positions").mkdir()
    for name in module._DECODING_OF_POSITIONS:
        (tmp_path / "positions" / name).write_text("one", encoding="utf-8")
    monkeypatch.setattr(module, "files", lambda package: tmp_path / package.rpartition(".")[2])
    module._own_version.cache_clear()
    yield tmp_path
    module._own_version.cache_clear()


def version() -> str:
    module._own_version.cache_clear()
    return decoder_version()


@pytest.mark.parametrize("package", ["chain", "decode", "market"])
def test_a_changed_source_is_another_decoder(packages: Path, package: str) -> None:
    before = version()
    assert version() == before
    (packages / package / "one.py").write_text("another", encoding="utf-8")
    assert version() != before


@pytest.mark.parametrize("name", module._DECODING_OF_POSITIONS)
def test_what_makes_events_of_a_transaction_is_part_of_the_decoder(packages: Path, name: str) -> None:
    before = version()
    (packages / "positions" / name).write_text("another", encoding="utf-8")
    assert version() != before


def test_what_makes_events_needs_no_other_file_of_the_positions() -> None:
    """A file that is imported and not counted could change the events of a day without the version's notice."""
    folder = module.files(module._POSITIONS)
    imported = {
        f"{node.module.rpartition('.')[2]}.py"
        for name in module._DECODING_OF_POSITIONS
        for node in ast.walk(ast.parse(folder.joinpath(name).read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(f"{module._POSITIONS}.")
    }
    assert "events.py" in imported
    assert imported <= set(module._DECODING_OF_POSITIONS)


def test_a_fold_over_what_was_decoded_is_no_part_of_the_decoder(packages: Path) -> None:
    before = version()
    (packages / "market" / "risk.py").write_text("thresholds", encoding="utf-8")
    assert version() == before
    (packages / "positions" / "lots.py").write_text("the engine", encoding="utf-8")
    (packages / "market" / "notes.txt").write_text("no source", encoding="utf-8")
    assert version() == before


def test_the_files_left_out_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A renamed fold would otherwise become a part of the decoder without a word."""
    market = module.files("oof_pipelines.market")
    assert all(market.joinpath(name).is_file() for name in module._NO_DECODING)


def test_other_programs_with_events_of_their_own_are_another_decoder() -> None:
    without, one, two = decoder_version(), decoder_version(["A"]), decoder_version(["A", "B"])
    assert len({without, one, two}) == 3
    assert decoder_version(("B", "A", "A")) == two
    assert decoder_version(frozenset()) == without


def test_what_accounts_say_is_no_part_of_the_decoder(packages: Path) -> None:
    before = version()
    (packages / "decode" / "accounts").mkdir()
    (packages / "decode" / "accounts" / "pool.py").write_text("a layout", encoding="utf-8")
    (packages / "market" / "from_accounts.py").write_text("its events", encoding="utf-8")
    assert version() == before
