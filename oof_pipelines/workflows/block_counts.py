"""Whether as many transactions of a block were heard as it says it has. No I/O.

Only a stream of everything, votes too, can be compared so.
"""

from collections import Counter
from dataclasses import dataclass

SLOTS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class _Expected:
    count: int
    since_s: float


class BlockCounts:
    """Transactions heard by slot, beside what block metas state. `patience_seconds` is how long one may come late."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._heard: Counter[int] = Counter()
        self._expected: dict[int, _Expected] = {}

    def hear(self, slot: int) -> None:
        """One transaction of `slot` came for the first time."""
        self._heard[slot] += 1
        while len(self._heard) > SLOTS_KEPT:
            del self._heard[next(iter(self._heard))]

    def expect(self, slot: int, count: int, now_s: float) -> None:
        """The block of `slot` says that it has `count`."""
        if self._heard[slot] < count:
            self._expected.setdefault(slot, _Expected(count, now_s))

    def short(self, now_s: float) -> list[int]:
        """Slots of which some are missing for too long, each once."""
        for slot in [slot for slot, one in self._expected.items() if self._heard[slot] >= one.count]:
            del self._expected[slot]
        late = sorted(slot for slot, one in self._expected.items() if now_s - one.since_s >= self._patience_seconds)
        for slot in late:
            del self._expected[slot]
        return late

    def first_slot(self) -> int | None:
        """The lowest slot of which some are missing."""
        return min(self._expected, default=None)
