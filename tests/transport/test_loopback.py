"""A proxy of the environment is not asked for addresses of this machine."""

import asyncio
import random

import httpx
import pytest
import websockets
from aiohttp import web
from leaping_clock import LeapingClock

from oof_pipelines.commands.dagster_api import DagsterApi
from oof_pipelines.interfaces import Subscribed
from oof_pipelines.settings import SecretUrl
from oof_pipelines.transport.log_socket import LogSocket
from oof_pipelines.transport.loopback import direct_mounts, is_loopback
from oof_pipelines.transport.rpc import RpcClient


@pytest.fixture(autouse=True)
def proxy_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that nobody runs: what asks it fails."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        ("http://127.0.0.1:8899", True),
        ("ws://127.9.0.1/x", True),
        ("http://[::1]:8899", True),
        ("https://LocalHost./", True),
        ("http://node.localhost", True),
        ("http://localhost.example.com", False),
        ("http://128.0.0.1", False),
        ("https://api.mainnet-beta.solana.com", False),
        ("http://user@example.com/127.0.0.1", False),
    ],
)
def test_what_is_loopback(address: str, is_own: bool) -> None:
    assert is_loopback(address) is is_own
    assert bool(direct_mounts([address])) is is_own


def test_rpc_and_socket_reach_a_node_on_this_machine() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"jsonrpc": "2.0", "id": 1, "result": 7})

    async def confirm(socket: websockets.ServerConnection) -> None:
        await socket.recv()
        await socket.send('{"jsonrpc":"2.0","id":1,"result":0}')
        await socket.wait_closed()

    async def scenario() -> None:
        application = web.Application()
        application.router.add_post("/", answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = SecretUrl(f"http://127.0.0.1:{runner.addresses[0][1]}")
        clock, randomness = LeapingClock(), random.Random(1)
        options = {"requests_per_second": 9, "timeout_seconds": 2.0, "give_up_seconds": 1.0}
        async with RpcClient([url], clock=clock, randomness=randomness, **options) as rpc:
            assert await rpc.slot("confirmed") == 7
        await runner.cleanup()
        async with websockets.serve(confirm, "127.0.0.1", 0) as server:
            endpoint = SecretUrl(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            listening = LogSocket([endpoint], timeout_seconds=2.0, clock=clock, randomness=randomness).listen("all")
            assert await anext(listening) == Subscribed(str(endpoint))
            await listening.aclose()

    asyncio.run(scenario())


def test_other_addresses_still_go_by_the_proxy() -> None:
    async def scenario() -> None:
        urls = ["http://127.0.0.1:8899", "http://[::1]:8899", "https://example.com"]
        async with httpx.AsyncClient(mounts=direct_mounts(urls)) as client:
            own = [client._transport_for_url(httpx.URL(url)) for url in urls]
            assert own[0] is own[1] is client._transport
            assert own[2] is not client._transport

    asyncio.run(scenario())


def test_dagsters_own_webserver_is_asked_directly() -> None:
    assert DagsterApi("http://127.0.0.1:3000")._http._mounts == {}
    assert DagsterApi("http://dagster.example.com")._http._mounts != {}
