"""Episodes: what a holding did between nothing and nothing, summed as it happens."""

from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from oof_pipelines.positions.events import BUY, PositionEvent
from oof_pipelines.positions.identity import EpisodeName
from oof_pipelines.positions.lots import Cut
from oof_pipelines.positions.results import UNKNOWN, Episode

_RATIO_PLACES = 18
# What a column of 38 digits, 18 of them places, holds.
_LARGEST_RATIO_E18 = 10**38
_EXACT = Context(prec=38)


# Which of an episode's sums have a part that is known, or one that has no price.
_BASIS = 1
_PROCEEDS = 2
_UNKNOWN_PROCEEDS = 4
_REALIZED = 8
_AVERAGE = 16
_FEES = 32
_EXIT = _PROCEEDS | _REALIZED | _AVERAGE


@dataclass(slots=True)
class OpenEpisode:
    """An episode while its events come in. `last` is the event that ended it, None while it is open.

    `matched_…` are the proceeds that have their cost beside them, that cost, and what the same units cost on average;
    `other_proceeds_usd_e18` those of a basis without dollars, `unknown_proceeds_usd_e18` those of unknown basis.
    `known` and `missing` are sets of bits: the sums that some dollars went into, and those that something unpriced did.
    """

    name: EpisodeName
    number: int
    first: PositionEvent
    last: PositionEvent | None = None
    bought_raw: int = 0
    sold_raw: int = 0
    received_raw: int = 0
    moved_out_raw: int = 0
    trades: int = 0
    basis_usd_e18: int = 0
    matched_proceeds_usd_e18: int = 0
    matched_cost_usd_e18: int = 0
    matched_average_usd_e18: int = 0
    other_proceeds_usd_e18: int = 0
    unknown_proceeds_usd_e18: int = 0
    fees_usd_e18: int = 0
    known: int = 0
    missing: int = 0

    def count_fees(self, fees_usd_e18: int | None) -> None:
        """The network fee and tips that stand on a trade; None without a price."""
        if fees_usd_e18 is None:
            self.missing |= _FEES
        else:
            self.known |= _FEES
            self.fees_usd_e18 += fees_usd_e18

    def count_lot(self, kind: str, qty_raw: int, basis_status: str, cost_usd_e18: int | None) -> None:
        """Units that came in."""
        if kind == BUY:
            self.bought_raw += qty_raw
        else:
            self.received_raw += qty_raw
        if cost_usd_e18 is not None:
            self.known |= _BASIS
            self.basis_usd_e18 += cost_usd_e18
        elif basis_status != UNKNOWN:
            self.missing |= _BASIS

    def count_exit(self, cut: Cut, average_cost_usd_e18: int | None) -> None:
        """Units that were realised, with what they cost on average."""
        self.sold_raw += cut.qty_raw
        proceeds_usd_e18, cost_usd_e18 = cut.proceeds_usd_e18, cut.cost_usd_e18
        if proceeds_usd_e18 is not None and cost_usd_e18 is not None and average_cost_usd_e18 is not None:
            self.known |= _EXIT
            self.matched_proceeds_usd_e18 += proceeds_usd_e18
            self.matched_cost_usd_e18 += cost_usd_e18
            self.matched_average_usd_e18 += average_cost_usd_e18
        elif cut.basis_status != UNKNOWN:
            # Without proceeds or without a cost there is no profit by either method.
            self.missing |= _REALIZED | _AVERAGE
            if proceeds_usd_e18 is None:
                self.missing |= _PROCEEDS
            else:
                self.known |= _PROCEEDS
                self.other_proceeds_usd_e18 += proceeds_usd_e18
        elif proceeds_usd_e18 is None:
            self.missing |= _UNKNOWN_PROCEEDS
        else:
            self.known |= _UNKNOWN_PROCEEDS
            self.unknown_proceeds_usd_e18 += proceeds_usd_e18

    def result(self, held_raw: int = 0, in_pool_raw: int = 0) -> Episode:
        """The episode as it stands, with what is held and in pools."""
        first, last = self.first, self.last
        basis_usd_e18 = self._shown(_BASIS, self.basis_usd_e18)
        proceeds_usd_e18 = self.matched_proceeds_usd_e18
        realized_usd_e18 = self._shown(_REALIZED, proceeds_usd_e18 - self.matched_cost_usd_e18)
        # By place, which takes a fifth of the time that names take.
        return Episode(
            self.name.told(),
            first.wallet,
            first.mint,
            self.number,
            first.block_time_s,
            None if last is None else last.block_time_s,
            first.signature,
            "" if last is None else last.signature,
            self.bought_raw,
            self.sold_raw,
            self.received_raw,
            self.moved_out_raw,
            held_raw,
            in_pool_raw,
            basis_usd_e18,
            self._shown(_PROCEEDS, proceeds_usd_e18 + self.other_proceeds_usd_e18),
            self._shown(_UNKNOWN_PROCEEDS, self.unknown_proceeds_usd_e18),
            realized_usd_e18,
            return_on(basis_usd_e18, realized_usd_e18),
            self._shown(_AVERAGE, proceeds_usd_e18 - self.matched_average_usd_e18),
            self._shown(_FEES, self.fees_usd_e18),
            self.trades,
            last is None,
        )

    def _shown(self, figure: int, usd_e18: int) -> int | None:
        """The sum of what is known: 0 where nothing was summed, None where nothing of it has a price."""
        return None if self.missing & figure and not self.known & figure else usd_e18


def begun(number: int, event: PositionEvent) -> OpenEpisode:
    """The episode that an event begins."""
    return OpenEpisode(EpisodeName(event), number, event)


def return_on(basis_usd_e18: int | None, realized_usd_e18: int | None) -> Decimal | None:
    """Realised ÷ basis, half-even at 18 places; None without both, without a basis, and from 1e20 on."""
    if not basis_usd_e18 or realized_usd_e18 is None:
        return None
    ratio_e18 = round(Fraction(realized_usd_e18 * 10**_RATIO_PLACES, basis_usd_e18))
    return Decimal(ratio_e18).scaleb(-_RATIO_PLACES, _EXACT) if abs(ratio_e18) < _LARGEST_RATIO_E18 else None
