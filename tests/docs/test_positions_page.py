"""docs/positions.md: every kind of event and every word of a row is explained, and its figures and files are the code's."""

import re

from recorded_data import REPOSITORY_ROOT

from oof_pipelines.commands.bench_fifo import fifo
from oof_pipelines.commands.positions import positions
from oof_pipelines.positions.events import KINDS
from oof_pipelines.positions.results import BASIS_STATUSES, EXIT_KINDS, ID_DIGITS, PENDING
from oof_pipelines.positions.valued import SNAPSHOT_EVENTS

PAGE = (REPOSITORY_ROOT / "docs" / "positions.md").read_text(encoding="utf-8")


def test_every_kind_of_event_has_its_row() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert explained == list(KINDS)


def test_every_word_of_a_row_is_explained() -> None:
    for word in (*BASIS_STATUSES, *EXIT_KINDS, PENDING):
        assert f"`{word}`" in PAGE, word


def test_figures_are_the_codes() -> None:
    assert f"Every {SNAPSHOT_EVENTS} events" in PAGE
    assert f"first {ID_DIGITS} hexadecimal digits" in PAGE


def test_every_option_of_its_commands_is_named() -> None:
    for command, more in ((positions, ()), (fifo, ("--events", "--rounds", "--seed", "--peer-trades"))):
        for option in command.params:
            assert option.opts[0] in (*more, "--help") or option.opts[0] in PAGE, option.opts[0]


def test_the_files_it_names_are_there() -> None:
    package = REPOSITORY_ROOT / "oof_pipelines" / "positions"
    named = re.findall(r"`(?:positions/)?(\w+\.py)`", PAGE)
    assert len(named) > 10
    for name in named:
        assert (package / name).is_file(), name
