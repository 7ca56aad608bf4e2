"""One market service over HTTP: timeout, request budget, retries with jitter, circuit breaker, a ceiling on answers.

What may pass by itself (no connection, 429, 5xx, an answer that was cut off) is asked for again until the attempts or the
time are used up; then `SourceUnavailableError`, or `ReadingRefusedError` where the last answer was no JSON. What the service
refuses (4xx) is `ServiceRefusedError` at once, and an answer of another form or size than agreed `ReadingRefusedError`.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Generic, TypeVar

import httpx
import msgspec

from oof_pipelines.interfaces import Clock, SourceRefusedError, SourceUnavailableError
from oof_pipelines.pricing.readings import ReadingRefusedError
from oof_pipelines.settings import SecretText, SecretUrl
from oof_pipelines.transport.loopback import direct_mounts
from oof_pipelines.transport.market.breaker import CircuitBreaker
from oof_pipelines.transport.pacing import Backoff, RequestBudget
from oof_pipelines.transport.trouble import TroubleReport, reason_of

ValueT = TypeVar("ValueT")
ServiceT = TypeVar("ServiceT", bound="MarketService")

# 418 is Binance's: an address that went on after its 429s.
_LIMIT_STATUSES = frozenset({418, 429})
_PASSING_STATUSES = _LIMIT_STATUSES | {408, 425}
_ACCESS_STATUSES = frozenset({401, 402, 403, 451})
_SHOWN_CHARACTERS = 200
_USER_AGENT = "oof-pipelines"


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """How a service is asked. Of `requests` a period at most; `give_up_seconds` bounds a call, its retries included."""

    requests: int
    period_seconds: float = 1.0
    timeout_seconds: float = 10.0
    attempts: int = 4
    give_up_seconds: float = 30.0
    first_delay_seconds: float = 0.25
    longest_delay_seconds: float = 8.0
    longest_retry_after_seconds: float = 300.0
    most_bytes: int = 4 * 2**20
    failures_to_open: int = 6
    cool_down_seconds: float = 30.0


class ServiceRefusedError(SourceRefusedError):
    """The service understood and says no (HTTP 4xx); `body` is what it said, `code` the status."""

    def __init__(self, status: int, message: str, body: bytes) -> None:
        super().__init__(status, message)
        self.body = body


@dataclass(frozen=True, slots=True)
class Answer(Generic[ValueT]):
    """A decoded answer. `served_at` is the server's Date header, None where it has none; `came_at` is our clock."""

    value: ValueT
    served_at: datetime | None
    came_at: datetime


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    headers: httpx.Headers
    body: bytes


class _PassingError(Exception):
    """An attempt that failed in a way that may pass. `is_garbled`: it answered, but with no JSON."""

    def __init__(self, reason: str, retry_after_seconds: float | None = None, *, is_garbled: bool = False) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds
        self.is_garbled = is_garbled


class MarketService:
    """A client's connection to the service called `source` in readings. Async context manager; safe for many tasks.

    `outcomes` counts answered, retried, refused, unavailable, for metrics. `key` is sent as the header it is given with.
    """

    def __init__(
        self,
        source: str,
        url: SecretUrl,
        policy: ServicePolicy,
        *,
        clock: Clock,
        randomness: random.Random,
        key: tuple[str, SecretText] | None = None,
    ) -> None:
        self.source = source
        self.url = url
        self.policy = policy
        self.clock = clock
        self.breaker = CircuitBreaker(source, policy.failures_to_open, policy.cool_down_seconds, clock)
        self.outcomes: Counter[str] = Counter()
        self._key = key
        self._randomness = randomness
        self._budget = RequestBudget(policy.requests, clock, policy.period_seconds)
        self._trouble = TroubleReport(url, clock)
        self._rests_until_s = 0.0
        self.http = httpx.AsyncClient(
            timeout=policy.timeout_seconds,
            mounts=direct_mounts([url.reveal()]),
            headers={"User-Agent": _USER_AGENT} | ({key[0]: key[1].reveal()} if key else {}),
        )

    async def __aenter__(self: ServiceT) -> ServiceT:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def get(
        self, path: str, decode: Callable[[bytes], ValueT], parameters: Sequence[tuple[str, str]] = ()
    ) -> Answer[ValueT]:
        """GET `path` under the service's address, its answer decoded; errors as the module says."""
        return await self._call("GET", self._address(path), decode, parameters, None)

    async def post(self, path: str, decode: Callable[[bytes], ValueT], content: object) -> Answer[ValueT]:
        """POST `content` as JSON; else as `get`."""
        return await self._call("POST", self._address(path), decode, (), msgspec.json.encode(content))

    async def _call(
        self,
        method: str,
        address: httpx.URL,
        decode: Callable[[bytes], ValueT],
        parameters: Sequence[tuple[str, str]],
        content: bytes | None,
    ) -> Answer[ValueT]:
        deadline_s = self.clock.monotonic_s() + self.policy.give_up_seconds
        backoff = Backoff(self.policy.first_delay_seconds, self.policy.longest_delay_seconds, self._randomness)
        for name, value in parameters:
            address = address.copy_add_param(name, value)
        for attempt in range(1, self.policy.attempts + 1):
            await self._wait_out_rest(deadline_s)
            is_probe = self.breaker.admit()
            try:
                await self._budget.take()
                answer = self._decoded(await self._send(method, address, content), decode)
            except _PassingError as error:
                self._note_failure(error, is_probe)
                delay_seconds = error.retry_after_seconds or backoff.next_delay_seconds()
                if attempt == self.policy.attempts or self.clock.monotonic_s() + delay_seconds >= deadline_s:
                    raise self._given_up(error) from None
                self.outcomes["retried"] += 1
                await self.clock.sleep(delay_seconds)
            except ServiceRefusedError:
                self._note_answer()
                self.outcomes["refused"] += 1
                raise
            except (ReadingRefusedError, SourceUnavailableError) as error:
                self.breaker.failed(is_probe)
                self._trouble.failed(str(error), is_plain=True)
                self.outcomes["refused" if isinstance(error, ReadingRefusedError) else "unavailable"] += 1
                raise
            except BaseException:
                self.breaker.abandoned(is_probe)
                raise
            else:
                self._note_answer()
                self.outcomes["answered"] += 1
                return answer
        raise AssertionError("a policy has at least one attempt")

    def _address(self, path: str) -> httpx.URL:
        """`path` appended to the address's own; a query the address has (a key) is kept."""
        base = httpx.URL(self.url.reveal())
        joined = base.path.rstrip("/") + path
        return base.copy_with(path=joined or "/")

    async def _wait_out_rest(self, deadline_s: float) -> None:
        left_seconds = self._rests_until_s - self.clock.monotonic_s()
        if left_seconds <= 0:
            return
        if self._rests_until_s >= deadline_s:
            self.outcomes["unavailable"] += 1
            raise SourceUnavailableError(f"{self.source}: it asked for a pause of {left_seconds:.0f} more seconds")
        await self.clock.sleep(left_seconds)

    def _note_failure(self, error: _PassingError, is_probe: bool) -> None:
        self.breaker.failed(is_probe)
        self._trouble.failed(str(error), is_plain=False)
        if error.retry_after_seconds is not None:
            until_s = self.clock.monotonic_s() + error.retry_after_seconds
            self._rests_until_s = max(self._rests_until_s, until_s)

    def _note_answer(self) -> None:
        self.breaker.succeeded()
        self._trouble.answered()

    def _given_up(self, error: _PassingError) -> Exception:
        if error.is_garbled:
            self.outcomes["refused"] += 1
            return ReadingRefusedError(self.source, "answer", str(error))
        self.outcomes["unavailable"] += 1
        return SourceUnavailableError(f"{self.source} at {self.url.named}: {error}")

    async def _send(self, method: str, address: httpx.URL, content: bytes | None) -> _Response:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            # httpx bounds each read; an answer that comes a byte at a time would pass that for ever.
            async with (
                asyncio.timeout(self.policy.timeout_seconds),
                self.http.stream(method, address, content=content, headers=headers) as response,
            ):
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > self.policy.most_bytes:
                        reason = f"the answer is longer than {self.policy.most_bytes} bytes"
                        raise ReadingRefusedError(self.source, "answer", reason)
                return _Response(response.status_code, response.headers, bytes(body))
        except (httpx.HTTPError, TimeoutError) as error:
            raise _PassingError(f"no answer ({reason_of(error)})") from None

    def _decoded(self, response: _Response, decode: Callable[[bytes], ValueT]) -> Answer[ValueT]:
        self._check_status(response)
        try:
            value = decode(response.body)
        except msgspec.ValidationError as error:
            reason = f"the answer has another form ({error})"
            raise ReadingRefusedError(self.source, "answer", self.hide_in(reason)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            reason = "a web page" if response.body.lstrip()[:1] == b"<" else "no JSON (cut off?)"
            raise _PassingError(f"the answer is {reason}", is_garbled=True) from None
        return Answer(value, _date_of(response.headers), self.clock.now())

    def _check_status(self, response: _Response) -> None:
        status = response.status
        if status in _PASSING_STATUSES or status >= 500:
            raise _PassingError(f"HTTP {status}", self._retry_after_seconds(response.headers))
        if status in _ACCESS_STATUSES:
            whose = f" ({self._key[1].setting})" if self._key else ""
            raise SourceUnavailableError(
                f"{self.source} at {self.url.named}: HTTP {status}: it does not let us in{whose}"
            )
        if 300 <= status < 400:
            raise SourceUnavailableError(f"{self.source} at {self.url.named}: HTTP {status}: it points elsewhere")
        if status >= 400:
            said = " ".join(self.hide_in(response.body.decode(errors="replace")).split())[:_SHOWN_CHARACTERS]
            raise ServiceRefusedError(status, f"{self.source}: {said or 'refused'}", response.body)

    def hide_in(self, text: str) -> str:
        """`text` of the service without what may be a key of ours."""
        text = self.url.hide_in(text)
        return self._key[1].hide_in(text) if self._key else text

    def _retry_after_seconds(self, headers: httpx.Headers) -> float | None:
        """Seconds of Retry-After (a number or a date); None where there is none or it makes no sense."""
        text = headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdecimal() and len(text) < 10:
            seconds = float(text)
        else:
            until = _instant(text)
            seconds = (until - self.clock.now()).total_seconds() if until else 0.0
        return min(seconds, self.policy.longest_retry_after_seconds) if seconds > 0 else None


class ServiceClient:
    """What every client of one `MarketService` has."""

    def __init__(self, service: MarketService) -> None:
        self.service = service

    def hide_in(self, text: str) -> str:
        """`text`, of whomever, without what may be a key of the service."""
        return self.service.hide_in(text)


def _date_of(headers: httpx.Headers) -> datetime | None:
    return _instant(headers.get("Date", ""))


def _instant(text: str) -> datetime | None:
    """An HTTP date in UTC; None where the text is none."""
    try:
        found = parsedate_to_datetime(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        # A date of the year 9999 may leave the calendar on its way to UTC.
        return None
