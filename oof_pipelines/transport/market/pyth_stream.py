"""Pyth prices as they are published, by Hermes' server-sent events; opened anew, after a pause, whenever it ends.

Hermes closes every stream after 24 hours and sends several updates a second, so a silence of `idle_seconds` is a broken
stream. What was published in between is not sent again: the stream shows now, history is elsewhere.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import httpx
import msgspec

from oof_pipelines.interfaces import Clock
from oof_pipelines.market_interfaces import LastGood, StreamDown, StreamItem, StreamUp
from oof_pipelines.pricing.readings import PYTH, PriceTick, RefusedReading
from oof_pipelines.settings import SecretUrl
from oof_pipelines.transport.loopback import direct_mounts
from oof_pipelines.transport.market.last_good import LastGoodValues
from oof_pipelines.transport.market.pyth import PythReader, decode_update
from oof_pipelines.transport.market.sse_frames import FrameTooLongError, SseDecoder
from oof_pipelines.transport.pacing import Backoff
from oof_pipelines.transport.trouble import TroubleReport, reason_of

_MOST_EVENT_BYTES = 2**20
_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 30.0


class _StreamEndedError(Exception):
    """Why the stream is over; one line without secrets."""


class PythStream:
    """`PriceStream` over the address of PYTH_HERMES_SSE. One `stream` at a time; close it with `aclose`."""

    def __init__(
        self,
        url: SecretUrl,
        reader: PythReader,
        *,
        clock: Clock,
        randomness: random.Random,
        connect_seconds: float = 10.0,
        idle_seconds: float = 30.0,
    ) -> None:
        self._url = url
        self._reader = reader
        self._clock = clock
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._backoff = Backoff(_FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS, randomness)
        self._trouble = TroubleReport(url, clock)
        self._last_good: LastGoodValues[PriceTick] = LastGoodValues(clock)
        self.opened = 0
        """How often the stream came up, for metrics."""

    def last_good_price(self, mint: str) -> LastGood[PriceTick] | None:
        """The newest believed price of `mint`, with its age."""
        return self._last_good.of(mint)

    def hide_in(self, text: str) -> str:
        """`text`, of whomever, without what may be a key of the stream's address."""
        return self._url.hide_in(text)

    async def stream(self) -> AsyncGenerator[StreamItem, None]:
        """Ticks, refusals and the ups and downs of the connection, for ever."""
        while True:
            delay_seconds: float | None = None
            try:
                async with self._connected() as response:
                    self.opened += 1
                    yield StreamUp(PYTH)
                    decoder = SseDecoder(_MOST_EVENT_BYTES)
                    async with aclosing(self._chunks(response)) as chunks:
                        async for chunk in chunks:
                            for event in decoder.feed(chunk):
                                for item in self._items(event.data):
                                    yield item
                            delay_seconds = decoder.retry_seconds
                    reason = "the server closed the stream"
            except _StreamEndedError as error:
                reason = str(error)
            except FrameTooLongError as error:
                reason = str(error)
            except (httpx.HTTPError, TimeoutError) as error:
                reason = f"no answer ({reason_of(error)})"
            self._trouble.failed(reason, is_plain=False)
            yield StreamDown(PYTH, reason)
            await self._clock.sleep(max(delay_seconds or 0.0, self._backoff.next_delay_seconds()))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[httpx.Response]:
        address = httpx.URL(self._url.reveal())
        for feed in self._reader.feed_of.values():
            address = address.copy_add_param("ids[]", feed)
        for name, value in (("parsed", "true"), ("encoding", "base64"), ("allow_unordered", "false")):
            address = address.copy_add_param(name, value)
        # Silence is judged by `_chunks`; the read timeout bounds the wait for the head of the answer.
        timeout = httpx.Timeout(self._connect_seconds, read=self._idle_seconds + self._connect_seconds)
        async with (
            httpx.AsyncClient(timeout=timeout, mounts=direct_mounts([self._url.reveal()])) as client,
            client.stream("GET", address, headers={"Accept": "text/event-stream"}) as response,
        ):
            if response.status_code != 200:
                raise _StreamEndedError(f"HTTP {response.status_code}")
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind != "text/event-stream":
                raise _StreamEndedError("the answer is no event stream (is it the address of Hermes' stream?)")
            yield response

    async def _chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        parts = response.aiter_bytes()
        while True:
            try:
                async with asyncio.timeout(self._idle_seconds):
                    chunk = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise _StreamEndedError(f"silent for {self._idle_seconds:g} s") from None
            yield chunk

    def _items(self, data: str) -> list[PriceTick | RefusedReading]:
        came_at = self._clock.now()
        try:
            update = decode_update(data.encode())
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            return [RefusedReading(PYTH, "update", f"the update has another form ({error})", came_at)]
        ticks, refused = self._reader.read(update, came_at)
        if ticks:
            # Only a believed price proves the stream: one that opens and says nonsense is opened ever more seldom.
            self._backoff.reset()
            self._trouble.answered()
        for tick in ticks:
            self._last_good.remember(tick.mint, tick)
        return [*ticks, *refused]
