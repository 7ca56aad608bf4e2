"""`oof sql` and its neighbours over a real store: an empty one, then a filled one."""

import asyncio
import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.compression import compress_body
from oof_pipelines.commands.fold import fold
from oof_pipelines.commands.sql import QUERIES_FOLDER, VIEWS_FOLDER, sql
from oof_pipelines.commands.sql_output import print_table, unique_names
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.settings import REPOSITORY_ROOT
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.placement import NOBODY_ID
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
        "meta": {"err": None, "fee": LARGEST_U64, "preBalances": [LARGEST_U64, 0], "postBalances": [0, 0]},
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
def other_user() -> Callable[[], AbstractContextManager[None]]:
    """A block in which we have no rights of root, so that closed folders are closed."""

    @contextmanager
    def block() -> Iterator[None]:
        was = os.geteuid()
        if was == 0:
            os.seteuid(NOBODY_ID)
        try:
            yield
        finally:
            os.seteuid(was)

    return block


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
        assert [line.rpartition(" sha256=")[0] for line in done.output.splitlines() if line.startswith("raw_")] == [
            "raw_transactions 2026-02-13 rows=4 added=4",
            "raw_logs 2026-02-13 rows=4 added=4",
        ]
        again = CliRunner().invoke(fold, ["--day", "2026-02-13"])
        first, second = (
            [line for line in result.output.splitlines() if line.startswith("raw_")] for result in (done, again)
        )
        assert second == [line.replace("added=4", "added=0") for line in first], "the same bytes"
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
    assert len(away.output.splitlines()) == 1
    monkeypatch.setenv("OOF_STORE", "s3://id:hunter2hunter2@bucket")
    unusable = run("select 1")
    assert unusable.output.splitlines() == [
        "Error: OOF_STORE: an address is not a folder; object stores are not supported yet"
    ]


@pytest.mark.usefixtures("settings_of")
def test_columns_of_one_name_are_all_kept() -> None:
    query = "select 1 as a, 2 as a, 3 as a_2, 4 as a"
    assert json.loads(run("--format", "json", query).output) == [{"a": 1, "a_3": 2, "a_2": 3, "a_4": 4}]
    assert run("--format", "csv", query).output == "a,a_3,a_2,a_4\n1,2,3,4\n"
    assert "a_4" in run(query).output
    assert unique_names(["a", "a", "b", "a"]) == ["a", "a_2", "b", "a_3"]


@pytest.mark.usefixtures("settings_of")
def test_control_characters_reach_no_terminal_and_every_file() -> None:
    hostile = "\x1b[31mred\x07\x9b\x7f\u202e\nnext"
    query = "select '" + hostile + "' as " + '"\x1b[1mname"'
    table = run(query).output
    assert r"\x1b[31mred\x07\x9b\x7f\u202e\nnext" in table
    assert r"\x1b[1mname" in table
    assert not set(table) & set("\x1b\x07\x9b\x7f\u202e")
    assert json.loads(run("--format", "json", query).output) == [{"\x1b[1mname": hostile}]
    (row,) = csv.DictReader(io.StringIO(run("--format", "csv", query).output, newline=""))
    assert list(row.values()) == [hostile]


@pytest.mark.parametrize("columns", [1, 3, 30])
@pytest.mark.parametrize("width", [20, 60, 400])
def test_no_cell_is_cut_whatever_the_width_of_the_terminal(
    columns: int, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    values = [f"{number:02}" + "5" * 86 for number in range(columns)]
    print_table([f"column_{number}" for number in range(columns)], iter([tuple(values)]))
    shown = capsys.readouterr().out
    for value in values:
        assert value in shown, "in one piece, so that it can be copied"
    assert "…" not in shown


def test_a_terminal_is_told_that_there_are_more_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_table(["n"], iter([(number,) for number in range(200)]))
    assert "the first" not in capsys.readouterr().out
    print_table(["n"], iter([(number,) for number in range(201)]))
    assert "the first 200 rows" in capsys.readouterr().out


@pytest.mark.usefixtures("settings_of")
@pytest.mark.parametrize(
    ("query", "said"),
    [
        (" ", "the query is empty"),
        (";", "the query is empty"),
        ("/* nothing */", "the query is empty"),
        ("transaction_by_day", "did you mean transactions_by_day? `oof sql --list` shows all"),
        ("Transactions-by-day", "did you mean transactions_by_day?"),
        ("xyzzy", "`oof sql --list` shows all"),
        ("raw_logs", "oof sql 'from raw_logs'"),
    ],
)
def test_what_is_no_query_points_to_one(query: str, said: str) -> None:
    result = run(query)
    assert (result.exit_code, len(result.output.splitlines())) == (1, 1)
    assert said in result.output


@pytest.mark.usefixtures("settings_of")
@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to '{file}'",
        "COPY (pivot (select 1 a, 2 b) on a using sum(b)) TO '{file}'",
        "explain analyze copy (select 1) to '{file}'",
        "/* a */ explain (analyze) copy (select 1) to '{file}'",
        "attach '{file}' as other",
        "export database '{file}'",
        "prepare p as copy (select 1) to '{file}'",
        "pragma profiling_output = '{file}'",
        "set threads = 1",
        "install httpfs",
        "load httpfs",
        "create table t as select 1",
        "select 1; copy (select 1) to '{file}'",
    ],
)
def test_what_writes_or_loads_is_refused_in_one_line(statement: str, tmp_path: Path) -> None:
    result = run(statement.format(file=tmp_path / "written"))
    assert (result.exit_code, len(result.output.splitlines())) == (1, 1), result.output
    assert "a query is one statement that reads" in result.output
    assert not (tmp_path / "written").exists()


@pytest.mark.usefixtures("settings_of")
@pytest.mark.parametrize(
    "statement",
    [
        "select 1;",
        "/* why */ -- and\nselect 1",
        "from range(1)",
        "with a as (select 1) from a",
        "describe select 1",
        "summarize select 1",
        "show tables",
        "explain select 1",
        "/* why */ explain analyze select 1",
        "explain (format json) select 1",
        "pivot (select 1 a, 2 b) on a using sum(b)",
        "from read_text('{file}')",
    ],
)
def test_what_reads_runs(statement: str, tmp_path: Path) -> None:
    (tmp_path / "read").write_text("text", encoding="utf-8")
    result = run("--format", "json", statement.format(file=tmp_path / "read"))
    assert result.exit_code == 0, result.output
    json.loads(result.output)


@pytest.mark.usefixtures("settings_of")
def test_the_network_is_not_read() -> None:
    result = run("from 'https://example.invalid/x.parquet'")
    assert (result.exit_code, result.output.splitlines()) == (
        1,
        ["Error: an address on the network is not read, only views, tables and local files"],
    )


@pytest.mark.usefixtures("settings_of")
@pytest.mark.parametrize("format_", ["table", "csv", "json"])
def test_a_full_disk_gives_one_line_and_a_closed_pipe_none(format_: str) -> None:
    command = [sys.executable, "-m", "oof_pipelines", "sql", "--format", format_, "from range(30000)"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY_ROOT)}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=environment, timeout=60, check=False, text=True
        )
    assert (done.returncode, done.stderr) == (
        1,
        "Error: cannot write (No space left on device): standard output, or the disk of OOF_HOME or OOF_STORE\n",
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.read(1)
        running.stdout.close()
        assert running.stderr.read() == b""
        running.wait(60)


@pytest.mark.usefixtures("settings_of")
def test_a_closed_store_is_named_and_never_taken_for_an_empty_one(
    home: Path, monkeypatch: pytest.MonkeyPatch, other_user: Callable[[], AbstractContextManager[None]]
) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setenv("DATABASE_URL", EmbeddedPostgres(home).url)
    closed = home.parent / "closed"
    (closed / "raw_transactions").mkdir(parents=True, exist_ok=True)
    closed.chmod(0o000)
    for store in (closed, closed / "below"):
        monkeypatch.setenv("OOF_STORE", str(store))
        with other_user():
            result = run("select count(*) from raw_transactions")
        assert (result.exit_code, len(result.output.splitlines())) == (1, 1), result.output
        assert result.output.startswith("Error: OOF_STORE: ")
    closed.chmod(0o755)


@pytest.mark.usefixtures("settings_of")
def test_a_closed_home_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, other_user: Callable[[], AbstractContextManager[None]]
) -> None:
    monkeypatch.chdir("/")
    closed = home.parent / "closed_home"
    closed.mkdir()
    for mode, value in ((0o555, closed), (0o000, closed / "below")):
        closed.chmod(mode)
        monkeypatch.setenv("OOF_HOME", str(value))
        with other_user():
            result = run("select 1")
        assert (result.exit_code, len(result.output.splitlines())) == (1, 1), result.output
        assert "OOF_HOME" in result.output
    closed.chmod(0o755)
