"""What positions and moments of a bucket are made of, as two digests: where they differ from the noted ones, the bucket lags.

Cheap: files are told apart by when they were written, nothing is read. A file written again with the same bytes makes its
readers lag once for nothing. Prices count by the days that a bucket looks at. The newest stored day has a digest of its own,
since it is written again with every fold: who follows a feed may ask about it less often than about the rest.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.price_schemas import PRICE_1M, REFERENCE_PRICES

_PRICES = (PRICE_1M.name, REFERENCE_PRICES.name)
_MARKET = (*_PRICES, MARKET_EVENTS.name)
_DAY = timedelta(days=1)


class FileTimes(Protocol):
    """When files were written."""

    def days(self, dataset: str) -> list[date]: ...

    def written_at_ns(self, dataset: str, partition: date | int) -> int | None: ...


class DayMarks:
    """When each day's prices and market events were written, as of one look at the store and of one instant of the chain.

    Days after `as_of` are not looked at.
    """

    def __init__(self, files: FileTimes, as_of: datetime) -> None:
        self.as_of = as_of
        self.newest_day = as_of.astimezone(UTC).date()
        self._written: dict[str, dict[date, int | None]] = {
            dataset: {day: files.written_at_ns(dataset, day) for day in files.days(dataset) if day <= self.newest_day}
            for dataset in _MARKET
        }

    def of_prices(self, first_day: date, last_day: date) -> "Inputs":
        """The prices of the days from `first_day` to `last_day`, both included."""
        return self._between(_PRICES, first_day, last_day)

    def of_market(self, last_day: date | None) -> "Inputs":
        """Prices and market events of all days up to `last_day`, None for all, and on the newest day the instant itself."""
        found = self._between(_MARKET, date.min, last_day or date.max)
        return Inputs(found.settled, [*found.newest, self.as_of.isoformat()] if found.newest else [])

    def _between(self, datasets: tuple[str, ...], first_day: date, last_day: date) -> "Inputs":
        settled = [
            f"{dataset} {day} {written_at_ns}"
            for dataset in datasets
            for day, written_at_ns in self._written[dataset].items()
            if first_day <= day <= last_day and day != self.newest_day
        ]
        if not first_day <= self.newest_day <= last_day:
            return Inputs(settled, [])
        newest = [f"{dataset} {self._written[dataset].get(self.newest_day)}" for dataset in datasets]
        return Inputs(settled, [str(self.newest_day), *newest])


class Inputs:
    """What something is made of: `settled`, and what of it is of the newest day, nothing where that is not looked at."""

    def __init__(self, settled: Iterable[object], newest: Iterable[object]) -> None:
        self.settled = list(settled)
        self.newest = list(newest)

    def with_more(self, *more: object) -> "Inputs":
        """With these before the settled ones."""
        return Inputs([*more, *self.settled], self.newest)

    @property
    def digest(self) -> str:
        """Both digests, a space between; the second is - where the newest day is not looked at."""
        return f"{_digest(self.settled)} {_digest(self.newest) if self.newest else '-'}"


def has_changed(noted: str, now: str, *, is_newest_counted: bool) -> bool:
    """Whether what is noted (`Inputs.digest`) is outdated; changes of the newest day alone may be left for later.

    That a later day was stored is a change of what is settled, so nothing is left for ever.
    """
    if is_newest_counted:
        return noted != now
    return noted.partition(" ")[0] != now.partition(" ")[0]


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def day_before(day: date) -> date:
    """An event in the first minutes of a day may be valued by a candle of the day before."""
    return day - _DAY
