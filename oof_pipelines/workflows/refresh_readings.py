"""Refresh what is asked for again and again: prices of traded mints, SOL in dollars, volumes, klines, token metadata.

Each takes its source as a Protocol. Where a source is asked in chunks, each chunk is kept as it comes, so that an answer
that fails half-way leaves what came before; after the first failure the rest is left to the next time.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.interfaces import Clock
from oof_pipelines.market_interfaces import CoinVolumeSource, KlineSource, MetadataSource, SpotPrices, VolumeSource
from oof_pipelines.market_store import Harvest, MarketStore, What, without_stale_ticks
from oof_pipelines.pricing.readings import PriceTick, RefusedReading, TokenMetadata
from oof_pipelines.workflows.refresh_asking import Asking, RefreshReport, hiding

MONEY = frozenset({NATIVE_MINT, USDC_MINT, USDT_MINT})
MINTS_AT_ONCE = 50
"""What Jupiter takes in one request; also how much is lost where an answer fails."""

TOUCHED_DAYS = 7
MOST_MINTS = 500
MOST_COINS = 300
"""Six requests of the fifteen a minute that pump.fun bears."""

METADATA_DAYS = 30
FIRST_KLINES = 1_000
"""How far the first refresh of klines reaches back: what one request may bring."""


async def refresh_prices(
    name: str,
    source: SpotPrices,
    source_name: str,
    store: MarketStore,
    clock: Clock,
    *,
    touched_days: int = TOUCHED_DAYS,
    most_mints: int = MOST_MINTS,
) -> RefreshReport:
    """Prices of SOL and of the mints that were traded lately, the most traded first, at most `most_mints` in all."""
    asking = Asking(name, source_name, What.PRICES, store, clock, hiding(source))
    touched = await store.touched_mints(touched_days, most_mints)
    mints = [NATIVE_MINT, *(mint for mint in touched if mint != NATIVE_MINT)][:most_mints]
    return await _in_chunks(asking, mints, lambda chunk: _prices_of(source, chunk))


async def refresh_sol_price(
    name: str, source: SpotPrices, source_name: str, store: MarketStore, clock: Clock
) -> RefreshReport:
    """The price of SOL, which turns prices in SOL into dollars."""
    return await Asking(name, source_name, What.PRICES, store, clock, hiding(source)).once(
        _prices_of(source, [NATIVE_MINT])
    )


async def refresh_volumes(
    name: str, source: VolumeSource, source_name: str, store: MarketStore, clock: Clock
) -> RefreshReport:
    """Volumes as the source computes them now."""

    async def ask(empty: Harvest) -> tuple[Harvest, int]:
        batch = await source.volumes()
        return replace(empty, volumes=batch.readings, refused=batch.refused), 0

    return await Asking(name, source_name, What.VOLUMES, store, clock, hiding(source)).once(ask)


async def refresh_coin_volumes(
    name: str,
    source: CoinVolumeSource,
    source_name: str,
    store: MarketStore,
    clock: Clock,
    *,
    touched_days: int = TOUCHED_DAYS,
    most_mints: int = MOST_COINS,
) -> RefreshReport:
    """Volumes of the coins that were traded lately, the most traded first, at most `most_mints`."""
    asking = Asking(name, source_name, What.VOLUMES, store, clock, hiding(source))
    mints = [mint for mint in await store.touched_mints(touched_days, most_mints + len(MONEY)) if mint not in MONEY]
    if not mints:
        return RefreshReport(name, source_name, skipped=f"no coin was traded in the newest {touched_days} stored days")

    def ask_for(chunk: list[str]) -> Callable[[Harvest], Awaitable[tuple[Harvest, int]]]:
        async def ask(empty: Harvest) -> tuple[Harvest, int]:
            batch = await source.coin_volumes(chunk)
            return replace(empty, volumes=batch.readings, refused=batch.refused), len(batch.missing)

        return ask

    return await _in_chunks(asking, mints[:most_mints], ask_for)


async def refresh_klines(
    name: str,
    source: KlineSource,
    source_name: str,
    store: MarketStore,
    clock: Clock,
    *,
    symbol: str = "SOLUSDT",
    interval: str = "5m",
) -> RefreshReport:
    """Klines from the newest stored one on, which is read again because it may have been open; at first the last 1,000."""
    newest_at = await store.newest_kline_at(source_name, symbol, interval)

    async def ask(empty: Harvest) -> tuple[Harvest, int]:
        klines = await source.klines(symbol, interval, newest_at, FIRST_KLINES)
        return replace(empty, klines=tuple(klines)), 0

    return await Asking(name, source_name, What.KLINES, store, clock, hiding(source)).once(ask)


async def refresh_metadata(
    name: str,
    source: MetadataSource,
    source_name: str,
    store: MarketStore,
    clock: Clock,
    *,
    max_age_days: int = METADATA_DAYS,
    most_mints: int = MOST_MINTS,
) -> RefreshReport:
    """Names, symbols and logos of mints that were seen and never asked about, or `max_age_days` ago.

    That a source does not know a mint is kept too, so that it is not asked again at once.
    """
    now = clock.now()
    mints = await store.mints_lacking_metadata(source_name, now - timedelta(days=max_age_days), most_mints)
    if not mints:
        return RefreshReport(name, source_name, skipped="every mint seen has metadata that is new enough")

    def ask_for(chunk: list[str]) -> Callable[[Harvest], Awaitable[tuple[Harvest, int]]]:
        async def ask(empty: Harvest) -> tuple[Harvest, int]:
            batch = await source.metadata(chunk)
            unknown = tuple(
                TokenMetadata(mint, "", "", None, None, None, source_name, empty.asked_at) for mint in batch.missing
            )
            return replace(empty, tokens=(*batch.tokens, *unknown), refused=batch.refused), len(unknown)

        return ask

    asking = Asking(name, source_name, What.METADATA, store, clock, hiding(source))
    return await _in_chunks(asking, mints, ask_for)


async def _in_chunks(
    asking: Asking,
    mints: Sequence[str],
    ask_for: Callable[[list[str]], Callable[[Harvest], Awaitable[tuple[Harvest, int]]]],
) -> RefreshReport:
    report = RefreshReport(asking.name, asking.source)
    for start in range(0, len(mints), MINTS_AT_ONCE):
        report = report.plus(await asking.once(ask_for(list(mints[start : start + MINTS_AT_ONCE]))))
        if report.error is not None:
            break
    return report


def _prices_of(source: SpotPrices, mints: list[str]) -> Callable[[Harvest], Awaitable[tuple[Harvest, int]]]:
    async def ask(empty: Harvest) -> tuple[Harvest, int]:
        batch = await source.prices(mints)
        return _with_ticks(empty, batch.ticks, batch.refused), len(batch.missing)

    return ask


def _with_ticks(empty: Harvest, ticks: Sequence[PriceTick], refused: Sequence[RefusedReading]) -> Harvest:
    fresh, stale = without_stale_ticks(ticks)
    return replace(empty, ticks=fresh, refused=(*refused, *stale))
