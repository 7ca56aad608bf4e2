"""What an analysis rests on: what is stored of the wallets, and how much of it is not decoded or not explained.

It counts what is there. It says nothing of what is missing: whether a wallet's history is complete can only be proven by
listing it, so `is_complete` is None until somebody has.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Protocol

import msgspec
import polars as pl

from oof_pipelines.chain.moves import RESIDUAL_PATH
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.storage.parquet.schemas import MOVES
from oof_pipelines.storage.stored_counts import StoredDays, StoredTransactions
from oof_pipelines.workflows.wallet_summary import exits_of_coins, unpriced_count

NOT_PROVEN = "completeness is not proven: this is what is stored here, and more of the wallet may exist on the chain"
_SHARE_CONTEXT = Context(prec=60)
_SHARE_PLACES = Decimal("0.000001")


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
    (`unpriced_sales`) count in neither.
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
    is_complete: bool | None
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
) -> Coverage:
    """The coverage of one owner set. `realized` are its exits, `left_behind` a line for each day that could not be made."""
    own, days = stored.transactions(wallets, since, until), stored.days(wallets, since, until)
    residual = _residual(stored, files, wallets, days.residual_days, since, until)
    exits = exits_of_coins(realized)
    priced = [(one.proceeds_usd_e18, one.basis_status) for one in exits if one.proceeds_usd_e18 is not None]
    unknown_usd_e18 = sum(proceeds for proceeds, status in priced if status == "unknown")
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
        unknown_basis_share=share(unknown_usd_e18, sum(proceeds for proceeds, _ in priced)),
        unpriced_sales=unpriced_count(exits),
        days_left_behind=left_behind,
        is_complete=None,
        note=NOT_PROVEN,
    )


def share(part: int, whole: int) -> Decimal | None:
    """part ÷ whole at six places, half to even; None of nothing."""
    if not whole:
        return None
    return _SHARE_CONTEXT.divide(Decimal(part), Decimal(whole)).quantize(_SHARE_PLACES, context=_SHARE_CONTEXT)


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
