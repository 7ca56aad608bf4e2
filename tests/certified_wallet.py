"""Certificates of a made-up wallet, whole but for what a test changes."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from oof_pipelines.storage.stored_counts import WalletCounts
from oof_pipelines.storage.wallet_history import (
    BY_BALANCES,
    BY_NODE,
    ListedState,
    ListedTally,
    ProvenRange,
    WalletAccount,
)
from oof_pipelines.workflows.certificate import Basis, Certificate, Depth, Listed, certificate_of
from oof_pipelines.workflows.value_shares import ValueShares

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 5, 12, tzinfo=UTC)
DEPTH = Depth(since=SINCE, until=UNTIL, last_slot=900)
WHOLE = ProvenRange(100, 1_000, SINCE, UNTIL)
TALLY = ListedTally(listed=4, stored=4, final=4, settled=4)
STATE = ListedState("w", SINCE, 1_000, UNTIL, True, 0, 2, 0)
COUNTS = WalletCounts(transactions=4, failed=1, provisional=0, undecoded=0, unordered=2, balance_gaps=0)


def account(name: str, found_by: str = BY_NODE) -> WalletAccount:
    """A token account of wallet `w`."""
    return WalletAccount("w", name, f"mint of {name}", "program", found_by, True, 120)


def certify(
    ranges: dict[str, list[ProvenRange]] | None = None,
    *,
    depth: Depth = DEPTH,
    accounts: tuple[WalletAccount, ...] = (account("x"), account("y", BY_BALANCES)),
    tally: ListedTally = TALLY,
    state: ListedState | None = STATE,
    counts: WalletCounts = COUNTS,
    mints_left_out: tuple[str, ...] = (),
    **more: Any,
) -> Certificate:
    """The certificate of wallet `w` and its token accounts `x` and `y`."""
    known = {"w": [WHOLE], "x": [WHOLE], "y": [WHOLE]} if ranges is None else ranges
    basis = Basis(Decimal("0.25"), 3, list(mints_left_out))
    facts = {"left_behind": 0, "ceilings_hit": (), **more}
    return certificate_of("w", depth, Listed(known, accounts, tally, state), counts, ValueShares(), basis, **facts)
