"""Places of transactions in their block, for those whose body does not say: asked of the block, once a slot."""

import asyncio
from collections.abc import Collection

from oof_pipelines.interfaces import SourceRefusedError, TransactionSource


class BlockOrder:
    """Asks for blocks, `concurrency` at once, and keeps the last ones it was asked for."""

    def __init__(self, source: TransactionSource, concurrency: int) -> None:
        self._source = source
        self._turns = asyncio.Semaphore(concurrency)
        self._slots: dict[int, dict[str, int]] = {}

    async def places(self, slots: Collection[int]) -> dict[str, int]:
        """Signature → place in its block, of all transactions in `slots`.

        A block that the node refuses leaves its order unknown. Raises `SourceUnavailableError`.
        """
        self._slots = {slot: places for slot, places in self._slots.items() if slot in slots}
        unknown = sorted(set(slots) - set(self._slots))
        for slot, places in zip(unknown, await asyncio.gather(*map(self._ask, unknown)), strict=True):
            self._slots[slot] = places
        return {signature: place for places in self._slots.values() for signature, place in places.items()}

    async def _ask(self, slot: int) -> dict[str, int]:
        async with self._turns:
            try:
                signatures = await self._source.block_signatures(slot)
            except SourceRefusedError:
                return {}
        return {signature: place for place, signature in enumerate(signatures)}
