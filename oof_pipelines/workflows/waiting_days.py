"""Which stretches of days to fold next: a pure choice over what waits, for the sensor."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class DayRange:
    """A closed range of UTC days."""

    first: date
    last: date


def next_range(
    days_waiting: dict[date, int], *, bridge_days: int, at_most_days: int, after: date | None = None
) -> DayRange | None:
    """The oldest stretch of waiting days, bridging gaps of at most `bridge_days`, no longer than `at_most_days`.

    With `after`, the oldest one past that day, or the oldest of all where none is: so stretches take turns.

    One run folds a stretch; an empty day inside costs it milliseconds, a run of its own costs seconds. None where
    nothing waits.
    """
    days = sorted(day for day, count in days_waiting.items() if count > 0)
    if not days:
        return None
    if after is not None:
        days = [day for day in days if day > after] or days
    first = last = days[0]
    for day in days[1:]:
        if day - last > timedelta(days=bridge_days) or (day - first).days >= at_most_days:
            break
        last = day
    return DayRange(first, last)
