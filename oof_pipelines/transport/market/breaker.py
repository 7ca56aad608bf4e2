"""A circuit breaker: a service that fails again and again is left alone for a while, and then tried with one request.

Closed: every request goes out. After `failures_to_open` failures in a row it opens: nothing goes out for the cool-down.
Then it is half open: one request may try, and its outcome closes the breaker or opens it for another cool-down.
"""

import enum

from oof_pipelines.interfaces import Clock
from oof_pipelines.market_interfaces import BreakerOpenError


class BreakerState(enum.Enum):
    """Values are what metrics and messages say."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitBreaker:
    """The breaker of one service, `name` in messages.

    Each admitted request ends in exactly one outcome, told with what `admit` returned: whether it is the one that tries.
    """

    def __init__(self, name: str, failures_to_open: int, cool_down_seconds: float, clock: Clock) -> None:
        self._name = name
        self._failures_to_open = failures_to_open
        self._cool_down_seconds = cool_down_seconds
        self._clock = clock
        self._failures = 0
        self._opened_at_s: float | None = None
        self._is_probing = False

    @property
    def state(self) -> BreakerState:
        if self._opened_at_s is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self._seconds_left() <= 0 else BreakerState.OPEN

    def admit(self) -> bool:
        """Let a request go out, or raise `BreakerOpenError`. True for the request that tries a half-open breaker."""
        state = self.state
        if state is BreakerState.CLOSED:
            return False
        if state is BreakerState.OPEN:
            raise BreakerOpenError(f"{self._name}: failing, left alone for {self._seconds_left():.1f} more seconds")
        if self._is_probing:
            raise BreakerOpenError(f"{self._name}: failing, one request is trying whether it answers again")
        self._is_probing = True
        return True

    def succeeded(self) -> None:
        """It answered."""
        self._failures = 0
        self._opened_at_s = None
        self._is_probing = False

    def failed(self, is_probe: bool) -> None:
        """No usable answer. Failures of requests sent before the breaker opened do not prolong the cool-down."""
        self._failures += 1
        self._is_probing = self._is_probing and not is_probe
        if is_probe or (self._opened_at_s is None and self._failures >= self._failures_to_open):
            self._opened_at_s = self._clock.monotonic_s()

    def abandoned(self, is_probe: bool) -> None:
        """The request was given up by whoever asked: it says nothing about the service."""
        self._is_probing = self._is_probing and not is_probe

    def _seconds_left(self) -> float:
        opened_at_s = self._clock.monotonic_s() if self._opened_at_s is None else self._opened_at_s
        return opened_at_s + self._cool_down_seconds - self._clock.monotonic_s()
