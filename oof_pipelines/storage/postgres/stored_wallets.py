"""What is stored of wallets: how many of their transactions, from when to when, and how much of those days is decoded."""

from collections.abc import Collection
from datetime import date, datetime

import psycopg

from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options
from oof_pipelines.storage.stored_counts import OwnTransaction, StoredDays, StoredTransactions

_CONNECT_TIMEOUT_SECONDS = 10

_STORED = """
select count(*), count(*) filter (where t.status = 'failed'), min(t.slot), max(t.slot), min(t.ts), max(t.ts)
from tx_raw t
where t.sig in (select p.sig from participants p where p.wallet = any(%(wallets)s))
  and t.ts <= %(until)s and (%(since)s::timestamptz is null or t.ts >= %(since)s)
"""
_DAYS = """
select coalesce(sum(transactions), 0)::bigint, coalesce(sum(transactions - decoded), 0)::bigint,
       coalesce(array_agg(day order by day) filter (where residual > 0), array[]::date[])
from decoded_days
where day = any(
    select distinct (t.ts at time zone 'UTC')::date from tx_raw t
    where t.sig in (select p.sig from participants p where p.wallet = any(%(wallets)s))
      and t.ts <= %(until)s and (%(since)s::timestamptz is null or t.ts >= %(since)s)
)
"""
_SIGNATURES = """
select distinct p.sig from participants p join tx_raw t on t.sig = p.sig
where p.wallet = any(%(wallets)s) and (t.ts at time zone 'UTC')::date = any(%(days)s)
  and t.ts <= %(until)s and (%(since)s::timestamptz is null or t.ts >= %(since)s)
"""
_OWN = """
select t.sig, t.slot, t.tx_index, t.ts, t.status = 'failed', t.is_final, t.is_decoded
from tx_raw t
where t.sig in (select p.sig from participants p where p.wallet = %(wallet)s)
  and t.ts <= %(until)s and (%(since)s::timestamptz is null or t.ts >= %(since)s)
order by t.slot, t.tx_index nulls last, t.sig
"""
_NEWEST_SLOT = "select max(slot) from tx_raw where is_final and ts <= %s"
_DECIMALS = """
select distinct on (mint) mint, decimals from token_sightings where mint = any(%s) order by mint, first_slot, first_sig
"""


class PostgresStoredWallets:
    """A `StoredWallets` on one connection. Use as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof analyze",
            options=session_options(database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        )

    def __enter__(self) -> "PostgresStoredWallets":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def newest_at(self) -> datetime | None:
        """The newest block time of a final transaction; None where nothing is stored."""
        row = self._connection.execute("select max(ts) from tx_raw where is_final").fetchone()
        return row[0] if row else None

    def newest_slot(self, until: datetime) -> int | None:
        """The highest slot of a final transaction up to `until`."""
        row = self._connection.execute(_NEWEST_SLOT, (until,)).fetchone()
        return row[0] if row else None

    def own_transactions(self, wallet: str, since: datetime | None, until: datetime) -> list[OwnTransaction]:
        """The wallet's stored and decoded transactions, in the order of the chain."""
        bounds = {"wallet": wallet, "since": since, "until": until}
        return [OwnTransaction(*row) for row in self._connection.execute(_OWN, bounds).fetchall()]

    def decimals(self, mints: Collection[str]) -> dict[str, int]:
        """Those of the mints that decoded days show."""
        return dict(self._connection.execute(_DECIMALS, (sorted(mints),)).fetchall())

    def transactions(self, wallets: list[str], since: datetime | None, until: datetime) -> StoredTransactions:
        bounds = {"wallets": wallets, "since": since, "until": until}
        row = self._connection.execute(_STORED, bounds).fetchone()
        assert row is not None
        return StoredTransactions(*row)

    def days(self, wallets: list[str], since: datetime | None, until: datetime) -> StoredDays:
        bounds = {"wallets": wallets, "since": since, "until": until}
        row = self._connection.execute(_DAYS, bounds).fetchone()
        assert row is not None
        return StoredDays(*row)

    def signatures(self, wallets: list[str], days: list[date], since: datetime | None, until: datetime) -> set[str]:
        bounds = {"wallets": wallets, "days": days, "since": since, "until": until}
        return {signature for (signature,) in self._connection.execute(_SIGNATURES, bounds).fetchall()}
