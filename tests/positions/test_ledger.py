"""The engine as an accountant reads it: what there was before, what happened, what was booked, what there is after."""

import msgspec
import pytest
from positions.position_ledger import RULES, Ledger, table

CASES = {
    "partial sells use the oldest lot first, and its parts add up": (
        "10 for 100 SOL $50\n 10 for 300 SOL $90",
        "sell 3 for 60 SOL $30\n sell 3 for 61 SOL $31\n sell 6 for 90 SOL $45",
        """
        sell 3 for 60 SOL $30, cost 30 SOL $15, profit $15
        sell 3 for 61 SOL $31, cost 30 SOL $15, profit $16
        sell 6 for 90 SOL $45, cost 100 SOL $38, profit $7
        """,
        "8 for 240 SOL $72",
    ),
    "a unit that does not divide is not lost": (
        "3 for 100 SOL $1",
        "sell 1 for 7 SOL $1\n sell 1 for 7 SOL $1",
        """
        sell 1 for 7 SOL $1, cost 33 SOL $0.333333333333333333, profit $0.666666666666666667
        sell 1 for 7 SOL $1, cost 33 SOL $0.333333333333333333, profit $0.666666666666666667
        """,
        "1 for 34 SOL $0.333333333333333334",
    ),
    "lots paid in different mints split a sale, in their order": (
        "4 for 40 SOL $20\n 4 for 9 USDC $9\n 4 for 44 SOL $22",
        "sell 12 for 100 SOL $50",
        """
        sell 8 for 67 SOL $33.333333333333333333, cost 84 SOL $42, profit -$8.666666666666666667
        sell 4 for 33 SOL $16.666666666666666667, cost 9 USDC $9, profit $7.666666666666666667
        """,
        "",
    ),
    "what is sold without a lot is told apart": (
        "6 for 60 SOL $30",
        "sell 10 for 100 SOL $50",
        "sell 6 for 60 SOL $30, cost 60 SOL $30, profit $0\n sell 4 for 40 SOL $20, cost ?",
        "",
    ),
    "an airdrop has no cost, so its sale has no profit": (
        "5 for ?\n 5 for 50 SOL $25",
        "sell 7 for 70 SOL $35",
        "sell 5 for 50 SOL $25, cost ?\n sell 2 for 20 SOL $10, cost 20 SOL $10, profit $0",
        "3 for 30 SOL $15",
    ),
    "what is sent within the owner set stays in its lot, whoever sells it": (
        "10 for 100 SOL $50",
        "send 8 to Bert + Bert: receive 8 from Anna\n Bert: sell 8 for 160 SOL $80",
        "sell 8 for 160 SOL $80, cost 80 SOL $40, profit $40",
        "2 for 20 SOL $10",
    ),
    "a transfer that withholds a fee loses what was withheld, with its basis": (
        "10 for 100 SOL $50",
        "send 8 to Bert + Bert: receive 7 from Anna\n Bert: sell 9 for 160 SOL $80",
        "sell 9 for 160 SOL $80, cost 90 SOL $45, profit $35",
        "",
    ),
    "an exchange realises at the value of the moment": (
        "10 for 100 SOL $50",
        "send 4 to Exchange $60",
        "exchange_transfer 4 $60, cost 40 SOL $20, profit $40",
        "6 for 60 SOL $30",
    ),
    "without a value an exchange realises for nobody knows what": (
        "10 for 100 SOL $50",
        "send 4 to Exchange",
        "exchange_transfer 4, cost 40 SOL $20",
        "6 for 60 SOL $30",
    ),
    "what comes from an exchange has its value as basis": (
        "",
        "receive 4 from Exchange $60\n sell 3 for 90 SOL $50",
        "sell 3 for 90 SOL $50, cost market $45, profit $5",
        "1 at $15",
    ),
    "a transfer to a stranger is no sale": (
        "10 for 100 SOL $50",
        "send 4 to Carl $99\n sell 6 for 90 SOL $45",
        "sell 6 for 90 SOL $45, cost 60 SOL $30, profit $15",
        "",
    ),
    "a burn realises at nothing": (
        "10 for 100 SOL $50",
        "burn 4",
        "burn 4 $0, cost 40 SOL $20, profit -$20",
        "6 for 60 SOL $30",
    ),
    "a claim is income at its value": (
        "",
        "claim 10 $20\n claim 5\n sell 12 for 12 SOL $48",
        "sell 10 for 10 SOL $40, cost market $20, profit $20\n sell 2 for 2 SOL $8, cost ?",
        "3 for ?",
    ),
    "liquidity is no sale: it comes back as it was, the oldest first": (
        "10 for 100 SOL $50\n 10 for 300 SOL $90",
        "add 12 to Pool\n sell 2 for 99 SOL $33\n remove 5 from Pool\n sell 6 for 66 SOL $66",
        """
        sell 2 for 99 SOL $33, cost 60 SOL $18, profit $15
        sell 6 for 66 SOL $66, cost 80 SOL $34, profit $32
        """,
        "0 for 0 SOL $0, 5 in pools\n 5 for 150 SOL $45, 2 in pools",
    ),
    "a pool that gives back more gives it at its value": (
        "10 for 100 SOL $50",
        "add 10 to Pool\n remove 15 from Pool $30\n sell 15 for 150 SOL $150",
        "sell 10 for 100 SOL $100, cost 100 SOL $50, profit $50\n sell 5 for 50 SOL $50, cost market $10, profit $40",
        "",
    ),
    "what goes into a pool without a lot is of unknown basis when it comes back": (
        "4 for 40 SOL $20",
        "add 6 to Pool\n remove 6 from Pool $99\n sell 6 for 60 SOL $30",
        "sell 4 for 40 SOL $20, cost 40 SOL $20, profit $0\n sell 2 for 20 SOL $10, cost ?",
        "",
    ),
    "an order keeps what it sells: filled in two parts, the rest cancelled": (
        "10 for 100 SOL $50\n 10 for 300 SOL $90",
        """
        send 12 to Order*
        receive 4 from Order* + sell 4 for 60 SOL $30
        receive 6 from Order* + sell 6 for 90 SOL $45
        receive 2 from Order*
        """,
        """
        sell 4 for 60 SOL $30, cost 40 SOL $20, profit $10
        sell 6 for 90 SOL $45, cost 60 SOL $30, profit $15
        """,
        "10 for 300 SOL $90",
    ),
    "an open order's tokens are still there, with what they cost": (
        "10 for 100 SOL $50",
        "send 8 to Order*\n receive 3 from Order* + sell 5 for 50 SOL $30",
        "sell 5 for 50 SOL $30, cost 50 SOL $25, profit $5",
        "0 for 0 SOL $0, 5 in pools",
    ),
    "a stake comes back as it was, and what it earned has no cost": (
        "10 for 100 SOL $50",
        "send 10 to Vault*\n receive 11 from Vault* $99\n sell 11 for 220 SOL $110",
        "sell 10 for 200 SOL $100, cost 100 SOL $50, profit $50\n sell 1 for 20 SOL $10, cost ?",
        "",
    ),
    "an airdrop from a program's account is an airdrop": (
        "",
        "receive 5 from Drop* $99\n sell 4 for 40 SOL $20",
        "sell 4 for 40 SOL $20, cost ?",
        "1 for ?",
    ),
    "one escrow's tokens do not come back from another": (
        "4 for 40 SOL $20",
        "send 4 to Order*\n receive 4 from Vault*\n sell 4 for 80 SOL $40",
        "sell 4 for 80 SOL $40, cost ?",
        "0 for 0 SOL $0, 4 in pools",
    ),
    "what goes into an escrow without a lot is of unknown basis when it comes back": (
        "4 for 40 SOL $20",
        "send 6 to Order*\n receive 6 from Order* $99\n sell 6 for 60 SOL $30",
        "sell 4 for 40 SOL $20, cost 40 SOL $20, profit $0\n sell 2 for 20 SOL $10, cost ?",
        "",
    ),
    "an escrow serves all of the owner set": (
        "10 for 100 SOL $50",
        "send 10 to Order*\n Bert: receive 10 from Order*\n Bert: sell 10 for 200 SOL $100",
        "sell 10 for 200 SOL $100, cost 100 SOL $50, profit $50",
        "",
    ),
    "an exchange is an exchange, whoever signs for it": (
        "10 for 100 SOL $50",
        "send 4 to Exchange* $60\n receive 4 from Exchange* $60\n sell 10 for 100 SOL $80",
        """
        exchange_transfer 4 $60, cost 40 SOL $20, profit $40
        sell 6 for 60 SOL $48, cost 60 SOL $30, profit $18
        sell 4 for 40 SOL $32, cost market $60, profit -$28
        """,
        "",
    ),
    "a circle gains for nothing and loses for nothing": (
        "10 for 100 SOL $50",
        "buy 2 for 0 Coin\n sell 3 for 0 Coin",
        "sell 3 for 0 Coin $0, cost 30 SOL $15, profit -$15",
        "7 for 70 SOL $35\n 2 for 0 Coin $0",
    ),
    "a token for a token sells one and buys the other": (
        "10 for 100 SOL $50",
        "sell 10 for 7 Other $70 + buy 7 Other for 10 Coin $70\n sell 7 Other for 160 SOL $80",
        "sell 10 for 7 Other $70, cost 100 SOL $50, profit $20\n sell 7 Other for 160 SOL $80, cost 10 Coin $70, profit $10",
        "",
    ),
    "money paid for nothing goes with the next sale": (
        "buy 0 for 8 SOL $4\n 2 for 20 SOL $10",
        "sell 1 for 30 SOL $15",
        "sell 1 for 30 SOL $15, cost 18 SOL $9, profit $6",
        "1 for 10 SOL $5",
    ),
    "a sale of nothing keeps its proceeds": (
        "2 for 20 SOL $10",
        "sell 0 for 5 SOL $2",
        "sell 0 for 5 SOL $2, cost ?",
        "2 for 20 SOL $10",
    ),
    "what nobody knows the price of in tokens has no known basis": (
        "",
        "buy 4 $20\n sell 4 for 40 SOL $30",
        "sell 4 for 40 SOL $30, cost ?",
        "",
    ),
    "one unpriced lot leaves a sale without a cost in dollars": (
        "4 for 40 SOL $20\n 4 for 40 SOL",
        "sell 6 for 60 SOL $30\n sell 2 for 20 SOL $9",
        "sell 6 for 60 SOL $30, cost 60 SOL\n sell 2 for 20 SOL $9, cost 20 SOL",
        "",
    ),
    "without prices there are no dollars, and everything else is the same": (
        "10 for 100 SOL",
        "sell 4 for 60 SOL",
        "sell 4 for 60 SOL, cost 40 SOL",
        "6 for 60 SOL",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_ledger(case: str) -> None:
    before, apply, booked, after = CASES[case]
    ledger = Ledger(before)
    assert ledger.apply(apply) == table(booked)
    assert ledger.after() == table(after)


def test_a_transfer_out_keeps_its_basis_and_waits() -> None:
    ledger = Ledger("10 for 100 SOL $50\n 5 for ?")
    assert ledger.apply("send 12 to Carl $99\n send 3 to Exchange $9") == "exchange_transfer 3 $9, cost ?"
    assert ledger.moved() == table("10 to Carl, cost 100 SOL $50, pending\n 2 to Carl, cost ?, pending")


def test_an_exchange_is_a_stranger_where_the_rules_say_so() -> None:
    ledger = Ledger("10 for 100 SOL $50", msgspec.structs.replace(RULES, is_exchange_transfer_realized=False))
    assert ledger.apply("send 4 to Exchange $60") == ""
    assert ledger.moved() == "4 to Exchange, cost 40 SOL $20, pending"
    assert ledger.after() == "6 for 60 SOL $30"


def test_wallets_outside_the_owner_set_have_lots_of_their_own() -> None:
    ledger = Ledger("10 for 100 SOL $50")
    assert ledger.apply("Carl: sell 4 for 60 SOL $30") == "sell 4 for 60 SOL $30, cost ?"
    assert ledger.after() == "10 for 100 SOL $50"


def test_a_withheld_fee_is_moved_out() -> None:
    ledger = Ledger("10 for 100 SOL $50")
    ledger.apply("send 8 to Bert + Bert: receive 7 from Anna")
    assert ledger.after() == "9 for 90 SOL $45"
    assert ledger.moved() == "1 to Anna, cost 10 SOL $5, pending"


def test_episodes_go_from_nothing_to_nothing_and_are_entered_again() -> None:
    ledger = Ledger()
    ledger.apply("buy 10 for 100 SOL $50\n sell 10 for 160 SOL $80\n buy 4 for 40 SOL $20\n sell 1 for 9 SOL $4")
    assert ledger.episodes() == table(
        """
        1: s1 to s2, 2 trades, basis $50, profit $30, held 0, in pools 0
        2: s3 to now, 2 trades, basis $20, profit -$1, held 3, in pools 0
        """
    )
    assert [str(one.roi_pct) for one in ledger.book.episodes()] == ["0.600000000000000000", "-0.050000000000000000"]


def test_liquidity_keeps_an_episode_open() -> None:
    ledger = Ledger()
    ledger.apply("buy 10 for 100 SOL $50\n add 10 to Pool")
    assert ledger.episodes() == "1: s1 to now, 1 trades, basis $50, profit $0, held 0, in pools 10"
    ledger.apply("remove 10 from Pool\n sell 10 for 160 SOL $80")
    assert ledger.episodes() == "1: s1 to s4, 2 trades, basis $50, profit $30, held 0, in pools 0"


def test_an_escrow_keeps_an_episode_open_and_moves_nothing_out() -> None:
    ledger = Ledger()
    ledger.apply("buy 10 for 100 SOL $50\n send 10 to Order*")
    assert ledger.moved() == ""
    assert ledger.episodes() == "1: s1 to now, 1 trades, basis $50, profit $0, held 0, in pools 10"
    assert [(one.pool, one.qty_raw, one.cost_raw) for one in ledger.book.in_pools()] == [("Order", 10, 100)]
    ledger.apply("receive 10 from Order* + sell 10 for 160 SOL $80")
    assert ledger.episodes() == "1: s1 to s3, 2 trades, basis $50, profit $30, held 0, in pools 0"


def test_an_exchange_that_is_a_stranger_by_the_rules_is_no_escrow() -> None:
    ledger = Ledger("10 for 100 SOL $50", msgspec.structs.replace(RULES, is_exchange_transfer_realized=False))
    ledger.apply("send 4 to Exchange* $60")
    assert ledger.moved() == "4 to Exchange, cost 40 SOL $20, pending"
    assert ledger.book.in_pools() == []


def test_fees_stand_on_the_first_row_of_a_sale_and_are_no_part_of_profit() -> None:
    ledger = Ledger("4 for 40 SOL $20\n 4 for 9 USDC $9")
    (event,) = [ledger.event("sell 8 for 100 SOL $50, fee 5000 $1")]
    first, second = ledger.book.step(event)
    assert (first.network_fee_lamports, first.fees_usd_e18) == (5_000, 10**18)
    assert (second.network_fee_lamports, second.fees_usd_e18) == (0, 0)
    assert first.realized_pnl_usd_e18 == 5 * 10**18
    ledger.apply("cost, fee 7000")
    (episode,) = ledger.book.episodes()
    assert episode.fees_usd_e18 == 10**18
    assert ledger.book.costs.network_fee_lamports == 12_000
    assert (ledger.book.costs.fees_usd_e18, ledger.book.costs.unpriced_fees_lamports) == (10**18, 7_000)


def test_average_cost_stands_beside_first_in_first_out() -> None:
    ledger = Ledger("10 for 100 SOL $50\n 10 for 300 SOL $90")
    (row,) = ledger.book.step(ledger.event("sell 10 for 200 SOL $100"))
    dollars = 10**18
    assert (row.cost_usd_e18, row.average_cost_usd_e18) == (50 * dollars, 70 * dollars)
    assert (row.realized_pnl_usd_e18, row.average_pnl_usd_e18) == (50 * dollars, 30 * dollars)
    (row,) = ledger.book.step(ledger.event("sell 10 for 200 SOL $100"))
    assert (row.cost_usd_e18, row.average_cost_usd_e18) == (90 * dollars, 70 * dollars)
    (episode,) = ledger.book.episodes()
    assert episode.realized_pnl_usd_e18 == episode.average_pnl_usd_e18 == 60 * dollars


def test_an_unknown_kind_is_refused_and_changes_nothing() -> None:
    ledger = Ledger("10 for 100 SOL $50")
    before = ledger.book.snapshot()
    with pytest.raises(ValueError, match="kind: 'swap' is no kind of position event"):
        ledger.book.step(ledger.event("swap 3"))
    assert ledger.book.snapshot() == before
