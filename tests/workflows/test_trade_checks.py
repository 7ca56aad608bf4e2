"""Checks between the datasets of trades: each finds the one thing that is wrong, and true days pass."""

from decimal import Decimal

import polars as pl
import pytest
from crafted_bodies import address
from decoded_home import raw_frame
from told_trades import told_rows

from oof_pipelines.workflows.decode_day import Frames, decode_frame
from oof_pipelines.workflows.decoded_checks import check_decoded
from oof_pipelines.workflows.trade_checks import (
    amounts_are_positive,
    fees_have_swaps,
    legs_have_routes,
    routes_are_actions,
    trades_are_legs,
)

ROWS = [row for row in told_rows() if row.day == told_rows()[0].day]
VICTIM = next(row.signature for row in ROWS if not row.is_failed)
AT_VICTIM = pl.col("signature") == VICTIM

pytestmark = pytest.mark.usefixtures("telling")


@pytest.fixture
def frames() -> Frames:
    return decode_frame(raw_frame(ROWS))[0]


def set_at(frame: pl.DataFrame, where: pl.Expr, **values: object) -> pl.DataFrame:
    """The frame with other values in the rows of `where`; there is such a row."""
    assert frame.filter(where).height
    return frame.with_columns(
        pl.when(where).then(pl.lit(value, dtype=frame.schema[name])).otherwise(name).alias(name)
        for name, value in values.items()
    )


def test_a_true_day_has_trades_and_passes(frames: Frames) -> None:
    swaps, trades = frames["swaps"], sum(not row.is_failed for row in ROWS)
    assert legs_have_routes(swaps) == (True, f"{3 * trades} legs of {2 * trades} routes")
    assert routes_are_actions(swaps, frames["actions"]) == (True, f"{2 * trades} routes, {2 * trades} swap actions")
    assert fees_have_swaps(frames["fee_parts"], swaps) == (True, f"{13 * trades} parts of fees")
    assert amounts_are_positive(swaps) == (True, f"{5 * trades} swaps")
    assert trades_are_legs(frames["market_events"], swaps) == (True, f"{3 * trades} trades, {3 * trades} legs")


def test_days_without_a_trade_pass(frames: Frames) -> None:
    none = {name: frame.clear() for name, frame in frames.items()}
    assert legs_have_routes(none["swaps"]) == (True, "0 legs of 0 routes")
    assert routes_are_actions(none["swaps"], none["actions"])[0]
    assert fees_have_swaps(none["fee_parts"], none["swaps"])[0]
    assert trades_are_legs(none["market_events"], none["swaps"]) == (True, "0 trades, 0 legs")


@pytest.mark.parametrize(
    "values",
    [
        {"base_raw": Decimal(1)},
        {"quote_raw": Decimal(1)},
        {"is_buy": False},
        {"mint": address("another coin")},
        {"log_idx": 77},
        {"pool": address("another pool")},
    ],
    ids=str,
)
def test_a_trade_that_is_no_leg_is_named(frames: Frames, values: dict[str, object]) -> None:
    trade = AT_VICTIM & (pl.col("kind") == "trade") & (pl.col("ordinal") == 0) & pl.col("is_buy")
    broken = set_at(frames["market_events"], trade, **values)
    has_passed, detail = trades_are_legs(broken, frames["swaps"])
    assert not has_passed
    assert VICTIM in detail


def test_a_leg_that_is_no_trade_is_named(frames: Frames) -> None:
    trade = AT_VICTIM & (pl.col("kind") == "trade") & (pl.col("ordinal") == 1)
    has_passed, detail = trades_are_legs(frames["market_events"].filter(~trade), frames["swaps"])
    assert not has_passed
    assert VICTIM in detail


@pytest.mark.parametrize(
    "values", [{"route_path": "77"}, {"route_ordinal": 9}, {"signature": "another transaction's"}], ids=str
)
def test_a_leg_without_its_route_is_named(frames: Frames, values: dict[str, object]) -> None:
    leg = AT_VICTIM & ~pl.col("is_route") & (pl.col("ordinal") == 1)
    broken = set_at(frames["swaps"], leg, **values)
    has_passed, detail = legs_have_routes(broken)
    assert not has_passed
    assert detail.startswith("1 of ")
    assert str(values.get("signature", VICTIM)) in detail


def test_a_route_that_names_another_is_named(frames: Frames) -> None:
    broken = set_at(frames["swaps"], AT_VICTIM & pl.col("is_route") & (pl.col("ordinal") == 1), route_ordinal=0)
    has_passed, detail = legs_have_routes(broken)
    assert not has_passed
    assert VICTIM in detail


def test_a_route_taken_out_leaves_its_legs_and_action_alone(frames: Frames) -> None:
    without = frames["swaps"].filter(~(AT_VICTIM & pl.col("is_route") & (pl.col("ordinal") == 0)))
    assert not legs_have_routes(without)[0]
    assert not routes_are_actions(without, frames["actions"])[0]
    has_passed, detail = fees_have_swaps(frames["fee_parts"], without)
    assert (has_passed, detail.startswith("4 of ")) == (False, True)


@pytest.mark.parametrize(
    "values",
    [
        {"wallet": "nobody"},
        {"amount_raw": Decimal(1)},
        {"bought_raw": Decimal(1)},
        {"asset": "lamports"},
        {"bought_asset": ""},
        {"path": "9"},
        {"kind": "transfer"},
    ],
    ids=str,
)
def test_an_action_that_says_another_trade_is_found(frames: Frames, values: dict[str, object]) -> None:
    changed = set_at(frames["actions"], AT_VICTIM & (pl.col("kind") == "swap"), **values)
    has_passed, detail = routes_are_actions(frames["swaps"], changed)
    assert not has_passed
    assert VICTIM in detail


def test_an_action_too_many_is_found(frames: Frames) -> None:
    twice = pl.concat([frames["actions"], frames["actions"].filter(AT_VICTIM & (pl.col("kind") == "swap")).head(1)])
    assert not routes_are_actions(frames["swaps"], twice)[0]


def test_dust_may_be_sold_for_nothing(frames: Frames) -> None:
    leg = AT_VICTIM & ~pl.col("is_route") & (pl.col("ordinal") == 0)
    frames["swaps"] = set_at(frames["swaps"], leg, bought_raw=Decimal(0))
    assert amounts_are_positive(frames["swaps"])[0]


def test_who_trades_nothing_is_named_and_stops_no_day(frames: Frames) -> None:
    leg = AT_VICTIM & ~pl.col("is_route") & (pl.col("ordinal") == 0)
    frames["swaps"] = set_at(frames["swaps"], leg, sold_raw=Decimal(0), bought_raw=Decimal(0))
    trade = AT_VICTIM & (pl.col("kind") == "trade") & (pl.col("ordinal") == 0)
    frames["market_events"] = set_at(frames["market_events"], trade, base_raw=Decimal(0), quote_raw=Decimal(0))
    (check,) = [
        check for check in check_decoded(ROWS[0].day, frames, decode_frame(raw_frame(ROWS))[1]) if not check.has_passed
    ]
    assert (check.name, check.is_blocking) == ("amounts_are_positive", False)
    assert check.detail.startswith("1 of ")
    assert VICTIM in check.detail


@pytest.mark.parametrize(
    ("name", "dataset", "values"),
    [
        ("legs_have_routes", "swaps", {"route_path": "77"}),
        ("routes_are_actions", "actions", {"wallet": address("nobody")}),
        ("fees_have_swaps", "fee_parts", {"path": "77"}),
        ("trades_are_legs", "market_events", {"pool": address("another pool")}),
    ],
)
def test_what_does_not_fit_together_blocks(frames: Frames, name: str, dataset: str, values: dict[str, object]) -> None:
    victims = {
        "swaps": ~pl.col("is_route"),
        "actions": pl.col("kind") == "swap",
        "fee_parts": pl.lit(value=True),
        "market_events": pl.col("kind") == "trade",
    }
    frames[dataset] = set_at(frames[dataset], AT_VICTIM & victims[dataset], **values)
    tally = decode_frame(raw_frame(ROWS))[1]
    failed = [check for check in check_decoded(ROWS[0].day, frames, tally) if not check.has_passed]
    assert [(check.name, check.is_blocking) for check in failed] == [(name, True)]
