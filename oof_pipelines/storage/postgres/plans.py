"""Plans in Postgres: who has which, what was used today, which wallets are watched. Every count is made by one statement."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import psycopg

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.config_files import REPOSITORY_ROOT
from oof_pipelines.job_interfaces import Enqueued, NewJob
from oof_pipelines.storage.postgres.jobs import enqueue_on
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options

_CONNECT_TIMEOUT_SECONDS = 10
_SEED = REPOSITORY_ROOT / "sql" / "seed" / "plans.sql"

_RUNNING = """
select plan_code from user_plans
where user_id = %(user)s and started_at <= %(now)s and (expires_at is null or expires_at > %(now)s)
order by plan_code
"""
_SET_PLAN = """
insert into user_plans (user_id, plan_code, started_at, expires_at) values (%s, %s, %s, %s)
on conflict (user_id, plan_code) do update set started_at = excluded.started_at, expires_at = excluded.expires_at
"""
# One statement, so that requests at once take turns at the user's row and none sees a count that another is changing.
_SPEND = """
insert into policy_state as p (user_id, analyses_today, last_reset_at)
select %(user)s, %(count)s, %(midnight)s where %(count)s <= %(limit)s
on conflict (user_id) do update set
    analyses_today = case when p.last_reset_at < %(midnight)s then 0 else p.analyses_today end + %(count)s,
    last_reset_at = greatest(p.last_reset_at, excluded.last_reset_at)
where case when p.last_reset_at < %(midnight)s then 0 else p.analyses_today end + %(count)s <= %(limit)s
returning analyses_today
"""
_USED = "select analyses_today from policy_state where user_id = %s and last_reset_at >= %s"
_DUE = """
select user_id, wallet, last_requested_at, place from (
    select user_id, wallet, last_requested_at, row_number() over (partition by user_id order by added_at, wallet) as place
    from watched_wallets
) w
where user_id in (
    select user_id from user_plans u join plans p on p.code = u.plan_code
    where p.cadence = %(cadence)s and u.started_at <= %(now)s and (u.expires_at is null or u.expires_at > %(now)s)
) and (last_requested_at is null or last_requested_at <= %(before)s)
order by user_id, place
"""


class PostgresPlans:
    """Plans on one connection. Opening it brings the table `plans` to `told`, a row a plan with the table's columns.

    Use as a context manager.
    """

    def __init__(self, database_url: str, told: Sequence[Mapping[str, object]]) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof plans",
            options=session_options(database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        )
        self._connection.execute(_SEED.read_bytes(), {"plans": json.dumps(list(told))})

    def __enter__(self) -> "PostgresPlans":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    # --- whose plan ---

    def running_codes(self, user_id: str, now: datetime) -> list[str]:
        """The plans that the user has at `now`."""
        return [code for (code,) in self._connection.execute(_RUNNING, {"user": user_id, "now": now}).fetchall()]

    def set_plan(self, user_id: str, code: str, started_at: datetime, expires_at: datetime | None) -> None:
        """Give a user a plan from `started_at` on; where he had it, its times are replaced."""
        self._connection.execute(_SET_PLAN, (user_id, code, started_at, expires_at))

    def end_plan(self, user_id: str, code: str) -> bool:
        """Take a plan from a user; whether he had it."""
        done = self._connection.execute("delete from user_plans where user_id = %s and plan_code = %s", (user_id, code))
        return done.rowcount > 0

    def wallets_of(self, user_id: str) -> list[str]:
        """The user's own wallets: those linked to him, and he himself where he is an address that nobody else has linked."""
        rows = self._connection.execute(
            "select wallet from user_wallets where user_id = %s order by wallet", (user_id,)
        ).fetchall()
        wallets = [wallet for (wallet,) in rows]
        if is_pubkey(user_id) and user_id not in wallets:
            other = self._connection.execute("select 1 from user_wallets where wallet = %s", (user_id,)).fetchone()
            wallets += [] if other else [user_id]
        return wallets

    def link(self, user_id: str, wallet: str, now: datetime) -> bool:
        """Make a wallet the user's own; False where it is another's."""
        row = self._connection.execute(
            "insert into user_wallets as w (user_id, wallet, linked_at) values (%s, %s, %s) "
            "on conflict (wallet) do update set linked_at = w.linked_at where w.user_id = excluded.user_id "
            "returning wallet",
            (user_id, wallet, now),
        ).fetchone()
        return row is not None

    # --- the day's quota ---

    def spend(self, user_id: str, count: int, limit: int, now: datetime) -> int | None:
        """Use `count` of the day's `limit`; how many are used then, None (and nothing used) where that is too much."""
        values = {"user": user_id, "count": count, "limit": limit, "midnight": midnight(now)}
        row = self._connection.execute(_SPEND, values).fetchone()
        return None if row is None else int(row[0])

    def used(self, user_id: str, now: datetime) -> int:
        """What the user has used of today's quota."""
        row = self._connection.execute(_USED, (user_id, midnight(now))).fetchone()
        return 0 if row is None else int(row[0])

    def resets_at(self, now: datetime) -> datetime:
        """When the day's quota is whole again."""
        return next_midnight(now)

    def spend_and_enqueue(self, job: NewJob, count: int, limit: int, now: datetime) -> Enqueued | None:
        """Spend `count` of the user's `limit` and queue his job, in one transaction; None, with neither done, where that is
        too much. What is queued already is given, and nothing is spent."""
        if job.user_id is None:
            raise ValueError("a quota is a user's, and the job has none")
        with self._connection.transaction():
            queued = enqueue_on(self._connection, job)
            if queued.is_new and self.spend(job.user_id, count, limit, now) is None:
                # Ends the block, and nothing of it is left.
                raise psycopg.Rollback
            return queued
        return None

    # --- watched wallets ---

    def watch(self, user_id: str, wallet: str, limit: int, now: datetime) -> bool:
        """Watch a wallet; False where `limit` others are watched already. One that is watched stays as it is."""
        with self._connection.transaction():
            # Two at once would both see room for one more.
            self._connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 20))", (user_id,))
            watched = [one for one, _ in self.watched(user_id)]
            if wallet in watched:
                return True
            if len(watched) >= limit:
                return False
            self._connection.execute(
                "insert into watched_wallets (user_id, wallet, added_at) values (%s, %s, %s)", (user_id, wallet, now)
            )
            return True

    def unwatch(self, user_id: str, wallet: str) -> bool:
        """Whether it was watched."""
        done = self._connection.execute(
            "delete from watched_wallets where user_id = %s and wallet = %s", (user_id, wallet)
        )
        return done.rowcount > 0

    def watched(self, user_id: str) -> list[tuple[str, datetime | None]]:
        """(wallet, when it was last requested), as they were added."""
        return self._connection.execute(
            "select wallet, last_requested_at from watched_wallets where user_id = %s order by added_at, wallet",
            (user_id,),
        ).fetchall()

    def due(self, cadence: str, before: datetime, now: datetime) -> list[tuple[str, str, int]]:
        """(user, wallet, its place among the user's from 1) last requested up to `before`, of whoever has a plan of the
        cadence."""
        values = {"cadence": cadence, "now": now, "before": before}
        rows = self._connection.execute(_DUE, values).fetchall()
        return [(user_id, wallet, int(place)) for user_id, wallet, _last, place in rows]

    def request_watched(self, job: NewJob, wallet: str, before: datetime, now: datetime) -> Enqueued | None:
        """Queue a watched wallet's job and note when, in one transaction; None where it is not watched any more, or was
        requested since `before`."""
        with self._connection.transaction():
            noted = self._connection.execute(
                "update watched_wallets set last_requested_at = %s where user_id = %s and wallet = %s "
                "and (last_requested_at is null or last_requested_at <= %s)",
                (now, job.user_id, wallet, before),
            )
            return enqueue_on(self._connection, job) if noted.rowcount else None


def midnight(now: datetime) -> datetime:
    """When the day of `now` began, in UTC: quotas are counted anew from then on."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def next_midnight(now: datetime) -> datetime:
    """When the quota is whole again."""
    return midnight(now) + timedelta(days=1)
