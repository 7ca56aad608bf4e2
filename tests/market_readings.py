"""Readings as market services give them, for the tests of keeping them: short to write, every field sensible."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.pricing.readings import (
    BINANCE,
    DEFILLAMA,
    HELIUS_DAS,
    JUPITER,
    DepthLevel,
    DepthSnapshot,
    Kline,
    PriceTick,
    Quote,
    QuoteHop,
    RefusedReading,
    TokenMetadata,
    VolumeReading,
)

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def tick(
    price: str = "75.34131397160515", *, mint: str = NATIVE_MINT, at: datetime = AT, source: str = JUPITER
) -> PriceTick:
    return PriceTick(source, mint, Decimal(price), None, at, at, slot=439_211_370, decimals=9)


def stale(one: PriceTick) -> PriceTick:
    return replace(one, is_stale=True)


def quote(bought_raw: int = 91_103_528, *, sold_raw: int = 1_000_000_000, at: datetime = AT) -> Quote:
    hop = QuoteHop("Scorch", "pool", NATIVE_MINT, sold_raw, USDC_MINT, bought_raw, 10_000)
    least = bought_raw * 995 // 1000
    return Quote(
        JUPITER,
        NATIVE_MINT,
        sold_raw,
        USDC_MINT,
        bought_raw,
        least,
        50,
        Decimal("0.001"),
        None,
        (hop,),
        440_657_285,
        at,
    )


def volume(
    usd: str = "1234567.89", *, name: str = "solana", source: str = DEFILLAMA, at: datetime = AT
) -> VolumeReading:
    return VolumeReading(source, name, 24, Decimal(usd), at)


def kline(minutes: int = 0, *, close: str = "150.5", is_closed: bool = True) -> Kline:
    open_at = AT + timedelta(minutes=minutes)
    prices = (Decimal("150"), Decimal("151"), Decimal("149.5"), Decimal(close))
    volumes = (Decimal("1000.5"), Decimal("150300.25"))
    return Kline(BINANCE, "SOLUSDT", "5m", open_at, open_at + timedelta(minutes=5), *prices, *volumes, 321, is_closed)


def book(update_id: int = 7, *, at: datetime = AT) -> DepthSnapshot:
    bids = (DepthLevel(Decimal("150.10"), Decimal("3.5")), DepthLevel(Decimal("150.00"), Decimal("9")))
    asks = (DepthLevel(Decimal("150.20"), Decimal("1.25")),)
    return DepthSnapshot(BINANCE, "SOLUSDT", bids, asks, update_id, at)


def token(mint: str, *, name: str = "Some Coin", symbol: str = "SOME", at: datetime = AT) -> TokenMetadata:
    return TokenMetadata(mint, name, symbol, "https://example.org/a.png", 6, None, HELIUS_DAS, at)


def refusal(reason: str = "price 1e400 is above 1E+9", *, source: str = JUPITER, at: datetime = AT) -> RefusedReading:
    return RefusedReading(source, NATIVE_MINT, reason, at)
