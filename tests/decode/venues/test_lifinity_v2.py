"""Lifinity v2: recorded swaps, and liquidity after the published layout."""

import pytest
from crafted_bodies import address
from crafted_calls import u64
from recorded_bodies import Recorded
from venue_calls import OWNER, burned, crafted_reading, minted, moved
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Liquidity, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "3ptkKyi3bcueehpQtQevoEJR4b5zLYYnbnLrWwbjnPjjNNBgqydNeUEC2wVzMWpoZtiwSK2XCY2DRyxy1ZkKei7Y": [
        Leg(
            path="2.0",
            program_id="2wT8Yq49kHgDzXuPxZSaeLaH1qbmGXtEyPy64bL7aD3c",
            venue="lifinity_v2",
            pool="Az6u7Aw3Es5SwpaVsELTbfavgJ6itMr9PyruaTuaqH7w",
            trader="5y5jCvdD6uTPjWbQtLj8ABQ56jCor2SxURidAqGSyviw",
            sold_mint="J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn",
            sold_raw=5000000,
            bought_mint=USDC_MINT,
            bought_raw=905739,
            reserves=(
                Reserve(
                    mint="J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn", before_raw=621296030781, after_raw=621301030781
                ),
                Reserve(mint=USDC_MINT, before_raw=143382658427, after_raw=143381752688),
            ),
        ),
        Leg(
            path="2.17",
            program_id="2wT8Yq49kHgDzXuPxZSaeLaH1qbmGXtEyPy64bL7aD3c",
            venue="lifinity_v2",
            pool="Az6u7Aw3Es5SwpaVsELTbfavgJ6itMr9PyruaTuaqH7w",
            trader="5y5jCvdD6uTPjWbQtLj8ABQ56jCor2SxURidAqGSyviw",
            sold_mint=USDC_MINT,
            sold_raw=907075,
            bought_mint="J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn",
            bought_raw=5005371,
            reserves=(
                Reserve(mint=USDC_MINT, before_raw=143381752688, after_raw=143382659763),
                Reserve(
                    mint="J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn", before_raw=621301030781, after_raw=621296025410
                ),
            ),
        ),
    ],
    "3HdFhHNyf2uKrW6zb6FeYZpjcRyvprQuQH4oVkmc4uuCAhoEUAEkPHgUzRubf8npmHnziRs4HokFTgAkGPyzso6D": [
        Leg(
            path="5.0",
            program_id="2wT8Yq49kHgDzXuPxZSaeLaH1qbmGXtEyPy64bL7aD3c",
            venue="lifinity_v2",
            pool="Cx8eWxJAaCQAFVmv1mP7B2cVie2BnkR7opP8vUh23Wcr",
            trader="71WDyyCsZwyEYDV91Qrb212rdg6woCHYQhFnmZUBxiJ6",
            sold_mint=USDC_MINT,
            sold_raw=182560735,
            bought_mint=NATIVE_MINT,
            bought_raw=952688995,
            reserves=(
                Reserve(mint=USDC_MINT, before_raw=556169158623, after_raw=556351719358),
                Reserve(mint=NATIVE_MINT, before_raw=160546971340, after_raw=159594282345),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "lifinity_v2")
    assert facts == RECORDED[signature]


PROGRAM_ID = "2wT8Yq49kHgDzXuPxZSaeLaH1qbmGXtEyPy64bL7aD3c"
USERS = {"user_a": "a", "user_b": "b", "user_share": "share"}
VAULTS = {"vault_a": "a", "vault_b": "b"}


def test_a_deposit_is_liquidity_of_both_tokens() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "amm authority user user_a user_b vault_a vault_b share user_share token_program",
        bytes.fromhex("205f453c4b4fcdee") + u64(30, 10, 20),
        users=USERS,
        vaults=VAULTS,
        calls=[moved("user_a", "vault_a", 10), moved("user_b", "vault_b", 20), minted("share", "user_share", 30)],
    )
    amounts = ((address("a"), 10), (address("b"), 20))
    expected = Liquidity(
        "0", PROGRAM_ID, "lifinity_v2", "liquidity_add", address("amm"), OWNER, amounts, address("share"), 30
    )
    assert reading.facts == [expected]


def test_a_withdrawal_is_liquidity_of_both_tokens() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "amm authority user user_share vault_a vault_b share user_a user_b token_program",
        bytes.fromhex("bdfe9caed209a4d8") + u64(30, 1, 1),
        users=USERS,
        vaults=VAULTS,
        calls=[burned("share", "user_share", 30), moved("vault_a", "user_a", 10), moved("vault_b", "user_b", 20)],
    )
    amounts = ((address("a"), 10), (address("b"), 20))
    expected = Liquidity(
        "0", PROGRAM_ID, "lifinity_v2", "liquidity_remove", address("amm"), OWNER, amounts, address("share"), 30
    )
    assert reading.facts == [expected]
