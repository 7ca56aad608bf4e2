"""A partition written from pieces: the bytes of the whole, the old file where anything fails, no spilled frame left."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from unittest import mock

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oof_pipelines.storage.parquet import store as store_module
from oof_pipelines.storage.parquet.pieces import PiecesOutOfOrderError
from oof_pipelines.storage.parquet.schemas import DATASETS
from oof_pipelines.storage.parquet.spill import SpilledFrames
from oof_pipelines.storage.parquet.store import ROWS_A_GROUP, ParquetStore

DAY = date(2026, 2, 13)
NOON = datetime(2026, 2, 13, 12, tzinfo=UTC)
ROWS = 60


def logs_frame(count: int) -> pl.DataFrame:
    """Rows of raw_logs in the dataset's order, four a slot, of which two have no known position."""
    rows = [
        (
            f"s{n:06}",
            n // 4,
            n % 4 if n % 4 < 2 else None,
            NOON + timedelta(microseconds=n),
            "p" * (n % 40),
            False,
            [str(n)],
        )
        for n in range(count)
    ]
    return DATASETS["raw_logs"].arrange(pl.DataFrame(rows, schema=DATASETS["raw_logs"].columns, orient="row"))


def cut(frame: pl.DataFrame, places: list[int]) -> Iterator[pl.DataFrame]:
    for first, end in pairwise([0, *sorted(places), frame.height]):
        yield frame.slice(first, end - first)


@pytest.fixture(scope="module")
def in_one(tmp_path_factory: pytest.TempPathFactory) -> tuple[ParquetStore, str]:
    """A store, and the digest of `ROWS` rows written at once in groups of 7."""
    store = ParquetStore(tmp_path_factory.mktemp("store"))
    with mock.patch.object(store_module, "ROWS_A_GROUP", 7):
        return store, store.write("raw_logs", DAY, logs_frame(ROWS)).sha256


@settings(deadline=None, max_examples=40)
@given(places=st.lists(st.integers(0, ROWS), max_size=12))
def test_wherever_pieces_end_the_bytes_are_those_of_the_whole(
    in_one: tuple[ParquetStore, str], places: list[int]
) -> None:
    store, wanted = in_one
    with mock.patch.object(store_module, "ROWS_A_GROUP", 7):
        assert store.write_pieces("raw_logs", DAY, cut(logs_frame(ROWS), places)).sha256 == wanted


@pytest.mark.parametrize("size", [1_000, ROWS_A_GROUP, ROWS_A_GROUP + 1, 3 * ROWS_A_GROUP])
def test_in_groups_of_the_stores_size_too(tmp_path: Path, size: int) -> None:
    store, frame = ParquetStore(tmp_path), logs_frame(2 * ROWS_A_GROUP + 100)
    wanted = store.write("raw_logs", DAY, frame)
    # Frames of their own, not views of one.
    pieces = (DATASETS["raw_logs"].arrange(piece.reverse()) for piece in frame.iter_slices(size))
    assert store.write_pieces("raw_logs", DAY, pieces) == wanted


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_no_rows_are_a_file_without_rows(tmp_path: Path, empty: int) -> None:
    store, none = ParquetStore(tmp_path), logs_frame(0)
    assert store.write_pieces("raw_logs", DAY, [none] * empty) == store.write("raw_logs", DAY, none)


def files_of(store: ParquetStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.path("raw_logs", DAY).parent.iterdir()}


@pytest.mark.parametrize(
    "numbers", [[4, 3], [1, 0], [3, 2], [0, 1, 2, 1], [6, 2]], ids=["slot", "index", "signature", "later", "unknown"]
)
def test_rows_out_of_order_are_refused(tmp_path: Path, numbers: list[int]) -> None:
    store, frame = ParquetStore(tmp_path), logs_frame(9)
    store.write("raw_logs", DAY, frame)
    before = files_of(store)
    for pieces in ([frame[numbers]], [frame[[number]] for number in numbers]):
        with pytest.raises(PiecesOutOfOrderError, match=r"raw_logs/day=2026-02-13/part.parquet: its pieces are not in"):
            store.write_pieces("raw_logs", DAY, pieces)
    assert files_of(store) == before


def test_what_the_pieces_raise_is_raised_and_the_old_file_stays(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.write("raw_logs", DAY, logs_frame(9))
    before = files_of(store)

    def failing() -> Iterator[pl.DataFrame]:
        yield logs_frame(3)
        raise FileNotFoundError("a spilled frame is gone")

    with pytest.raises(FileNotFoundError, match="a spilled frame is gone"):
        store.write_pieces("raw_logs", DAY, failing())
    assert files_of(store) == before


def test_spilled_frames_come_back_in_order_and_go(tmp_path: Path) -> None:
    store, frames = ParquetStore(tmp_path), list(cut(logs_frame(30), [5, 20]))
    with store.spill("prices", DAY) as spilled:
        assert spilled.frames("folded") == []
        for frame in frames:
            spilled.add("folded", frame)
        spilled.add("finished", frames[0])
        for _ in range(2):
            assert all(a.equals(b) for a, b in zip(spilled.frames("folded"), frames, strict=True))
        spilled.drop("folded")
        assert spilled.frames("folded") == []
        assert spilled.frames("finished")[0].equals(frames[0])
        # Nobody who reads the store sees it.
        assert list(tmp_path.glob("*/*/part.parquet")) == []
        assert not store.has_any("raw_logs")
        assert all(path.name.startswith(".") for path in tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []


def fail_after_spilling(spilled: SpilledFrames) -> None:
    spilled.add("folded", logs_frame(2))
    raise KeyError("failed")


def test_what_a_killed_writer_spilled_is_removed_and_that_of_others_stays(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    other = date(2026, 2, 14)
    with store.spill("prices", other) as of_other:
        of_other.add("folded", logs_frame(3))
        left = tmp_path / f".spill-prices-{DAY}" / "folded-00000.arrow"
        left.parent.mkdir()
        left.write_bytes(b"half a frame")
        with store.spill("prices", DAY) as spilled:
            assert not left.exists()
            assert spilled.frames("folded") == []
        with pytest.raises(KeyError), store.spill("prices", DAY) as spilled:
            fail_after_spilling(spilled)
        assert not left.parent.exists()
        assert of_other.frames("folded")[0].height == 3
    store.write("raw_logs", DAY, logs_frame(4))
    assert duckdb.sql(f"select count(*) from read_parquet('{store.glob('raw_logs')}')").fetchall() == [(4,)]
