"""Which stretches of days to fold next: a pure choice over what waits, for the sensor."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class DayRange:
    """A closed range of UTC days."""

    first: date
    last: date


SOON_SECONDS, LATEST_SECONDS = 120.0, 600.0
"""A day that still grows is folded when its oldest row waits for so long: the larger the day, the nearer the second."""

_ROWS_A_SECOND = 2_000
_LARGE_SHARE = 4


def is_worth_folding(waiting: int, rows: int, oldest_waits_seconds: float) -> bool:
    """Whether to fold a day that will be folded again soon, since each fold decodes and prices it whole.

    `waiting` of its `rows` are in no file, and served all the same, wallet by wallet. A quarter of the day is folded
    at once; less of it when its oldest row has waited for a while that grows with the day.
    """
    if waiting * _LARGE_SHARE >= rows:
        return True
    return oldest_waits_seconds >= min(LATEST_SECONDS, max(SOON_SECONDS, rows / _ROWS_A_SECOND))


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
