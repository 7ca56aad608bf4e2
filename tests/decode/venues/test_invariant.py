"""Invariant: recorded swaps, and positions after the published layout."""

import pytest
from crafted_bodies import address
from recorded_bodies import Recorded
from venue_calls import OWNER, crafted_reading, moved
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Claim, Leg, Liquidity, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "5TPoM1pJXDyeVgX1eS4Fw2QfCpx8S3Je8NLATe9a89xeho9hyxZkGXdRv3vgRZ5fDFDZdNYKFZau4LPnE2QU3gsN": [
        Leg(
            path="2.9",
            program_id="HyaB3W9q6XdA5xwpU4XnSZV94htfmbmqJXZcEbRaJutt",
            venue="invariant",
            pool="2SgUGxYDczrB6wUzXHPJH65pNhWkEzNMEx3km4xTYUTC",
            trader="9JR2QbMRULf8cJDw4hBQ1Q1KNEEub77tBAs6zE49VXCz",
            sold_mint=USDC_MINT,
            sold_raw=20868488,
            bought_mint=NATIVE_MINT,
            bought_raw=126327422,
            reserves=(
                Reserve(mint=USDC_MINT, before_raw=1742733877, after_raw=1763602365),
                Reserve(mint=NATIVE_MINT, before_raw=3576618409, after_raw=3450290987),
            ),
        ),
    ],
    "51SfoFAgv3nxEaajLFPCcQpnYaqoLdfZh3ZBWGdNB6c4VSRLcfNzxTnK77ggbsR5HjhDzakQsy35uFZg8KtFAkSj": [
        Leg(
            path="3.1",
            program_id="HyaB3W9q6XdA5xwpU4XnSZV94htfmbmqJXZcEbRaJutt",
            venue="invariant",
            pool="EpmN6MQKynagrkfMWj9PHEh2WxK4VDLWxeHnn1iYvo5W",
            trader="7iWnBRRhBCiNXXPhqiGzvvBkKrvFSWqqmxRyu9VyYBxE",
            sold_mint=USDC_MINT,
            sold_raw=20000000,
            bought_mint="oreoN2tQbHXVaZsr3pf66A48miqcBXCDJozganhEJgz",
            bought_raw=188382438,
            reserves=(
                Reserve(mint=USDC_MINT, before_raw=109608762, after_raw=129608762),
                Reserve(
                    mint="oreoN2tQbHXVaZsr3pf66A48miqcBXCDJozganhEJgz", before_raw=8794780697, after_raw=8606398259
                ),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "invariant")
    assert facts == RECORDED[signature]


PROGRAM_ID = "HyaB3W9q6XdA5xwpU4XnSZV94htfmbmqJXZcEbRaJutt"
USERS = {"user_x": "x", "user_y": "y"}
VAULTS = {"vault_x": "x", "vault_y": "y"}
TOKENS = "x y user_x user_y vault_x vault_y authority token_program"


def test_a_new_position_is_liquidity() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        f"state position pool list payer owner lower upper tickmap {TOKENS}",
        bytes.fromhex("30d7c59960cbb485") + bytes(24),
        users=USERS,
        vaults=VAULTS,
        calls=[moved("user_x", "vault_x", 3), moved("user_y", "vault_y", 4)],
    )
    amounts = ((address("x"), 3), (address("y"), 4))
    expected = Liquidity("0", PROGRAM_ID, "invariant", "liquidity_add", address("pool"), OWNER, amounts)
    assert reading.facts == [expected]


def test_fees_of_a_position_are_a_claim_each() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        f"state pool position lower upper owner {TOKENS}",
        bytes.fromhex("a9204f8988e84689") + bytes(12),
        users=USERS,
        vaults=VAULTS,
        calls=[moved("vault_x", "user_x", 3), moved("vault_y", "user_y", 4)],
    )
    assert reading.facts == [
        Claim("0", PROGRAM_ID, "invariant", "lp_fee_claim", OWNER, address(mint), raw, address("pool"))
        for mint, raw in (("x", 3), ("y", 4))
    ]
