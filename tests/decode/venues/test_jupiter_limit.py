"""Jupiter limit orders: recorded flash fills of both programs, the rent of orders, and fills nobody recorded."""

import pytest
from crafted_bodies import address
from crafted_calls import PAYER, RICH_LAMPORTS, CraftedTransaction, Made, called, pays, pays_lamports
from recorded_bodies import Recorded
from route_facts import said
from venue_facts import read

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.facts import INSIDE, FeePart, OrderFill
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.program import Program
from oof_pipelines.decode.venues.jupiter_limit import PROGRAMS

FIRST, SECOND = PROGRAMS
COIN = "9gr84rGyLvVasmqXvj65njjUgKyBemKWSJsvijTPmcQz"
PUFF = "HeLp6NuQkmYB4pYWo2zYs22mESHXPQYzXbB8n4V98jwC"
LAST_FILL = "4v28RP4AadGTfSRmYyZyag2erNokm6pyE7Fdct14bkEKSDFusPkxkp2DLSovxuGPnRA6qJdmFFQrJHCouq6RaNrw"
SECOND_FILL = "k2eGRDNqy6mYEXTGp6XT3XvUjh8YEJrn2ozs2bzAXZXJYzpDc9EuVuo2fkQMaHRxyi2DTsKTBTnrYRU9cRh72Mo"
CANCELLED = "FHiJf5rGcfNU6ZdUCwuUt86XX3x8f9D4PZ5jikWjtJFe8y3Pa2kUmCYQLkKuFWNTxYBqK4Y1XH7tJfFMzrqzPd4"
SECOND_CANCELLED = "5W6X8W6eCMYzUZM2mwAX99oRA3qngzhynSVfJ56FcWNKMGGkLa2WWzuBxxwdZbuxfeC4nPdKDXP2voUYD3CXaUHu"

RECORDED = {
    LAST_FILL: OrderFill(
        "7",
        FIRST.program_ids[0],
        "jupiter_limit",
        "3XQkm6SsH1Dors1DTdTBAFxiEQB4AFWJzXNVEkMxDADV",
        "GAgnD5XviS4wN7GpcTBbgvtFAZnT6Lc1ehkbnP3qo1bz",
        "71WDyyCsZwyEYDV91Qrb212rdg6woCHYQhFnmZUBxiJ6",
        USDC_MINT,
        3359117529,
        COIN,
        1491447,
        (FeePart("platform", COIN, 1492, INSIDE, "AtUDWt7G3VtGGMVYDbZJQXMWNGDmohvg7r4RUT3Juiow"),),
    ),
    SECOND_FILL: OrderFill(
        "6",
        SECOND.program_ids[0],
        "jupiter_limit_v2",
        "CTRk9ma9WsJYxSuaErfybotkDZDbba5ygbS4a5sxGydT",
        "4abvSWugzSRhpAk4rpvdSruFAFoNG1D1JTStmzpGt7xA",
        "j1oAbxxiDUWvoHxEDhWE7THLjEkDQW2cSHYn2vttxTF",
        USDC_MINT,
        2390000000,
        PUFF,
        999000000000,
        (FeePart("platform", PUFF, 1000000000, INSIDE, "DtL4JtjXwsJQndqXyd6ytJSmWDLWLESoXc7MkYNRQF9J"),),
    ),
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded_fills(by_signature: dict[str, Recorded], signature: str) -> None:
    assert said(by_signature[signature], PROGRAMS) == [RECORDED[signature]]


def test_a_fill_is_what_left_the_reserve_and_reached_the_maker(recorded: list[Recorded]) -> None:
    found = set()
    for one in recorded:
        if FIRST.program_ids[0].encode() not in one.body and SECOND.program_ids[0].encode() not in one.body:
            continue
        for fill in said(one, PROGRAMS):
            assert isinstance(fill, OrderFill)
            filled = read(one)
            moves = [move for move in filled.booked.moves if not move.is_virtual]
            of_order = [move for move in moves if move.owner == fill.order]
            of_maker = [move for move in moves if move.owner == fill.maker]
            assert sum(move.delta_raw for move in of_order if move.asset == fill.sold_mint) == -fill.sold_raw
            assert sum(move.delta_raw for move in of_maker if move.asset == fill.bought_mint) == fill.bought_raw
            found.add(filled.scene.transaction.signature)
    assert len(found) >= 11


def test_the_second_program_tells_the_amounts_it_filled(by_signature: dict[str, Recorded]) -> None:
    transaction = parse_transaction(by_signature[SECOND_FILL].body)
    told = [found for one in transaction.instructions if (found := SECOND.event_of(one.data)) is not None]
    [(_, trade)] = [one for one in told if one[0].name == "TradeEvent"]
    fill = RECORDED[SECOND_FILL]
    assert (trade["making_amount"], trade["taking_amount"]) == (
        fill.sold_raw,
        fill.bought_raw + fill.fees[0].amount_raw,
    )


@pytest.mark.parametrize(
    ("signature", "order", "maker", "lamports"),
    [
        (LAST_FILL, "3XQkm6", "GAgnD5", 3083280),
        (CANCELLED, "BRe4GA", "FcY2zF", 3083282),
        (SECOND_FILL, "CTRk9m", "4abvSW", 3480000),
        (SECOND_CANCELLED, "8x4VBq", "ACs5SH", 3480000),
    ],
)
def test_rent_of_a_filled_or_cancelled_order_goes_to_its_maker(
    by_signature: dict[str, Recorded], signature: str, order: str, maker: str, lamports: int
) -> None:
    booked = read(by_signature[signature]).booked
    assert not booked.has_residual
    rent = [(move.account[:6], move.delta_raw) for move in booked.moves if move.kind == "rent"]
    assert (order, -lamports) in rent
    assert (maker, lamports) in rent


def test_an_order_filled_in_part_keeps_its_rent(by_signature: dict[str, Recorded]) -> None:
    part = next(one for signature, one in by_signature.items() if signature.startswith("3HdFhHNy"))
    booked = read(part).booked
    order = RECORDED[LAST_FILL].order
    assert not booked.has_residual
    assert not [move for move in booked.moves if move.account == order]


# --- made by hand ---

MAKER, TAKER, ORDER = address("maker"), address("taker"), address("order")
RESERVE, FEES, REFERRAL = address("reserve"), address("fees"), address("referral")
MAKER_OUT, TAKER_IN, TAKER_OUT = address("maker output"), address("taker input"), address("taker output")
SOLD, BOUGHT = address("sold mint"), address("bought mint")


def tokens(bought: str) -> dict[str, tuple[str, str, int]]:
    return {
        RESERVE: (SOLD, ORDER, 1_000),
        TAKER_OUT: (SOLD, TAKER, 0),
        TAKER_IN: (bought, TAKER, 500),
        MAKER_OUT: (bought, MAKER, 0),
        FEES: (bought, address("jupiter"), 0),
        REFERRAL: (bought, address("referrer"), 0),
    }


ACCOUNTS = {"order": ORDER, "reserve": RESERVE, "maker": MAKER, "taker": TAKER, "fee_account": FEES}
FEE = FeePart("platform", BOUGHT, 2, INSIDE, FEES)
CLOSED = {ORDER: -RICH_LAMPORTS, MAKER: RICH_LAMPORTS}
"""The filled order gives its rent back."""


def lent(program: Program, amount_raw: int, order: str = ORDER) -> Made:
    made = called(program, "pre_flash_fill_order", {}, pays(RESERVE, TAKER_OUT, amount_raw))
    made.accounts[0] = order
    return made


def test_an_order_filled_in_one_call() -> None:
    accounts = {
        **ACCOUNTS,
        "maker_output_account": MAKER_OUT,
        "taker_input_account": TAKER_IN,
        "referral": REFERRAL,
    }
    calls = [
        pays(RESERVE, TAKER_OUT, 400),
        pays(TAKER_IN, MAKER_OUT, 95),
        pays(TAKER_IN, FEES, 2),
        pays(TAKER_IN, REFERRAL, 1),
    ]
    filled = called(FIRST, "fill_order", accounts, *calls)
    made = CraftedTransaction([filled], tokens(BOUGHT), lamport_changes=CLOSED)
    fees = (FEE, FeePart("referral", BOUGHT, 1, INSIDE, REFERRAL))
    assert made.facts() == [
        OrderFill("0", FIRST.program_ids[0], "jupiter_limit", ORDER, MAKER, TAKER, SOLD, 400, BOUGHT, 95, fees)
    ]
    assert not made.read().booked.has_residual


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_flash_fill_is_of_what_was_lent_last_of_this_order(program: Program) -> None:
    accounts = {**ACCOUNTS, "maker_output_account": MAKER_OUT, "output_mint": BOUGHT}
    fill = called(program, "flash_fill_order", accounts, pays(TAKER_IN, MAKER_OUT, 95), pays(TAKER_IN, FEES, 2))
    made = [lent(program, 50), lent(program, 400), lent(program, 1, address("another order")), fill]
    assert CraftedTransaction(made, tokens(BOUGHT)).facts() == [
        OrderFill("3", program.program_ids[0], program.name, ORDER, MAKER, TAKER, SOLD, 400, BOUGHT, 95, (FEE,))
    ]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_flash_fill_without_a_loan_is_no_fill(program: Program) -> None:
    accounts = {**ACCOUNTS, "maker_output_account": MAKER_OUT, "output_mint": BOUGHT}
    fill = called(program, "flash_fill_order", accounts, pays(TAKER_IN, MAKER_OUT, 95))
    assert CraftedTransaction([fill], tokens(BOUGHT)).facts() == []


def test_a_maker_may_get_sol_itself_beside_his_rent() -> None:
    accounts = {**ACCOUNTS, "output_mint": NATIVE_MINT}
    fill = called(SECOND, "flash_fill_order", accounts, pays_lamports(PAYER, MAKER, 95))
    found = CraftedTransaction([lent(SECOND, 400), fill], tokens(NATIVE_MINT), lamport_changes=CLOSED).read()
    assert not found.booked.has_residual
    order = found.scene.order_of("1")
    assert found.scene.moved(MAKER, order, order + 2, "lamports") == RICH_LAMPORTS + 95
    [fact] = found.facts
    assert isinstance(fact, OrderFill)
    assert (fact.bought_mint, fact.bought_raw) == (NATIVE_MINT, 95)
