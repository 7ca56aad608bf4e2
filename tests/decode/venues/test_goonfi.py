"""GoonFi: a recorded swap of version 1, and swaps of version 2 with and without the last byte."""

import pytest
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "5acNq9XFxMxEzLWTR7hC2v6iNGbXxwChqR5mP2KkfkLvB6LAzTMpVDNSY7yaq4EbU7ypywKtpfLZgLQqDnwfeX8P": [
        Leg(
            path="0.4",
            program_id="goonERTdGsjnkZqWuVjs73BZ3Pb9qoCUdBUL17BnS5j",
            venue="goonfi",
            pool="4uWuh9fC7rrZKrN8ZdJf69MN1e2S7FPpMqcsyY1aof6K",
            trader="E2MPTDnFPNiCRmbJGKYSYew48NWRGVNfHjoiibFP5VL2",
            sold_mint=USDC_MINT,
            sold_raw=8820304,
            bought_mint=NATIVE_MINT,
            bought_raw=39404601,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=2372188512022, after_raw=2372149107421),
                Reserve(mint=USDC_MINT, before_raw=416006678342, after_raw=416015498646),
            ),
        ),
    ],
    "3xiEgNo1xXDgxATqa28eAPsCirpz7KRx1fpeuf1RLjPQRPfnGZJfqCUPcQZL3pLVKdBWmDpke4SB2MHutLnxN9g2": [
        Leg(
            path="4.14",
            program_id="goonuddtQRrWqqn5nFyczVKaie28f3kDkHWkHtURSLE",
            venue="goonfi_v2",
            pool="Daopjqyt5qZZ111x7MDbWbxtf72cdNEUnCECzZ7hVpbp",
            trader="D5YqVMoSxnqeZAKAUUE1Dm3bmjtdxQ5DCF356ozqN9cM",
            sold_mint=USDC_MINT,
            sold_raw=681995425,
            bought_mint="6p6xgHyF7AeE6TZkSmFsko444wqoP15icUSqi2jfGiPN",
            bought_raw=277616933,
            reserves=(
                Reserve(
                    mint="6p6xgHyF7AeE6TZkSmFsko444wqoP15icUSqi2jfGiPN", before_raw=10973820650, after_raw=10696203717
                ),
                Reserve(mint=USDC_MINT, before_raw=53287640564, after_raw=53969635989),
            ),
        ),
    ],
    "4YxRYZzfV4aEPrcXDDEBcoyU8JSbv7wwAsX72aoEoqLGDWv7h4HF3jHWxiXQQdTHZfuxbAGkHiATPz75WuBP3c8N": [
        Leg(
            path="2.4",
            program_id="goonuddtQRrWqqn5nFyczVKaie28f3kDkHWkHtURSLE",
            venue="goonfi_v2",
            pool="AeanNmmxpMEcSv3a3rKaRcrPjXDwpEiG37syPRyu3VJ2",
            trader="7iWnBRRhBCiNXXPhqiGzvvBkKrvFSWqqmxRyu9VyYBxE",
            sold_mint="JuprjznTrTSp2UFa3ZBUFgwdAmtZCq4MQCwysN55USD",
            sold_raw=999911,
            bought_mint=NATIVE_MINT,
            bought_raw=12010251,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=1042215767646, after_raw=1042203757395),
                Reserve(
                    mint="JuprjznTrTSp2UFa3ZBUFgwdAmtZCq4MQCwysN55USD", before_raw=15809733614, after_raw=15810733525
                ),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "goonfi", "goonfi_v2")
    assert facts == RECORDED[signature]
