"""Days brought up to date for an analysis: the same bytes as `oof fold` writes, by one process or by several."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from decoded_home import file_bytes, keep, select, served_rows, synthetic_rows

from oof_pipelines.analysis_steps import days as analysis_days
from oof_pipelines.analysis_steps.buckets import update_buckets_of
from oof_pipelines.analysis_steps.days import DaysMade, make_days
from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.commands.fold import fold
from oof_pipelines.settings import Settings, load_settings
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS, RAW_TRANSACTIONS, WALLET_ACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

ROWS = synthetic_rows(seed=5, count=40, days=4)
DAYS = sorted({row.day for row in ROWS})
MADE = {RAW_TRANSACTIONS.name, *DECODED_DATASETS, *CANDLE_DATASETS}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="oof-t-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "server")
    server.start()
    yield server
    server.erase()
    shutil.rmtree(folder)


def new_home(server: EmbeddedPostgres, home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Settings]:
    """A home with four days waiting in its inbox, which the settings of this process point at."""
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(server.url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(f'create database "{name}"'.encode())
    url = server.url.rpartition("/")[0] + "/" + name
    monkeypatch.setenv("OOF_HOME", str(home))
    monkeypatch.delenv("OOF_STORE", raising=False)
    monkeypatch.setenv("DATABASE_URL", url)
    settings = load_settings()
    migrate(url, settings.migrations_folder)
    keep(url, ROWS)
    return url, settings


def by_day(home: Path) -> dict[str, bytes]:
    return {name: content for name, content in file_bytes(home / "parquet_store").items() if "/day=" in name}


def test_several_processes_one_and_a_fold_write_the_same_bytes(
    server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    url, settings = new_home(server, tmp_path / "one", monkeypatch)
    assert make_days(url, settings, lambda *row: told.append(row)) == DaysMade(4, 4)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    served = served_rows(url)

    monkeypatch.setattr(analysis_days, "FEWEST_DAYS_A_PROCESS", 1)
    monkeypatch.setattr(analysis_days, "_processors", lambda: 2)
    url, settings = new_home(server, tmp_path / "many", monkeypatch)
    made_beside = make_days(url, settings)
    assert (made_beside.lagging, made_beside.tried, made_beside.failures) == (4, 4, [])
    assert made_beside.others_cpu_ms > 0
    assert served_rows(url) == served

    new_home(server, tmp_path / "folded", monkeypatch)
    assert CliRunner().invoke(fold, []).exit_code == 0
    made = by_day(tmp_path / "one")
    assert by_day(tmp_path / "many") == made
    folded = by_day(tmp_path / "folded")
    assert {name: folded[name] for name in made} == made
    assert {name.split("/")[0] for name in made} == MADE
    assert len(made) == len(MADE) * 4


def test_what_is_done_is_not_done_again_and_a_fold_adds_the_rest(
    server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, settings = new_home(server, tmp_path, monkeypatch)
    make_days(url, settings)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert make_days(url, settings) == DaysMade()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == before
    # Logs wait for the fold, which leaves what is made as it is.
    assert select(url, "select count(*) from raw_logs") != [(0,)]
    assert CliRunner().invoke(fold, []).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert ParquetStore(settings.store).days("raw_logs") == DAYS


def test_a_day_that_breaks_a_check_is_named_and_the_others_are_done(
    server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, settings = new_home(server, tmp_path, monkeypatch)
    store = ParquetStore(settings.store)
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("update tx_raw set slot = slot + 1 where (ts at time zone 'UTC')::date = %s", (DAYS[1],))
    made = make_days(url, settings)
    assert made.tried == 4
    [line] = made.failures
    assert line.startswith(f"raw_transactions {DAYS[1]}: body_readable")
    assert store.days("actions") == [DAYS[0], *DAYS[2:]]


def test_what_is_enough_leaves_days_for_the_next_run_and_each_run_makes_one(
    server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, settings = new_home(server, tmp_path / "part", monkeypatch)
    store = ParquetStore(settings.store)
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("update tx_raw set slot = slot + 1 where (ts at time zone 'UTC')::date = %s", (DAYS[0],))
    # The first day breaks a check and lags for good: it does not keep the others from being made, one a run.
    for tried, done in ((2, 1), (2, 2), (2, 3)):
        made = make_days(url, settings, is_enough=lambda _others_ms: True)
        assert (made.tried, len(made.failures), made.is_cut_short) == (tried, 1, done < 3)
        assert store.days("actions") == DAYS[1 : 1 + done]
    assert not make_days(url, settings, is_enough=lambda _others_ms: True).is_cut_short


def test_processes_beside_this_one_stop_as_well(
    server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis_days, "FEWEST_DAYS_A_PROCESS", 1)
    monkeypatch.setattr(analysis_days, "_processors", lambda: 2)
    monkeypatch.setattr(analysis_days, "_MOST_IN_HAND", 1)
    asked: list[int] = []
    url, settings = new_home(server, tmp_path / "part", monkeypatch)
    made = make_days(url, settings, is_enough=lambda others_ms: asked.append(others_ms) is None)
    assert made.is_cut_short
    assert 1 <= made.tried < 4
    assert asked[0] > 0
    assert len(ParquetStore(settings.store).days("actions")) == made.tried


def test_only_the_buckets_that_are_asked_for_are_brought_up_to_date(
    server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, settings = new_home(server, tmp_path / "one", monkeypatch)
    store = ParquetStore(settings.store)
    make_days(url, settings)
    wallets = {row.fee_payer for row in ROWS}
    wallet = min(wallets)
    bucket = wallet_bucket(wallet)
    assert update_buckets_of(url, store, [wallet]) == (1, [])
    assert store.buckets(WALLET_EVENTS.name) == store.buckets(WALLET_ACTIONS.name) == [bucket]
    assert update_buckets_of(url, store, [wallet]) == (0, [])
    own = {name: content for name, content in file_bytes(settings.store).items() if "/bucket=" in name}

    _, other = new_home(server, tmp_path / "folded", monkeypatch)
    assert CliRunner().invoke(fold, []).exit_code == 0
    folded = file_bytes(other.store)
    assert {name: folded[name] for name in own} == own
    assert len(own) == 2
