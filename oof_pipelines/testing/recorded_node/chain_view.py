"""What of the ledger exists at a moment: the recorded chain seen through its timeline, finality and vanishing slots."""

import asyncio
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from oof_pipelines.testing.recorded_node.clock import Clock
from oof_pipelines.testing.recorded_node.faults import Faults
from oof_pipelines.testing.recorded_node.ledger import Entry, Ledger
from oof_pipelines.testing.recorded_node.timeline import FINALITY_SECONDS, FINALITY_SLOTS, Timeline

FINALIZED = "finalized"
CONFIRMED = "confirmed"
PROCESSED = "processed"
COMMITMENTS = (FINALIZED, CONFIRMED, PROCESSED)


class Chain:
    """The recorded chain over time, which starts with the first request or subscription."""

    def __init__(self, ledger: Ledger, speed: float, clock: Clock, faults: Faults) -> None:
        self.ledger = ledger
        self.clock = clock
        self.faults = faults
        times = [ledger.block_time_seconds(number) for number in range(len(ledger.slots))]
        self.timeline = Timeline(ledger.slots, times, speed)
        self.vanishing = faults.vanishing_slots(ledger.slots)
        self.has_started = asyncio.Event()
        self.has_been_listened_to = False
        self._started_at_seconds = 0.0
        self._announced_at_seconds: dict[int, float] = {}
        self._first_asked_at_seconds: dict[str, float] = {}
        self._forked_at_seconds: dict[int, float] = {}

    def start(self) -> None:
        """Start the chain's time, once."""
        if not self.has_started.is_set():
            self._started_at_seconds = self.clock.now_seconds()
            self.has_started.set()

    def elapsed_seconds(self) -> float:
        """Seconds since the start; 0 before it."""
        return self.clock.now_seconds() - self._started_at_seconds if self.has_started.is_set() else 0.0

    def view(self) -> "View":
        """The chain as of now."""
        return View(self, self.elapsed_seconds())

    def note_announced(self, slot: int) -> None:
        """Remember that somebody has heard of `slot`, from when on it counts as announced."""
        if slot in self.vanishing:
            self._announced_at_seconds.setdefault(slot, self.elapsed_seconds())

    def is_gone(self, slot: int, elapsed_seconds: float) -> bool:
        """Whether `slot` is one of the vanishing ones and its time is over."""
        if slot not in self.vanishing:
            return False
        announced = self._announced_at_seconds.get(slot)
        if announced is not None and elapsed_seconds >= announced + self.faults.setting("vanish", "after_ms") / 1000:
            return True
        if self.timeline.is_instant:
            # Nothing is ever final later here. A slot that is still to be announced waits for its announcement; where
            # nobody ever listens, it goes after the time that finality takes on the chain.
            return not self.has_been_listened_to and elapsed_seconds >= FINALITY_SECONDS
        return self.timeline.tip_slot(elapsed_seconds - self.timeline.finality_lag_seconds) >= slot

    def is_null_after_log(self, entry: Entry) -> bool:
        """Whether the node has not caught up with its own log yet. At speed 0 the time runs from the first question."""
        if not self.faults.befalls("null_after_log", entry.signature):
            return False
        now_seconds = self.elapsed_seconds()
        if self.timeline.is_instant:
            since = self._first_asked_at_seconds.setdefault(entry.signature, now_seconds)
        else:
            number = self.ledger.slot_number(entry.slot)
            since = self.timeline.offsets_seconds[number or 0]
        return now_seconds < since + self.faults.setting("null_after_log", "for_ms") / 1000

    def is_forked(self, entry: Entry) -> bool:
        """Whether it is still confirmed in a slot that loses. The time runs from the first who hears of it or asks."""
        if not self.faults.befalls("fork", str(entry.slot)):
            return False
        now_seconds = self.elapsed_seconds()
        began_seconds = self._forked_at_seconds.setdefault(entry.slot, now_seconds)
        return now_seconds < began_seconds + self.faults.setting("fork", "after_ms") / 1000

    def slot_of(self, entry: Entry) -> int:
        """The slot that the node says it is in, now."""
        back = int(self.faults.setting("fork", "back")) if self.is_forked(entry) else 0
        return max(0, entry.slot - back)


@dataclass(frozen=True, slots=True)
class View:
    """The chain at `elapsed_seconds` after its start. `processed` sees what `confirmed` sees."""

    chain: Chain
    elapsed_seconds: float

    def tip_slot(self, commitment: str) -> int:
        """The newest slot of that commitment, recorded or not."""
        return self.chain.timeline.tip_slot(self._seconds_at(commitment))

    def slot_count(self, commitment: str) -> int:
        """How many recorded slots have reached that commitment, vanishing ones among them."""
        return self.chain.timeline.visible_count(self._seconds_at(commitment))

    def _seconds_at(self, commitment: str) -> float:
        lag_seconds = self.chain.timeline.finality_lag_seconds if commitment == FINALIZED else 0.0
        return self.elapsed_seconds - lag_seconds

    def has_slot(self, slot: int, commitment: str) -> bool:
        """Whether `slot` is recorded, visible at that commitment and not gone."""
        number = self.chain.ledger.slot_number(slot)
        if number is None or number >= self.slot_count(commitment):
            return False
        if slot not in self.chain.vanishing:
            return True
        return commitment != FINALIZED and not self.chain.is_gone(slot, self.elapsed_seconds)

    def entry(self, signature: str, commitment: str) -> Entry | None:
        """The transaction of that signature, if it exists at that commitment."""
        position = self.chain.ledger.position_of(signature)
        if position is None:
            return None
        entry = self.chain.ledger.entries[position]
        if not self.has_slot(entry.slot, commitment) or (commitment == FINALIZED and self.chain.is_forked(entry)):
            return None
        return entry

    def confirmation(self, slot: int) -> tuple[str, int | None]:
        """The confirmationStatus of a visible slot and its number of confirmations, None once it is final."""
        if self.has_slot(slot, FINALIZED):
            return FINALIZED, None
        return CONFIRMED, max(0, min(FINALITY_SLOTS - 1, self.tip_slot(CONFIRMED) - slot))

    def slots(self, first_slot: int, last_slot: int, commitment: str) -> Iterator[int]:
        """The recorded slots from `first_slot` to `last_slot`, both included, that exist at that commitment."""
        all_slots = self.chain.ledger.slots
        for number in range(bisect_left(all_slots, first_slot), self.slot_count(commitment)):
            slot = all_slots[number]
            if slot > last_slot:
                return
            if self.has_slot(slot, commitment):
                yield slot
