"""Which transfers to and from a program's account are put aside there, and which are sold, bought or given."""

from told_transactions import COIN, OTHER, SOL, address, lines_of, paid_fee, route, sent, told

from oof_pipelines.chain.moves import LAMPORTS_ASSET, Move
from oof_pipelines.decode.facts import OrderFill

_A_DEPOSIT_LAMPORTS = 4_000_000
_A_TRADE_LAMPORTS = 50_000_000


def lamports(path: str, giver: str, taker: str, amount: int) -> list[Move]:
    ends = ((giver, -amount), (taker, amount))
    return [Move(path, address(who), address(who), LAMPORTS_ASSET, raw, "transfer") for who, raw in ends]


def test_tokens_alone_that_go_to_a_programs_account_are_kept_there() -> None:
    put_aside = told(
        sent("1.0", "anna", "x-pool", COIN, 100),
        lamports("1.1", "anna", "x-pool", _A_DEPOSIT_LAMPORTS),
        paid_fee("anna", 5),
    )

    assert lines_of(put_aside) == [
        "anna 0@1.0 send 100 Coin with x-pool, who keeps it",
        "anna 1@fee cost 0 SOL costs 5 0 0",
    ]


def test_they_come_back_by_the_same_rule_also_paid_for_by_another() -> None:
    back = told(sent("2", "x-pool", "anna", COIN, 60), paid_fee("payer", 5))

    assert "anna 0@2 receive 60 Coin with x-pool, who keeps it" in lines_of(back)


def test_between_people_nothing_is_kept() -> None:
    assert lines_of(told(sent("1", "anna", "bert", COIN, 9))) == [
        "anna 0@1 send 9 Coin with bert",
        "bert 0@1 receive 9 Coin with anna",
    ]


def test_who_got_something_for_it_has_not_put_it_aside() -> None:
    for_sol = told(sent("1.0", "anna", "x-pool", COIN, 9), lamports("1.1", "x-pool", "anna", _A_TRADE_LAMPORTS))
    for_sol_and_a_fee = told(
        sent("1.0", "anna", "x-pool", COIN, 9),
        lamports("1.1", "x-pool", "anna", _A_TRADE_LAMPORTS),
        paid_fee("anna", 7),
    )
    for_a_token = told(sent("1.0", "anna", "x-pool", COIN, 9), sent("1.1", "x-pool", "anna", OTHER, 4))

    for decoded in (for_sol, for_sol_and_a_fee, for_a_token):
        assert not any("keeps" in line for line in lines_of(decoded))


def test_an_order_is_filled_with_what_was_kept_for_its_maker_and_not_with_the_keepers() -> None:
    fill = OrderFill("2", "program", "venue", "order", address("anna"), address("bert"), COIN, 100, SOL, 5)
    filled = told(
        sent("1", "x-pool", "bert", COIN, 100),
        sent("2", "bert", "y-pool", COIN, 100),
        lamports("3", "y-pool", "anna", _A_TRADE_LAMPORTS),
        routes=(route("anna", (100, COIN), (_A_TRADE_LAMPORTS, SOL), path="2", pools=("x-pool", "y-pool")),),
        facts=(fill,),
    )

    lines = lines_of(filled)
    assert "anna 0@2 receive 100 Coin with x-pool, who keeps it" in lines
    assert not any(line.startswith("bert") and "keeps" in line for line in lines)
