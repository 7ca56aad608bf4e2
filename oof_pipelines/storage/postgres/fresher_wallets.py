"""Wallets whose served rows are fresher than their bucket's files, and what that means to whoever serves the files.

Rows of a bucket are replaced under one lock, whether from its files or wallet by wallet. Whoever serves the files leaves out
the fresher wallets and notes that the bucket lags because of them, so that it is served again from later files.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import psycopg

from oof_pipelines.storage.postgres.locks import partition_lock_key

Cursor = psycopg.Cursor[Any]

_SERVED = "served positions"
_FRESHER = " hot"

_WITH_WAITING_EVENTS = """
select wallet from hot_wallets k
where bucket = %s and exists (select from hot_position_events h where h.wallet = k.wallet)
"""
_WITH_NEWER_MOMENTS = """
select wallet from hot_wallets
where bucket = %(bucket)s and as_of > %(as_of)s
  and exists (select from tx_raw where not is_decoded and ts > %(as_of)s)
"""
# A wallet that is served from files that hold all its events need not be made again for one of them. A row that somebody is
# touching is left alone, and the version says that it is still the one that was looked at.
_FORGET = """
with forgotten as (
    delete from hot_wallets where bucket = %(bucket)s and wallet <> all(%(fresher)s)
), done as (
    select t.wallet, t.version from touched_wallets t
    where t.bucket = %(bucket)s and t.cause = 'event' and t.wallet <> all(%(fresher)s)
      and not exists (select from hot_position_events h where h.wallet = t.wallet)
    order by t.wallet for update skip locked
)
delete from touched_wallets t using done
where t.wallet = done.wallet and t.cause = 'event' and t.version = done.version
"""


def served_lock_key(bucket: int) -> int:
    """The lock under which a bucket's served rows are replaced; it is held until the end of the transaction."""
    return partition_lock_key(_SERVED, f"{bucket:02d}")


def lock_served_bucket(cursor: Cursor, bucket: int) -> None:
    """Wait for the lock."""
    cursor.execute("select pg_advisory_xact_lock(%s)", (served_lock_key(bucket),))


def has_locked_served_bucket(cursor: Cursor, bucket: int) -> bool:
    """Take the lock, where nobody holds it."""
    row = cursor.execute("select pg_try_advisory_xact_lock(%s)", (served_lock_key(bucket),)).fetchone()
    return row is not None and bool(row[0])


def with_waiting_events(cursor: Cursor, bucket: int) -> set[str]:
    """Wallets whose served rows know of events that the bucket's files lack."""
    return {wallet for (wallet,) in cursor.execute(_WITH_WAITING_EVENTS, (bucket,)).fetchall()}


def with_newer_moments(cursor: Cursor, bucket: int, as_of: datetime) -> set[str]:
    """Wallets whose served moments are of an instant after `as_of`, while the market since then is in no file yet."""
    found = cursor.execute(_WITH_NEWER_MOMENTS, {"bucket": bucket, "as_of": as_of}).fetchall()
    return {wallet for (wallet,) in found}


def forget_fresher(cursor: Cursor, bucket: int, fresher: Collection[str]) -> None:
    """The bucket's wallets but for `fresher` are served from its files."""
    cursor.execute(_FORGET, {"bucket": bucket, "fresher": sorted(fresher)})


def with_fresher_noted(inputs: str) -> str:
    """The digests of `Inputs`, so that the bucket lags behind them as it does behind the newest day alone."""
    return inputs if inputs.endswith(_FRESHER) else inputs + _FRESHER


def without_fresher_noted(inputs: str) -> str:
    """The digests as they were noted."""
    return inputs.removesuffix(_FRESHER)
