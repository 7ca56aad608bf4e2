"""Phoenix: recorded swaps with their fee, and what seats put in and take out."""

import pytest
from crafted_bodies import address
from crafted_calls import Made, u64
from recorded_bodies import Recorded
from venue_calls import OWNER, crafted_reading, made, moved
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import FeePart, Leg, Liquidity, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "3ebFK5U7CTax2BigHRFT2ydLJWzj3zAmDCbTGCdFAVCF5vMLLkJkco2ggVS2YTKfze1wpXrLxyidHXcEqUhx7aKu": [
        Leg(
            path="2.2",
            program_id="PhoeNiXZ8ByJGLkxNfZRnkUfjvmuYqLR89jjFHGqdXY",
            venue="phoenix",
            pool="4DoNfFBfF7UokCC2FQzriy7yHK6DY6NVdYpuekQ5pRgg",
            trader="JCNCMFXo5M5qwUPg2Utu1u6YWp3MbygxqBsBeXXJfrw",
            sold_mint=USDC_MINT,
            sold_raw=248512693,
            bought_mint=NATIVE_MINT,
            bought_raw=1500000000,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=5802015000000, after_raw=5800515000000),
                Reserve(mint=USDC_MINT, before_raw=1138229845303, after_raw=1138478357996),
            ),
            fees=(FeePart(kind="protocol", mint=USDC_MINT, amount_raw=49693, side="inside"),),
        ),
    ],
    "51SfoFAgv3nxEaajLFPCcQpnYaqoLdfZh3ZBWGdNB6c4VSRLcfNzxTnK77ggbsR5HjhDzakQsy35uFZg8KtFAkSj": [
        Leg(
            path="3.10",
            program_id="PhoeNiXZ8ByJGLkxNfZRnkUfjvmuYqLR89jjFHGqdXY",
            venue="phoenix",
            pool="5WyJr7R3aYpHTjSKXFmrgnVaRU987FoxgCkcELeAJqcm",
            trader="7iWnBRRhBCiNXXPhqiGzvvBkKrvFSWqqmxRyu9VyYBxE",
            sold_mint="85VBFQZC9TZkfaptBWjvUw7YbZjy52A6mjtPGjstQAmQ",
            sold_raw=126660000,
            bought_mint=NATIVE_MINT,
            bought_raw=580838181,
            reserves=(
                Reserve(
                    mint="85VBFQZC9TZkfaptBWjvUw7YbZjy52A6mjtPGjstQAmQ", before_raw=103197430458, after_raw=103324090458
                ),
                Reserve(mint=NATIVE_MINT, before_raw=620409535589, after_raw=619828697408),
            ),
            fees=(FeePart(kind="protocol", mint=NATIVE_MINT, amount_raw=290565, side="inside"),),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "phoenix")
    assert facts == RECORDED[signature]


PROGRAM_ID = "PhoeNiXZ8ByJGLkxNfZRnkUfjvmuYqLR89jjFHGqdXY"
USERS = {"user_base": "base", "user_quote": "quote"}
VAULTS = {"base_vault": "base", "quote_vault": "quote"}
ACCOUNTS = "phoenix log_authority market owner user_base user_quote base_vault quote_vault token_program"
WITH_SEAT = "phoenix log_authority market owner seat user_base user_quote base_vault quote_vault token_program"


def log(*events: bytes) -> Made:
    """The program's call of itself: its tag, a header of 92 bytes and the events."""
    return made(PROGRAM_ID, "log_authority", b"\x0f" + b"\1" + bytes(91) + b"".join(events))


def fill() -> bytes:
    return b"\2" + bytes(66)


def summary(base_lots: int, quote_lots: int, fee_lots: int) -> bytes:
    return b"\6" + bytes(18) + u64(base_lots, quote_lots, fee_lots)


def test_the_fee_is_the_summarys_lots_in_tokens() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        ACCOUNTS,
        b"\0",
        users=USERS,
        vaults=VAULTS,
        calls=[
            moved("user_base", "base_vault", 700),
            moved("quote_vault", "user_quote", 990),
            log(fill(), summary(7, 99, 1)),
        ],
    )
    (leg,) = reading.facts
    assert isinstance(leg, Leg)
    assert (leg.sold_mint, leg.sold_raw, leg.bought_raw) == (address("base"), 700, 990)
    assert leg.fees == (FeePart("protocol", address("quote"), 10, "inside"),)


@pytest.mark.parametrize("events", [(summary(7, 98, 1),), (b"\x63" + bytes(20),), (fill()[:-1],)])
def test_a_log_that_does_not_fit_leaves_the_swap_unread(events: tuple[bytes, ...]) -> None:
    calls = [moved("user_base", "base_vault", 700), moved("quote_vault", "user_quote", 990), log(*events)]
    reading = crafted_reading(PROGRAM_ID, ACCOUNTS, b"\0", users=USERS, vaults=VAULTS, calls=calls)
    assert (reading.facts, reading.unread) == ([], ["0"])


@pytest.mark.parametrize(
    ("tag", "accounts", "kind", "call"),
    [
        (2, WITH_SEAT, "liquidity_add", moved("user_quote", "quote_vault", 5)),
        (13, WITH_SEAT, "liquidity_add", moved("user_quote", "quote_vault", 5)),
        (16, WITH_SEAT, "liquidity_add", moved("user_quote", "quote_vault", 5)),
        (4, ACCOUNTS, "liquidity_remove", moved("quote_vault", "user_quote", 5)),
        (6, ACCOUNTS, "liquidity_remove", moved("quote_vault", "user_quote", 5)),
        (12, ACCOUNTS, "liquidity_remove", moved("quote_vault", "user_quote", 5)),
    ],
)
def test_funds_of_a_seat_are_liquidity(tag: int, accounts: str, kind: str, call: Made) -> None:
    reading = crafted_reading(PROGRAM_ID, accounts, bytes([tag]), users=USERS, vaults=VAULTS, calls=[call])
    amounts = ((address("quote"), 5),)
    assert reading.facts == [Liquidity("0", PROGRAM_ID, "phoenix", kind, address("market"), OWNER, amounts)]


def test_a_limit_order_that_crosses_is_left_unread() -> None:
    calls = [moved("user_quote", "quote_vault", 5), moved("base_vault", "user_base", 7)]
    reading = crafted_reading(PROGRAM_ID, WITH_SEAT, b"\2", users=USERS, vaults=VAULTS, calls=calls)
    assert (reading.facts, reading.unread) == ([], ["0"])
