"""Positions and moments as Postgres serves them: a wallet bucket's rows replaced by what its files hold, in one transaction.

Beside them stands, by bucket, which files are served and what they were made of. Cards and NFTs of a moment are users' doing:
they stay with its id while all else of it is replaced. The NFT stays too while the moment is not found for a time.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import polars as pl
import psycopg

from oof_pipelines.storage.parquet.position_notes import MomentNote, PositionNote
from oof_pipelines.storage.postgres.fresher_wallets import (
    forget_fresher,
    lock_served_bucket,
    with_fresher_noted,
    with_newer_moments,
    with_waiting_events,
)
from oof_pipelines.storage.postgres.locks import partition_lock
from oof_pipelines.storage.postgres.replaced_wallets import but_wallets, replace_moments, replace_positions
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options

_CONNECT_TIMEOUT_SECONDS = 10

_NOTE_POSITIONS = """
insert into position_buckets (bucket, sha256, inputs, first_day, last_day, last_open_day) values (%s, %s, %s, %s, %s, %s)
on conflict (bucket) do update set
    sha256 = excluded.sha256, inputs = excluded.inputs, first_day = excluded.first_day, last_day = excluded.last_day,
    last_open_day = excluded.last_open_day
"""
_NOTE_MOMENTS = """
insert into moment_buckets (bucket, sha256, inputs, detector_versions, as_of) values (%s, %s, %s, %s, %s)
on conflict (bucket) do update set
    sha256 = excluded.sha256, inputs = excluded.inputs, detector_versions = excluded.detector_versions,
    as_of = excluded.as_of
"""


class PostgresPositions:
    """Serves positions and moments on one connection. Use as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof positions",
            options=session_options(database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        )

    def __enter__(self) -> "PostgresPositions":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def lock(self, dataset: str, bucket: int) -> AbstractContextManager[None]:
        return partition_lock(self._connection, dataset, f"{bucket:02d}")

    def position_notes(self) -> dict[int, PositionNote]:
        """Bucket → what is noted of its positions."""
        query = "select bucket, sha256, inputs, first_day, last_day, last_open_day from position_buckets"
        return {bucket: PositionNote(*note) for bucket, *note in self._connection.execute(query).fetchall()}

    def moment_notes(self) -> dict[int, MomentNote]:
        """Bucket → what is noted of its moments."""
        query = "select bucket, sha256, inputs, detector_versions, as_of from moment_buckets"
        return {bucket: MomentNote(*note) for bucket, *note in self._connection.execute(query).fetchall()}

    def begin_positions(self, bucket: int) -> None:
        """The files are about to be replaced: until `publish_positions` the rows are not known to be those of the files."""
        self._connection.execute(_NOTE_POSITIONS, (bucket, "", "", None, None, None))

    def forget_positions(self, bucket: int) -> None:
        """The bucket's events file is gone: drop what is noted of its positions, and of what its wallet files hold.

        By the latter the wallet bucket lags behind until its files are made again. The rows are served until then.
        """
        with self._connection.transaction():
            self._connection.execute("delete from wallet_bucket_contents where bucket = %s", (bucket,))
            self._connection.execute("delete from position_buckets where bucket = %s", (bucket,))

    def begin_moments(self, bucket: int, as_of: datetime) -> None:
        """Likewise of the moments and extremes, which are looked at as of `as_of`."""
        self._connection.execute(_NOTE_MOMENTS, (bucket, "", "", "", as_of))

    def publish_positions(self, bucket: int, frames: Mapping[str, pl.DataFrame], note: PositionNote) -> None:
        """Replace the bucket's lots, realised trades and episodes in one transaction. `frames` are by dataset.

        Wallets whose served rows know of events that no file holds yet keep them; the bucket then lags until they are in it.
        """
        with self._connection.transaction(), self._connection.cursor() as cursor:
            lock_served_bucket(cursor, bucket)
            fresher = with_waiting_events(cursor, bucket)
            replace_positions(cursor, but_wallets(bucket, fresher), frames)
            inputs = with_fresher_noted(note.inputs) if fresher else note.inputs
            values = (note.sha256, inputs, note.first_day, note.last_day, note.last_open_day)
            cursor.execute(_NOTE_POSITIONS, (bucket, *values))

    def publish_moments(self, bucket: int, frames: Mapping[str, pl.DataFrame], note: MomentNote) -> None:
        """Replace the bucket's moments and extremes in one transaction; what users did with a moment stays.

        Wallets whose served rows are of a later instant, or know of events that no file holds yet, keep them likewise.
        """
        with self._connection.transaction(), self._connection.cursor() as cursor:
            lock_served_bucket(cursor, bucket)
            fresher = with_waiting_events(cursor, bucket) | with_newer_moments(cursor, bucket, note.as_of)
            replace_moments(cursor, but_wallets(bucket, fresher), frames, note.as_of)
            forget_fresher(cursor, bucket, fresher)
            inputs = with_fresher_noted(note.inputs) if fresher else note.inputs
            cursor.execute(_NOTE_MOMENTS, (bucket, note.sha256, inputs, note.detector_versions, note.as_of))

    def extremes_of(self, wallet: str) -> tuple[datetime, dict[str, Any]] | None:
        """(as of when, the extremes by name; None of those there are not); None where nothing is served of the wallet."""
        row = self._connection.execute(
            "select computed_at, json from wallet_extremes where wallet = %s", (wallet,)
        ).fetchone()
        return None if row is None else (row[0], row[1])
