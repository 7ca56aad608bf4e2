"""Which slots a stream told of, and where the links between blocks say that it left some out. No I/O."""

from dataclasses import dataclass

SLOTS_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Missed:
    """Slots that the stream left out, both ends included; the last one holds a block, of the others it is not known."""

    first_slot: int
    last_slot: int


class SlotChain:
    """Confirmed slots with their parents. A parent that nobody told of is doubted, and missed once it stays away.

    Slots may come in any order and twice. `patience_seconds` is how long a slot may come after its child. What lies
    before the first slot told of since `begin` is not judged.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._seen: dict[int, None] = {}
        self._first_slot: int | None = None
        self._doubted_since_s: dict[int, float] = {}
        self.newest_slot = 0

    def begin(self) -> None:
        """A new stream begins somewhere: what lies before its first slot is not its to tell."""
        self._seen.clear()
        self._first_slot = None
        self._doubted_since_s.clear()

    def resume(self, from_slot: int) -> None:
        """The stream goes on and promises everything from `from_slot` on."""
        self._first_slot = from_slot if self._first_slot is None else min(self._first_slot, from_slot)

    def tell(self, slot: int, parent_slot: int | None, now_s: float) -> None:
        """`slot` is confirmed and builds on `parent_slot`."""
        if self._first_slot is None:
            self._first_slot = slot
        self.newest_slot = max(self.newest_slot, slot)
        self._seen[slot] = None
        self._doubted_since_s.pop(slot, None)
        is_judged = parent_slot is not None and self._first_slot <= parent_slot < slot
        if is_judged and parent_slot is not None and parent_slot not in self._seen:
            self._doubted_since_s.setdefault(parent_slot, now_s)
        if len(self._seen) > SLOTS_KEPT:
            self._forget_oldest()

    def bury(self, slot: int) -> None:
        """`slot` is dead: no block of the chain builds on it."""
        self._doubted_since_s.pop(slot, None)

    def missed(self, now_s: float) -> list[Missed]:
        """What has been doubted for long enough, each once, by slot; from then on it counts as told of."""
        late = sorted(
            slot for slot, since_s in self._doubted_since_s.items() if now_s - since_s >= self._patience_seconds
        )
        found = []
        for slot in late:
            found.append(Missed(self._first_unseen_before(slot), slot))
            del self._doubted_since_s[slot]
            self._seen[slot] = None
        return found

    def first_doubted_slot(self) -> int | None:
        """The first slot of the stretches that are doubted now."""
        return self._first_unseen_before(min(self._doubted_since_s)) if self._doubted_since_s else None

    def _first_unseen_before(self, slot: int) -> int:
        before = max((seen for seen in self._seen if seen < slot), default=None)
        first_slot = slot if self._first_slot is None else self._first_slot
        return first_slot if before is None else max(before + 1, first_slot)

    def _forget_oldest(self) -> None:
        """A replay brings more slots than are kept within the patience, so what is doubted is not forgotten with them."""
        doubted_slot = self.first_doubted_slot()
        oldest_kept = sorted(self._seen)[-SLOTS_KEPT // 2]
        first_slot = oldest_kept if doubted_slot is None else min(oldest_kept, doubted_slot)
        self._seen = {slot: None for slot in self._seen if slot >= first_slot}
        self._first_slot = first_slot
