"""Sanctum's router: a recorded withdrawal into SOL and a recorded pair through a stake account."""

import pytest
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import FeePart, Leg

RECORDED = {
    "3xiEgNo1xXDgxATqa28eAPsCirpz7KRx1fpeuf1RLjPQRPfnGZJfqCUPcQZL3pLVKdBWmDpke4SB2MHutLnxN9g2": [
        Leg(
            path="4.1",
            program_id="stkitrT1Uoy18Dk1fTrgPw8W6MVzoCfYoAFT4MLsmhq",
            venue="sanctum_router",
            pool="picobAEvs6w7QEknPce34wAE4gknZA9v5tTonnmHYdX",
            trader="D5YqVMoSxnqeZAKAUUE1Dm3bmjtdxQ5DCF356ozqN9cM",
            sold_mint="picobAEvs6w7QEknPce34wAE4gknZA9v5tTonnmHYdX",
            sold_raw=6827421318,
            bought_mint=NATIVE_MINT,
            bought_raw=8153925463,
            fees=(
                FeePart(
                    kind="protocol",
                    mint=NATIVE_MINT,
                    amount_raw=815474,
                    side="inside",
                    recipient="D3DxbHp7YvgdD2iH8GfsGWdFE5gp37aoYjp4jW5jNMjH",
                ),
            ),
        ),
    ],
    "3LF4ABXfbETvFbQ7nr7WU8pZvQ3H4gFBRZnLb1gJMSKzHZZNMXbJA4VUsrsAMa9cgBJgJDv7aeNnbRDC39C2oi1X": [
        Leg(
            path="2.23",
            program_id="stkitrT1Uoy18Dk1fTrgPw8W6MVzoCfYoAFT4MLsmhq",
            venue="sanctum_router",
            pool="mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So",
            trader="DSN3j1ykL3obAVNv7ZX49VsFCPe4LqzxHnmtLiPwY6xg",
            sold_mint="EPCz5LK372vmvCkZH3HgSuGNKACJJwwxsofW6fypCPZL",
            sold_raw=20000000000,
            bought_mint="mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So",
            bought_raw=17398506594,
            fees=(
                FeePart(
                    kind="protocol",
                    mint="mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So",
                    amount_raw=1740024,
                    side="inside",
                    recipient="E3LbQTYZGr4pBQmpYR1c479yqJcrKoyxnTVvYt9t2Bt",
                ),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "sanctum_router")
    assert facts == RECORDED[signature]
