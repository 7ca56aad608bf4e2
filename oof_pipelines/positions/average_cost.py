"""Average cost: one running average a position, beside the lots, so that a reader sees how much the method matters."""

from dataclasses import dataclass


@dataclass(slots=True)
class AverageCost:
    """The units whose cost in dollars is known, and what they cost together in 1e-18 dollars.

    Units that leave take floor(cost × units ÷ units there) with them and the rest stays, so what was taken and what is
    left always add up to what was paid; each taking is less than 1e-18 dollars off the exact average.
    """

    units_raw: int = 0
    cost_usd_e18: int = 0

    def add(self, units_raw: int, cost_usd_e18: int) -> None:
        """Units came in for so much."""
        self.units_raw += units_raw
        self.cost_usd_e18 += cost_usd_e18

    def take(self, units_raw: int) -> int:
        """What these units, no more than are there, cost on average; the last ones take everything."""
        is_all = units_raw == self.units_raw
        taken = self.cost_usd_e18 if is_all else self.cost_usd_e18 * units_raw // self.units_raw
        self.units_raw -= units_raw
        self.cost_usd_e18 -= taken
        return taken
