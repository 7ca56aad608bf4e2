"""A market server and clients of it, on a clock that leaps: sleeps take no time and are remembered."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from solders.pubkey import Pubkey

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.pricing.readings import BINANCE, DEFILLAMA, HELIUS_DAS, JUPITER, PUMP_FUN, PYTH, RPC_MINT
from oof_pipelines.settings import SecretText, SecretUrl
from oof_pipelines.testing.market_server.faults import MarketFaults
from oof_pipelines.testing.market_server.recordings import MarketRecordings
from oof_pipelines.testing.market_server.server import MarketServer
from oof_pipelines.testing.market_server.world import MarketWorld
from oof_pipelines.transport.market.binance import BinanceClient
from oof_pipelines.transport.market.clients import latest_of_stream
from oof_pipelines.transport.market.defillama import DefiLlamaClient
from oof_pipelines.transport.market.freshness import Freshness
from oof_pipelines.transport.market.jupiter import JUPITER_KEY_HEADER, JupiterClient
from oof_pipelines.transport.market.pump_fun import PumpFunClient
from oof_pipelines.transport.market.pyth import PythClient, PythReader
from oof_pipelines.transport.market.pyth_stream import PythStream
from oof_pipelines.transport.market.service import MarketService, ServicePolicy
from oof_pipelines.transport.market.token_metadata import DasClient, RpcMintClient

START = datetime(2026, 8, 14, 12, 0, 30, tzinfo=UTC)
SOL_FEED = "ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d"
USDC_FEED = "eaa020c61cc479712813461ce153894a96a6c00b21ed0cfc2798d1f9a9e9c94a"
FEEDS = ((NATIVE_MINT, SOL_FEED), (USDC_MINT, USDC_FEED))
POLICY = ServicePolicy(
    requests=1000,
    timeout_seconds=20.0,
    attempts=3,
    most_bytes=100_000,
    failures_to_open=100,
    longest_retry_after_seconds=20.0,
)
KEY = "a-very-secret-key"


def made_mint(number: int) -> str:
    """An address that nobody else has."""
    return str(Pubkey.from_bytes(number.to_bytes(32, "big")))


_WORLD = MarketWorld(0)
KNOWN = [mint for mint in map(made_mint, range(1, 400)) if _WORLD.is_known(mint)]
UNKNOWN = [mint for mint in map(made_mint, range(1, 400)) if not _WORLD.is_known(mint)]


class MarketClock:
    """`Clock` from `START` on. Sleeping moves it and is written down."""

    def __init__(self) -> None:
        self.passed_seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed_seconds)

    def monotonic_s(self) -> float:
        return 1000.0 + self.passed_seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed_seconds += seconds
        await asyncio.sleep(0)


@dataclass
class Scene:
    """One server, one clock, and services opened on demand."""

    server: MarketServer
    clock: MarketClock
    opened: list[MarketService]

    def fail(self, faults: str | None, seed: int = 0) -> None:
        """From now on, other faults."""
        self.server.faults = MarketFaults(faults, seed)

    @property
    def requests(self) -> int:
        return self.server.served.total()

    def service(self, source: str, setting: str, key: str | None = None, **changes: float) -> MarketService:
        url = SecretUrl(self.server.environment()[setting], setting)
        if source == PYTH:
            url = latest_of_stream(url)
        header = (JUPITER_KEY_HEADER, SecretText(key, "JUPITER_API_KEY")) if key else None
        policy = replace(POLICY, **changes)  # type: ignore[arg-type]
        made = MarketService(source, url, policy, clock=self.clock, randomness=random.Random(1), key=header)
        self.opened.append(made)
        return made

    def jupiter(self, is_stale_refused: bool = True, key: str | None = None, **changes: float) -> JupiterClient:
        return JupiterClient(self.service(JUPITER, "JUPITER_BASE_URL", key, **changes), Freshness(60, is_stale_refused))

    def reader(self, is_stale_refused: bool = True) -> PythReader:
        return PythReader(FEEDS, Freshness(60, is_stale_refused))

    def pyth(self, **changes: float) -> PythClient:
        return PythClient(self.service(PYTH, "PYTH_HERMES_SSE", **changes), self.reader())

    def pyth_stream(self, idle_seconds: float = 20.0, is_stale_refused: bool = True) -> PythStream:
        url = SecretUrl(self.server.environment()["PYTH_HERMES_SSE"], "PYTH_HERMES_SSE")
        reader, randomness = self.reader(is_stale_refused), random.Random(1)
        return PythStream(url, reader, clock=self.clock, randomness=randomness, idle_seconds=idle_seconds)

    def defillama(self, **changes: float) -> DefiLlamaClient:
        return DefiLlamaClient(self.service(DEFILLAMA, "OOF_DEFILLAMA_URL", **changes))

    def pump_fun(self, **changes: float) -> PumpFunClient:
        return PumpFunClient(self.service(PUMP_FUN, "OOF_PUMP_FUN_URL", **changes))

    def binance(self, **changes: float) -> BinanceClient:
        return BinanceClient(self.service(BINANCE, "OOF_BINANCE_URL", **changes))

    def das(self, **changes: float) -> DasClient:
        return DasClient(self.service(HELIUS_DAS, "OOF_DAS_URL", **changes))

    def mints(self, **changes: float) -> RpcMintClient:
        return RpcMintClient(self.service(RPC_MINT, "OOF_DAS_URL", **changes))


@asynccontextmanager
async def market(
    faults: str | None = None,
    seed: int = 0,
    *,
    recordings: MarketRecordings | None = None,
    jupiter_key: str | None = None,
    stream_seconds: float = 0.01,
) -> AsyncIterator[Scene]:
    """A scene for the length of the block."""
    clock = MarketClock()
    server = MarketServer(
        feeds={feed: mint for mint, feed in FEEDS},
        faults=faults,
        recordings=recordings,
        jupiter_key=jupiter_key,
        stream_seconds=stream_seconds,
        now=clock.now,
    )
    server.faults = MarketFaults(faults, seed)
    async with server.serving():
        scene = Scene(server, clock, [])
        try:
            yield scene
        finally:
            for service in scene.opened:
                await service.http.aclose()


def _asking(
    make: Callable[..., Any], ask: Callable[[Any], Awaitable[object]]
) -> Callable[..., tuple[Any, Callable[[], Awaitable[object]]]]:
    def question(scene: Scene, **changes: float) -> tuple[Any, Callable[[], Awaitable[object]]]:
        client = make(scene, **changes)
        return client, lambda: ask(client)

    return question


QUESTIONS = {
    "jupiter price": ("jupiter", _asking(Scene.jupiter, lambda client: client.prices([NATIVE_MINT, KNOWN[0]]))),
    "jupiter quote": (
        "jupiter",
        _asking(Scene.jupiter, lambda client: client.quote(NATIVE_MINT, USDC_MINT, 10**9, 50)),
    ),
    "pyth": ("hermes", _asking(Scene.pyth, lambda client: client.prices([NATIVE_MINT, USDC_MINT]))),
    "defillama": ("llama", _asking(Scene.defillama, lambda client: client.volumes())),
    "defillama venue": ("llama", _asking(Scene.defillama, lambda client: client.venue_volumes("pump.fun"))),
    "pump.fun": ("pump", _asking(Scene.pump_fun, lambda client: client.coin_volumes(KNOWN[:5]))),
    "klines": ("binance", _asking(Scene.binance, lambda client: client.klines("SOLUSDT", "1m", None, 5))),
    "depth": ("binance", _asking(Scene.binance, lambda client: client.snapshot("SOLUSDT"))),
    "das": ("das", _asking(Scene.das, lambda client: client.metadata(KNOWN[:3]))),
    "mint accounts": ("das", _asking(Scene.mints, lambda client: client.metadata(KNOWN[:3]))),
}
"""Every request a client makes: which service it goes to, and how it is made."""
