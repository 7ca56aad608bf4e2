"""What the feed's features ask of Postgres: it is looked up by time, and cut off before the feed has waited for long."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from stored_rows import SLOT, signature_of, stored

from oof_pipelines.features.rows import BucketKey
from oof_pipelines.interfaces import ListedSignature
from oof_pipelines.market.events import Trade
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres import hot_features
from oof_pipelines.storage.postgres.hot_features import PostgresHotFeatures
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.workflows.feature_stream import FeatureStream

START_S = 1_767_571_200
STEP_S = 6
MINUTES = 300
TRADES_A_MINUTE = 60 // STEP_S
COUNT = MINUTES * TRADES_A_MINUTE
_TRANSACTIONS = """
insert into tx_raw (sig, slot, ts, status, size_bytes, is_block_time_estimated, is_decoded)
select 's' || i, i, to_timestamp(%s + i * %s), 'ok', 1, false, false from generate_series(0, %s - 1) as i
"""
_TRADES = """
insert into hot_market_events (sig, log_idx, kind, ordinal, program_id, venue, pool, mint, quote_mint, wallet, signer,
    creator, reserve_kind, token_program, name, symbol, uri, flag, is_buy, base_raw, quote_raw)
select 's' || i, 1, 'trade', 0, '', case when i %% 2 = 0 then 'even' else 'odd' end, '', 'coin', 'money', '', '',
    '', '', '', '', '', '', '', true, 1000000, 1000000
from generate_series(0, %s - 1) as i
"""


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


@pytest.fixture
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        yield connection


def trade_all_along(connection: psycopg.Connection[Any]) -> None:
    """One coin is traded every six seconds for five hours, at two venues in turn, and all of it waits."""
    connection.execute(_TRANSACTIONS, (START_S, STEP_S, COUNT))
    connection.execute(_TRADES, (COUNT,))
    connection.execute("analyze")


def use(url: str, work: Callable[[PostgresInbox], Awaitable[Any]]) -> Any:
    async def scenario() -> Any:
        async with PostgresInbox(lambda: url, patience_seconds=20) as inbox:
            return await work(inbox)

    return asyncio.run(scenario())


def bucket(minute: int, venue: str = "even") -> BucketKey:
    return ("coin", START_S + 60 * minute, venue, "money")


def rows_seen(plan: dict[str, Any]) -> int:
    """Rows that went through the nodes of a plan, those that a condition held back among them."""
    names = [name for name in plan if name == "Actual Rows" or name.startswith("Rows Removed")]
    return int(sum(plan[name] for name in names) * plan["Actual Loops"]) + sum(map(rows_seen, plan.get("Plans", ())))


def test_many_buckets_of_a_coin_cost_their_own_trades_and_no_more(connection: psycopg.Connection[Any]) -> None:
    trade_all_along(connection)
    columns = hot_features._columns([bucket(minute) for minute in range(MINUTES)])
    [[[explained]]] = connection.execute(f"explain (analyze, format json) {hot_features._TRADES}", columns).fetchall()  # type: ignore[arg-type]
    assert rows_seen(explained["Plan"]) < 20 * COUNT, "each bucket met every trade of the coin"


def test_the_trades_of_the_asked_buckets_come_and_no_others(url: str, connection: psycopg.Connection[Any]) -> None:
    trade_all_along(connection)
    connection.execute("update tx_raw set is_decoded = true where sig = 's2'")
    minutes = [0, *range(40, 65), MINUTES + 5]
    asked = [bucket(minute) for minute in minutes] + [bucket(50, "odd")]

    async def work(inbox: PostgresInbox) -> list[Trade]:
        return await PostgresHotFeatures(inbox).trades_of(asked[::-1])

    found = [(trade.place.signature, trade.venue, trade.place.block_time_s) for trade in use(url, work)]
    numbers = [i for minute in minutes for i in range(minute * TRADES_A_MINUTE, (minute + 1) * TRADES_A_MINUTE)]
    even = [i for i in numbers if i % 2 == 0 and i != 2 and i < COUNT]
    odd = [i for i in range(50 * TRADES_A_MINUTE, 51 * TRADES_A_MINUTE) if i % 2]
    expected = [("even", i) for i in even] + [("odd", i) for i in odd]
    assert sorted(found) == sorted((f"s{i}", venue, START_S + i * STEP_S) for venue, i in expected)


def test_the_newest_waiting_transactions_tell_what_is_unsettled(
    url: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trade_all_along(connection)
    connection.execute("update tx_raw set is_decoded = true where ts >= to_timestamp(%s)", (START_S + 60 * 100,))
    monkeypatch.setattr(hot_features, "_MOST_WAITING", 2 * TRADES_A_MINUTE)

    async def work(inbox: PostgresInbox) -> list[list[BucketKey]]:
        return [await PostgresHotFeatures(inbox).unsettled(limit) for limit in (100, 3)]

    newest = [bucket(minute, venue) for minute in (99, 98) for venue in ("even", "odd")]
    assert use(url, work) == [newest, newest[:3]]


def test_a_listeners_statement_is_cut_off_and_not_made_again(url: str) -> None:
    backends: list[int] = []

    async def hang(connection: AsyncConnection[Any]) -> None:
        backends.append(connection.info.backend_pid)
        await connection.execute("insert into feed_checkpoints (target, slot, has_heard) values ('half', 1, true)")
        await connection.execute("select pg_sleep(30)")

    async def look(connection: AsyncConnection[Any]) -> None:
        backends.append(connection.info.backend_pid)

    async def work(inbox: PostgresInbox) -> None:
        began_s = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            await inbox.in_transaction(hang, statement_timeout_seconds=1)
        assert time.monotonic() - began_s < 10
        assert await inbox.checkpoint("half") is None
        await inbox.in_transaction(look, statement_timeout_seconds=1)
        assert len(backends) == 2, "made once"
        assert backends[0] == backends[1], "the connection was good"
        assert inbox._connection is not None
        shown = await (await inbox._connection.execute("show statement_timeout")).fetchall()
        assert shown == [("1min",)], "the feed's own statements have their own time"

    use(url, work)


class NoFiles:
    def of_buckets(self, _keys: object) -> list[Trade]:
        return []


def test_features_that_wait_for_a_lock_fail_alone_and_soon(
    url: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot_features, "_STATEMENT_TIMEOUT_SECONDS", 1)
    trade_all_along(connection)

    async def work(inbox: PostgresInbox) -> FeatureStream:
        stream = FeatureStream(PostgresHotFeatures(inbox), NoFiles(), None, begun_at_s=START_S)
        with connection.transaction():
            connection.execute("lock table features_1m in access exclusive mode")
            starting = asyncio.create_task(stream.start())
            await asyncio.sleep(0.2)
            assert not starting.done()
            await inbox.store([stored("a", block_time=datetime.fromtimestamp(START_S, UTC))], [])
            await inbox.enqueue([ListedSignature(signature_of("b"), SLOT)], "repair")
            await asyncio.wait_for(starting, 10)
        assert stream.counts.failures == 1
        assert await stream.start() == 2 * MINUTES
        return stream

    stream = use(url, work)
    assert (stream.counts.failures, stream.counts.served_rows) == (1, 2 * MINUTES)
    assert connection.execute("select sum(trades) from features_1m").fetchall() == [(COUNT,)]
