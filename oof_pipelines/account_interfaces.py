"""What the workflows need of changes of accounts, as Protocols, and the plain values that pass."""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from oof_pipelines.decode.accounts.facts import PoolInfo
from oof_pipelines.decode.accounts.update import AccountUpdate
from oof_pipelines.interfaces import Dropped, Subscribed
from oof_pipelines.market.events import MarketEvent


class AccountStoreBusyError(Exception):
    """The database took too long over it; nothing was written, and the same may be done again."""


@dataclass(frozen=True, slots=True)
class HeardChange:
    """`account` has changed in `slot`. How often, and by which transaction, has to be listed."""

    account: str
    slot: int


class AccountSource(Protocol):
    """A chain that says when an account changes."""

    def listen(self, account: str) -> AsyncGenerator[Subscribed | HeardChange | Dropped, None]:
        """Changes of `account`, reconnecting for ever."""
        ...


@dataclass(frozen=True, slots=True)
class KeptAccount:
    """A change of an account with the events it makes."""

    update: AccountUpdate
    events: tuple[MarketEvent, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of provisional changes: made final, and taken back because their slot did not become final."""

    finalised: int
    removed: int


class AccountStore(Protocol):
    """Where changes of accounts are kept. Every write is one transaction, idempotent, and safe to repeat after a crash.

    Every method may raise `AccountStoreBusyError`.
    """

    async def pools_of_vaults(self, vaults: Collection[str]) -> dict[str, PoolInfo]:
        """By vault, the pool whose account names it."""
        ...

    async def mints_of_pools(self, pools: Collection[str]) -> dict[str, tuple[str, str]]:
        """By pool, (coin, money) as decoded transactions told of its launch; '' for money nobody told of."""
        ...

    async def keep(self, kept: Sequence[KeptAccount]) -> int:
        """Write changes that are not there yet, each with its events; how many were new."""
        ...

    async def provisional_slots(self, up_to_slot: int, limit: int) -> list[int]:
        """Slots with changes that are not final, ascending."""
        ...

    async def settle(self, final_slots: Sequence[int], gone_slots: Sequence[int]) -> Settled:
        """Promote the changes of some slots and take back those of others.

        A final change that says the same as the final one before it of its account is dropped then: changes alone are kept.
        """
        ...

    async def forget_old(self, before: datetime, limit: int) -> int:
        """Drop final states of pools, token accounts and wallets older than that; how many, `limit` at most.

        The newest of each account stays, and the first of each pool.
        """
        ...

    async def vaults(self, limit: int) -> list[str]:
        """Vaults of the pools that changed last."""
        ...
