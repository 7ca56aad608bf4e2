"""Readings of market services as rows of their tables. A reading that its columns cannot hold is a `ReadingRefusedError`.

Money is rounded to 18 places, half to even; a price that would become 0 is refused, since no price is free.
"""

import hashlib
import json
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from oof_pipelines.chain.storable_text import storable
from oof_pipelines.pricing.readings import (
    DepthLevel,
    DepthSnapshot,
    Kline,
    PriceTick,
    Quote,
    ReadingRefusedError,
    RefusedReading,
    TokenMetadata,
    VolumeReading,
)

_PLACE = Decimal("1e-18")
_MOST_MONEY = Decimal("1e20")
_ROUNDING = Context(prec=100, rounding=ROUND_HALF_EVEN)
_MOST_BIGINT = 2**63 - 1
_MOST_RAW = 2**64 - 1
_MOST_HOURS = 100_000
_MOST_PLACES = 30
_MOST_DIGITS = 100
_MOST_ADDRESS_CHARACTERS = 44
# A name is part of a key, and an entry of an index holds 2,700 bytes.
_MOST_NAME_CHARACTERS = 500
_MOST_REASON_CHARACTERS = 2_000

Row = tuple[Any, ...]


class _MisfitError(ValueError):
    """A value does not fit its column; the message says which and why."""


def tick_row(tick: PriceTick) -> Row:
    """(source, mint, published_at, price_usd, confidence_usd, slot, received_at)."""
    with _Refusing(tick.source, tick.mint):
        confidence = None if tick.confidence_usd is None else _amount("confidence", tick.confidence_usd)
        return (
            storable(tick.source),
            storable(tick.mint),
            tick.published_at,
            _price("price", tick.price_usd),
            confidence,
            _bigint("slot", tick.slot),
            tick.received_at,
        )


def quote_row(quote: Quote) -> Row:
    """(id, source, mints and amounts, the least bought, slippage_bps, impact, value, slot, labels, hops, asked_at)."""
    with _Refusing(quote.source, f"{quote.sold_mint} → {quote.bought_mint}"):
        amounts = (quote.sold_raw, quote.bought_raw, quote.other_amount_threshold_raw)
        if not all(0 <= amount <= _MOST_RAW for amount in amounts) or not (quote.sold_raw and quote.bought_raw):
            raise _MisfitError(f"amounts {amounts} are none of a token account")
        if quote.other_amount_threshold_raw > quote.bought_raw or not 0 <= quote.slippage_bps <= 10_000:
            raise _MisfitError(f"{quote.bought_raw} bought, at least {quote.other_amount_threshold_raw}: no slippage")
        return (
            quote_id(quote),
            quote.source,
            quote.sold_mint,
            quote.sold_raw,
            quote.bought_mint,
            quote.bought_raw,
            quote.other_amount_threshold_raw,
            quote.slippage_bps,
            None if quote.price_impact is None else _money("price impact", quote.price_impact),
            None if quote.usd_value is None else _money("value", quote.usd_value),
            _bigint("slot", quote.slot),
            json.dumps([storable(label) for label in quote.labels]),
            json.dumps(
                [
                    {
                        "label": storable(hop.label),
                        "pool": storable(hop.pool),
                        "sold_mint": storable(hop.sold_mint),
                        "sold_raw": str(hop.sold_raw),
                        "bought_mint": storable(hop.bought_mint),
                        "bought_raw": str(hop.bought_raw),
                        "share_bps": hop.share_bps,
                    }
                    for hop in quote.hops
                ]
            ),
            quote.asked_at,
        )


def quote_id(quote: Quote) -> str:
    """The same for the same answer to the same question asked at the same instant."""
    return _digest(
        quote.source,
        quote.sold_mint,
        str(quote.sold_raw),
        quote.bought_mint,
        str(quote.bought_raw),
        str(quote.slippage_bps),
        str(quote.slot),
        quote.asked_at.isoformat(),
    )


def volume_row(reading: VolumeReading) -> Row:
    """(source, name, at, window_hours, volume_usd)."""
    with _Refusing(reading.source, reading.name):
        if not 0 < reading.window_hours <= _MOST_HOURS:
            raise _MisfitError(f"a window of {reading.window_hours} hours")
        if len(reading.name) > _MOST_NAME_CHARACTERS:
            raise _MisfitError(f"a name of {len(reading.name)} characters")
        volume = _amount("volume", reading.volume_usd)
        return (storable(reading.source), storable(reading.name), reading.at, reading.window_hours, volume)


def kline_row(kline: Kline) -> Row:
    """(source, symbol, interval, open_at, open, high, low, close, base_volume, quote_volume, trades, is_closed)."""
    with _Refusing(kline.source, f"{kline.symbol} {kline.interval} {kline.open_at.isoformat()}"):
        prices = [_price(name, getattr(kline, name)) for name in ("open", "high", "low", "close")]
        if prices[1] != max(prices) or prices[2] != min(prices):
            raise _MisfitError(f"high {kline.high} and low {kline.low} do not enclose {kline.open} and {kline.close}")
        return (
            kline.source,
            kline.symbol,
            kline.interval,
            kline.open_at,
            *prices,
            _amount("base volume", kline.base_volume),
            _amount("quote volume", kline.quote_volume),
            _bigint("trades", kline.trades),
            kline.is_closed,
        )


def depth_row(book: DepthSnapshot) -> Row:
    """(source, symbol, last_update_id, at, bids, asks)."""
    with _Refusing(book.source, book.symbol):
        update_id = _bigint("last_update_id", book.last_update_id)
        return (book.source, book.symbol, update_id, book.at, _levels(book.bids), _levels(book.asks))


def metadata_row(token: TokenMetadata) -> Row:
    """(mint, source, name, symbol, logo_url, decimals, token_program, fetched_at); null where the source says nothing."""
    with _Refusing(token.source, token.mint):
        if token.decimals is not None and not 0 <= token.decimals <= 255:
            raise _MisfitError(f"decimals {token.decimals} are none of a mint")
        program = storable(token.token_program or "")
        if len(program) > _MOST_ADDRESS_CHARACTERS:
            raise _MisfitError(f"a token program of {len(program)} characters")
        texts = (token.name, token.symbol, token.logo_url or "")
        return (
            token.mint,
            token.source,
            *(storable(text) or None for text in texts),
            token.decimals,
            program or None,
            token.at,
        )


def refusal_row(what: str, refused: RefusedReading) -> Row:
    """(id, source, what, subject, reason, refused_at)."""
    subject = storable(refused.subject[:_MOST_NAME_CHARACTERS])
    reason = storable(refused.reason[:_MOST_REASON_CHARACTERS])
    key = _digest(refused.source, what, subject, reason, refused.refused_at.isoformat())
    return (key, refused.source, what, subject, reason, refused.refused_at)


def columns_of(rows: Iterable[Row], width: int) -> list[list[Any]]:
    """Rows of `width` values as that many columns, for `unnest`."""
    columns: list[list[Any]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return columns


class _Refusing:
    """Turns a misfit within the block into the refusal of the reading that is about `subject`."""

    def __init__(self, source: str, subject: str) -> None:
        self._source = source
        self._subject = subject

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, _MisfitError):
            raise ReadingRefusedError(self._source, self._subject, str(error)) from None


def _money(name: str, value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value) >= _MOST_MONEY:
        raise _MisfitError(f"{name} does not fit 20 digits before the point")
    return value.quantize(_PLACE, context=_ROUNDING)


def _amount(name: str, value: Decimal) -> Decimal:
    rounded = _money(name, value)
    if rounded < 0:
        raise _MisfitError(f"{name} is negative")
    return rounded


def _price(name: str, value: Decimal) -> Decimal:
    rounded = _money(name, value)
    if rounded <= 0:
        raise _MisfitError(f"{name} is not above 0 at 18 places")
    return rounded


def _bigint(name: str, value: int | None) -> int | None:
    if value is not None and not 0 <= value <= _MOST_BIGINT:
        raise _MisfitError(f"{name} does not fit 63 bits")
    return value


def _levels(levels: Iterable[DepthLevel]) -> str:
    return json.dumps([[_written("price", level.price), _written("quantity", level.quantity)] for level in levels])


def _written(name: str, value: Decimal) -> str:
    """All digits, without an exponent: so many zeros as it says are written."""
    if not value.is_finite() or abs(value.adjusted()) > _MOST_PLACES or len(value.as_tuple().digits) > _MOST_DIGITS:
        raise _MisfitError(f"{name} is no number of at most {_MOST_PLACES} places")
    return format(value, "f")


def _digest(*parts: str) -> str:
    # Lengths too, so that no two lists of parts read alike.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
