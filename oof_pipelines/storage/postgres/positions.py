"""Positions and moments as Postgres serves them: a wallet bucket's rows replaced by what its files hold, in one transaction.

Beside them stands, by bucket, which files are served and what they were made of. Cards and NFTs of a moment are users' doing:
they stay with its id while all else of it is replaced. The NFT stays too while the moment is not found for a time.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from oof_pipelines.storage.parquet.position_notes import MomentNote, PositionNote
from oof_pipelines.storage.parquet.position_schemas import OOF_MOMENTS, POSITION_DATASETS, WALLET_EXTREMES
from oof_pipelines.storage.postgres.locks import partition_lock
from oof_pipelines.storage.postgres.position_columns import extremes_by_wallet, served_columns, served_rows
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options

_CONNECT_TIMEOUT_SECONDS = 10

_MOMENTS = served_columns(OOF_MOMENTS)
_CHANGED = [name for name in _MOMENTS if name != "id"]
_LISTED = ", ".join(f'"{name}"' for name in ("bucket", *_MOMENTS))
_WHAT_A_CARD_SHOWS = ", ".join(
    f'm."{name}"'
    for name in ("t_event", "pct_dec", "missed_usd_dec", "reachable_usd_dec", "severity_dec", "mint", "kind")
)

_STAGE_MOMENTS = f"""
create temp table staged_moments on commit drop as select {_LISTED} from oof_moments with no data
"""  # noqa: S608 - names of our own schema
_COPY_MOMENTS = f"copy staged_moments ({_LISTED}) from stdin"
_REMOVE_MOMENTS = """
with gone as (
    delete from oof_moments m where m.bucket = %s and not exists (select from staged_moments s where s.id = m.id)
    returning m.id, m.nft_minted, m.nft_mint
)
insert into minted_moments (id, nft_mint) select id, nft_mint from gone where nft_minted
on conflict (id) do update set nft_mint = excluded.nft_mint
"""
# Taken back by the same statement that serves them again.
_SERVE_MOMENTS = f"""
with back as (
    delete from minted_moments k using staged_moments s where s.id = k.id returning k.id, k.nft_mint
)
insert into oof_moments as m ({_LISTED}, nft_minted, nft_mint)
select {", ".join(f's."{name}"' for name in ("bucket", *_MOMENTS))}, b.id is not null, b.nft_mint
from staged_moments s left join back b on b.id = s.id
on conflict (id) do update set
    bucket = excluded.bucket, {", ".join(f'"{name}" = excluded."{name}"' for name in _CHANGED)},
    preview_png_url = case
        when ({_WHAT_A_CARD_SHOWS}) is not distinct from ({_WHAT_A_CARD_SHOWS.replace("m.", "excluded.")})
        then m.preview_png_url
    end
"""  # noqa: S608

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
        """Replace the bucket's lots, realised trades and episodes in one transaction. `frames` are by dataset."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for name, dataset in POSITION_DATASETS.items():
                cursor.execute(sql.SQL("delete from {} where bucket = %s").format(sql.Identifier(name)), (bucket,))
                copy_in = sql.SQL("copy {} ({}) from stdin").format(
                    sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, ("bucket", *served_columns(dataset))))
                )
                _copy(cursor, copy_in, bucket, served_rows(dataset, frames[name]))
            values = (note.sha256, note.inputs, note.first_day, note.last_day, note.last_open_day)
            cursor.execute(_NOTE_POSITIONS, (bucket, *values))

    def publish_moments(self, bucket: int, frames: Mapping[str, pl.DataFrame], note: MomentNote) -> None:
        """Replace the bucket's moments and extremes in one transaction; what users did with a moment stays."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(_STAGE_MOMENTS)
            _copy(cursor, sql.SQL(_COPY_MOMENTS), bucket, served_rows(OOF_MOMENTS, frames[OOF_MOMENTS.name]))
            cursor.execute(_REMOVE_MOMENTS, (bucket,))
            cursor.execute(_SERVE_MOMENTS)
            cursor.execute("delete from wallet_extremes where bucket = %s", (bucket,))
            extremes = extremes_by_wallet(frames[WALLET_EXTREMES.name])
            copy_in = sql.SQL("copy wallet_extremes (bucket, wallet, computed_at, json) from stdin")
            _copy(cursor, copy_in, bucket, ((wallet, note.as_of, told) for wallet, told in extremes))
            cursor.execute(_NOTE_MOMENTS, (bucket, note.sha256, note.inputs, note.detector_versions, note.as_of))

    def extremes_of(self, wallet: str) -> tuple[datetime, dict[str, Any]] | None:
        """(as of when, the extremes by name; None of those there are not); None where nothing is served of the wallet."""
        row = self._connection.execute(
            "select computed_at, json from wallet_extremes where wallet = %s", (wallet,)
        ).fetchone()
        return None if row is None else (row[0], row[1])


def _copy(
    cursor: psycopg.Cursor[Any], statement: sql.SQL | sql.Composed, bucket: int, rows: Iterable[tuple[Any, ...]]
) -> None:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row((bucket, *row))
