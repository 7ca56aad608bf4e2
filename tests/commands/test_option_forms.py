"""Options and texts: numbers in ASCII digits, ports that cannot be had, brackets that stay, names with quotes and dollars."""

import os
import shutil
import socket
import subprocess
from datetime import date
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from oof_pipelines.commands.demo import _stretch
from oof_pipelines.commands.free_port import check_port
from oof_pipelines.commands.node import node
from oof_pipelines.commands.numbers import SPEED, Number, WholeNumber
from oof_pipelines.commands.soak import soak
from oof_pipelines.commands.steps import Steps
from oof_pipelines.commands.up import up
from oof_pipelines.settings import REPOSITORY_ROOT, SettingsError


@pytest.mark.parametrize("text", ["٣", "1_0", "²", "", "0x1", "1e3", "9" * 19])
def test_what_is_no_integer_in_ascii_is_refused(text):
    with pytest.raises(click.BadParameter):
        WholeNumber(0).convert(text, None, None)


@pytest.mark.parametrize("text", ["٣", "1_0", "nan", "inf", "-1", "1e400", "", "10001"])
def test_what_is_no_finite_number_in_ascii_is_refused(text):
    with pytest.raises(click.BadParameter):
        SPEED.convert(text, None, None)


def test_plain_numbers_are_taken():
    assert [WholeNumber().convert(text, None, None) for text in ("0", "-7", " 42 ")] == [0, -7, 42]
    assert [Number().convert(text, None, None) for text in ("1", ".5", "2.", "1e-3")] == [1.0, 0.5, 2.0, 0.001]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (node, ["--port", "٣", "."]),
        (node, ["--seed", "٣", "."]),
        (node, ["--speed", "٣", "."]),
        (soak, ["--minutes", "٣"]),
        (soak, ["--seed", "٣"]),
        (up, ["--speed", "nan"]),
        (up, ["--metrics-port", "٣"]),
    ],
)
def test_commands_name_the_option(command, arguments):
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert f"Invalid value for '{arguments[0]}'" in result.output


def test_a_fault_in_other_digits_is_refused(tmp_path):
    result = CliRunner().invoke(node, [str(tmp_path), "--faults", "429:p=٠"])
    assert (result.exit_code, result.output) == (1, "Error: --faults: 429:p wants a number from 0 to 1, not '٠'\n")


def test_a_log_that_cannot_be_written_is_one_line(tmp_path):
    result = CliRunner().invoke(node, [str(tmp_path), "--log", str(tmp_path / "missing" / "log")])
    assert result.exit_code == 1
    assert result.output.startswith("Error: --log: cannot write to ")


def test_a_port_of_the_system_is_told_from_a_taken_one(monkeypatch):
    def refuse(_socket, _address):
        raise PermissionError(13, "Permission denied")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"^--x: port {port} is taken by another program$"):
            check_port("--x", port)
    check_port("--x", port)
    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(SettingsError, match=r"^--x: port 80 is for the system's own programs; take one from 1024 on$"):
        check_port("--x", 80)


def test_steps_print_names_as_they_are(capsys):
    with Steps() as steps, steps.step("serving [bold]/a [1] :smile:"):
        pass
    assert capsys.readouterr().err == "serving [bold]/a [1] :smile:\n"


def test_one_day_is_singular():
    first, last = date(2024, 1, 1), date(2024, 1, 3)
    assert _stretch([first]) == "1 day, 2024-01-01"
    assert _stretch([first, last]) == "2 days from 2024-01-01 to 2024-01-03"


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("is_variable", [True, False])
@pytest.mark.parametrize("goal", ["demo", "up"])
def test_make_hands_on_any_name(tmp_path, goal, is_variable):
    name = "/a folder with $ and \"quotes\", 'single' ones, $(HOME), `date`, # and \\"
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "oof").write_text('#!/bin/sh\nprintf "%s\\n" "$@" "$RECORDED" > "$OUT"\n')
    (binaries / "oof").chmod(0o755)
    ready = tmp_path / "ready"
    ready.touch()
    # Were the stamp thought too old, an environment would be made: then rather fail, and away from the real one.
    elsewhere = [f"BIN={binaries}", f"READY={ready}", f"VENV={tmp_path / 'venv'}", "PYTHON=false"]
    command = ["make", "--no-print-directory", goal, *elsewhere]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment |= {"OUT": str(tmp_path / "out")}
    if is_variable:
        command.append(f"RECORDED={name}")
    else:
        environment["RECORDED"] = name
    subprocess.run(command, cwd=REPOSITORY_ROOT, env=environment, check=True, timeout=30)
    assert Path(tmp_path / "out").read_text().splitlines() == [goal, name]
