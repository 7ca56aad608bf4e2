"""What an owner's transactions cost, beside what they traded."""

from dataclasses import dataclass

from oof_pipelines.positions.valued import ValuedEvent


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

    def add(self, valued: ValuedEvent) -> None:
        """The costs that stand on one event."""
        event = valued.event
        self.network_fee_lamports += event.network_fee_lamports
        self.tip_lamports += event.tip_lamports
        self.rent_lamports += event.rent_lamports
        if valued.fees_usd_e18 is not None:
            self.fees_usd_e18 += valued.fees_usd_e18
        else:
            self.unpriced_fees_lamports += event.network_fee_lamports + event.tip_lamports
