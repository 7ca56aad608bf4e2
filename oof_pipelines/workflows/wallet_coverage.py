"""What an analysis rests on: what is stored of the wallets, and how much of it is not decoded or not explained.

It counts what is there. Whether that is all there is the certificates of the wallets say, and nobody else.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import msgspec
import polars as pl

from oof_pipelines.chain.moves import RESIDUAL_PATH
from oof_pipelines.positions.results import UNKNOWN, RealizedTrade
from oof_pipelines.storage.parquet.schemas import MOVES
from oof_pipelines.storage.stored_counts import StoredDays, StoredTransactions
from oof_pipelines.workflows.certificate import Certificate
from oof_pipelines.workflows.value_shares import share
from oof_pipelines.workflows.wallet_summary import exits_of_coins, unpriced_count

NOT_PROVEN = "completeness is not proven: more of the wallet may exist on the chain than is stored here"


class StoredWallets(Protocol):
    """What is stored of wallets, from `since` (None for ever) to `until`, both included."""

    def transactions(self, wallets: list[str], since: datetime | None, until: datetime) -> StoredTransactions: ...

    def days(self, wallets: list[str], since: datetime | None, until: datetime) -> StoredDays: ...

    def signatures(self, wallets: list[str], days: list[date], since: datetime | None, until: datetime) -> set[str]:
        """Signatures of the wallets' transactions on `days`."""
        ...


class DayRows(Protocol):
    """Where decoded days are read."""

    def batches(
        self, dataset: str, partition: date, *, columns: list[str] | None = None, where: pl.Expr | None = None
    ) -> Iterator[pl.DataFrame]: ...


class Coverage(msgspec.Struct, frozen=True):
    """What is stored of an owner set. Shares are from 0 to 1, None where there is nothing to take a share of.

    `residual_share` is of the wallets' transactions: those with a part that no instruction explains. `undecoded_share` is of
    all transactions on the days on which they did something, since nobody knows whose an undecoded one is.
    `unknown_basis_share` is of the proceeds in dollars: those of units that nobody knows the cost of. Exits without a price
    (`unpriced_sales`) count in neither. `is_complete` is what the certificates of all the wallets say together, and `note`
    says it in words.
    """

    transactions: int
    failed_transactions: int
    first_slot: int | None
    last_slot: int | None
    first_at: datetime | None
    last_at: datetime | None
    days_asked: int | None
    since: datetime | None
    residual_transactions: int
    residual_share: Decimal | None
    undecoded_transactions: int
    undecoded_share: Decimal | None
    unknown_basis_share: Decimal | None
    unpriced_sales: int
    days_left_behind: list[str]
    is_complete: bool
    note: str


def coverage_of(
    stored: StoredWallets,
    files: DayRows,
    wallets: list[str],
    realized: Iterable[RealizedTrade],
    *,
    days_asked: int | None,
    since: datetime | None,
    until: datetime,
    left_behind: list[str],
    certificates: Sequence[Certificate],
) -> Coverage:
    """The coverage of one owner set. `realized` are its exits, `left_behind` a line for each day that could not be made.

    `certificates` are those of its wallets.
    """
    own, days = stored.transactions(wallets, since, until), stored.days(wallets, since, until)
    residual = _residual(stored, files, wallets, days.residual_days, since, until)
    unknown_share, unpriced = unknown_basis(realized)
    return Coverage(
        transactions=own.count,
        failed_transactions=own.failed,
        first_slot=own.first_slot,
        last_slot=own.last_slot,
        first_at=own.first_at,
        last_at=own.last_at,
        days_asked=days_asked,
        since=since,
        residual_transactions=residual,
        residual_share=share(residual, own.count),
        undecoded_transactions=days.undecoded,
        undecoded_share=share(days.undecoded, days.transactions),
        unknown_basis_share=unknown_share,
        unpriced_sales=unpriced,
        days_left_behind=left_behind,
        is_complete=bool(certificates) and all(one.is_complete for one in certificates),
        note=_note(certificates),
    )


def unknown_basis(realized: Iterable[RealizedTrade]) -> tuple[Decimal | None, int]:
    """(the share of unknown basis in the proceeds in dollars, how many exits have no price and are in neither part)."""
    exits = exits_of_coins(realized)
    priced = [(one.proceeds_usd_e18, one.basis_status) for one in exits if one.proceeds_usd_e18 is not None]
    unknown_usd_e18 = sum(proceeds for proceeds, status in priced if status == UNKNOWN)
    return share(unknown_usd_e18, sum(proceeds for proceeds, _ in priced)), unpriced_count(exits)


def _note(certificates: Sequence[Certificate]) -> str:
    """In words what the certificates say; each wallet's reasons where there are several wallets."""
    if certificates and all(one.is_complete for one in certificates):
        since = max((one.since for one in certificates if one.since is not None), default=None)
        begin = "the first transaction" if since is None else f"{since:%Y-%m-%d %H:%M:%S}"
        return f"proven complete from {begin} to slot {min(one.last_slot for one in certificates)}"
    reasons = [
        (f"{one.wallet}: " if len(certificates) > 1 else "") + "; ".join(one.reasons)
        for one in certificates
        if one.reasons
    ]
    return ": ".join((NOT_PROVEN, "; ".join(reasons))) if reasons else NOT_PROVEN


def _residual(
    stored: StoredWallets,
    files: DayRows,
    wallets: list[str],
    days: list[date],
    since: datetime | None,
    until: datetime,
) -> int:
    """How many of the wallets' transactions have a residual. Only days that have any are read."""
    if not days:
        return 0
    own = pl.Series(sorted(stored.signatures(wallets, days, since, until)), dtype=pl.String)
    found: set[str] = set()
    for day in days:
        where = (pl.col("path") == RESIDUAL_PATH) & pl.col("signature").is_in(own.implode())
        for rows in files.batches(MOVES.name, day, columns=["signature"], where=where):
            found.update(rows["signature"])
    return len(found)
