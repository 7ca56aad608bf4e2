"""The Parquet store: where a partition lies, and the one function that writes one.

A partition is one file, written beside and renamed: readers see the old file or the new one. The layout is a contract
with everyone who reads the files: see parquet_store/README.md.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from oof_pipelines.storage.parquet.dataset import Dataset
from oof_pipelines.storage.parquet.pieces import sink_pieces
from oof_pipelines.storage.parquet.schemas import DATASETS
from oof_pipelines.storage.parquet.spill import SpilledFrames

ROWS_A_GROUP = 16_384
_FILE_NAME = "part.parquet"
_UNFINISHED_SUFFIX = ".unfinished"
_SPILL_PREFIX = ".spill-"
# With less room than this a disk is full: a footer may not fit.
_NO_ROOM_BYTES = 64 * 1024
# How Rust's standard library prints an error of the operating system.
_ERROR_NUMBER = re.compile(r"\(os error (\d+)\)")


@dataclass(frozen=True, slots=True)
class WrittenPartition:
    """What a write left: the key under the store's root, the file's size and the SHA-256 of its bytes."""

    object_key: str
    size_bytes: int
    sha256: str


class DamagedPartitionError(ValueError):
    """A file that is no whole Parquet file; the one-line message names it."""


Partition = date | int
"""A UTC day, or a wallet bucket."""


class ParquetStore:
    """Partitions under a root folder. Whoever writes holds the partition's lock; see storage/postgres/locks.py."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, dataset: str, partition: Partition) -> Path:
        return self.root / object_key(dataset, partition)

    def glob(self, dataset: str) -> str:
        """The pattern that matches every partition of a dataset."""
        return str(self.root / dataset / f"{DATASETS[dataset].partition_column}=*" / _FILE_NAME)

    def days(self, dataset: str) -> list[date]:
        """Days that have a file, ascending."""
        return sorted(date.fromisoformat(value) for value in self._values(dataset))

    def buckets(self, dataset: str) -> list[int]:
        """Wallet buckets that have a file, ascending."""
        return sorted(int(value) for value in self._values(dataset))

    def has_any(self, dataset: str) -> bool:
        return bool(self._values(dataset))

    def _values(self, dataset: str) -> list[str]:
        column = DATASETS[dataset].partition_column
        folders = (self.root / dataset).glob(f"{column}=*/{_FILE_NAME}")
        return [path.parent.name.removeprefix(f"{column}=") for path in folders]

    def written_at_ns(self, dataset: str, partition: Partition) -> int | None:
        """When the partition's file was written, in nanoseconds since 1970; None where it has none."""
        try:
            return self.path(dataset, partition).stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def read(self, dataset: str, partition: Partition, columns: list[str] | None = None) -> pl.DataFrame | None:
        """The partition's rows (of `columns` alone, where named), or None where it has no file."""
        try:
            # Opened once: given a path, Polars opens it more than once, and could mix the old file with the new.
            with self.path(dataset, partition).open("rb") as file:
                return pl.read_parquet(file, columns=columns)
        except FileNotFoundError:
            return None

    def batches(
        self,
        dataset: str,
        partition: Partition,
        *,
        columns: list[str] | None = None,
        where: pl.Expr | None = None,
    ) -> Iterator[pl.DataFrame]:
        """The partition's rows in the file's order, a group of rows at a time; nothing where it has no file.

        Of `columns` alone, where named, and of the rows that fulfil `where`; a group without such a row is not read whole.
        Raises `DamagedPartitionError`.
        """
        try:
            file = self.path(dataset, partition).open("rb")
        except FileNotFoundError:
            return
        with file:
            try:
                parquet = pq.ParquetFile(file)
            except pa.ArrowInvalid:
                key = object_key(dataset, partition)
                raise DamagedPartitionError(f"{key}: is damaged, no whole Parquet file; make it again") from None
            asked = where.meta.root_names() if where is not None else []
            for group in range(parquet.num_row_groups):
                if where is not None and not _frame_of(parquet, group, asked).select(where.any()).item():
                    continue
                rows = _frame_of(parquet, group, None if columns is None else [*dict.fromkeys((*columns, *asked))])
                rows = rows if where is None else rows.filter(where)
                yield rows if columns is None else rows.select(columns)

    def write(self, dataset: str, partition: Partition, frame: pl.DataFrame) -> WrittenPartition:
        return write_partition(self.root, object_key(dataset, partition), frame, DATASETS[dataset])

    def write_pieces(self, dataset: str, partition: Partition, pieces: Iterable[pl.DataFrame]) -> WrittenPartition:
        """As `write` of all pieces in one frame; see `write_pieces`."""
        return write_pieces(self.root, object_key(dataset, partition), pieces, DATASETS[dataset])

    @contextmanager
    def spill(self, name: str, partition: Partition) -> Iterator[SpilledFrames]:
        """A place on disk for frames that a writer of the partition cannot hold, for the block; see `SpilledFrames`.

        It lies under the root, in a hidden folder that no dataset's pattern matches. What a killed writer left there is
        removed first: whoever spills holds the lock that `name` stands for.
        """
        folder = self.root / f"{_SPILL_PREFIX}{name}-{partition}"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            yield SpilledFrames(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _frame_of(parquet: pq.ParquetFile, group: int, columns: list[str] | None) -> pl.DataFrame:
    frame = pl.from_arrow(parquet.read_row_group(group, columns=columns, use_threads=False))
    assert isinstance(frame, pl.DataFrame)
    return frame


def object_key(dataset: str, partition: Partition) -> str:
    """Where a partition lies under the root."""
    value = f"{partition:02d}" if isinstance(partition, int) else partition.isoformat()
    return f"{dataset}/{DATASETS[dataset].partition_column}={value}/{_FILE_NAME}"


def write_partition(root: Path, key: str, frame: pl.DataFrame, dataset: Dataset) -> WrittenPartition:
    """Write `frame` as the partition at `key`, atomically. The same rows give the same bytes, whatever their order was.

    Rows are sorted by the dataset's total key and rechunked, since Polars writes other bytes for other chunks.
    """
    ordered = dataset.arrange(frame)
    return _replace(root, key, lambda path: ordered.write_parquet(path, **_writing()))


def write_pieces(root: Path, key: str, pieces: Iterable[pl.DataFrame], dataset: Dataset) -> WrittenPartition:
    """As `write_partition` of all pieces in one frame, to the same bytes, but with a few of them in memory at a time.

    The rows are in the dataset's total order already. Raises `PiecesOutOfOrderError` where they are not, and what `pieces`
    raises: the partition is left as it was.
    """
    return _replace(root, key, lambda path: sink_pieces(path, pieces, dataset, _writing(), key=key))


def _writing() -> dict[str, Any]:
    """Polars' options for every partition: part of what makes the bytes the same."""
    return {"compression": "zstd", "compression_level": 3, "statistics": True, "row_group_size": ROWS_A_GROUP}


def _replace(root: Path, key: str, write: Callable[[Path], None]) -> WrittenPartition:
    """Have `write` make a file beside the partition at `key`, then put it in its place.

    The file is on disk before it is renamed, and its folder's entry after, so that a crash leaves the old partition or the
    new.
    """
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + _UNFINISHED_SUFFIX)
    try:
        write(unfinished)
    except pl.exceptions.PolarsError as error:
        disk_error = _disk_error(error, unfinished)
        # On a full disk what was written of it only takes the room of others.
        unfinished.unlink(missing_ok=True)
        raise disk_error or error from None
    with unfinished.open("rb+") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    size_bytes = unfinished.stat().st_size
    unfinished.replace(path)
    _sync_folder(path.parent)
    return WrittenPartition(key, size_bytes, digest)


def _disk_error(error: pl.exceptions.PolarsError, path: Path) -> OSError | None:
    """The error of the operating system that Polars tells in words alone, such as a disk without room; None for another.

    Where it fails while it writes the end of a file, its words name no error; then the disk itself is asked for room.
    """
    found = _ERROR_NUMBER.search(str(error))
    number = int(found[1]) if found else None
    if number is None and shutil.disk_usage(path.parent).free < _NO_ROOM_BYTES:
        number = errno.ENOSPC
    return None if number is None else OSError(number, os.strerror(number), str(path))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
