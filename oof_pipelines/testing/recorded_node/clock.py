"""The clock that the node lives by, so that a test can bring its own."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that never go back, and a way to wait for them."""

    def now_seconds(self) -> float:
        """Seconds since some fixed instant."""
        ...

    async def sleep(self, duration_seconds: float) -> None:
        """Return once `duration_seconds` have passed on this clock."""
        ...


class MonotonicClock:
    """The machine's monotonic clock."""

    def now_seconds(self) -> float:
        """Seconds of time.monotonic."""
        return time.monotonic()

    async def sleep(self, duration_seconds: float) -> None:
        """asyncio.sleep."""
        await asyncio.sleep(duration_seconds)
