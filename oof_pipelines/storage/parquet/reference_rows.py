"""Rows of reference_prices from prices, and back."""

from datetime import UTC, datetime

import polars as pl

from oof_pipelines.pricing.reference import ReferencePrice, ReferencePrices
from oof_pipelines.storage.parquet.price_schemas import REFERENCE_PRICES


def reference_frame(minutes: list[tuple[int, ReferencePrice]]) -> pl.DataFrame:
    """Rows of reference_prices: (minute's start in seconds, the price known then)."""
    rows = [
        (
            _instant(minute_s),
            _instant(price.at_s),
            _instant(price.available_at_s),
            price.price_usd,
            price.source,
            price.confidence,
        )
        for minute_s, price in minutes
    ]
    return REFERENCE_PRICES.arrange(pl.DataFrame(rows, schema=REFERENCE_PRICES.columns, orient="row"))


def reference_prices(frame: pl.DataFrame | None) -> ReferencePrices:
    """The prices that rows of reference_prices name, each once; none where there is no file."""
    return ReferencePrices(reference_rows(frame))


def reference_rows(frame: pl.DataFrame | None) -> list[ReferencePrice]:
    """The same, one by one."""
    if frame is None:
        return []
    columns = ["at", "price_usd", "source", "confidence", "available_at"]
    return [
        ReferencePrice(_second(at), price_usd, source, confidence, _second(available_at))
        for at, price_usd, source, confidence, available_at in frame.select(columns).unique(maintain_order=True).rows()
    ]


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _second(instant: datetime) -> int:
    return int(instant.timestamp())
