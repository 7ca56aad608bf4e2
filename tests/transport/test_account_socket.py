"""accountSubscribe against a real WebSocket server: the slot of a change is heard, and nothing else is believed."""

import asyncio
import json
import random
from contextlib import aclosing
from typing import Any

import pytest
from leaping_clock import LeapingClock
from websockets.asyncio.server import ServerConnection, serve

from oof_pipelines.account_interfaces import HeardChange
from oof_pipelines.interfaces import Dropped, Subscribed
from oof_pipelines.settings import SecretUrl
from oof_pipelines.transport.account_socket import AccountSocket

ACCOUNT = "So11111111111111111111111111111111111111112"
KEY = "a-very-secret-key"


def notification(slot: Any, method: str = "accountNotification") -> str:
    value = {"data": ["", "base64"], "lamports": 5, "owner": ACCOUNT, "executable": False, "rentEpoch": 2**64 - 1}
    parameters = {"result": {"context": {"slot": slot}, "value": value}, "subscription": 7}
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": parameters})


def heard_from(scripts: list[list[str]], count: int) -> tuple[list[Any], list[dict[str, Any]]]:
    """The first `count` events of a server that sends one script a connection and closes, the last one for ever."""
    requests: list[dict[str, Any]] = []

    async def answer(socket: ServerConnection) -> None:
        requests.append(json.loads(await socket.recv()))
        for text in scripts.pop(0) if len(scripts) > 1 else scripts[0]:
            await socket.send(text)
        await socket.close()

    async def scenario() -> list[Any]:
        async with serve(answer, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            url = SecretUrl(f"ws://127.0.0.1:{port}/?api-key={KEY}")
            socket = AccountSocket([url], timeout_seconds=5, clock=LeapingClock(), randomness=random.Random(1))
            found: list[Any] = []
            async with aclosing(socket.listen(ACCOUNT)) as events, asyncio.timeout(20):
                async for event in events:
                    found.append(event)
                    if len(found) == count:
                        break
            return found

    return asyncio.run(scenario()), requests


CONFIRMED = json.dumps({"jsonrpc": "2.0", "id": 1, "result": 77})


def test_changes_are_heard_and_a_cut_socket_comes_back() -> None:
    scripts = [
        [CONFIRMED, notification(5), notification(6, "slotNotification"), notification(7)],
        [CONFIRMED, notification(9)],
    ]
    events, requests = heard_from(scripts, 6)
    assert [type(event) for event in events] == [Subscribed, HeardChange, HeardChange, Dropped, Subscribed, HeardChange]
    assert [event.slot for event in events if isinstance(event, HeardChange)] == [5, 7, 9]
    assert {event.account for event in events if isinstance(event, HeardChange)} == {ACCOUNT}
    assert requests[0]["method"] == "accountSubscribe"
    assert requests[0]["params"] == [ACCOUNT, {"encoding": "base64", "commitment": "confirmed"}]
    assert KEY not in str(events)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no JSON", "a message that is not JSON-RPC"),
        (json.dumps({"id": 1, "error": {"code": -32602, "message": "no"}}), "accountSubscribe was refused"),
    ],
)
def test_a_server_that_talks_nonsense_is_left(text: str, reason: str) -> None:
    (dropped, *_), _ = heard_from([[text]], 2)
    assert isinstance(dropped, Dropped)
    assert reason in dropped.reason


@pytest.mark.parametrize("slot", [-1, "5", None, 2**64])
def test_a_slot_that_is_none_ends_the_connection(slot: Any) -> None:
    (_, dropped), _ = heard_from([[CONFIRMED, notification(slot)]], 2)
    assert isinstance(dropped, Dropped)
    assert "not JSON-RPC" in dropped.reason
