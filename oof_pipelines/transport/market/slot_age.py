"""How old a state is that a service names only by its slot, told from the newest slot the service has shown so far."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median_low

_SLOT_TIME = timedelta(milliseconds=400)
# Slots are seldom shorter than this; with some slack it bounds how far ahead a new one may be.
_SHORTEST_SLOT_TIME = timedelta(milliseconds=200)
_SLACK_SLOTS = 1500


class SlotAges:
    """The newest slot of one service and when it was first seen. A service that shows no newer one grows old with time.

    A slot that is absurdly far ahead would make every later state look old: it is not believed, and moves nothing.
    """

    def __init__(self) -> None:
        self._newest_slot: int | None = None
        self._seen_at: datetime | None = None

    def see(self, slots: Iterable[int], now: datetime) -> None:
        """The service showed `slots` in one answer; what most of them say decides which are believed."""
        shown = sorted(slots)
        if shown and self._newest_slot is None:
            self._move(median_low(shown), now)
        for slot in shown:
            if self.is_believed(slot, now) and slot > (self._newest_slot or 0):
                self._move(slot, now)

    def is_believed(self, slot: int, now: datetime) -> bool:
        """Whether the chain can have come to `slot` since the newest one was seen."""
        if self._newest_slot is None or self._seen_at is None:
            return True
        return slot <= self._newest_slot + (now - self._seen_at) // _SHORTEST_SLOT_TIME + _SLACK_SLOTS

    def published_at(self, slot: int, now: datetime) -> datetime:
        """About when the state at `slot` was, no later than now: 0.4 s a slot behind the newest, itself as old as seen."""
        if self._newest_slot is None or self._seen_at is None:
            return now
        return min(now, self._seen_at - (self._newest_slot - slot) * _SLOT_TIME)

    def _move(self, slot: int, now: datetime) -> None:
        self._newest_slot, self._seen_at = slot, now
