"""A Yellowstone Geyser stream that comes back: one gRPC subscription, resumed where the server still can.

Facts of the service (yellowstone-grpc, grpc.rs): the token travels as metadata `x-token`; of a confirmed slot come first the
transactions and accounts, then the block meta, then the slot's status; `from_slot` replays whole blocks, and what is too old
is refused with OUT_OF_RANGE, by a server without a replay buffer with INTERNAL. A ping has to be answered, or a load
balancer between takes the stream for dead.

Whoever does not take events makes the stream stop reading, which HTTP/2's flow control hands on to the server.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import grpc

from oof_pipelines.geyser_interfaces import (
    GeyserEvent,
    GeyserFilters,
    Resumed,
    ResumeRefused,
)
from oof_pipelines.interfaces import Clock, Dropped, Subscribed
from oof_pipelines.setting_values import SecretText
from oof_pipelines.settings import SecretUrl, SettingsError
from oof_pipelines.transport.geyser_events import read_update, subscribe_request
from oof_pipelines.transport.geyser_wire import geyser_pb2
from oof_pipelines.transport.loopback import is_loopback
from oof_pipelines.transport.pacing import Backoff

logger = logging.getLogger(__name__)

SERVICE = "/geyser.Geyser/"
_KEY_HEADER = "x-token"
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024
# Servers ping every 10 to 15 seconds, and a slot begins every 0.4: who says nothing for so long has gone.
_SILENCE_SECONDS = 45.0
_PORTS = {"http": 80, "https": 443}
_SHOWN_CHARACTERS = 200
_ACCESS_CODES = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
_REFUSAL_CODES = frozenset(
    {
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
)
# What grpcio says in place of the server's status where the stream ended while it was being written to.
_CORE_ERROR = "Internal error from Core"
_PONG_ID = 1


class GeyserRefusesUsError(Exception):
    """The server does not let us in; the one-line message names the settings."""


class _ResumeRefusedError(Exception):
    def __init__(self, first_slot: int | None, reason: str) -> None:
        super().__init__(reason)
        self.first_slot = first_slot
        self.reason = reason


class _BrokenError(Exception):
    """The stream ended; the message says how, and holds no key."""


class _UnreadableError(_BrokenError):
    """The server sent something that is no message of the service."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} cannot be read: it is no message of the service")


class GeyserStream:
    """A `GeyserSource` over one endpoint. `is_lagging` may be read at any time. Raises `SettingsError` for a bad address."""

    def __init__(
        self,
        endpoint: SecretUrl,
        token: SecretText | None,
        *,
        timeout_seconds: float,
        clock: Clock,
        randomness: random.Random,
        silence_seconds: float = _SILENCE_SECONDS,
    ) -> None:
        self._endpoint = endpoint
        self._token = token
        self._address, self._is_secure = _address_of(endpoint)
        self._timeout_seconds = timeout_seconds
        self._silence_seconds = silence_seconds
        self._clock = clock
        self._randomness = randomness

    async def version(self) -> str:
        """What the server says it is. Raises `GeyserRefusesUsError`, and `ConnectionError` where nobody answers."""
        async with self._channel() as channel:
            try:
                return await self._ask_version(channel)
            except grpc.aio.AioRpcError as error:
                reason = self._reason_for(error)
                if error.code() in _ACCESS_CODES:
                    raise GeyserRefusesUsError(f"{self._endpoint.named}: {reason}") from None
                raise ConnectionError(f"{self._endpoint.named}: {reason}") from None
            except _UnreadableError as error:
                raise ConnectionError(f"{self._endpoint.named}: {error}") from None

    async def _ask_version(self, channel: Any) -> str:
        call = _unary(channel, "GetVersion", geyser_pb2.GetVersionRequest, geyser_pb2.GetVersionResponse)
        answer = await call(geyser_pb2.GetVersionRequest(), metadata=self._metadata(), timeout=self._timeout_seconds)
        if answer is None:
            raise _UnreadableError("the answer to GetVersion")
        return str(answer.version)

    async def listen(
        self, filters: GeyserFilters, resume_from: Callable[[], int | None]
    ) -> AsyncGenerator[GeyserEvent, None]:
        """Events for ever; only cancelling ends it. See `GeyserSource`."""
        backoff = Backoff(0.2, 30.0, self._randomness)
        is_refused = False
        while True:
            from_slot = None if is_refused else resume_from()
            is_refused = False
            try:
                async with aclosing(self._connection(filters, from_slot)) as events:
                    async for event in events:
                        if not isinstance(event, Subscribed | Resumed):
                            # It brought something, so it was healthy: when it ends, the next try may come soon.
                            backoff.reset()
                        yield event
            except _ResumeRefusedError as error:
                is_refused = True
                yield ResumeRefused(from_slot or 0, error.first_slot, error.reason)
                continue
            except _BrokenError as error:
                # A replay would bring what cannot be read again and again: it is listed elsewhere.
                is_refused = isinstance(error, _UnreadableError)
                reason = str(error)
            yield Dropped(f"{self._endpoint.named}: {reason}")
            await self._clock.sleep(backoff.next_delay_seconds())

    async def _connection(self, filters: GeyserFilters, from_slot: int | None) -> AsyncGenerator[GeyserEvent, None]:
        """The events of one connection. Always ends with `_ResumeRefusedError` or `_BrokenError`."""
        has_answered = False
        try:
            async with self._channel() as channel:
                # A stream that is refused while it is written to does not say why; a question does.
                await self._ask_version(channel)
                if from_slot is not None:
                    await self._check_replay(channel, from_slot)
                call = channel.stream_stream(
                    f"{SERVICE}Subscribe",
                    request_serializer=geyser_pb2.SubscribeRequest.SerializeToString,
                    response_deserializer=geyser_pb2.SubscribeUpdate.FromString,
                )(metadata=self._metadata())
                async with aclosing(self._updates(call, subscribe_request(filters, from_slot))) as updates:
                    async for update in updates:
                        # Pongs and pings say that the server lives, not that it has begun to replay.
                        is_about_chain = update.WhichOneof("update_oneof") not in ("ping", "pong", None)
                        if not has_answered and (from_slot is None or is_about_chain):
                            has_answered = True
                            where = str(self._endpoint)
                            yield Subscribed(where) if from_slot is None else Resumed(where, from_slot)
                        event = read_update(update)
                        if event is not None:
                            yield event
        except grpc.aio.AioRpcError as error:
            reason = self._reason_for(error)
            is_refusal = error.code() in _REFUSAL_CODES and error.details() != _CORE_ERROR
            if from_slot is not None and not has_answered and is_refusal:
                raise _ResumeRefusedError(None, reason) from None
            raise _BrokenError(reason) from None
        except TimeoutError:
            raise _BrokenError(f"silent for {self._silence_seconds:g} s") from None
        except (OSError, asyncio.InvalidStateError, grpc.RpcError, grpc.aio.UsageError) as error:
            raise _BrokenError(self._hide(f"{type(error).__name__}: {error}")) from None
        raise _BrokenError("closed by the server")

    async def _updates(self, call: Any, request: geyser_pb2.SubscribeRequest) -> AsyncGenerator[Any, None]:
        """Updates of a call until its end. Raises `TimeoutError` where the server falls silent."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await call.write(request)
                if not request.HasField("from_slot"):
                    # A quiet stream from the tip on has begun with the pong.
                    await call.write(_ping_request())
            while True:
                async with asyncio.timeout(self._silence_seconds):
                    update = await call.read()
                if update is grpc.aio.EOF:
                    return
                if update is None:
                    # So says grpcio where the bytes could not be parsed.
                    raise _UnreadableError("an update")
                if update.WhichOneof("update_oneof") == "ping":
                    async with asyncio.timeout(self._timeout_seconds):
                        await call.write(_ping_request())
                yield update
        finally:
            call.cancel()

    async def _check_replay(self, channel: Any, from_slot: int) -> None:
        """Raise `_ResumeRefusedError` where the server says that it no longer has `from_slot`. Older servers do not say."""
        call = _unary(
            channel,
            "SubscribeReplayInfo",
            geyser_pb2.SubscribeReplayInfoRequest,
            geyser_pb2.SubscribeReplayInfoResponse,
        )
        try:
            answer = await call(
                geyser_pb2.SubscribeReplayInfoRequest(), metadata=self._metadata(), timeout=self._timeout_seconds
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return
            raise
        if answer is None:
            raise _UnreadableError("the answer to SubscribeReplayInfo")
        first_slot = answer.first_available if answer.HasField("first_available") else None
        if first_slot is not None and first_slot > from_slot:
            raise _ResumeRefusedError(first_slot, f"slot {from_slot} is gone, the oldest kept is {first_slot}")

    @asynccontextmanager
    async def _channel(self) -> AsyncGenerator[Any, None]:
        options = [
            ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.keepalive_time_ms", 20_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.enable_retries", 0),
            ("grpc.enable_http_proxy", int(not is_loopback(self._endpoint.reveal()))),
        ]
        if self._is_secure:
            credentials = grpc.ssl_channel_credentials()
            channel = grpc.aio.secure_channel(self._address, credentials, options=options)
        else:
            channel = grpc.aio.insecure_channel(self._address, options=options)
        try:
            yield channel
        finally:
            await channel.close()

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return () if self._token is None else ((_KEY_HEADER, self._token.reveal()),)

    def _reason_for(self, error: grpc.aio.AioRpcError) -> str:
        code, said = error.code(), self._hide(error.details() or "")
        if code in _ACCESS_CODES:
            setting = "OOF_GEYSER_TOKEN" if self._token is None else self._token.setting
            return f"{code.name}: the server does not let us in ({setting}): {said}"
        return f"{code.name}: {said}"

    def _hide(self, text: str) -> str:
        text = self._endpoint.hide_in(text)
        text = text if self._token is None else self._token.hide_in(text)
        return " ".join(text.split())[:_SHOWN_CHARACTERS]


def _address_of(endpoint: SecretUrl) -> tuple[str, bool]:
    parts = urlsplit(endpoint.reveal())
    if parts.path.strip("/") or parts.query or parts.username:
        # What gRPC calls is a host and a port; a key in the address would be lost without a word.
        raise SettingsError(f"{endpoint.setting}: holds more than a host and a port; a key goes into OOF_GEYSER_TOKEN")
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{parts.port or _PORTS[parts.scheme]}", parts.scheme == "https"


def _unary(channel: Any, method: str, request: Any, response: Any) -> Any:
    return channel.unary_unary(
        f"{SERVICE}{method}",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )


def _ping_request() -> geyser_pb2.SubscribeRequest:
    return geyser_pb2.SubscribeRequest(ping=geyser_pb2.SubscribeRequestPing(id=_PONG_ID))
