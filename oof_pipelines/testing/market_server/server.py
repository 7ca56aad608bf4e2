"""All market services in one process, on one port, each under a path of its own, with faults by seed.

http://host:port/jupiter is what JUPITER_BASE_URL is set to, and so on: `environment` names them all.
"""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
from aiohttp import web

from oof_pipelines.testing.market_server.asking import Asked, Reply, ReplyError
from oof_pipelines.testing.market_server.binance_answers import answer_depth, answer_klines
from oof_pipelines.testing.market_server.faults import Befallen, MarketFaults
from oof_pipelines.testing.market_server.hermes_answers import answer_latest
from oof_pipelines.testing.market_server.hermes_stream import HermesStream
from oof_pipelines.testing.market_server.jupiter_answers import answer_prices, answer_quote
from oof_pipelines.testing.market_server.recordings import MarketRecordings
from oof_pipelines.testing.market_server.token_answers import answer_rpc
from oof_pipelines.testing.market_server.volume_answers import answer_activity, answer_overview, answer_summary
from oof_pipelines.testing.market_server.world import MarketWorld

Build = Callable[[Asked], Reply]

_MOST_REQUEST_BYTES = 2**20
_PATHS = {
    "JUPITER_BASE_URL": "/jupiter",
    "PYTH_HERMES_SSE": "/hermes/v2/updates/price/stream",
    "OOF_DEFILLAMA_URL": "/llama",
    "OOF_PUMP_FUN_URL": "/pump",
    "OOF_BINANCE_URL": "/binance",
    "OOF_DAS_URL": "/das",
}


class MarketPortError(OSError):
    """The port cannot be had; the message names --port."""


class MarketServer:
    """Use `async with server.serving(): …`; `url` is set inside. `port` 0 takes a free one.

    `feeds` are the mints behind Pyth feed ids; where `jupiter_key` is set, Jupiter lets nobody in without it. `served`
    counts (service, answer): answered, an HTTP status, or the fault that took its place.
    """

    def __init__(
        self,
        *,
        feeds: dict[str, str],
        seed: int = 0,
        faults: str | None = None,
        recordings: MarketRecordings | None = None,
        jupiter_key: str | None = None,
        stream_seconds: float = 0.4,
        host: str = "127.0.0.1",
        port: int = 0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.faults = MarketFaults(faults, seed)
        self.served: Counter[tuple[str, str]] = Counter()
        self.url = ""
        self._world = MarketWorld(seed)
        self._feeds = feeds
        self._recordings = recordings or MarketRecordings()
        self._jupiter_key = jupiter_key
        self._now = now
        self._host, self._port = host, port
        self._stream = HermesStream(feeds, self._recordings, stream_seconds)

    def environment(self) -> dict[str, str]:
        """The settings that lead every market client here."""
        return {name: f"{self.url}{path}" for name, path in _PATHS.items()}

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["MarketServer"]:
        """Listen until the block ends; raises `MarketPortError` where the port is taken."""
        try:
            listener = socket.create_server((self._host, self._port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise MarketPortError(f"--port: cannot listen on {self._port} of {self._host}: {reason}") from None
        application = web.Application(client_max_size=_MOST_REQUEST_BYTES)
        self._add_routes(application)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            self.url = f"http://{self._host}:{listener.getsockname()[1]}"
            yield self
        finally:
            self._stream.close()
            await runner.cleanup()

    def _add_routes(self, application: web.Application) -> None:
        recordings, feeds = self._recordings, self._feeds
        router = application.router
        router.add_get("/jupiter/price/v3", self._answering("jupiter", lambda asked: answer_prices(asked, recordings)))
        for path in ("/jupiter/swap/v1/quote", "/jupiter/v6/quote"):
            router.add_get(path, self._answering("jupiter", lambda asked: answer_quote(asked, recordings)))
        latest = self._answering("hermes", lambda asked: answer_latest(asked, feeds))
        router.add_get("/hermes/v2/updates/price/latest", latest)
        router.add_get("/hermes/v2/updates/price/stream", self._answer_stream)
        overview = self._answering("llama", lambda asked: answer_overview(asked, recordings))
        router.add_get("/llama/overview/dexs/{chain}", overview)
        summary = self._answering("llama", lambda asked: answer_summary(asked, recordings))
        router.add_get("/llama/summary/dexs/{slug}", summary)
        router.add_post("/pump/v1/coins/market-activity/batch", self._answering("pump", answer_activity))
        router.add_get("/binance/api/v3/klines", self._answering("binance", answer_klines))
        router.add_get("/binance/api/v3/depth", self._answering("binance", answer_depth))
        router.add_post("/das", self._answering("das", answer_rpc))
        router.add_post("/das/", self._answering("das", answer_rpc))
        router.add_get("/health", _answer_health)

    def _answering(self, service: str, build: Build) -> Callable[[web.Request], Any]:
        async def answer(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            what = self.faults.request(service, f"{request.method} {request.path_qs} {body.decode(errors='replace')}")
            if self.faults.strikes("slow", what):
                await asyncio.sleep((self.faults.figure("slow", "ms") or 0.0) / 1000)
            refusal = self._refusal(service, what)
            if refusal is not None:
                return refusal
            if service == "jupiter" and self._jupiter_key not in (None, request.headers.get("x-api-key")):
                self.served[service, "401"] += 1
                return web.json_response({"code": 401, "message": "Unauthorized"}, status=401)
            asked = self._asked(request, body, what)
            try:
                reply = build(asked)
            except ReplyError as error:
                reply = error.reply
            return await self._send(request, service, asked, reply)

        return answer

    def _asked(self, request: web.Request, body: bytes, what: Befallen) -> Asked:
        now = self._now()
        if self.faults.strikes("stale", what):
            now -= timedelta(seconds=self.faults.figure("stale", "seconds") or 0.0)
        try:
            content = msgspec.json.decode(body) if body else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            content = None
        query = [(key, value) for key, value in request.query.items()]
        return Asked(request.path, query, content, now, what, self.faults, self._world)

    def _refusal(self, service: str, what: Befallen) -> web.Response | None:
        if self.faults.strikes("429", what):
            self.served[service, "429"] += 1
            seconds = self.faults.figure("429", "retry_after")
            headers = {} if seconds is None else {"Retry-After": str(round(seconds))}
            return web.json_response({"message": "Too many requests"}, status=429, headers=headers)
        if self.faults.strikes("error", what):
            status = 500 if self.faults.draw("error status", what) % 2 else 503
            self.served[service, str(status)] += 1
            return web.Response(status=status, text="<html><body>Service unavailable</body></html>")
        return None

    async def _send(self, request: web.Request, service: str, asked: Asked, reply: Reply) -> web.StreamResponse:
        body = reply.body()
        headers = {"Date": format_datetime(asked.now.astimezone(UTC), usegmt=True), **reply.headers}
        kind = next((name for name in ("cut", *_SPOILED) if self.faults.strikes(name, asked.what)), None)
        self.served[service, kind or ("answered" if reply.status < 400 else str(reply.status))] += 1
        if kind == "cut":
            return await _send_half(request, reply.status, headers, body)
        if kind is not None:
            body = _SPOILED[kind](
                body, round(self.faults.figure("oversized", "bytes") or 0) if kind == "oversized" else 0
            )
        return web.Response(status=reply.status, body=body, content_type="application/json", headers=headers)

    async def _answer_stream(self, request: web.Request) -> web.StreamResponse:
        what = self.faults.request("hermes", f"{request.method} {request.path_qs}")
        refusal = self._refusal("hermes", what)
        if refusal is not None:
            return refusal
        self.served["hermes", "stream"] += 1
        return await self._stream.answer(request, lambda part: self._asked(request, b"", part), what)


def _misshapen(body: bytes, _size: int) -> bytes:
    return b'{"unexpected":true}' if body.startswith(b"[") else b'["unexpected"]'


def _oversized(body: bytes, size: int) -> bytes:
    """Blanks at the end keep it valid JSON: only its size is wrong."""
    return body + b" " * max(0, size - len(body))


_SPOILED: dict[str, Callable[[bytes, int], bytes]] = {
    "truncated": lambda body, _size: body[: len(body) // 2],
    "garbled": lambda body, _size: b"\xff\x00" + body[2:],
    "misshapen": _misshapen,
    "oversized": _oversized,
}


async def _send_half(request: web.Request, status: int, headers: dict[str, str], body: bytes) -> web.StreamResponse:
    """Half of an answer whose length was announced, and then no connection any more."""
    response = web.StreamResponse(status=status, headers={**headers, "Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.abort()
    return response


async def _answer_health(_request: web.Request) -> web.Response:
    return web.Response(text="ok")
