"""Tessera V: a recorded swap, both swaps by hand; a recorded quote gives nothing."""

import pytest
from crafted_bodies import address
from crafted_calls import u64
from layout_checks import layout_named
from recorded_bodies import Recorded
from venue_calls import OWNER, crafted_reading, moved
from venue_facts import facts_of, read

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.venues.tessera import PROGRAM

RECORDED = {
    "3DafP7fgvWm1EUYiNRGdGEJzCN7uTtvoFSBfr9HwYukNXsmhEkUiuDEvTgzF1etuhfz2DAE7eTuoLUKjCJtgr4Nc": [
        Leg(
            path="5.2",
            program_id="TessVdML9pBGgG9yGks7o4HewRaXVAMuoVj4x83GLQH",
            venue="tessera",
            pool="FLckHLGMJy5gEoXWwcE68Nprde1D4araK4TGLw4pQq2n",
            trader="ARu4n5mFdZogZAravu7CcizaojWnS6oqka37gdLT5SZn",
            sold_mint=USDC_MINT,
            sold_raw=9932000,
            bought_mint=NATIVE_MINT,
            bought_raw=113602835,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=14497276852028, after_raw=14497163249193),
                Reserve(mint=USDC_MINT, before_raw=1454868835006, after_raw=1454878767006),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "tessera")
    assert facts == RECORDED[signature]


def test_a_quote_of_the_maker_is_known_and_gives_nothing(by_signature: dict[str, Recorded]) -> None:
    signature = "JwJGyutK4mWUf2Cs2z9S3GXkfoYxMWVXbLNkE9UYW3oHLpfv9fBDJBZyq7Fe8igMrb2h4LPmEvEzCezQ6m6boSB"
    reading = read(by_signature[signature]).reading
    assert (reading.facts, reading.unknown, reading.unread) == ([], [], [])


@pytest.mark.parametrize("name", ["swap", "swap_v2"])
@pytest.mark.parametrize(("paying", "paid"), [("base", "quote"), ("quote", "base")])
def test_both_swaps_are_read_either_way(name: str, paying: str, paid: str) -> None:
    layout = layout_named(PROGRAM, name)
    reading = crafted_reading(
        PROGRAM.program_ids[0],
        "state pool owner base_vault quote_vault user_base user_quote base quote token token last",
        layout.discriminator + bytes([paying == "base"]) + u64(70, 0),
        users={"user_base": "base", "user_quote": "quote"},
        vaults={"base_vault": "base", "quote_vault": "quote"},
        calls=[moved(f"user_{paying}", f"{paying}_vault", 70), moved(f"{paid}_vault", f"user_{paid}", 60)],
    )
    (leg,) = reading.facts
    assert isinstance(leg, Leg)
    assert (leg.trader, leg.pool) == (OWNER, address("pool"))
    assert (leg.sold_mint, leg.sold_raw) == (address(paying), 70)
    assert (leg.bought_mint, leg.bought_raw) == (address(paid), 60)
    assert (reading.unknown, reading.unread) == ([], [])
