"""Pyth prices by Hermes: the form of an update, and the newest prices by plain HTTP.

A price is an integer and a power of ten, with a confidence (half the width of the publishers' band) and the second it was
published in. The slot of an update is Pythnet's, not Solana's, so it is left out. https://hermes.pyth.network/docs
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from oof_pipelines.market_interfaces import LastGood
from oof_pipelines.pricing.readings import PYTH, PriceBatch, PriceTick, ReadingRefusedError, RefusedReading
from oof_pipelines.transport.market.freshness import Freshness
from oof_pipelines.transport.market.last_good import LastGoodValues
from oof_pipelines.transport.market.plausibility import check_price
from oof_pipelines.transport.market.service import MarketService, ServiceClient, ServicePolicy
from oof_pipelines.transport.market.wire import SecondsOfEpoch, SignedText, UnsignedText, chunks, read_entry

PYTH_POLICY = ServicePolicy(requests=30, period_seconds=10.0)
"""Hermes' public endpoint allows 30 requests every 10 seconds an address."""

_MOST_FEEDS = 100


class _PythPrice(msgspec.Struct):
    price: SignedText
    conf: UnsignedText
    expo: Annotated[int, msgspec.Meta(ge=-38, le=38)]
    publish_time: SecondsOfEpoch


class _Feed(msgspec.Struct):
    id: str
    price: msgspec.Raw


class _Update(msgspec.Struct):
    parsed: list[_Feed]


decode_update = msgspec.json.Decoder(_Update).decode


class PythReader:
    """Turns updates into ticks of the configured feeds; per mint, ticks never go back in time."""

    def __init__(self, feeds: Sequence[tuple[str, str]], freshness: Freshness) -> None:
        self.feed_of = dict(feeds)
        self._mint_of = {feed: mint for mint, feed in feeds}
        self._freshness = freshness
        self._newest_at: dict[str, datetime] = {}

    def read(self, update: _Update, came_at: datetime) -> tuple[list[PriceTick], list[RefusedReading]]:
        """Ticks and refusals of one update; feeds that are not configured are left out."""
        ticks: list[PriceTick] = []
        refused: list[RefusedReading] = []
        for feed in update.parsed:
            mint = self._mint_of.get(feed.id.lower().removeprefix("0x"))
            if mint is None:
                continue
            try:
                ticks.append(self._tick(mint, read_entry(PYTH, mint, feed.price, _PythPrice), came_at))
            except ReadingRefusedError as error:
                refused.append(RefusedReading(error.source, error.subject, error.reason, came_at))
        return ticks, refused

    def _tick(self, mint: str, price: _PythPrice, came_at: datetime) -> PriceTick:
        price_usd = exact_decimal(price.price, price.expo)
        confidence_usd = exact_decimal(price.conf, price.expo)
        check_price(PYTH, mint, "price", price_usd)
        if confidence_usd > price_usd:
            raise ReadingRefusedError(PYTH, mint, "the confidence is wider than the price itself")
        published_at = datetime.fromtimestamp(price.publish_time, UTC)
        is_marked = self._freshness.check(PYTH, mint, published_at, came_at)
        newest_at = self._newest_at.get(mint)
        if newest_at is not None and published_at < newest_at:
            behind_seconds = (newest_at - published_at).total_seconds()
            raise ReadingRefusedError(PYTH, mint, f"stale: {behind_seconds:.0f} s before the one already told")
        self._newest_at[mint] = published_at
        return PriceTick(
            source=PYTH,
            mint=mint,
            price_usd=price_usd,
            confidence_usd=confidence_usd,
            published_at=published_at,
            received_at=came_at,
            is_stale=is_marked,
        )


class PythClient(ServiceClient):
    """`SpotPrices` over …/v2/updates/price/latest of the Hermes whose stream is configured."""

    def __init__(self, service: MarketService, reader: PythReader) -> None:
        super().__init__(service)
        self._reader = reader
        self._last_good: LastGoodValues[PriceTick] = LastGoodValues(service.clock)

    async def prices(self, mints: Sequence[str]) -> PriceBatch:
        """The newest prices; a mint without a configured feed is `missing`, and so is one the answer lacks."""
        asked = [mint for mint in dict.fromkeys(mints) if mint in self._reader.feed_of]
        ticks: list[PriceTick] = []
        refused: list[RefusedReading] = []
        for chunk in chunks(asked, _MOST_FEEDS):
            parameters = [("ids[]", self._reader.feed_of[mint]) for mint in chunk]
            parameters += [("parsed", "true"), ("encoding", "base64"), ("ignore_invalid_price_ids", "true")]
            answer = await self.service.get("", decode_update, parameters)
            told, not_believed = self._reader.read(answer.value, answer.came_at)
            ticks += [tick for tick in told if tick.mint in chunk]
            refused += [one for one in not_believed if one.subject in chunk]
        for tick in ticks:
            self._last_good.remember(tick.mint, tick)
        answered = {tick.mint for tick in ticks} | {one.subject for one in refused}
        missing = tuple(mint for mint in dict.fromkeys(mints) if mint not in answered)
        return PriceBatch(tuple(ticks), missing, tuple(refused))

    def last_good_price(self, mint: str) -> LastGood[PriceTick] | None:
        """The newest believed price of `mint`, with its age."""
        return self._last_good.of(mint)


def exact_decimal(digits: str, exponent: int) -> Decimal:
    """`digits` × 10^`exponent`, no digit rounded away."""
    return Decimal(f"{digits}E{exponent}")
