"""Decoded rows as Postgres serves them: replaced a day at a time by what the day's files hold, in one transaction."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from oof_pipelines.storage.parquet.decoded_day import DecodedDay
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS, RAW_TRANSACTIONS, TOLD_DATASETS
from oof_pipelines.storage.parquet.store import object_key
from oof_pipelines.storage.postgres.day_tables import replace_day_tables
from oof_pipelines.storage.postgres.hot_rows import ACTION_COLUMNS, action_row
from oof_pipelines.storage.postgres.hot_told import select_told
from oof_pipelines.storage.postgres.locks import partition_lock
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options

_CONNECT_TIMEOUT_SECONDS = 10

# 24 hours, since a day of a server's time zone may have 23 or 25.
_HOT_TRANSACTIONS = """
    join tx_raw t on t.sig = h.sig
    where t.ts >= %(day)s and t.ts < %(day)s + interval '24 hours'
      and t.is_final and not t.is_decoded and t.object_key is not null
"""
_HOT = {
    "actions": """
        select h.id, h.sig, h.slot, t.tx_index, h.ts, h.log_idx, h.path, h.program_id, h.venue, h.kind, h.wallet,
               h.counterparty, h.mint, h.amount_raw, h.bought_mint, h.bought_raw, h.paths
        from actions h
    """,
    "moves": """
        select h.sig, t.slot, t.tx_index, t.ts, h.seq, h.log_idx, h.path, h.account, h.owner, h.asset, h.delta_raw,
               h.balance_raw, h.kind, h.is_virtual
        from hot_moves h
    """,
    "participants": "select h.sig, t.slot, t.tx_index, t.ts, h.wallet, h.roles from participants h",
    "token_facts": "select h.mint, h.decimals, h.token_program, t.slot, t.ts, h.sig from hot_token_facts h",
    **{name: f"{select_told(name)} from hot_{name} h" for name in TOLD_DATASETS},
}

_DAYS_WAITING = """
select day, sum(waiting)::bigint from (
    select (ts at time zone 'UTC')::date as day, count(*) as waiting
    from tx_raw where not is_decoded and is_final and object_key is not null group by 1
    union all
    select day, transactions - decoded from decoded_days where decoded < transactions and decoder_version <> %(version)s
) as days
group by day order by day
"""

_STAGE = """
create temp table staged_transactions on commit drop as
    select sig, slot, ts, status, object_key, size_bytes, tx_index, is_block_time_estimated from tx_raw with no data;
create temp table staged_actions on commit drop as select {actions} from actions with no data;
create temp table staged_participants on commit drop as select sig, wallet, roles from participants with no data
"""

# The files are the truth: a database made anew learns from them which signatures are stored.
_RESTORE = """
insert into tx_raw (sig, slot, ts, status, object_key, size_bytes, tx_index, is_block_time_estimated, is_final)
select s.*, true from staged_transactions s
on conflict (sig) do nothing
"""

_REPLACE = """
delete from actions a using staged_transactions t
where a.sig = t.sig and not exists (select from staged_actions s where s.id = a.id);
insert into actions ({actions}) select {actions} from staged_actions
on conflict (id) do update set ({values}) = ({excluded})
where ({current}) is distinct from ({excluded});
delete from participants p using staged_transactions t
where p.sig = t.sig and not exists (select from staged_participants s where s.sig = p.sig and s.wallet = p.wallet);
insert into participants (sig, wallet, roles) select sig, wallet, roles from staged_participants
on conflict (sig, wallet) do update set roles = excluded.roles where participants.roles <> excluded.roles;
{let_go}
update tx_raw r set is_decoded = true from staged_transactions t where r.sig = t.sig and not r.is_decoded
"""


_HOT_TABLES = ("hot_moves", "hot_token_facts", *(f"hot_{name}" for name in TOLD_DATASETS))


class PostgresServedRows:
    """A `ServedRows` on one connection. Use as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof decode",
            options=session_options(database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        )

    def __enter__(self) -> "PostgresServedRows":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def lock(self, dataset: str, day: date) -> AbstractContextManager[None]:
        return partition_lock(self._connection, dataset, day.isoformat())

    def days_waiting(self, decoder_version: str) -> dict[date, int]:
        """Day → folded transactions that no decoded file holds yet, or that another decoder failed on."""
        return dict(self._connection.execute(_DAYS_WAITING, {"version": decoder_version}).fetchall())

    def days_of_other_decoders(self, decoder_version: str) -> list[date]:
        """Days whose files were decoded by another version of the decoder."""
        rows = self._connection.execute(
            "select day from decoded_days where decoder_version <> %s order by day", (decoder_version,)
        )
        return [day for (day,) in rows.fetchall()]

    def days_decoded(self) -> set[date]:
        """Days whose decoded files this database serves."""
        return {day for (day,) in self._connection.execute("select day from decoded_days").fetchall()}

    def hot_rows(self, day: date) -> dict[str, pl.DataFrame]:
        cursor = self._connection.cursor(binary=True)
        frames = {}
        for name, query in _HOT.items():
            rows = cursor.execute(query + _HOT_TRANSACTIONS, {"day": f"{day.isoformat()}T00:00Z"}).fetchall()
            frames[name] = pl.DataFrame(rows, schema=DECODED_DATASETS[name].columns, orient="row")
        return frames

    def publish(self, decoded: DecodedDay) -> None:
        with self._connection.transaction():
            self._stage(decoded)
            for statement in (_RESTORE, _replace_statement()):
                self._connection.execute(statement)
            replace_day_tables(self._connection, decoded)

    def _stage(self, decoded: DecodedDay) -> None:
        connection = self._connection
        connection.execute(sql.SQL(_STAGE).format(actions=sql.SQL(ACTION_COLUMNS)))
        key = object_key(RAW_TRANSACTIONS.name, decoded.day)
        raw = decoded.raw.select(
            "signature",
            "slot",
            "block_time",
            pl.when("is_failed").then(pl.lit("failed")).otherwise(pl.lit("ok")),
            pl.lit(key).alias("object_key"),
            pl.col("body_zstd").bin.size(),
            "tx_index",
            "is_block_time_estimated",
        )
        self._copy("staged_transactions", raw.iter_rows())
        failed = set(decoded.raw.filter(pl.col("is_failed"))["signature"])
        facts = decoded.frames["token_facts"]
        decimals = dict(zip(facts["mint"], facts["decimals"], strict=True))
        actions = (action_row(row, decimals, row[1] in failed) for row in decoded.frames["actions"].iter_rows())
        self._copy("staged_actions", actions)
        participants = decoded.frames["participants"].select("signature", "wallet", "roles")
        self._copy("staged_participants", participants.iter_rows())
        connection.execute("create index on staged_actions (id)")

    def _copy(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        statement = sql.SQL("copy {} from stdin").format(sql.Identifier(table))
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)


def _replace_statement() -> sql.Composed:
    names = [name.strip() for name in ACTION_COLUMNS.split(",")]
    values = [name for name in names if name != "id"]

    def listed(prefix: str) -> sql.Composed:
        return sql.SQL(", ").join(sql.SQL(prefix) + sql.Identifier(name) for name in values)

    let_go = sql.SQL("\n").join(
        sql.SQL("delete from {} h using staged_transactions t where h.sig = t.sig;").format(sql.Identifier(table))
        for table in _HOT_TABLES
    )
    return sql.SQL(_REPLACE).format(
        actions=sql.SQL(ACTION_COLUMNS),
        values=listed(""),
        excluded=listed("excluded."),
        current=listed("actions."),
        let_go=let_go,
    )
