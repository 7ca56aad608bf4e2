"""FusionAMM: recorded swaps in both directions; two hops and liquidity after the published layout."""

import pytest
from crafted_bodies import address
from crafted_calls import u64
from recorded_bodies import Recorded
from venue_calls import OWNER, crafted_reading, moved
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Liquidity, Reserve

RECORDED = {
    "3TwHo76yayZoTt8Q9dtpQQzrYXvGRkkH5YBXAHdtkBDMWepqz5SsRqkKQGwysUKHoVhBSuRSX2k9RPXrkeLMPn72": [
        Leg(
            path="1.0",
            program_id="fUSioN9YKKSa3CUC2YUc4tPkHJ5Y6XW1yz8y6F7qWz9",
            venue="fusion_amm",
            pool="8BCPPXoLXidnu1eQX4Kw92ANTEfCnoZyuzNPZZRxgE8A",
            trader="HxjwdF326ZunmUwC1iXhfgL3ku78YsksN6n7Rfxzwr6b",
            sold_mint=NATIVE_MINT,
            sold_raw=633817476,
            bought_mint="AHvxwN5EM5bG8jQr2f8BVx6z1Na9ED8xGqRuqCG6gGDr",
            bought_raw=241459898511,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=194093156, after_raw=827910632),
                Reserve(
                    mint="AHvxwN5EM5bG8jQr2f8BVx6z1Na9ED8xGqRuqCG6gGDr",
                    before_raw=1500536299690,
                    after_raw=1259076401179,
                ),
            ),
        ),
    ],
    "3sJ2QEyhguACnNVVX9SEt8rykqNfPNYEoZkS9tpB4iDFt1Na3mFQCgK3sv1gWuxPmBAtNvUrHsGGgc9xWu6aWZFj": [
        Leg(
            path="2.7",
            program_id="fUSioN9YKKSa3CUC2YUc4tPkHJ5Y6XW1yz8y6F7qWz9",
            venue="fusion_amm",
            pool="4C2zyWCjZUuaDRWmhKn86wjw2xvCqaWF5P5kBKkTLNBG",
            trader="6AGp6zbGNuyZpmzeswv9KCNU15Rf37UQDqDqFAeHmS8d",
            sold_mint="ACtfUWtgvaXrQGNMiohTusi5jcx5RJf5zwu9aAxkpump",
            sold_raw=680398199,
            bought_mint=NATIVE_MINT,
            bought_raw=57105930,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=1393506608, after_raw=1336400678),
                Reserve(
                    mint="ACtfUWtgvaXrQGNMiohTusi5jcx5RJf5zwu9aAxkpump", before_raw=23017096237, after_raw=23697494436
                ),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "fusion_amm")
    assert facts == RECORDED[signature]


PROGRAM_ID = "fUSioN9YKKSa3CUC2YUc4tPkHJ5Y6XW1yz8y6F7qWz9"
USERS = {"user_a": "a", "user_b": "b", "user_c": "c"}
VAULTS = {"one_a": "a", "one_b": "b", "two_b": "b", "two_c": "c"}


def test_two_hops_are_two_legs_of_the_trader() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "pool_one pool_two a b c program_a program_b program_c user_a one_a one_b two_b two_c user_c owner",
        bytes.fromhex("c360ed6c44a2dbe6") + u64(100, 1) + b"\1",
        users=USERS,
        vaults=VAULTS,
        calls=[moved("user_a", "one_a", 100), moved("one_b", "two_b", 50), moved("two_c", "user_c", 7)],
    )
    seen = [
        (one.path, one.pool, one.trader, one.sold_mint, one.sold_raw, one.bought_mint, one.bought_raw)
        for one in reading.facts
        if isinstance(one, Leg)
    ]
    assert seen == [
        ("0", address("pool_one"), OWNER, address("a"), 100, address("b"), 50),
        ("0.1", address("pool_two"), OWNER, address("b"), 50, address("c"), 7),
    ]


def test_a_limit_order_is_liquidity() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "owner pool order order_token a user_a one_a tick_array token_program memo",
        bytes.fromhex("b19059ecfaba7d63") + u64(9),
        users=USERS,
        vaults=VAULTS,
        calls=[moved("user_a", "one_a", 9)],
    )
    amounts = ((address("a"), 9),)
    expected = Liquidity("0", PROGRAM_ID, "fusion_amm", "liquidity_add", address("pool"), OWNER, amounts)
    assert reading.facts == [expected]
