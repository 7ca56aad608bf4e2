"""The application on a socket: uvicorn, with bounds it lacks, and an end that leaves no request unanswered."""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from oof_pipelines.api.errors import error_body
from oof_pipelines.settings import SettingsError

MOST_CONNECTIONS = 1_000
MOST_HEAD_BYTES = 32 * 1024
MOST_HEAD_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 8
"""How long answers under way are waited for; below the 15 s after which `oof up` loses its patience."""


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose request heads come within 10 seconds and 32 KiB, on at most 1,000 connections.

    uvicorn bounds neither with this parser. What a body may cost is the application's to say.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _chunk_bytes = 0
    _is_in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._end(b"503 Service Unavailable", "busy", "too many connections")
            return
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._chunk_bytes = len(data)
        if self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._wait_for_head()
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self._end(b"431 Request Header Fields Too Large", "head_too_large", "the headers are too large")

    def on_message_begin(self) -> None:
        # The chunk may hold the body of the request before; what of it is head is less than all of it.
        self._head_bytes = -self._chunk_bytes
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._end(b"400 Bad Request", "bad_request", "this is no HTTP request")

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(MOST_HEAD_SECONDS, self._head_took_too_long)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_took_too_long(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            if self._is_in_head:
                self._end(b"408 Request Timeout", "head_too_slow", "the request did not come in time")
            else:
                self.transport.close()

    def _end(self, status: bytes, code: str, message: str) -> None:
        body = error_body(code, message)
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, len(body)) + body)
        self.transport.close()


class ApiServer(uvicorn.Server):
    """Ends on SIGINT or SIGTERM, with status 0: `on_stop` is called, answers under way are finished, then the application."""

    def __init__(self, app: ASGIApp, on_stop: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=True,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        self._on_stop = on_stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn raises the signal again once it has stopped; here the stop that was asked for is no failure."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Begin to end. The second time, do not wait for answers under way."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._on_stop()


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens there; raises `SettingsError` where that cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise SettingsError(f"OOF_API_HOST: {host!r} is no address of this machine ({error.strerror})") from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise SettingsError(f"OOF_API_HOST: {host} is no address of this machine") from None
        reason = "is taken by another program" if error.errno == errno.EADDRINUSE else error.strerror
        raise SettingsError(f"OOF_API_PORT: port {port} {reason}") from None
    listening.setblocking(False)
    return listening


def loop_factory() -> Callable[[], Any]:
    """uvloop where it is installed, else asyncio's own loop."""
    factory = uvicorn.Config(_nothing, log_config=None).get_loop_factory()
    return factory or asyncio.new_event_loop


async def _nothing(*_: object) -> None:
    return None
