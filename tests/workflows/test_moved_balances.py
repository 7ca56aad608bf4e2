"""Balances that do not go on from where they ended tell of transactions that nobody listed."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.storage.parquet.schemas import MOVES
from oof_pipelines.storage.parquet.wallet_moves import MOVE_COLUMNS
from oof_pipelines.workflows.moved_balances import balance_gaps, moved

AT = datetime(2026, 1, 5, tzinfo=UTC)
Step = tuple[str, int, int | None, int]
"""(account, slot, tx_index, delta)."""


def frame(*steps: Step, owner: str = "w", balances: dict[str, int] | None = None) -> pl.DataFrame:
    """Moves of one owner, with the balance after each."""
    after = dict(balances or {})
    rows = []
    for number, (account, slot, tx_index, delta) in enumerate(steps):
        after[account] = after.get(account, 0) + delta
        rows.append(
            (
                f"s{number:03}",
                slot,
                tx_index,
                AT,
                0,
                "0",
                owner,
                account,
                "coin",
                Decimal(delta),
                Decimal(after[account]),
            )
        )
    return pl.DataFrame(rows, schema={name: MOVES.columns[name] for name in MOVE_COLUMNS}, orient="row")


STEPS: tuple[Step, ...] = (("x", 10, 1, 5), ("x", 20, None, -2), ("y", 20, 3, 9), ("x", 30, 1, 4), ("x", 30, 2, -7))


def test_balances_that_go_on_have_no_gap_and_each_missing_transaction_in_between_is_one() -> None:
    whole = frame(*STEPS)
    assert balance_gaps(whole) == {}
    assert balance_gaps(whole.filter(pl.col("slot") != 20)) == {"w": 1}
    # Whatever lies before the first and after the last nobody can tell.
    assert balance_gaps(whole.filter(pl.col("slot") >= 20)) == {}
    assert balance_gaps(whole.clear()) == {}


def test_each_owner_has_his_own() -> None:
    both = pl.concat([frame(*STEPS), frame(*STEPS, owner="other").filter(pl.col("slot") != 20)])
    assert balance_gaps(both) == {"other": 1}


def test_a_slot_of_unknown_order_says_nothing() -> None:
    steps: tuple[Step, ...] = (("x", 10, 1, 5), ("x", 20, 4, -2), ("x", 20, 2, 3), ("x", 30, 1, 1))
    rows = frame(*steps)
    assert balance_gaps(rows) == {"w": 3}
    assert balance_gaps(rows.with_columns(tx_index=pl.when(pl.col("tx_index") != 4).then("tx_index"))) == {}


def test_several_moves_of_a_transaction_are_one_change() -> None:
    rows = frame(("x", 10, 1, 5), ("x", 10, 1, -3), ("x", 20, 1, 4))
    same = rows.with_columns(
        signature=pl.when(pl.col("slot") == 10).then(pl.lit("s0")).otherwise("signature"),
        seq=pl.int_range(pl.len(), dtype=pl.Int32),
    )
    assert balance_gaps(same.reverse()) == {}
    [one] = moved(same.filter(pl.col("slot") == 10)).iter_rows(named=True)
    assert (one["moved_raw"], one["residual_raw"], one["at_s"]) == (8, 0, int(AT.timestamp()))


@given(st.lists(st.tuples(st.sampled_from(["x", "y"]), st.integers(-5, 5).filter(bool)), max_size=12), st.data())
def test_leaving_one_out_is_found_unless_it_is_an_accounts_first_or_last(
    changes: list[tuple[str, int]], data: st.DataObject
) -> None:
    rows = frame(*((account, slot, None, delta) for slot, (account, delta) in enumerate(changes)))
    assert balance_gaps(rows) == {}
    if changes:
        left_out = data.draw(st.integers(0, len(changes) - 1))
        account = changes[left_out][0]
        own = [slot for slot, (other, _) in enumerate(changes) if other == account]
        is_inside = own[0] < left_out < own[-1]
        assert balance_gaps(rows.filter(pl.col("slot") != left_out)) == ({"w": 1} if is_inside else {})
