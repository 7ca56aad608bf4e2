"""A real PostgreSQL and real `oof api` processes for the tests of this folder."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from oof_pipelines.settings import REPOSITORY_ROOT
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres


@pytest.fixture(scope="package")
def api_home() -> Iterator[Path]:
    """A home everyone may enter, with a running, migrated server; erased at the end."""
    folder = Path(tempfile.mkdtemp(prefix="oof-a-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "home")
    migrate(server.start(), REPOSITORY_ROOT / "sql" / "migrations")
    yield folder / "home"
    server.erase()
    shutil.rmtree(folder)
