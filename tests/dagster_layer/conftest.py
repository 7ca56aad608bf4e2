"""A home with transactions of three days waiting in its inbox, as a feed leaves them."""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.synthetic_chain import generate
from oof_pipelines.workflows.prepare import FetchedBody, prepare

TRANSACTIONS = 90


@dataclass(frozen=True, slots=True)
class FilledHome:
    """A home, its database, and what waits in it."""

    home: Path
    url: str
    transactions: tuple[StoredTransaction, ...]

    @property
    def days(self) -> list[str]:
        return sorted({transaction.day.isoformat() for transaction in self.transactions})


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="oof-d-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "server")
    server.start()
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


def fill(url: str) -> tuple[StoredTransaction, ...]:
    """Store a synthetic chain of three days as a feed would."""
    rows = []
    for synthetic in generate(3, TRANSACTIONS, days=3):
        row = prepare(
            FetchedBody(synthetic.signature, synthetic.to_json_bytes("base64")), synthetic.slot, "mainnet-beta"
        )
        assert isinstance(row, StoredTransaction)
        rows.append(row)

    async def store() -> None:
        async with PostgresInbox(lambda: url) as inbox:
            await inbox.store(rows, [])
            await inbox.mark_final([row.signature for row in rows])

    asyncio.run(store())
    return tuple(rows)
