"""The plot of the golden wallet: which chapter is told when, over four years. The seed moves the days, not the order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from oof_pipelines.testing import golden_chapters_holding as holding
from oof_pipelines.testing import golden_chapters_moving as moving
from oof_pipelines.testing import golden_chapters_trading as trading
from oof_pipelines.testing.golden_market import DAY_S
from oof_pipelines.testing.golden_tale import Tale

BEGINS_S = 1_646_092_800
"""2022-03-01, midnight UTC."""

_LAST_DAY = 1_462
_JITTER_DAYS = 6
_FIRST_HOUR_S = 45 * 60
_VISIT_S = 40 * 60
_VISITS_A_DAY = 24
_ROUND_TRIPS = 36

Chapter = Callable[[Tale], Iterator[int]]

# Days since the story begins. Bonding curves are told as of mid 2025, PumpSwap as of that autumn.
_CHAPTERS: tuple[tuple[int, Chapter], ...] = (
    (0, trading.pay_day),
    (20, holding.first_win),
    (90, holding.coming_back),
    (230, holding.the_bag),
    (290, holding.out_in_time),
    (330, holding.first_rug),
    (430, holding.small_change),
    (470, holding.nearly_a_rug),
    (540, holding.back_from_the_dead),
    (600, moving.airdrop),
    (660, moving.to_the_exchange),
    (720, moving.two_wallets),
    (780, moving.bad_routes),
    (830, holding.the_moonshot),
    (900, trading.many_lots),
    (960, moving.token_for_token),
    (1_010, moving.in_the_pool),
    (1_070, trading.bad_luck),
    (1_110, moving.idle_and_staked),
    (1_200, trading.on_the_curve),
    (1_340, holding.second_rug),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A chapter and the second at which it begins."""

    begin_s: int
    chapter: Chapter


def planned_chapters(dice_days: Callable[[int], int]) -> list[Planned]:
    """Every chapter with its beginning. `dice_days` draws a number below its argument; each has its time of the day."""
    planned = []
    trips = [(60 + number * 38, _round_trip(number)) for number in range(_ROUND_TRIPS)]
    for number, (day, chapter) in enumerate((*_CHAPTERS, *trips)):
        jitter = dice_days(_JITTER_DAYS) if day else 0
        opens_s = _FIRST_HOUR_S + number % _VISITS_A_DAY * _VISIT_S
        planned.append(Planned(BEGINS_S + (day + jitter) * DAY_S + opens_s, chapter))
    planned.append(Planned(BEGINS_S + _LAST_DAY * DAY_S + _FIRST_HOUR_S, trading.farewell))
    return planned


def _round_trip(number: int) -> Chapter:
    day = 60 + number * 38
    # CPMM pools are from 2024, PumpSwap's from 2025.
    venues = trading.VENUES[: 1 + (day > 800) + (day > 1_250)]
    venue = venues[number % len(venues)]
    return lambda tale: trading.round_trip(tale, number, venue)
