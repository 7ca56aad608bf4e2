"""What a backfill remembers of wallets, as a Protocol."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from oof_pipelines.interfaces import ListedSignature
from oof_pipelines.storage.wallet_history import (
    ListedState,
    ListedTally,
    ProvenRange,
    Standing,
    WalletAccount,
)

SignatureAt = tuple[int, str]
"""(slot, signature): the place of a listed signature among a wallet's."""


class CoverageStore(Protocol):
    """Every write is one transaction, idempotent, and harmless beside the same write of another process.

    Ranges are of (wallet, account), where the wallet itself is the account of its own listing.
    """

    async def ranges(self, wallet: str) -> dict[str, list[ProvenRange]]:
        """Account → its proven ranges in order of slots, none of which touches another."""
        ...

    async def prove(self, wallet: str, proven: Mapping[str, ProvenRange]) -> None:
        """Add a range to what is proven of each account. Its signatures were noted before."""
        ...

    async def note_listed(self, wallet: str, listed: Sequence[ListedSignature]) -> None:
        """Keep signatures of the wallet or of its token accounts; known ones are left as they are."""
        ...

    async def unsettled(self, wallets: Sequence[str], after: SignatureAt | None, limit: int) -> list[ListedSignature]:
        """Listed signatures of any of the wallets with which something is to be done, each once, the newest first.

        What is refused is among them again once somebody has queued or stored it.
        """
        ...

    async def settle(self, wallets: Sequence[str], signatures: Sequence[str]) -> None:
        """They are final here, and nothing is left to do with them for these wallets."""
        ...

    async def standing(self, listed: Sequence[ListedSignature]) -> list[Standing]:
        """Where they stand, in the same order; the slot is the stored one where there is one."""
        ...

    def bodies(self, signatures: Sequence[str]) -> AsyncIterator[tuple[str, bytes]]:
        """Signature and body (uncompressed) of those that are stored, folded or not."""
        ...

    async def note_accounts(self, accounts: Sequence[WalletAccount]) -> None:
        """Keep token accounts; what is known of one is added to, nothing is taken back."""
        ...

    async def accounts(self, wallet: str) -> list[WalletAccount]:
        """The wallet's known token accounts, by address."""
        ...

    async def shared_slots(self, wallets: Sequence[str], slots: Sequence[int]) -> set[int]:
        """Those of `slots` that have two listed signatures of one of the wallets, or more."""
        ...

    async def without_index(self, wallets: Sequence[str], slots: Sequence[int]) -> list[tuple[int, str, bool]]:
        """(slot, signature, whether folded) of the wallets' stored transactions in `slots` whose place in the block is
        not known."""
        ...

    async def set_tx_index(self, indexes: Mapping[str, int]) -> int:
        """Signature → place in its block, for stored transactions that wait to be folded and have none; how many were set."""
        ...

    async def unlisted(self, wallet: str, since_at: datetime, up_to_slot: int, after: str, limit: int) -> list[str]:
        """Stored and decoded signatures in which the wallet took part and that no listing has brought, behind `after`."""
        ...

    async def tally(self, wallet: str) -> ListedTally: ...

    async def state(self, wallet: str) -> ListedState | None: ...

    async def save_state(self, state: ListedState) -> None: ...
