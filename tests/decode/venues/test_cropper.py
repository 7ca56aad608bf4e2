"""Cropper: a recorded swap."""

import pytest
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "GCeRpjvfNXZB6BJFQChjpKycdKpRwQGS1BSwUvLjVpJj6NgdzzQACAWt89ZEfEXjeRSqzhDX8CHtzpMUnfJ7VMJ": [
        Leg(
            path="4.0",
            program_id="H8W3ctz92svYg6mkn1UtGfu2aQr2fnUFHM1RhScEtQDt",
            venue="cropper",
            pool="3kyVVxbnEASKjLQB3wyPUc55VEGJWNeWZKf6Uv79YeuD",
            trader="46ECY5pTrN9Fbu5HdobxWBKxeAQXMo6uXTDwozrKadWZ",
            sold_mint=USDC_MINT,
            sold_raw=4439613,
            bought_mint=NATIVE_MINT,
            bought_raw=32095199,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=119842389960, after_raw=119810294761),
                Reserve(mint=USDC_MINT, before_raw=7292134846, after_raw=7296574459),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "cropper")
    assert facts == RECORDED[signature]
