"""Changes of accounts: read, placed in time, kept with their events, counted where they are odd, settled by finality."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from accounts_told import (
    PUMP,
    RAYDIUM_CPMM,
    SYSTEM,
    TOKEN,
    USDC,
    WSOL,
    cpmm_pool,
    heard,
    mint_data,
    pump_curve,
    token_account_data,
)
from memory_accounts import MemoryAccounts
from memory_chain import FIRST_SLOT, HandClock, MemoryChain

from oof_pipelines.account_interfaces import AccountStoreBusyError, KeptAccount
from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.geyser_interfaces import BlockMeta
from oof_pipelines.interfaces import SourceUnavailableError
from oof_pipelines.workflows.keep_accounts import (
    BLOCK_TIME_WAIT_SECONDS,
    GONE_AFTER_SLOTS,
    STATES_KEPT,
    AccountKeeper,
)

WALLET = "7n9jvPADeWJrqPeZXgUXQ1uauQoCNiP4fHsAxw5nfKwR"
COIN = "CLnsvL118rFABjjpGkR5jY8JeUib3SjEf4Eyu7ZVhbKu"
VAULT = "9rtx1zk5rSXFjg9oDKhzTnJWeVhuA8CJFvvgdKppsz8a"
POOL, POOL_DATA = cpmm_pool()
SLOT = FIRST_SLOT + 1


class Scene:
    def __init__(self, *watched: str) -> None:
        self.store, self.chain, self.clock = MemoryAccounts(), MemoryChain(), HandClock()
        self.keeper = AccountKeeper(self.store, self.chain, self.clock, watched=watched)

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        async def scenario() -> None:
            running = asyncio.create_task(self.keeper.run())
            try:
                async with asyncio.timeout(20):
                    await work()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        asyncio.run(scenario())

    async def until(self, is_so: Callable[[], bool], *, step_seconds: float = 0.0) -> None:
        while not is_so():
            self.clock.advance(step_seconds)
            for _ in range(20):
                await asyncio.sleep(0)

    def slots(self) -> list[int]:
        return sorted(slot for _, slot, _ in self.store.kept)


def block(slot: int, time_s: int | None = 1_777_000_000) -> BlockMeta:
    return BlockMeta(slot, slot - 1, time_s, 1)


def test_a_pool_its_vault_and_its_mint_are_kept_with_their_events() -> None:
    scene = Scene()

    async def work() -> None:
        # The vault was written first, so it comes first; its pool is known by the same batch.
        await scene.keeper.heard(heard(VAULT, TOKEN, token_account_data(COIN, POOL, 9), SLOT, 1))
        await scene.keeper.heard(heard(POOL, RAYDIUM_CPMM, POOL_DATA, SLOT, 2, signature="sig"))
        await scene.keeper.heard(heard(COIN, TOKEN, mint_data(5, 9), SLOT, 3))
        scene.keeper.told(block(SLOT))
        await scene.until(lambda: len(scene.store.kept) == 3)

    scene.run(work)
    kept = list(scene.store.kept.values())
    assert [event.KIND for one in kept for event in one.events] == ["pool_state", "pool_created", "token_mint_info"]
    assert {one.update.block_time_s for one in kept} == {1_777_000_000}
    assert [one.update.signature for one in kept] == ["", "sig", ""]
    assert (scene.keeper.counts.heard, scene.keeper.counts.kept, scene.keeper.counts.events) == (3, 3, 3)
    assert scene.keeper.first_unkept_slot() is None


def test_a_block_that_does_not_tell_its_time_is_waited_for_and_then_estimated() -> None:
    scene = Scene()

    async def work() -> None:
        await scene.keeper.heard(heard(POOL, RAYDIUM_CPMM, POOL_DATA, SLOT, 2))
        scene.keeper.told(block(SLOT, None))
        await scene.until(lambda: scene.keeper._queue.empty())
        assert not scene.store.kept
        assert scene.keeper.first_unkept_slot() == SLOT
        await scene.until(lambda: bool(scene.store.kept), step_seconds=BLOCK_TIME_WAIT_SECONDS)

    scene.run(work)
    (one,) = scene.store.kept.values()
    assert (one.update.block_time_s, one.update.is_block_time_estimated) == (estimate_block_time_s(SLOT), True)


def test_what_nobody_watches_is_counted_and_not_kept() -> None:
    scene = Scene(WALLET)

    async def work() -> None:
        for version, one in enumerate(
            (
                heard(USDC, TOKEN, token_account_data(COIN, COIN, 9), SLOT, 1),
                heard(COIN, SYSTEM, b"", SLOT, 2),
                heard(WALLET, SYSTEM, b"", SLOT, 3, lamports=77),
                heard(VAULT, TOKEN, token_account_data(COIN, WALLET, 9), SLOT, 4),
                heard(USDC, TOKEN, b"", SLOT, 5, lamports=0),
                heard(USDC, RAYDIUM_CPMM, b"neither pool nor config", SLOT, 6),
                heard(USDC, RAYDIUM_CPMM, b"neither pool nor config", SLOT, 7),
                heard(USDC, RAYDIUM_CPMM, bytes([218, 244, 33, 104, 203, 203, 43, 111]), SLOT, 8),
                heard(USDC, COIN, b"a program nobody knows", SLOT, 9),
            )
        ):
            assert one.write_version == version + 1
            await scene.keeper.heard(one)
        scene.keeper.told(block(SLOT))
        await scene.until(lambda: scene.keeper.first_unkept_slot() is None)

    scene.run(work)
    assert sorted(version for _, _, version in scene.store.kept) == [3, 4]
    counts = scene.keeper.counts
    assert (counts.kept, counts.unwatched, counts.passed_over) == (2, 3, 1)
    assert counts.unknown == {
        "raydium_cpmm: discriminator 6e65697468657220 in 23 bytes": 2,
        f"no layouts of {COIN}": 1,
    }


def test_a_curves_coin_comes_from_its_launch() -> None:
    scene = Scene()
    curve, data = pump_curve(SYSTEM)

    async def work() -> None:
        await scene.keeper.heard(heard(curve, PUMP, data, SLOT, 1))
        scene.keeper.told(block(SLOT))
        await scene.until(lambda: len(scene.store.kept) == 1)
        scene.store.coins[curve] = (COIN, WSOL)
        await scene.keeper.heard(heard(curve, PUMP, data, SLOT, 2))
        await scene.until(lambda: len(scene.store.kept) == 2)

    scene.run(work)
    assert [len(one.events) for one in scene.store.kept.values()] == [0, 2]


def test_finality_promotes_takes_back_and_leaves_what_it_cannot_judge() -> None:
    scene = Scene()
    chain = scene.chain
    for slot in (SLOT, SLOT + 2, SLOT + 60):
        chain.land(slot, slot=slot)

    async def work() -> None:
        for slot in (SLOT, SLOT + 1, SLOT + 2, SLOT + 60, SLOT + 61):
            await scene.keeper.heard(heard(COIN, TOKEN, mint_data(slot, 9), slot, 1))
            scene.keeper.told(block(slot))
        await scene.until(lambda: len(scene.store.kept) == 5)
        # Finality has passed the fork's slot, but not by far enough to believe one answer.
        chain.finalized = SLOT + 2
        await scene.until(lambda: len(scene.store.final) == 2, step_seconds=2)
        assert scene.slots() == [SLOT, SLOT + 1, SLOT + 2, SLOT + 60, SLOT + 61]
        chain.errors["blocks"] = [SourceUnavailableError("away")]
        chain.finalized = SLOT + 1 + GONE_AFTER_SLOTS
        await scene.until(lambda: scene.store.removed == [SLOT + 1], step_seconds=2)
        chain.finalized = SLOT + 100
        await scene.until(lambda: scene.slots() == [SLOT, SLOT + 2, SLOT + 60], step_seconds=2)

    scene.run(work)
    assert {slot for _, slot, _ in scene.store.final} == {SLOT, SLOT + 2, SLOT + 60}
    assert (scene.keeper.counts.finalised, scene.keeper.counts.taken_back) == (3, 2)


def test_what_lies_before_the_nodes_history_is_left_as_it_is() -> None:
    scene = Scene()

    async def scenario() -> None:
        await scene.keeper.heard(heard(COIN, TOKEN, mint_data(1, 9), SLOT, 1))
        scene.keeper.told(block(SLOT))
        scene.keeper._take(scene.keeper._queue.get_nowait())
        await scene.keeper.keep_ready()
        scene.chain.first_block, scene.chain.finalized = SLOT + 500, SLOT + 1000
        assert not await scene.keeper.settle()

    asyncio.run(scenario())
    assert scene.slots() == [SLOT]
    assert not scene.store.final


def test_old_states_are_forgotten_now_and_then() -> None:
    scene = Scene()

    async def work() -> None:
        await scene.until(lambda: len(scene.store.forgotten_before) == 3, step_seconds=300)

    scene.run(work)
    assert scene.store.forgotten_before[-1] == scene.clock.now() - STATES_KEPT


def test_an_error_of_the_store_ends_it() -> None:
    scene = Scene()

    async def broken(_kept: object) -> int:
        raise OSError("disk full")

    scene.store.keep = broken  # type: ignore[assignment, method-assign]

    async def scenario() -> None:
        await scene.keeper.heard(heard(COIN, TOKEN, mint_data(1, 9), SLOT, 1))
        scene.keeper.told(block(SLOT))
        async with asyncio.timeout(10):
            await scene.keeper.run()

    with pytest.raises(ExceptionGroup, match="unhandled"):
        asyncio.run(scenario())


def test_a_curves_coin_comes_from_its_own_token_account_where_the_address_agrees() -> None:
    scene = Scene()
    coin = "AAS4ggQ6KjqjNf8LkB27S2DZDQrGo126KfT4cesQpump"
    curve, (_, data) = "95haiQj2BNxeCQn8admDAaEpSTQ3rs8HnepQYeoNjmMH", pump_curve(SYSTEM)

    async def work() -> None:
        # Anybody may send any token to a curve.
        await scene.keeper.heard(heard(USDC, TOKEN, token_account_data(USDC, curve, 9), SLOT, 1))
        await scene.keeper.heard(heard(VAULT, TOKEN, token_account_data(coin, curve, 9), SLOT, 2))
        await scene.keeper.heard(heard(curve, PUMP, data, SLOT, 3))
        scene.keeper.told(block(SLOT))
        await scene.until(lambda: scene.keeper.first_unkept_slot() is None)
        await scene.keeper.heard(heard(curve, PUMP, data, SLOT, 4))
        await scene.until(lambda: len(scene.store.kept) == 2)

    scene.run(work)
    for one in scene.store.kept.values():
        assert [getattr(event, "mint", "") for event in one.events] == [coin, coin]


def test_a_busy_database_keeps_everything_waiting_and_counts_nothing_twice() -> None:
    scene = Scene()
    keep, tries = scene.store.keep, 0

    async def busy_twice(kept: Sequence[KeptAccount]) -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise AccountStoreBusyError("canceling statement due to statement timeout")
        return await keep(kept)

    scene.store.keep = busy_twice  # type: ignore[method-assign]

    async def work() -> None:
        await scene.keeper.heard(heard(COIN, TOKEN, mint_data(1, 9), SLOT, 1))
        await scene.keeper.heard(heard(USDC, RAYDIUM_CPMM, b"odd", SLOT, 2))
        await scene.keeper.heard(heard(USDC, TOKEN, token_account_data(COIN, COIN, 9), SLOT, 3))
        scene.keeper.told(block(SLOT))
        await scene.until(lambda: bool(scene.store.kept), step_seconds=0.1)

    scene.run(work)
    counts = scene.keeper.counts
    assert (tries, counts.kept, counts.unwatched, counts.unknown.total()) == (3, 1, 1, 1)
