"""All clients opened from settings, against one server that the settings lead to."""

import asyncio
import random
from pathlib import Path

from market_scene import KNOWN, market

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.settings import MarketSettings, load_settings
from oof_pipelines.transport.market.breaker import BreakerState
from oof_pipelines.transport.market.clients import open_market_clients


def settings_for(environment: dict[str, str], home: Path) -> MarketSettings:
    return load_settings({**environment, "OOF_HOME": str(home), "JUPITER_API_KEY": "the-right-key"}).market


def test_every_client_finds_its_service_by_the_settings(tmp_path: Path) -> None:
    async def run() -> None:
        async with market(jupiter_key="the-right-key") as scene:
            settings = settings_for(scene.server.environment(), tmp_path)
            async with open_market_clients(settings, clock=scene.clock, randomness=random.Random(1)) as clients:
                assert clients.das is not None
                assert clients.mints is not None
                assert (await clients.jupiter.prices([NATIVE_MINT])).ticks
                assert await clients.jupiter.quote(NATIVE_MINT, USDC_MINT, 10**9, 50)
                assert (await clients.pyth.prices([NATIVE_MINT])).ticks
                assert (await clients.defillama.volumes()).readings
                assert (await clients.pump_fun.coin_volumes(KNOWN[:5])).readings
                assert await clients.binance.klines("SOLUSDT", "1m", None, 5)
                assert (await clients.binance.snapshot("SOLUSDT")).bids
                assert (await clients.das.metadata(KNOWN[:2])).tokens
                assert (await clients.mints.metadata(KNOWN[:2])).tokens
                stream = clients.pyth_stream.stream()
                assert [type(await anext(stream)).__name__ for _ in range(2)] == ["StreamUp", "PriceTick"]
                await stream.aclose()
                assert {service.breaker.state for service in clients.services} == {BreakerState.CLOSED}
                assert sum(service.outcomes["answered"] for service in clients.services) == 9

    asyncio.run(run())


def test_opening_them_sends_nothing_and_no_endpoint_means_no_metadata(tmp_path: Path) -> None:
    async def run() -> None:
        async with market() as scene:
            environment = {name: url for name, url in scene.server.environment().items() if name != "OOF_DAS_URL"}
            settings = settings_for(environment, tmp_path)
            async with open_market_clients(settings, clock=scene.clock, randomness=random.Random(1)) as clients:
                assert (clients.das, clients.mints) == (None, None)
                assert len(clients.services) == 5
            assert scene.requests == 0

    asyncio.run(run())
