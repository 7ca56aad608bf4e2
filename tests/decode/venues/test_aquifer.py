"""Aquifer: a recorded swap of the tag 19, and one of the tag 1 by hand."""

import pytest
from crafted_bodies import address
from crafted_calls import CraftedCall, u64
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.decode.venues.aquifer import PROGRAM

PROGRAM_ID = "AQU1FRd7papthgdrwPTTq5JacJh8YtwEXaBfKU3bTz45"
INSTANCE = "CNC5TaeNQEoSPfQKZ7GgfM4R8WYAJRKRSHFCHkf2H7ko"
RECORDED = {
    "4QvTLiNg48ecSdHQ3YwPKkmpewJNUL7ARJsGL7nGyJ5WSaBgxL9GnFmDzq5NukCRzSx6e61QHeC9XMMHQQbAeWmk": Leg(
        "2.14",
        PROGRAM_ID,
        "aquifer",
        INSTANCE,
        "a7JqDmv5zTyh9cQBtsVreYWpeW1vZZ5CDRAN3nyGLXC",
        USDC_MINT,
        16529945,
        USDT_MINT,
        16528463,
        (Reserve(USDT_MINT, 465363871085, 465347342622), Reserve(USDC_MINT, 2459285181408, 2459301711353)),
    ),
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    assert facts_of(by_signature[signature], "aquifer") == [RECORDED[signature]]


@pytest.mark.parametrize("name", ["swap", "swap_of_tag_19"])
@pytest.mark.parametrize("is_base_sold", [True, False])
def test_both_directions(name: str, is_base_sold: bool) -> None:
    """The pool pays first; owners of vaults are accounts of the program, one a mint."""
    trader, names = address("trader"), ("user_base", "user_quote", "base_vault", "quote_vault")
    base, quote, base_vault, quote_vault = (address(one) for one in names)
    coin = address("coin mint")
    moves = [(quote_vault, quote, 70), (base, base_vault, 30)]
    if not is_base_sold:
        moves = [(base_vault, base, 30), (quote, quote_vault, 70)]
    swap = CraftedCall(
        PROGRAM,
        name,
        {"user": trader, "instance": INSTANCE} | {one: address(one) for one in names},
        tokens={
            base: (coin, trader, 100),
            quote: (USDC_MINT, trader, 100),
            base_vault: (coin, address("base vault owner"), 1000),
            quote_vault: (USDC_MINT, address("quote vault owner"), 2000),
        },
        moves=moves,
        arguments=u64(30 if is_base_sold else 70),
    )
    sides = ((coin, 30), (USDC_MINT, 70)) if is_base_sold else ((USDC_MINT, 70), (coin, 30))
    sign = 1 if is_base_sold else -1
    reserves = (Reserve(coin, 1000, 1000 + sign * 30), Reserve(USDC_MINT, 2000, 2000 - sign * 70))
    assert swap.read().facts == [Leg("0", PROGRAM_ID, "aquifer", INSTANCE, trader, *sides[0], *sides[1], reserves)]
