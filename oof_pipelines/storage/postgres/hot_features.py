"""features_1m as the feed keeps it: whole rows of the buckets that its transactions touch, written as they are stored.

On the feed's own connection, since the feed is the one writer of trades that no file holds yet.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection

from oof_pipelines.features.rows import BucketKey, FeatureRow
from oof_pipelines.market.events import Trade
from oof_pipelines.storage.parquet.market_rows import event_of
from oof_pipelines.storage.postgres.feature_columns import DATASET_COLUMNS, LISTED, ON_CONFLICT_REPLACE
from oof_pipelines.storage.postgres.hot_told import select_told
from oof_pipelines.storage.postgres.inbox import PostgresInbox

_FIELDS = {"bucket_start": "bucket_start_s", "available_at": "available_at_s"}

_ASKED = "unnest(%s::text[], %s::timestamptz[], %s::text[], %s::text[]) as k (mint, bucket_start, venue, quote_mint)"
_TRADES = f"""
{select_told("market_events")}
from {_ASKED}
join hot_market_events h on h.mint = k.mint and h.venue = k.venue and h.quote_mint = k.quote_mint and h.kind = 'trade'
join tx_raw t on t.sig = h.sig and not t.is_decoded
  and t.ts >= k.bucket_start and t.ts < k.bucket_start + interval '1 minute'
"""
_KEYS_OF = """
select distinct h.mint, extract(epoch from date_trunc('minute', t.ts))::bigint, h.venue, h.quote_mint
from hot_market_events h join tx_raw t on t.sig = h.sig
where h.sig = %s and h.kind = 'trade'
"""
_UNSETTLED = """
select mint, extract(epoch from bucket_start)::bigint, venue, quote_mint from (
    select h.mint, date_trunc('minute', t.ts) as bucket_start, h.venue, h.quote_mint
    from hot_market_events h join tx_raw t on t.sig = h.sig
    where h.kind = 'trade' and not t.is_decoded
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
    """Trades that no file holds yet, by bucket, and the rows of their buckets. Every write may be made twice."""

    def __init__(self, inbox: PostgresInbox) -> None:
        self._inbox = inbox

    async def trades_of(self, keys: Collection[BucketKey]) -> list[Trade]:
        """The trades of these buckets that wait for their day's file."""
        events = [event_of(row) for row in await self._fetch(_TRADES, _columns(keys))]
        return [event for event in events if isinstance(event, Trade)]

    async def keys_of(self, signature: str) -> list[BucketKey]:
        """The buckets that a waiting transaction trades in."""
        return [_key(row) for row in await self._fetch(_KEYS_OF, (signature,))]

    async def unsettled(self, limit: int) -> list[BucketKey]:
        """Buckets with waiting trades, or with a row of the feed's, newest first."""
        return [_key(row) for row in await self._fetch(_UNSETTLED, (limit,))]

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
            await self._inbox.in_transaction(write)

    async def _fetch(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        async def read(connection: AsyncConnection[Any]) -> list[tuple[Any, ...]]:
            return await (await connection.execute(statement, parameters)).fetchall()

        return await self._inbox.in_transaction(read)


def _row(row: FeatureRow) -> tuple[Any, ...]:
    start = _instant(row.bucket_start_s)
    values = [getattr(row, _FIELDS.get(name, name)) for name in DATASET_COLUMNS]
    values[DATASET_COLUMNS.index("bucket_start")] = start
    values[DATASET_COLUMNS.index("available_at")] = _instant(row.available_at_s)
    return (*values, start.date(), True)


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
