"""Of the reference with rationals: lots as spans of units that are somewhere, and how amounts are shared over them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from math import floor

from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.positions.valued import ValuedEvent

HELD = "held"
SOLD = "sold"
MOVED = "moved"
POOL = "pool "
"""Where units are: held, gone, or in the pool that the word goes on with."""


@dataclass
class Span:
    """Units `first` to `end` of a lot and where they are."""

    lot: "Units"
    first: Fraction
    end: Fraction
    place: str

    @property
    def quantity(self) -> Fraction:
        return self.end - self.first

    def of(self, amount: int | None) -> int | None:
        """The span's share of an amount of the whole lot."""
        if amount is None:
            return None
        if self.lot.quantity == 0:
            return amount
        each = Fraction(amount) / self.lot.quantity
        return floor(each * self.end) - floor(each * self.first)


@dataclass
class Units:
    """A lot, by its spans; what is gone is summed."""

    valued: ValuedEvent
    episode: "Story"
    origin: str
    quantity: Fraction
    cost_mint: str | None
    cost: int | None
    dollars: int | None
    status: str
    spans: list[Span] = field(default_factory=list)
    gone: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))

    def at(self, place: str) -> list[Span]:
        return [span for span in self.spans if span.place == place]


@dataclass
class Story:
    """An episode: everything that happened in it."""

    number: int
    first: PositionEvent
    last: PositionEvent | None = None
    lots: list[Units] = field(default_factory=list)
    rows: list[RealizedTrade] = field(default_factory=list)
    moved: Fraction = Fraction(0)
    trades: list[ValuedEvent] = field(default_factory=list)

    @property
    def name(self) -> str:
        one = self.first
        return name_of(f"episode|{one.wallet}|{one.mint}|{one.signature}|{one.path}|{one.seq}")


@dataclass
class Holding:
    """One mint of one owner. `lots` has those of which something is left, by entry."""

    lots: list[Units] = field(default_factory=list)
    stories: list[Story] = field(default_factory=list)
    average_units: Fraction = Fraction(0)
    average_dollars: Fraction = Fraction(0)
    within: list[tuple[ValuedEvent, int]] = field(default_factory=list)
    """Transfers between wallets of the owner in the transaction at hand, with what they send less what they bring."""

    def units_at(self, is_there: Callable[[str], bool]) -> Fraction:
        return sum((span.quantity for lot in self.lots for span in lot.spans if is_there(span.place)), Fraction(0))


def take(holding: Holding, place: str, quantity: Fraction, to: str) -> tuple[list[Span], Fraction, list[Units]]:
    """(the oldest units at a place, put elsewhere; how many are missing; the lots of which nothing is left)."""
    taken: list[Span] = []
    over: list[Units] = []
    missing = quantity
    for lot in list(holding.lots):
        if missing <= 0:
            break
        for span in sorted(lot.at(place), key=lambda one: one.first):
            if missing <= 0:
                break
            if span.quantity > missing:
                lot.spans.append(Span(lot, span.first + missing, span.end, place))
                span.end = span.first + missing
            span.place = to
            missing -= span.quantity
            taken.append(span)
            if to in (SOLD, MOVED):
                lot.gone[to] += span.quantity
                lot.spans.remove(span)
        join(lot)
        if not lot.spans:
            holding.lots.remove(lot)
            over.append(lot)
    return taken, missing, over


@dataclass
class Share:
    """Units of one span, or of none, with their share of what was got for them."""

    span: Span | None
    quantity: Fraction
    proceeds: int
    dollars: int | None


def shares_of(
    spans: list[Span], missing: Fraction, proceeds: int, dollars: int | None
) -> dict[tuple[str | None, str], list[Share]]:
    """What leaves, grouped by cost mint and basis status in the order of the lots."""
    pieces: list[tuple[Span | None, Fraction]] = [(span, span.quantity) for span in spans]
    if missing > 0 or not spans:
        pieces.append((None, missing))
    total = sum((quantity for _, quantity in pieces), Fraction(0))
    groups: dict[tuple[str | None, str], list[Share]] = {}
    first = Fraction(0)
    for span, quantity in pieces:
        end = first + quantity
        got, worth = _between(proceeds, total, first, end), None
        if dollars is not None:
            worth = _between(dollars, total, first, end)
        key = (None, "unknown") if span is None else (span.lot.cost_mint, span.lot.status)
        groups.setdefault(key, []).append(Share(span, quantity, got, worth))
        first = end
    return groups


def _between(amount: int, total: Fraction, first: Fraction, end: Fraction) -> int:
    return amount if total == 0 else floor(amount / total * end) - floor(amount / total * first)


def join(lot: Units) -> None:
    """Neighbouring spans at one place are one."""
    lot.spans.sort(key=lambda span: span.first)
    joined: list[Span] = []
    for span in lot.spans:
        if joined and joined[-1].place == span.place and joined[-1].end == span.first:
            joined[-1].end = span.end
        else:
            joined.append(span)
    lot.spans = joined


def total(amounts: Iterable[int | None]) -> int | None:
    """Their sum, None where one is unknown."""
    known = list(amounts)
    return None if None in known else sum(amount for amount in known if amount is not None)


def total_known(amounts: Iterable[int | None]) -> int | None:
    """The sum of those that are known; None where there are some and none is known."""
    told = list(amounts)
    known = [amount for amount in told if amount is not None]
    return None if told and not known else sum(known)


def whole(quantity: Fraction) -> int:
    if quantity.denominator != 1:
        raise ArithmeticError(f"{quantity} is no whole number of base units")
    return quantity.numerator


def name_of(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()[:32]
