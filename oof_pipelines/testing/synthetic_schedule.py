"""When synthetic transactions land: which slots are occupied, at what block time, by how many transactions.

Pure: everything follows from the arguments and the dice handed in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

SECONDS_A_DAY = 86_400
# A slot takes 0.4 s, written as a fraction so that no float touches a time: five slots are two seconds.
_SLOTS_A_STEP = 5
_SECONDS_A_STEP = 2
_UNKNOWN_TIME_ODDS = 40


@dataclass(frozen=True, slots=True)
class OccupiedSlot:
    """A slot with synthetic transactions in it; slots between two occupied ones are skipped or hold nothing of ours."""

    slot: int
    unix_time_s: int
    is_time_known: bool
    transaction_count: int


def block_time_of_slot_s(slot: int, start_slot: int, start_time_s: int) -> int:
    """Block time of a slot, whole Unix seconds, at 0.4 s a slot from a slot whose time is known."""
    return start_time_s + (slot - start_slot) * _SECONDS_A_STEP // _SLOTS_A_STEP


def plan_slots(
    dice: Random, transaction_count: int, *, start_slot: int, start_time_s: int, days: int
) -> Iterator[OccupiedSlot]:
    """Spread the transactions evenly over `days` UTC days, in rising slots, one to four of them a slot.

    The first day runs from `start_time_s` to the next midnight UTC, the others are whole days of 216,000 slots. More
    transactions than a day has slots make fuller slots. One slot in forty, by chance, has no known block time, as
    some recorded ones have not. Lazy: holds one slot at a time.
    """
    for day in range(days):
        count = transaction_count * (day + 1) // days - transaction_count * day // days
        midnight_s = start_time_s - start_time_s % SECONDS_A_DAY
        opens_s = max(start_time_s, midnight_s + day * SECONDS_A_DAY)
        closes_s = midnight_s + (day + 1) * SECONDS_A_DAY
        first = _first_slot_at(opens_s, start_slot, start_time_s)
        window = _first_slot_at(closes_s, start_slot, start_time_s) - first
        done = 0
        while done < count:
            # Never fewer than fill the window evenly, so that every group has at least one slot of its own.
            fewest = -(-count // window)
            group = min(count - done, fewest + dice.choice((0, 0, 0, 1, 1, 2, 3)))
            lowest = first + done * window // count
            room = first + (done + group) * window // count - lowest
            is_opening = day == 0 and done == 0
            slot = lowest if is_opening else lowest + dice.randrange(max(1, room))
            yield OccupiedSlot(
                slot=slot,
                unix_time_s=block_time_of_slot_s(slot, start_slot, start_time_s),
                is_time_known=is_opening or dice.randrange(_UNKNOWN_TIME_ODDS) > 0,
                transaction_count=group,
            )
            done += group


def _first_slot_at(time_s: int, start_slot: int, start_time_s: int) -> int:
    """The first slot whose block time is at or after the given time."""
    return start_slot + -(-(time_s - start_time_s) * _SLOTS_A_STEP // _SECONDS_A_STEP)
