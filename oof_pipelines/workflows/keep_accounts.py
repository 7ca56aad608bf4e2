"""Changes of accounts, as a source of accounts tells them: read by their layouts, kept with the events they make, settled.

What is heard at `confirmed` is provisional, like a transaction. A slot that finality has passed either is one of the chain's
blocks, and what was heard of it is final, or is none, and then it is taken back with its events. An account whose layout is
not known here is counted and not kept: the chain still has it, and a reader may be written later.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from oof_pipelines.account_interfaces import AccountStore, AccountStoreBusyError, KeptAccount
from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.decode.accounts.facts import AccountFacts, ClosedAccount, PoolInfo, TokenAccountInfo, WalletInfo
from oof_pipelines.decode.accounts.layout import UnknownAccountError
from oof_pipelines.decode.accounts.pump_curve import is_curve_of
from oof_pipelines.decode.accounts.registry import owns_accounts_of, read_account
from oof_pipelines.decode.accounts.update import AccountUpdate
from oof_pipelines.geyser_interfaces import BlockMeta, GeyserAccount
from oof_pipelines.interfaces import Clock, SourceRefusedError, SourceUnavailableError, TransactionSource
from oof_pipelines.market.from_accounts import account_events
from oof_pipelines.workflows.repair import SLOTS_A_RANGE, history_begin_slot

logger = logging.getLogger(__name__)

QUEUE_LENGTH = 20_000
KEPT_AT_ONCE = 1_000
SLOTS_A_ROUND = 5_000
GONE_AFTER_SLOTS = 32
"""How far finality has to be past a slot before its absence counts, as with transactions (finalise.py)."""
BLOCK_TIME_WAIT_SECONDS = 2.0
"""A block tells its time after its accounts. What is heard of it waits so long for that, then the time is estimated."""
STATES_KEPT = timedelta(days=7)
_FORGOTTEN_AT_ONCE = 10_000
_BLOCK_TIMES_REMEMBERED = 1_000
_CURVES_REMEMBERED = 100_000
_POLL_SECONDS = 0.1
_FINALITY_POLL_SECONDS = 2.0
_FORGET_EVERY_SECONDS = 600.0


@dataclass(slots=True)
class AccountCounts:
    """What was done since the start. `unknown` is by program and what was odd, one line each."""

    heard: int = 0
    kept: int = 0
    events: int = 0
    passed_over: int = 0
    unwatched: int = 0
    finalised: int = 0
    taken_back: int = 0
    forgotten: int = 0
    unknown: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Heard:
    """`facts` are read once, so that what is odd is counted once however often it is tried."""

    account: GeyserAccount
    heard_at_s: float
    is_read: bool = False
    facts: AccountFacts | None = None


class AccountKeeper:
    """Keeps what `heard` brings. `run` ends by cancellation, or with the first error that no retry mends.

    `watched` are wallets and token accounts whose balances are wanted; of other token accounts only vaults of known pools
    are kept, and of other wallets nothing.
    """

    def __init__(
        self, store: AccountStore, source: TransactionSource, clock: Clock, *, watched: Collection[str] = ()
    ) -> None:
        self._store = store
        self._source = source
        self._clock = clock
        self._watched = frozenset(watched)
        self._queue: asyncio.Queue[GeyserAccount] = asyncio.Queue(QUEUE_LENGTH)
        self._waiting: list[_Heard] = []
        self._unkept: Counter[int] = Counter()
        self._block_times_s: dict[int, int] = {}
        self._coins: dict[str, str] = {}
        self.counts = AccountCounts()

    async def heard(self, account: GeyserAccount) -> None:
        """One change. Waits where too much waits to be kept, so that the server is kept from sending."""
        self.counts.heard += 1
        self._unkept[account.slot] += 1
        await self._queue.put(account)

    def told(self, block: BlockMeta) -> None:
        """A block's time."""
        if block.block_time_s is None:
            return
        self._block_times_s[block.slot] = block.block_time_s
        while len(self._block_times_s) > _BLOCK_TIMES_REMEMBERED:
            del self._block_times_s[next(iter(self._block_times_s))]

    def first_unkept_slot(self) -> int | None:
        """The oldest slot of which something heard is not in the database yet."""
        return min(self._unkept, default=None)

    async def run(self) -> None:
        """Keep, settle and forget for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_for_ever())
            tasks.create_task(self._settle_for_ever())
            tasks.create_task(self._forget_for_ever())

    # --- keeping ---

    async def _keep_for_ever(self) -> None:
        while True:
            if not self._waiting:
                self._take(await self._queue.get())
            while not self._queue.empty() and len(self._waiting) < QUEUE_LENGTH:
                self._take(self._queue.get_nowait())
            try:
                has_kept = await self.keep_ready()
            except AccountStoreBusyError as error:
                logger.warning("the database is busy, accounts wait", extra={"reason": str(error)})
                has_kept = 0
            if not has_kept:
                await self._clock.sleep(_POLL_SECONDS)

    def _take(self, account: GeyserAccount) -> None:
        self._waiting.append(_Heard(account, self._clock.monotonic_s()))

    async def keep_ready(self) -> int:
        """Keep what waits and whose block time is known, or has been waited for long enough; how many were looked at.

        Where the store cannot take it, it waits on.
        """
        long_ago_s = self._clock.monotonic_s() - BLOCK_TIME_WAIT_SECONDS
        ready = [
            one
            for one in self._waiting
            if one.account.slot in self._block_times_s or one.account.is_startup or one.heard_at_s <= long_ago_s
        ][:KEPT_AT_ONCE]
        if not ready:
            return 0
        updates = [update for one in ready if (update := self._read(one)) is not None]
        kept, unwatched = await self._with_events(updates)
        self.counts.kept += await self._store.keep(kept)
        self.counts.unwatched += unwatched
        done = set(map(id, ready))
        self._waiting = [one for one in self._waiting if id(one) not in done]
        self.counts.events += sum(len(one.events) for one in kept)
        for one in ready:
            self._unkept[one.account.slot] -= 1
            if not self._unkept[one.account.slot]:
                del self._unkept[one.account.slot]
        return len(ready)

    def _read(self, one: _Heard) -> AccountUpdate | None:
        account = one.account
        if not one.is_read:
            one.facts, one.is_read = self._facts(account), True
        if one.facts is None:
            return None
        block_time_s = self._block_times_s.get(account.slot)
        return AccountUpdate(
            pubkey=account.pubkey,
            owner=account.owner,
            lamports=account.lamports,
            slot=account.slot,
            write_version=account.write_version,
            signature=account.signature or "",
            block_time_s=estimate_block_time_s(account.slot) if block_time_s is None else block_time_s,
            is_block_time_estimated=block_time_s is None,
            is_startup=account.is_startup,
            facts=one.facts,
        )

    def _facts(self, account: GeyserAccount) -> AccountFacts | None:
        try:
            facts = read_account(account.pubkey, account.owner, account.lamports, account.data)
        except UnknownAccountError as error:
            if not self.counts.unknown[str(error)]:
                logger.warning("account of no known layout", extra={"account": account.pubkey, "why": str(error)})
            self.counts.unknown[str(error)] += 1
            return None
        if facts is None:
            # Another program's account that was watched by its address counts as unknown, a config as passed over.
            if owns_accounts_of(account.owner):
                self.counts.passed_over += 1
            else:
                self.counts.unknown[f"no layouts of {account.owner}"] += 1
        return facts

    async def _with_events(self, updates: list[AccountUpdate]) -> tuple[list[KeptAccount], int]:
        """Updates that are wanted, with their events, and how many are not. Pools of a batch are known to its vaults."""
        vaults = [one.pubkey for one in updates if isinstance(one.facts, TokenAccountInfo | ClosedAccount)]
        pool_of_vault = await self._store.pools_of_vaults(vaults)
        unnamed = []
        for one in updates:
            if isinstance(one.facts, PoolInfo):
                pool_of_vault |= {vault: one.facts for vault in (one.facts.vault_a, one.facts.vault_b) if vault}
                if not one.facts.mint_a:
                    unnamed.append(one)
        mints_of_pool = await self._mints_of_curves(updates, unnamed)
        kept = []
        for one in updates:
            if not self._is_wanted(one.facts, pool_of_vault):
                continue
            events = account_events(
                one, pool_of_vault=pool_of_vault, mints_of_pool=mints_of_pool, watched=self._watched
            )
            kept.append(KeptAccount(one, tuple(events)))
        return kept, len(updates) - len(kept)

    async def _mints_of_curves(
        self, updates: list[AccountUpdate], unnamed: Sequence[AccountUpdate]
    ) -> dict[str, tuple[str, str]]:
        """By curve, (coin, '' or money): by its own token account, if the address agrees, else as its launch was told of."""
        curves = {one.pubkey: one.owner for one in unnamed}
        for one in updates:
            facts = one.facts
            if not isinstance(facts, TokenAccountInfo) or facts.owner in self._coins:
                continue
            # Anybody may send a curve any token: the address is derived from the coin alone.
            if facts.owner in curves and is_curve_of(facts.owner, facts.mint, curves[facts.owner]):
                self._coins[facts.owner] = facts.mint
        while len(self._coins) > _CURVES_REMEMBERED:
            del self._coins[next(iter(self._coins))]
        told = {curve: (self._coins[curve], "") for curve in curves if curve in self._coins}
        return told | await self._store.mints_of_pools(curves.keys() - told.keys())

    def _is_wanted(self, facts: AccountFacts, vaults: Collection[str]) -> bool:
        match facts:
            case TokenAccountInfo(account=account, owner=owner):
                return account in vaults or account in self._watched or owner in self._watched
            case WalletInfo(wallet=account) | ClosedAccount(account=account):
                return account in vaults or account in self._watched
            case _:
                return True

    # --- finality ---

    async def _settle_for_ever(self) -> None:
        while True:
            try:
                has_more = await self.settle()
            except (SourceUnavailableError, SourceRefusedError, AccountStoreBusyError) as error:
                logger.warning("finality of accounts unknown", extra={"reason": str(error)})
                has_more = False
            if not has_more:
                await self._clock.sleep(_FINALITY_POLL_SECONDS)

    async def settle(self) -> bool:
        """One round over slots that finality has passed; whether there are more.

        What lies before the node's history is left as it is: nobody can say.
        """
        finalized_slot = await self._source.slot("finalized")
        slots = await self._store.provisional_slots(finalized_slot, SLOTS_A_ROUND)
        if not slots:
            return False
        begin_slot = await history_begin_slot(self._source)
        known = [slot for slot in slots if slot >= begin_slot]
        if not known:
            return False
        last_slot = min(known[-1], known[0] + SLOTS_A_RANGE - 1)
        blocks = set(await self._source.blocks(known[0], last_slot, finalized_slot))
        final = [slot for slot in known if slot in blocks]
        gone_up_to = min(last_slot, finalized_slot - GONE_AFTER_SLOTS)
        gone = [slot for slot in known if slot not in blocks and slot <= gone_up_to]
        settled = await self._store.settle(final, gone)
        self.counts.finalised += settled.finalised
        self.counts.taken_back += settled.removed
        if settled.removed:
            logger.warning("accounts taken back", extra={"slots": len(gone), "changes": settled.removed})
        return bool(final or gone) and len(slots) == SLOTS_A_ROUND

    # --- retention ---

    async def _forget_for_ever(self) -> None:
        while True:
            try:
                forgotten = await self._store.forget_old(self._clock.now() - STATES_KEPT, _FORGOTTEN_AT_ONCE)
            except AccountStoreBusyError as error:
                logger.warning("old states of accounts stay", extra={"reason": str(error)})
                forgotten = 0
            self.counts.forgotten += forgotten
            if forgotten < _FORGOTTEN_AT_ONCE:
                await self._clock.sleep(_FORGET_EVERY_SECONDS)
