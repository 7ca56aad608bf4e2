"""Around every request: an id, bounds for how many are under way, a count, and a line in the log where something is wrong."""

import logging
import re
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from oof_pipelines.api.errors import error_body

logger = logging.getLogger(__name__)

MOST_AT_A_TIME = 512
REQUEST_ID_HEADER = "x-request-id"
# A flood of bad requests must not become a flood of lines.
_LINES_A_SECOND = 20
# The sender's own id is taken where it can do no harm in a log.
_HARMLESS_ID = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class RequestTimes:
    """How often a route answered with a status, and how long the answers took, in cumulative buckets."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.seconds: dict[str, float] = {}
        self.buckets: dict[str, list[int]] = {}

    def add(self, route: str, status: int, seconds: float) -> None:
        self.answers[route, status] += 1
        self.seconds[route] = self.seconds.get(route, 0.0) + seconds
        buckets = self.buckets.setdefault(route, [0] * (len(LATENCY_BUCKETS_S) + 1))
        for index, most_s in enumerate(LATENCY_BUCKETS_S):
            if seconds <= most_s:
                buckets[index] += 1
        buckets[-1] += 1


class RequestLog:
    """ASGI middleware. What the application raises once it has answered is logged under the id that was answered.

    `routes` are the paths told apart in metrics; all others are one. Bodies, queries and headers are never logged.
    """

    def __init__(self, app: ASGIApp, *, routes: Iterable[str], times: RequestTimes) -> None:
        self._app = app
        self._routes = frozenset(routes)
        self._times = times
        self._under_way = 0
        self._line_second = 0
        self._lines = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, _request_id(scope))
        scope.setdefault("state", {})["request_id"] = answer.request_id
        began_s = time.perf_counter()
        self._under_way += 1
        try:
            if self._under_way > MOST_AT_A_TIME:
                await answer.send_error(503, "busy", "too many requests at a time")
            else:
                await self._app(scope, receive, answer.send)
        except Exception:
            logger.exception("request failed", extra={"request_id": answer.request_id})
        finally:
            self._under_way -= 1
            self._tell(scope, answer, time.perf_counter() - began_s)

    def _tell(self, scope: Scope, answer: "_Answer", seconds: float) -> None:
        path = scope["path"]
        route = path if path in self._routes else "other"
        self._times.add(route, answer.status, seconds)
        level = logging.WARNING if answer.status >= 400 or not answer.status else logging.DEBUG
        if level == logging.WARNING and not self._may_write():
            return
        if logger.isEnabledFor(level):
            fields = {"request_id": answer.request_id, "method": scope["method"], "route": route}
            fields |= {
                "status": answer.status,
                "ms": round(seconds * 1000, 1),
                "code": scope["state"].get("error_code", ""),
            }
            logger.log(level, "request", extra=fields)

    def _may_write(self) -> bool:
        second = int(time.monotonic())
        if second != self._line_second:
            if self._lines > _LINES_A_SECOND:
                logger.warning("requests not logged", extra={"requests": self._lines - _LINES_A_SECOND})
            self._line_second, self._lines = second, 0
        self._lines += 1
        return self._lines <= _LINES_A_SECOND


class _Answer:
    """What goes back: its status, once there is one (0: the sender went away), and the id as a header."""

    def __init__(self, send: Callable[[MutableMapping[str, Any]], Awaitable[None]], request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.request_id.encode())]
        await self._send(message)

    async def send_error(self, status: int, code: str, message: str) -> None:
        body = error_body(code, message)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        headers += [(b"connection", b"close"), (b"retry-after", b"1")]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _HARMLESS_ID.fullmatch(value):
            return str(value.decode("ascii"))
    return secrets.token_hex(8)
