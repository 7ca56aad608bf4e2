"""Which wallet buckets lag behind the decoded days: digests of what a bucket's file should hold, and of what it does."""

from contextlib import AbstractContextManager
from datetime import date

import psycopg

from oof_pipelines.storage.postgres.locks import partition_lock
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options
from oof_pipelines.storage.postgres.touch_statements import LET_GO_OF_BUCKET, NOTIFY, TOUCH_WAITING_OF_BUCKET

_CONNECT_TIMEOUT_SECONDS = 10

_STALE = """
select bucket, count(*)
from wallet_slices s full join wallet_bucket_contents c using (bucket, day)
where s.sha256 is distinct from c.sha256
group by bucket order by bucket
"""


class PostgresWalletContents:
    """A `BucketContents` on one connection. Use as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof wallets",
            options=session_options(database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        )

    def __enter__(self) -> "PostgresWalletContents":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def lock(self, dataset: str, bucket: int) -> AbstractContextManager[None]:
        return partition_lock(self._connection, dataset, f"{bucket:02d}")

    def stale_buckets(self) -> dict[int, int]:
        """Bucket → days by which its file differs from the decoded days."""
        return dict(self._connection.execute(_STALE).fetchall())

    def wanted(self, bucket: int) -> dict[date, str]:
        """Day → digest of the slice that the bucket's file should hold."""
        rows = self._connection.execute("select day, sha256 from wallet_slices where bucket = %s", (bucket,))
        return dict(rows.fetchall())

    def record(self, bucket: int, digests: dict[date, str]) -> None:
        """Note that the bucket's file holds these slices, and no other.

        Events that waited for it go; wallets of which others still wait are touched, since the file changed under them.
        """
        with self._connection.transaction():
            self._connection.execute("delete from wallet_bucket_contents where bucket = %s", (bucket,))
            self._connection.execute(
                "insert into wallet_bucket_contents (bucket, day, sha256) "
                "select %s, d, s from unnest(%s::date[], %s::text[]) as x (d, s)",
                (bucket, list(digests), list(digests.values())),
            )
            self._connection.execute(LET_GO_OF_BUCKET, {"bucket": bucket})
            self._connection.execute(TOUCH_WAITING_OF_BUCKET, (bucket,))
            self._connection.execute(NOTIFY)
