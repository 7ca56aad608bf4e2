"""The program ExA6GYh…: recorded swaps in two pools, and one by hand in the other direction of the first."""

import pytest
from crafted_bodies import address
from crafted_calls import CraftedCall, u64
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.venues.exa6gyh import PROGRAM

PROGRAM_ID = "ExA6GYhHAeRNMWVNLrDir1SKPJZcZA2oaPq6uriSmxfJ"
POOL, USD1_POOL = "EWGcY44T5cBH61LwX3oGRd9cPfg55auELFwKSAorbFQx", "A9eAH6Az7VoXRPwcEdXZuqXqQaf7GWfzAQC91dkf76xD"
USD1_MINT = "USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB"


def sol_sale(trader: str, sold_raw: int, bought_raw: int, sol_before_raw: int, usdc_before_raw: int) -> Leg:
    reserves = (
        Reserve(NATIVE_MINT, sol_before_raw, sol_before_raw + sold_raw),
        Reserve(USDC_MINT, usdc_before_raw, usdc_before_raw - bought_raw),
    )
    return Leg("4.7", PROGRAM_ID, "exa6gyh", POOL, trader, NATIVE_MINT, sold_raw, USDC_MINT, bought_raw, reserves)


RECORDED = {
    "3PHQEygDTZZG6BjQPHDX5HoXHPxoehkiw5mmqPh4Ui2xk3EwwaSSFAU1Je476bDPdA4jNw8fQNvYWD47TB25s5rk": sol_sale(
        "AizNunC6P79FBigQSwiH4e79g4JojJUhtJwWDeGo4GaL", 221223460, 19336212, 1565026445357, 210999280025
    ),
    "5xSnRjWkhj7tCcbYs4drRwbAw2nJo2R4Es6hWdHCnjGbesWyXvfC1bwCG5c1kVdjwBUc1DkQb6H9uNxtqknSCkHy": sol_sale(
        "9ex8jzHbs6BQBMEdtbeQtLsmF1RNgyzZKabS5nDQRLDg", 240397586, 21007910, 1565247668817, 210979943813
    ),
    "58hytiDB1sxbzpW9P1annHt6DYYpvdF7bW452aqSFe87pgrvSGj78ENkhFRA6cpk5zk4QppugLv4V8qLQNsH1VK5": sol_sale(
        "CiY6KfMC2Hjox3kvGcTMgj2vrvWTXiXSHEJwtS6G6H7X", 246839778, 21583785, 1565488066403, 210958935903
    ),
    "5si5yrFvL1UfcvVoqqC2ShtqZ7b9hopYS6QPgDxJ23Npmw9nu9qJfHpexz6kBpmt1vAgyWVueRsNLQG5L8QrWG8a": Leg(
        "3.3",
        PROGRAM_ID,
        "exa6gyh",
        USD1_POOL,
        "FaKcMB8rebNiAa1FUZYhRgWV9LTcTcQSvGToQNgHGP8M",
        USD1_MINT,
        9187430,
        NATIVE_MINT,
        108290751,
        (Reserve(USD1_MINT, 130073483185, 130082670615), Reserve(NATIVE_MINT, 1405345070125, 1405236779374)),
    ),
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    assert facts_of(by_signature[signature], "exa6gyh") == [RECORDED[signature]]


def test_vaults_and_accounts_change_places_with_the_direction() -> None:
    """As in a recording of the first pool where USDC is paid: whose vaults are whose follows what is paid."""
    trader, seats = address("trader"), ("vault_in", "vault_out", "user_in", "user_out")
    accounts = {name: address(name) for name in seats} | {"user": trader, "pool": POOL}
    usdc_vault, sol_vault, usdc_account, sol_account = (accounts[name] for name in seats)
    swap = CraftedCall(
        PROGRAM,
        "swap",
        accounts,
        tokens={
            usdc_vault: (USDC_MINT, POOL, 175156132982),
            sol_vault: (NATIVE_MINT, POOL, 2028541917796),
            usdc_account: (USDC_MINT, trader, 49500000),
            sol_account: (NATIVE_MINT, trader, 0),
        },
        moves=[(sol_vault, sol_account, 583488660), (usdc_account, usdc_vault, 49500000)],
        arguments=u64(49500000, 1) + bytes(16),
    )
    reserves = (Reserve(USDC_MINT, 175156132982, 175205632982), Reserve(NATIVE_MINT, 2028541917796, 2027958429136))
    expected = Leg("0", PROGRAM_ID, "exa6gyh", POOL, trader, USDC_MINT, 49500000, NATIVE_MINT, 583488660, reserves)
    assert swap.read().facts == [expected]
