"""Manifest: recorded swaps of both instructions, and what traders put in and take out."""

import pytest
from crafted_bodies import address
from crafted_calls import u64
from recorded_bodies import Recorded
from venue_calls import OWNER, crafted_reading, moved
from venue_facts import facts_of

from oof_pipelines.decode.facts import Leg, Liquidity, Reserve
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT

RECORDED = {
    "4DMVTwqpaSKhYrfB4DRwvrpwHnJhBQzkkxtnZRReYJi4Tn4e6y6x19vXvctrzodUm3ezvynER58cSquDMSpAPi3k": [
        Leg(
            path="10.13",
            program_id="MNFSTqtC93rEfYHB6hF82sKdZpUDFWkViLByLd1k1Ms",
            venue="manifest",
            pool="8sjV1AqBFvFuADBCQHhotaRq5DFFYSjjg1jMyVWMqXvZ",
            trader="ARu4n5mFdZogZAravu7CcizaojWnS6oqka37gdLT5SZn",
            sold_mint=USDT_MINT,
            sold_raw=174874,
            bought_mint=USDC_MINT,
            bought_raw=174890,
            reserves=(
                Reserve(mint=USDT_MINT, before_raw=830309630364, after_raw=830309805238),
                Reserve(mint=USDC_MINT, before_raw=71196501757, after_raw=71196326867),
            ),
        ),
    ],
    "45rnX5RNF7X1uRiQJ6kaowaJRWoH8BTrVE1N1gVsVZdYvLMAXBpGV1B9NL2n4AFyPTkaGZA15DL3C4y6fjxtAVCh": [
        Leg(
            path="2.0",
            program_id="MNFSTqtC93rEfYHB6hF82sKdZpUDFWkViLByLd1k1Ms",
            venue="manifest",
            pool="CgPgXrTQYe9Qqq77wWoHMaqURP2tya4iA4mcyxhD194z",
            trader="3weAzNKmcyzMc84YLY8h5ovsKdGPx7V41SogdQnApMyK",
            sold_mint=USDC_MINT,
            sold_raw=84115879,
            bought_mint="USDSwr9ApdHk5bvJKMjzff41FfuX8bSxdKcR81vTwcA",
            bought_raw=84139267,
            reserves=(
                Reserve(
                    mint="USDSwr9ApdHk5bvJKMjzff41FfuX8bSxdKcR81vTwcA",
                    before_raw=2090020206020,
                    after_raw=2089936066753,
                ),
                Reserve(mint=USDC_MINT, before_raw=994804908899, after_raw=994889024778),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "manifest")
    assert facts == RECORDED[signature]


PROGRAM_ID = "MNFSTqtC93rEfYHB6hF82sKdZpUDFWkViLByLd1k1Ms"


@pytest.mark.parametrize(
    ("tag", "accounts", "kind", "pool"),
    [
        (2, "payer market user_token vault token_program", "liquidity_add", "market"),
        (3, "payer market user_token vault token_program", "liquidity_remove", "market"),
        (9, "payer global coin vault user_token token_program", "liquidity_add", "global"),
        (10, "payer global coin vault user_token token_program", "liquidity_remove", "global"),
    ],
)
def test_what_a_trader_puts_in_and_takes_out_is_liquidity(tag: int, accounts: str, kind: str, pool: str) -> None:
    is_deposit = kind == "liquidity_add"
    call = moved("user_token", "vault", 7) if is_deposit else moved("vault", "user_token", 7)
    reading = crafted_reading(
        PROGRAM_ID,
        accounts,
        bytes([tag]) + u64(7),
        users={"user_token": "coin"},
        vaults={"vault": "coin"},
        calls=[call],
    )
    amounts = ((address("coin"), 7),)
    assert reading.facts == [Liquidity("0", PROGRAM_ID, "manifest", kind, address(pool), OWNER, amounts)]
