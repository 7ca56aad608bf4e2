"""Binance's klines and order books, in the shapes its documentation gives."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.testing.market_server.asking import Asked, Reply, ReplyError
from oof_pipelines.testing.market_server.world import MarketWorld

_COIN_OF = {"SOLUSDT": NATIVE_MINT, "SOLUSDC": NATIVE_MINT, "USDCUSDT": USDC_MINT}
_INTERVAL_SECONDS = {"1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14_400, "1d": 86_400}
_MOST_BARS = 1000
_TICK = Decimal("0.01")
_UPDATES_A_SECOND = 20


def answer_klines(asked: Asked) -> Reply:
    """GET /api/v3/klines: arrays of twelve columns, ascending."""
    coin, interval_s = _coin(asked), _INTERVAL_SECONDS.get(asked.value("interval") or "")
    if interval_s is None:
        raise ReplyError(400, {"code": -1120, "msg": "Invalid interval."})
    limit = _whole(asked, "limit", 500)
    now_s = int(asked.now.timestamp())
    newest_s = now_s // interval_s * interval_s
    start = asked.value("startTime")
    first_s = newest_s - (limit - 1) * interval_s
    if start is not None:
        first_s = -(-_whole(asked, "startTime", 0) // (interval_s * 1000)) * interval_s
    opens = range(first_s, newest_s + 1, interval_s)[: min(limit, _MOST_BARS)]
    return Reply([_bar(asked, coin, open_s, interval_s) for open_s in opens], headers=_weight(2))


def answer_depth(asked: Asked) -> Reply:
    """GET /api/v3/depth: bids and asks from the best on, around the market's price."""
    coin = _coin(asked)
    levels = min(_whole(asked, "limit", 100), 5000)
    price = asked.world.price_usd(coin, asked.now).quantize(_TICK)
    update_id = int(asked.now.timestamp() * _UPDATES_A_SECOND)
    book: dict[str, Any] = {"lastUpdateId": update_id}
    for side, sign in (("bids", -1), ("asks", 1)):
        book[side] = [_level(asked, side, price, sign * step) for step in range(1, levels + 1)]
    return Reply(book, headers=_weight(5))


def _bar(asked: Asked, coin: str, open_s: int, interval_s: int) -> list[Any]:
    world = asked.world
    opened, closed = (_at_second(world, coin, second) for second in (open_s, open_s + interval_s))
    spread = max(opened, closed) / 1000
    volume = Decimal(f"{1 + world.draw('bar', coin, open_s) % 10**8}E-3")
    quote_volume = (volume * opened).quantize(Decimal("1E-5"))
    return [
        open_s * 1000,
        asked.quoted(f"open {open_s}", opened),
        f"{(max(opened, closed) + spread).quantize(_TICK):f}",
        f"{(min(opened, closed) - spread).quantize(_TICK):f}",
        f"{closed:f}",
        f"{volume:f}",
        (open_s + interval_s) * 1000 - 1,
        f"{quote_volume:f}",
        1 + world.draw("bar trades", coin, open_s) % 5000,
        f"{volume / 2:f}",
        f"{quote_volume / 2:f}",
        "0",
    ]


def _at_second(world: MarketWorld, coin: str, second: int) -> Decimal:
    return world.price_usd(coin, datetime.fromtimestamp(second, UTC)).quantize(_TICK)


def _level(asked: Asked, side: str, price: Decimal, step: int) -> list[str]:
    quantity = Decimal(f"{1 + asked.world.draw('level', side, step, int(asked.now.timestamp())) % 10**6}E-3")
    told = asked.quoted(f"{side} {step}", price + step * _TICK)
    return [told, f"{quantity:f}"]


def _coin(asked: Asked) -> str:
    coin = _COIN_OF.get(asked.value("symbol") or "")
    if coin is None:
        raise ReplyError(400, {"code": -1121, "msg": "Invalid symbol."})
    return coin


def _whole(asked: Asked, name: str, default: int) -> int:
    text = asked.value(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise ReplyError(400, {"code": -1100, "msg": f"Illegal characters found in parameter '{name}'."})
    return int(text)


def _weight(weight: int) -> dict[str, str]:
    return {"X-MBX-USED-WEIGHT-1M": str(weight)}
