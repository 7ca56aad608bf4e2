"""The Parquet store: the same bytes for the same rows, and a reader sees the old file or the new one."""

import hashlib
import tempfile
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from oof_pipelines.storage.parquet.schemas import DATASETS
from oof_pipelines.storage.parquet.store import ROWS_A_GROUP, ParquetStore, object_key

DAY = date(2026, 2, 13)
NOON = datetime(2026, 2, 13, 12, tzinfo=UTC)


def logs_frame(numbers: range | list[int]) -> pl.DataFrame:
    """A row of raw_logs for each number; every third position is unknown."""
    rows = [
        (f"s{n:06}", n // 2, n if n % 3 else None, NOON + timedelta(microseconds=n), "p", n % 2 == 0, [f"log {n}", "☃"])
        for n in numbers
    ]
    return pl.DataFrame(rows, schema=DATASETS["raw_logs"].columns, orient="row")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store, frame = ParquetStore(tmp_path), logs_frame(range(100))
    assert store.read("raw_logs", DAY) is None
    assert store.days("raw_logs") == []
    written = store.write("raw_logs", DAY, frame)
    content = store.path("raw_logs", DAY).read_bytes()
    assert written.object_key == object_key("raw_logs", DAY) == "raw_logs/day=2026-02-13/part.parquet"
    assert (written.size_bytes, written.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    read = store.read("raw_logs", DAY)
    assert read is not None
    assert read.equals(DATASETS["raw_logs"].arrange(frame))
    assert read.schema == frame.schema
    store.write("raw_logs", date(2025, 1, 1), frame)
    assert store.days("raw_logs") == [date(2025, 1, 1), DAY]
    assert [path.name for path in store.path("raw_logs", DAY).parent.iterdir()] == ["part.parquet"]


@settings(deadline=None, max_examples=40)
@given(st.permutations(range(30)), st.integers(0, 30))
def test_order_and_chunks_do_not_show(order: list[int], cut: int) -> None:
    chunked = pl.concat([logs_frame(order[:cut]), logs_frame(order[cut:])], rechunk=False)
    assert bytes_of(chunked) == bytes_of(logs_frame(range(30)))


def bytes_of(frame: pl.DataFrame) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        store = ParquetStore(Path(folder))
        store.write("raw_logs", DAY, frame)
        return store.path("raw_logs", DAY).read_bytes()


def test_many_row_groups_are_the_same_bytes_too(tmp_path: Path) -> None:
    frame = logs_frame(range(ROWS_A_GROUP + 100))
    first = ParquetStore(tmp_path).write("raw_logs", DAY, frame.reverse())
    second = ParquetStore(tmp_path).write("raw_logs", DAY, frame.sample(fraction=1, shuffle=True, seed=5))
    assert first == second


def test_amounts_keep_every_digit(tmp_path: Path) -> None:
    columns = DATASETS["raw_transactions"].columns
    amounts = [0, 2**53 + 1, 2**64 - 1]
    rows = [
        (f"s{fee}", n, None, NOON, True, "0", False, Decimal(fee), "payer", ["p"], b"\0")
        for n, fee in enumerate(amounts)
    ]
    store = ParquetStore(tmp_path)
    store.write("raw_transactions", DAY, pl.DataFrame(rows, schema=columns, orient="row"))
    read = store.read("raw_transactions", DAY)
    assert read is not None
    assert read["fee_lamports"].to_list() == [Decimal(fee) for fee in amounts]
    path = str(store.path("raw_transactions", DAY))
    total = duckdb.sql(f"select sum(fee_lamports), typeof(any_value(fee_lamports)) from '{path}'").fetchall()
    assert total == [(Decimal(sum(amounts)), "DECIMAL(38,0)")]


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    contents = [logs_frame(range(2_000)), logs_frame(range(4_000))]
    wanted = [DATASETS["raw_logs"].arrange(frame) for frame in contents]
    store.write("raw_logs", DAY, contents[0])
    is_done = threading.Event()
    seen: set[int] = set()
    broken: list[str] = []

    def read() -> None:
        while not is_done.is_set():
            try:
                frame = store.read("raw_logs", DAY)
            except Exception as error:
                broken.append(repr(error))
                return
            if frame is None or not any(frame.equals(each) for each in wanted):
                broken.append(f"{None if frame is None else frame.height} rows")
                return
            seen.add(frame.height)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(60):
        store.write("raw_logs", DAY, contents[number % 2])
    is_done.set()
    reader.join()
    assert broken == []
    assert seen == {2_000, 4_000}


def test_what_a_killed_writer_left_is_not_read(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.write("raw_logs", DAY, logs_frame(range(3)))
    unfinished = store.path("raw_logs", DAY).with_name("part.parquet.unfinished")
    unfinished.write_bytes(b"half a file")
    lonely = store.path("raw_logs", date(2026, 3, 1)).with_name("part.parquet.unfinished")
    lonely.parent.mkdir()
    lonely.write_bytes(b"half a file")
    assert store.days("raw_logs") == [DAY]
    assert duckdb.sql(f"select count(*) from read_parquet('{store.glob('raw_logs')}')").fetchall() == [(3,)]
    store.write("raw_logs", DAY, logs_frame(range(4)))
    assert not unfinished.exists()
