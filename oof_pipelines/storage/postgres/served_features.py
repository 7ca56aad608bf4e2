"""features_1m as Postgres serves it: a day's rows replaced by what its file holds, in one transaction.

A bucket whose trades are partly in files and partly with the feed keeps the feed's row, which has them all.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import date

import polars as pl
import psycopg

from oof_pipelines.storage.postgres.feature_columns import DATASET_COLUMNS, LISTED, ON_CONFLICT_REPLACE, SAME_KEY
from oof_pipelines.storage.postgres.locks import partition_lock
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options

_CONNECT_TIMEOUT_SECONDS = 10

# 24 hours, since a day of a server's time zone may have 23 or 25.
_STAGE = f"""
create temp table staged_features on commit drop as select {LISTED} from features_1m with no data;
create temp table unfolded_buckets on commit drop as
    select distinct h.mint, date_trunc('minute', t.ts) as bucket_start, h.venue, h.quote_mint
    from hot_market_events h join tx_raw t on t.sig = h.sig
    where h.kind = 'trade' and not t.is_decoded
      and t.ts >= '{{day}}T00:00Z' and t.ts < timestamptz '{{day}}T00:00Z' + interval '24 hours'
"""  # noqa: S608 - names of our own schema
_REPLACE = f"""
analyze staged_features;
delete from staged_features s using features_1m f, unfolded_buckets u
where f.is_hot and {SAME_KEY.format("s", "f")} and {SAME_KEY.format("s", "u")};
delete from features_1m f
where f.day = '{{day}}' and not exists (select from staged_features s where {SAME_KEY.format("s", "f")})
  and not (f.is_hot and exists (select from unfolded_buckets u where {SAME_KEY.format("u", "f")}));
insert into features_1m as f ({LISTED}) select {LISTED} from staged_features {ON_CONFLICT_REPLACE}
"""  # noqa: S608

_RECORD = """
insert into features_days (day, sha256) values (%(day)s, %(sha256)s)
on conflict (day) do update set sha256 = excluded.sha256
"""


class PostgresServedFeatures:
    """A `ServedFeatures` on one connection. Use as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof features",
            options=session_options(database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        )

    def __enter__(self) -> "PostgresServedFeatures":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def lock(self, dataset: str, day: date) -> AbstractContextManager[None]:
        return partition_lock(self._connection, dataset, day.isoformat())

    def days_published(self) -> set[date]:
        """Days whose rows are those of their file: neither never published nor left in the middle of it."""
        rows = self._connection.execute("select day from features_days where sha256 <> ''")
        return {day for (day,) in rows.fetchall()}

    def begin(self, day: date) -> None:
        """The day's file is about to be replaced: until `publish` its rows are not known to be those of its file."""
        self._connection.execute(_RECORD, {"day": day, "sha256": ""})

    def publish(self, day: date, pieces: Iterable[pl.DataFrame], sha256: str) -> None:
        """Replace the day's rows by `pieces`, but for the feed's rows of buckets with trades that no file holds yet."""
        with self._connection.transaction():
            self._connection.execute(_of_day(_STAGE, day))
            with self._connection.cursor() as cursor, cursor.copy("copy staged_features from stdin") as copy:
                for rows in pieces:
                    for row in rows.select(*DATASET_COLUMNS, day=pl.lit(day), is_hot=pl.lit(False)).iter_rows():
                        copy.write_row(row)
            self._connection.execute(_of_day(_REPLACE, day))
            self._connection.execute(_RECORD, {"day": day, "sha256": sha256})


def _of_day(statements: str, day: date) -> bytes:
    # Several statements at once take no parameters; a date is a literal that needs no quoting.
    return statements.replace("{day}", day.isoformat()).encode()
