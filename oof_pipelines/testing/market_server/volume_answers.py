"""DeFiLlama's volumes of exchanges and pump.fun's volumes of coins, in the shapes recorded of them."""

from typing import Any

from oof_pipelines.testing.market_server.asking import Asked, Reply, ReplyError
from oof_pipelines.testing.market_server.recordings import MarketRecordings

_VENUES = {
    "pump.fun": "pump.fun",
    "pumpswap": "PumpSwap",
    "raydium-amm": "Raydium AMM",
    "orca-dex": "Orca DEX",
    "meteora-dlmm": "Meteora DLMM",
}
_SILENT_VENUE = "serum"
_CHAIN = "solana"
_WINDOWS = {"total24h": 24, "total7d": 168, "total30d": 720}
_MOST_ADDRESSES = 50
_HOURS_OF = {"5m": 1, "1h": 1, "6h": 6, "24h": 24}


def answer_overview(asked: Asked, recordings: MarketRecordings) -> Reply:
    """GET /overview/dexs/{chain}: totals and every venue, one of which has no figures."""
    chain = asked.path.rsplit("/", 1)[-1].lower()
    recorded = recordings.overview(chain)
    if recorded is not None:
        return Reply(recorded)
    if chain != _CHAIN:
        raise ReplyError(404, {"message": "Chain not found"})
    venues = [{**_figures(asked, slug), "name": name, "slug": slug} for slug, name in _VENUES.items()]
    silent = {**dict.fromkeys(_WINDOWS), "name": _SILENT_VENUE.title(), "slug": _SILENT_VENUE}
    made: dict[str, Any] = {**_figures(asked, _CHAIN), "chain": "Solana", "protocols": [*venues, silent]}
    if asked.value("excludeTotalDataChart") != "true":
        made["totalDataChart"] = _chart(asked, _CHAIN)
    return Reply(made)


def answer_summary(asked: Asked, recordings: MarketRecordings) -> Reply:
    """GET /summary/dexs/{slug}: one venue."""
    slug = asked.path.rsplit("/", 1)[-1].lower()
    recorded = recordings.summary(slug)
    if recorded is not None:
        return Reply(recorded)
    if slug not in _VENUES:
        raise ReplyError(404, {"message": "Protocol not found"})
    made: dict[str, Any] = {**_figures(asked, slug), "name": _VENUES[slug], "slug": slug, "chain": "Solana"}
    if asked.value("excludeTotalDataChart") != "true":
        made["totalDataChart"] = _chart(asked, slug)
    return Reply(made)


def answer_activity(asked: Asked) -> Reply:
    """POST /v1/coins/market-activity/batch: {mint: {interval: metrics or null}}, 201."""
    content = asked.content if isinstance(asked.content, dict) else {}
    addresses, intervals = content.get("addresses"), content.get("intervals")
    if not isinstance(addresses, list) or not 1 <= len(addresses) <= _MOST_ADDRESSES:
        words = f"addresses must contain at least 1 and no more than {_MOST_ADDRESSES} elements"
        raise ReplyError(400, {"message": [words], "error": "Bad Request", "statusCode": 400})
    if not isinstance(intervals, list) or any(one not in _HOURS_OF for one in intervals):
        raise ReplyError(400, {"message": ["each value in intervals must be known"], "statusCode": 400})
    known = [mint for mint in addresses if isinstance(mint, str) and asked.world.is_known(mint)]
    return Reply({mint: {one: _metrics(asked, mint, one) for one in intervals} for mint in known}, 201)


def _metrics(asked: Asked, mint: str, interval: str) -> dict[str, Any] | None:
    if asked.world.draw("quiet", mint) % 8 == 0:
        return None
    volume = asked.world.volume_usd(mint, _HOURS_OF[interval], asked.now)
    return {
        "numTxs": asked.world.draw("transactions", mint) % 10_000,
        "volumeUSD": asked.number(mint, volume),
        "numUsers": asked.world.draw("users", mint) % 1000,
    }


def _figures(asked: Asked, name: str) -> dict[str, Any]:
    return {
        key: asked.number(
            name if key == "total24h" else f"{name} {key}", int(asked.world.volume_usd(name, hours, asked.now))
        )
        for key, hours in _WINDOWS.items()
    }


def _chart(asked: Asked, name: str) -> list[list[int]]:
    today_s = int(asked.now.timestamp()) // 86_400 * 86_400
    return [[today_s - back * 86_400, asked.world.draw("chart", name, back) % 10**8] for back in range(30, 0, -1)]
