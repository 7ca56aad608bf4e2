"""A real PostgreSQL for the tests of this folder; none of it is left when they end."""

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from dropped_database import drop_database
from lazy_server import start_lazily

from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

WANT_AN_EMPTY_DATABASE = {"test_migrate", "test_server"}


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
def postgres(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[EmbeddedPostgres]:
    """One running server for the module. It never loses its machine here, so it need not wait for the disk."""
    server = EmbeddedPostgres(open_folder / "shared")
    if request.module.__name__ == "test_server":
        server.start()
    else:
        start_lazily(server)
    yield server
    server.erase()


@pytest.fixture(scope="module")
def template(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> str:
    """A database to copy: a migrated one, since copying it costs half of migrating each; empty for tests of migrating."""
    if request.module.__name__ in WANT_AN_EMPTY_DATABASE:
        return "template1"
    with psycopg.connect(postgres.url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("CREATE DATABASE migrated")
    migrate(postgres.url.rpartition("/")[0] + "/migrated", load_settings({}).migrations_folder)
    return "migrated"


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """A database of its own on the module's server."""
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {template}')
        yield postgres.url.rpartition("/")[0] + "/" + name
        drop_database(connection, name)
