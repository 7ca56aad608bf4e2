"""Reading a request's body within bounds: so many bytes, so many seconds, and so many bytes of all requests at a time."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers

from oof_pipelines.api.errors import ApiError

MOST_SECONDS = 10.0
"""Helius gives an answer one second, body included; a body that takes longer than this comes from no one who waits."""
MOST_BYTES_OF_ALL = 128 * 1024 * 1024
"""Bodies that are being read at a time: what a flood of large ones may cost in memory."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class SenderGoneError(Exception):
    """The connection ended before the body did; there is nobody to answer."""


class BodyReader:
    """Reads bodies of at most `most_bytes` each. Once `stop` was called, what is still being read is answered with 503."""

    def __init__(
        self, most_bytes: int, *, most_seconds: float = MOST_SECONDS, most_bytes_of_all: int = MOST_BYTES_OF_ALL
    ) -> None:
        self._most_bytes = most_bytes
        self._most_seconds = most_seconds
        self._free_bytes = max(most_bytes, most_bytes_of_all)
        self._timeouts: set[asyncio.Timeout] = set()
        self._is_stopping = False

    def stop(self) -> None:
        """Wait for no body any longer."""
        self._is_stopping = True
        now_s = asyncio.get_running_loop().time()
        for timeout in self._timeouts:
            timeout.reschedule(now_s)

    async def read(self, headers: Headers, receive: Receive) -> bytes:
        """The whole body. Raises `ApiError` (408, 413, 415, 503) or `SenderGoneError`."""
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise ApiError(415, "encoding_not_accepted", "send the body uncompressed", is_closing=True)
        stated_bytes = headers.get("content-length", "")
        # Python refuses to read a number of thousands of digits.
        if stated_bytes.isdecimal() and (len(stated_bytes) > 20 or int(stated_bytes) > self._most_bytes):
            raise self._too_large()
        if self._is_stopping:
            raise _stopping()
        taken: list[int] = []
        try:
            async with asyncio.timeout(self._most_seconds) as timeout:
                self._timeouts.add(timeout)
                try:
                    return await self._chunks(receive, taken)
                finally:
                    self._timeouts.discard(timeout)
        except TimeoutError:
            if self._is_stopping:
                raise _stopping() from None
            message = f"the body did not come within {self._most_seconds:g} s"
            raise ApiError(408, "body_too_slow", message, is_closing=True) from None
        finally:
            self._free_bytes += sum(taken)

    async def _chunks(self, receive: Receive, taken: list[int]) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise SenderGoneError
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._most_bytes:
                raise self._too_large()
            if len(chunk) > self._free_bytes:
                raise ApiError(
                    503, "busy", "too much is being sent at a time", headers={"Retry-After": "1"}, is_closing=True
                )
            self._free_bytes -= len(chunk)
            taken.append(len(chunk))
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)

    def _too_large(self) -> ApiError:
        message = f"the body is larger than {self._most_bytes} bytes (OOF_WEBHOOK_MOST_BYTES)"
        return ApiError(413, "body_too_large", message, is_closing=True)


def _stopping() -> ApiError:
    return ApiError(503, "stopping", "the server is stopping", headers={"Retry-After": "5"}, is_closing=True)
