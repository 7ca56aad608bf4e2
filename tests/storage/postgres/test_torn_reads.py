"""A partition that is replaced while DuckDB reads it: the query is run again, and no answer is a mixture."""

import multiprocessing
import time
from collections.abc import Iterator
from datetime import date
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import polars as pl
import pytest

from oof_pipelines.settings import REPOSITORY_ROOT
from oof_pipelines.storage.duckdb import QueryEngine, QueryError
from oof_pipelines.storage.parquet.store import ParquetStore

VIEWS = REPOSITORY_ROOT / "sql" / "views"
# Nobody connects: these queries name no table of Postgres.
NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"
QUERY_SECONDS = 3.0


def replace_file(path: Path, rows: int) -> None:
    """A file in which every row holds the number of rows."""
    frame = pl.DataFrame({"rows": [rows] * rows, "text": [str(number) * 20 for number in range(rows)]})
    frame.write_parquet(path.with_suffix(".unfinished"))
    path.with_suffix(".unfinished").replace(path)


def replace_for_ever(path: Path, is_over: Event) -> None:
    number = 0
    while not is_over.is_set():
        number += 1
        replace_file(path, 10 + number * 7_919 % 20_000)
        time.sleep(number % 3 * 0.03)


@pytest.fixture
def restless_file(tmp_path: Path) -> Iterator[Path]:
    """A file that another process replaces as often as it can."""
    path = ParquetStore(tmp_path / "it's a store").path("raw_transactions", date(2026, 2, 13))
    path.parent.mkdir(parents=True)
    replace_file(path, 100)
    context = multiprocessing.get_context("spawn")
    is_over = context.Event()
    writer = context.Process(target=replace_for_ever, args=(path, is_over), daemon=True)
    writer.start()
    before = path.stat().st_mtime_ns
    while path.stat().st_mtime_ns == before:
        time.sleep(0.01)
    yield path
    is_over.set()
    writer.join(20)


def test_every_answer_over_a_file_that_is_replaced_is_of_one_file(restless_file: Path) -> None:
    columns = "count(*), min(rows), max(rows), count(text)"
    literal = str(restless_file).replace("'", "''")
    mixed = torn = answered = given_up = 0
    plain = duckdb.connect(":memory:")
    deadline_s = time.monotonic() + QUERY_SECONDS
    with QueryEngine(ParquetStore(restless_file.parents[2]), NO_DATABASE, VIEWS) as engine:
        while time.monotonic() < deadline_s or (mixed + torn == 0 and time.monotonic() < deadline_s + 20):
            try:
                (row,) = plain.execute(f"select {columns} from read_parquet('{literal}')").fetchall()
                mixed += len(set(row)) > 1
            except duckdb.Error:
                torn += 1
            try:
                (row,) = engine.query(f"select {columns} from parquet_raw_transactions")
                assert len(set(row)) == 1, "one file, not two"
                answered += 1
            except QueryError:
                given_up += 1
    plain.close()
    assert mixed + torn > 0, "DuckDB alone errs here"
    assert answered > 20
    assert given_up <= answered / 20


def test_a_damaged_file_is_given_up_and_named(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    replace_file(path, 20_000)
    content = bytearray(path.read_bytes())
    content[4:2_000] = b"\xff" * 1_996
    path.write_bytes(content)
    with (
        QueryEngine(ParquetStore(tmp_path), NO_DATABASE, VIEWS) as engine,
        pytest.raises(QueryError, match=r"damaged|part\.parquet"),
    ):
        list(engine.query(f"select * from read_parquet('{path}')"))
