"""A chain in memory with wallets and token accounts, and how a backfill over it is run."""

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from memory_chain import HandClock, MemoryChain, signature_of
from memory_coverage import MemoryCoverage
from memory_inbox import MemoryInbox

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.decode.token import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from oof_pipelines.interfaces import HeldAccount, ListedSignature, SourceUnavailableError
from oof_pipelines.storage.wallet_history import merged
from oof_pipelines.workflows.backfill_wallets import BackfillReport, backfill_wallets


def address_of(name: object) -> str:
    """32 bytes that only this name has, in base58."""
    return encode_base58(b"\1" + hashlib.sha256(str(name).encode()).digest()[1:])


WALLET, OTHER, STRANGER, COIN = (address_of(name) for name in ("wallet", "other", "stranger", "coin"))
SYSTEM = "11111111111111111111111111111111"


def body_with(
    signature: str, slot: int, signers: list[str], named: list[str], balances: list[tuple[str, str, str]], **top: Any
) -> bytes:
    """A getTransaction result. `balances` are (token account, mint, owner), with the accounts among the keys."""
    keys = list(dict.fromkeys([*signers, *named, *(account for account, _, _ in balances), SYSTEM]))
    rows = [
        {
            "accountIndex": keys.index(account),
            "mint": mint,
            "owner": owner,
            "programId": TOKEN_PROGRAM_ID,
            "uiTokenAmount": {"amount": "5", "decimals": 0, "uiAmountString": "5"},
        }
        for account, mint, owner in balances
    ]
    whole = {
        "slot": slot,
        "blockTime": estimate_block_time_s(slot),
        "version": "legacy",
        "transaction": {
            "signatures": [signature],
            "message": {
                "accountKeys": keys,
                "header": {"numRequiredSignatures": len(signers), "numReadonlySignedAccounts": 0}
                | {"numReadonlyUnsignedAccounts": 0},
                "instructions": [{"programIdIndex": len(keys) - 1, "accounts": [], "data": ""}],
            },
        },
        "meta": {
            "err": None,
            "fee": 5000,
            "logMessages": [],
            "innerInstructions": [],
            "preBalances": [0] * len(keys),
            "postBalances": [0] * len(keys),
            "preTokenBalances": rows,
            "postTokenBalances": rows,
        },
    }
    return json.dumps(whole | top).encode()


@dataclass
class WalletChain(MemoryChain):
    """A `WalletSource`. Signatures of an address are those whose keys name it, in the order of their blocks."""

    held: dict[str, list[HeldAccount]] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)
    forgotten_cursors: set[str] = field(default_factory=set)
    """Signatures that the node does not know as `before`."""
    has_times: bool = True

    def act(
        self,
        name: object,
        slot: int,
        *,
        signers: tuple[str, ...] = (WALLET,),
        named: tuple[str, ...] = (),
        balances: tuple[tuple[str, str, str], ...] = (),
        **top: Any,
    ) -> str:
        """A transaction in `slot`, behind the ones already there; its signature."""
        signature = signature_of(name)
        self.tip = self.finalized = max(self.tip, slot)
        self.order[signature] = len(self.order)
        self.slots[signature] = slot
        self.keys[signature] = {*signers, *named, *(account for account, _, _ in balances)}
        self.bodies[signature] = body_with(signature, slot, list(signers), list(named), list(balances), **top)
        return signature

    def names(self, address: str) -> set[str]:
        """Signatures of the transactions among whose keys is `address`; to own a token account is not to be named."""
        return {signature for signature, keys in self.keys.items() if address in keys}

    async def signatures_for_address(
        self, address: str, before: str | None, limit: int, min_slot: int
    ) -> list[ListedSignature]:
        await self._enter("signatures_for_address")
        known_slot = self._known_slot("signatures_for_address", min_slot)
        newest_first = sorted(self.names(address), key=lambda s: (-self.slots[s], -self.order[s]))
        listed = [s for s in newest_first if self.first_block <= self.slots[s] <= known_slot]
        if before is not None:
            known = before in self.slots and before not in self.forgotten_cursors
            place = (self.slots[before], self.order[before]) if known else (-1, -1)
            listed = [s for s in listed if (self.slots[s], self.order[s]) < place]
        return [
            ListedSignature(s, self.slots[s], estimate_block_time_s(self.slots[s]) if self.has_times else None)
            for s in listed[:limit]
        ]

    async def token_accounts_of(self, owner: str, token_program: str, min_slot: int) -> list[HeldAccount]:
        await self._enter("token_accounts_of")
        if self._known_slot("token_accounts_of", min_slot) < min_slot:
            raise SourceUnavailableError("behind")
        return [row for row in self.held.get(owner, []) if row.token_program == token_program]

    async def block_signatures(self, slot: int) -> list[str]:
        return sorted(await super().block_signatures(slot), key=lambda s: self.order[s])


def held(name: object, mint: str = COIN, *, is_2022: bool = False) -> HeldAccount:
    return HeldAccount(address_of(name), mint, TOKEN_2022_PROGRAM_ID if is_2022 else TOKEN_PROGRAM_ID)


class QuickClock(HandClock):
    """Sleeping moves it at once."""

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)


@dataclass
class World:
    """A chain, and a store that outlives the runs over it."""

    chain: WalletChain = field(default_factory=WalletChain)
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    clock: QuickClock = field(default_factory=QuickClock)

    def __post_init__(self) -> None:
        self.coverage = MemoryCoverage(self.inbox)

    def assert_nothing_untrue(self) -> None:
        """What is proven is so: every signature of it was kept, and its times hold."""
        for wallet, accounts in self.coverage.proven.items():
            for account, ranges in accounts.items():
                assert ranges == merged(ranges)
                for one in ranges:
                    slots = {s: self.chain.slots[s] for s in self.chain.names(account)}
                    inside = {s for s, slot in slots.items() if one.first_slot <= slot <= one.last_slot}
                    assert inside <= {s for whose, s in self.coverage.listed if whose == wallet}
                    assert one.cursor is None or one.cursor in inside
                    from_s = one.from_at.timestamp()
                    later = {slot for slot in slots.values() if estimate_block_time_s(slot) >= from_s}
                    assert all(slot >= one.first_slot for slot in later)

    def backfill(self, *wallets: str, since: datetime | None = None, **options: Any) -> BackfillReport:
        return asyncio.run(self.backfilling(*wallets, since=since, **options))

    async def backfilling(self, *wallets: str, since: datetime | None = None, **options: Any) -> BackfillReport:
        return await backfill_wallets(
            self.chain,
            self.inbox,
            self.coverage,
            self.clock,
            wallets=wallets or (WALLET,),
            since=since,
            cluster="mainnet-beta",
            concurrency=4,
            **options,
        )
