"""A staked balance reads like a ledger: put in, taken out, rewards from elsewhere."""

from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.positions.stakes import StakeMove, staked_raw


def moved(*rows: tuple[str, str, int]) -> int:
    return staked_raw(StakeMove(kind, counterparty, qty_raw) for kind, counterparty, qty_raw in rows)


def test_put_in_and_partly_taken_out() -> None:
    assert moved(("send", "vault", 100), ("send", "vault", 50), ("receive", "vault", 30)) == 120


def test_rewards_from_an_account_of_their_own_take_nothing_off() -> None:
    assert moved(("send", "vault", 100), ("receive", "rewards", 7)) == 100


def test_more_taken_out_than_put_in_is_nothing_and_no_debt() -> None:
    assert moved(("send", "vault", 100), ("receive", "vault", 107), ("send", "vault", 10)) == 10


def test_other_kinds_do_not_count() -> None:
    assert moved(("buy", "vault", 100), ("send", "vault", 1)) == 1


@given(st.lists(st.tuples(st.sampled_from(["send", "receive"]), st.sampled_from("ab"), st.integers(0, 10**12))))
def test_never_negative_and_never_more_than_was_put_in(rows: list[tuple[str, str, int]]) -> None:
    assert 0 <= moved(*rows) <= sum(qty_raw for kind, _, qty_raw in rows if kind == "send")
