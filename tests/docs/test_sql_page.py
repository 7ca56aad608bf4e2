"""Every query of docs/sql.md is run, over recorded transactions where they are there, and the page names what exists."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from filled_home import fill
from recorded_data import FIXTURES, REPOSITORY_ROOT

from oof_pipelines.chain.body import BodyError, read_body
from oof_pipelines.decode.program_names import PROGRAM_NAMES
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.schemas import RAW_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.recorded_node.recording_files import find_recording_files, read_recording_file
from oof_pipelines.testing.recorded_node.recordings import KnownFacts, RecordingError, cut_recording
from oof_pipelines.workflows.decode_day import decode_day
from oof_pipelines.workflows.fold import fold_day
from oof_pipelines.workflows.prepare import FetchedBody, prepare

PAGE = (REPOSITORY_ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
QUERIES = dict(re.findall(r"## (\d+\. [^\n]+)\n```sql\n(.*?)```", PAGE, re.DOTALL))
VIEWS_FOLDER = REPOSITORY_ROOT / "sql" / "views"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
# Nothing lies between two synthetic transactions, none of them is unexplained, and no venue runs there.
MAY_BE_EMPTY_WITHOUT_RECORDINGS = ("2.", "9.", "10.", "11.", "12.", "13.")
# Every recorded call is known; tests/storage/postgres/test_decoded_shares.py asks the same of calls that are not.
MAY_BE_EMPTY = ("14.",)


def recorded_rows() -> list[StoredTransaction]:
    rows: dict[str, StoredTransaction] = {}
    for file in find_recording_files(FIXTURES):
        text, _ = read_recording_file(file)
        try:
            recording = cut_recording(text, KnownFacts())
        except RecordingError:
            continue
        for one in recording.transactions:
            try:
                signature = read_body(one.body).signature
            except BodyError:
                continue
            row = prepare(FetchedBody(signature, one.body), 0, "mainnet-beta", NOW)
            if isinstance(row, StoredTransaction):
                rows.setdefault(row.signature, row)
    return list(rows.values())


@pytest.fixture(scope="module")
def engine() -> Iterator[QueryEngine]:
    """Half of the days are in files, the other half is hot."""
    folder = Path(tempfile.mkdtemp(prefix="oof-q-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder)
    try:
        url = server.start()
        migrate(url, load_settings({}).migrations_folder)
        if FIXTURES.is_dir():
            rows = recorded_rows()
            asyncio.run(store(url, rows))
        else:
            fill(url)
        files = ParquetStore(folder / "store")
        with PostgresFoldSource(url) as source, PostgresServedRows(url) as served:
            days = sorted(source.days_waiting("raw_transactions"))
            for day in days[::2]:
                for dataset in RAW_DATASETS:
                    fold_day(files, source, dataset, day)
                decode_day(files, served, day)
        with QueryEngine(files, url, VIEWS_FOLDER) as opened:
            yield opened
    finally:
        server.erase()
        shutil.rmtree(folder)


async def store(url: str, rows: list[StoredTransaction]) -> None:
    async with PostgresInbox(lambda: url) as inbox:
        for start in range(0, len(rows), 100):
            await inbox.store(rows[start : start + 100], [])
        await inbox.mark_final([row.signature for row in rows])


def ask(engine: QueryEngine, query: str) -> list[tuple[Any, ...]]:
    return list(engine.query(query))


def test_the_page_has_fourteen_queries() -> None:
    assert len(QUERIES) == 14


@pytest.mark.parametrize("title", QUERIES)
def test_every_query_answers(engine: QueryEngine, title: str) -> None:
    rows = ask(engine, QUERIES[title])
    may_be_empty = not FIXTURES.is_dir() and title.startswith(MAY_BE_EMPTY_WITHOUT_RECORDINGS)
    assert rows or may_be_empty or title.startswith(MAY_BE_EMPTY)


def test_the_book_adds_up(engine: QueryEngine) -> None:
    [(entries, broken)] = ask(engine, next(query for title, query in QUERIES.items() if title.startswith("8.")))
    assert entries > 0
    assert broken == 0


def test_a_replayed_balance_is_what_the_last_transaction_left(engine: QueryEngine) -> None:
    """The last move's balance is the first one's plus everything that moved since, wherever no gap lies between."""
    rows = ask(
        engine,
        """
        select b.account, b.asset, b.balance_raw, s.opening_raw + s.moved_raw
        from balances_at((select max(slot) from moves)) b
        join (
            select account, asset, sum(delta_raw) as moved_raw,
                   arg_min(balance_raw - delta_raw, (slot, coalesce(tx_index, 0), signature, seq)) as opening_raw
            from moves where not is_virtual group by account, asset
        ) s using (account, asset)
        where not exists (select 1 from balance_gaps g where g.account = b.account and g.asset = b.asset)
          and not exists (
            select 1 from moves m where m.account = b.account and m.asset = b.asset and m.tx_index is null)
        """,
    )
    assert rows
    assert [row for row in rows if row[2] != row[3]] == []


def test_the_page_names_every_view_that_analysts_ask(engine: QueryEngine) -> None:
    named = set(re.findall(r"`([a-z_0-9]+)(?:\(slot\))?`", PAGE))
    for path in VIEWS_FOLDER.glob("*.sql"):
        if path.stem not in {"raw_transactions", "raw_logs", "programs", "program_names"}:
            assert path.stem in named, f"docs/sql.md does not say what {path.stem} holds"


def test_programs_have_the_same_names_in_sql_and_in_python(engine: QueryEngine) -> None:
    assert dict(ask(engine, "select program_id, name from program_names")) == PROGRAM_NAMES


def test_units_write_amounts_out_exactly(engine: QueryEngine) -> None:
    [texts] = ask(
        engine,
        "select units(123456789::decimal(38, 0), 9), units(-5::decimal(38, 0), 3), "
        "units(18446744073709551615::decimal(38, 0), 9), units(7::decimal(38, 0), 0), units(7::decimal(38, 0), null)",
    )
    assert texts == ("0.123456789", "-0.005", "18446744073.709551615", "7", None)
