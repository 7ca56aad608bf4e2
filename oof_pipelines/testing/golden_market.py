"""What the market of the golden story made of each coin, minute by minute, from the trades that the story itself wrote.

The story's own arithmetic, in whole numbers: prices and dollars are in 10^-18, rounded half to even where docs/prices.md says
so (a minute's mean price at 18 places, then its dollars). It also holds itself to the rules of that page: a story whose
trades would not all be believed is no story (`StoryError`), since nobody could say then what its minutes cost.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

ONE_E18 = 10**18
DAY_S = 86_400
HOUR_S = 3_600
MINUTE_S = 60

_LEAST_USD = 2
_FEWEST_TRADES = 3
_MOST_UNEVEN = Fraction(3, 2)
_MOST_JUMP = 5
_LOOK_BACK_S = HOUR_S

# Dollars a SOL at these days (counted from 2022-01-01), straight lines between them. Made up, near enough to what it was.
_SOL_PATH = (
    (0, 170),
    (60, 95),
    (180, 38),
    (365, 16),
    (540, 20),
    (700, 75),
    (800, 180),
    (950, 140),
    (1_100, 210),
    (1_200, 130),
    (1_350, 215),
    (1_500, 140),
    (1_800, 160),
)
_PATH_BEGINS_S = 1_640_995_200


class StoryError(RuntimeError):
    """The story does not come out as planned: the plot and the seed's amounts contradict each other."""


def half_even(numerator: int, denominator: int) -> int:
    """The nearest whole number to a fraction of at least 0, ties to even."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def dollars_text(value_e18: int) -> str:
    """Whole 10^-18 as text with 18 places."""
    sign, digits = ("-" if value_e18 < 0 else ""), abs(value_e18)
    return f"{sign}{digits // ONE_E18}.{digits % ONE_E18:018d}"


def rounded_e18(exact: Fraction) -> int:
    """A fraction in whole 10^-18, half to even on either side of 0."""
    rounded = half_even(abs(exact.numerator) * ONE_E18, exact.denominator)
    return rounded if exact >= 0 else -rounded


def sol_usd_cents(at_s: int) -> int:
    """Cents a SOL on the UTC day of an instant; the same all day."""
    day = (at_s - _PATH_BEGINS_S) // DAY_S
    for (first, price), (last, next_price) in pairwise(_SOL_PATH):
        if first <= day < last:
            level = price * 100 + (next_price - price) * 100 * (day - first) // (last - first)
            return level + (day * 7 % 13 - 6) * 11
    raise StoryError(f"no price of SOL for day {day} of the story")


def sol_usd_e18(at_s: int) -> int:
    """Dollars a SOL, in 10^-18."""
    return sol_usd_cents(at_s) * ONE_E18 // 100


@dataclass(slots=True)
class Trade:
    """One believed trade, in base units of the coin and of its money."""

    at_s: int
    base_raw: int
    quote_raw: int
    signer: str


@dataclass(slots=True)
class Minute:
    """A coin's minute from `start_s` on."""

    start_s: int
    base_decimals: int
    quote_decimals: int
    quote_usd_e18: int
    trades: list[Trade] = field(default_factory=list)

    @property
    def end_s(self) -> int:
        return self.start_s + MINUTE_S

    @property
    def vwap_usd_e18(self) -> int:
        base_raw = sum(trade.base_raw for trade in self.trades)
        return self._usd_e18(sum(trade.quote_raw for trade in self.trades), base_raw)

    @property
    def close_usd_e18(self) -> int:
        last = self.trades[-1]
        return self._usd_e18(last.quote_raw, last.base_raw)

    @property
    def volume_usd_e18(self) -> int:
        quote_raw = sum(trade.quote_raw for trade in self.trades)
        return half_even(quote_raw * self.quote_usd_e18, 10**self.quote_decimals)

    @property
    def signers(self) -> set[str]:
        return {trade.signer for trade in self.trades}

    def _usd_e18(self, quote_raw: int, base_raw: int) -> int:
        price_e18 = half_even(quote_raw * 10**self.base_decimals * ONE_E18, base_raw * 10**self.quote_decimals)
        return half_even(price_e18 * self.quote_usd_e18, ONE_E18)


class StoryMarket:
    """Minutes by coin, in the order of time."""

    def __init__(self) -> None:
        self.minutes: dict[str, list[Minute]] = {}

    def record(
        self,
        mint: str,
        decimals: tuple[int, int],
        quote_usd_e18: int,
        at_s: int,
        fill_raw: tuple[int, int],
        signer: str,
    ) -> None:
        """Note one trade: `decimals` and `fill_raw` are (coin, money)."""
        own = self.minutes.setdefault(mint, [])
        start_s = at_s - at_s % MINUTE_S
        if not own or own[-1].start_s != start_s:
            own.append(Minute(start_s, *decimals, quote_usd_e18))
        own[-1].trades.append(Trade(at_s, *fill_raw, signer))

    def known_at(self, mint: str, at_s: int, most_age_s: int = HOUR_S) -> Minute | None:
        """The newest minute that had ended, at most an hour before unless another age will do."""
        for minute in reversed(self.minutes.get(mint, [])):
            if minute.end_s <= at_s:
                return minute if at_s - minute.end_s <= most_age_s else None
        return None

    def within(self, mint: str, since_s: int, until_s: int) -> list[Minute]:
        """The minutes wholly inside."""
        return [one for one in self.minutes.get(mint, []) if one.start_s >= since_s and one.end_s <= until_s]

    def check(self) -> None:
        """Raise `StoryError` where a trade would be left out: dust, uneven minutes, or a lone jump."""
        for mint, minutes in self.minutes.items():
            for place, minute in enumerate(minutes):
                _check_even(mint, minute)
                _check_jump(mint, minutes[max(0, place - 3) : place], minute)


def _check_even(mint: str, minute: Minute) -> None:
    prices = [Fraction(trade.quote_raw, trade.base_raw) for trade in minute.trades]
    if max(prices) > min(prices) * _MOST_UNEVEN:
        raise StoryError(f"{mint}: prices of the minute {minute.start_s} lie too far apart")
    least_raw = min(trade.quote_raw for trade in minute.trades)
    if least_raw * minute.quote_usd_e18 < 2 * _LEAST_USD * ONE_E18 * 10**minute.quote_decimals:
        raise StoryError(f"{mint}: a trade in the minute {minute.start_s} is dust")


def _check_jump(mint: str, before: list[Minute], minute: Minute) -> None:
    recent = [one for one in before if minute.start_s - one.start_s <= _LOOK_BACK_S]
    if len(minute.trades) >= _FEWEST_TRADES and len(minute.signers) > 1:
        return
    level = minute.vwap_usd_e18
    if recent and not any(
        level < one.vwap_usd_e18 * _MOST_JUMP and one.vwap_usd_e18 < level * _MOST_JUMP for one in recent
    ):
        raise StoryError(f"{mint}: the minute {minute.start_s} stands alone with its price")


def decimal_text(exact: Fraction) -> str:
    """A fraction as text with 18 places, half to even."""
    return dollars_text(rounded_e18(exact))


def usd_of(amount: str | int) -> Fraction:
    """Dollars from text, exactly."""
    return Fraction(Decimal(amount))
