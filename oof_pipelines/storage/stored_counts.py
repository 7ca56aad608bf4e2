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
