"""The inbox as folding sees it: final rows of a day as frames in their dataset's columns, and letting go of them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import psycopg

from oof_pipelines.storage.parquet.schemas import DATASETS, RAW_LOGS, RAW_TRANSACTIONS
from oof_pipelines.storage.postgres.locks import partition_lock
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options

_CONNECT_TIMEOUT_SECONDS = 10

_WAITING = {
    RAW_TRANSACTIONS.name: """
        select t.sig, t.slot, t.tx_index, t.ts, t.is_block_time_estimated, i.version, t.status = 'failed',
               i.fee_lamports, i.fee_payer, i.program_ids, i.body_zstd
        from inbox_transactions i join tx_raw t using (sig)
        where i.day = (%(day)s at time zone 'UTC')::date and t.is_final
    """,
    RAW_LOGS.name: """
        select l.signature, l.slot, t.tx_index, t.ts, l.program_id, l.is_failed, l.logs
        from raw_logs l join tx_raw t on t.sig = l.signature
        where t.ts >= %(day)s and t.ts < %(day)s + interval '1 day' and t.is_final
    """,
}

_DAYS_WAITING = {
    RAW_TRANSACTIONS.name: """
        select i.day, count(*) from inbox_transactions i join tx_raw t using (sig)
        where t.is_final group by 1 order by 1
    """,
    RAW_LOGS.name: """
        select (t.ts at time zone 'UTC')::date as day, count(*)
        from raw_logs l join tx_raw t on t.sig = l.signature
        where t.is_final group by 1 order by 1
    """,
}
_GROWTH = """
select count(*) filter (where is_final and object_key is null), count(*),
       coalesce(extract(epoch from now() - min(stored_at) filter (where is_final and object_key is null)), 0)
from tx_raw
where ts >= %(day)s and ts < %(day)s + interval '24 hours'
"""


class PostgresFoldSource:
    """A `FoldableInbox` on one connection. Use as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof fold",
            options=session_options(database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        )

    def __enter__(self) -> "PostgresFoldSource":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def lock(self, dataset: str, day: date) -> AbstractContextManager[None]:
        return partition_lock(self._connection, dataset, day.isoformat())

    def waiting(self, dataset: str, day: date) -> pl.DataFrame:
        cursor = self._connection.cursor(binary=True)
        rows = cursor.execute(_WAITING[dataset], {"day": datetime(day.year, day.month, day.day, tzinfo=UTC)}).fetchall()
        columns = DATASETS[dataset].columns
        return pl.DataFrame(rows, schema=columns, orient="row")

    def days_waiting(self, dataset: str) -> dict[date, int]:
        """Day → final rows not yet folded."""
        return dict(self._connection.execute(_DAYS_WAITING[dataset]).fetchall())

    def growth(self, day: date) -> tuple[int, int, float]:
        """(final rows of the day that wait, rows it has in all, seconds for which the oldest of those waits)."""
        row = self._connection.execute(_GROWTH, {"day": datetime(day.year, day.month, day.day, tzinfo=UTC)}).fetchone()
        waiting, rows, seconds = row or (0, 0, 0.0)
        return waiting, rows, float(seconds)

    def clear(self, dataset: str, rows: pl.DataFrame, object_key: str) -> None:
        _CLEAR[dataset](self._connection, rows["signature"].to_list(), object_key)


def _clear_transactions(connection: psycopg.Connection[Any], signatures: list[str], object_key: str) -> None:
    with connection.transaction():
        connection.execute("update tx_raw set object_key = %s where sig = any(%s)", (object_key, signatures))
        connection.execute("delete from inbox_transactions where sig = any(%s)", (signatures,))


def _clear_logs(connection: psycopg.Connection[Any], signatures: list[str], _object_key: str) -> None:
    connection.execute("delete from raw_logs where signature = any(%s)", (signatures,))


_CLEAR: dict[str, Callable[[psycopg.Connection[Any], list[str], str], None]] = {
    RAW_TRANSACTIONS.name: _clear_transactions,
    RAW_LOGS.name: _clear_logs,
}
