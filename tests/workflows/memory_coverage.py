"""What a backfill remembers, in memory, beside a `MemoryInbox`: what the Protocol promises, and nothing else."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from memory_inbox import MemoryInbox

from oof_pipelines.chain.compression import decompress_body
from oof_pipelines.interfaces import ListedSignature
from oof_pipelines.storage.wallet_history import (
    ListedState,
    ListedTally,
    ProvenRange,
    Standing,
    WalletAccount,
    merged,
)
from oof_pipelines.workflows.backfill_accounts import together


@dataclass
class MemoryCoverage:
    """A `CoverageStore` that outlives the runs of a test. `folded` are stored signatures that are in files, `participants`
    what decoding said of stored ones, by wallet."""

    inbox: MemoryInbox
    proven: dict[str, dict[str, list[ProvenRange]]] = field(default_factory=dict)
    listed: dict[tuple[str, str], int] = field(default_factory=dict)
    settled: set[tuple[str, str]] = field(default_factory=set)
    known: dict[tuple[str, str], WalletAccount] = field(default_factory=dict)
    states: dict[str, ListedState] = field(default_factory=dict)
    folded: set[str] = field(default_factory=set)
    participants: dict[str, list[str]] = field(default_factory=dict)

    async def ranges(self, wallet: str) -> dict[str, list[ProvenRange]]:
        return {account: list(ranges) for account, ranges in self.proven.get(wallet, {}).items()}

    async def prove(self, wallet: str, proven: Mapping[str, ProvenRange]) -> None:
        of_wallet = self.proven.setdefault(wallet, {})
        for account, added in proven.items():
            of_wallet[account] = merged([*of_wallet.get(account, []), added])

    async def note_listed(self, wallet: str, listed: Sequence[ListedSignature]) -> None:
        for row in listed:
            self.listed.setdefault((wallet, row.signature), row.slot)

    async def unsettled(
        self, wallets: Sequence[str], after: tuple[int, str] | None, limit: int
    ) -> list[ListedSignature]:
        places = {
            (slot, signature)
            for (wallet, signature), slot in self.listed.items()
            if wallet in wallets and (wallet, signature) not in self.settled and not self._is_refused(signature)
        }
        behind = sorted((place for place in places if after is None or place < after), reverse=True)
        return [ListedSignature(signature, slot) for slot, signature in behind[:limit]]

    def _is_refused(self, signature: str) -> bool:
        is_known = signature in self.inbox.stored or signature in self.inbox.queue
        return signature in self.inbox.quarantine and not is_known

    async def settle(self, wallets: Sequence[str], signatures: Sequence[str]) -> None:
        keys = {(wallet, signature) for wallet in wallets for signature in signatures}
        self.settled |= keys & set(self.listed)

    async def standing(self, listed: Sequence[ListedSignature]) -> list[Standing]:
        found = []
        for row in listed:
            stored = self.inbox.stored.get(row.signature)
            found.append(
                Standing(
                    row.signature,
                    row.slot if stored is None else stored.slot,
                    stored is not None,
                    row.signature in self.inbox.final,
                    row.signature in self.inbox.queue,
                    row.signature in self.inbox.quarantine,
                )
            )
        return found

    async def bodies(self, signatures: Sequence[str]) -> AsyncIterator[tuple[str, bytes]]:
        for signature in signatures:
            yield signature, decompress_body(self.inbox.stored[signature].body_zstd)

    async def note_accounts(self, accounts: Sequence[WalletAccount]) -> None:
        for one in together([*self.known.values(), *accounts]):
            self.known[one.wallet, one.account] = one

    async def accounts(self, wallet: str) -> list[WalletAccount]:
        return sorted((one for one in self.known.values() if one.wallet == wallet), key=lambda one: one.account)

    async def shared_slots(self, wallets: Sequence[str], slots: Sequence[int]) -> set[int]:
        own = [(wallet, slot) for (wallet, _), slot in self.listed.items() if wallet in wallets and slot in slots]
        return {slot for wallet, slot in own if own.count((wallet, slot)) > 1}

    async def without_index(self, wallets: Sequence[str], slots: Sequence[int]) -> list[tuple[int, str, bool]]:
        signatures = {s for (wallet, s), slot in self.listed.items() if wallet in wallets and slot in slots}
        rows = [self.inbox.stored[s] for s in signatures if s in self.inbox.stored]
        return sorted((row.slot, row.signature, row.signature in self.folded) for row in rows if row.tx_index is None)

    async def set_tx_index(self, indexes: Mapping[str, int]) -> int:
        count = 0
        for signature, place in indexes.items():
            row = self.inbox.stored.get(signature)
            if row is not None and row.tx_index is None and signature not in self.folded:
                self.inbox.stored[signature] = replace(row, tx_index=place)
                count += 1
        return count

    async def unlisted(self, wallet: str, since_at: datetime, up_to_slot: int, after: str, limit: int) -> list[str]:
        found = [
            signature
            for signature in self.participants.get(wallet, [])
            if (wallet, signature) not in self.listed
            and signature > after
            and self.inbox.stored[signature].slot <= up_to_slot
            and self.inbox.stored[signature].block_time >= since_at
        ]
        return sorted(found)[:limit]

    async def tally(self, wallet: str) -> ListedTally:
        own = [ListedSignature(s, slot) for (whose, s), slot in self.listed.items() if whose == wallet]
        standings = await self.standing(own)
        return ListedTally(
            listed=len(own),
            stored=sum(one.is_stored for one in standings),
            final=sum(one.is_final for one in standings),
            refused=sum(not one.is_stored and not one.is_queued and one.is_refused for one in standings),
            waiting=sum(not one.is_stored and (one.is_queued or not one.is_refused) for one in standings),
            settled=sum((wallet, row.signature) in self.settled or self._is_refused(row.signature) for row in own),
        )

    async def state(self, wallet: str) -> ListedState | None:
        return self.states.get(wallet)

    async def save_state(self, state: ListedState) -> None:
        known = self.states.get(state.wallet)
        if known is None or known.tip_slot <= state.tip_slot:
            self.states[state.wallet] = state
