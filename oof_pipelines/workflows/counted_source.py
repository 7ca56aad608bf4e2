"""A source that counts what is asked of it, by JSON-RPC method."""

from collections import Counter
from collections.abc import Sequence

from oof_pipelines.interfaces import HeldAccount, ListedSignature, SignatureStatus, WalletSource


class CountedSource:
    """A `WalletSource` in front of another; `calls` counts each question once, however often it had to be sent."""

    def __init__(self, source: WalletSource) -> None:
        self._source = source
        self.calls: Counter[str] = Counter()

    async def genesis_hash(self) -> str:
        self.calls["getGenesisHash"] += 1
        return await self._source.genesis_hash()

    async def slot(self, commitment: str) -> int:
        self.calls["getSlot"] += 1
        return await self._source.slot(commitment)

    async def transaction(self, signature: str, commitment: str = "confirmed") -> bytes | None:
        self.calls["getTransaction"] += 1
        return await self._source.transaction(signature, commitment)

    async def signatures_for_address(
        self, address: str, before: str | None, limit: int, min_slot: int
    ) -> list[ListedSignature]:
        self.calls["getSignaturesForAddress"] += 1
        return await self._source.signatures_for_address(address, before, limit, min_slot)

    async def token_accounts_of(self, owner: str, token_program: str, min_slot: int) -> list[HeldAccount]:
        self.calls["getTokenAccountsByOwner"] += 1
        return await self._source.token_accounts_of(owner, token_program, min_slot)

    async def first_available_block(self) -> int:
        self.calls["getFirstAvailableBlock"] += 1
        return await self._source.first_available_block()

    async def blocks(self, first_slot: int, last_slot: int, min_slot: int) -> list[int]:
        self.calls["getBlocks"] += 1
        return await self._source.blocks(first_slot, last_slot, min_slot)

    async def block_signatures(self, slot: int) -> list[str]:
        self.calls["getBlock"] += 1
        return await self._source.block_signatures(slot)

    async def block_time_s(self, slot: int) -> int | None:
        self.calls["getBlockTime"] += 1
        return await self._source.block_time_s(slot)

    async def signature_statuses(self, signatures: Sequence[str], min_slot: int) -> list[SignatureStatus | None]:
        self.calls["getSignatureStatuses"] += 1
        return await self._source.signature_statuses(signatures, min_slot)
