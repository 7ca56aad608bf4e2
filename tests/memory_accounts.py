"""What accounts say, kept in memory: what the Protocol promises, and a source of changes that the test speaks for."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oof_pipelines.account_interfaces import HeardChange, KeptAccount, Settled
from oof_pipelines.decode.accounts.facts import PoolInfo
from oof_pipelines.geyser_interfaces import GeyserEvent, GeyserFilters
from oof_pipelines.interfaces import Dropped, Subscribed

Key = tuple[str, int, int]


@dataclass
class MemoryAccounts:
    """An `AccountStore`."""

    kept: dict[Key, KeptAccount] = field(default_factory=dict)
    final: set[Key] = field(default_factory=set)
    removed: list[int] = field(default_factory=list)
    coins: dict[str, tuple[str, str]] = field(default_factory=dict)
    forgotten_before: list[datetime] = field(default_factory=list)

    async def pools_of_vaults(self, vaults: Collection[str]) -> dict[str, PoolInfo]:
        pools = [one.update.facts for one in self.kept.values() if isinstance(one.update.facts, PoolInfo)]
        return {vault: pool for pool in pools for vault in (pool.vault_a, pool.vault_b) if vault in vaults}

    async def mints_of_pools(self, pools: Collection[str]) -> dict[str, tuple[str, str]]:
        return {pool: self.coins[pool] for pool in pools if pool in self.coins}

    async def keep(self, kept: Sequence[KeptAccount]) -> int:
        new = {(one.update.pubkey, one.update.slot, one.update.write_version): one for one in kept}
        new = {key: one for key, one in new.items() if key not in self.kept}
        self.kept |= new
        self.final |= {key for key, one in new.items() if one.update.is_startup}
        return len(new)

    async def provisional_slots(self, up_to_slot: int, limit: int) -> list[int]:
        return sorted({slot for _, slot, _ in self.kept.keys() - self.final if slot <= up_to_slot})[:limit]

    async def settle(self, final_slots: Sequence[int], gone_slots: Sequence[int]) -> Settled:
        promoted = {key for key in self.kept.keys() - self.final if key[1] in final_slots}
        gone = [key for key in self.kept.keys() - self.final if key[1] in gone_slots]
        self.final |= promoted
        for key in gone:
            del self.kept[key]
        self.removed += sorted(key[1] for key in gone)
        return Settled(len(promoted), len(gone))

    async def forget_old(self, before: datetime, limit: int) -> int:
        self.forgotten_before.append(before)
        return 0

    async def vaults(self, limit: int) -> list[str]:
        pools = [one.update.facts for one in self.kept.values() if isinstance(one.update.facts, PoolInfo)]
        return sorted({vault for pool in pools for vault in (pool.vault_a, pool.vault_b) if vault})[:limit]


class SpokenChanges:
    """An `AccountSource`: what the test says is heard."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[Subscribed | HeardChange | Dropped] = asyncio.Queue()
        self.accounts: list[str] = []

    async def listen(self, account: str) -> AsyncGenerator[Subscribed | HeardChange | Dropped, None]:
        self.accounts.append(account)
        while True:
            yield await self.said.get()


class SpokenStream:
    """A `GeyserSource`: what the test says is heard, whatever is asked for."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[GeyserEvent] = asyncio.Queue()
        self.asked: list[tuple[GeyserFilters, int | None]] = []

    async def listen(
        self, filters: GeyserFilters, resume_from: Callable[[], int | None]
    ) -> AsyncGenerator[GeyserEvent, None]:
        self.asked.append((filters, resume_from()))
        while True:
            yield await self.said.get()
