"""The folder of recordings that a user names, and the wait for the node that serves it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from oof_pipelines.commands.processes import Processes
from oof_pipelines.commands.recorded_chain import check_recorded, start_node
from oof_pipelines.settings import SettingsError
from oof_pipelines.testing.synthetic_chain import write_chain


def oof(folder: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "OOF_HOME": str(folder / "home"), "DATABASE_URL": "", "RPC_PRIMARY": "", **settings}
    return subprocess.run(
        [str(Path(sys.executable).with_name("oof")), *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def assert_refused(folder: Path, result: "subprocess.CompletedProcess[str]", words: str) -> None:
    """One line (click adds its usage to a bad option), and nothing was started."""
    assert result.returncode in (1, 2), result
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert len(errors) == 1
    assert words in errors[0]
    assert "--recorded" in errors[0]
    assert "Traceback" not in result.stderr
    assert not (folder / "home" / "demo").exists()
    assert not (folder / "home" / "pg").exists()


@pytest.mark.parametrize("command", ["demo", "up"])
@pytest.mark.parametrize("kind", ["missing", "empty", "file", "nothing in it", "an empty name"])
def test_a_folder_without_transactions_is_refused_before_anything_starts(tmp_path, command, kind):
    named = tmp_path / "recorded"
    words = "is not a folder"
    if kind in ("empty", "nothing in it"):
        named.mkdir()
        words = "holds no recorded transaction"
    if kind == "nothing in it":
        (named / "klines.json").write_text("[[1, 2]]")
        os.mkfifo(named / "pipe.json")
    if kind == "file":
        named.touch()
    name = str(named)
    if kind == "an empty name":
        name, words = "", "names no folder"
    assert_refused(tmp_path, oof(tmp_path, command, "--recorded", name, DAGSTER_WEBSERVER_PORT="3994"), words)


def test_the_environment_names_a_folder_as_well(tmp_path):
    assert_refused(tmp_path, oof(tmp_path, "demo", RECORDED=str(tmp_path / "[bold]no")), "[bold]no is not a folder")


def test_up_names_the_option_of_a_taken_port(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for result, option in (
            (oof(tmp_path, "up", "--metrics-port", port, DAGSTER_WEBSERVER_PORT="3994"), "--metrics-port"),
            (oof(tmp_path, "up", "--metrics-port", "9894", DAGSTER_WEBSERVER_PORT=port), "DAGSTER_WEBSERVER_PORT"),
        ):
            assert (result.returncode, result.stderr) == (
                1,
                f"Error: {option}: port {port} is taken by another program\n",
            )
    assert not (tmp_path / "home").exists()


def test_the_node_tells_what_it_skipped_and_names_it_in_the_log(tmp_path):
    chain = tmp_path / "-chain [1]"
    write_chain(chain, seed=1, transaction_count=3)
    (chain / "new\nline.json").write_text("{broken")
    (chain / "klines.json").write_text("[]")
    check_recorded(chain)
    with Processes(tmp_path / "logs", {}) as processes:
        node = start_node(processes, chain, speed=0)
        assert (node.transaction_count, node.skipped_file_count) == (3, 2)
        assert sorted(node.skips) == ["skipped 1 file: broken JSON", "skipped 1 file: no transaction in it"]
        assert node.described().startswith(f"3 transactions, 2 of {node.file_count} files skipped, named in ")
    log = (tmp_path / "logs" / "node.log").read_text().splitlines()
    assert f"skipped: {chain}/new\\nline.json: broken JSON" in log
    assert f"skipped: {chain}/klines.json: no transaction in it" in log


def test_a_node_that_says_nothing_is_not_waited_for_for_ever(tmp_path):
    chain = tmp_path / "chain"
    write_chain(chain, seed=1, transaction_count=3)
    started_s = time.monotonic()
    expected = pytest.raises(
        click.ClickException, match=r"did not say where it serves within 1 s; it was reading .*chain"
    )
    # Nothing has been said so soon after the start.
    with Processes(tmp_path / "logs", {}) as processes, expected:
        start_node(processes, chain, speed=0, timeout_seconds=0.01)
    assert time.monotonic() - started_s < 20


def test_a_node_that_ends_at_once_shows_its_last_words(tmp_path):
    (tmp_path / "chain").mkdir()
    expected = pytest.raises(click.ClickException, match="holds no recorded transaction")
    with Processes(tmp_path / "logs", {}) as processes, expected:
        start_node(processes, tmp_path / "chain", speed=0)


def test_a_name_with_a_nul_is_no_folder():
    with pytest.raises(SettingsError, match="is not a folder"):
        check_recorded(Path("a\0b"))
