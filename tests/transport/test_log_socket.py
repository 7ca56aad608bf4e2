"""logsSubscribe against real WebSocket servers that drop, refuse and talk nonsense."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from leaping_clock import LeapingClock
from websockets.asyncio.server import ServerConnection, serve

from oof_pipelines.interfaces import Dropped, HeardLog, Subscribed
from oof_pipelines.settings import SecretUrl
from oof_pipelines.transport.log_socket import LogSocket

KEY = "a-very-secret-key"
NAMES = [digit * 88 for digit in "23456789"]
Behaviour = Callable[[ServerConnection], Awaitable[None]]


class Node:
    """A WebSocket server with one behaviour a connection, the last one for ever."""

    def __init__(self, *script: Behaviour) -> None:
        self.script = list(script)
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self.url = SecretUrl("")

    async def handle(self, socket: ServerConnection) -> None:
        self.connections += 1
        behave = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.requests.append(json.loads(await socket.recv()))
        await behave(socket)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Node"]:
        async with serve(self.handle, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = SecretUrl(f"ws://127.0.0.1:{port}/?api-key={KEY}")
            yield self
            server.close()


def notification(name: str, slot: int = 5, **value: Any) -> str:
    value = {"signature": name, "err": None, "logs": ["Program log: hi"]} | value
    parameters = {"result": {"context": {"slot": slot}, "value": value}, "subscription": 2**63}
    return json.dumps({"jsonrpc": "2.0", "method": "logsNotification", "params": parameters})


def announces(*messages: str | bytes, stays: bool = False) -> Behaviour:
    """Confirms the subscription, sends `messages`, and closes, or stays."""

    async def behave(socket: ServerConnection) -> None:
        await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "result": 77}))
        for message in messages:
            await socket.send(message)
        if stays:
            await socket.wait_closed()

    return behave


async def refuses(socket: ServerConnection) -> None:
    problem = {"code": -32602, "message": f"not with {KEY}"}
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "error": problem}))
    await socket.wait_closed()


async def says_nothing(socket: ServerConnection) -> None:
    await socket.wait_closed()


async def events(
    *nodes: Node, until: Callable[[list[Any]], bool], target: str = "all", clock: LeapingClock | None = None
) -> list[Any]:
    """What a listener hears until enough; no text in it may hold the key."""
    socket = LogSocket(
        [node.url for node in nodes], timeout_seconds=0.5, clock=clock or LeapingClock(), randomness=random.Random(2)
    )
    heard: list[Any] = []
    async with asyncio.timeout(10), aclosing(socket.listen(target)) as stream:
        async for event in stream:
            heard.append(event)
            assert KEY not in str(event)
            if until(heard):
                break
    return heard


def shape(heard: list[Any], *nodes: Node) -> list[str]:
    """Events as 'S' (subscribed), 'D' (dropped) with the number of the node, and the announced signature's digit."""
    ports = [str(node.url) for node in nodes]
    shown = []
    for event in heard:
        match event:
            case HeardLog():
                shown.append(event.signature[0])
            case Subscribed():
                shown.append(f"S{ports.index(event.endpoint)}")
            case Dropped():
                shown.append(f"D{next(n for n, port in enumerate(ports) if event.reason.startswith(port))}")
    return shown


def test_announcements_are_read_whole() -> None:
    async def scenario() -> None:
        failed = notification(NAMES[1], 6, err={"InstructionError": [0, "Custom"]}, logs=None)
        strange = json.dumps({"jsonrpc": "2.0", "method": "somethingElse"})
        async with Node(announces(notification(NAMES[0]), strange, failed, stays=True)).serving() as node:
            heard = await events(node, until=lambda so_far: len(so_far) == 3, target="AnAddress")
            assert heard[1:] == [
                HeardLog(NAMES[0], 5, False, ("Program log: hi",)),
                HeardLog(NAMES[1], 6, True, ()),
            ]
            assert node.requests[0]["params"] == [{"mentions": ["AnAddress"]}, {"commitment": "confirmed"}]
            await events(node, until=lambda so_far: len(so_far) == 1, target="allWithVotes")
            assert node.requests[1]["params"][0] == "allWithVotes"

    asyncio.run(scenario())


def test_a_healthy_endpoint_that_drops_is_tried_again_soon() -> None:
    async def scenario() -> None:
        clock = LeapingClock()
        script = [announces(notification(name)) for name in NAMES[:4]]
        async with Node(*script).serving() as first, Node(refuses).serving() as second:
            heard = await events(first, second, until=lambda so_far: len(so_far) == 12, clock=clock)
            assert shape(heard, first, second) == ["S0", "2", "D0", "S0", "3", "D0", "S0", "4", "D0", "S0", "5", "D0"]
            assert second.connections == 0
            assert max(clock.slept) <= 0.2, "a healthy connection begins the waiting anew"

    asyncio.run(scenario())


def test_endpoints_take_turns_while_none_is_healthy() -> None:
    async def scenario() -> None:
        clock = LeapingClock()
        async with (
            Node(refuses, says_nothing, announces(), announces(notification(NAMES[0]))).serving() as first,
            Node(refuses, announces(b"\xff\xfe"), announces("{"), refuses).serving() as second,
        ):
            heard = await events(first, second, until=lambda so_far: len(so_far) == 12, clock=clock)
            assert shape(heard, first, second) == [
                "D0", "D1", "D0", "S1", "D1", "S0", "D0", "S1", "D1", "S0", "2", "D0",
            ]  # fmt: skip
            assert clock.slept[4] > clock.slept[0], "waits longer"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "garbage",
    [
        "not json",
        b"\xff",
        "[" * 10_000,
        notification("too short"),
        notification("0" * 88),
        notification(NAMES[0] + "\0"),
        notification(NAMES[0], -1),
        notification(NAMES[0], 2**63),
        notification(NAMES[0], logs="text"),
        '{"method":"logsNotification","params":{"subscription":1}}',
    ],
    ids=lambda value: str(value)[:30],
)
def test_garbage_drops_the_connection_and_is_never_an_announcement(garbage: str | bytes) -> None:
    async def scenario() -> None:
        good = announces(notification(NAMES[3]), stays=True)
        async with Node(announces(garbage, stays=True)).serving() as first, Node(good).serving() as second:
            heard = await events(first, second, until=lambda so_far: len(so_far) == 4)
            assert shape(heard, first, second) == ["S0", "D0", "S1", "5"]

    asyncio.run(scenario())


def test_nobody_listens_at_the_first() -> None:
    async def scenario() -> None:
        closed = Node(refuses)
        closed.url = SecretUrl(f"ws://127.0.0.1:1/{KEY}")
        async with Node(announces(notification(NAMES[0]), stays=True)).serving() as second:
            heard = await events(closed, second, until=lambda so_far: len(so_far) == 3)
            assert shape(heard, closed, second) == ["D0", "S1", "2"]

    asyncio.run(scenario())


def test_a_silent_target_was_healthy_if_it_stood_long() -> None:
    async def scenario() -> None:
        clock = LeapingClock()

        def an_hour_later(so_far: list[Any]) -> bool:
            if isinstance(so_far[-1], Subscribed):
                clock.now_s += 3600
            return len(so_far) == 8

        async with Node(announces()).serving() as first, Node(refuses).serving() as second:
            heard = await events(first, second, until=an_hour_later, clock=clock)
            assert shape(heard, first, second) == ["S0", "D0"] * 4
            assert max(clock.slept) <= 0.2

    asyncio.run(scenario())


def test_a_refusal_says_why_without_the_key() -> None:
    async def scenario() -> None:
        async with Node(refuses).serving() as node:
            (dropped,) = await events(node, until=lambda so_far: True)
            assert "logsSubscribe was refused" in dropped.reason
            assert "not with …" in dropped.reason

    asyncio.run(scenario())


def test_no_endpoint_names_the_setting() -> None:
    with pytest.raises(ValueError, match="RPC_WS"):
        LogSocket([], timeout_seconds=1, clock=LeapingClock(), randomness=random.Random(1))
