"""A real PostgreSQL for the tests of this folder; none of it is left when they end."""

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from dropped_database import drop_database

from oof_pipelines.storage.postgres.server import EmbeddedPostgres


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A short folder everyone may enter; pytest's own is closed to the user root hands the server to."""
    folder = Path(tempfile.mkdtemp(prefix="oof-t-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def embedded(open_folder: Path) -> Iterator[Callable[..., EmbeddedPostgres]]:
    """Makes the server of a home (default: a new one); erased at the end, whatever happened."""
    made: list[EmbeddedPostgres] = []

    def make(home: Path | None = None, **options: object) -> EmbeddedPostgres:
        server = EmbeddedPostgres(home or open_folder / secrets.token_hex(4), **options)  # type: ignore[arg-type]
        made.append(server)
        return server

    yield make
    for server in made:
        server.erase()


@pytest.fixture(scope="module")
def postgres(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    """One running server for the module."""
    server = EmbeddedPostgres(open_folder / "shared")
    server.start()
    yield server
    server.erase()


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """An empty database of its own on the module's server."""
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield postgres.url.rpartition("/")[0] + "/" + name
        drop_database(connection, name)
