"""Integer arithmetic behind the features. Money and prices are integers in units of 10^-18 here (`_e18`).

One rounding rule: half-even at 18 places, from exact integers. What has more than 38 digits is None, as in pricing/exact.py,
which is the same over columns; this module is plain Python, since the streaming side has no Polars.
"""

from decimal import Context, Decimal

from oof_pipelines.features.rows import MOST_RATIO_PPB, MOST_VOLUME_RAW, PARTS_PER_BILLION

PLACES = 18
MOST_PRICE_DECIMALS = 18
_TOO_LARGE_E18 = 10**38
# More digits than any value here has; the caller's context may have fewer.
_EXACT = Context(prec=60)

MOST_RATE_E9 = 100_000 * 10**9
"""Rates are dollars a SOL at nine places: amounts times rates then fit into 128 bits. Above 100,000 it is no rate."""

RATIO_SHIFT = 2**30
UNSHIFTED_BELOW = 2**96


def half_even(numerator: int, denominator: int) -> int:
    """numerator / denominator, rounded to the even neighbour at a half. Neither is negative."""
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1))


def ratio_e18(numerator: int, power: int, denominator: int) -> int | None:
    """numerator × 10^power / denominator; None where that has more than 38 digits, or the denominator is 0."""
    if denominator == 0:
        return None
    ratio = half_even(numerator * 10 ** max(power, 0), denominator * 10 ** max(-power, 0))
    return ratio if ratio < _TOO_LARGE_E18 else None


def price_e18(quote_raw: int, base_raw: int, quote_decimals: int | None, base_decimals: int | None) -> int | None:
    """Whole quote a whole coin; None where decimals are unknown or above 18, or the price is 10^20 or more."""
    if quote_decimals is None or base_decimals is None or max(quote_decimals, base_decimals) > MOST_PRICE_DECIMALS:
        return None
    return ratio_e18(quote_raw, PLACES + base_decimals - quote_decimals, base_raw)


def lamports_in_usd_e18(lamports: int, rate_e9: int) -> int | None:
    """None above `MOST_VOLUME_RAW`."""
    return lamports * rate_e9 if lamports <= MOST_VOLUME_RAW else None


def micro_dollars_in_sol_e18(amount_raw: int, rate_e9: int) -> int | None:
    """Dollars of six decimals at par, in SOL; None above `MOST_VOLUME_RAW` or where it does not fit."""
    return ratio_e18(amount_raw, 21, rate_e9) if amount_raw <= MOST_VOLUME_RAW else None


def return_ppb(before: tuple[int, int], after: tuple[int, int]) -> int:
    """Price after over price before, less one, in parts per billion, rounded down; at most a thousandfold.

    Each is (quote_raw, base_raw), neither 0. Where a product passes 96 bits both lose their last 30, so that a billion
    times it still fits into 128: what counts of the quotient stays.
    """
    numerator, denominator = after[0] * before[1], after[1] * before[0]
    if max(numerator, denominator) >= UNSHIFTED_BELOW:
        numerator, denominator = numerator // RATIO_SHIFT, max(denominator // RATIO_SHIFT, 1)
    return min(numerator * PARTS_PER_BILLION // denominator, MOST_RATIO_PPB) - PARTS_PER_BILLION


def rate_e9_of(price_usd: Decimal) -> int | None:
    """A reference price in billionths of a dollar, half-even; None where that is 0 or above `MOST_RATE_E9`."""
    numerator, denominator = price_usd.as_integer_ratio()
    rate_e9 = half_even(numerator * 10**9, denominator) if numerator > 0 else 0
    return rate_e9 if 0 < rate_e9 <= MOST_RATE_E9 else None


def confidence_e18(confidence: Decimal) -> int:
    """A confidence from 0 to 1, half-even."""
    numerator, denominator = confidence.as_integer_ratio()
    return half_even(numerator * 10**PLACES, denominator)


def decimal_of_e18(value_e18: int) -> Decimal:
    """Exact, whatever context the caller has, with 18 places."""
    return Decimal(value_e18).scaleb(-PLACES, _EXACT)
