"""A moment: one thing a wallet could have done better, with all that it was computed from."""

import hashlib
from decimal import Context, Decimal
from fractions import Fraction
from typing import TypeAlias

import msgspec

from oof_pipelines.pricing.exact import PLACES, half_even

S2E = "S2E"
BHD = "BHD"
BAD_ROUTE = "BadRoute"
IDLE = "Idle"
RUG = "Rug"
KINDS = (S2E, BHD, BAD_ROUTE, IDLE, RUG)
"""Sold too early, bag-holder drawdown, bad route, idle balance, rug."""

OPEN = "open"
FINAL = "final"

ONE_E18: int = 10**PLACES
_ID_HEX = 32
# Where shares and dollars are stored they have 38 digits, 18 of them places.
_TOO_MUCH = 10**20
_TOO_MUCH_E18 = _TOO_MUCH * ONE_E18
# More digits than any value here has; the caller's context may have fewer.
_EXACT = Context(prec=120)

Explained: TypeAlias = "str | list[Explained] | dict[str, Explained]"
"""Inputs as text, in lists and mappings of text."""


class Moment(msgspec.Struct, frozen=True):
    """One moment of one wallet in one mint.

    `t_event_s` is when its triggering transaction was (of a rug when the fall began), `signature`, `path` and `slot` where
    that is; the window is what was looked at. Times are whole seconds since 1970, UTC. `pct` is a share (0.25 is a quarter)
    with the sign that the kind gives it: S2E, BadRoute and Idle are positive, BHD and Rug negative. Dollars are whole numbers
    of 10^-18; `missed_usd_e18` is None where a bad route has no value in dollars, `reachable_usd_e18` where the kind has none
    or the liquidity is not known. `severity` and `confidence` are from 0 to 1. `status` is `open` while later prices may
    still change it. `explain` holds every input as text. Decimals have 18 places.
    """

    id: str
    wallet: str
    mint: str
    kind: str
    t_event_s: int
    window_start_s: int
    window_end_s: int
    pct: Decimal
    missed_usd_e18: int | None
    reachable_usd_e18: int | None
    severity: Decimal
    signature: str
    path: str
    slot: int
    version: str
    status: str
    price_source: str
    confidence: Decimal
    explain: dict[str, Explained]


def moment_id(kind: str, wallet: str, mint: str, signature: str, path: str) -> str:
    """Derived from the triggering event alone, so that later prices and versions keep it: 32 hex digits."""
    return hashlib.sha256(f"{kind}|{wallet}|{mint}|{signature}|{path}".encode()).hexdigest()[:_ID_HEX]


def fits_e18(value_e18: int) -> bool:
    """Whether a figure in whole 10^-18 has no more than the 38 digits that there is room for: it is below 10^20."""
    return -_TOO_MUCH_E18 < value_e18 < _TOO_MUCH_E18


def fits(moment: Moment) -> bool:
    """Whether the moment's share and dollars have room. What is worth more than all there is was priced by nobody."""
    dollars = (moment.missed_usd_e18, moment.reachable_usd_e18)
    return abs(moment.pct) < _TOO_MUCH and all(one is None or fits_e18(one) for one in dollars)


def status_at(window_end_s: int, as_of_s: int) -> str:
    """`final` once the window is over."""
    return FINAL if as_of_s >= window_end_s else OPEN


def seen_until(window_end_s: int, as_of_s: int) -> str:
    """Up to which second the market was looked at: of a moment that is final it stays the same whenever it is told again."""
    return str(min(window_end_s, as_of_s))


# --- numbers: exact fractions while they are compared, rounded once (half to even at 18 places) when they are told ---


def rounded_e18(exact: Fraction) -> int:
    """A fraction in whole 10^-18, half to even. The one rounding of a moment's figures."""
    return half_even(exact.numerator * ONE_E18, exact.denominator)


def decimal_of_e18(value_e18: int) -> Decimal:
    """The same digits with 18 places; nothing is rounded."""
    return Decimal(value_e18).scaleb(-PLACES, _EXACT)


def text_of_e18(value_e18: int) -> str:
    """As `decimal_of_e18`, as plain text without an exponent."""
    return format(decimal_of_e18(value_e18), "f")


def value_usd(qty_raw: int, decimals: int, price_usd_e18: int) -> Fraction:
    """What base units are worth at a price a whole coin, in dollars, exactly."""
    return Fraction(qty_raw * price_usd_e18, 10**decimals * ONE_E18)


def clamped_e18(share: Fraction) -> int:
    """A share kept within 0 and 1, in whole 10^-18."""
    return min(max(rounded_e18(share), 0), ONE_E18)
