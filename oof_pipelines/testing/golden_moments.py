"""The moments of the golden story, counted by the story itself from its own entries and minutes: what its answers say.

The rules are those of docs/moments.md, written a second time in the plainest way, with the thresholds as numbers: the answers
would be worth nothing if they were made by what they are to check.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from oof_pipelines.testing.golden_diary import BUY, SELL, Entry, Swap
from oof_pipelines.testing.golden_lots import Holding, StoryLot
from oof_pipelines.testing.golden_market import DAY_S, HOUR_S, ONE_E18, Minute, StoryMarket

S2E, BHD, BAD_ROUTE, IDLE, RUG = KINDS = ("S2E", "BHD", "BadRoute", "Idle", "Rug")

_WINDOW_S = 7 * DAY_S
_LEAST_VOLUME_USD = 100
S2E_SHARE, S2E_USD = Fraction(1, 4), 25
BHD_SHARE = Fraction(3, 10)
BAD_ROUTE_SHARE = Fraction(1, 100)
IDLE_USD, IDLE_APR = 25, Fraction(12, 100)
RUG_SHARE, RUG_HOURS = Fraction(1, 20), 24


@dataclass(frozen=True, slots=True)
class StoryMoment:
    """A moment, or what would be one beyond its threshold. `signature` is of the transaction it is told of."""

    kind: str
    wallet: str
    mint: str
    signature: str
    at_s: int
    pct: Fraction
    missed_usd: Fraction


@dataclass(frozen=True, slots=True)
class Scene:
    """What moments are looked for in: `decimals` by mint, `own` the wallets whose trades make no peak by themselves."""

    market: StoryMarket
    decimals: dict[str, int]
    own: frozenset[str]
    as_of_s: int

    def minutes(self, mint: str, since_s: int, until_s: int) -> list[Minute]:
        """The minutes inside that have volume, and somebody in them beside the wallets themselves where they traded."""
        return [
            minute
            for minute in self.market.within(mint, since_s, min(until_s, self.as_of_s))
            if minute.volume_usd_e18 >= _LEAST_VOLUME_USD * ONE_E18
            and not (len(minute.signers) == 1 and minute.signers <= self.own)
        ]

    def worth_usd(self, mint: str, raw: int, price_e18: int) -> Fraction:
        return Fraction(raw * price_e18, 10 ** self.decimals[mint] * ONE_E18)


def after_sale(scene: Scene, entry: Entry) -> StoryMoment | None:
    """What a sale missed by the best minute of its week; None where nobody traded."""
    minutes = scene.minutes(entry.mint, entry.at_s, entry.at_s + _WINDOW_S)
    if entry.kind != SELL or not minutes or not entry.value_usd_e18:
        return None
    peak = max(minute.vwap_usd_e18 for minute in minutes)
    got = Fraction(entry.value_usd_e18, ONE_E18)
    at_peak = scene.worth_usd(entry.mint, entry.qty_raw, peak)
    return _moment(S2E, entry, at_peak / got - 1, at_peak - got)


def is_sold_too_early(one: StoryMoment) -> bool:
    return one.pct >= S2E_SHARE and one.missed_usd >= S2E_USD


def after_buy(scene: Scene, lot: StoryLot) -> StoryMoment | None:
    """How far what was bought fell in its week; None where nothing of it was held at the lowest minute."""
    entry = lot.entry
    minutes = scene.minutes(entry.mint, entry.at_s, entry.at_s + _WINDOW_S)
    if entry.kind != BUY or not minutes or not lot.cost_usd_e18:
        return None
    lowest = min(minutes, key=lambda minute: (minute.vwap_usd_e18, minute.start_s))
    held_raw = lot.held_raw(lowest.start_s)
    if not held_raw:
        return None
    cost = Fraction(lot.cost_usd_e18 * held_raw, lot.qty_raw * ONE_E18)
    worth = scene.worth_usd(entry.mint, held_raw, lowest.vwap_usd_e18)
    return _moment(BHD, entry, worth / cost - 1, cost - worth)


def is_bag(one: StoryMoment) -> bool:
    return one.pct <= -BHD_SHARE and one.missed_usd >= 1


def of_route(swap: Swap) -> StoryMoment | None:
    """How much less a trade brought than the best pool of its pair would have."""
    best_raw = max((raw for _, raw in swap.offers), default=0)
    if best_raw <= 0:
        return None
    missed = Fraction(swap.value_usd_e18 * (best_raw - swap.got_raw), swap.got_raw * ONE_E18)
    worse = Fraction(best_raw - swap.got_raw, best_raw)
    return StoryMoment(BAD_ROUTE, swap.wallet, swap.coin, swap.signature, swap.at_s, worse, missed)


def is_bad_route(one: StoryMoment) -> bool:
    return one.pct >= BAD_ROUTE_SHARE


def idle_stretches(scene: Scene, mint: str, changes: Iterable[tuple[Entry, int]]) -> list[StoryMoment]:
    """Every stretch of a balance above nothing, of a day and longer; `changes` are (entry, signed units)."""
    found: list[StoryMoment] = []
    first: Entry | None = None
    balance = unit_seconds = last_s = 0
    for entry, change in changes:
        if first is None:
            first, unit_seconds = entry, 0
        else:
            unit_seconds += balance * (entry.at_s - last_s)
        balance, last_s = balance + change, entry.at_s
        if not balance:
            seconds = entry.at_s - first.at_s
            price = _mean_price(scene, mint, first.at_s, entry.at_s)
            if price is not None and seconds >= DAY_S:
                token_days = Fraction(unit_seconds, 10 ** scene.decimals[mint] * DAY_S)
                found.append(
                    _moment(IDLE, first, IDLE_APR / 365 * seconds / DAY_S, token_days * IDLE_APR / 365 * price)
                )
            first = None
    return found


def _mean_price(scene: Scene, mint: str, since_s: int, until_s: int) -> Fraction | None:
    """Dollars, by the prices known every hour, those hours without one left out."""
    weighed = seconds = 0
    for at_s in range(since_s, until_s, HOUR_S):
        minute = scene.market.known_at(mint, at_s)
        if minute is not None:
            its_seconds = min(at_s + HOUR_S, until_s) - at_s
            weighed += minute.vwap_usd_e18 * its_seconds
            seconds += its_seconds
    return Fraction(weighed, seconds * ONE_E18) if seconds else None


def is_idle(one: StoryMoment) -> bool:
    return one.missed_usd >= IDLE_USD


@dataclass(frozen=True, slots=True)
class Fall:
    """A price's way down: the first hour that closed below a share of the highest, how long it stayed, how deep it was."""

    onset_s: int
    hours: int
    volume_usd_e18: int
    close_usd_e18: int
    highest_usd_e18: int


def falls_of(scene: Scene, mint: str, share: Fraction) -> list[Fall]:
    """Every time the hourly closes went to `share` of the highest minute so far, or below it, and stayed there."""
    found: list[Fall] = []
    minutes = scene.market.within(mint, 0, scene.as_of_s)
    highest = 0
    run: list[tuple[int, int, int]] = []
    for place, minute in enumerate(minutes):
        if minute.volume_usd_e18 >= _LEAST_VOLUME_USD * ONE_E18:
            highest = max(highest, minute.vwap_usd_e18)
        hour = minute.start_s // HOUR_S
        if place + 1 < len(minutes) and minutes[place + 1].start_s // HOUR_S == hour:
            continue
        if minute.close_usd_e18 <= share * highest:
            run.append(((hour + 1) * HOUR_S, minute.close_usd_e18, highest))
            continue
        found += _fall(scene, mint, run, hour * HOUR_S)
        run = []
    return found + _fall(scene, mint, run, scene.as_of_s // HOUR_S * HOUR_S)


def _fall(scene: Scene, mint: str, run: list[tuple[int, int, int]], up_again_s: int) -> list[Fall]:
    if not run:
        return []
    onset_s = run[0][0]
    until_s = onset_s + RUG_HOURS * HOUR_S
    volume = sum(minute.volume_usd_e18 for minute in scene.market.within(mint, onset_s, until_s))
    _, close, highest = [one for one in run if one[0] <= until_s][-1]
    return [Fall(onset_s, (up_again_s - onset_s) // HOUR_S, volume, close, highest)]


def is_collapse(fall: Fall) -> bool:
    """Whether it stayed down long enough, and was traded meanwhile."""
    return fall.hours >= RUG_HOURS and fall.volume_usd_e18 >= _LEAST_VOLUME_USD * ONE_E18


def of_fall(scene: Scene, holding: Holding, mint: str, fall: Fall) -> StoryMoment | None:
    """What a fall cost whoever held the coin when it came; None where nothing with a known cost was held."""
    held = [(lot, lot.held_raw(fall.onset_s)) for lot in holding.lots if lot.entry.at_s <= fall.onset_s]
    held = [(lot, raw) for lot, raw in held if raw and lot.cost_usd_e18 is not None]
    if not held:
        return None
    basis = sum((Fraction((lot.cost_usd_e18 or 0) * raw, lot.qty_raw * ONE_E18) for lot, raw in held), Fraction(0))
    left = sum((scene.worth_usd(mint, raw, fall.close_usd_e18) for _, raw in held), Fraction(0))
    pct = Fraction(fall.close_usd_e18, fall.highest_usd_e18) - 1
    last = held[-1][0].entry
    return StoryMoment(RUG, last.wallet, mint, last.signature, fall.onset_s, pct, basis - left)


def _moment(kind: str, entry: Entry, pct: Fraction, missed: Fraction) -> StoryMoment:
    return StoryMoment(kind, entry.wallet, entry.mint, entry.signature, entry.at_s, pct, missed)
