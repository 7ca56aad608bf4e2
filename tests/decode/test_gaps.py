"""Gaps: a whole chain has none, a lost transaction shows in every account it changed, an unknown order says nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_bodies import Recorded

from oof_pipelines.chain.replaced import replaced as replace
from oof_pipelines.chain.transaction import ParsedTransaction, TokenBalance, parse_transaction
from oof_pipelines.decode.gaps import Gap, find_gaps
from oof_pipelines.testing.synthetic_chain import generate

CHAIN = [parse_transaction(transaction.to_json_bytes("base64")) for transaction in generate(9, 150)]


def seen(
    signature: str,
    slot: int | None,
    lamports: dict[str, tuple[int, int]],
    tokens: dict[str, tuple[str, int | None, int | None]] | None = None,
    tx_index: int | None = None,
) -> ParsedTransaction:
    """A transaction by the balances it reports: account → before and after; of tokens with their mint, None for none."""

    def side(which: int) -> list[TokenBalance]:
        found = []
        for account, row in (tokens or {}).items():
            amount_raw = row[which]
            if isinstance(amount_raw, int):
                found.append(TokenBalance(account, row[0], "owner", amount_raw, 6, None))
        return found

    keys = list(dict.fromkeys([*lamports, *(tokens or {})]))
    before, after = ([lamports.get(key, (1, 1))[which] for key in keys] for which in (0, 1))
    return ParsedTransaction(
        signature, slot, None, tx_index, "0", None, 0, 1, keys, [], before, after, side(1), side(2), [], None
    )


def test_a_balance_that_went_on_elsewhere_is_a_gap() -> None:
    first, second = seen("s1", 10, {"a": (5, 7)}), seen("s2", 12, {"a": (9, 3)})
    assert list(find_gaps([first, second])) == [Gap("a", "lamports", "s1", 10, 7, "s2", 12, 9)]
    assert list(find_gaps([first, seen("s2", 12, {"a": (7, 3)})])) == []


def test_token_balances_break_by_mint() -> None:
    first = seen("s1", 1, {}, {"box": ("usdc", 0, 50)})
    assert list(find_gaps([first, seen("s2", 2, {}, {"box": ("usdc", 40, 40)})])) == [
        Gap("box", "usdc", "s1", 1, 50, "s2", 2, 40)
    ]
    assert list(find_gaps([first, seen("s2", 2, {}, {"box": ("meme", 3, 3)})])) == [
        Gap("box", "usdc", "s1", 1, 50, "s2", 2, 0),
        Gap("box", "meme", "s1", 1, 0, "s2", 2, 3),
    ]


def test_a_closed_token_account_that_holds_something_again() -> None:
    closed = seen("s1", 1, {}, {"box": ("usdc", 0, None), "other": ("usdc", 1, 1)})
    again = seen("s2", 2, {}, {"box": ("usdc", 9, 9), "other": ("usdc", 1, 1)})
    assert list(find_gaps([closed, again])) == [Gap("box", "usdc", "s1", 1, 0, "s2", 2, 9)]


def test_a_transaction_without_token_balances_says_nothing_of_them() -> None:
    held = {"box": ("usdc", 50, 50)}
    chain = [seen("s1", 1, {}, held), seen("s2", 2, {"box": (1, 1)}), seen("s3", 3, {}, held)]
    assert list(find_gaps(chain)) == []


def test_one_slot_without_an_order_says_nothing_until_the_account_is_seen_again() -> None:
    chain = [
        seen("s1", 1, {"a": (0, 5), "b": (1, 1)}),
        seen("s2", 2, {"a": (9, 5)}),
        seen("s3", 2, {"a": (5, 9), "b": (2, 2)}),
        seen("s4", 3, {"a": (77, 78)}),
        seen("s5", 4, {"a": (79, 80)}),
    ]
    assert list(find_gaps(chain)) == [
        Gap("b", "lamports", "s1", 1, 1, "s3", 2, 2),
        Gap("a", "lamports", "s4", 3, 78, "s5", 4, 79),
    ]


def test_one_slot_with_an_order_is_followed() -> None:
    chain = [seen("s1", 2, {"a": (5, 9)}, tx_index=3), seen("s2", 2, {"a": (8, 5)}, tx_index=7)]
    assert list(find_gaps(chain)) == [Gap("a", "lamports", "s1", 2, 9, "s2", 2, 8)]


def test_twice_the_same_or_without_a_slot_is_passed_over() -> None:
    one = seen("s1", 2, {"a": (5, 9)})
    assert list(find_gaps([one, one, seen("s9", None, {"a": (1, 1)}), seen("s2", 3, {"a": (9, 9)})])) == []


def test_a_broken_order_is_refused() -> None:
    with pytest.raises(ValueError, match="slot 4 comes after slot 5"):
        list(find_gaps([seen("s1", 5, {}), seen("s2", 4, {})]))
    with pytest.raises(ValueError, match="slot 4: transactions are not in the order of their index"):
        list(find_gaps([seen("s1", 4, {}, tx_index=2), seen("s2", 4, {}, tx_index=1)]))


def test_a_whole_chain_has_no_gap() -> None:
    assert list(find_gaps(CHAIN)) == []
    assert list(find_gaps([replace(one, tx_index=None) for one in CHAIN])) == []


@given(lost=st.integers(0, len(CHAIN) - 1))
@settings(max_examples=60, deadline=None)
def test_a_lost_transaction_shows_in_every_account_it_changed_that_is_seen_around_it(lost: int) -> None:
    gone = CHAIN[lost]
    gaps = list(find_gaps(CHAIN[:lost] + CHAIN[lost + 1 :]))
    changes = zip(gone.keys, gone.pre_lamports, gone.post_lamports, strict=True)
    expected = {
        account
        for account, before, after in changes
        if before != after
        and any(account in one.keys for one in CHAIN[:lost])
        and any(account in one.keys for one in CHAIN[lost + 1 :])
    }
    assert {gap.account for gap in gaps if gap.asset == "lamports"} == expected
    for gap in gaps:
        if gap.asset == "lamports":
            index = gone.keys.index(gap.account)
            assert (gap.post_raw, gap.pre_raw) == (gone.pre_lamports[index], gone.post_lamports[index])


def test_the_recorded_block_is_whole(recorded: list[Recorded]) -> None:
    """602 transactions in their order: what one leaves, the next finds, in every account and asset."""
    block = [parse_transaction(one.body) for one in recorded if "254170887" in one.file]
    assert [one.tx_index for one in block] == list(range(602))
    assert list(find_gaps(block)) == []
    assert len(list(find_gaps(block[::2]))) > 50
