"""A sale of which nobody knows what it brought, and one that brought nothing."""

import pytest

from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import BUY, SELL, PositionEvent
from oof_pipelines.positions.rational import RationalBook
from oof_pipelines.positions.valued import PositionRules, ValuedEvent

USD = 10**18


def event(kind: str, slot: int, other_raw: int | None) -> PositionEvent:
    paid = ("", None, None) if other_raw is None else ("money", 6, other_raw)
    return PositionEvent(f"s{slot}", slot, 0, slot, 0, "0", 0, "W", kind, "M", 6, 10, *paid, "", "", 0, 0, 0)


@pytest.mark.parametrize("made", [Book, RationalBook])
@pytest.mark.parametrize(
    ("got_raw", "proceeds", "profit"), [(None, None, None), (0, 0, -7 * USD), (5, 9 * USD, 2 * USD)]
)
def test_what_is_not_known_is_not_nothing(
    made: type[Book] | type[RationalBook], got_raw: int | None, proceeds: int | None, profit: int | None
) -> None:
    book = made(PositionRules())
    book.step(ValuedEvent(event(BUY, 1, 3), 7 * USD, "klines", USD))
    [row] = book.step(ValuedEvent(event(SELL, 2, got_raw), 9 * USD, "candle", USD))
    assert (row.proceeds_raw, row.proceeds_usd_e18, row.realized_pnl_usd_e18) == (got_raw or 0, proceeds, profit)
    assert (row.cost_usd_e18, row.basis_status) == (7 * USD, "known")
    [episode] = book.episodes()
    assert (episode.proceeds_usd_e18, episode.realized_pnl_usd_e18) == (proceeds, profit)
