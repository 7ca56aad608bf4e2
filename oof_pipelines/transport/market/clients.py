"""All market clients of the settings, opened together and closed together."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from oof_pipelines.interfaces import Clock
from oof_pipelines.pricing.readings import BINANCE, DEFILLAMA, HELIUS_DAS, JUPITER, PUMP_FUN, PYTH, RPC_MINT
from oof_pipelines.settings import MarketSettings, SecretText, SecretUrl
from oof_pipelines.transport.market.binance import BINANCE_POLICY, BinanceClient
from oof_pipelines.transport.market.defillama import DEFILLAMA_POLICY, DefiLlamaClient
from oof_pipelines.transport.market.freshness import Freshness
from oof_pipelines.transport.market.jupiter import JUPITER_KEY_HEADER, JUPITER_POLICY, JupiterClient
from oof_pipelines.transport.market.pump_fun import PUMP_FUN_POLICY, PumpFunClient
from oof_pipelines.transport.market.pyth import PYTH_POLICY, PythClient, PythReader
from oof_pipelines.transport.market.pyth_stream import PythStream
from oof_pipelines.transport.market.service import MarketService, ServicePolicy
from oof_pipelines.transport.market.token_metadata import METADATA_POLICY, DasClient, RpcMintClient


@dataclass(frozen=True, slots=True)
class MarketClients:
    """One client a service. `das` and `mints` are None where no endpoint is configured."""

    jupiter: JupiterClient
    pyth: PythClient
    pyth_stream: PythStream
    defillama: DefiLlamaClient
    pump_fun: PumpFunClient
    binance: BinanceClient
    das: DasClient | None
    mints: RpcMintClient | None

    @property
    def services(self) -> tuple[MarketService, ...]:
        """The connections, for metrics: `source`, `outcomes` and `breaker.state` of each."""
        clients = (self.jupiter, self.pyth, self.defillama, self.pump_fun, self.binance, self.das, self.mints)
        return tuple(client.service for client in clients if client is not None)


@asynccontextmanager
async def open_market_clients(
    settings: MarketSettings, *, clock: Clock, randomness: random.Random
) -> AsyncIterator[MarketClients]:
    """Clients for the length of the block. Opening sends nothing."""
    freshness = Freshness(settings.price_max_age_seconds, settings.is_stale_refused)
    async with AsyncExitStack() as stack:

        async def service(
            source: str, url: SecretUrl, policy: ServicePolicy, key: tuple[str, SecretText] | None = None
        ) -> MarketService:
            timed = replace(policy, timeout_seconds=float(settings.timeout_seconds))
            made = MarketService(source, url, timed, clock=clock, randomness=randomness, key=key)
            return await stack.enter_async_context(made)

        key = (JUPITER_KEY_HEADER, settings.jupiter_key) if settings.jupiter_key else None
        yield MarketClients(
            jupiter=JupiterClient(await service(JUPITER, settings.jupiter, JUPITER_POLICY, key), freshness),
            pyth=PythClient(
                await service(PYTH, latest_of_stream(settings.pyth_stream), PYTH_POLICY),
                PythReader(settings.pyth_feeds, freshness),
            ),
            pyth_stream=PythStream(
                settings.pyth_stream,
                PythReader(settings.pyth_feeds, freshness),
                clock=clock,
                randomness=randomness,
                connect_seconds=settings.timeout_seconds,
            ),
            defillama=DefiLlamaClient(await service(DEFILLAMA, settings.defillama, DEFILLAMA_POLICY)),
            pump_fun=PumpFunClient(await service(PUMP_FUN, settings.pump_fun, PUMP_FUN_POLICY)),
            binance=BinanceClient(await service(BINANCE, settings.binance, BINANCE_POLICY)),
            das=DasClient(await service(HELIUS_DAS, settings.das, METADATA_POLICY)) if settings.das else None,
            mints=RpcMintClient(await service(RPC_MINT, settings.das, METADATA_POLICY)) if settings.das else None,
        )


def latest_of_stream(stream: SecretUrl) -> SecretUrl:
    """The address of Hermes' newest prices, beside that of its stream: …/price/stream → …/price/latest."""
    before, _, query = stream.reveal().partition("?")
    root = before.rstrip("/").removesuffix("/stream")
    return SecretUrl(f"{root}/latest{'?' if query else ''}{query}", stream.setting)
