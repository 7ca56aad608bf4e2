"""A disk without room: an error of the operating system that names the file, and nothing left of what was written."""

import errno
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from oof_pipelines.storage.parquet.schemas import DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore

# A process of its own may write files of so many bytes and no larger: what a full disk is to a writer.
WRITER = """
import resource, signal, sys
from datetime import date
from pathlib import Path

import polars as pl

from oof_pipelines.storage.parquet.schemas import DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore

columns = DATASETS["participants"].columns
rows = 5_000
frame = pl.DataFrame(
    {
        name: pl.Series(name, [f"{n * 7919 % 104729:x}" * 8 for n in range(rows)]) if kind == pl.String
        else pl.Series(name, [None] * rows, dtype=kind)
        for name, kind in columns.items()
    },
    schema=columns,
)
store = ParquetStore(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096))
try:
    if sys.argv[2] == "whole":
        store.write("participants", date(2026, 1, 2), frame)
    else:
        store.write_pieces("participants", date(2026, 1, 2), [DATASETS["participants"].arrange(frame)])
except OSError as error:
    print(error.errno, error.filename)
"""


def written(store: Path, how: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", WRITER, str(store), how], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_file_that_finds_no_room_is_told_by_its_name_and_removed(tmp_path: Path) -> None:
    unfinished = tmp_path / "participants" / "day=2026-01-02" / "part.parquet.unfinished"
    for how in ("whole", "pieces"):
        assert written(tmp_path, how) == f"{errno.EFBIG} {unfinished}\n"
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("free_bytes", [0, 10**9])
def test_words_that_name_no_error_are_a_full_disk_where_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_bytes: int
) -> None:
    def footer_without_room(_frame: pl.DataFrame, path: Path, **_options: object) -> None:
        path.write_bytes(b"PAR1")
        raise pl.exceptions.ComputeError("parquet: Invalid thrift: transport error")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", footer_without_room)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free_bytes))
    expected = pl.exceptions.ComputeError if free_bytes else OSError
    with pytest.raises(expected) as raised:
        ParquetStore(tmp_path).write(
            "participants", date(2026, 1, 2), pl.DataFrame(schema=DATASETS["participants"].columns)
        )
    assert free_bytes or raised.value.errno == errno.ENOSPC
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
