"""A service of one scripted answer, for what no recorded server says, and a connection to it on a leaping clock."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import web
from market_scene import KEY, POLICY, MarketClock

from oof_pipelines.settings import SecretText, SecretUrl
from oof_pipelines.transport.market.service import MarketService

Handle = Callable[[web.Request], web.StreamResponse | Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handle: Handle) -> AsyncIterator[str]:
    """The address of a server whose every answer `handle` makes."""

    async def answer(request: web.Request) -> web.StreamResponse:
        made = handle(request)
        return await made if isinstance(made, Awaitable) else made

    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def scripted(
    source: str, handle: Handle, path: str = "", **changes: float
) -> AsyncIterator[tuple[MarketService, MarketClock]]:
    """A connection with a key in its address and in a header, and its clock."""
    clock = MarketClock()
    async with serving(handle) as address:
        url = SecretUrl(f"{address}{path}?api-key={KEY}", "THE_URL")
        policy = replace(POLICY, **changes)  # type: ignore[arg-type]
        key = ("x-api-key", SecretText(KEY, "THE_KEY"))
        async with MarketService(source, url, policy, clock=clock, randomness=random.Random(1), key=key) as service:
            yield service, clock
