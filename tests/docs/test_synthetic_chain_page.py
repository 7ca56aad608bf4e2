"""docs/synthetic_chain.md: every option and every field of the answers is on it, and its counts are the story's."""

from pathlib import Path

import click

from oof_pipelines.commands.synth import synth
from oof_pipelines.testing.golden_chain import tell

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "synthetic_chain.md").read_text(encoding="utf-8")
NUMBERS = {1: "one", 2: "two", 3: "three"}


def test_every_command_and_option_is_named() -> None:
    for name, command in synth.commands.items():
        assert f"`oof synth {name}`" in PAGE
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.opts[0] in PAGE, option.opts[0]


def test_every_field_of_the_answers_is_explained_and_the_counts_are_true() -> None:
    answers = tell(1).answers
    for field in answers:
        assert f"`{field}`" in PAGE, field
    counts = ", ".join(f"{NUMBERS[count]} {kind}" for kind, count in answers["moments"].items() if kind != "Rug")
    assert f"three moments {counts.removeprefix('three ')} and two Rug" in PAGE
    for name in answers["environment"]:
        assert name in PAGE or name == "OOF_SOL_USD_SOURCE"
    own = answers["costs"]["transactions"]
    assert abs(own - 160) < 8
    assert abs(answers["transactions"] - 1_750) < 50
