"""What accounts say, in Postgres: kept once, promoted, taken back with its events, pruned, forgotten, and shown by SQL."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from accounts_told import RAYDIUM_CPMM, SYSTEM, TOKEN, USDC, WSOL, cpmm_pool, mint_data, pump_curve, token_account_data

from oof_pipelines.account_interfaces import AccountStoreBusyError, KeptAccount, Settled
from oof_pipelines.decode.accounts.facts import PoolInfo
from oof_pipelines.decode.accounts.registry import read_account
from oof_pipelines.decode.accounts.update import AccountUpdate
from oof_pipelines.market.events import MarketEvent
from oof_pipelines.market.from_accounts import account_event_id, account_events
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.market_rows import event_of
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres import accounts as accounts_module
from oof_pipelines.storage.postgres.accounts import PostgresAccounts
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate

AT_S = 1_777_321_123
WALLET = "CPp14jCn2jJ1kLw6hXQ7Qx3gWy5kYb9n4m2vTz8rUaEd"
VAULT, QUOTE_VAULT = (
    "9rtx1zk5rSXFjg9oDKhzTnJWeVhuA8CJFvvgdKppsz8a",
    "7kr6P33VCitwmwpShpUwXKpjnnXQkVyNZNqLktYKRKm9",
)
COIN = "CLnsvL118rFABjjpGkR5jY8JeUib3SjEf4Eyu7ZVhbKu"
POOL, POOL_DATA = cpmm_pool()


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


def update(
    pubkey: str, owner: str, data: bytes, slot: int, version: int, lamports: int = 1, *, is_startup: bool = False
) -> AccountUpdate:
    facts = read_account(pubkey, owner, lamports, data)
    assert facts is not None
    return AccountUpdate(pubkey, owner, lamports, slot, version, f"sig{slot}", AT_S + slot, False, is_startup, facts)


def kept(*updates: AccountUpdate, watched: Sequence[str] = ()) -> list[KeptAccount]:
    pool = read_account(POOL, RAYDIUM_CPMM, 1, POOL_DATA)
    assert isinstance(pool, PoolInfo)
    vaults = {VAULT: pool, QUOTE_VAULT: pool}
    return [
        KeptAccount(one, tuple(account_events(one, pool_of_vault=vaults, mints_of_pool={}, watched=watched)))
        for one in updates
    ]


def pool_at(slot: int, version: int) -> AccountUpdate:
    return update(POOL, RAYDIUM_CPMM, POOL_DATA, slot, version)


def vault_at(slot: int, version: int, amount_raw: int) -> AccountUpdate:
    return update(VAULT, TOKEN, token_account_data(COIN, POOL, amount_raw), slot, version)


def wallet_at(slot: int, version: int, lamports: int) -> AccountUpdate:
    return update(WALLET, SYSTEM, b"", slot, version, lamports)


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, connect_timeout=10) as connection:
        return connection.execute(statement).fetchall()


def ask(url: str, folder: Path, statement: str) -> list[tuple[Any, ...]]:
    with QueryEngine(ParquetStore(folder / "store"), url, REPOSITORY_ROOT / "sql" / "views") as engine:
        return list(engine.query(statement))


def with_accounts(url: str, work: Any) -> Any:
    async def run() -> Any:
        async with PostgresInbox(lambda: url, patience_seconds=5) as inbox:
            return await work(PostgresAccounts(inbox))

    return asyncio.run(run())


def test_a_change_is_kept_once_whoever_tells_it_again(url: str) -> None:
    async def work(accounts: PostgresAccounts) -> tuple[int, ...]:
        both = kept(pool_at(10, 1), vault_at(10, 2, 5))
        return (await accounts.keep([*both, *both]), await accounts.keep(both), await accounts.keep([]))

    assert with_accounts(url, work) == (2, 0, 0)
    assert rows(url, "select count(*) from account_events") == [(2,)]


def test_events_come_back_as_they_were_made_in_the_streams_order(url: str, tmp_path: Path) -> None:
    made = kept(
        pool_at(10, 3),
        vault_at(10, 4, 700),
        update(COIN, TOKEN, mint_data(10**15, 9, WALLET), 10, 1),
        wallet_at(11, 9, 123),
        watched=[WALLET],
    )
    with_accounts(url, lambda accounts: accounts.keep(made))
    columns = ", ".join(MARKET_EVENTS.columns)
    shown = ask(url, tmp_path, f"select {columns} from market_events where source = 'account'")
    events: list[MarketEvent] = sorted(map(event_of, shown), key=lambda event: event.order_key)
    assert events == [event for at in (2, 0, 1, 3) for event in made[at].events]
    assert [event.KIND for event in events] == ["token_mint_info", "pool_created", "pool_state", "wallet_balance"]
    assert events[0].place.signature == account_event_id(COIN, 10, 1)
    sources = ask(url, tmp_path, "select distinct source, account, is_final from market_events order by account")
    assert [row[0] for row in sources] == ["account"] * 4
    assert {row[1] for row in sources} == {POOL, VAULT, COIN, WALLET}


def test_what_is_final_stays_and_what_is_gone_goes_with_its_events(url: str, tmp_path: Path) -> None:
    async def work(accounts: PostgresAccounts) -> tuple[list[int], Settled, list[int], Settled]:
        await accounts.keep(kept(pool_at(10, 1), vault_at(11, 2, 5), vault_at(12, 3, 6)))
        before = await accounts.provisional_slots(100, 10)
        first = await accounts.settle([10, 12], [11])
        return before, first, await accounts.provisional_slots(100, 10), await accounts.settle([10, 12], [11])

    before, settled, after, again = with_accounts(url, work)
    assert (before, settled, after, again) == ([10, 11, 12], Settled(2, 1), [], Settled(0, 0))
    assert rows(url, "select slot, updates_removed from account_corrections") == [(11, 1)]
    assert rows(url, "select slot from account_events where kind = 'pool_state'") == [(12,)]
    assert ask(url, tmp_path, "select balance_raw, is_final from account_balances") == [(6, True)]


def test_a_final_change_that_repeats_the_one_before_it_is_dropped(url: str) -> None:
    async def work(accounts: PostgresAccounts) -> None:
        states = [(10, 1, 5), (11, 2, 5), (12, 3, 6), (13, 4, 5), (14, 5, 5), (15, 6, 5)]
        await accounts.keep(kept(*(vault_at(*state) for state in states)))
        # The fork's row is what the next one repeats; it goes, and the one that repeats it stays.
        await accounts.settle([10, 11, 12, 14, 15], [13])

    with_accounts(url, work)
    assert rows(url, "select slot, (facts ->> 'amount_raw')::int from account_updates order by slot") == [
        (10, 5),
        (12, 6),
        (14, 5),
    ]


def test_old_states_are_forgotten_but_for_the_newest_and_a_pools_first(url: str) -> None:
    curve, data = pump_curve()

    def curve_at(slot: int, sold: int) -> AccountUpdate:
        changed = data[:8] + (10**15 - sold).to_bytes(8, "little") + data[16:]
        return update(curve, "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P", changed, slot, slot)

    async def work(accounts: PostgresAccounts) -> tuple[int, int]:
        await accounts.keep(kept(*(vault_at(slot, slot, slot) for slot in range(1, 6))))
        await accounts.keep(kept(*(curve_at(slot, slot) for slot in range(1, 6))))
        await accounts.settle(list(range(1, 6)), [])
        before = datetime.fromtimestamp(AT_S + 100, UTC)
        return await accounts.forget_old(before, 3), await accounts.forget_old(before, 100)

    assert with_accounts(url, work) == (3, 4)
    left = rows(url, "select kind, slot from account_updates order by kind, slot")
    assert left == [("pool", 1), ("pool", 5), ("token_account", 5)]


def test_pools_of_vaults_and_vaults_of_pools(url: str, tmp_path: Path) -> None:
    async def work(accounts: PostgresAccounts) -> tuple[dict[str, PoolInfo], list[str], dict[str, Any]]:
        await accounts.keep(kept(pool_at(10, 1), vault_at(10, 2, 10**15)))
        pools = await accounts.pools_of_vaults([VAULT, QUOTE_VAULT, WALLET])
        return pools, await accounts.vaults(10), await accounts.mints_of_pools([POOL])

    pools, vaults, mints = with_accounts(url, work)
    assert pools == dict.fromkeys((VAULT, QUOTE_VAULT), read_account(POOL, RAYDIUM_CPMM, 1, POOL_DATA))
    assert sorted(vaults) == sorted((VAULT, QUOTE_VAULT))
    assert mints == {}
    shown = ask(url, tmp_path, "select pool, mint_a, mint_b, reserve_a_raw, reserve_b_raw, owed_b_raw from pools")
    assert shown == [(POOL, WSOL, COIN, None, 10**15 - 728_371_706_964_789, 728_371_706_964_789)]


def test_a_mint_is_shown_as_it_is_now(url: str, tmp_path: Path) -> None:
    states = [
        update(USDC, TOKEN, mint_data(supply, 6, WALLET), slot, 1) for slot, supply in ((10, 5), (12, 9), (11, 7))
    ]
    with_accounts(url, lambda accounts: accounts.keep(kept(*states)))
    assert ask(url, tmp_path, "select mint, supply_raw, mint_authority, slot, extensions from token_mints") == [
        (USDC, 9, WALLET, 12, [])
    ]


def test_what_was_there_at_the_start_is_final_at_once(url: str) -> None:
    first = update(POOL, RAYDIUM_CPMM, POOL_DATA, 3, 1, is_startup=True)
    again = update(POOL, RAYDIUM_CPMM, POOL_DATA, 4, 7, is_startup=True)

    async def work(accounts: PostgresAccounts) -> list[int]:
        await accounts.keep(kept(first))
        await accounts.keep(kept(again))
        return await accounts.provisional_slots(100, 10)

    assert with_accounts(url, work) == []
    assert rows(url, "select slot, is_final from account_updates") == [(3, True)]


def test_the_mints_of_a_curve_are_those_its_launch_was_told_with(url: str) -> None:
    """By the days in files and by what the feed decoded; the earliest that names it counts."""
    curve, _data = pump_curve()
    with psycopg.connect(url, connect_timeout=10) as connection:
        for kind, slot, mint in (("launch", 7, COIN), ("migration", 5, WALLET), ("pool_created", 9, WALLET)):
            values = {"sig": f"s{slot}", "kind": kind, "slot": slot, "mint": mint, "quote_mint": WSOL, "pool": curve}
            _insert(connection, "token_events", values)
        assert connection.execute("select count(*) from token_events").fetchall() == [(3,)]

    with_mints = with_accounts(url, lambda accounts: accounts.mints_of_pools([curve, "nobody"]))
    assert with_mints == {curve: (COIN, WSOL)}


def _insert(connection: psycopg.Connection[Any], table: str, values: dict[str, Any]) -> None:
    """A row with these values, and anything where the table takes no null."""
    fill = {"integer": 0, "bigint": 0, "text": "", "date": "2026-04-28", "timestamp with time zone": "2026-04-28Z"}
    columns = connection.execute(
        "select column_name, data_type from information_schema.columns "
        "where table_name = %s and is_nullable = 'NO' and column_default is null",
        (table,),
    ).fetchall()
    row = {name: fill[kind] for name, kind in columns} | values
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    connection.execute(f"insert into {table} ({names}) values ({marks})", list(row.values()))  # type: ignore[arg-type]


def test_a_statement_that_takes_too_long_is_no_end_of_the_feed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts_module, "_STATEMENT_TIMEOUT_SECONDS", 1)

    async def work(accounts: PostgresAccounts) -> int:
        with psycopg.connect(url, connect_timeout=10) as other:
            other.execute("lock table account_updates in access exclusive mode")
            with pytest.raises(AccountStoreBusyError, match="statement timeout"):
                await accounts.keep(kept(pool_at(10, 1)))
        return await accounts.keep(kept(pool_at(10, 1)))

    assert with_accounts(url, work) == 1
