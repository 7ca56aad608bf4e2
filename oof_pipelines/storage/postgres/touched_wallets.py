"""Touched wallets: which are due, what waits of their events, and their served rows replaced.

One process at a time makes wallets again: it holds a lock on the connection it writes by, so whoever has lost the lock writes
nothing. A wallet's row goes only where it was not touched since it was taken.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import psycopg

from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.refresh_interfaces import Asked, BucketNote, RefreshedWallet, TakenWallet
from oof_pipelines.storage.postgres.fresher_wallets import has_locked_served_bucket, without_fresher_noted
from oof_pipelines.storage.postgres.locks import partition_lock_key
from oof_pipelines.storage.postgres.replaced_wallets import of_wallets, replace_moments, replace_positions
from oof_pipelines.storage.postgres.session import session_options
from oof_pipelines.storage.postgres.touch_statements import PRICE_DELAY_SECONDS, TOUCHED_CHANNEL

_CONNECT_TIMEOUT_SECONDS = 10
_STATEMENT_TIMEOUT_SECONDS = 120
REFRESHER = "oof refresh"
_REFRESHER_PATTERN = f"^{REFRESHER}( [0-9a-f-]{{36}})?$"
REFRESH_LOCK = partition_lock_key("touched_wallets", "all")
MOST_LOGGED = 200_000
_LOG_CUT_EVERY = 5_000

# What happened goes before prices: those concern more wallets and each again soon.
_TAKE = """
with due as (
    select wallet, cause from touched_wallets where not_before <= %(now)s
    order by cause, not_before, wallet limit %(limit)s for update skip locked
)
update touched_wallets t set is_taken = true from due where t.wallet = due.wallet and t.cause = due.cause
returning t.wallet, t.bucket, t.cause, t.version, t.touched_at
"""
_NEXT_DUE = "select min(not_before), count(*) from touched_wallets"

_EVENTS = """
select h.sig, r.slot, r.tx_index, extract(epoch from r.ts)::bigint, h.log_idx, h.path, h.seq, h.wallet, h.kind, h.mint,
       h.decimals, h.qty_raw, h.other_mint, h.other_decimals, h.other_raw, h.counterparty, h.venue, h.network_fee_lamports,
       h.tip_lamports, h.rent_lamports, h.is_escrow
from hot_position_events h join tx_raw r using (sig)
where h.wallet = any(%s)
"""
_AMOUNTS_AT = (11, 14, 17, 18, 19)

_REFRESHERS = (
    "select application_name from pg_stat_activity where datname = current_database() and application_name ~ %s"
)
_STATE = """
select (select count(*) from touched_wallets where not_before <= now()),
       (select min(touched_at) from touched_wallets where not_before <= now()),
       (select max(served_at) from refresh_log where id > (select max(id) - 10 from refresh_log))
"""

_NOTES = """
select b.bucket, coalesce(p.sha256, ''), coalesce(p.inputs, ''), coalesce(m.sha256, ''), coalesce(m.inputs, ''), m.as_of
from unnest(%s::smallint[]) as b (bucket)
left join position_buckets p using (bucket) left join moment_buckets m using (bucket)
"""
# Whether it was touched meanwhile is asked row by row, in the order in which rows are locked everywhere.
_LOCK_TAKEN = """
select wallet, cause, version from touched_wallets where wallet = any(%s) order by cause, wallet for update
"""
_DONE = """
delete from touched_wallets t using unnest(%s::text[], %s::text[], %s::bigint[]) as d (wallet, cause, version)
where t.wallet = d.wallet and t.cause = d.cause and t.version = d.version
"""
_AGAIN = """
update touched_wallets t set
    is_taken = false, failures = 0, last_error = null,
    not_before = case when cause = 'price' then now() + make_interval(secs => %s) else now() end
where wallet = any(%s) and is_taken
"""
_MARK = """
insert into hot_wallets (wallet, bucket, as_of, rests_until)
select w.wallet, w.bucket, %s, now() + make_interval(secs => w.rest) from unnest(%s::text[], %s::smallint[], %s::float8[])
    as w (wallet, bucket, rest)
on conflict (wallet) do update set as_of = excluded.as_of, served_at = now(), rests_until = excluded.rests_until
"""
_NOTE_FRESHER = (
    "update position_buckets set inputs = inputs || ' hot' where bucket = any(%s) and inputs not like '%% hot'",
    "update moment_buckets set inputs = inputs || ' hot' where bucket = any(%s) and inputs not like '%% hot'",
)
_LOG = """
insert into refresh_log (wallet, cause, newest_block_at, touched_at, began_at, read_at, served_at, events)
select w.wallet, w.cause, w.newest, w.touched, %(began_at)s, %(read_at)s, clock_timestamp(), w.events
from unnest(%(wallets)s::text[], %(causes)s::text[], %(newest)s::timestamptz[], %(touched)s::timestamptz[], %(events)s::int[])
    as w (wallet, cause, newest, touched, events)
"""
_CUT_LOG = "delete from refresh_log where id <= (select max(id) from refresh_log) - %s"
_FAILED = """
update touched_wallets set
    is_taken = false, failures = failures + 1, last_error = %s,
    not_before = now() + least(interval '1 second' * power(2, least(failures, 12)), interval '1 hour')
where wallet = any(%s)
"""


def rest_seconds(event_count: int) -> float:
    """How long a wallet of so many events is left alone once it was made: about ten times what that takes."""
    return min(30.0, max(0, event_count - 1_000) / 200)


class RefreshIsRunningError(RuntimeError):
    """Another process makes touched wallets again in this database."""


class PostgresTouched:
    """The touched wallets of one database, on one connection. Use as a context manager.

    Raises `RefreshIsRunningError` as it is entered where somebody else is at it.
    """

    def __init__(self, database_url: str, *, name: str = "") -> None:
        """`name` is told to the database beside the lock: who is at it."""
        self._url = database_url
        self._name = f"{REFRESHER} {name}".rstrip()
        self._connection: psycopg.Connection[Any] | None = None
        self._logged = 0

    def __enter__(self) -> "PostgresTouched":
        self._connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name=self._name,
            options=session_options(self._url, _STATEMENT_TIMEOUT_SECONDS),
        )
        row = self._connection.execute("select pg_try_advisory_lock(%s)", (REFRESH_LOCK,)).fetchone()
        if row is None or not row[0]:
            self._connection.close()
            raise RefreshIsRunningError("another process makes touched wallets again in this database")
        self._connection.execute(f"listen {TOUCHED_CHANNEL}")
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def wait(self, seconds: float) -> None:
        """Until something is touched, at most so long."""
        heard = list(self._open.notifies(timeout=seconds, stop_after=1))
        if heard:
            # A feed says it with every batch: those that are told already need not wake anybody once more.
            list(self._open.notifies(timeout=0))

    def waiting(self) -> tuple[datetime | None, int]:
        """(when the next wallet is due, how many wait), None where none does."""
        row = self._open.execute(_NEXT_DUE).fetchone()
        return (None, 0) if row is None else (row[0], int(row[1]))

    def take(self, now: datetime, limit: int) -> list[TakenWallet]:
        """Wallets that are due, at most `limit` touches of them; what happened to a wallet before prices."""
        rows = self._open.execute(_TAKE, {"now": now, "limit": limit}).fetchall()
        taken: dict[str, TakenWallet] = {}
        # Of a wallet touched by both causes it is told for how long what happened to it waited.
        for wallet, bucket, cause, version, touched_at in sorted(rows):
            one = taken.setdefault(wallet, TakenWallet(wallet, bucket, {}, touched_at))
            one.versions[cause] = version
        return list(taken.values())

    def newest_block_at(self) -> datetime | None:
        """The block time of the newest stored transaction, folded or not."""
        row = self._open.execute("select max(ts) from tx_raw").fetchone()
        return None if row is None else row[0]

    def notes(self, buckets: Collection[int]) -> dict[int, BucketNote]:
        """Which files each bucket is served from; what is fresher than they is left out of it."""
        rows = self._open.execute(_NOTES, (sorted(buckets),)).fetchall()
        return {
            bucket: BucketNote(
                first, without_fresher_noted(of_positions), second, without_fresher_noted(of_moments), as_of
            )
            for bucket, first, of_positions, second, of_moments, as_of in rows
        }

    def waiting_events(self, wallets: Collection[str]) -> dict[str, list[PositionEvent]]:
        """Wallet → its events that no file need hold yet, in no order."""
        events: dict[str, list[PositionEvent]] = {}
        for row in self._open.cursor(binary=True).execute(_EVENTS, (sorted(wallets),)).fetchall():
            values = list(row)
            for at in _AMOUNTS_AT:
                values[at] = None if values[at] is None else int(values[at])
            one = PositionEvent(*values)
            events.setdefault(one.wallet, []).append(one)
        return events

    def serve(
        self, asked: Asked, refreshed: Sequence[RefreshedWallet], frames: Mapping[str, pl.DataFrame]
    ) -> list[str]:
        """Replace the wallets' served rows in one transaction, and say that it is done; returns the wallets.

        Those of a bucket that is just being served from files, or was since `asked` was read, are left for the next turn.
        """
        connection = self._open
        with connection.transaction(), connection.cursor() as cursor:
            buckets = self._unchanged(cursor, asked)
            done = [one for one in refreshed if one.taken.bucket in buckets]
            wallets = [one.taken.wallet for one in done]
            left = {one.taken.wallet for one in refreshed} - set(wallets)
            if wallets:
                whose = of_wallets(wallets)
                told = frames
                if left:
                    told = {name: frame.filter(~pl.col("wallet").is_in(sorted(left))) for name, frame in frames.items()}
                replace_positions(cursor, whose, told)
                replace_moments(cursor, whose, told, asked.as_of)
                cursor.execute(_LOCK_TAKEN, ([*wallets, *sorted(left)],))
                cursor.execute(_DONE, _columns_of_versions(done))
                rests = [rest_seconds(one.event_count) for one in done]
                cursor.execute(_MARK, (asked.as_of, wallets, [one.taken.bucket for one in done], rests))
                for statement in _NOTE_FRESHER:
                    cursor.execute(statement, (sorted(buckets),))
                self._log(cursor, asked, done)
            # Also those that were touched meanwhile, and those that are left: they are due again.
            cursor.execute(_AGAIN, (PRICE_DELAY_SECONDS, [*wallets, *sorted(left)]))
        return wallets

    def put_off(self, wallets: Collection[str], why: str) -> None:
        """They could not be made: they are due again after a pause that doubles each time."""
        self._open.execute(_FAILED, (why[:500], sorted(wallets)))

    def _unchanged(self, cursor: psycopg.Cursor[Any], asked: Asked) -> set[int]:
        """Lock the buckets, and leave out those that somebody else has, or served since they were read."""
        locked = [bucket for bucket in sorted(asked.notes) if has_locked_served_bucket(cursor, bucket)]
        now = self.notes(locked)
        return {bucket for bucket in locked if now[bucket] == asked.notes[bucket]}

    def _log(self, cursor: psycopg.Cursor[Any], asked: Asked, done: Sequence[RefreshedWallet]) -> None:
        cursor.execute(
            _LOG,
            {
                "wallets": [one.taken.wallet for one in done],
                "causes": ["event" if "event" in one.taken.versions else "price" for one in done],
                "newest": [one.newest_block_at for one in done],
                "touched": [one.taken.touched_at for one in done],
                "events": [one.event_count for one in done],
                "began_at": asked.began_at,
                "read_at": asked.read_at,
            },
        )
        self._logged += len(done)
        if self._logged >= _LOG_CUT_EVERY:
            self._logged = 0
            cursor.execute(_CUT_LOG, (MOST_LOGGED,))

    @property
    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            raise RuntimeError("PostgresTouched is used outside its context")
        return self._connection


def _columns_of_versions(done: Sequence[RefreshedWallet]) -> tuple[list[str], list[str], list[int]]:
    rows = [(one.taken.wallet, cause, version) for one in done for cause, version in one.taken.versions.items()]
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


@dataclass(frozen=True, slots=True)
class RefreshState:
    """How many touches are due, since when the oldest waits, when a wallet was last made again, and who is at it."""

    due: int
    oldest_touched_at: datetime | None
    served_at: datetime | None
    refreshers: tuple[str, ...]


def refresh_state(database_url: str) -> RefreshState:
    """What a sensor asks, on a connection of its own. `refreshers` are the names they gave; '' for those without one."""
    with psycopg.connect(
        database_url,
        autocommit=True,
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        application_name="oof refresh sensor",
        options=session_options(database_url, _STATEMENT_TIMEOUT_SECONDS),
    ) as connection:
        row = connection.execute(_STATE).fetchone()
        names = [str(name) for (name,) in connection.execute(_REFRESHERS, (_REFRESHER_PATTERN,)).fetchall()]
    assert row is not None
    return RefreshState(int(row[0]), row[1], row[2], tuple(name.removeprefix(REFRESHER).strip() for name in names))
