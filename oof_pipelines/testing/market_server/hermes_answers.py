"""Pyth's Hermes: price updates by feed id, as one answer or as one event of the stream."""

import base64
import hashlib
from decimal import Decimal
from typing import Any

from oof_pipelines.testing.market_server.asking import Asked, Reply, ReplyError
from oof_pipelines.testing.market_server.recordings import MarketRecordings

_EXPONENT = -8
_BINARY_BYTES = 900
_PYTHNET_SLOTS_A_SECOND = 2


def known_feeds(asked: Asked, feeds: dict[str, str]) -> list[str]:
    """The feed ids asked for; an unknown one is Hermes' 404 unless it is to be ignored."""
    ids = [one.lower().removeprefix("0x") for one in (*asked.values("ids[]"), *asked.values("ids"))]
    if not ids:
        raise ReplyError(400, "Failed to deserialize query string: missing field `ids`")
    unknown = [one for one in ids if one not in feeds]
    if unknown and asked.value("ignore_invalid_price_ids") != "true":
        raise ReplyError(404, f"Price ids not found: {', '.join('0x' + one for one in unknown)}")
    return [one for one in ids if one in feeds]


def answer_latest(asked: Asked, feeds: dict[str, str]) -> Reply:
    """GET /v2/updates/price/latest; `feeds` are the mints behind feed ids."""
    return Reply(update(asked, known_feeds(asked, feeds), feeds))


def update(asked: Asked, ids: list[str], feeds: dict[str, str]) -> dict[str, Any]:
    """One update of the feeds `ids` as of `asked.now`."""
    encoding = asked.value("encoding") or "hex"
    made: dict[str, Any] = {"binary": {"encoding": encoding, "data": [_binary(asked, encoding)]}}
    if asked.value("parsed") != "false":
        made["parsed"] = [_feed(asked, feed_id, feeds[feed_id]) for feed_id in ids]
    return made


def recorded_update(recordings: MarketRecordings, number: int) -> str | None:
    """The recorded event of that number, over and over; None where none is recorded."""
    events = recordings.hermes_events
    return events[number % len(events)] if events else None


def _feed(asked: Asked, feed_id: str, mint: str) -> dict[str, Any]:
    second = int(asked.now.timestamp())
    price = int(asked.world.price_usd(mint, asked.now) * Decimal(10) ** -_EXPONENT)
    told = {
        "price": asked.quoted(mint, price),
        "conf": str(price // 2000),
        "expo": _EXPONENT,
        "publish_time": second,
    }
    return {
        "id": feed_id,
        "price": told,
        "ema_price": {**told, "price": str(price)},
        "metadata": {
            "slot": second * _PYTHNET_SLOTS_A_SECOND,
            "proof_available_time": second + 1,
            "prev_publish_time": second - 1,
        },
    }


def _binary(asked: Asked, encoding: str) -> str:
    """As long as a signed update, and no more than noise: nobody here verifies it."""
    noise = hashlib.shake_256(f"{asked.what.identity}{asked.now.timestamp()}".encode()).digest(_BINARY_BYTES)
    return base64.b64encode(noise).decode() if encoding == "base64" else noise.hex()
