"""The chain, the server and the calm run that every fault is measured against, once a session."""

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from real_processes import Rows, Stage, fresh_database, run_calmly

from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.synthetic_chain import write_chain

TRANSACTIONS = 160
SEED = 7


@dataclass(frozen=True, slots=True)
class Calm:
    """A chain and what an undisturbed run over it leaves. `template` is a database as it is before the fold."""

    chain: Path
    log: Path
    expected: Rows
    template: str


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A short folder everyone may enter; pytest's own is closed to the user root hands the server to."""
    folder = Path(tempfile.mkdtemp(prefix="oof-f-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    """The server of every test that does not kill it."""
    server = EmbeddedPostgres(open_folder / "server")
    server.start()
    yield server
    server.erase()


@pytest.fixture(scope="session")
def chain(open_folder: Path) -> Path:
    """A synthetic chain over three days."""
    folder = open_folder / "chain"
    assert write_chain(folder, seed=SEED, transaction_count=TRANSACTIONS, days=3) == TRANSACTIONS
    return folder


MakeStage = Callable[[], Stage]


@contextlib.contextmanager
def opened_stage(open_folder: Path, server: EmbeddedPostgres, template: str | None = None) -> Iterator[Stage]:
    name = f"f_{secrets.token_hex(6)}"
    folder = open_folder / name
    folder.mkdir()
    with fresh_database(server.url, name, template) as url:
        stage = Stage(folder, url, server._home)
        try:
            yield stage
        finally:
            stage.end()


@pytest.fixture
def make_stage(open_folder: Path, server: EmbeddedPostgres) -> Iterator[MakeStage]:
    """Makes stages, each with an empty database and an empty store."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(opened_stage(open_folder, server))


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    return make_stage()


@pytest.fixture(scope="session")
def calm(open_folder: Path, server: EmbeddedPostgres, chain: Path) -> Iterator[Calm]:
    """The calm run over the synthetic chain."""
    with calm_run(open_folder, server, chain) as calm:
        yield calm


@pytest.fixture(scope="session")
def recorded_calm(open_folder: Path, server: EmbeddedPostgres, fixtures_dir: Path) -> Iterator[Calm]:
    """The calm run over recorded mainnet transactions in two encodings; nothing of them is copied."""
    chain = open_folder / "recorded"
    chain.mkdir()
    for name in ("tx_base64", "tx_json"):
        (chain / name).symlink_to(fixtures_dir.resolve() / name)
    with calm_run(open_folder, server, chain) as calm:
        yield calm


@contextlib.contextmanager
def calm_run(open_folder: Path, server: EmbeddedPostgres, chain: Path) -> Iterator[Calm]:
    template = f"calm_{secrets.token_hex(4)}"
    with opened_stage(open_folder, server) as stage:
        run_calmly(stage, chain)
        with fresh_database(server.url, template, stage.folder.name):
            yield Calm(chain, stage.folder / "node.log", stage.fold_and_read(), template)
