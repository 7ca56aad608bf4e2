"""How old a state is that a service names only by its slot, told from the newest slot the service has shown so far."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from statistics import median_low

from oof_pipelines.chain.slot_clock import MAINNET_ANCHORS

_SLOT_TIME = timedelta(milliseconds=400)
# Slots are seldom shorter than this; with some slack it bounds how far ahead a new one may be.
_SHORTEST_SLOT_TIME = timedelta(milliseconds=200)
_LONGEST_SLOT_TIME = timedelta(milliseconds=800)
_SLACK_SLOTS = 1500
# Three months: what the first answer says is compared with nothing but a slot known for long.
_FIRST_SLACK_SLOTS = 20_000_000
_KNOWN_SLOT = MAINNET_ANCHORS[-1][0]
_KNOWN_AT = datetime.fromtimestamp(MAINNET_ANCHORS[-1][1], UTC)


class SlotAges:
    """The newest slot of one service and when it was first seen. A service that shows no newer one grows old with time.

    A slot that is absurdly far ahead would make every later state look old: it is not believed, and moves nothing. One
    that is absurdly far behind would make every true one look far ahead: it is the newest only until a likelier one comes.
    """

    def __init__(self) -> None:
        self._newest_slot: int | None = None
        self._seen_at: datetime | None = None

    def see(self, slots: Iterable[int], now: datetime) -> None:
        """The service showed `slots` in one answer; what most of them say decides which are believed."""
        least, most = plausible_slots(now)
        shown = [slot for slot in sorted(slots) if slot <= most]
        if shown and (self._newest_slot is None or self._newest_slot < least <= shown[-1]):
            self._move(median_low([slot for slot in shown if slot >= least] or shown), now)
        for slot in shown:
            if self.is_believed(slot, now) and slot > (self._newest_slot or 0):
                self._move(slot, now)

    def is_believed(self, slot: int, now: datetime) -> bool:
        """Whether the chain can have come to `slot` since the newest one was seen, and can be there at all."""
        _, most = plausible_slots(now)
        if self._newest_slot is None or self._seen_at is None:
            return slot <= most
        since = (now - self._seen_at) // _SHORTEST_SLOT_TIME
        return slot <= min(most, self._newest_slot + since + _SLACK_SLOTS)

    def published_at(self, slot: int, now: datetime) -> datetime:
        """About when the state at `slot`, a believed one, was, no later than `now`: 0.4 s a slot behind the newest, itself
        as old as seen.
        """
        if self._newest_slot is None or self._seen_at is None:
            return now
        return min(now, self._seen_at - (self._newest_slot - slot) * _SLOT_TIME)

    def _move(self, slot: int, now: datetime) -> None:
        self._newest_slot, self._seen_at = slot, now


def plausible_slots(now: datetime) -> tuple[int, int]:
    """(least, most) slot that mainnet may be at by the clock: from a block known for long, at 0.2 to 0.8 s a slot."""
    since = now - _KNOWN_AT
    least, most = sorted((since // _LONGEST_SLOT_TIME, since // _SHORTEST_SLOT_TIME))
    return max(0, _KNOWN_SLOT + least - _FIRST_SLACK_SLOTS), max(0, _KNOWN_SLOT + most + _FIRST_SLACK_SLOTS)
