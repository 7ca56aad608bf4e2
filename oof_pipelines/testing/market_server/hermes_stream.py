"""Hermes' stream of price updates over server-sent events, with faults by event."""

import asyncio
from collections.abc import Callable
from itertools import count

import msgspec
from aiohttp import web

from oof_pipelines.testing.market_server.asking import Asked, ReplyError
from oof_pipelines.testing.market_server.faults import Befallen
from oof_pipelines.testing.market_server.hermes_answers import known_feeds, recorded_update, update
from oof_pipelines.testing.market_server.recordings import MarketRecordings

_PART_BYTES = 65_536


class HermesStream:
    """Serves one connection a call, an update every `stream_seconds`, until the client goes or `close` is called."""

    def __init__(self, feeds: dict[str, str], recordings: MarketRecordings, stream_seconds: float) -> None:
        self._feeds = feeds
        self._recordings = recordings
        self._stream_seconds = stream_seconds
        self._is_closing = asyncio.Event()

    def close(self) -> None:
        """End every stream properly."""
        self._is_closing.set()

    async def answer(
        self, request: web.Request, asked_for: Callable[[Befallen], Asked], what: Befallen
    ) -> web.StreamResponse:
        """The stream for one request; `asked_for` makes what each of its events is answered for."""
        first = asked_for(what)
        try:
            ids = known_feeds(first, self._feeds)
        except ReplyError as error:
            return web.Response(status=error.reply.status, text=str(error.reply.value))
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(b":\n\n")
        breaks_after = round(first.faults.figure("cut", "after") or 0) if first.faults.strikes("cut", what) else None
        for number in count():
            if number == breaks_after and request.transport is not None:
                request.transport.abort()
                return response
            event = asked_for(what.part(f"event {number}"))
            try:
                await self._write(response, event, ids, number)
            except ConnectionError:
                return response
            if await self._is_over():
                return response
        raise AssertionError("counting ended")

    async def _write(self, response: web.StreamResponse, event: Asked, ids: list[str], number: int) -> None:
        faults, what = event.faults, event.what
        if faults.strikes("slow", what):
            await asyncio.sleep((faults.figure("slow", "ms") or 0.0) / 1000)
        recorded = recorded_update(self._recordings, number)
        text = recorded.encode() if recorded is not None else msgspec.json.encode(update(event, ids, self._feeds))
        if faults.strikes("truncated", what):
            text = text[: len(text) // 2]
        elif faults.strikes("garbled", what):
            text = b"\xff\xfe" + text[2:]
        elif faults.strikes("misshapen", what):
            text = b'{"unexpected":true}'
        elif faults.strikes("oversized", what):
            for _ in range(round(faults.figure("oversized", "bytes") or 0) // _PART_BYTES + 1):
                await response.write(b"x" * _PART_BYTES)
        await response.write(b"data:" + text + b"\n\n")

    async def _is_over(self) -> bool:
        """Wait for the next event's time; True where the server closes."""
        try:
            async with asyncio.timeout(self._stream_seconds):
                await self._is_closing.wait()
        except TimeoutError:
            return False
        return True
