"""Everything that is refreshed, by name: what it asks whom, how often, and why it is skipped where nobody is configured.

One process may run all of it (`keep_refreshing`, with the streams), and Dagster runs each by itself; both use this list.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from oof_pipelines.interfaces import Clock
from oof_pipelines.market_interfaces import (
    CoinVolumeSource,
    DepthSource,
    KlineSource,
    MetadataSource,
    PriceStream,
    QuoteSource,
    SpotPrices,
    VolumeSource,
)
from oof_pipelines.market_store import MarketStore
from oof_pipelines.pricing.readings import BINANCE, DEFILLAMA, HELIUS_DAS, JUPITER, PUMP_FUN, PYTH, RPC_MINT
from oof_pipelines.workflows.refresh_asking import Hide, RefreshReport, hiding, unexpected
from oof_pipelines.workflows.refresh_readings import (
    refresh_coin_volumes,
    refresh_klines,
    refresh_metadata,
    refresh_prices,
    refresh_sol_price,
    refresh_volumes,
)
from oof_pipelines.workflows.refresh_streams import StreamCounts, keep_depth, keep_prices


class PricesAndQuotes(SpotPrices, QuoteSource, Protocol):
    """Jupiter."""


class KlinesAndDepth(KlineSource, DepthSource, Protocol):
    """An exchange."""


class MarketSources(Protocol):
    """A client of each service; opening one asks nothing. Metadata has none where there is no endpoint to ask."""

    @property
    def jupiter(self) -> PricesAndQuotes: ...
    @property
    def pyth(self) -> SpotPrices: ...
    @property
    def pyth_stream(self) -> PriceStream: ...
    @property
    def defillama(self) -> VolumeSource: ...
    @property
    def pump_fun(self) -> CoinVolumeSource: ...
    @property
    def binance(self) -> KlinesAndDepth: ...
    @property
    def das(self) -> MetadataSource | None: ...
    @property
    def mints(self) -> MetadataSource | None: ...


Run = Callable[[str, MarketSources, MarketStore, Clock], Awaitable[RefreshReport]]


@dataclass(frozen=True, slots=True)
class Refresh:
    """One refresh: `source` is whom it asks, by the name OOF_MARKET_SOURCES has for it."""

    source: str
    every_seconds: float
    description: str
    run: Run


def _metadata(source_name: str, client: Callable[[MarketSources], MetadataSource | None]) -> Run:
    async def run(name: str, sources: MarketSources, store: MarketStore, clock: Clock) -> RefreshReport:
        source = client(sources)
        if source is None:
            return RefreshReport(name, source_name, skipped="OOF_DAS_URL: not set, and neither is RPC_PRIMARY")
        return await refresh_metadata(name, source, source_name, store, clock)

    return run


REFRESHES = {
    "spot_prices": Refresh(
        JUPITER,
        60,
        "Spot prices of SOL and of the mints traded lately, the most traded first (Jupiter price v3).",
        lambda name, sources, store, clock: refresh_prices(name, sources.jupiter, JUPITER, store, clock),
    ),
    "sol_price": Refresh(
        PYTH,
        60,
        "SOL in dollars with its confidence (Pyth Hermes).",
        lambda name, sources, store, clock: refresh_sol_price(name, sources.pyth, PYTH, store, clock),
    ),
    "defillama_volume": Refresh(
        DEFILLAMA,
        300,
        "Traded volume on Solana, in all and by venue (DeFiLlama).",
        lambda name, sources, store, clock: refresh_volumes(name, sources.defillama, DEFILLAMA, store, clock),
    ),
    "pump_fun_volume": Refresh(
        PUMP_FUN,
        60,
        "Traded volume of the coins traded lately, the most traded first (pump.fun).",
        lambda name, sources, store, clock: refresh_coin_volumes(name, sources.pump_fun, PUMP_FUN, store, clock),
    ),
    "sol_klines": Refresh(
        BINANCE,
        300,
        "SOLUSDT in klines of five minutes (Binance).",
        lambda name, sources, store, clock: refresh_klines(name, sources.binance, BINANCE, store, clock),
    ),
    "token_metadata": Refresh(
        HELIUS_DAS,
        3_600,
        "Names, symbols, logos and decimals of mints that lack them (Digital Asset Standard API).",
        _metadata(HELIUS_DAS, lambda sources: sources.das),
    ),
    "token_mints": Refresh(
        RPC_MINT,
        3_600,
        "Decimals, and words that Token-2022 keeps in the mint, of mints that lack them (any node).",
        _metadata(RPC_MINT, lambda sources: sources.mints),
    ),
}
"""Name → refresh."""

PRICE_STREAM, DEPTH_STREAM = "pyth_stream", "binance_depth"
STREAMS = {PRICE_STREAM: PYTH, DEPTH_STREAM: BINANCE}
"""Stream → whom it listens to."""

STREAM_PAUSE_SECONDS = 5.0
"""How long a stream that broke is left alone."""


def why_skipped(source: str, configured: Collection[str]) -> str | None:
    """Why `source` is not asked; None where it is."""
    return None if source in configured else f"OOF_MARKET_SOURCES does not name {source}"


async def refresh(
    name: str, configured: Collection[str], sources: MarketSources, store: MarketStore, clock: Clock
) -> RefreshReport:
    """Do one refresh of `REFRESHES`; where its source is not configured, say so. What it raises is its report's error."""
    one = REFRESHES[name]
    reason = why_skipped(one.source, configured)
    if reason is not None:
        return RefreshReport(name, one.source, skipped=reason)
    try:
        return await one.run(name, sources, store, clock)
    except Exception as error:
        return RefreshReport(name, one.source, error=unexpected(name, error, _hiding_all(sources)))


def _hiding_all(sources: MarketSources) -> Hide:
    clients = (sources.jupiter, sources.pyth, sources.defillama, sources.pump_fun, sources.binance)
    return hiding(*clients, sources.pyth_stream, sources.das, sources.mints)


async def refresh_once(
    configured: Collection[str], sources: MarketSources, store: MarketStore, clock: Clock
) -> list[RefreshReport]:
    """Every refresh once, at the same time; one that fails says so in its report and leaves the others alone."""
    return list(await asyncio.gather(*(refresh(name, configured, sources, store, clock) for name in REFRESHES)))


async def keep_refreshing(
    configured: Collection[str],
    sources: MarketSources,
    store: MarketStore,
    clock: Clock,
    *,
    on_report: Callable[[RefreshReport], None],
    stream_counts: dict[str, StreamCounts],
    is_streams_only: bool = False,
) -> None:
    """Refresh what is configured at its pace, each with one asking in flight, and listen to the streams, until cancelled.

    `stream_counts` gets an entry a stream. Where prices are streamed they are not asked for beside. `is_streams_only`
    leaves the refreshes to somebody else. A stream that breaks, or whose readings cannot be kept, is listened to again after
    `STREAM_PAUSE_SECONDS`, and the others never notice.
    """

    async def again_and_again(name: str) -> None:
        while True:
            began_s = clock.monotonic_s()
            on_report(await refresh(name, configured, sources, store, clock))
            await clock.sleep(max(0.0, began_s + REFRESHES[name].every_seconds - clock.monotonic_s()))

    async def listen_again_and_again(name: str, listen: Callable[[StreamCounts], Awaitable[None]]) -> None:
        counts = stream_counts[name] = StreamCounts()
        while True:
            try:
                await listen(counts)
            except Exception as error:
                unexpected(name, error, _hiding_all(sources))
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    # It broke on the way out, and a task group that fails says nothing of having been cancelled.
                    raise asyncio.CancelledError from None
            await clock.sleep(STREAM_PAUSE_SECONDS)

    async with asyncio.TaskGroup() as group:
        for name, one in REFRESHES.items():
            if one.source in configured and one.source != STREAMS[PRICE_STREAM] and not is_streams_only:
                group.create_task(again_and_again(name), name=name)
        if PYTH in configured:

            async def listen_to_prices(counts: StreamCounts) -> None:
                await keep_prices(PRICE_STREAM, sources.pyth_stream, PYTH, store, clock, counts)

            group.create_task(listen_again_and_again(PRICE_STREAM, listen_to_prices), name=PRICE_STREAM)
        if BINANCE in configured:

            async def listen_to_books(counts: StreamCounts) -> None:
                await keep_depth(DEPTH_STREAM, sources.binance, BINANCE, store, clock, counts)

            group.create_task(listen_again_and_again(DEPTH_STREAM, listen_to_books), name=DEPTH_STREAM)
