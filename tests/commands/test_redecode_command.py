"""`oof redecode` in a real home: only the days that call the program, what it says of whom, and a dry run."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from decoded_home import decode_all, file_bytes, fold_all, keep, select, served_rows, synthetic_rows, update_all

from oof_pipelines.chain.replaced import replaced as replace
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.commands.redecode import redecode
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.workflows import prepare as prepare_module

FIRST, SECOND = sorted({row.day for row in synthetic_rows()})
SYSTEM = "11111111111111111111111111111111"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="oof-t-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "server")
    server.start()
    yield server
    server.erase()
    shutil.rmtree(folder)


@pytest.fixture
def store(server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ParquetStore:
    """Two stored days, the second without a call of Token-2022, decoded by a decoder that knew no transfers."""
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(server.url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(f'create database "{name}"'.encode())
    monkeypatch.setenv("OOF_HOME", str(tmp_path))
    monkeypatch.delenv("OOF_STORE", raising=False)
    monkeypatch.setenv("DATABASE_URL", server.url.rpartition("/")[0] + "/" + name)
    migrate(url(), load_settings().migrations_folder)
    store = ParquetStore(load_settings().store)
    with monkeypatch.context() as patch:
        patch.setattr(prepare_module, "decode_transaction", without_transfers)
        rows = synthetic_rows()
        keep(url(), [row for row in rows if row.day == FIRST or TOKEN_2022 not in row.program_ids])
        fold_all(url(), store)
        decode_all(url(), store)
        update_all(url(), store)
    return store


def without_transfers(parsed: ParsedTransaction, _programs: object = ()) -> Decoded:
    decoded = decode_transaction(parsed)
    return replace(decoded, actions=[one for one in decoded.actions if one.kind != "transfer"])


def url() -> str:
    found = load_settings().database_url
    assert found is not None
    return found


def run(*options: str) -> Result:
    return CliRunner().invoke(redecode, options)


def kinds(day: date) -> set[str]:
    actions = ParquetStore(load_settings().store).read("actions", day)
    assert actions is not None
    return set(actions["kind"])


def test_only_days_that_call_the_program_are_decoded_and_what_changed_is_said(store: ParquetStore) -> None:
    before = file_bytes(store.root)
    assert "transfer" not in kinds(FIRST)
    result = run("--program", "token_2022", "--since", FIRST.isoformat())
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "1 of 2 stored days call token_2022"
    assert lines[1].startswith(f"1/1 {FIRST} transactions=")
    assert " removed=0 " in lines[1]
    assert " changed=0" in lines[1]
    assert any(line.startswith("  ") and line.endswith(" transfer") for line in lines)
    assert lines[-1].endswith(" wallet buckets updated")
    assert "transfer" in kinds(FIRST)
    assert "transfer" not in kinds(SECOND)
    after = file_bytes(store.root)
    changed = {name for name in before if before[name] != after[name]}
    assert not {name for name in changed if str(SECOND) in name}
    assert f"actions/day={FIRST}/part.parquet" in changed
    assert any(name.startswith("wallet_actions/") for name in changed)
    again = run("--program", TOKEN_2022, "--since", FIRST.isoformat())
    assert "wallets_changed=0 removed=0 added=0 changed=0" in again.stdout
    assert file_bytes(store.root) == after


def test_a_dry_run_says_the_same_and_writes_nothing(store: ParquetStore) -> None:
    before, served = file_bytes(store.root), served_rows(url())
    dry = run("--program", "token_2022", "--since", FIRST.isoformat(), "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert (file_bytes(store.root), served_rows(url())) == (before, served)
    wet = run("--program", "token_2022", "--since", FIRST.isoformat())
    followers = ("risk_flags", *CANDLE_DATASETS, "features_1m")
    made, said = [], []
    for line in wet.stdout.splitlines()[:-1]:
        (made if line.split()[0] in followers else said).append(line)
    assert said == dry.stdout.splitlines()
    days = [day.isoformat() for day in (FIRST, SECOND)]
    assert [line.split()[:2] for line in made] == [
        *(["risk_flags", day] for day in days),
        *([name, day] for day in days for name in CANDLE_DATASETS),
        *(["features_1m", day] for day in days),
    ]


def test_days_are_bounded_and_wallets_too(store: ParquetStore) -> None:
    assert run("--program", "system", "--since", "2100-01-01").stdout.startswith("0 of 2 stored days call system\n")
    assert run("--program", "system", "--since", "2000-01-01", "--until", "2001-01-01").stdout.startswith("0 of 2")
    few = run(
        "--program", SYSTEM, "--since", FIRST.isoformat(), "--until", FIRST.isoformat(), "--wallets", "1", "--dry-run"
    )
    assert few.stdout.splitlines()[0] == f"1 of 2 stored days call {SYSTEM}"
    assert few.stdout.splitlines()[-1].startswith("  and ")
    assert len(few.stdout.splitlines()) == 4
    assert select(url(), "select count(*) from decoded_days") == [(2,)]


def test_a_program_nobody_knows_is_refused_in_one_line() -> None:
    result = run("--program", "pumpfunn", "--since", "2026-01-01")
    assert result.exit_code == 2
    assert "'pumpfunn' is neither a program we know by name nor an address" in result.stderr
