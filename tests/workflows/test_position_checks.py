"""Each check of positions fails on the one thing it is there for, and none fails on what the engine says of any events."""

from collections.abc import Callable
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from position_world import COIN, DOLLAR, NEIGHBOUR, WALLET, address, event, events_frame

from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import BURN, BUY, CLAIM, LP_ADD, LP_REMOVE, RECEIVE, SELL, SEND, PositionEvent
from oof_pipelines.positions.valued import PositionRules, ValuedEvent
from oof_pipelines.storage.parquet.position_balances import BALANCE_COLUMNS
from oof_pipelines.storage.parquet.position_rows import frame_of
from oof_pipelines.storage.parquet.position_schemas import EPISODES, LOTS, REALIZED_TRADES
from oof_pipelines.workflows.position_checks import POSITION_CHECKS, WATCHED, check_balances, check_positions

EXCHANGE, POOL, OTHER_POOL = address("exchange"), address("pool"), address("other pool")
RULES = PositionRules(exchanges=frozenset({EXCHANGE}))

Frames = dict[str, pl.DataFrame]


def booked(events: list[PositionEvent]) -> Frames:
    """What the engine makes of events, each of them worth a dollar a hundred units."""
    book = Book(RULES)
    valued = [ValuedEvent(one, one.qty_raw * 10**16, "par", 10**18) for one in events]
    realized = [row for one in valued for row in book.step(one)]
    return {
        LOTS.name: frame_of(LOTS, book.lots()),
        REALIZED_TRADES.name: frame_of(REALIZED_TRADES, realized),
        EPISODES.name: frame_of(EPISODES, book.episodes()),
    }


STORY = [
    event("buy", 0, qty=100, usdc=10 * DOLLAR),
    event("lp_add", 1, qty=60, counterparty=POOL),
    event("lp_remove", 2, qty=80, counterparty=POOL),
    event("sell", 3, qty=50, usdc=9 * DOLLAR),
    event("send", 4, qty=10, counterparty=EXCHANGE),
    event("send", 5, qty=10, counterparty=address("friend")),
    event("buy", 6, wallet=NEIGHBOUR, qty=10, usdc=DOLLAR),
    event("sell", 7, wallet=NEIGHBOUR, qty=10, usdc=DOLLAR),
    event("buy", 8, wallet=NEIGHBOUR, qty=4, usdc=DOLLAR),
    event("lp_add", 9, wallet=NEIGHBOUR, qty=4, counterparty=OTHER_POOL),
]


def changed(frames: Frames, dataset: str, column: str, by: int, row: int = 0) -> Frames:
    """One number of one row is another."""
    frame = frames[dataset]
    values = frame[column].to_list()
    values[row] = values[row] + by
    return frames | {dataset: frame.with_columns(pl.Series(column, values, dtype=frame[column].dtype))}


def without(frames: Frames, dataset: str, row: int = 0) -> Frames:
    frame = frames[dataset]
    return frames | {dataset: pl.concat([frame.slice(0, row), frame.slice(row + 1)])}


def doubled(frames: Frames, dataset: str) -> Frames:
    return frames | {dataset: pl.concat([frames[dataset], frames[dataset].head(1)])}


def moved_between_lots(frames: Frames) -> Frames:
    """A unit more was sold and one less is held: each lot is whole, the wallet's sum is not."""
    lots = frames[LOTS.name]
    place = lots["qty_remaining_raw"].arg_max()
    assert place is not None
    return changed(changed(frames, LOTS.name, "qty_remaining_raw", -1, place), LOTS.name, "qty_sold_raw", 1, place)


def failed(frames: Frames) -> set[str]:
    return {check.name for check in check_positions(events_frame(STORY), frames, RULES) if not check.has_passed}


def test_a_story_passes() -> None:
    checks = check_positions(events_frame(STORY), booked(STORY), RULES)
    assert [check.name for check in checks] == [name for name in POSITION_CHECKS if name not in WATCHED]
    assert [check for check in checks if not check.has_passed] == []


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        (lambda f: doubled(f, "lots"), {"lots_schema"}),
        (lambda f: doubled(f, "realized_trades"), {"realized_trades_schema"}),
        (lambda f: doubled(f, "episodes"), {"episodes_schema"}),
        (lambda f: changed(f, "lots", "qty_remaining_raw", -1_000), {"lots_schema"}),
        (lambda f: changed(f, "lots", "qty_sold_raw", 1), {"lots_whole"}),
        (moved_between_lots, {"bought_is_sold_held_moved", "episodes_add_up"}),
        (lambda f: changed(f, "realized_trades", "qty_raw", 1), {"exits_are_events"}),
        (lambda f: without(f, "realized_trades"), {"exits_are_events"}),
        (lambda f: changed(f, "episodes", "number", 1), {"episodes_add_up"}),
        (lambda f: changed(f, "episodes", "held_raw", 1), {"episodes_add_up"}),
    ],
)
def test_what_is_wrong_is_named(broken: Callable[[Frames], Frames], names: set[str]) -> None:
    found = failed(broken(booked(STORY)))
    if any(name.endswith("_schema") for name in names):
        unmade = {name for name in POSITION_CHECKS if not name.endswith("_schema")} - WATCHED
        assert found == names | unmade
    else:
        assert found == names


def test_a_lot_that_is_missing_is_named_with_its_wallet() -> None:
    frames = booked(STORY)
    open_lot = frames["lots"]["qty_remaining_raw"].arg_max()
    assert open_lot is not None
    checks = check_positions(events_frame(STORY), without(frames, "lots", open_lot), RULES)
    [held] = [check for check in checks if check.name == "bought_is_sold_held_moved"]
    assert WALLET in held.detail
    assert COIN in held.detail


KINDS = (BUY, SELL, RECEIVE, SEND, BURN, LP_ADD, LP_REMOVE, CLAIM)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS),
            st.sampled_from([WALLET, NEIGHBOUR]),
            st.sampled_from([COIN, address("second coin")]),
            st.integers(1, 300),
            st.sampled_from([EXCHANGE, POOL, OTHER_POOL, ""]),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_whatever_happens_the_engines_rows_pass(drawn: list[tuple[str, str, str, int, str, bool]]) -> None:
    events = [
        event(
            kind,
            minute,
            wallet=wallet,
            mint=mint,
            qty=qty,
            counterparty=other,
            usdc=qty if kind in (BUY, SELL) else None,
            is_escrow=is_kept and kind in (SEND, RECEIVE),
        )
        for minute, (kind, wallet, mint, qty, other, is_kept) in enumerate(drawn)
    ]
    checks = check_positions(events_frame(events), booked(events), RULES)
    assert [check for check in checks if not check.has_passed] == []


class Told:
    """What the chain says, handed in."""

    def __init__(self, *rows: tuple[str, str, int, int, int]) -> None:
        self.rows = rows

    def balances(self, _wallets: object, _days: object) -> pl.DataFrame:
        return pl.DataFrame(list(self.rows), schema=BALANCE_COLUMNS, orient="row")


EVENTS = events_frame([event("buy", 0, qty=100, usdc=DOLLAR), event("sell", 1, qty=30, usdc=DOLLAR)])


@pytest.mark.parametrize(
    ("row", "has_passed"),
    [
        ((WALLET, COIN, 0, 70, 0), True),
        ((WALLET, COIN, 5, 75, 0), True),
        ((WALLET, COIN, 0, 71, 0), False),
        ((WALLET, COIN, 0, 71, 1), True),
        ((NEIGHBOUR, COIN, 3, 3, 0), True),
        ((NEIGHBOUR, COIN, 3, 4, 0), False),
    ],
    ids=["agrees", "opened before", "differs", "has a gap", "nothing happened", "moved without events"],
)
def test_balances_are_compared_where_the_store_is_whole(row: tuple[str, str, int, int, int], has_passed: bool) -> None:
    check = check_balances(EVENTS, Told(row))
    assert check.has_passed == has_passed
    assert not check.is_blocking
    if not has_passed:
        assert f"{row[0]} {row[1]}" in check.detail


def test_what_was_not_compared_is_said() -> None:
    check = check_balances(EVENTS, Told((WALLET, COIN, 9, 71, 1)))
    assert check.detail.endswith("1 began before the store; not compared: 1 with gaps, 0 unseen")


def test_dollars_of_the_helper_are_what_they_say() -> None:
    [first, *_] = booked(STORY)["lots"]["cost_usd"].drop_nulls().sort(descending=True)
    assert first == Decimal(1)
