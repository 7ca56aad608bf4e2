"""What an owner's transactions cost, beside what they traded."""

from dataclasses import dataclass


@dataclass(slots=True)
class CostTotals:
    """Lamports of all transactions, and their network fees and tips in dollars. Rent is a deposit and may come back.

    `fees_usd_e18` sums the fees that have a price; `unpriced_fees_lamports` are those that have none.
    """

    network_fee_lamports: int = 0
    tip_lamports: int = 0
    rent_lamports: int = 0
    fees_usd_e18: int = 0
    unpriced_fees_lamports: int = 0

    def add(self, network_fee_lamports: int, tip_lamports: int, rent_lamports: int, fees_usd_e18: int | None) -> None:
        """Those of one event; `fees_usd_e18` is its fee and tips in dollars, None without a price."""
        self.network_fee_lamports += network_fee_lamports
        self.tip_lamports += tip_lamports
        self.rent_lamports += rent_lamports
        if fees_usd_e18 is not None:
            self.fees_usd_e18 += fees_usd_e18
        else:
            self.unpriced_fees_lamports += network_fee_lamports + tip_lamports
