"""How often we ask: a request budget, and waiting longer after each failure. Clock and randomness are passed in."""

import asyncio
import random

from oof_pipelines.interfaces import Clock


class RequestBudget:
    """At most `requests` a period (a second) on average, in bursts of at most one period's. First come, first served."""

    def __init__(self, requests: int, clock: Clock, period_seconds: float = 1.0) -> None:
        self._requests = requests
        self._rate = requests / period_seconds
        self._clock = clock
        self._tokens = float(requests)
        self._filled_at_s = clock.monotonic_s()
        self._turn = asyncio.Lock()

    async def take(self) -> None:
        """Return when one more request is within the budget."""
        async with self._turn:
            self._fill()
            if self._tokens < 1:
                await self._clock.sleep((1 - self._tokens) / self._rate)
                self._fill()
            self._tokens -= 1

    def _fill(self) -> None:
        now_s = self._clock.monotonic_s()
        self._tokens = min(float(self._requests), self._tokens + (now_s - self._filled_at_s) * self._rate)
        self._filled_at_s = now_s


class Backoff:
    """Delays that double from `base_seconds` to `cap_seconds`, each drawn between half and whole (jitter)."""

    def __init__(self, base_seconds: float, cap_seconds: float, randomness: random.Random) -> None:
        self._base_seconds = base_seconds
        self._cap_seconds = cap_seconds
        self._randomness = randomness
        self._failures = 0

    def next_delay_seconds(self) -> float:
        whole: float = min(self._cap_seconds, self._base_seconds * 2 ** min(self._failures, 30))
        self._failures += 1
        return whole * (0.5 + self._randomness.random() / 2)

    def reset(self) -> None:
        self._failures = 0
