"""Stabble: a recorded swap of each program, and liquidity after the published layout."""

import pytest
from crafted_bodies import address
from crafted_calls import u64
from recorded_bodies import Recorded
from venue_calls import OWNER, VENUE, crafted_reading, minted, moved
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import FeePart, Leg, Liquidity, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "SuN6K9f4YL4VRmigUDZo2VYcNjVYbwnY6wdfWRHWgwQqcT3vz9cs7B8hytzN8NQcfNNMhQRj3vGwa8bEpSd1sJ3": [
        Leg(
            path="2.0",
            program_id="swapNyd8XiQwJ6ianp9snpu4brUqFxadzvHebnAXjJZ",
            venue="stabble_stable_swap",
            pool="3YnYpQMUnUFxd9D1GSx6k1sNM9XcYLy2T68ymuu1WutH",
            trader="5fmLrs2GuhfDP1B51ziV5Kd1xtAr9rw1jf3aQ4ihZ2gy",
            sold_mint="2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo",
            sold_raw=1000000,
            bought_mint=USDC_MINT,
            bought_raw=1000003,
            reserves=(
                Reserve(
                    mint="2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo", before_raw=237640092654, after_raw=237641092654
                ),
                Reserve(mint=USDC_MINT, before_raw=2496365478525, after_raw=2496364478518),
            ),
            fees=(
                FeePart(
                    kind="protocol",
                    mint=USDC_MINT,
                    amount_raw=4,
                    side="inside",
                    recipient="8UgoPZAR8ZLoEmV6pJ8SZ6JKESP2X8nbnrZSdSgNtg1y",
                ),
            ),
        ),
    ],
    "3ntivJUzzcUkvqRV4og2V8Gd8Mr3zYjaQ7qDLm5Puo3c6Ep7AKR6ZcEE2MEV7JCVVU1miUpCu5bJCLC8NGbDja7z": [
        Leg(
            path="2.0",
            program_id="swapFpHZwjELNnjvThjajtiVmkz3yPQEHjLtka2fwHW",
            venue="stabble_weighted_swap",
            pool="ThMzojZ53A5NzAwxLoiPoddYABom5vAWvkCdQY6GbQW",
            trader="7HsyYYLEP5nRMcSfkkbe1zYCW5ps951q33kPfvqr3jBL",
            sold_mint=NATIVE_MINT,
            sold_raw=6000003,
            bought_mint="JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN",
            bought_raw=2578621,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=243454838579, after_raw=243460838582),
                Reserve(
                    mint="JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN", before_raw=10386566682, after_raw=10383984955
                ),
            ),
            fees=(
                FeePart(
                    kind="protocol",
                    mint="JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN",
                    amount_raw=3106,
                    side="inside",
                    recipient="8UgoPZAR8ZLoEmV6pJ8SZ6JKESP2X8nbnrZSdSgNtg1y",
                ),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = [
        one
        for venue in ("stabble_stable_swap", "stabble_weighted_swap")
        for one in facts_of(by_signature[signature], venue)
    ]
    assert facts == RECORDED[signature]


PROGRAM_ID = "swapNyd8XiQwJ6ianp9snpu4brUqFxadzvHebnAXjJZ"
VAULTS = {"vault_a": "a", "vault_b": "b", "beneficiary": "b"}


def test_a_swap_of_the_first_version_has_no_mints_among_its_accounts() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "user user_a user_b vault_a vault_b beneficiary pool withdraw_authority vault vault_authority vault_program",
        bytes.fromhex("f8c69e91e17587c8") + b"\1" + u64(100, 90),
        users={"user_a": "a", "user_b": "b"},
        vaults=VAULTS,
        calls=[moved("user_a", "vault_a", 100), moved("vault_b", "beneficiary", 2), moved("vault_b", "user_b", 95)],
    )
    (leg,) = reading.facts
    assert isinstance(leg, Leg)
    assert (leg.pool, leg.trader, leg.sold_raw, leg.bought_raw) == (address("pool"), OWNER, 100, 95)
    assert leg.fees == (FeePart("protocol", address("b"), 2, "inside", VENUE),)


def test_a_deposit_finds_the_users_accounts_behind_the_named_ones() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "owner user_share share pool pool_authority vault vault_authority token_program token_2022_program"
        " user_a user_b vault_a vault_b",
        bytes.fromhex("f223c68952e1f2b6") + b"\2\0\0\0" + u64(10, 20, 1),
        users={"user_a": "a", "user_b": "b", "user_share": "share"},
        vaults=VAULTS,
        calls=[moved("user_a", "vault_a", 10), moved("user_b", "vault_b", 20), minted("share", "user_share", 30)],
    )
    amounts = ((address("a"), 10), (address("b"), 20))
    expected = Liquidity(
        "0", PROGRAM_ID, "stabble_stable_swap", "liquidity_add", address("pool"), OWNER, amounts, address("share"), 30
    )
    assert reading.facts == [expected]
