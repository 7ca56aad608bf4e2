"""1DEX: a recorded swap with its fees."""

import pytest
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import FeePart, Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "7tY4PsLkigkg29QW3sYXrSWAWsJdFCunRFTsxD9NoZrbtY2HqDE49sbovjSbW5urmdSkRxiN9mT1exUB5qwCY7y": [
        Leg(
            path="4.5",
            program_id="DEXYosS6oEGvk8uCDayvwEZz4qEyDJRf9nFgYCaqPMTm",
            venue="onedex",
            pool="DbuvwPuLvH8uy2B1sKuu18aCd2QpCvfZdfDtdRZztBd2",
            trader="6U91aKa8pmMxkJwBCfPTmUEfZi6dHe7DcFq2ALvB2tbB",
            sold_mint=USDC_MINT,
            sold_raw=3262614,
            bought_mint=NATIVE_MINT,
            bought_raw=39013569,
            reserves=(
                Reserve(mint=USDC_MINT, before_raw=32261767635, after_raw=32265030185),
                Reserve(mint=NATIVE_MINT, before_raw=385856099762, after_raw=385817086193),
            ),
            fees=(
                FeePart(
                    kind="protocol",
                    mint=USDC_MINT,
                    amount_raw=32,
                    side="inside",
                    recipient="ATowQwFzdJBJ9VFSfoNKmuB8GiSeo8foM5vRriwmKmFB",
                ),
                FeePart(
                    kind="referral",
                    mint=USDC_MINT,
                    amount_raw=32,
                    side="inside",
                    recipient="45ruCyfdRkWpRNGEqWzjCiXRHkZs8WXCLQ67Pnpye7Hp",
                ),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "onedex")
    assert facts == RECORDED[signature]
