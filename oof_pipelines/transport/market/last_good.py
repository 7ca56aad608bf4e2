"""The newest believed value of each key, with its age: what a caller may show, marked as old, while a service is away."""

from typing import Generic, TypeVar

from oof_pipelines.interfaces import Clock
from oof_pipelines.market_interfaces import LastGood

ValueT = TypeVar("ValueT")


class LastGoodValues(Generic[ValueT]):
    """At most `most_keys` values; where there are more, the one remembered longest ago is forgotten."""

    def __init__(self, clock: Clock, most_keys: int = 10_000) -> None:
        self._clock = clock
        self._most_keys = most_keys
        self._values: dict[str, tuple[ValueT, float]] = {}

    def remember(self, key: str, value: ValueT) -> None:
        """`value` is the newest of `key`, as of now."""
        self._values.pop(key, None)
        self._values[key] = (value, self._clock.monotonic_s())
        if len(self._values) > self._most_keys:
            del self._values[next(iter(self._values))]

    def of(self, key: str) -> LastGood[ValueT] | None:
        """The value of `key` and how long ago it was remembered; None where there was never one."""
        found = self._values.get(key)
        return LastGood(found[0], self._clock.monotonic_s() - found[1]) if found else None
