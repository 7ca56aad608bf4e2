"""Recorded writes of accounts: what a synthetic chain writes is read by the layouts, served by node and Geyser, and kept."""

import asyncio
import base64
import json
import random
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from account_world import POOL_PROGRAMS, AccountWorld
from memory_accounts import MemoryAccounts

from oof_pipelines.chain.body import read_body
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.accounts.facts import ClosedAccount, PoolInfo, TokenAccountInfo, TokenMintInfo, WalletInfo
from oof_pipelines.decode.accounts.registry import read_account
from oof_pipelines.decode.token import PROGRAM_IDS as TOKEN_PROGRAM_IDS
from oof_pipelines.geyser_interfaces import BlockMeta, GeyserAccount, GeyserFilters
from oof_pipelines.settings import SecretUrl
from oof_pipelines.testing.recorded_accounts import (
    ACCOUNTS_NAME,
    AccountFileError,
    load_accounts,
    write_accounts,
)
from oof_pipelines.testing.recorded_geyser.account_updates import AccountUpdate
from oof_pipelines.testing.recorded_geyser.server import RecordedGeyser
from oof_pipelines.testing.recorded_node.ledger import load_ledger
from oof_pipelines.testing.recorded_node.server import RecordedNode
from oof_pipelines.transport.account_socket import AccountSocket
from oof_pipelines.transport.geyser import GeyserStream
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.keep_accounts import AccountKeeper


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> AccountWorld:
    return AccountWorld(tmp_path_factory.mktemp("accounts"))


def test_every_write_is_read_by_its_layout_and_agrees_with_the_transaction(world: AccountWorld) -> None:
    """Balances against the transaction's own lists, which the ledger's accounts were not made from."""
    by_signature = {one.signature: parse_transaction(json.dumps(one.result).encode()) for one in world.transactions}
    kinds: dict[str, int] = {}
    for _slot, update in world.updates:
        facts = read_account(update.pubkey, update.owner, update.lamports, update.data)
        kinds[type(facts).__name__] = kinds.get(type(facts).__name__, 0) + 1
        assert update.signature is not None
        transaction = by_signature[update.signature]
        lamports = dict(zip(transaction.keys, transaction.post_lamports, strict=True))
        match facts:
            case TokenAccountInfo():
                (after,) = [one for one in transaction.post_tokens if one.account == update.pubkey]
                assert (after.mint, after.owner, after.amount_raw) == (facts.mint, facts.owner, facts.amount_raw)
            case WalletInfo() | ClosedAccount():
                assert lamports[update.pubkey] == update.lamports
            case PoolInfo(venue="pumpfun"):
                assert lamports[update.pubkey] == update.lamports
            case PoolInfo() | TokenMintInfo():
                assert update.pubkey
            case _:
                pytest.fail(f"{update} is read as {facts}")
    assert set(kinds) == {"TokenAccountInfo", "WalletInfo", "ClosedAccount", "PoolInfo", "TokenMintInfo"}
    assert kinds["TokenMintInfo"] >= 4
    versions = [update.write_version for _, update in world.updates]
    assert versions == list(range(1, len(versions) + 1))


def test_files_say_what_was_written_and_an_odd_line_is_named(world: AccountWorld, tmp_path: Path) -> None:
    loaded = load_accounts(world.folder)
    assert [(slot, one) for slot in {s: 0 for s, _ in world.updates} for one in loaded.account_updates(slot)] == (
        world.updates
    )
    again = write_accounts(tmp_path, world.updates).read_bytes()
    assert again == (world.folder / f"{ACCOUNTS_NAME}.gz").read_bytes()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ACCOUNTS_NAME).write_text("1\t2\tA\tB\t5\t\tAAAA\n\n1\t3\tA\tB\t0\tsig\t\n")
    (tmp_path / f"{ACCOUNTS_NAME}.gz").unlink()
    accounts = load_accounts(tmp_path)
    assert accounts.account_updates(1) == [
        AccountUpdate("A", "B", 5, b"\0\0\0", 2),
        AccountUpdate("A", "B", 0, b"", 3, "sig"),
    ]
    assert accounts.account_at("A", 1) is accounts.account_at("A", 0) is accounts.account_at("B", 9) is None
    for line, reason in (("1\t2", "2 fields, not 7"), ("1\tx\tA\tB\t5\t\tAAAA", "invalid literal"), ("?", "1 fields")):
        (tmp_path / "deep" / ACCOUNTS_NAME).write_text(f"{line}\n")
        with pytest.raises(AccountFileError, match=f"{ACCOUNTS_NAME}, line 1: .*{reason}"):
            load_accounts(tmp_path)


def test_the_node_tells_accounts_and_their_changes(world: AccountWorld) -> None:
    slot, last = world.updates[-1]

    async def ask(node: RecordedNode, method: str, params: list[Any]) -> Any:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            return (await client.post(node.http_url, json=request)).json()["result"]["value"]

    async def scenario() -> tuple[Any, Any, list[int]]:
        async with RecordedNode(load_ledger(world.folder)).serving() as node:
            one = await ask(node, "getAccountInfo", [last.pubkey, {"encoding": "base64"}])
            several = await ask(node, "getMultipleAccounts", [[POOL_PROGRAMS[0], last.pubkey]])
            socket = AccountSocket(
                [SecretUrl(node.ws_url)], timeout_seconds=5, clock=SystemClock(), randomness=random.Random(1)
            )
            slots: list[int] = []
            async with aclosing(socket.listen(last.pubkey)) as events, asyncio.timeout(20):
                async for event in events:
                    slots.append(getattr(event, "slot", 0))
                    if slots[-1] == slot:
                        break
            return one, several, slots[1:]

    one, several, slots = asyncio.run(scenario())
    assert (one["lamports"], one["owner"], base64.b64decode(one["data"][0])) == (last.lamports, last.owner, last.data)
    assert several == [None, one]
    mentions = {
        each.slot
        for each in world.transactions
        if last.pubkey in read_body(json.dumps(each.result).encode()).account_keys
    }
    assert slots == sorted(mentions), "once a slot"


def test_a_geyser_stream_of_pools_and_tokens_is_kept_as_the_ledger_has_it(world: AccountWorld) -> None:
    """Through the real client and the recorded server: at the end each pool's vaults hold what the ledger holds."""
    store, wallet = MemoryAccounts(), world.payer

    async def scenario() -> AccountKeeper:
        ledger = load_ledger(world.folder)
        node = RecordedNode(ledger)
        clock = SystemClock()
        async with RecordedGeyser(node.chain, accounts=ledger.accounts).serving() as geyser:
            stream = GeyserStream(
                SecretUrl(geyser.url), None, timeout_seconds=10, clock=clock, randomness=random.Random(1)
            )
            keeper = AccountKeeper(store, _NoChain(), clock, watched=[wallet])  # type: ignore[arg-type]
            filters = GeyserFilters(account_owners=(*POOL_PROGRAMS, *TOKEN_PROGRAM_IDS), accounts=(wallet,))
            async with asyncio.timeout(60):
                async with aclosing(stream.listen(filters, lambda: None)) as events:
                    async for event in events:
                        if isinstance(event, GeyserAccount):
                            await keeper.heard(event)
                        elif isinstance(event, BlockMeta):
                            keeper.told(event)
                            if event.slot == world.updates[-1][0]:
                                break
                while not keeper._queue.empty():
                    keeper._take(keeper._queue.get_nowait())
                while await keeper.keep_ready():
                    pass
            return keeper

    keeper = asyncio.run(scenario())
    assert not keeper.counts.unknown
    assert keeper.first_unkept_slot() is None
    newest = {key[0]: store.kept[key].update.facts for key in sorted(store.kept)}
    pools = [facts for facts in newest.values() if isinstance(facts, PoolInfo)]
    assert {pool.venue for pool in pools} == {"raydium_amm_v4", "raydium_cpmm", "pumpfun", "pumpswap"}
    last = {update.pubkey: update for _, update in world.updates}
    for pool in pools:
        for vault in (pool.vault_a, pool.vault_b):
            facts = newest.get(vault)
            if isinstance(facts, TokenAccountInfo):
                assert facts.amount_raw == int.from_bytes(last[vault].data[64:72], "little")
    kinds = {event.KIND for one in store.kept.values() for event in one.events}
    assert kinds == {"pool_created", "pool_state", "token_mint_info", "wallet_balance"}


class _NoChain:
    """Nobody asks about finality here."""
