"""From routes and moves to lots: both sides of a trade, fees on top, order, doubles, and what moves beside the routes."""

import pytest

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.positions.journal import Holdings, JournalEntry, Trade, TradeFee, in_order, path_numbers

ANNA, BERT = "Anna", "Bert"


def entry(slot: int, *trades: Trade, signature: str = "", tx_index: int | None = 0, **changes: int) -> JournalEntry:
    """`changes` are COIN=units of Anna."""
    moved = {(ANNA, mint): units for mint, units in changes.items()} if changes else None
    return JournalEntry(signature or f"sig{slot}", slot, tx_index, trades, moved)


def trade(path: str, sold: str, bought: str, recipient: str = "", fees: tuple[TradeFee, ...] = ()) -> Trade:
    """`sold` and `bought` are '10 COIN'."""
    (sold_raw, sold_mint), (bought_raw, bought_mint) = sold.split(), bought.split()
    mint = {"SOL": NATIVE_MINT}
    return Trade(
        path,
        ANNA,
        mint.get(sold_mint, sold_mint),
        int(sold_raw),
        mint.get(bought_mint, bought_mint),
        int(bought_raw),
        recipient,
        fees,
    )


def book(*entries: JournalEntry) -> dict[str, list[str]]:
    """'Wallet MINT' → its lines: sales, then what is held."""
    holdings = Holdings()
    for one in in_order(entries):
        holdings.apply(one)
    lines: dict[str, list[str]] = {}
    for (wallet, mint), realized in sorted(holdings.realized.items()):
        rows = [f"sold {row.qty_raw} for {row.proceeds_raw}, cost {row.cost_raw}" for row in realized]
        held = holdings.open_lots((wallet, mint))
        rows += [f"holds {lot.qty_remaining_raw}, cost {lot.cost_remaining_raw}" for lot in held]
        lines[f"{wallet} {mint}"] = rows
    return lines


def test_sol_is_money_and_has_no_lots() -> None:
    assert book(entry(1, trade("0", "100 SOL", "10 COIN")), entry(2, trade("0", "4 COIN", "60 SOL"))) == {
        "Anna COIN": ["sold 4 for 60, cost 40", "holds 6, cost 60"]
    }


def test_a_swap_of_tokens_sells_one_and_buys_the_other() -> None:
    assert book(entry(1, trade("0", "100 SOL", "10 COIN")), entry(2, trade("0", "10 COIN", "7 OTHER"))) == {
        "Anna COIN": ["sold 10 for 7, cost 100"],
        "Anna OTHER": ["holds 7, cost 10"],
    }


def test_fees_on_top_are_cost_and_come_off_proceeds() -> None:
    on_top = TradeFee(NATIVE_MINT, 3, "on_top")
    inside, other = TradeFee(NATIVE_MINT, 50, "inside"), TradeFee("COIN", 0, "on_top")
    assert book(
        entry(1, trade("0", "100 SOL", "10 COIN", fees=(on_top, inside, other))),
        entry(2, trade("0", "10 COIN", "90 SOL", fees=(on_top,))),
    ) == {"Anna COIN": ["sold 10 for 87, cost 103"]}


def test_paths_are_ordered_as_numbers() -> None:
    assert path_numbers("3.10") > path_numbers("3.9")
    first, second = trade("2", "100 SOL", "10 COIN"), trade("10", "10 COIN", "120 SOL")
    assert book(entry(1, second, first)) == {"Anna COIN": ["sold 10 for 120, cost 100"]}


def test_lines_are_put_in_the_order_of_the_chain() -> None:
    buy, sell = trade("0", "100 SOL", "10 COIN"), trade("0", "10 COIN", "120 SOL")
    expected = {"Anna COIN": ["sold 10 for 120, cost 100"]}
    assert book(entry(9, sell), entry(8, buy)) == expected
    late = entry(8, sell, signature="a", tx_index=11)
    assert book(late, entry(8, buy, signature="b", tx_index=2)) == expected
    unknown = entry(8, sell, signature="a", tx_index=None)
    assert book(unknown, entry(8, buy, signature="b", tx_index=2)) == expected


def test_a_trade_is_read_once_a_signature_and_path() -> None:
    buy = trade("0", "100 SOL", "10 COIN")
    assert book(entry(1, buy, buy), entry(1, buy)) == {"Anna COIN": ["holds 10, cost 100"]}


def test_what_was_bought_for_another_is_his_at_no_known_cost() -> None:
    assert book(entry(1, trade("0", "100 SOL", "10 COIN", recipient=BERT))) == {"Bert COIN": ["holds 10, cost None"]}


def test_moves_beside_the_routes_come_in_unpaid_or_go_out() -> None:
    assert book(entry(1, COIN=5), entry(2, trade("0", "100 SOL", "10 COIN"), COIN=10), entry(3, COIN=-7)) == {
        "Anna COIN": ["holds 8, cost 80"]
    }
    # What arrives and is sold within one transaction is there when it is sold.
    assert book(entry(1, trade("0", "5 COIN", "50 SOL"), COIN=-2)) == {"Anna COIN": ["sold 5 for 50, cost None"]}


def test_a_circle_gains_for_nothing_and_loses_for_nothing() -> None:
    assert book(entry(1, trade("0", "10 COIN", "12 COIN"))) == {"Anna COIN": ["holds 2, cost 0"]}
    assert book(entry(1, trade("0", "100 SOL", "10 COIN")), entry(2, trade("0", "10 COIN", "9 COIN"))) == {
        "Anna COIN": ["sold 1 for 0, cost 10", "holds 9, cost 90"]
    }
    assert book(entry(1, trade("0", "10 SOL", "12 SOL"))) == {}


@pytest.mark.parametrize("path", ["fee", "", "1_0", " 1", "+3", "-1", "\u0661", "\u00b2", "1."])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        path_numbers(path)


def test_routes_alone_have_each_its_own_place_and_with_moves_all_the_first() -> None:
    buy, sell = trade("2", "100 SOL", "10 COIN"), trade("6", "10 COIN", "120 SOL")
    between = entry(1, trade("5", "10 COIN", "90 SOL"), signature="a", tx_index=None)
    assert [one.signature for one in in_order([entry(1, buy, sell, tx_index=None), between])] == ["sig1", "a", "sig1"]
    together = entry(1, buy, sell, tx_index=None, COIN=0)
    assert [one.signature for one in in_order([between, together])] == ["sig1", "a"]


def test_what_no_route_belongs_to_comes_first_in_its_place() -> None:
    sell = entry(1, trade("0", "10 COIN", "120 SOL"), signature="a", tx_index=None)
    came = entry(1, signature="b", tx_index=None, COIN=10)
    assert book(sell, came) == {"Anna COIN": ["sold 10 for 120, cost None"]}
    assert [one.signature for one in in_order([sell, came])] == ["b", "a"]


def test_what_is_over_is_forgotten_while_lines_are_booked() -> None:
    holdings = Holdings()
    for slot in range(0, 24_000, 2):
        holdings.apply(entry(slot, trade("0", "3 SOL", "1 COIN")))
        holdings.apply(entry(slot + 1, trade("0", "1 COIN", "4 SOL")))
    assert len(holdings.realized[ANNA, "COIN"]) == 12_000
    assert len(holdings.book.lots()) < 3_000
    assert holdings.open_lots((ANNA, "COIN")) == []
