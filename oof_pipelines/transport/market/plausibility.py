"""Which figures of a service are believed. Prices and volumes are dollars unless a function says otherwise.

msgspec reads a JSON number into a Decimal from its text, so nothing is rounded on the way; it also takes 1e400 and, in
quotes, "NaN" and "Infinity". Those, negative figures, and ones beyond what NUMERIC(38,18) or sense allows are refused.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from oof_pipelines.pricing.readings import ReadingRefusedError

LEAST_PRICE = Decimal("1e-18")
MOST_PRICE = Decimal("1e9")
MOST_VOLUME = Decimal("1e15")
MOST_DIGITS = 80
"""No source computes more digits than this; a number of thousands of digits is an attack on whoever multiplies it."""

MOST_PLACES = 30
"""A figure begins at most so many places before or behind the point, zero included: written out, 1e-30000000 is 30 MB."""

MOST_AHEAD = timedelta(seconds=60)
"""How far the clock of a service may be ahead of ours."""

_SHOWN_CHARACTERS = 40


def check_price(source: str, subject: str, figure: str, value: Decimal) -> Decimal:
    """`value`, a price, where it is finite and within [1e-18, 1e9]; else `ReadingRefusedError`."""
    return _within(source, subject, figure, value, LEAST_PRICE, MOST_PRICE)


def check_volume(source: str, subject: str, figure: str, value: Decimal) -> Decimal:
    """`value`, a volume or a quantity, where it is finite and within [0, 1e15]; else `ReadingRefusedError`."""
    return _within(source, subject, figure, value, Decimal(0), MOST_VOLUME)


def check_fraction(source: str, subject: str, figure: str, value: Decimal) -> Decimal:
    """`value`, a share, where it is finite and within [-1, 1]; else `ReadingRefusedError`."""
    return _within(source, subject, figure, value, Decimal(-1), Decimal(1))


def is_stale(source: str, subject: str, published_at: datetime, now: datetime, max_age_seconds: float) -> bool:
    """Whether it was published longer ago than `max_age_seconds`. One from the future is a `ReadingRefusedError`."""
    if published_at - now > MOST_AHEAD:
        raise ReadingRefusedError(source, subject, f"published {(published_at - now).total_seconds():.0f} s from now")
    return (now - published_at).total_seconds() > max_age_seconds


def shown(value: object) -> str:
    """A figure as a reason may repeat it: cut short."""
    text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)"


def _within(source: str, subject: str, figure: str, value: Decimal, least: Decimal, most: Decimal) -> Decimal:
    if not value.is_finite():
        raise ReadingRefusedError(source, subject, f"{figure} {shown(value)} is no number")
    if len(value.as_tuple().digits) > MOST_DIGITS:
        raise ReadingRefusedError(source, subject, f"{figure} has more than {MOST_DIGITS} digits")
    if value < least:
        what = "negative" if value < 0 else "zero" if value == 0 else f"below {least}"
        raise ReadingRefusedError(source, subject, f"{figure} {shown(value)} is {what}")
    if value > most:
        raise ReadingRefusedError(source, subject, f"{figure} {shown(value)} is above {most}")
    if abs(value.adjusted()) > MOST_PLACES:
        raise ReadingRefusedError(source, subject, f"{figure} {shown(value)} has more than {MOST_PLACES} places")
    return value
