"""`oof pg`, against a real server."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oof_pipelines.commands.postgres import pg, without_password
from oof_pipelines.storage.postgres.server import EmbeddedPostgres


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home everyone may enter, named in the environment; its server is erased at the end."""
    folder = Path(tempfile.mkdtemp(prefix="oof-t-", dir="/tmp"))
    folder.chmod(0o755)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OOF_HOME", str(folder / "home"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    yield folder / "home"
    EmbeddedPostgres(folder / "home").erase()
    shutil.rmtree(folder)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(pg, list(arguments))


def test_life_of_the_embedded_server(home: Path) -> None:
    stopped = run("status")
    assert (stopped.exit_code, "not running" in stopped.output) == (3, True)
    assert run("stop").exit_code == 0
    assert run("url").exit_code == 1

    started = run("start")
    assert started.exit_code == 0, started.output
    address = EmbeddedPostgres(home).url
    password = address.split(":")[2].split("@")[0]
    running = run("status")
    assert running.exit_code == 0
    for shown in (started.output, running.output):
        assert address.replace(f":{password}", "") in shown
        assert password not in shown
    assert run("url").output == address + "\n"
    assert run("stop", "--mode", "immediate").exit_code == 0
    assert run("status").exit_code == 3


def test_a_server_of_yours_is_only_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = EmbeddedPostgres(home).start()
    monkeypatch.setenv("DATABASE_URL", address)
    for command in ("start", "status", "stop"):
        result = run(command)
        assert result.exit_code == 0, result.output
        assert "DATABASE_URL" in result.output
    assert EmbeddedPostgres(home).status().is_running
    EmbeddedPostgres(home).stop()
    password = address.split(":")[2].split("@")[0]
    for command, exit_code in (("start", 1), ("status", 3), ("stop", 0)):
        result = run(command)
        assert result.exit_code == exit_code
        assert password not in result.output
    monkeypatch.setenv("DATABASE_URL", "mysql://somewhere")
    assert (run("status").exit_code, "DATABASE_URL" in run("status").output) == (1, True)


@pytest.mark.parametrize("command", ["start", "stop", "status", "url"])
def test_help_has_an_example(command: str) -> None:
    assert "Example:" in run(command, "--help").output


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://oof:p@127.0.0.1:20000/oof", "postgresql://oof@127.0.0.1:20000/oof"),
        ("postgres://u:p%40@[::1]:5/d?password=x&sslmode=require", "postgres://u@[::1]:5/d"),
        ("host=h password=p", "the server of DATABASE_URL"),
        ("postgresql://u:p@h:port/d", "the server of DATABASE_URL"),
    ],
)
def test_what_is_shown_of_an_address_holds_no_secret(address: str, shown: str) -> None:
    assert without_password(address) == shown
