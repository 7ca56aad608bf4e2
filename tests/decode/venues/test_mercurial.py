"""Mercurial: recorded exchanges in pools of two and three coins, and liquidity after the published layout."""

import pytest
from crafted_bodies import address
from crafted_calls import u64
from recorded_bodies import Recorded
from venue_calls import OWNER, burned, crafted_reading, minted, moved
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Liquidity, Reserve
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT

RECORDED = {
    "3QhMnVeS2yjqyt1LpprGnK8qTsvnXeWYuFJBEquqPc6G5EWzfCZMaH5E2swkkYuUr6Ctd7a5ggetR8c6zHX1WLep": [
        Leg(
            path="1.0",
            program_id="MERLuDFBMmsHnsBPZw2sDQZHvXFMwp8EdjudcU2HKky",
            venue="mercurial",
            pool="UXD3M3N6Hn1JjbxugKguhJVHbYm8zHvdF5pNf7dumd5",
            trader="CFRdMhAUBs7NcWv2AXS4gnkAaL2AB5ntK5EBdKHJVEAW",
            sold_mint=USDT_MINT,
            sold_raw=129000,
            bought_mint=USDC_MINT,
            bought_raw=128972,
            reserves=(
                Reserve(mint=USDT_MINT, before_raw=18944889164, after_raw=18945018164),
                Reserve(mint=USDC_MINT, before_raw=18824743243, after_raw=18824614271),
            ),
        ),
    ],
    "7tY4PsLkigkg29QW3sYXrSWAWsJdFCunRFTsxD9NoZrbtY2HqDE49sbovjSbW5urmdSkRxiN9mT1exUB5qwCY7y": [
        Leg(
            path="3.1",
            program_id="MERLuDFBMmsHnsBPZw2sDQZHvXFMwp8EdjudcU2HKky",
            venue="mercurial",
            pool="MAR1zHjHaQcniE2gXsDptkyKUnNfMEsLBVcfP7vLyv7",
            trader="4xDsmeTWPNjgSVSS1VTfzFq3iHZhp77ffPkAmkZkdu71",
            sold_mint=NATIVE_MINT,
            sold_raw=39000000,
            bought_mint="mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So",
            bought_raw=28374965,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=857891494361, after_raw=857930494361),
                Reserve(
                    mint="mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So", before_raw=86666637833, after_raw=86638262868
                ),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "mercurial")
    assert facts == RECORDED[signature]


PROGRAM_ID = "MERLuDFBMmsHnsBPZw2sDQZHvXFMwp8EdjudcU2HKky"
USERS = {"user_a": "a", "user_b": "b", "user_c": "c", "user_share": "share"}
VAULTS = {"vault_a": "a", "vault_b": "b", "vault_c": "c"}
FIRST = "pool token_program authority owner vault_a vault_b vault_c"


@pytest.mark.parametrize("tag", [1, 2])
def test_liquidity_of_three_coins(tag: int) -> None:
    pairs = [("user_a", "vault_a", 10), ("user_c", "vault_c", 30)]
    is_deposit = tag == 1
    share = minted("share", "user_share", 5) if is_deposit else burned("share", "user_share", 5)
    calls = [moved(user, vault, raw) if is_deposit else moved(vault, user, raw) for user, vault, raw in pairs]
    accounts = f"{FIRST} share user_a user_b user_c user_share"
    reading = crafted_reading(PROGRAM_ID, accounts, bytes([tag]), users=USERS, vaults=VAULTS, calls=[*calls, share])
    amounts = ((address("a"), 10), (address("c"), 30))
    kind = "liquidity_add" if is_deposit else "liquidity_remove"
    expected = Liquidity("0", PROGRAM_ID, "mercurial", kind, address("pool"), OWNER, amounts, address("share"), 5)
    assert reading.facts == [expected]


def test_one_token_out() -> None:
    calls = [moved("vault_b", "user_b", 10), burned("share", "user_share", 5)]
    accounts = f"{FIRST} share user_b user_share"
    reading = crafted_reading(PROGRAM_ID, accounts, b"\3" + u64(5, 1), users=USERS, vaults=VAULTS, calls=calls)
    amounts = ((address("b"), 10),)
    expected = Liquidity(
        "0", PROGRAM_ID, "mercurial", "liquidity_remove", address("pool"), OWNER, amounts, address("share"), 5
    )
    assert reading.facts == [expected]


def test_accounts_that_do_not_add_up_are_left_unread() -> None:
    reading = crafted_reading(
        PROGRAM_ID, f"{FIRST} share user_a user_b user_share", b"\1", users=USERS, vaults=VAULTS, calls=[]
    )
    assert reading.unread == ["0"]
