"""The account changes that a recorded Geyser server tells of: who knows them, and in what form."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AccountUpdate:
    """An account as it is after a write. `write_version` grows with every write of the chain; `signature` is who wrote it."""

    pubkey: str
    owner: str
    lamports: int
    data: bytes = field(repr=False)
    write_version: int
    signature: str | None = None
    is_executable: bool = False


class AccountUpdates(Protocol):
    """What accounts a recorded chain knows of, slot by slot."""

    def account_updates(self, slot: int) -> Sequence[AccountUpdate]:
        """The writes of `slot`, by write version."""
        ...


class NoAccountUpdates:
    """A chain of which no account is recorded."""

    def account_updates(self, slot: int) -> Sequence[AccountUpdate]:
        """Nothing, whatever the slot."""
        return ()
