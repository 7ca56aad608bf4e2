"""How far a wallet's history is known: proven ranges of slots, token accounts, and how the last listing of it ended."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

WHOLE_HISTORY_AT = datetime(1970, 1, 1, tzinfo=UTC)
"""Before any block: proven from here on is proven from an account's first transaction on."""

BY_NODE, BY_BALANCES = "node", "balances"
"""Who told of a token account: the node's state of open ones, or the balances of a recorded transaction."""


@dataclass(frozen=True, slots=True)
class ProvenRange:
    """Slots of which every signature of one account is known here, both ends included.

    `from_at` says the same in time: all of the account from then on, up to the last slot, is in the range. `to_at` is the
    block time of the last slot as the node said. `cursor` is the oldest signature in the range, None in an empty one.
    """

    first_slot: int
    last_slot: int
    from_at: datetime
    to_at: datetime
    cursor: str | None = None


def merged(ranges: Iterable[ProvenRange]) -> list[ProvenRange]:
    """`ranges` in order of slots, those that touch or overlap as one."""
    whole: list[ProvenRange] = []
    for one in sorted(ranges, key=lambda one: (one.first_slot, one.from_at, one.last_slot)):
        if whole and one.first_slot <= whole[-1].last_slot + 1:
            below = whole.pop()
            upper = max(below, one, key=lambda each: each.last_slot)
            one = replace(
                below, last_slot=upper.last_slot, to_at=max(below.to_at, one.to_at), cursor=below.cursor or one.cursor
            )
        whole.append(one)
    return whole


@dataclass(frozen=True, slots=True)
class WalletAccount:
    """A token account that is or was a wallet's.

    `is_signed` says that the wallet has signed a transaction in which the account was its own; `first_slot` is the earliest
    stored slot in which it was, None where only the node's state tells of it.
    """

    wallet: str
    account: str
    mint: str
    token_program: str
    found_by: str
    is_signed: bool
    first_slot: int | None


@dataclass(frozen=True, slots=True)
class ListedState:
    """How the last run over a wallet ended. `since_at` is how far back it was asked to go.

    `is_complete` says that nothing was left to do, as far as the node goes back (`history_begin_slot`). `left_out` counts
    token accounts that are known and were not listed.
    """

    wallet: str
    since_at: datetime
    tip_slot: int
    seen_at: datetime
    is_complete: bool
    history_begin_slot: int
    accounts: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a listed signature stands; neither stored, queued nor refused where nobody knows it any more."""

    signature: str
    slot: int
    is_stored: bool
    is_final: bool
    is_queued: bool
    is_refused: bool


@dataclass(frozen=True, slots=True)
class ListedTally:
    """Signatures listed of a wallet and its token accounts: how many, and where they stand.

    `waiting` are in the queue or nowhere; `settled` are final here or refused for good, with their token accounts noted.
    """

    listed: int = 0
    stored: int = 0
    final: int = 0
    refused: int = 0
    waiting: int = 0
    settled: int = 0
