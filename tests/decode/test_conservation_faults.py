"""Conservation faults: no change of any book goes unseen, and a true book has none."""

import pytest
from crafted_bodies import FEE_LAMPORTS, Crafted, address, largest_amounts, token_transfer
from decoded_home import synthetic_rows
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.chain.moves import LAMPORTS_ASSET, Move
from oof_pipelines.chain.replaced import replaced as replace
from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction
from oof_pipelines.decode.book import book_transaction
from oof_pipelines.decode.conservation import conservation_faults
from oof_pipelines.decode.decoded import Decoded

PAYER, GIVER, TAKER, OWNER, MINT = (address(name) for name in ("payer", "giver", "taker", "owner", "mint"))


def books() -> list[Decoded]:
    return [row.decoded for row in (*synthetic_rows(), largest_amounts().stored()) if row.decoded is not None]


def transfer(**changes: object) -> ParsedTransaction:
    """A payer's fee and a transfer of 700 units from giver to taker."""
    values: dict[str, object] = {
        "lamports": {PAYER: (10_000, 10_000 - FEE_LAMPORTS)},
        "tokens": {GIVER: (MINT, OWNER, 1_000, 300), TAKER: (MINT, PAYER, 0, 700)},
        "instructions": [token_transfer(GIVER, TAKER, OWNER, 700)],
    }
    return parse_transaction(Crafted("transfer", **(values | changes)).body())  # type: ignore[arg-type]


def test_true_books_have_no_fault() -> None:
    found = books()
    assert len(found) == 61, "every one decodes"
    assert sum(len(one.moves) for one in found) > 300
    for one in found:
        assert conservation_faults(one.transaction, one.moves) == []


@given(data=st.data())
def test_a_move_that_is_dropped_is_missed(data: st.DataObject) -> None:
    one = data.draw(st.sampled_from([book for book in books() if book.moves]))
    position = data.draw(st.integers(0, len(one.moves) - 1))
    gone = one.moves[position]
    faults = conservation_faults(one.transaction, one.moves[:position] + one.moves[position + 1 :])
    assert f"entry {gone.path} is off by {-gone.delta_raw} of {gone.asset}" in faults
    assert (f"{gone.account} is off by {-gone.delta_raw} of {gone.asset}" in faults) == (not gone.is_virtual)


@given(data=st.data())
def test_a_changed_amount_account_or_asset_is_seen(data: st.DataObject) -> None:
    one = data.draw(st.sampled_from([book for book in books() if any(not move.is_virtual for move in book.moves)]))
    position = data.draw(st.sampled_from([n for n, move in enumerate(one.moves) if not move.is_virtual]))
    move = one.moves[position]
    change = data.draw(
        st.one_of(
            st.integers(-(2**64), 2**64).filter(bool).map(lambda off: {"delta_raw": move.delta_raw + off}),
            st.just({"account": address("a stranger")}),
            st.just({"asset": address("another mint")}),
            st.just({"is_virtual": True}),
        )
    )
    changed = [*one.moves[:position], replace(move, **change), *one.moves[position + 1 :]]  # type: ignore[arg-type]
    assert conservation_faults(one.transaction, changed)


def test_an_entry_left_out_whole_balances_itself_and_is_still_missed() -> None:
    transaction = transfer()
    moves = [move for move in book_transaction(transaction).moves if move.path != "0"]
    assert sorted(conservation_faults(transaction, moves)) == sorted(
        [f"{GIVER} is off by 700 of {MINT}", f"{TAKER} is off by -700 of {MINT}"]
    )


def test_an_invented_entry_that_sums_to_zero_is_seen() -> None:
    transaction = transfer()
    invented = [Move("0", PAYER, PAYER, MINT, 5, "transfer"), Move("0", TAKER, PAYER, MINT, -5, "transfer")]
    faults = conservation_faults(transaction, [*book_transaction(transaction).moves, *invented])
    assert sorted(faults) == sorted([f"{PAYER} is off by 5 of {MINT}", f"{TAKER} is off by -5 of {MINT}"])


def test_without_any_token_balance_only_lamports_are_held_against_the_books() -> None:
    transaction = transfer()
    transaction.pre_tokens, transaction.post_tokens = [], []
    moves = [
        *book_transaction(transfer()).moves,
        Move("0", GIVER, OWNER, MINT, -1, "transfer"),
        Move("0", TAKER, PAYER, MINT, 1, "transfer"),
    ]
    assert conservation_faults(transaction, moves) == []
    assert conservation_faults(transaction, moves[:-1]) == [f"entry 0 is off by -1 of {MINT}"], "entries still sum to 0"
    transaction.post_lamports[0] -= 1
    assert conservation_faults(transaction, moves) == [f"{PAYER} is off by 1 of {LAMPORTS_ASSET}"]


def test_a_balance_of_an_account_beyond_a_shortened_list_is_nobodys() -> None:
    transaction = transfer()
    moves = book_transaction(transaction).moves
    for balance in (*transaction.pre_tokens, *transaction.post_tokens):
        balance.account = ""
    assert sorted(conservation_faults(transaction, moves)) == sorted(
        [f"{GIVER} is off by -700 of {MINT}", f"{TAKER} is off by 700 of {MINT}"]
    )


@pytest.mark.parametrize("error", [{"InstructionError": [0, {"Custom": 1}]}, "AccountInUse"])
def test_a_failed_transaction_that_moves_more_than_its_fee_is_seen(error: object) -> None:
    unmoved = {GIVER: (MINT, OWNER, 1_000, 1_000), TAKER: (MINT, PAYER, 0, 0)}
    transaction = transfer(error=error, tokens=unmoved)
    booked = book_transaction(transaction).moves
    assert {move.path for move in booked} == {"fee"}
    assert conservation_faults(transaction, booked) == []
    as_if_it_succeeded = book_transaction(transfer()).moves
    assert len(conservation_faults(transaction, as_if_it_succeeded)) >= 2
