"""Time for the tests of retries: it passes when someone sleeps, and then at once."""

import asyncio
from datetime import UTC, datetime


class LeapingClock:
    """A clock whose sleeps take no time and are remembered."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_s, UTC)

    def monotonic_s(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)
