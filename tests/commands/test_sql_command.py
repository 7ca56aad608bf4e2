"""`oof sql` and its neighbours over a real store: an empty one, then a filled one."""

import asyncio
import csv
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.compression import compress_body
from oof_pipelines.commands.fold import fold
from oof_pipelines.commands.sql import QUERIES_FOLDER, VIEWS_FOLDER, sql
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.settings import REPOSITORY_ROOT
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

LARGEST_U64 = 2**64 - 1
LOG = "Program log: [bold]kept[/bold] [/stray] [1]"
PROGRAM = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PAYER = "CPp14jCnVZpBUoLGZKAFcrLGHqbYTqHjcBEXaJyVgVop"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home everyone may enter, with a running server; erased at the end."""
    folder = Path(tempfile.mkdtemp(prefix="oof-t-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "home")
    server.start()
    yield folder / "home"
    server.erase()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def filled_home(home: Path) -> Path:
    """The same home with four transactions of one day in the inbox, all final."""
    url = EmbeddedPostgres(home).url
    migrate(url, REPOSITORY_ROOT / "sql" / "migrations")

    async def fill() -> None:
        async with PostgresInbox(lambda: url) as inbox:
            rows = [transaction(number) for number in range(4)]
            await inbox.store(rows, [])
            await inbox.mark_final([row.signature for row in rows])

    asyncio.run(fill())
    return home


def transaction(number: int) -> StoredTransaction:
    signature = encode_base58(b"\1" + hashlib.sha512(str(number).encode()).digest()[1:])
    body = {
        "slot": 400_000_000 + number,
        "transaction": {
            "signatures": [signature],
            "message": {"accountKeys": [PAYER, PROGRAM], "instructions": [{"programIdIndex": 1}]},
        },
        "meta": {"err": None, "fee": LARGEST_U64},
    }
    return StoredTransaction(
        signature=signature,
        slot=400_000_000 + number,
        tx_index=None,
        block_time=datetime(2026, 2, 13, 12, 0, number, tzinfo=UTC),
        is_block_time_estimated=False,
        version="legacy",
        is_failed=False,
        fee_lamports=LARGEST_U64,
        fee_payer=PAYER,
        program_ids=(PROGRAM,),
        lead_program_id=PROGRAM,
        is_simple_vote=False,
        logs=(LOG,),
        body_zstd=compress_body(json.dumps(body).encode()),
    )


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OOF_HOME", str(home))
    for name in ("DATABASE_URL", "OOF_STORE"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(sql, list(arguments))


def test_the_list_names_every_file() -> None:
    for arguments in (("--list",), ()):
        listed = run(*arguments)
        assert listed.exit_code == 0
        names = {line.split()[0] for line in listed.output.splitlines() if line.strip()}
        files = [*QUERIES_FOLDER.glob("*.sql"), *VIEWS_FOLDER.glob("*.sql")]
        assert len(files) >= 10
        assert {path.stem for path in files} <= names


@pytest.mark.usefixtures("settings_of")
def test_ready_queries_run_on_an_empty_store() -> None:
    for path in sorted(QUERIES_FOLDER.glob("*.sql")):
        found = run("--format", "json", path.stem)
        assert found.exit_code == 0, (path, found.output)
        assert isinstance(json.loads(found.output), list)


@pytest.mark.usefixtures("settings_of", "filled_home")
@pytest.mark.parametrize("is_folded", [False, True], ids=["waiting", "folded"])
def test_ready_queries_run_on_a_filled_store(is_folded: bool) -> None:
    if is_folded:
        done = CliRunner().invoke(fold)
        assert done.exit_code == 0, done.output
        assert [line.rpartition(" sha256=")[0] for line in done.output.splitlines()] == [
            "raw_transactions 2026-02-13 rows=4 added=4",
            "raw_logs 2026-02-13 rows=4 added=4",
        ]
        again = CliRunner().invoke(fold, ["--day", "2026-02-13"])
        assert again.output == done.output.replace("added=4", "added=0"), "the same bytes"
    answers = {}
    for path in sorted(QUERIES_FOLDER.glob("*.sql")):
        found = run("--format", "json", path.stem)
        assert found.exit_code == 0, (path, found.output)
        answers[path.stem] = json.loads(found.output)
    (by_day,) = answers["transactions_by_day"]
    assert (by_day["day"], by_day["transactions"], by_day["provisional"]) == ("2026-02-13", 4, 0)
    assert by_day["fees_lamports"] == str(4 * LARGEST_U64)
    (by_program,) = answers["transactions_by_program_and_day"]
    assert (by_program["program"], by_program["transactions"]) == ("pumpfun", 4)
    assert len(answers["largest_bodies"]) == 4


@pytest.mark.usefixtures("settings_of", "filled_home")
def test_every_format_keeps_every_digit_and_letter() -> None:
    query = "select signature, fee_lamports, block_time, (select logs from raw_logs limit 1) as logs, null as nothing "
    query += "from raw_transactions order by slot limit 1"
    first = transaction(0)
    (as_json,) = json.loads(run("--format", "json", query).output)
    assert as_json == {
        "signature": first.signature,
        "fee_lamports": str(LARGEST_U64),
        "block_time": "2026-02-13T12:00:00+00:00",
        "logs": [LOG],
        "nothing": None,
    }
    (as_csv,) = csv.DictReader(io.StringIO(run("--format", "csv", query).output))
    assert as_csv == {
        "signature": first.signature,
        "fee_lamports": str(LARGEST_U64),
        "block_time": "2026-02-13 12:00:00+00:00",
        "logs": LOG,
        "nothing": "",
    }
    table = run(query).output
    for text in (first.signature, str(LARGEST_U64), LOG, "2026-02-13 12:00:00+00:00", "fee_lamports"):
        assert text in table


@pytest.mark.usefixtures("settings_of")
def test_values_of_every_kind_are_json() -> None:
    query = """select 9007199254740993 as large, -9007199254740993 as negative, 9007199254740992 as exact,
        1.10::decimal(38, 18) as money, true as yes, 'NaN'::double as nan, interval 1 day as duration,
        time '12:00:00' as hour, '\\xAB'::blob as bytes, {'a': [18446744073709551615]} as nested,
        uuid '00000000-0000-0000-0000-000000000001' as id, date '2026-02-13' as day, 0.5::double as half"""
    (row,) = json.loads(run("--format", "json", query).output, parse_constant=pytest.fail)
    assert row == {
        "large": "9007199254740993",
        "negative": "-9007199254740993",
        "exact": 2**53,
        "money": "1.100000000000000000",
        "yes": True,
        "nan": "nan",
        "duration": "1 day, 0:00:00",
        "hour": "12:00:00",
        "bytes": "ab",
        "nested": {"a": ["18446744073709551615"]},
        "id": "00000000-0000-0000-0000-000000000001",
        "day": "2026-02-13",
        "half": 0.5,
    }


@pytest.mark.usefixtures("settings_of")
def test_mistakes_give_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = run("select * from nothing_of_this_name")
    assert (wrong.exit_code, wrong.output.startswith("Error: ")) == (1, True)
    assert "nothing_of_this_name" in wrong.output
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hunter2hunter2@127.0.0.1:1/none")
    away = run("select 1")
    assert (away.exit_code, "DATABASE_URL" in away.output) == (1, True)
    assert "hunter2" not in away.output
    monkeypatch.setenv("OOF_STORE", "s3://bucket")
    unusable = run("select 1")
    assert unusable.output.splitlines() == [
        "Error: OOF_STORE: 's3://bucket' is not a folder; object stores are not supported yet"
    ]
