"""Raydium's stable-swap: a recorded swap, and liquidity after the published layout."""

import pytest
from crafted_bodies import address
from crafted_calls import u64
from recorded_bodies import Recorded
from venue_calls import OWNER, crafted_reading, minted, moved
from venue_facts import facts_of

from oof_pipelines.decode.facts import Leg, Liquidity, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "3KueivTTEPCgUM3i6KrAjx1TJf2tn6VzhJE4wGCcnCaB6eR2LaPdFifq4rjsYkuG6WJf9qtWnPdPnxtS3mreENEe": [
        Leg(
            path="4.1",
            program_id="5quBtoiQqxF9Jv6KYKctB59NT3gtJD2Y65kdnB1Uev3h",
            venue="raydium_stable",
            pool="9DTY3rv8xRa3CnoPoWJCMcQUSY7kUHZAoFKNsBhx8DDz",
            trader="ARu4n5mFdZogZAravu7CcizaojWnS6oqka37gdLT5SZn",
            sold_mint="USDH1SM1ojwWUga67PGrgFWUHibbjqMvuMaDkRJTgkX",
            sold_raw=16772752,
            bought_mint=USDC_MINT,
            bought_raw=16723744,
            reserves=(
                Reserve(
                    mint="USDH1SM1ojwWUga67PGrgFWUHibbjqMvuMaDkRJTgkX", before_raw=8296033410, after_raw=8312806162
                ),
                Reserve(mint=USDC_MINT, before_raw=4915429019, after_raw=4898705275),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "raydium_stable")
    assert facts == RECORDED[signature]


PROGRAM_ID = "5quBtoiQqxF9Jv6KYKctB59NT3gtJD2Y65kdnB1Uev3h"


def test_a_deposit_is_liquidity_of_both_tokens() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "token_program pool authority open_orders target_orders share coin_vault pc_vault market user_coin user_pc"
        " user_share owner",
        b"\3" + u64(10, 20, 0),
        users={"user_coin": "coin", "user_pc": "pc", "user_share": "share"},
        vaults={"coin_vault": "coin", "pc_vault": "pc"},
        calls=[
            moved("user_coin", "coin_vault", 10),
            moved("user_pc", "pc_vault", 20),
            minted("share", "user_share", 5),
        ],
    )
    amounts = ((address("coin"), 10), (address("pc"), 20))
    expected = Liquidity(
        "0", PROGRAM_ID, "raydium_stable", "liquidity_add", address("pool"), OWNER, amounts, address("share"), 5
    )
    assert reading.facts == [expected]
