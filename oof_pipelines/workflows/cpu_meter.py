"""What a run has taken of the processors, and whether that is more than it may."""

from collections.abc import Callable


class CpuMeter:
    """Counts from when it is made. `own_cpu_ms` tells this process's milliseconds, whatever it counts from.

    Work that other processes did for the run is added by whoever had it done.
    """

    def __init__(self, most_ms: int | None, own_cpu_ms: Callable[[], int]) -> None:
        self._most_ms = most_ms
        self._own_cpu_ms = own_cpu_ms
        self._begun_ms = own_cpu_ms()
        self._others_ms = 0

    def add_ms(self, spent_ms: int) -> None:
        """Another process worked for the run."""
        self._others_ms += spent_ms

    @property
    def spent_ms(self) -> int:
        return self._own_cpu_ms() - self._begun_ms + self._others_ms

    @property
    def is_over(self) -> bool:
        return self._most_ms is not None and self.spent_ms >= self._most_ms
