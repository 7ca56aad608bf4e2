"""One subscription over a WebSocket that comes back: fallback endpoints, exponential backoff with jitter.

Announcements made while the socket is away are lost to it; the listener is told (`Dropped`, `Subscribed`) and repairs.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, TypeVar

import msgspec
import websockets
from websockets.asyncio.client import ClientConnection, connect

from oof_pipelines.interfaces import Clock, Dropped, Subscribed
from oof_pipelines.settings import SecretUrl
from oof_pipelines.transport.loopback import is_loopback
from oof_pipelines.transport.pacing import Backoff
from oof_pipelines.transport.trouble import reason_of

Heard = TypeVar("Heard")
Message = str | bytes

_PING_SECONDS = 10
# A connection that stood this long was healthy although its target was silent.
_HEALTHY_AFTER_SECONDS = 60
_ACCESS_STATUSES = frozenset({401, 402, 403})
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024


class ProtocolError(Exception):
    """The node speaks, but not what was expected."""


class NodeSocket:
    """WebSocket endpoints of nodes, taken in turn."""

    def __init__(
        self, endpoints: Sequence[SecretUrl], *, timeout_seconds: float, clock: Clock, randomness: random.Random
    ) -> None:
        if not endpoints:
            raise ValueError("RPC_WS: no WebSocket endpoint is configured or derived from RPC_PRIMARY")
        self._endpoints = list(endpoints)
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._randomness = randomness

    async def subscribe(
        self, method: str, params: list[Any], read: Callable[[Message], Heard | None]
    ) -> AsyncGenerator[Subscribed | Heard | Dropped, None]:
        """What `read` makes of each message of the subscription, for ever; only cancelling ends it.

        `read` gives None for what is no announcement and raises `ProtocolError` for what is none of a node's messages. A
        connection that brought an announcement, or stood for a minute, was healthy: after it the first endpoint is tried
        again, soon. One that did not hands over to the next endpoint.
        """
        backoff = Backoff(0.2, 30.0, self._randomness)
        position = 0
        while True:
            endpoint = self._endpoints[position % len(self._endpoints)]
            position += 1
            subscribed_at_s: float | None = None
            try:
                async with self._connect(endpoint) as socket:
                    await self._ask(socket, method, params)
                    subscribed_at_s = self._clock.monotonic_s()
                    yield Subscribed(str(endpoint))
                    async for message in socket:
                        heard = read(message)
                        if heard is not None:
                            backoff.reset()
                            position = 0
                            yield heard
                    reason = "closed by the node"
            except (OSError, TimeoutError, websockets.WebSocketException, ProtocolError) as error:
                reason = endpoint.hide_in(_reason_for(error))
            if subscribed_at_s is not None and self._clock.monotonic_s() - subscribed_at_s >= _HEALTHY_AFTER_SECONDS:
                backoff.reset()
                position = 0
            yield Dropped(f"{endpoint.named}: {reason}")
            await self._clock.sleep(backoff.next_delay_seconds())

    def _connect(self, endpoint: SecretUrl) -> connect:
        return connect(
            endpoint.reveal(),
            proxy=None if is_loopback(endpoint.reveal()) else True,
            open_timeout=self._timeout_seconds,
            close_timeout=2,
            ping_interval=_PING_SECONDS,
            ping_timeout=_PING_SECONDS,
            max_size=_MAX_MESSAGE_BYTES,
        )

    async def _ask(self, socket: ClientConnection, method: str, params: list[Any]) -> None:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        await socket.send(msgspec.json.encode(request), text=True)
        async with asyncio.timeout(self._timeout_seconds):
            answer = decode_message(_answer_decoder, await socket.recv())
        if answer.id != 1 or answer.error is not None:
            raise ProtocolError(f"{method} was refused: {answer.error}")


class _Answer(msgspec.Struct):
    id: int | None = None
    error: Any = None


_answer_decoder = msgspec.json.Decoder(_Answer)
Decoded = TypeVar("Decoded")


def decode_message(decoder: "msgspec.json.Decoder[Decoded]", message: Message) -> Decoded:
    """A message of a node by its type; raises `ProtocolError` where it is none."""
    try:
        return decoder.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProtocolError("a message that is not JSON-RPC") from None


def _reason_for(error: Exception) -> str:
    if isinstance(error, ProtocolError):
        return str(error)
    if isinstance(error, websockets.InvalidStatus):
        status = error.response.status_code
        said = "the endpoint does not let us in" if status in _ACCESS_STATUSES else "no WebSocket at this address"
        return f"HTTP {status}: {said}"
    return reason_of(error)
