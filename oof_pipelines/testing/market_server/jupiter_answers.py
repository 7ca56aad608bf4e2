"""Jupiter's Price API v3 and Swap API v1 quote, in the shapes recorded of them."""

import hashlib
from typing import Any

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.testing.market_server.asking import Asked, Reply, ReplyError
from oof_pipelines.testing.market_server.recordings import MarketRecordings

_MOST_IDS = 50
_MOST_RAW = 2**64 - 1
_VENUES = ("Raydium CLMM", "Whirlpool", "Meteora DLMM", "Pump.fun Amm", "Obric V2")
_QUOTE_DEFAULT_SLIPPAGE_BPS = 50


def answer_prices(asked: Asked, recordings: MarketRecordings) -> Reply:
    """GET /price/v3?ids=…: an object by mint; the unknown are left out."""
    ids = [mint for mint in (asked.value("ids") or "").split(",") if mint]
    if not 1 <= len(ids) <= _MOST_IDS:
        raise ReplyError(400, {"error": f"ids: wants 1 to {_MOST_IDS} mints, got {len(ids)}"})
    entries: dict[str, Any] = {}
    for mint in dict.fromkeys(ids):
        recorded = recordings.price(mint)
        if recorded is not None:
            entries[mint] = recorded
        elif asked.world.is_known(mint) and not recordings.has_prices:
            entries[mint] = _price(asked, mint)
    return Reply(entries)


def _price(asked: Asked, mint: str) -> dict[str, Any]:
    world = asked.world
    return {
        "createdAt": "2024-06-05T08:55:25.527Z",
        "liquidity": asked.number(f"{mint} liquidity", world.volume_usd(mint, 24, asked.now)),
        "usdPrice": asked.number(mint, world.price_usd(mint, asked.now)),
        "blockId": world.slot(asked.now) - world.draw("lag", mint) % 3,
        "decimals": world.decimals(mint),
        "priceChange24h": (world.draw("change", mint) % 20_001 - 10_000) / 1000,
    }


def answer_quote(asked: Asked, recordings: MarketRecordings) -> Reply:
    """GET /swap/v1/quote (and the older /v6/quote): a route of one pool, or of two by way of USDT."""
    sold, bought = _mint(asked, "inputMint"), _mint(asked, "outputMint")
    sold_raw = _whole(asked, "amount", None)
    slippage_bps = _whole(asked, "slippageBps", _QUOTE_DEFAULT_SLIPPAGE_BPS)
    recorded = recordings.quote(sold, bought, sold_raw)
    if recorded is not None:
        return Reply(recorded)
    if sold == bought:
        raise ReplyError(400, {"error": "Input and output mints are not allowed to be equal", "errorCode": "INVALID"})
    bought_raw = _converted(asked, sold, bought, sold_raw)
    if bought_raw == 0:
        raise ReplyError(400, {"error": "Could not find any route", "errorCode": "COULD_NOT_FIND_ANY_ROUTE"})
    path = (
        [sold, bought] if {sold, bought} & {USDC_MINT, USDT_MINT} or sold == NATIVE_MINT else [sold, USDT_MINT, bought]
    )
    amounts = [sold_raw, *(_converted(asked, sold, mint, sold_raw) for mint in path[1:])]
    steps = [_step(asked, *pair) for pair in zip(path, path[1:], amounts, amounts[1:], strict=False)]
    usd = asked.world.price_usd(sold, asked.now) * sold_raw / 10 ** asked.world.decimals(sold)
    return Reply(
        {
            "inputMint": sold,
            "inAmount": str(sold_raw),
            "outputMint": bought,
            "outAmount": asked.quoted("outAmount", bought_raw),
            "otherAmountThreshold": str(bought_raw - bought_raw * slippage_bps // 10_000),
            "swapMode": "ExactIn",
            "slippageBps": slippage_bps,
            "platformFee": None,
            "priceImpactPct": "0",
            "routePlan": steps,
            "contextSlot": asked.world.slot(asked.now),
            "timeTaken": 0.001,
            "swapUsdValue": f"{usd:f}",
        }
    )


def _step(asked: Asked, sold: str, bought: str, sold_raw: int, bought_raw: int) -> dict[str, Any]:
    number = asked.world.draw("pool", sold, bought)
    pool = hashlib.blake2b(f"{sold}{bought}{number}".encode(), digest_size=32).digest()
    return {
        "swapInfo": {
            "ammKey": encode_base58(pool),
            "label": _VENUES[number % len(_VENUES)],
            "inputMint": sold,
            "outputMint": bought,
            "inAmount": str(sold_raw),
            "outAmount": str(max(1, bought_raw)),
        },
        "percent": 100,
        "bps": None,
    }


def _converted(asked: Asked, sold: str, bought: str, sold_raw: int) -> int:
    """Base units of `bought` for `sold_raw` at the market's prices, rounded down."""
    world = asked.world
    paid = world.price_usd(sold, asked.now) * sold_raw / 10 ** world.decimals(sold)
    return min(_MOST_RAW, int(paid * 10 ** world.decimals(bought) / world.price_usd(bought, asked.now)))


def _mint(asked: Asked, name: str) -> str:
    mint = asked.value(name)
    if not mint:
        raise ReplyError(400, {"error": f"{name}: missing", "errorCode": "INVALID_PARAMETER"})
    if not asked.world.is_known(mint):
        words = f"The token {mint} is not tradable"
        raise ReplyError(400, {"error": words, "errorCode": "TOKEN_NOT_TRADABLE"})
    return mint


def _whole(asked: Asked, name: str, default: int | None) -> int:
    text = asked.value(name)
    if text is None and default is not None:
        return default
    if not text or not (text.isascii() and text.isdecimal()) or len(text) > 20:
        raise ReplyError(400, {"error": f"{name}: no whole number", "errorCode": "INVALID_PARAMETER"})
    return int(text)
