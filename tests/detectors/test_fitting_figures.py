"""Figures that there is no room for: the moment is left out, and everything else is told."""

from decimal import Decimal

import pytest
from moment_inputs import DAY_S, HOUR_S, MINT, T0, Story, candle, usd
from msgspec.structs import replace

from oof_pipelines.detectors.extremes import extremes_of
from oof_pipelines.detectors.moment import Moment, fits, fits_e18
from oof_pipelines.detectors.registry import detect_moments
from oof_pipelines.detectors.sold_too_early import SoldTooEarly
from oof_pipelines.storage.parquet.position_rows import frame_of
from oof_pipelines.storage.parquet.position_schemas import OOF_MOMENTS

MOST_E18 = 10**38 - 1
PEAK = candle(T0 + HOUR_S, "1000")


def sold_for(value_usd_e18: int, units_raw: int, decimals: int) -> Story:
    """One sale, and an ordinary one of another coin."""
    story = Story()
    story.sell(T0, units_raw, "1")
    last = story.valued[-1]
    story.valued[-1] = replace(last, value_usd_e18=value_usd_e18, event=replace(last.event, decimals=decimals))
    story.sell(T0, 10**6, "100", mint="other")
    return story


@pytest.mark.parametrize(
    ("value_usd_e18", "units_raw", "decimals", "is_told"),
    [
        (1, 10**6, 6, False),
        (9, 10**6, 6, False),
        (10, 10**6, 6, True),
        (usd("150"), 2**64 - 1, 0, False),
        (usd("150"), 10**17, 0, True),
    ],
)
def test_what_does_not_fit_is_left_out_and_the_others_are_told(
    value_usd_e18: int, units_raw: int, decimals: int, is_told: bool
) -> None:
    seen = sold_for(value_usd_e18, units_raw, decimals).seen(
        [PEAK, candle(T0 + HOUR_S, "900", mint="other")], T0 + DAY_S
    )
    assert len(SoldTooEarly().detect(seen)) == 2, "both were sold too early"
    moments = detect_moments(seen)
    assert {moment.mint for moment in moments} == ({MINT, "other"} if is_told else {"other"})
    assert frame_of(OOF_MOMENTS, moments).height == len(moments)


def test_room_ends_at_38_digits() -> None:
    assert fits_e18(MOST_E18)
    assert fits_e18(-MOST_E18)
    assert not fits_e18(MOST_E18 + 1)
    assert not fits_e18(-MOST_E18 - 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"pct": Decimal(10**20)},
        {"pct": Decimal(-(10**20))},
        {"missed_usd_e18": MOST_E18 + 1},
        {"reachable_usd_e18": -MOST_E18 - 1},
    ],
)
def test_every_figure_counts(changes: dict[str, Decimal | int]) -> None:
    [moment] = SoldTooEarly().detect(sold_for(usd("1"), 10**6, 6).seen([PEAK], T0 + DAY_S))
    assert fits(moment)
    assert fits(replace(moment, missed_usd_e18=None, reachable_usd_e18=None))
    odd: Moment = replace(moment, **changes)
    assert not fits(odd)
    with pytest.raises(ValueError, match="does not fit 38 digits"):
        frame_of(OOF_MOMENTS, [odd])


def test_a_sum_of_profits_that_does_not_fit_is_no_extreme() -> None:
    story = Story()
    story.buy(T0, 10, "1")
    story.receive(T0 + 1, 10)
    story.sell(T0 + 2, 20, "5")
    known, unknown = story.seen([], T0 + DAY_S).realized
    rows = [replace(known, realized_pnl_usd_e18=MOST_E18), replace(unknown, realized_pnl_usd_e18=1)]
    assert extremes_of(rows, []).top_win is None
    assert extremes_of(rows[:1], []).top_win is not None
