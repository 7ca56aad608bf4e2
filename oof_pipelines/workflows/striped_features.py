"""A day's features while they are made: rows come slice after slice of the day, and go by stripes of coins, in order.

Rows of up to a stripe stay in memory. Of more, sorted runs wait on disk in small pieces, and each stripe is put together from
the pieces that touch it: memory is bounded by a stripe. The rows are the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from oof_pipelines.features.finished_rows import FEATURE_TYPES
from oof_pipelines.features.frames import join_slices
from oof_pipelines.pricing.stripes import stripes_by_rows
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.workflows.priced_stripes import Frames, HeldFrames

STRIPE_ROWS = 250_000
"""Rows that are sorted and checked at a time, at some 400 bytes each. A slice or a coin that has more is not cut."""

PIECE_ROWS = 20_000
"""Rows that are read and written at a time: of each run, a stripe reads up to two pieces that are not all its own."""

_ROWS_BY_MINT = {"mint": FEATURE_TYPES["mint"], "rows": pl.Int64()}


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some rows of a sorted run, put aside under a name, from a coin to a coin."""

    name: str
    first_mint: str
    last_mint: str


class StripedFeatures:
    """One day's features. `add` each slice's rows, then `finish`, then read them by `stripes`, as often as wanted."""

    def __init__(self, spilled: Frames) -> None:
        self._spilled = spilled
        self._held: list[pl.DataFrame] = []
        self._held_rows = 0
        self._pieces: list[_Piece] = []
        self._rows_by_mint = pl.DataFrame(schema=_ROWS_BY_MINT)
        self._finished: Frames = HeldFrames()
        self._names: list[list[str]] = []
        self.trade_count = 0
        """Trades in all rows so far."""

    def add(self, rows: pl.DataFrame) -> None:
        """Take in the rows of one slice, in any order; no two slices have a row of the same key."""
        if self._held_rows and self._held_rows + rows.height > STRIPE_ROWS:
            self._put_aside()
        self._held.append(rows)
        self._held_rows += rows.height
        self.trade_count += int(rows["trades"].sum())

    def finish(self) -> None:
        """The day is whole: make its stripes."""
        if not self._pieces:
            self._keep([self._taken()])
            return
        self._put_aside()
        self._finished = self._spilled
        stripes = stripes_by_rows(self._rows_by_mint.sort("mint"), STRIPE_ROWS)
        for number in range(stripes.count):
            self._keep(self._put_together(*stripes.bounds(number)).iter_slices(PIECE_ROWS))

    def stripes(self) -> Iterator[pl.DataFrame]:
        """The day's rows in the dataset's columns and order, in frames that follow each other and share no coin."""
        for names in self._names:
            yield pl.concat([frame for name in names for frame in self._finished.frames(name)])

    def pieces(self) -> Iterator[pl.DataFrame]:
        """As `stripes`, in smaller frames, which may share a coin."""
        for names in self._names:
            for name in names:
                yield from self._finished.frames(name)

    def _taken(self) -> pl.DataFrame:
        """What is held, in the dataset's order, and held no longer."""
        rows = join_slices(self._held)
        self._held, self._held_rows = [], 0
        return FEATURES_1M.arrange(rows)

    def _put_aside(self) -> None:
        """What is held becomes a run."""
        run = self._taken()
        by_mint = run.group_by("mint").agg(pl.len().cast(pl.Int64).alias("rows"))
        self._rows_by_mint = pl.concat([self._rows_by_mint, by_mint]).group_by("mint").agg(pl.col("rows").sum())
        for rows in run.iter_slices(PIECE_ROWS):
            piece = _Piece(f"run-{len(self._pieces):06}", rows["mint"][0], rows["mint"][-1])
            self._spilled.add(piece.name, rows)
            self._pieces.append(piece)

    def _put_together(self, first: str, end: str | None) -> pl.DataFrame:
        """A stripe out of all runs. Those before it are made already: pieces that end within it are of no use any more."""
        found, wanted = [], []
        for piece in self._pieces:
            if end is None or piece.first_mint < end:
                found.append(_between(pl.concat(self._spilled.frames(piece.name)), first, end))
            if end is None or piece.last_mint < end:
                self._spilled.drop(piece.name)
            else:
                wanted.append(piece)
        self._pieces = wanted
        return FEATURES_1M.arrange(join_slices(found))

    def _keep(self, stripe: Iterable[pl.DataFrame]) -> None:
        """Put a stripe behind those that are finished."""
        names = []
        for place, rows in enumerate(stripe):
            names.append(f"stripe-{len(self._names):05}-{place:05}")
            self._finished.add(names[-1], rows)
        self._names.append(names)


def _between(rows: pl.DataFrame, first: str, end: str | None) -> pl.DataFrame:
    """The rows of coins from `first` on and before `end`: a copy, since a slice would keep the whole piece in memory."""
    is_within = pl.col("mint") >= first
    return rows.filter(is_within if end is None else is_within & (pl.col("mint") < end))
