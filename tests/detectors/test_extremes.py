"""Extremes and the leaderboard: what stands out, and how ties are broken."""

import random
from decimal import Decimal

import msgspec
import pytest
from moment_inputs import DAY_S, MINT, T0, Story, usd

from oof_pipelines.detectors.extremes import NAMES, extremes_of, realized_sales
from oof_pipelines.detectors.leaderboard import PERIOD_DAYS, leaderboard
from oof_pipelines.detectors.moment import BAD_ROUTE, BHD, IDLE, KINDS, RUG, S2E, Moment
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.positions.valued import PositionRules

COINS = 10**6


def moment(kind: str, name: str, *, pct: str = "0.5", missed: str | None = "50", at_s: int = T0) -> Moment:
    return Moment(
        id=name,
        wallet="w",
        mint=MINT,
        kind=kind,
        t_event_s=at_s,
        window_start_s=at_s,
        window_end_s=at_s,
        pct=Decimal(pct),
        missed_usd_e18=None if missed is None else usd(missed),
        reachable_usd_e18=None,
        severity=Decimal(1),
        signature=name,
        path="0",
        slot=1,
        version="1",
        status="final",
        price_source="",
        confidence=Decimal(1),
        explain={},
    )


def realized(*sales: tuple[int, str, str], wallet: str = "w") -> list[RealizedTrade]:
    """Sales (seconds after T0, cost, proceeds) of a coin each."""
    story = Story(wallet=wallet)
    for _after_s, cost, _proceeds in sales:
        story.buy(T0 - DAY_S, COINS, cost)
    for after_s, _cost, proceeds in sales:
        story.sell(T0 + after_s, COINS, proceeds)
    book = Book(PositionRules())
    return [row for one in story.valued for row in book.step(one)]


def test_wins_and_losses() -> None:
    rows = realized((1, "10", "30"), (2, "10", "31"), (3, "10", "4"), (4, "10", "10"))
    found = extremes_of(rows, [])
    assert found.top_win is not None
    assert found.top_loss is not None
    assert (found.top_win.realized_pnl_usd_e18, found.top_win.t_event_s) == (usd("21"), T0 + 2)
    assert (found.top_loss.realized_pnl_usd_e18, found.top_loss.t_event_s) == (-usd("6"), T0 + 3)
    even = extremes_of(realized((1, "10", "10")), [])
    assert (even.top_win, even.top_loss) == (None, None), "neither a win nor a loss"


def test_a_sale_over_lots_of_several_kinds_is_one_win_of_what_is_known() -> None:
    story = Story()
    story.receive(T0, COINS)
    story.buy(T0 + 1, COINS, "10")
    story.sell(T0 + 2, 2 * COINS, "50")
    story.receive(T0 + 3, COINS)
    story.sell(T0 + 4, COINS, "900")
    book = Book(PositionRules())
    rows = [row for one in story.valued for row in book.step(one)]
    assert len(rows) == 3
    [sale] = realized_sales(rows)
    assert sale.realized_pnl_usd_e18 == usd("15")
    assert sale.qty_raw == 2 * COINS
    assert sale.id == min(row.exit_id for row in rows[:2])


def test_ties_go_to_the_earlier_then_to_the_smaller_id() -> None:
    rows = realized((9, "10", "30"), (5, "10", "30"), (5, "10", "30"))
    first = min((row for row in rows if row.sold_at_s == T0 + 5), key=lambda row: row.exit_id)
    found = extremes_of(rows, [])
    assert found.top_win is not None
    assert found.top_win.id == first.exit_id
    for kind in KINDS:
        pct = "-0.5" if kind in (BHD, RUG) else "0.5"
        equal = [moment(kind, name, pct=pct, at_s=T0 + at_s) for name, at_s in (("c", 7), ("b", 5), ("a", 5), ("0", 9))]
        told = extremes_of([], equal).told()[kind]
        assert told is not None
        assert told["id"] == "a"


def test_each_kind_by_its_own_figure() -> None:
    moments = [
        moment(S2E, "s1", missed="60", pct="0.3"),
        moment(S2E, "s2", missed="60", pct="0.4"),
        moment(S2E, "s3", missed="59", pct="9"),
        moment(BHD, "b1", missed="900", pct="-0.4"),
        moment(BHD, "b2", missed="2", pct="-0.41"),
        moment(BAD_ROUTE, "r1", missed=None, pct="0.2"),
        moment(BAD_ROUTE, "r2", missed="900", pct="0.1"),
        moment(IDLE, "i1", missed="30", pct="0.9"),
        moment(IDLE, "i2", missed="31", pct="0.1"),
        moment(RUG, "u1", missed="30", pct="-0.99"),
        moment(RUG, "u2", missed="31", pct="-0.95"),
    ]
    told = extremes_of([], moments).told()
    assert tuple(told) == NAMES
    ids = {name: None if row is None else row["id"] for name, row in told.items()}
    assert ids == {
        "top_win": None,
        "top_loss": None,
        "S2E": "s2",
        "BHD": "b2",
        "BadRoute": "r1",
        "Idle": "i2",
        "Rug": "u2",
    }


def test_the_order_of_the_input_is_nothing() -> None:
    rows = realized(*((second, "10", str(5 + second % 4 * 5)) for second in range(1, 20)))
    moments = [moment(kind, f"{kind}{number}", at_s=T0 + number % 3) for kind in KINDS for number in range(9)]
    wanted = msgspec.json.encode(extremes_of(rows, moments).told())
    for seed in range(5):
        mixed = random.Random(seed)
        mixed.shuffle(rows)
        mixed.shuffle(moments)
        assert msgspec.json.encode(extremes_of(rows, moments).told()) == wanted


def test_leaderboard() -> None:
    rows = [
        *realized((0, "10", "30"), (-1, "10", "8"), wallet="c"),
        *realized((-7 * DAY_S, "10", "999"), (-7 * DAY_S + 1, "10", "28"), wallet="b"),
        *realized((5, "10", "999"), wallet="a"),
        *realized((-60, "10", "3"), wallet="d"),
    ]
    week = leaderboard(rows, "7d", T0)
    assert [(row.rank, row.wallet, row.realized_pnl_usd_e18, row.sales, row.wins) for row in week] == [
        (1, "b", usd("18"), 1, 1),
        (2, "c", usd("18"), 2, 1),
        (3, "d", -usd("7"), 1, 0),
    ]
    month = leaderboard(reversed(rows), "30d", T0)
    assert [row.wallet for row in month] == ["b", "c", "d"]
    assert month[0].realized_pnl_usd_e18 == usd("1007")
    assert PERIOD_DAYS == {"7d": 7, "30d": 30}
    with pytest.raises(ValueError, match="period: '1y' is not one of 7d, 30d"):
        leaderboard(rows, "1y", T0)
