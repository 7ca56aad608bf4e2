"""Obric v2: recorded swaps in both directions."""

import pytest
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT

RECORDED = {
    "SuN6K9f4YL4VRmigUDZo2VYcNjVYbwnY6wdfWRHWgwQqcT3vz9cs7B8hytzN8NQcfNNMhQRj3vGwa8bEpSd1sJ3": [
        Leg(
            path="2.10",
            program_id="obriQD1zbpyLz95G5n7nJe6a4DPjpFwa5XYPoNm113y",
            venue="obric_v2",
            pool="D94tFiBfJzdZmcH6GtV39iXexWyVpNfwEH3CxEbqvsvr",
            trader="BQ72nSv9f3PRyRKCBnHLVrerrv37CYTHm5h3s9VSGQDV",
            sold_mint=NATIVE_MINT,
            sold_raw=5827905,
            bought_mint=USDT_MINT,
            bought_raw=999932,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=197547751827, after_raw=197553579732),
                Reserve(mint=USDT_MINT, before_raw=90971122557, after_raw=90970122625),
            ),
        ),
    ],
    "4VhDRLUK5QDZ6kgN9PCeEoztUraCibwYA3XaLZUKhfwWxqeN96Qg7Ep4w2j5C1VtggbuU6dqkGczGC537byu9hG3": [
        Leg(
            path="8.5",
            program_id="obriQD1zbpyLz95G5n7nJe6a4DPjpFwa5XYPoNm113y",
            venue="obric_v2",
            pool="AvBSC1KmFNceHpD6jyyXBV6gMXFxZ8BJJ3HVUN8kCurJ",
            trader="GGztQqQ6pCPaJQnNpXBgELr5cs3WwDakRbh1iEMzjgSJ",
            sold_mint=USDC_MINT,
            sold_raw=543506,
            bought_mint=NATIVE_MINT,
            bought_raw=3679489,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=205222432421, after_raw=205218752932),
                Reserve(mint=USDC_MINT, before_raw=69134667029, after_raw=69135210535),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "obric_v2")
    assert facts == RECORDED[signature]
