"""Byreal and PancakeSwap: recorded swaps and a recorded withdrawal."""

import pytest
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Claim, Leg, Liquidity, Reserve
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT

RECORDED = {
    "3mrMFwXQAv5NW2Qp1VFo2ymkzqFVRLNMqAtaqbqewLbFTryJrYmriSKuJPJr1UhfEM4qgxET6gvg7JQjbnkpo7TD": [
        Leg(
            path="2.0",
            program_id="REALQqNEomY6cQGZJUGwywTBD2UmDT32rZcNnfxQ5N2",
            venue="byreal",
            pool="86zmTigoureLp9JwS2m8NghfWxbo6SJe1moHLqM2xVkt",
            trader="5mVKmfS2FnzWYqocVocgGgkP1BxSqVFU4oi6AhJ8sXEo",
            sold_mint="D6xWgRCSHoMEB5fqPwk3p6Stxirn5ytm2WwboSTTx4oE",
            sold_raw=60758048486,
            bought_mint=USDC_MINT,
            bought_raw=46633065,
            reserves=(
                Reserve(
                    mint="D6xWgRCSHoMEB5fqPwk3p6Stxirn5ytm2WwboSTTx4oE",
                    before_raw=790053850542712,
                    after_raw=790114608591198,
                ),
                Reserve(mint=USDC_MINT, before_raw=623356281145, after_raw=623309648080),
            ),
        ),
    ],
    "5XYf7V6rNjRuStgG1ELmug5K5ErGWtfZBa4msAdqw1PeYWAYEg6qcJyFqoHJ5uNmNp3B6YdnQgdyQrpg2XZUDE3q": [
        Leg(
            path="4.0",
            program_id="REALQqNEomY6cQGZJUGwywTBD2UmDT32rZcNnfxQ5N2",
            venue="byreal",
            pool="23XoPQqGw9WMsLoqTu8HMzJLD6RnXsufbKyWPLJywsCT",
            trader="AS25zph72ZmhtLAz2LjEF9qT8vv5x29GJsXVj1DBNKrw",
            sold_mint=USDC_MINT,
            sold_raw=27853252,
            bought_mint=USDT_MINT,
            bought_raw=27859855,
            reserves=(
                Reserve(mint=USDC_MINT, before_raw=207598653187, after_raw=207626506439),
                Reserve(mint=USDT_MINT, before_raw=1057821540008, after_raw=1057793680153),
            ),
        ),
    ],
    "4BQLJva7QLyRq7ToDu2TXDrkFmdpzwQZ7WAhCVeheu6BgKfkGaVXbbxxPPB8RZZASPnYyek261dNFE77wGbBERur": [
        Liquidity(
            path="2",
            program_id="REALQqNEomY6cQGZJUGwywTBD2UmDT32rZcNnfxQ5N2",
            venue="byreal",
            kind="liquidity_remove",
            pool="GjLusGo2z3mnXPmebhhNt9ocMDJgfdxrDFctVF8Ev3Kg",
            wallet="52EiGYNJAFL94Tk7tL3QkJVWjjiWaa68kQgQfgw7Py1E",
            amounts=((USDC_MINT, 6353261),),
        ),
        Claim(
            path="2",
            program_id="REALQqNEomY6cQGZJUGwywTBD2UmDT32rZcNnfxQ5N2",
            venue="byreal",
            kind="lp_fee_claim",
            wallet="52EiGYNJAFL94Tk7tL3QkJVWjjiWaa68kQgQfgw7Py1E",
            mint=USDC_MINT,
            amount_raw=1550,
            pool="GjLusGo2z3mnXPmebhhNt9ocMDJgfdxrDFctVF8Ev3Kg",
        ),
    ],
    "5HFr6ezvdgYu86kEJfbgWhu8DJ7aZDzD24FkGWLRAjU4FDNJdFeyJooyqvRHm783B1eCSQ5Sc9ifaBntZ7FzEtqj": [
        Leg(
            path="0.6",
            program_id="HpNfyc2Saw7RKkQd8nEL4khUcuPhQ7WwY1B2qjx8jxFq",
            venue="pancake_clmm",
            pool="4QU2NpRaqmKMvPSwVKQDeW4V6JFEKJdkzbzdauumD9qN",
            trader="6U91aKa8pmMxkJwBCfPTmUEfZi6dHe7DcFq2ALvB2tbB",
            sold_mint=NATIVE_MINT,
            sold_raw=1609710000,
            bought_mint=USDC_MINT,
            bought_raw=140592819,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=14075684128289, after_raw=14077293838289),
                Reserve(mint=USDC_MINT, before_raw=816219914375, after_raw=816079321556),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "byreal", "pancake_clmm")
    assert facts == RECORDED[signature]
