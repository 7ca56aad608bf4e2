"""Aldrin: a recorded swap of each version, and liquidity after the published layout."""

import pytest
from crafted_bodies import address
from crafted_calls import u64
from recorded_bodies import Recorded
from venue_calls import OWNER, crafted_reading, minted, moved
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Liquidity, Reserve
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT

RECORDED = {
    "4YxRYZzfV4aEPrcXDDEBcoyU8JSbv7wwAsX72aoEoqLGDWv7h4HF3jHWxiXQQdTHZfuxbAGkHiATPz75WuBP3c8N": [
        Leg(
            path="2.10",
            program_id="AMM55ShdkoGRB5jVYPjWziwk8m5MpwyDgsMWHaMSQWH6",
            venue="aldrin_v1",
            pool="4GUniSDrCAZR3sKtLa1AWC8oyYubZeKJQ8KraQmy3Wt5",
            trader="7iWnBRRhBCiNXXPhqiGzvvBkKrvFSWqqmxRyu9VyYBxE",
            sold_mint=NATIVE_MINT,
            sold_raw=6042357,
            bought_mint=USDC_MINT,
            bought_raw=503225,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=77258584238, after_raw=77264626595),
                Reserve(mint=USDC_MINT, before_raw=6454182092, after_raw=6453678867),
            ),
        ),
    ],
    "4PqHvshiZK68eeMrtHAnjPW2nWAFwvVYpbiKU1YfRxRELAQqQEz4JCU9y4c7PxvUoBsUczNEYRUAcALy742JqDeB": [
        Leg(
            path="2.15",
            program_id="CURVGoZn8zycx6FXwwevgBTB2gVvdbGTEpvMJDbgs2t4",
            venue="aldrin_v2",
            pool="2BNq1R3wyjHj6BkgDKewW7F4BsAgJoLm2yWUD6tmHq9U",
            trader="2MFoS3MPtvyQ4Wh4M9pdfPjz6UhVoNbFbGJAskCPCj3h",
            sold_mint="7dHbWXmci3dT8UFYWYZweBLXgycu7Y3iL6trKn1Y7ARj",
            sold_raw=50481726,
            bought_mint=USDT_MINT,
            bought_raw=5126960,
            reserves=(
                Reserve(
                    mint="7dHbWXmci3dT8UFYWYZweBLXgycu7Y3iL6trKn1Y7ARj", before_raw=751087790101, after_raw=751138271827
                ),
                Reserve(mint=USDT_MINT, before_raw=76515667651, after_raw=76510540691),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "aldrin_v1", "aldrin_v2")
    assert facts == RECORDED[signature]


PROGRAM_ID = "CURVGoZn8zycx6FXwwevgBTB2gVvdbGTEpvMJDbgs2t4"
USERS = {"user_base": "base", "user_quote": "quote", "user_share": "share"}
VAULTS = {"base_vault": "base", "quote_vault": "quote"}


def test_a_basket_is_liquidity_of_both_tokens() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "pool share signer user_base user_quote base_vault quote_vault user_share owner token_program clock rent",
        bytes.fromhex("2f699b940fa9cad3") + u64(5, 10, 20),
        users=USERS,
        vaults=VAULTS,
        calls=[
            moved("user_base", "base_vault", 10),
            moved("user_quote", "quote_vault", 20),
            minted("share", "user_share", 5),
        ],
    )
    amounts = ((address("base"), 10), (address("quote"), 20))
    expected = Liquidity(
        "0", PROGRAM_ID, "aldrin_v2", "liquidity_add", address("pool"), OWNER, amounts, address("share"), 5
    )
    assert reading.facts == [expected]
