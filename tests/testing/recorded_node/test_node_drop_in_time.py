"""At a speed, a dropped socket stays down while announcements are lost; whoever is let in again hears all the rest."""

import asyncio
import json
from pathlib import Path

import pytest
import websockets
from websockets.asyncio.client import connect

from oof_pipelines.testing.recorded_node.ledger import load_ledger
from oof_pipelines.testing.recorded_node.process import start_node_process
from oof_pipelines.testing.synthetic_chain import write_chain

SUBSCRIBE = '{"jsonrpc":"2.0","id":1,"method":"logsSubscribe","params":["allWithVotes",{"commitment":"confirmed"}]}'


async def hear(url: str, heard: list[str]) -> None:
    """Signatures announced on one connection, until it drops or a second of silence."""
    async with connect(url) as socket:
        await socket.send(SUBSCRIBE)
        await socket.recv()
        while True:
            try:
                message = await asyncio.wait_for(socket.recv(), 1)
            except TimeoutError:
                return
            heard.append(json.loads(message)["params"]["result"]["value"]["signature"])


async def follow(url: str) -> tuple[list[str], list[str], int]:
    """What the first connection heard, what the next one that was let in heard, and how often it was refused."""
    first: list[str] = []
    with pytest.raises(websockets.ConnectionClosed):
        await hear(url, first)
    second: list[str] = []
    refusals = 0
    while not second:
        try:
            await hear(url, second)
        except (websockets.InvalidStatus, ConnectionError):
            refusals += 1
            await asyncio.sleep(0.01)
    return first, second, refusals


def test_a_subscription_let_in_after_a_drop_hears_all_that_follows(tmp_path: Path) -> None:
    write_chain(tmp_path, seed=5, transaction_count=60)
    order = [entry.signature for entry in load_ledger(tmp_path).entries]
    with start_node_process(tmp_path, speed=20, faults="drop:after=20;lose=10") as node:
        first, second, refusals = asyncio.run(follow(node.ws_url))
    assert first == order[:20]
    assert refusals > 0
    assert 20 <= len(second) <= 30
    assert second == order[-len(second) :]
