"""An answer that costs something, kept for some seconds and asked for once at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from oof_pipelines.interfaces import Clock

T = TypeVar("T")


class Cached(Generic[T]):
    """What `ask` answered, at most `seconds` old. Whoever comes while it is being asked gets that answer too.

    `ask` must not raise: what went wrong is an answer, and is kept as long as any other.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]], seconds: float, clock: Clock) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._asking: asyncio.Task[T] | None = None
        self._asked_s = float("-inf")

    async def get(self) -> T:
        """The kept answer, or a new one."""
        now_s = self._clock.monotonic_s()
        asking = self._asking
        if asking is None or (asking.done() and (now_s - self._asked_s >= self._seconds or asking.cancelled())):
            self._asked_s = now_s
            asking = self._asking = asyncio.create_task(self._call())
        # A caller that goes away does not take the answer from the others.
        return await asyncio.shield(asking)

    async def _call(self) -> T:
        return await self._ask()
