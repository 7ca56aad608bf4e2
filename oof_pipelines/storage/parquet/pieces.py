"""A partition written from pieces that are in its total order: memory is bounded by some pieces, not by the file.

The bytes are those that `write_partition` gives for all rows in one frame: both go through Polars' streaming writer, which
cuts groups of rows by their number, wherever a piece ends. A test holds the two against each other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from oof_pipelines.storage.parquet.dataset import Dataset


class PiecesOutOfOrderError(ValueError):
    """Rows that are not in the dataset's total order; the one-line message names the partition."""


def sink_pieces(
    path: Path, pieces: Iterable[pl.DataFrame], dataset: Dataset, writing: Mapping[str, Any], *, key: str
) -> None:
    """Write `pieces` to a Parquet file at `path`, with Polars' options `writing`; `key` is what messages call it.

    Raises `PiecesOutOfOrderError` where rows are not in the dataset's total order, within a piece or from one to the next,
    and what `pieces` raises; no file is left then.
    """
    failures: list[BaseException] = []

    def source(
        _columns: list[str] | None, _predicate: pl.Expr | None, _row_count: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        # Polars would make an error of its own of what is raised in here, with a traceback for a message.
        try:
            yield from _in_order(key, pieces, dataset)
        except BaseException as error:
            failures.append(error)
            raise

    try:
        register_io_source(source, schema=dataset.columns).sink_parquet(path, engine="streaming", **writing)
    except BaseException:
        path.unlink(missing_ok=True)
        if failures:
            raise failures[0] from None
        raise


def _in_order(key: str, pieces: Iterable[pl.DataFrame], dataset: Dataset) -> Iterator[pl.DataFrame]:
    last = pl.DataFrame(schema={name: dataset.columns[name] for name in dataset.sort_by})
    for piece in pieces:
        rows = piece.select(list(dataset.columns)).rechunk()
        keys = pl.concat([last, rows.select(dataset.sort_by)])
        if not keys.select(_is_ascending(dataset.sort_by)).item():
            raise PiecesOutOfOrderError(f"{key}: its pieces are not in the order of {', '.join(dataset.sort_by)}")
        last = keys.tail(1)
        yield rows


def _is_ascending(names: Sequence[str]) -> pl.Expr:
    """Whether no row comes before the one above it, column after column; what is unknown comes last."""
    is_after: pl.Expr = pl.lit(True)
    for name in reversed(names):
        value, above = pl.col(name), pl.col(name).shift(1)
        is_later = (value > above).fill_null(value.is_null() & above.is_not_null())
        is_after = is_later | (value.eq_missing(above) & is_after)
    return is_after.slice(1).all()
