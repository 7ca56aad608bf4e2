"""Who realised most: wallets by realised PnL over the days before an instant."""

from collections.abc import Iterable

import msgspec

from oof_pipelines.detectors.extremes import realized_sales
from oof_pipelines.detectors.input import DAY_S
from oof_pipelines.positions.results import RealizedTrade

PERIOD_DAYS = {"7d": 7, "30d": 30}
"""Period → days."""


class LeaderboardRow(msgspec.Struct, frozen=True):
    """One wallet. `rank` counts from 1, `sales` are exits with a known PnL, `wins` those above 0."""

    rank: int
    wallet: str
    realized_pnl_usd_e18: int
    sales: int
    wins: int


def leaderboard(realized: Iterable[RealizedTrade], period: str, as_of_s: int) -> list[LeaderboardRow]:
    """Wallets with an exit in (as_of − period, as_of], the most realised first, of equal ones the smaller address.

    What was sold without a known basis is no PnL and does not count. Raises `ValueError` for a period that there is not.
    """
    days = PERIOD_DAYS.get(period)
    if days is None:
        raise ValueError(f"period: {period!r} is not one of {', '.join(PERIOD_DAYS)}")
    since_s = as_of_s - days * DAY_S
    totals: dict[str, list[int]] = {}
    for sale in realized_sales(row for row in realized if since_s < row.sold_at_s <= as_of_s):
        total = totals.setdefault(sale.wallet, [0, 0, 0])
        total[0] += sale.realized_pnl_usd_e18
        total[1] += 1
        total[2] += sale.realized_pnl_usd_e18 > 0
    ordered = sorted(totals.items(), key=lambda item: (-item[1][0], item[0]))
    return [LeaderboardRow(rank, wallet, *total) for rank, (wallet, total) in enumerate(ordered, start=1)]
