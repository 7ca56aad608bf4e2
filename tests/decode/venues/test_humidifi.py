"""HumidiFi: recorded swaps, told by their shape."""

import pytest
from recorded_bodies import Recorded
from venue_calls import crafted_reading
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "51oacxu4Yzez3Wnreeod8prvVXEEmVZowiC1PVaozWaCDXf7GDyGxhAnzs9S2QjxHMFsHN32HREFRv45UCrav3Gf": [
        Leg(
            path="3.10",
            program_id="9H6tua7jkLhdm3w8BvgpTn5LZNU7g4ZynDmCiNN3q6Rp",
            venue="humidifi",
            pool="8sKQHfjNhvmAw94PhfvfMcytmqW6jmxvwieYyzXCCPu",
            trader="b619EzHShebQRX7oouwUD5fUo72ai8GgcMLAHkcqfG2",
            sold_mint=USDC_MINT,
            sold_raw=3536105,
            bought_mint=NATIVE_MINT,
            bought_raw=42260790,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=1000144419120, after_raw=1000102158330),
                Reserve(mint=USDC_MINT, before_raw=71183950822, after_raw=71187486927),
            ),
        ),
    ],
    "3xiEgNo1xXDgxATqa28eAPsCirpz7KRx1fpeuf1RLjPQRPfnGZJfqCUPcQZL3pLVKdBWmDpke4SB2MHutLnxN9g2": [
        Leg(
            path="4.8",
            program_id="9H6tua7jkLhdm3w8BvgpTn5LZNU7g4ZynDmCiNN3q6Rp",
            venue="humidifi",
            pool="FksffEqnBRixYGR791Qw2MgdU7zNCpHVFYBL4Fa4qVuH",
            trader="D5YqVMoSxnqeZAKAUUE1Dm3bmjtdxQ5DCF356ozqN9cM",
            sold_mint=NATIVE_MINT,
            sold_raw=2382983167,
            bought_mint=USDC_MINT,
            bought_raw=199312851,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=6242782495829, after_raw=6245165478996),
                Reserve(mint=USDC_MINT, before_raw=781648990550, after_raw=781449677699),
            ),
        ),
        Leg(
            path="4.11",
            program_id="9H6tua7jkLhdm3w8BvgpTn5LZNU7g4ZynDmCiNN3q6Rp",
            venue="humidifi",
            pool="DB3sUCP2H4icbeKmK6yb6nUxU5ogbcRHtGuq7W2RoRwW",
            trader="D5YqVMoSxnqeZAKAUUE1Dm3bmjtdxQ5DCF356ozqN9cM",
            sold_mint=NATIVE_MINT,
            sold_raw=5770942296,
            bought_mint=USDC_MINT,
            bought_raw=482682574,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=949597538145, after_raw=955368480441),
                Reserve(mint=USDC_MINT, before_raw=75524187619, after_raw=75041505045),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "humidifi")
    assert facts == RECORDED[signature]


PROGRAM_ID = "9H6tua7jkLhdm3w8BvgpTn5LZNU7g4ZynDmCiNN3q6Rp"


def test_a_call_of_another_size_is_known_and_gives_nothing() -> None:
    reading = crafted_reading(PROGRAM_ID, "maker pool", bytes(24), users={}, vaults={}, calls=[])
    assert (reading.facts, reading.unknown, reading.unread) == ([], [], [])
