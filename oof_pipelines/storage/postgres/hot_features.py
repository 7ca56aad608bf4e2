"""features_1m as the feed keeps it: whole rows of the buckets that its transactions touch, written as they are stored.

On the feed's own connection, since the feed is the one writer of trades that no file holds yet; what is asked there is kept
short, and cut off by the server where it is not, because the feed waits for its turn meanwhile.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from psycopg import AsyncConnection

from oof_pipelines.features.rows import BucketKey, FeatureRow
from oof_pipelines.market.events import Trade
from oof_pipelines.storage.parquet.market_rows import event_of
from oof_pipelines.storage.postgres.feature_columns import DATASET_COLUMNS, LISTED, ON_CONFLICT_REPLACE
from oof_pipelines.storage.postgres.hot_told import select_told
from oof_pipelines.storage.postgres.inbox import PostgresInbox

_STATEMENT_TIMEOUT_SECONDS = 5
# Of a busy minute some thousands of transactions are looked at: so many minutes stay well below the timeout.
_MINUTES_AT_ONCE = 10
# A day of which nothing is folded yet may be millions; so many hold the newest buckets that a start makes anew.
_MOST_WAITING = 200_000
_FIELDS = {"bucket_start": "bucket_start_s", "available_at": "available_at_s"}

_ASKED = "unnest(%s::text[], %s::timestamptz[], %s::text[], %s::text[]) as k (mint, bucket_start, venue, quote_mint)"
# By time first: by coin, each bucket would meet every waiting trade of it. "offset 0" keeps the planner to that order.
_TRADES = f"""
with asked as materialized (select * from {_ASKED}),
minutes as materialized (select distinct bucket_start from asked),
placed as materialized (
    select within.*, m.bucket_start
    from minutes m
    cross join lateral (
        select sig, slot, tx_index, ts from tx_raw
        where not is_decoded and ts >= m.bucket_start and ts < m.bucket_start + interval '1 minute'
        offset 0
    ) as within
)
{select_told("market_events")}
from placed t
cross join lateral (select * from hot_market_events e where e.sig = t.sig and e.kind = 'trade' offset 0) as h
join asked k on (k.mint, k.bucket_start, k.venue, k.quote_mint) = (h.mint, t.bucket_start, h.venue, h.quote_mint)
"""  # noqa: S608 - names of our own schema
_KEYS_OF = """
select distinct h.mint, extract(epoch from date_trunc('minute', t.ts))::bigint, h.venue, h.quote_mint
from hot_market_events h join tx_raw t on t.sig = h.sig
where h.sig = %s and h.kind = 'trade'
"""
_UNSETTLED = """
select mint, extract(epoch from bucket_start)::bigint, venue, quote_mint from (
    select h.mint, date_trunc('minute', t.ts) as bucket_start, h.venue, h.quote_mint
    from (select sig, ts from tx_raw where not is_decoded order by ts desc limit %s) as t
    join hot_market_events h on h.sig = t.sig and h.kind = 'trade'
    union
    select mint, bucket_start, venue, quote_mint from features_1m where is_hot
) as buckets
order by bucket_start desc, mint, venue, quote_mint
limit %s
"""
_FORGET = f"""
delete from features_1m f using {_ASKED}
where (f.mint, f.bucket_start, f.venue, f.quote_mint) = (k.mint, k.bucket_start, k.venue, k.quote_mint)
"""  # noqa: S608
_ARRAYS = ", ".join(
    f"%s::{kind}[]"
    for kind in (
        *("text", "timestamptz", "text", "text"),
        *("bigint",) * 5,
        *("numeric",) * 3,
        *("smallint",) * 2,
        *("numeric",) * 4,
        *("text", "numeric", "text"),
        *("numeric",) * 7,
        *("timestamptz", "date", "boolean"),
    )
)
_UPSERT = f"""
insert into features_1m as f ({LISTED})
select * from unnest({_ARRAYS}) as h ({LISTED})
{ON_CONFLICT_REPLACE}
"""  # noqa: S608


class PostgresHotFeatures:
    """Trades that no file holds yet, by bucket, and the rows of their buckets. Every write may be made twice.

    Every method raises psycopg.errors.QueryCanceled where a statement of it takes longer than five seconds.
    """

    def __init__(self, inbox: PostgresInbox) -> None:
        self._inbox = inbox

    async def trades_of(self, keys: Collection[BucketKey]) -> list[Trade]:
        """The trades of these buckets that wait for their day's file."""
        trades: list[Trade] = []
        for within in _by_minutes(keys):
            events = [event_of(row) for row in await self._fetch(_TRADES, _columns(within))]
            trades += [event for event in events if isinstance(event, Trade)]
        return trades

    async def keys_of(self, signature: str) -> list[BucketKey]:
        """The buckets that a waiting transaction trades in."""
        return [_key(row) for row in await self._fetch(_KEYS_OF, (signature,))]

    async def unsettled(self, limit: int) -> list[BucketKey]:
        """Buckets with trades among the newest 200,000 waiting transactions, or with a row of the feed's, newest first."""
        return [_key(row) for row in await self._fetch(_UNSETTLED, (_MOST_WAITING, limit))]

    async def replace(self, rows: Sequence[FeatureRow], gone: Collection[BucketKey]) -> None:
        """Write these rows over what is there, and take away those of buckets without trades, in one transaction."""

        async def write(connection: AsyncConnection[Any]) -> None:
            if gone:
                await connection.execute(_FORGET, _columns(gone))
            if rows:
                # In the order of the key, so that two writers never wait for each other's rows.
                values = [_row(row) for row in sorted(rows, key=lambda row: row.key)]
                await connection.execute(_UPSERT, [list(column) for column in zip(*values, strict=True)])

        if rows or gone:
            await self._inbox.in_transaction(write, statement_timeout_seconds=_STATEMENT_TIMEOUT_SECONDS)

    async def _fetch(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        async def read(connection: AsyncConnection[Any]) -> list[tuple[Any, ...]]:
            return await (await connection.execute(statement, parameters)).fetchall()

        return await self._inbox.in_transaction(read, statement_timeout_seconds=_STATEMENT_TIMEOUT_SECONDS)


def _row(row: FeatureRow) -> tuple[Any, ...]:
    start = _instant(row.bucket_start_s)
    values = [getattr(row, _FIELDS.get(name, name)) for name in DATASET_COLUMNS]
    values[DATASET_COLUMNS.index("bucket_start")] = start
    values[DATASET_COLUMNS.index("available_at")] = _instant(row.available_at_s)
    return (*values, start.date(), True)


def _by_minutes(keys: Collection[BucketKey]) -> Iterator[list[BucketKey]]:
    """The keys in parts of a few minutes each, so that the feed has its turn between two of them."""
    minutes = [list(within) for _, within in groupby(sorted(keys, key=_start_s), key=_start_s)]
    for first in range(0, len(minutes), _MINUTES_AT_ONCE):
        yield [key for within in minutes[first : first + _MINUTES_AT_ONCE] for key in within]


def _start_s(key: BucketKey) -> int:
    return key[1]


def _columns(keys: Collection[BucketKey]) -> list[list[Any]]:
    ordered = sorted(keys)
    return [
        [key[0] for key in ordered],
        [_instant(key[1]) for key in ordered],
        [key[2] for key in ordered],
        [key[3] for key in ordered],
    ]


def _key(row: tuple[Any, ...]) -> BucketKey:
    mint, bucket_start_s, venue, quote_mint = row
    return (mint, int(bucket_start_s), venue, quote_mint)


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
