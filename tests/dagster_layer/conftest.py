"""A home with transactions of three days waiting in its inbox."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from dagster._core.storage.defs_state.base import _current_storage
from filled_home import FilledHome, fill
from lazy_server import start_lazily

from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres


@pytest.fixture(autouse=True)
def no_instance_of_another_test() -> None:
    """Dagster remembers the last instance that was opened, also after it is gone, and loading definitions would ask it."""
    _current_storage.set(None)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="oof-d-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "server")
    start_lazily(server)
    yield server
    server.erase()
    shutil.rmtree(folder)


@pytest.fixture
def filled_home(server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FilledHome:
    """Everything is final and waits; the settings of this process point at it."""
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(server.url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = server.url.rpartition("/")[0] + "/" + name
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("OOF_HOME", str(tmp_path))
    monkeypatch.delenv("OOF_STORE", raising=False)
    migrate(url, load_settings().migrations_folder)
    return FilledHome(tmp_path, url, fill(url))
