"""A Yellowstone Geyser server over the recorded chain: a gRPC stream of what the recorded node answers questions about.

Every subscriber goes over the slots at his own pace: in real time each is told when the chain reaches it, at speed 0 as fast
as he takes them. At speed 0 there is one live end, as far as anybody has been told; a subscription without `from_slot`
begins there, and so what a fault loses is lost to it.
"""

import asyncio
import contextlib
import hmac
from bisect import bisect_left
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc

from oof_pipelines.testing.recorded_geyser.account_updates import AccountUpdates, NoAccountUpdates
from oof_pipelines.testing.recorded_geyser.slot_messages import SlotMessages
from oof_pipelines.testing.recorded_geyser.subscriptions import Wanted
from oof_pipelines.testing.recorded_node.announcer import SETTLING_SECONDS
from oof_pipelines.testing.recorded_node.chain_view import CONFIRMED, FINALIZED, Chain
from oof_pipelines.transport.geyser_wire import geyser_pb2

SERVICE = "geyser.Geyser"
REPLAYED_SLOTS = 150
"""How many recorded slots a subscriber may go back by default, as many as Yellowstone's own advice."""

DROP, STALL = "geyser_drop", "geyser_stall"
_PING_SECONDS = 10.0
_STOP_SECONDS = 1.0
_NEVER_SECONDS = 3600.0


class GeyserPortError(OSError):
    """The port cannot be had; the message names --geyser-port."""


@dataclass(eq=False, slots=True)
class _Subscriber:
    """One stream. `next_number` and `next_final` are places among the recorded slots, -1 before its first request."""

    context: Any
    wanted: Wanted = field(default_factory=Wanted)
    next_number: int = -1
    next_final: int = 0
    sent: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, update: geyser_pb2.SubscribeUpdate) -> None:
        # Pongs and updates come from two tasks, and a stream takes one message at a time.
        async with self.turn:
            await self.context.write(update)


class RecordedGeyser:
    """Serves a chain that a recorded node serves too. Use `async with geyser.serving(): …`; `url` is set inside.

    `token` is what clients have to send as `x-token`, None lets everybody in; `replayed_slots` 0 knows no `from_slot`.
    """

    def __init__(
        self,
        chain: Chain,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        replayed_slots: int = REPLAYED_SLOTS,
        accounts: AccountUpdates | None = None,
        ping_seconds: float = _PING_SECONDS,
    ) -> None:
        self._chain = chain
        self._messages = SlotMessages(chain, accounts or NoAccountUpdates())
        self._host, self._port = host, port
        self._token = token
        self._replayed_slots = replayed_slots
        self._ping_seconds = ping_seconds
        self._live_number = 0
        self._drops = 0
        self._stalls = 0
        self._away_until_seconds = 0.0
        self.subscribers: list[_Subscriber] = []
        """The streams that are open now, oldest first; `sent` of each counts its updates."""
        self.resumed_from: list[int] = []
        """The `from_slot` of every stream that began with one it could have."""
        self.url = ""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["RecordedGeyser"]:
        """Listen until the block ends; raises `GeyserPortError` where the port is taken."""
        options = [("grpc.so_reuseport", 0), ("grpc.http2.min_ping_interval_without_data_ms", 1000)]
        server = grpc.aio.server(options=options)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, self._handlers()),))
        try:
            port = server.add_insecure_port(f"{self._host}:{self._port}")
        except RuntimeError:
            port = 0
        if not port:
            raise GeyserPortError(f"--geyser-port: cannot listen on {self._port} of {self._host}")
        await server.start()
        self.url = f"http://{self._host}:{port}"
        try:
            yield self
        finally:
            await server.stop(_STOP_SECONDS)

    def _handlers(self) -> dict[str, Any]:
        unary = (
            ("SubscribeReplayInfo", self._replay_info, geyser_pb2.SubscribeReplayInfoRequest),
            ("Ping", self._ping, geyser_pb2.PingRequest),
            ("GetSlot", self._slot, geyser_pb2.GetSlotRequest),
            ("GetVersion", self._version, geyser_pb2.GetVersionRequest),
        )
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                answer, request_deserializer=request.FromString, response_serializer=_serialized
            )
            for name, answer, request in unary
        }
        handlers["Subscribe"] = grpc.stream_stream_rpc_method_handler(
            self._subscribe,
            request_deserializer=geyser_pb2.SubscribeRequest.FromString,
            response_serializer=_serialized,
        )
        return handlers

    # --- questions ---

    async def _check_token(self, context: Any) -> None:
        if self._token is None:
            return
        sent = dict(context.invocation_metadata() or ()).get("x-token", "")
        if not hmac.compare_digest(str(sent), self._token):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "No valid auth token")

    async def _version(self, _request: Any, context: Any) -> geyser_pb2.GetVersionResponse:
        await self._check_token(context)
        return geyser_pb2.GetVersionResponse(version="recorded")

    async def _ping(self, request: geyser_pb2.PingRequest, context: Any) -> geyser_pb2.PongResponse:
        await self._check_token(context)
        return geyser_pb2.PongResponse(count=request.count)

    async def _slot(self, request: geyser_pb2.GetSlotRequest, context: Any) -> geyser_pb2.GetSlotResponse:
        await self._check_token(context)
        commitment = FINALIZED if request.commitment == geyser_pb2.FINALIZED else CONFIRMED
        return geyser_pb2.GetSlotResponse(slot=self._chain.view().tip_slot(commitment))

    async def _replay_info(self, _request: Any, context: Any) -> geyser_pb2.SubscribeReplayInfoResponse:
        await self._check_token(context)
        if not self._replayed_slots:
            return geyser_pb2.SubscribeReplayInfoResponse()
        return geyser_pb2.SubscribeReplayInfoResponse(first_available=self._first_replayed_slot())

    def _first_replayed_slot(self) -> int:
        oldest = max(0, self._live_end() - self._replayed_slots)
        return self._chain.ledger.slots[min(oldest, len(self._chain.ledger.slots) - 1)]

    def _live_end(self) -> int:
        """The place of the first slot that nobody has been told of."""
        if self._chain.timeline.is_instant:
            return self._live_number
        if not self._chain.has_started.is_set():
            return 0
        return self._chain.timeline.visible_count(self._chain.elapsed_seconds())

    # --- the stream ---

    async def _subscribe(self, _requests: Any, context: Any) -> None:
        await self._check_token(context)
        if self._chain.elapsed_seconds() < self._away_until_seconds:
            await context.abort(grpc.StatusCode.UNAVAILABLE, f"the stream is down (fault: {DROP})")
        subscriber = _Subscriber(context)
        self.subscribers.append(subscriber)
        tasks = [
            asyncio.create_task(work)
            for work in (self._read(subscriber), self._tell(subscriber), self._keep(subscriber))
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except _EndOfStream as end:
            await context.abort(end.code, end.words)
        finally:
            self.subscribers.remove(subscriber)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, subscriber: _Subscriber) -> None:
        while (request := await subscriber.context.read()) is not grpc.aio.EOF:
            if request.HasField("ping"):
                pong = geyser_pb2.SubscribeUpdatePong(id=request.ping.id)
                await subscriber.send(geyser_pb2.SubscribeUpdate(pong=pong))
                continue
            subscriber.wanted = Wanted.of(request, self._chain.ledger)
            if request.HasField("from_slot"):
                subscriber.next_number = self._replay_number(request.from_slot)
                self.resumed_from.append(request.from_slot)
            elif subscriber.next_number < 0:
                subscriber.next_number = self._live_end()
            subscriber.next_final = max(subscriber.next_final, subscriber.next_number)
            if not subscriber.has_begun.is_set():
                self._chain.start()
                self._chain.has_been_listened_to = True
                subscriber.has_begun.set()

    def _replay_number(self, from_slot: int) -> int:
        if not self._replayed_slots:
            raise _EndOfStream(grpc.StatusCode.INTERNAL, "from_slot is not supported")
        first_slot = self._first_replayed_slot()
        if from_slot < first_slot:
            words = f"broadcast from {from_slot} is not available, last available: {first_slot}"
            raise _EndOfStream(grpc.StatusCode.OUT_OF_RANGE, words)
        return min(bisect_left(self._chain.ledger.slots, from_slot), self._live_end())

    async def _keep(self, subscriber: _Subscriber) -> None:
        while True:
            await asyncio.sleep(self._ping_seconds)
            await subscriber.send(geyser_pb2.SubscribeUpdate(ping=geyser_pb2.SubscribeUpdatePing()))

    async def _tell(self, subscriber: _Subscriber) -> None:
        await subscriber.has_begun.wait()
        chain, timeline = self._chain, self._chain.timeline
        if timeline.is_instant:
            # Other subscriptions of the same client begin with the same slot.
            await chain.clock.sleep(SETTLING_SECONDS)
        count = len(chain.ledger.slots)
        lag_seconds = timeline.finality_lag_seconds
        while subscriber.next_number < count or subscriber.next_final < count:
            number, final = subscriber.next_number, subscriber.next_final
            at_seconds = timeline.offsets_seconds[number] if number < count else _NEVER_SECONDS * 1e6
            final_at_seconds = timeline.offsets_seconds[final] + lag_seconds if final < count else _NEVER_SECONDS * 1e6
            await self._sleep_until(min(at_seconds, final_at_seconds))
            if number < count and (number <= final or at_seconds < final_at_seconds):
                await self._tell_slot(subscriber, number)
            else:
                subscriber.next_final = final + 1
                await self._send_all(subscriber, self._messages.final(final, subscriber.wanted))
            # Sending to a quick reader never yields by itself.
            await asyncio.sleep(0)
        await self._tell_of_time(subscriber)

    async def _tell_slot(self, subscriber: _Subscriber, number: int) -> None:
        slot = self._chain.ledger.slots[number]
        is_final_only = subscriber.wanted.commitment == geyser_pb2.FINALIZED
        subscriber.next_number = number + 1
        self._live_number = max(self._live_number, number + 1)
        self._chain.note_announced(slot)
        if not is_final_only:
            await self._send_all(subscriber, self._messages.of(number, subscriber.wanted))
        elif slot not in self._chain.vanishing:
            await self._sleep_until(
                self._chain.timeline.offsets_seconds[number] + self._chain.timeline.finality_lag_seconds
            )
            await self._send_all(subscriber, self._messages.of(number, subscriber.wanted))

    async def _tell_of_time(self, subscriber: _Subscriber) -> None:
        """After the last recorded slot: empty ones as time goes on; at speed 0 time stands still."""
        timeline = self._chain.timeline
        told = self._chain.ledger.slots[-1]
        if timeline.is_instant:
            await asyncio.Event().wait()
        while True:
            await self._sleep_until(timeline.tip_offset_seconds(told + 1))
            slot = max(told + 1, self._chain.view().tip_slot(CONFIRMED))
            updates = self._messages.status(slot, told, geyser_pb2.SLOT_CONFIRMED, subscriber.wanted)
            told = slot
            await self._send_all(subscriber, updates)

    async def _sleep_until(self, offset_seconds: float) -> None:
        while (missing_seconds := offset_seconds - self._chain.elapsed_seconds()) > 0:
            await self._chain.clock.sleep(min(missing_seconds, _NEVER_SECONDS))

    async def _send_all(self, subscriber: _Subscriber, updates: list[geyser_pb2.SubscribeUpdate]) -> None:
        for update in updates:
            await subscriber.send(update)
            subscriber.sent += 1
            await self._strike(subscriber)

    async def _strike(self, subscriber: _Subscriber) -> None:
        """Whatever a fault does to the stream behind this update."""
        faults = self._chain.faults
        if faults.is_on(STALL) and not subscriber.sent % int(faults.setting(STALL, "after")):
            times = int(faults.setting(STALL, "times"))
            if not times or self._stalls < times:
                self._stalls += 1
                await self._chain.clock.sleep(faults.setting(STALL, "for_ms") / 1000)
        if faults.is_on(DROP) and not subscriber.sent % int(faults.setting(DROP, "after")):
            times = int(faults.setting(DROP, "times"))
            if not times or self._drops < times:
                self._drops += 1
                self._away_until_seconds = self._chain.elapsed_seconds() + faults.setting(DROP, "for_ms") / 1000
                self._live_number += int(faults.setting(DROP, "lose"))
                raise _EndOfStream(grpc.StatusCode.UNAVAILABLE, f"the stream is cut (fault: {DROP})")


class _EndOfStream(Exception):  # noqa: N818 - an end, not an error of ours
    def __init__(self, code: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


def _serialized(message: Any) -> bytes:
    encoded: bytes = message.SerializeToString()
    return encoded
