"""What an event realised, as the engine has it: what is the event's is told by the event, what is the cut's by the cut.

A row of it (`results.RealizedTrade`) repeats the event and has a hash for its id, which takes longer than booking it;
whoever needs figures alone reads them here.
"""

import msgspec

from oof_pipelines.positions.identity import EpisodeName, exit_id
from oof_pipelines.positions.lots import Cut
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.positions.valued import ValuedEvent


class Exit(msgspec.Struct, gc=False):
    """Units of one cost mint and basis status that left with one event for a share of its proceeds.

    `kind` and `proceeds_mint` are the row's. The event's fees stand on its first exit. `average_cost_usd_e18` is None where
    the dollars of any of the units are unknown.
    """

    valued: ValuedEvent
    episode: EpisodeName
    kind: str
    proceeds_mint: str
    is_first: bool
    cut: Cut
    average_cost_usd_e18: int | None

    @property
    def realized_pnl_usd_e18(self) -> int | None:
        """Proceeds less cost, first in first out; None where one of them is unknown."""
        return less(self.cut.proceeds_usd_e18, self.cut.cost_usd_e18)

    def row(self) -> RealizedTrade:
        """All of it, with the id."""
        valued, cut, is_first = self.valued, self.cut, self.is_first
        event, lot = valued.event, cut.first_lot
        has_fees = is_first and (event.network_fee_lamports or event.tip_lamports)
        # By place, which takes a fifth of the time that names take.
        return RealizedTrade(
            exit_id(event, self.kind, cut.cost_mint, cut.basis_status),
            event.wallet,
            event.mint,
            self.episode.told(),
            self.kind,
            event.signature,
            event.path,
            event.slot,
            event.tx_index,
            event.block_time_s,
            cut.qty_raw,
            event.decimals,
            self.proceeds_mint,
            cut.proceeds_raw,
            cut.proceeds_usd_e18,
            cut.cost_mint,
            cut.cost_raw,
            cut.cost_usd_e18,
            cut.basis_status,
            less(cut.proceeds_usd_e18, cut.cost_usd_e18),
            self.average_cost_usd_e18,
            less(cut.proceeds_usd_e18, self.average_cost_usd_e18),
            None if lot is None else lot.entry.block_time_s,
            event.network_fee_lamports if is_first else 0,
            event.tip_lamports if is_first else 0,
            event.rent_lamports if is_first else 0,
            valued.fees_usd_e18 if has_fees else 0,
            valued.value_source,
            valued.value_confidence_e18,
        )


def less(one: int | None, other: int | None) -> int | None:
    """Their difference; None where one of them is unknown."""
    return None if one is None or other is None else one - other
