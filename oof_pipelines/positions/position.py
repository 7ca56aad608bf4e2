"""One position: the lots, pockets, average cost and episode of one mint, of a wallet or of an owner set."""

import msgspec

from oof_pipelines.positions.average_cost import AverageCost
from oof_pipelines.positions.episodes import OpenEpisode, begun
from oof_pipelines.positions.events import BUY, PositionEvent
from oof_pipelines.positions.exits import Exit
from oof_pipelines.positions.lots import Cut, LotQueue, OpenLot
from oof_pipelines.positions.pockets import Pockets
from oof_pipelines.positions.results import (
    BURNED,
    EXCHANGE_TRANSFER,
    KNOWN,
    MARKET,
    PENDING,
    SALE,
    UNKNOWN,
    MovedOut,
)
from oof_pipelines.positions.valued import ValuedEvent

RECEIVED = "receive"
FROM_EXCHANGE = "exchange"
CLAIMED = "claim"
FROM_POOL = "lp"


class Transit(msgspec.Struct, gc=False):
    """Units on their way between wallets of one owner within a transaction: sent, less received so far."""

    last: ValuedEvent
    missing_raw: int


class Finished(msgspec.Struct):
    """What is over and will not change: lots of which nothing is left, episodes that ended, and what moved out."""

    lots: list[OpenLot]
    episodes: list[OpenEpisode]
    moved: list[MovedOut]


class Position:
    """What is held of one mint. Events come in the order of the chain; what is over goes to `finished`."""

    __slots__ = (
        "average",
        "episode",
        "episode_count",
        "finished",
        "held",
        "lot_count",
        "mint",
        "pockets",
        "transit",
        "unheld_raw",
    )

    def __init__(self, mint: str, finished: Finished) -> None:
        self.mint = mint
        self.finished = finished
        self.held = LotQueue()
        self.pockets = Pockets()
        self.average = AverageCost()
        self.episode: OpenEpisode | None = None
        self.episode_count = 0
        self.lot_count = 0
        self.transit: Transit | None = None
        self.unheld_raw = 0
        """Units that left although no lot stood for them."""

    def traded(self, event: PositionEvent) -> OpenEpisode:
        """A trade is counted; the episode that it is of."""
        episode = self.episode or self._begin(event)
        episode.trades += 1
        return episode

    def buy(self, valued: ValuedEvent, event: PositionEvent) -> None:
        """Units were paid for; where what was paid is not known, their basis is not either. `event` is the valued one."""
        paid_raw = event.other_raw
        if paid_raw is None:
            self._add(event, BUY, event.qty_raw, UNKNOWN, None)
        else:
            # Nothing of anything is worth nothing, whatever a price would say.
            cost_usd_e18 = valued.value_usd_e18 if paid_raw else 0
            self._add(event, BUY, event.qty_raw, KNOWN, cost_usd_e18, event.other_mint, paid_raw)

    def receive(self, valued: ValuedEvent, is_from_exchange: bool) -> None:
        """Units came in unpaid: at their value from an exchange, else with nobody knowing what they cost."""
        if is_from_exchange:
            self._add_at_market(valued, FROM_EXCHANGE, valued.event.qty_raw, valued.value_usd_e18)
        else:
            self._add(valued.event, RECEIVED, valued.event.qty_raw, UNKNOWN, None)

    def claim(self, valued: ValuedEvent) -> None:
        """Units came in as income, at their value."""
        self._add_at_market(valued, CLAIMED, valued.event.qty_raw, valued.value_usd_e18)

    def sell(self, valued: ValuedEvent, event: PositionEvent, exits: list[Exit]) -> None:
        """Units were sold for what came in, None where that is not known. `event` is the valued one."""
        proceeds_raw = event.other_raw or 0
        proceeds_usd_e18 = valued.value_usd_e18 if proceeds_raw else None if event.other_raw is None else 0
        self._realize(valued, event, SALE, event.other_mint, proceeds_raw, proceeds_usd_e18, exits)

    def burn(self, valued: ValuedEvent, exits: list[Exit]) -> None:
        """Units were destroyed, for nothing."""
        self._realize(valued, valued.event, BURNED, "", 0, 0, exits)

    def send_to_exchange(self, valued: ValuedEvent, exits: list[Exit]) -> None:
        """Units went to an exchange, and count as sold at their value."""
        self._realize(valued, valued.event, EXCHANGE_TRANSFER, "", 0, valued.value_usd_e18, exits)

    def move_out(self, valued: ValuedEvent) -> None:
        """Units left with their basis, to nobody knows whom."""
        self._move_out(valued, valued.event.qty_raw)
        self._end_if_empty(valued.event)

    def put_aside(self, valued: ValuedEvent) -> None:
        """Units are parked with the pool, or in the escrow; those without a lot get one of unknown basis first."""
        event = valued.event
        missing_raw = event.qty_raw - self.held.units_raw
        if missing_raw > 0:
            self._add(event, FROM_POOL, missing_raw, UNKNOWN, None)
        elif self.episode is None:
            self._begin(event)
        parts, _ = self.held.take(event.qty_raw)
        self.pockets.put(event.counterparty, parts)
        self._end_if_empty(event)

    def take_out_of_pool(self, valued: ValuedEvent) -> None:
        """Parked units come back as they were; what is more than was parked is a lot at its share of the value."""
        event = valued.event
        parts, missing_raw = self.pockets.take(event.counterparty, event.qty_raw)
        self.held.put_back(parts)
        if missing_raw:
            value = valued.value_usd_e18
            if value is not None:
                value -= value * (event.qty_raw - missing_raw) // event.qty_raw
            self._add_at_market(valued, FROM_POOL, missing_raw, value)
        else:
            if self.episode is None:
                self._begin(event)
            self._end_if_empty(event)

    def take_out_of_escrow(self, valued: ValuedEvent) -> None:
        """Parked units come back as they were; more than was parked came from nobody knows whom at what cost."""
        event = valued.event
        parts, missing_raw = self.pockets.take(event.counterparty, event.qty_raw)
        self.held.put_back(parts)
        if missing_raw:
            self._add(event, RECEIVED, missing_raw, UNKNOWN, None)
        else:
            if self.episode is None:
                self._begin(event)
            self._end_if_empty(event)

    def pass_on(self, valued: ValuedEvent, sent_raw: int) -> None:
        """A transfer between wallets of one owner: `sent_raw` is below nothing at the end where it arrives."""
        if self.transit is None:
            self.transit = Transit(valued, sent_raw)
        else:
            self.transit.last = valued
            self.transit.missing_raw += sent_raw

    def settle(self) -> None:
        """Book what a finished transaction lost, or gained, between wallets of one owner.

        A mint may withhold a fee of what is sent: those units left. Others stay in their lots.
        """
        transit, self.transit = self.transit, None
        if transit is None or not transit.missing_raw:
            return
        if transit.missing_raw > 0:
            self._move_out(transit.last, transit.missing_raw)
            self._end_if_empty(transit.last.event)
        else:
            self._add(transit.last.event, RECEIVED, -transit.missing_raw, UNKNOWN, None)

    def _add(
        self,
        event: PositionEvent,
        origin: str,
        qty_raw: int,
        basis_status: str,
        cost_usd_e18: int | None,
        cost_mint: str | None = None,
        cost_raw: int | None = None,
    ) -> None:
        episode = self.episode or self._begin(event)
        number = self.lot_count = self.lot_count + 1
        name = episode.name
        self.held.add(OpenLot(number, event, name, origin, qty_raw, cost_mint, cost_raw, cost_usd_e18, basis_status))
        episode.count_lot(origin, qty_raw, basis_status, cost_usd_e18)
        if cost_usd_e18 is not None:
            self.average.add(qty_raw, cost_usd_e18)

    def _add_at_market(self, valued: ValuedEvent, origin: str, qty_raw: int, value_usd_e18: int | None) -> None:
        self._add(valued.event, origin, qty_raw, UNKNOWN if value_usd_e18 is None else MARKET, value_usd_e18)

    def _realize(
        self,
        valued: ValuedEvent,
        event: PositionEvent,
        kind: str,
        proceeds_mint: str,
        proceeds_raw: int,
        proceeds_usd_e18: int | None,
        exits: list[Exit],
    ) -> None:
        """Units left for proceeds, which may be none; what that realised goes to `exits`, in the order of the lots."""
        episode = self.episode or self._begin(event)
        is_first = True
        for cut in self._leave(event.qty_raw, proceeds_raw, proceeds_usd_e18, is_sold=True):
            average_usd_e18 = self._average_of(cut)
            episode.count_exit(cut, average_usd_e18)
            exits.append(Exit(valued, episode.name, kind, proceeds_mint, is_first, cut, average_usd_e18))
            is_first = False
        self._end_if_empty(event)

    def _leave(
        self, qty_raw: int, proceeds_raw: int = 0, proceeds_usd_e18: int | None = None, *, is_sold: bool
    ) -> list[Cut]:
        """Take units out of the position for good."""
        missing_raw = qty_raw - self.held.units_raw
        if missing_raw > 0:
            self.unheld_raw += missing_raw
        return self.held.leave(qty_raw, proceeds_raw, proceeds_usd_e18, is_sold, self.finished.lots)

    def _move_out(self, valued: ValuedEvent, qty_raw: int) -> None:
        event = valued.event
        episode = self.episode or self._begin(event)
        episode.moved_out_raw += qty_raw
        for cut in self._leave(qty_raw, is_sold=False):
            self._average_of(cut)
            self.finished.moved.append(
                MovedOut(
                    wallet=event.wallet,
                    mint=self.mint,
                    episode_id=episode.name.told(),
                    signature=event.signature,
                    path=event.path,
                    slot=event.slot,
                    moved_at_s=event.block_time_s,
                    counterparty=event.counterparty,
                    qty_raw=cut.qty_raw,
                    cost_mint=cut.cost_mint,
                    cost_raw=cut.cost_raw,
                    cost_usd_e18=cut.cost_usd_e18,
                    basis_status=cut.basis_status,
                    status=PENDING,
                )
            )

    def _average_of(self, cut: Cut) -> int | None:
        """What the cut's priced units take of the average; None where it has others too."""
        if cut.cost_usd_e18 is not None:
            return self.average.take(cut.priced_raw)
        if cut.priced_raw:
            self.average.take(cut.priced_raw)
        return None

    def _begin(self, event: PositionEvent) -> OpenEpisode:
        """Where no episode is open, this event begins the next."""
        self.episode_count += 1
        self.episode = begun(self.episode_count, event)
        return self.episode

    def _end_if_empty(self, event: PositionEvent) -> None:
        """Where nothing is held and nothing in pools, the episode ends with this event."""
        episode = self.episode
        if episode is not None and not self.held.units_raw and not self.pockets.units_raw:
            episode.last = event
            self.finished.episodes.append(episode)
            self.episode = None
