"""Accounts all the way: recorded Geyser server, real client, keeper and a real database, calm and struck by faults."""

import asyncio
import random
from pathlib import Path
from typing import Any

import psycopg
import pytest
from account_world import POOL_PROGRAMS, AccountWorld

from oof_pipelines.decode.token import PROGRAM_IDS as TOKEN_PROGRAM_IDS
from oof_pipelines.settings import SecretUrl, load_settings
from oof_pipelines.storage.postgres.accounts import PostgresAccounts
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.testing.recorded_geyser.server import RecordedGeyser
from oof_pipelines.testing.recorded_node.ledger import load_ledger
from oof_pipelines.testing.recorded_node.server import RecordedNode
from oof_pipelines.transport.geyser import GeyserStream
from oof_pipelines.transport.rpc import RpcClient
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.follow_geyser_accounts import AccountFeed
from oof_pipelines.workflows.keep_accounts import AccountKeeper

NO_SLOT_IS_LATER = 2**60
ROWS = (
    "select pubkey, slot, write_version, owner, lamports, kind, facts, signature, is_final from account_updates "
    "order by 1, 2, 3",
    "select * from account_events order by pubkey, slot, write_version, kind, ordinal",
)
NEWEST = (
    "select distinct on (pubkey) pubkey, slot, write_version from account_updates "
    "order by pubkey, slot desc, write_version desc"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> AccountWorld:
    return AccountWorld(tmp_path_factory.mktemp("accounts"))


def follow(url: str, world: AccountWorld, faults: str | None) -> tuple[AccountFeed, frozenset[int]]:
    """Follow until everything is heard, kept and final; the feed, and the slots that did not become final."""
    migrate(url, load_settings({}).migrations_folder)

    async def scenario() -> tuple[AccountFeed, frozenset[int]]:
        ledger = load_ledger(world.folder)
        clock = SystemClock()
        node = RecordedNode(ledger, faults=faults, seed=7)
        async with (
            asyncio.timeout(120),
            node.serving(),
            RecordedGeyser(node.chain, accounts=ledger.accounts).serving() as geyser,
            RpcClient(
                [SecretUrl(node.http_url, "RPC_PRIMARY")],
                requests_per_second=100_000,
                timeout_seconds=10,
                clock=clock,
                randomness=random.Random(1),
            ) as rpc,
            PostgresInbox(lambda: url, is_feed=False) as inbox,
        ):
            store = PostgresAccounts(inbox)
            stream = GeyserStream(
                SecretUrl(geyser.url), None, timeout_seconds=10, clock=clock, randomness=random.Random(1)
            )
            feed = AccountFeed(
                stream,
                keeper := AccountKeeper(store, rpc, clock, watched=[world.payer]),
                store,
                inbox,
                clock,
                account_owners=(*POOL_PROGRAMS, *TOKEN_PROGRAM_IDS),
                accounts=(world.payer,),
            )
            running = asyncio.create_task(feed.run())
            last_slot = world.updates[-1][0]
            while feed.counts.newest_slot < last_slot or keeper.first_unkept_slot() is not None:
                await asyncio.sleep(0.05)
                assert not running.done(), running.result()
            while await store.provisional_slots(NO_SLOT_IS_LATER, 1):  # noqa: ASYNC110 - asks a database
                await asyncio.sleep(0.05)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            return feed, node.chain.vanishing

    return asyncio.run(scenario())


def rows(url: str, *statements: str) -> list[list[tuple[Any, ...]]]:
    with psycopg.connect(url, connect_timeout=10) as connection:
        return [connection.execute(statement.encode()).fetchall() for statement in statements]


def other_database(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(f'create database "{name}"'.encode())
    return url.rpartition("/")[0] + "/" + name


def test_a_stream_with_faults_leaves_what_a_calm_one_does(database_url: str, world: AccountWorld) -> None:
    calm, _ = follow(database_url, world, None)
    struck_url = other_database(database_url, f"{Path(database_url).name}_struck")
    faults = "geyser_drop:after=90;times=4;lose=3,geyser_repeat:p=0.3,geyser_reorder:p=0.3"
    struck, _ = follow(struck_url, world, faults)
    assert (calm.counts.drops, struck.counts.drops) == (0, 4)
    assert struck.counts.resumptions == 4
    updates, events = rows(database_url, *ROWS)
    assert rows(struck_url, *ROWS) == [updates, events]
    assert len(updates) > 100
    assert {row[-1] for row in updates} == {True}
    assert rows(struck_url, "select count(*) from feed_gaps") == [[(0,)]]


def test_what_was_told_of_slots_that_vanish_is_taken_back(database_url: str, world: AccountWorld) -> None:
    feed, vanished = follow(database_url, world, "vanish:slots=5;after_ms=200")
    assert feed.counts.drops == 0
    removed, newest, events = rows(
        database_url,
        "select slot from account_corrections order by slot",
        NEWEST,
        "select count(*) from account_events where slot in (select slot from account_corrections)",
    )
    assert vanished
    assert {slot for (slot,) in removed} == vanished
    assert events == [(0,)]
    left = {}
    for slot, update in world.updates:
        if slot not in vanished:
            left.setdefault(update.pubkey, []).append((slot, update))
    for pubkey, slot, version in newest:
        writes = left[pubkey]
        told = next(one for at, one in writes if (at, one.write_version) == (slot, version))
        # A row that repeats the state before it is dropped, so the newest is the first with the last state.
        assert (told.data, told.owner) == (writes[-1][1].data, writes[-1][1].owner)
