"""What a SOL was worth in dollars, as one configured source said it, and which price was known at a given second.

A bucket takes the rate that is known at its start: batch and stream then agree, and nothing looks ahead.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

MAX_AGE_S = 900
"""An older price is none. Klines of five and of fifteen minutes hold from one to the next, those of an hour do not."""


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """Dollars a SOL at `at_s` (whole seconds since 1970, UTC), known to anybody from `available_at_s` on.

    Of a kline, both are the end of its interval: that is when its closing price is made. `confidence` is from 0 to 1; see
    docs/prices.md for each source's rule.
    """

    at_s: int
    price_usd: Decimal
    source: str
    confidence: Decimal
    available_at_s: int


class ReferencePrices:
    """Prices of one source, in any order. `at` answers in O(log n).

    Raises ValueError where sources are mixed, a price is not above 0, a confidence is not from 0 to 1, or a price is
    available before its own time.
    """

    def __init__(self, prices: Iterable[ReferencePrice]) -> None:
        ordered = sorted(prices, key=lambda price: (price.available_at_s, price.at_s))
        _check(ordered)
        self._available_at_s = [price.available_at_s for price in ordered]
        # A price that became known late may be older than one known before it: the newest so far is what counts.
        self._newest: list[ReferencePrice] = []
        for price in ordered:
            is_newer = not self._newest or price.at_s >= self._newest[-1].at_s
            self._newest.append(price if is_newer else self._newest[-1])

    def __len__(self) -> int:
        return len(self._newest)

    def at(self, second: int) -> ReferencePrice | None:
        """The newest price known at `second`, at most `MAX_AGE_S` old then; None where there is none."""
        known = bisect_right(self._available_at_s, second)
        if not known:
            return None
        newest = self._newest[known - 1]
        return newest if second - newest.at_s <= MAX_AGE_S else None


def _check(prices: list[ReferencePrice]) -> None:
    sources = sorted({price.source for price in prices})
    if len(sources) > 1:
        raise ValueError(f"reference prices of several sources: {', '.join(sources)}")
    for price in prices:
        # Written so that a NaN fails as well.
        if not (price.price_usd.is_finite() and price.price_usd > 0):
            raise ValueError(f"reference price of {price.source} at {price.at_s}: {price.price_usd} is not above 0")
        if not (price.confidence.is_finite() and 0 <= price.confidence <= 1):
            raise ValueError(f"reference price of {price.source} at {price.at_s}: confidence {price.confidence}")
        if price.available_at_s < price.at_s:
            raise ValueError(f"reference price of {price.source} at {price.at_s}: known before its time")
