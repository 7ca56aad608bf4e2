"""Scorch: a recorded swap."""

import pytest
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDT_MINT

RECORDED = {
    "5HFr6ezvdgYu86kEJfbgWhu8DJ7aZDzD24FkGWLRAjU4FDNJdFeyJooyqvRHm783B1eCSQ5Sc9ifaBntZ7FzEtqj": [
        Leg(
            path="0.1",
            program_id="SCoRcH8c2dpjvcJD6FiPbCSQyQgu3PcUAWj2Xxx3mqn",
            venue="scorch",
            pool="EHcege7dok1iYs7SxL2XzDPvhg6XzMVcx2V5SkMUurJP",
            trader="6U91aKa8pmMxkJwBCfPTmUEfZi6dHe7DcFq2ALvB2tbB",
            sold_mint=USDT_MINT,
            sold_raw=140520348,
            bought_mint=NATIVE_MINT,
            bought_raw=1609710000,
            reserves=(
                Reserve(mint=USDT_MINT, before_raw=4213362752, after_raw=4353883100),
                Reserve(mint=NATIVE_MINT, before_raw=4078100828614, after_raw=4076491118614),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "scorch")
    assert facts == RECORDED[signature]
