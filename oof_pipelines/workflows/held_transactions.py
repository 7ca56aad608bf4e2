"""Transactions of a stream that wait for the time of their block, which comes behind them. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from oof_pipelines.geyser_interfaces import GeyserTransaction

TIMES_KEPT = 1_000
RECENT_KEPT = 20_000


@dataclass(slots=True)
class _Slot:
    held_since_s: float
    transactions: list[GeyserTransaction] = field(default_factory=list)


class HeldTransactions:
    """Slots whose block time is not known yet, with what they hold; and the times of the newest blocks."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._slots: dict[int, _Slot] = {}
        self._times_s: dict[int, int | None] = {}
        self._recent: dict[tuple[str, int], None] = {}

    def __len__(self) -> int:
        return sum(len(one.transactions) for one in self._slots.values())

    def is_repeated(self, transaction: GeyserTransaction) -> bool:
        """Whether it came before, in this slot. A replay brings the newest slots again."""
        key = (transaction.signature, transaction.slot)
        if key in self._recent:
            return True
        self._recent[key] = None
        if len(self._recent) > RECENT_KEPT:
            del self._recent[next(iter(self._recent))]
        return False

    def knows_time(self, slot: int) -> bool:
        """Whether the block meta of `slot` has come."""
        return slot in self._times_s

    def time_s(self, slot: int) -> int | None:
        """The time that its block meta stated, if any."""
        return self._times_s.get(slot)

    def hold(self, transaction: GeyserTransaction, now_s: float) -> None:
        """Keep it until its slot is released."""
        self._slots.setdefault(transaction.slot, _Slot(now_s)).transactions.append(transaction)

    def release(self, slot: int, block_time_s: int | None) -> list[GeyserTransaction]:
        """The block meta of `slot` has come: what it held, in the order in which it came."""
        self._times_s[slot] = block_time_s
        if len(self._times_s) > TIMES_KEPT:
            del self._times_s[next(iter(self._times_s))]
        return self._take(slot)

    def overdue(self, now_s: float) -> Iterable[tuple[int, list[GeyserTransaction]]]:
        """Slots whose block meta stays away, by slot, with what they held; they are not held any longer."""
        late = sorted(slot for slot, one in self._slots.items() if now_s - one.held_since_s >= self._patience_seconds)
        for slot in late:
            yield slot, self._take(slot)

    def first_slot(self) -> int | None:
        """The lowest slot of which something is held."""
        return min(self._slots, default=None)

    def _take(self, slot: int) -> list[GeyserTransaction]:
        held = self._slots.pop(slot, None)
        return held.transactions if held else []
