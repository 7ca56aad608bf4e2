"""DeFiLlama: dollar volumes of a chain's exchanges, /overview/dexs/{chain} and /summary/dexs/{slug}.

To be asked every 5 minutes. Volumes are over the 24 hours and 7 days before the answer, and change about hourly. A venue
without a figure (null) has none here. The answer states no instant: its Date header is taken.
https://api-docs.defillama.com
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from oof_pipelines.market_interfaces import LastGood
from oof_pipelines.pricing.readings import DEFILLAMA, ReadingRefusedError, RefusedReading, VolumeBatch, VolumeReading
from oof_pipelines.transport.market.freshness import Freshness
from oof_pipelines.transport.market.last_good import LastGoodValues
from oof_pipelines.transport.market.plausibility import check_volume
from oof_pipelines.transport.market.service import MarketService, ServiceClient, ServicePolicy
from oof_pipelines.transport.market.wire import read_entry

DEFILLAMA_POLICY = ServicePolicy(requests=2, timeout_seconds=20.0, give_up_seconds=60.0, most_bytes=16 * 2**20)
VOLUME_MAX_AGE_SECONDS = 3600.0
"""An answer whose Date is older than this came out of some cache."""

_WINDOWS = (("total24h", 24), ("total7d", 168))
_WITHOUT_CHARTS = [("excludeTotalDataChart", "true"), ("excludeTotalDataChartBreakdown", "true")]


class _Volumes(msgspec.Struct, rename={"total_24h": "total24h", "total_7d": "total7d"}):
    total_24h: Decimal | None = None
    total_7d: Decimal | None = None
    name: str = ""
    slug: str = ""


class _Venue(msgspec.Struct):
    name: str


class _Overview(msgspec.Struct):
    protocols: list[msgspec.Raw]


class _Names(msgspec.Struct):
    name: str = ""
    slug: str = ""


def _decode_overview(body: bytes) -> tuple[msgspec.Raw, list[msgspec.Raw]]:
    """The totals, still undecoded, and the venues."""
    return msgspec.Raw(body), msgspec.json.decode(body, type=_Overview).protocols


def _decode_summary(body: bytes) -> msgspec.Raw:
    """The venue, still undecoded, where it is one at all."""
    msgspec.json.decode(body, type=_Venue)
    return msgspec.Raw(body)


class DefiLlamaClient(ServiceClient):
    """`VolumeSource` over one `MarketService` of the source `defillama`. `chain` as DeFiLlama spells it."""

    def __init__(self, service: MarketService, chain: str = "solana") -> None:
        super().__init__(service)
        self._chain = chain
        self._freshness = Freshness(VOLUME_MAX_AGE_SECONDS)
        self._last_good: LastGoodValues[VolumeBatch] = LastGoodValues(service.clock)

    async def volumes(self) -> VolumeBatch:
        """The chain's total, under the chain's name, and every venue's, under its slug, over 24 and over 168 hours."""
        answer = await self.service.get(f"/overview/dexs/{self._chain}", _decode_overview, _WITHOUT_CHARTS)
        at = self._instant(answer.served_at, answer.came_at)
        totals, venues = answer.value
        entries = [(self._chain, totals), *((_name_of(venue), venue) for venue in venues)]
        batch = _read_all(entries, at, answer.came_at)
        self._last_good.remember(self._chain, batch)
        return batch

    async def venue_volumes(self, slug: str) -> VolumeBatch:
        """Volumes of one venue, e.g. pump.fun or pumpswap."""
        answer = await self.service.get(f"/summary/dexs/{slug}", _decode_summary, _WITHOUT_CHARTS)
        at = self._instant(answer.served_at, answer.came_at)
        return _read_all([(slug, answer.value)], at, answer.came_at)

    def last_good_volumes(self) -> LastGood[VolumeBatch] | None:
        """The newest believed answer of `volumes`, with its age."""
        return self._last_good.of(self._chain)

    def _instant(self, served_at: datetime | None, came_at: datetime) -> datetime:
        at = served_at or came_at
        self._freshness.check(DEFILLAMA, self._chain, at, came_at)
        return at


def _name_of(venue: msgspec.Raw) -> str:
    try:
        names = msgspec.json.decode(venue, type=_Names)
    except msgspec.ValidationError:
        return "venue"
    return names.slug or names.name.lower().replace(" ", "-")


def _read_all(entries: list[tuple[str, msgspec.Raw]], at: datetime, came_at: datetime) -> VolumeBatch:
    readings: list[VolumeReading] = []
    refused: list[RefusedReading] = []
    missing: list[str] = []
    for name, entry in entries:
        try:
            found = _read(name, read_entry(DEFILLAMA, name, entry, _Volumes), at)
        except ReadingRefusedError as error:
            refused.append(RefusedReading(error.source, error.subject, error.reason, came_at))
            continue
        readings += found
        if not found:
            missing.append(name)
    return VolumeBatch(tuple(readings), tuple(refused), tuple(missing))


def _read(name: str, volumes: _Volumes, at: datetime) -> list[VolumeReading]:
    figures = ((volumes.total_24h, *_WINDOWS[0]), (volumes.total_7d, *_WINDOWS[1]))
    return [
        VolumeReading(DEFILLAMA, name, hours, check_volume(DEFILLAMA, name, figure, value), at)
        for value, figure, hours in figures
        if value is not None
    ]
