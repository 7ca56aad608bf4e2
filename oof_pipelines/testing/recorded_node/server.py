"""The node itself: JSON-RPC over HTTP and subscriptions over WebSocket, on port P and, as validators do, on P + 1."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from oof_pipelines.testing.recorded_node.announcer import Announcer
from oof_pipelines.testing.recorded_node.chain_view import Chain
from oof_pipelines.testing.recorded_node.clock import Clock, MonotonicClock
from oof_pipelines.testing.recorded_node.faults import Faults, RequestFault
from oof_pipelines.testing.recorded_node.json_rpc import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    Request,
    RpcError,
    decode_message,
    error_text,
    read_request,
    request_id_text,
    result_text,
)
from oof_pipelines.testing.recorded_node.ledger import Ledger
from oof_pipelines.testing.recorded_node.method_table import MAINNET_GENESIS_HASH, build_methods, call_method
from oof_pipelines.testing.recorded_node.pubsub import Listener, Subscription, SubscriptionTable
from oof_pipelines.testing.recorded_node.request_log import RequestLog

_MAX_REQUEST_BYTES = 16 * 2**20
_PORT_ATTEMPTS = 50
_logger = logging.getLogger(__name__)


class PortError(OSError):
    """The ports cannot be had; the message names --port."""


class RecordedNode:
    """Serves a ledger. Use `async with node.serving(): …`; `http_url` and `ws_url` are set inside.

    `speed` is in recorded seconds a second, 0 for everything at once; `port` 0 takes a free pair. `on_announced` hears of
    each signature right before the first listener does.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        speed: float = 0,
        faults: str | None = None,
        seed: int = 0,
        log: Path | None = None,
        genesis: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
        on_announced: Callable[[str], None] = lambda _signature: None,
    ) -> None:
        if not ledger.entries:
            raise ValueError("no transaction is recorded, so there is no chain to serve")
        self._clock = clock or MonotonicClock()
        self._faults = Faults(faults, seed)
        self._log_path = log
        self._log = RequestLog(None)
        self.chain = Chain(ledger, speed, self._clock, self._faults)
        self._methods = build_methods(genesis or MAINNET_GENESIS_HASH)
        self._table = SubscriptionTable(self.chain)
        self._announcer = Announcer(self.chain, self._table, self._log_drop, on_announced)
        self._sockets: set[web.WebSocketResponse] = set()
        self._host, self._port = host, port
        self.http_url = ""
        self.ws_url = ""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["RecordedNode"]:
        """Listen on both ports until the block ends; raises `PortError` where they are taken."""
        listeners = _open_ports(self._host, self._port)
        self._log = RequestLog(self._log_path)
        application = web.Application(client_max_size=_MAX_REQUEST_BYTES)
        application.router.add_post("/{tail:.*}", self._answer_http)
        application.router.add_get("/{tail:.*}", self._answer_get)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        task: asyncio.Task[None] | None = None
        try:
            for listener in listeners:
                await web.SockSite(runner, listener).start()
            task = asyncio.create_task(self._announcer.run(), name="announcer")
            task.add_done_callback(_report_failure)
            port = listeners[0].getsockname()[1]
            self.http_url, self.ws_url = f"http://{self._host}:{port}", f"ws://{self._host}:{port + 1}"
            yield self
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            for open_socket in list(self._sockets):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await open_socket.close()
            await runner.cleanup()
            self._log.close()

    async def _answer_get(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._answer_socket(request)
        if request.path == "/health":
            return web.Response(text="ok")
        return web.Response(status=405, text="Used HTTP Method is not allowed. POST is required\n")

    async def _answer_http(self, request: web.Request) -> web.StreamResponse:
        self.chain.start()
        text = await request.read()
        try:
            message = decode_message(text)
        except RpcError as error:
            self._log.write("http", None, None, f"error:{error.code}")
            return _json_response(error_text(error, b"null"))
        fault = self._faults.storm(self._clock.now_seconds()) or self._fault_of(message)
        if fault.delay_seconds:
            await self._clock.sleep(fault.delay_seconds)
        if fault.kind in ("429", "error"):
            self._log_all(message, fault.kind if fault.kind == "429" else str(fault.status))
            return _refusal(fault, request_id_text(message))
        answer = self._answer_message(message, "truncated" if fault.kind == "truncated" else None)
        return _json_response(answer[: len(answer) // 2] if fault.kind == "truncated" else answer)

    def _fault_of(self, message: Any) -> RequestFault:
        first = message[0] if isinstance(message, list) and message else message
        try:
            request = read_request(first)
        except RpcError:
            return RequestFault()
        return self._faults.of_request(self._faults.request_identity(request.method, request.first_param_text()))

    def _answer_message(self, message: Any, fault: str | None) -> bytes:
        if not isinstance(message, list):
            return self._answer_one(message, fault)
        if not message:
            return error_text(RpcError(INVALID_REQUEST, "Invalid request"), b"null")
        return b"[" + b",".join(self._answer_one(item, fault) for item in message) + b"]"

    def _answer_one(self, item: Any, fault: str | None) -> bytes:
        request: Request | None = None
        try:
            request = read_request(item)
            result = call_method(self._methods, self.chain.view(), request)
        except RpcError as error:
            self._log_one("http", item, request, fault or f"error:{error.code}")
            return error_text(error, request_id_text(item))
        except Exception:  # a recording may be odd in a way no method expects; the node must go on
            _logger.exception("the answer to %s failed", request and request.method)
            self._log_one("http", item, request, fault or f"error:{INTERNAL_ERROR}")
            return error_text(RpcError(INTERNAL_ERROR, "Internal error"), request_id_text(item))
        self._log_one("http", item, request, fault or ("null" if result == b"null" else "result"))
        return result_text(result, request.request_id)

    async def _answer_socket(self, request: web.Request) -> web.WebSocketResponse:
        if self._announcer.is_away():
            raise web.HTTPServiceUnavailable(text="the socket is down (fault: drop)")
        socket_response = web.WebSocketResponse(max_msg_size=_MAX_REQUEST_BYTES, compress=False, timeout=1.0)
        await socket_response.prepare(request)
        transport = request.transport

        async def send(text: bytes) -> None:
            await socket_response.send_frame(text, WSMsgType.TEXT)

        listener = Listener(send=send, cut=lambda: transport.abort() if transport is not None else None)
        self._sockets.add(socket_response)
        try:
            async for message in socket_response:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self._answer_socket_message(listener, message.data)
        except ConnectionError:
            _logger.debug("a client went away")
        finally:
            self._sockets.discard(socket_response)
            self._table.forget(listener)
        return socket_response

    async def _answer_socket_message(self, listener: Listener, text: bytes | str) -> None:
        item: Any = None
        request: Request | None = None
        subscription: Subscription | None = None
        try:
            item = decode_message(text)
            request = read_request(item)
            result, subscription = self._table.call(listener, request)
            answer, kind = result_text(result, request.request_id), "result"
        except RpcError as error:
            answer, kind = error_text(error, request_id_text(item)), f"error:{error.code}"
        self._log_one("ws", item, request, kind)
        await listener.send(answer)
        if subscription is not None:
            self._table.activate(subscription)
            if not subscription.is_logs:
                await self._announcer.announce_tip(subscription)

    def _log_drop(self) -> None:
        self._log.write("ws", None, None, "dropped")

    def _log_all(self, message: Any, answer: str) -> None:
        for item in message if isinstance(message, list) else [message]:
            self._log_one("http", item, None, answer)

    def _log_one(self, transport: str, item: Any, request: Request | None, answer: str) -> None:
        if request is not None:
            self._log.write(transport, request.method, request.params, answer)
        elif isinstance(item, dict):
            self._log.write(transport, item.get("method"), item.get("params"), answer)
        else:
            self._log.write(transport, None, None, answer)


def _json_response(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def _refusal(fault: RequestFault, request_id: bytes) -> web.Response:
    # Providers answer 429 with a JSON-RPC error whose code repeats the HTTP status.
    reason = "Too many requests" if fault.status == 429 else "Service unavailable"
    body = error_text(RpcError(fault.status, reason), request_id)
    headers = {} if fault.retry_after_seconds is None else {"Retry-After": str(fault.retry_after_seconds)}
    return web.Response(status=fault.status, body=body, content_type="application/json", headers=headers)


def _report_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        _logger.error("the announcements have stopped", exc_info=task.exception())


def _open_ports(host: str, port: int) -> list[socket.socket]:
    """Listening sockets on a port and the one above it."""
    for _ in range(1 if port else _PORT_ATTEMPTS):
        opened: list[socket.socket] = []
        try:
            opened.append(socket.create_server((host, port)))
            opened.append(socket.create_server((host, opened[0].getsockname()[1] + 1)))
            return opened
        except (OSError, OverflowError) as error:
            problem = error
            for one in opened:
                one.close()
    wanted = f"{port} and {port + 1}" if port else "two free ports in a row"
    option = "--host" if isinstance(problem, socket.gaierror) else "--port"
    reason = getattr(problem, "strerror", None) or problem
    raise PortError(f"{option}: cannot listen on {wanted} of {host}: {reason}")


def encode_summary(node: RecordedNode, speed: float) -> str:
    """The line that says where the node is and what it serves."""
    ledger = node.chain.ledger
    return (
        f"node: {node.http_url} {node.ws_url} transactions={len(ledger.entries)} slots={len(ledger.slots)} "
        f"files={ledger.tally.files} skipped={ledger.tally.skipped.total()} speed={speed:g}"
    )
