"""The check between events and moves: a true day passes, and each thing that can be wrong with it is found."""

import polars as pl
import pytest
from crafted_bodies import address
from decoded_home import raw_frame
from told_trades import told_rows

from oof_pipelines.positions.events import COST
from oof_pipelines.workflows.decode_day import Frames, decode_frame
from oof_pipelines.workflows.decoded_checks import check_decoded
from oof_pipelines.workflows.event_checks import events_add_up

ROWS = [row for row in told_rows() if row.day == told_rows()[0].day]

pytestmark = pytest.mark.usefixtures("telling")


@pytest.fixture
def frames() -> Frames:
    return decode_frame(raw_frame(ROWS))[0]


def outcome(frames: Frames, **changed: pl.DataFrame) -> tuple[bool, str]:
    found = {name: changed.get(name, frames[name]) for name in ("position_events", "moves", "participants")}
    return events_add_up(found["position_events"], found["moves"], found["participants"])


def victim(frames: Frames) -> tuple[pl.Expr, str]:
    """The rows of one event that moved something, and what a complaint says of it."""
    row = frames["position_events"].filter((pl.col("kind") != COST) & (pl.col("qty_raw") > 0)).row(0, named=True)
    key = [row[name] for name in ("signature", "wallet", "seq")]
    where = (pl.col("signature") == key[0]) & (pl.col("wallet") == key[1]) & (pl.col("seq") == key[2])
    return where, f"{row['signature']} {row['wallet']} {row['mint']}"


def test_a_true_day_passes_and_it_is_asked(frames: Frames) -> None:
    has_passed, detail = outcome(frames)
    events = frames["position_events"].height
    assert (has_passed, detail.startswith(f"{events} events, ")) == (True, True)
    assert frames["position_events"].filter(pl.col("kind") != COST).height > 0
    checks = {check.name: check for check in check_decoded(ROWS[0].day, frames, decode_frame(raw_frame(ROWS))[1])}
    assert (checks["events_add_up"].has_passed, checks["events_add_up"].is_blocking) == (True, True)


def test_a_day_without_rows_passes(frames: Frames) -> None:
    empty = {name: frame.clear() for name, frame in frames.items()}
    assert outcome(empty) == (True, "0 events, 0 moves of tokens")


@pytest.mark.parametrize("fault", ["lost", "twice", "another amount", "another way", "another mint", "another wallet"])
def test_an_event_that_is_not_what_moved_is_named(frames: Frames, fault: str) -> None:
    events = frames["position_events"]
    where, named = victim(frames)
    changed = {
        "lost": events.filter(~where),
        "twice": pl.concat([events, events.filter(where)]),
        "another amount": events.with_columns(qty_raw=pl.when(where).then(pl.col("qty_raw") + 1).otherwise("qty_raw")),
        "another way": events.with_columns(
            kind=pl.when(where)
            .then(pl.when(pl.col("kind").is_in(["buy", "receive"])).then(pl.lit("send")).otherwise(pl.lit("receive")))
            .otherwise("kind")
        ),
        "another mint": events.with_columns(mint=pl.when(where).then(pl.lit("mint")).otherwise("mint")),
        "another wallet": events.with_columns(wallet=pl.when(where).then(pl.lit(address("w"))).otherwise("wallet")),
    }[fault]
    has_passed, detail = outcome(frames, position_events=changed)
    assert not has_passed
    assert named in detail
    assert "\n" not in detail


def test_a_move_that_no_event_tells_is_found(frames: Frames) -> None:
    moves = frames["moves"].filter(~pl.col("is_virtual") & (pl.col("asset") != "lamports"))
    tokens = moves.filter(pl.col("owner").is_in(frames["position_events"]["wallet"].implode()))
    doubled = pl.concat([frames["moves"], tokens.head(1)])
    assert not outcome(frames, moves=doubled)[0]


def test_a_program_account_may_have_no_event(frames: Frames) -> None:
    # Only one event of its holding, so that something is left of it.
    alone = pl.len().over("signature", "wallet", "mint") == 1
    row = frames["position_events"].filter(alone & (pl.col("qty_raw") > 0)).row(0, named=True)
    is_its = (pl.col("signature") == row["signature"]) & (pl.col("wallet") == row["wallet"])
    roles = pl.when(is_its).then(pl.concat_list("roles", pl.lit("program_account"))).otherwise("roles")
    has_passed, detail = outcome(frames, participants=frames["participants"].with_columns(roles=roles))
    assert not has_passed
    assert row["wallet"] in detail
