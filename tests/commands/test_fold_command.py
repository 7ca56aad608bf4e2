"""`oof fold` in a real home: what it folds and decodes, what it says, and what it leaves when a day is broken."""

import hashlib
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest
from click.testing import CliRunner, Result
from decoded_home import file_bytes, keep, select, served_rows, synthetic_rows

from oof_pipelines.chain.replaced import replaced as replace
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.commands.fold import fold
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.storage.parquet.market_schemas import RISK_FLAGS
from oof_pipelines.storage.parquet.position_schemas import MOMENT_DATASETS, POSITION_DATASETS
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS, REFERENCE_PRICES
from oof_pipelines.storage.parquet.schemas import DATASETS, DECODED_DATASETS, RAW_DATASETS, WALLET_DATASETS
from oof_pipelines.storage.postgres.candles import PostgresCandles
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.workflows import prepare as prepare_module

FIRST, SECOND = sorted({row.day for row in synthetic_rows()})
DAY_DATASETS = (*RAW_DATASETS, *DECODED_DATASETS, RISK_FLAGS.name, *CANDLE_DATASETS, FEATURES_1M.name)
ROWS = [row for day in (FIRST, SECOND) for row in [row for row in synthetic_rows() if row.day == day][:8]]
_LINE = re.compile(
    r"(?P<dataset>\w+) (?P<partition>\S+) rows=(?P<rows>\d+)( added=\d+)? sha256=(?P<sha256>[0-9a-f]{64})"
)


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
def home(server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with two days in its inbox, all final; the settings of this process point at it."""
    monkeypatch.setenv("OOF_HOME", str(tmp_path))
    monkeypatch.delenv("OOF_STORE", raising=False)
    make_database(server, monkeypatch)
    keep(database_url(), ROWS)
    return tmp_path


def make_database(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new database, migrated and empty, that DATABASE_URL names."""
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(server.url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(f'create database "{name}"'.encode())
    monkeypatch.setenv("DATABASE_URL", server.url.rpartition("/")[0] + "/" + name)
    migrate(database_url(), load_settings().migrations_folder)


def database_url() -> str:
    url = load_settings().database_url
    assert url is not None
    return url


def run(*options: str) -> Result:
    return CliRunner().invoke(fold, options)


def files(home: Path) -> dict[str, bytes]:
    return file_bytes(home / "parquet_store")


def digests_said(result: Result) -> dict[str, str]:
    """Path → digest, of every line."""
    said = {}
    for line in result.stdout.splitlines():
        match = _LINE.fullmatch(line)
        assert match, line
        folder = DATASETS[match["dataset"]].partition_column
        said[f"{match['dataset']}/{folder}={match['partition']}/part.parquet"] = match["sha256"]
    return said


def test_everything_that_waits_is_folded_decoded_and_brought_to_the_wallets(home: Path) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    written = {name: hashlib.sha256(content).hexdigest() for name, content in files(home).items()}
    assert digests_said(result) == written
    datasets = {(name.split("/")[0], name.split("=")[1].split("/")[0]) for name in written if "/day=" in name}
    assert datasets == {(name, str(day)) for name in DAY_DATASETS for day in (FIRST, SECOND)}
    for dataset in WALLET_DATASETS:
        assert any(name.startswith(f"{dataset}/bucket=") for name in written)
    assert select(database_url(), "select count(*) from tx_raw where not is_decoded") == [(0,)]


def test_a_day_without_the_file_of_a_newer_dataset_is_decoded_and_brought_to_the_wallets(home: Path) -> None:
    """So an older version left it: no events by day or by wallet, and digests of actions alone."""
    assert run().exit_code == 0
    whole = files(home)
    (home / "parquet_store" / "position_events" / f"day={FIRST}" / "part.parquet").unlink()
    assert run("--day", str(SECOND)).exit_code == 0
    assert files(home).keys() == whole.keys() - {f"position_events/day={FIRST}/part.parquet"}, "not the day named"
    assert run().exit_code == 0
    assert files(home) == whole
    assert run().output == ""


def test_where_nothing_waits_nothing_is_said_and_nothing_written(home: Path) -> None:
    assert run().exit_code == 0
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*.parquet")}
    again = run()
    assert (again.exit_code, again.output) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*.parquet")} == before


def with_klines(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Klines of the first day alone, at 150.25 dollars, as the configured source of a SOL's price."""
    start = datetime.combine(FIRST, time())
    lines = [f"{start + timedelta(minutes=5 * place):%Y-%m-%d %H:%M:%S},150.25" for place in range(288)]
    (home / "klines.csv").write_text("\n".join(["Date,Close", *lines]))
    monkeypatch.setenv("OOF_SOL_USD_SOURCE", "klines")
    monkeypatch.setenv("OOF_SOL_USD_KLINES", str(home / "klines.csv"))


def test_a_source_of_sol_prices_is_asked_before_candles_and_features_are_made(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not (set(digests_said(run())) & {f"{REFERENCE_PRICES.name}/day={FIRST}/part.parquet"})
    with_klines(home, monkeypatch)
    asked = run()
    assert asked.exit_code == 0, asked.output

    def dated(result: Result) -> list[tuple[str, ...]]:
        lines = [tuple(line.split()[:2]) for line in result.stdout.splitlines()]
        buckets = {name for name, partition in lines if partition.isdecimal()}
        # Positions were valued without a price of SOL: they follow, all of them, and moments behind them.
        assert buckets == {*POSITION_DATASETS, *MOMENT_DATASETS}
        return [line for line in lines if line[0] not in buckets]

    made = dated(asked)
    days = (str(FIRST), str(SECOND))
    # Every day is asked for, the one of which nothing is known once; what is made of the prices follows, and no more.
    assert made == [
        *((REFERENCE_PRICES.name, day) for day in days),
        *((name, day) for day in days for name in CANDLE_DATASETS),
        *((FEATURES_1M.name, day) for day in days),
    ]
    assert {name: hashlib.sha256(files(home)[name]).hexdigest() for name in digests_said(asked)} == digests_said(asked)
    told = {day: pl.read_parquet(home / f"parquet_store/reference_prices/day={day}/part.parquet") for day in days}
    assert (told[days[0]].height > 1_400, set(told[days[0]]["source"])) == (True, {"klines"})
    assert told[days[1]].height < 20
    assert run().output == ""
    # Nobody is asked any more: what the source said goes from the files, and from what was made of them.
    monkeypatch.setenv("OOF_SOL_USD_SOURCE", "none")
    assert dated(run()) == made
    assert run().output == ""


def test_a_fold_killed_while_candles_are_written_is_mended_by_the_next(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(PostgresCandles, "publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run().exit_code == 1
    assert select(database_url(), "select day, sha256 from price_days") == [(FIRST, "")]
    mended = run()
    assert mended.exit_code == 0, mended.output
    candles = [name for name in digests_said(mended) if name.split("/")[0] in CANDLE_DATASETS]
    assert candles == [f"{name}/day={day}/part.parquet" for day in (FIRST, SECOND) for name in CANDLE_DATASETS]
    assert select(database_url(), "select count(*) from price_days where sha256 <> ''") == [(2,)]
    assert run().output == ""


def test_a_named_day_is_made_again_with_the_same_bytes(home: Path) -> None:
    run()
    before, served = files(home), served_rows(database_url())
    result = run("--day", SECOND.isoformat())
    assert result.exit_code == 0, result.output
    said = digests_said(result)
    by_day = {name for name in said if "/day=" in name}
    assert by_day == {f"{name}/day={SECOND}/part.parquet" for name in DAY_DATASETS}
    # What was written anew is looked at anew, and gives the same.
    assert {name.split("/")[0] for name in set(said) - by_day} == {*POSITION_DATASETS, *MOMENT_DATASETS}
    assert files(home) == before
    assert served_rows(database_url()) == served


def test_a_named_day_leaves_the_others_waiting(home: Path) -> None:
    assert run("--day", FIRST.isoformat()).exit_code == 0
    assert {name.split("=")[1] for name in files(home) if "/day=" in name} == {f"{FIRST}/part.parquet"}
    assert select(database_url(), "select count(*) from inbox_transactions") == [(8,)]
    assert run("--day", "2020-04-01").output == "raw_transactions 2020-04-01 rows=0 added=0 sha256=-\n" + (
        "raw_logs 2020-04-01 rows=0 added=0 sha256=-\n"
    )


def test_a_database_made_anew_is_restored_by_one_fold(
    home: Path, server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    before, served = files(home), served_rows(database_url())
    make_database(server, monkeypatch)
    result = run()
    assert result.exit_code == 0, result.output
    assert served_rows(database_url()) == served
    assert files(home) == before
    assert run().output == ""


def decode_with(monkeypatch: pytest.MonkeyPatch, signature: str, fault: str) -> None:
    """A decoder that loses a move of one transaction, or fails on it."""

    def faulty(parsed: ParsedTransaction, _programs: object = ()) -> Decoded:
        decoded = decode_transaction(parsed)
        if parsed.signature != signature:
            return decoded
        if fault == "fails":
            raise ZeroDivisionError
        return replace(decoded, moves=decoded.moves[1:])

    monkeypatch.setattr(prepare_module, "decode_transaction", faulty)


def test_a_day_that_does_not_add_up_is_named_and_the_other_is_done(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        decode_with(patch, ROWS[0].signature, "loses a move")
        result = run()
    assert result.exit_code == 1
    (error,) = result.stderr.splitlines()
    assert error.startswith(f"Error: decoded {FIRST}: conservation: 1 do not; {ROWS[0].signature}: ")
    decoded = {name for name in files(home) if name.split("/")[0] in DECODED_DATASETS}
    assert decoded == {f"{name}/day={SECOND}/part.parquet" for name in DECODED_DATASETS}
    assert select(database_url(), "select day from decoded_days") == [(SECOND,)]
    mended = run()
    assert mended.exit_code == 0, mended.output
    assert select(database_url(), "select day from decoded_days order by day") == [(FIRST,), (SECOND,)]


def test_a_decoder_that_fails_on_one_body_is_named_and_its_day_is_done(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        decode_with(patch, ROWS[0].signature, "fails")
        result = run()
    assert result.exit_code == 1
    failures = result.stderr.removeprefix("Error: ").splitlines()
    assert f"{FIRST} everything_decoded: 1 of 8 failed, e.g. {ROWS[0].signature}" in failures
    assert select(database_url(), "select transactions, decoded from decoded_days order by day") == [(8, 7), (8, 8)]
    mended = run("--day", FIRST.isoformat())
    assert mended.exit_code == 0, mended.output
    assert select(database_url(), "select transactions, decoded from decoded_days order by day") == [(8, 8), (8, 8)]


def test_a_hot_row_that_disagrees_is_named_once(home: Path) -> None:
    with psycopg.connect(database_url(), autocommit=True, connect_timeout=10) as connection:
        connection.execute("update actions set wallet = 'nobody' where sig = %s", (ROWS[0].signature,))
    result = run()
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {FIRST} feed_agrees: 1 of 8 transactions compared differ, e.g. {ROWS[0].signature}\n"
    )
    assert select(database_url(), "select count(*) from actions where wallet = 'nobody'") == [(0,)]
    again = run("--day", FIRST.isoformat())
    assert again.exit_code == 0, again.output


def test_a_day_that_is_none_is_refused_in_one_line() -> None:
    result = run("--day", "yesterday")
    assert result.exit_code == 2
    assert "--day" in result.stderr
