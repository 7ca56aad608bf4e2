"""Counts of what is stored of wallets, as they pass from the database to whoever says what an analysis rests on."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class StoredTransactions:
    """Stored and decoded transactions in which a wallet takes part. Slots and times are None where there are none."""

    count: int
    failed: int
    first_slot: int | None
    last_slot: int | None
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredDays:
    """All transactions of the days on which the wallets did something. `residual_days` have some with a residual."""

    transactions: int
    undecoded: int
    residual_days: list[date]


@dataclass(frozen=True, slots=True)
class OwnTransaction:
    """A stored and decoded transaction in which a wallet takes part. `is_filed` says that the day's files hold it."""

    signature: str
    slot: int
    tx_index: int | None
    at: datetime
    is_failed: bool
    is_final: bool
    is_filed: bool


@dataclass(frozen=True, slots=True)
class WalletCounts:
    """Of one wallet's stored transactions: see `Certificate`, which has the same fields."""

    transactions: int
    failed: int
    provisional: int
    undecoded: int
    unordered: int
    balance_gaps: int
