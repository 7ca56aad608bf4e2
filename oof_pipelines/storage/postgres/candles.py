"""Candles as Postgres serves them: a day replaced at a time, and one mint's candles read back.

Beside them stands which days are served as their files have them, and who was asked for a day's reference prices.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from oof_pipelines.storage.parquet.price_schemas import PRICE_1M, timeframe_of
from oof_pipelines.storage.postgres.locks import partition_lock
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options

_CONNECT_TIMEOUT_SECONDS = 10
_UNSERVED = (
    "excluded_unpriced",
    "excluded_dust",
    "excluded_thin",
    "excluded_outlier",
    "excluded_quote_raw",
    "quote_reserve_raw",
)
SERVED_COLUMNS = [name for name in PRICE_1M.columns if name not in _UNSERVED]
"""What is served of a candle; the rest is in the files."""

_READ = """
select {columns} from price_candles
where mint = %(mint)s and tf = %(tf)s and bucket_start >= %(since)s and bucket_start < %(until)s
order by bucket_start, quote_mint
"""

_RECORD = """
insert into price_days (day, sha256) values (%(day)s, %(sha256)s)
on conflict (day) do update set sha256 = excluded.sha256
"""
_RECORD_SOURCE = """
insert into reference_days (day, source) values (%(day)s, %(source)s)
on conflict (day) do update set source = excluded.source
"""


class PostgresCandles:
    """Serves candles on one connection. Use as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof prices",
            options=session_options(database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        )

    def __enter__(self) -> "PostgresCandles":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def lock(self, dataset: str, day: date) -> AbstractContextManager[None]:
        return partition_lock(self._connection, dataset, day.isoformat())

    def days_published(self) -> set[date]:
        """Days whose candles are those of their files: neither never published nor left in the middle of it."""
        rows = self._connection.execute("select day from price_days where sha256 <> ''")
        return {day for (day,) in rows.fetchall()}

    def begin(self, day: date) -> None:
        """The day's files are about to be replaced: until `publish` its candles are not known to be those of its files."""
        self._connection.execute(_RECORD, {"day": day, "sha256": ""})

    def sources_asked(self) -> dict[date, str]:
        """Day → who was asked last for its reference prices, '' where nobody was to be asked."""
        return dict(self._connection.execute("select day, source from reference_days").fetchall())

    def record_asked(self, day: date, source: str) -> None:
        """`source` was asked for the day's reference prices, and its file is written where it has one."""
        self._connection.execute(_RECORD_SOURCE, {"day": day, "source": source})

    def publish(self, day: date, pieces: Mapping[str, Iterable[pl.DataFrame]], sha256: str) -> None:
        """Replace the day's candles, of every timeframe, in one transaction. `pieces` are by dataset, each read once."""
        names = ["day", "tf", *SERVED_COLUMNS]
        copy_in = sql.SQL("copy price_candles ({}) from stdin").format(sql.SQL(", ").join(map(sql.Identifier, names)))
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute("delete from price_candles where day = %s", (day,))
            with cursor.copy(copy_in) as copy:
                for dataset, frames in pieces.items():
                    tf = timeframe_of(dataset)
                    for frame in frames:
                        for row in frame.filter(pl.col("vwap").is_not_null()).select(SERVED_COLUMNS).iter_rows():
                            copy.write_row((day, tf, *row))
            cursor.execute(_RECORD, {"day": day, "sha256": sha256})

    def read(self, mint: str, timeframe: str, since: datetime, until: datetime) -> pl.DataFrame:
        """A mint's served candles that begin from `since` to before `until`, in the columns `SERVED_COLUMNS`."""
        columns = sql.SQL(", ").join(map(sql.Identifier, SERVED_COLUMNS))
        bounds = {"mint": mint, "tf": timeframe, "since": since, "until": until}
        rows = self._connection.execute(sql.SQL(_READ).format(columns=columns), bounds).fetchall()
        return pl.DataFrame(rows, schema=_served_types(), orient="row")

    def newest_of(self, mint: str, timeframe: str) -> datetime | None:
        """The end of the mint's newest candle served; None where it has none."""
        query = "select max(available_at) from price_candles where mint = %s and tf = %s"
        row = self._connection.execute(query, (mint, timeframe)).fetchone()
        return row[0] if row else None

    def newest_at(self) -> datetime | None:
        """The end of the newest candle served."""
        row = self._connection.execute("select max(available_at) from price_candles").fetchone()
        return row[0] if row else None


def _served_types() -> dict[str, Any]:
    return {name: PRICE_1M.columns[name] for name in SERVED_COLUMNS}
