"""pump.fun: dollar volumes of single coins over the last 24 hours, POST /v1/coins/market-activity/batch, every 60 s.

pump.fun documents no API; this is the one its own pages use, as seen in public clients of September 2026: at most 50
addresses a request, answered 201 with {mint: {interval: {metric: number} or null}}, the Date header being the windows' end.
The network in front of it cuts an address off for a minute at about 20 requests a minute, so fewer are sent. A null window
is a coin without a trade or one it does not follow: `missing`, no zero. The launchpad's total is DeFiLlama's
`venue_volumes("pump.fun")`.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from oof_pipelines.market_interfaces import LastGood
from oof_pipelines.pricing.readings import PUMP_FUN, ReadingRefusedError, RefusedReading, VolumeBatch, VolumeReading
from oof_pipelines.transport.market.freshness import Freshness
from oof_pipelines.transport.market.last_good import LastGoodValues
from oof_pipelines.transport.market.plausibility import check_volume
from oof_pipelines.transport.market.service import MarketService, ServiceClient, ServicePolicy
from oof_pipelines.transport.market.wire import chunks, read_entry

PUMP_FUN_POLICY = ServicePolicy(requests=15, period_seconds=60.0, give_up_seconds=90.0)
MOST_ADDRESSES = 50

_PATH = "/v1/coins/market-activity/batch"
_INTERVAL = "24h"
_WINDOW_HOURS = 24
_MAX_AGE_SECONDS = 600.0

Activities = dict[str, msgspec.Raw]


class _Metrics(msgspec.Struct):
    volume_usd: Decimal = msgspec.field(name="volumeUSD")


_decode_activities = msgspec.json.Decoder(Activities).decode
_Windows = dict[str, _Metrics | None]


class PumpFunClient(ServiceClient):
    """`CoinVolumeSource` over one `MarketService` of the source `pump_fun`."""

    def __init__(self, service: MarketService) -> None:
        super().__init__(service)
        self._freshness = Freshness(_MAX_AGE_SECONDS)
        self._last_good: LastGoodValues[VolumeReading] = LastGoodValues(service.clock)

    async def coin_volumes(self, mints: Sequence[str]) -> VolumeBatch:
        """Volumes of `mints`; those of other launchpads are mostly `missing`."""
        readings: list[VolumeReading] = []
        refused: list[RefusedReading] = []
        missing: list[str] = []
        for chunk in chunks(list(dict.fromkeys(mints)), MOST_ADDRESSES):
            content = {"addresses": chunk, "intervals": [_INTERVAL], "metrics": ["volumeUSD"]}
            answer = await self.service.post(_PATH, _decode_activities, content)
            at = answer.served_at or answer.came_at
            self._freshness.check(PUMP_FUN, "answer", at, answer.came_at)
            for mint in chunk:
                try:
                    reading = _read(mint, answer.value.get(mint), at)
                except ReadingRefusedError as error:
                    refused.append(RefusedReading(error.source, error.subject, error.reason, answer.came_at))
                    continue
                if reading is None:
                    missing.append(mint)
                else:
                    readings.append(reading)
                    self._last_good.remember(mint, reading)
        return VolumeBatch(tuple(readings), tuple(refused), tuple(missing))

    def last_good_volume(self, mint: str) -> LastGood[VolumeReading] | None:
        """The newest believed volume of `mint`, with its age."""
        return self._last_good.of(mint)


def _read(mint: str, entry: msgspec.Raw | None, at: datetime) -> VolumeReading | None:
    if entry is None or bytes(entry) == b"null":
        return None
    metrics = read_entry(PUMP_FUN, mint, entry, _Windows).get(_INTERVAL)
    if metrics is None:
        return None
    volume_usd = check_volume(PUMP_FUN, mint, "volumeUSD", metrics.volume_usd)
    return VolumeReading(PUMP_FUN, mint, _WINDOW_HOURS, volume_usd, at)
