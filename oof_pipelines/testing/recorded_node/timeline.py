"""When a recorded slot becomes visible. Pure: seconds since the chain's start come in as a number."""

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence

SLOT_SECONDS = 0.4
"""The nominal length of a slot (DEFAULT_MS_PER_SLOT of the Solana clock)."""

FINALITY_SLOTS = 32
"""A block is finalized once 31 more have been confirmed on top of it (agave, MAX_LOCKOUT_HISTORY)."""

FINALITY_SECONDS = FINALITY_SLOTS * SLOT_SECONDS
MAX_GAP_SECONDS = 1.0
_INSTANT_TIP_SLOTS = 64
_BLOCK_TIME_GRAIN_SECONDS = 1


class Timeline:
    """The slots of a recording laid out in time, `speed` times faster than they happened; speed 0 shows all at once."""

    def __init__(self, slots: Sequence[int], block_times: Sequence[int | None], speed: float) -> None:
        if not slots:
            raise ValueError("a chain needs at least one slot")
        self.is_instant = speed == 0
        self._slots = slots
        self._tick_seconds = 0.0 if self.is_instant else SLOT_SECONDS / speed
        self.finality_lag_seconds = 0.0 if self.is_instant else FINALITY_SECONDS / speed
        self.offsets_seconds = array("d", [0.0])
        for number in range(1, len(slots)):
            gap = _gap_seconds(slots, block_times, number)
            step = 0.0 if self.is_instant else min(gap, MAX_GAP_SECONDS) / speed
            self.offsets_seconds.append(self.offsets_seconds[-1] + step)

    def visible_count(self, elapsed_seconds: float) -> int:
        """How many recorded slots there are after `elapsed_seconds`; ask for finalized ones with that less the lag."""
        if self.is_instant:
            return len(self._slots)
        return bisect_right(self.offsets_seconds, elapsed_seconds)

    def tip_slot(self, elapsed_seconds: float) -> int:
        """The newest slot: the last recorded one that is visible, and after the last one slot per 0.4 s / speed."""
        if self.is_instant:
            return self._slots[-1] + _INSTANT_TIP_SLOTS
        count = self.visible_count(elapsed_seconds)
        if count == 0:
            return max(0, self._slots[0] - FINALITY_SLOTS)
        if count < len(self._slots):
            return self._slots[count - 1]
        overtime_seconds = elapsed_seconds - self.offsets_seconds[-1]
        return self._slots[-1] + math.floor(overtime_seconds / self._tick_seconds)

    def tip_offset_seconds(self, slot: int) -> float:
        """When the tip reaches `slot`, a slot after the last recorded one."""
        return self.offsets_seconds[-1] + (slot - self._slots[-1]) * self._tick_seconds


def _gap_seconds(slots: Sequence[int], block_times: Sequence[int | None], number: int) -> float:
    # Block times have a grain of a second, so the slot numbers pace what the times leave open; a null time leaves all.
    paced = (slots[number] - slots[number - 1]) * SLOT_SECONDS
    before, after = block_times[number - 1], block_times[number]
    if before is None or after is None:
        return paced
    told = after - before
    return max(0.0, min(max(paced, told - _BLOCK_TIME_GRAIN_SECONDS), told + _BLOCK_TIME_GRAIN_SECONDS))
