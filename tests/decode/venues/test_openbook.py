"""OpenBook and Serum: a recorded order with its settlement, and what makers move in and out."""

import pytest
from crafted_bodies import address
from crafted_calls import Made, u64
from recorded_bodies import Recorded
from venue_calls import OWNER, VENUE, crafted_reading, made, moved
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import FeePart, Leg, Liquidity, Reserve
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.reading import Reading

RECORDED = {
    "2BppD7ZqzcCpJ4WbvSbm6AAH7ZS1dZxAgjwNWWCPxuk7ahxSwdRHVBKRLjtb4uQYJR1BfNxcehW6qcYTGKki1TgP": [
        Leg(
            path="2.2",
            program_id="srmqPvymJeFKQ4zGQed1GFppgkRHL9kaELCbyksJtPX",
            venue="openbook",
            pool="8BnEgHoWFysVcuFFX7QztDmzuH8r5ZFvyP3sYwn1XTh6",
            trader="4qLQDSpCwGJSig3tDvkfUbgW1TJWgeABpr5BtR3r3vZo",
            sold_mint=NATIVE_MINT,
            sold_raw=200000000,
            bought_mint=USDC_MINT,
            bought_raw=27086960,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=960591936710, after_raw=960791936710),
                Reserve(mint=USDC_MINT, before_raw=463671404998, after_raw=463644316416),
            ),
            fees=(
                FeePart(
                    kind="referral",
                    mint=USDC_MINT,
                    amount_raw=1622,
                    side="inside",
                    recipient="45ruCyfdRkWpRNGEqWzjCiXRHkZs8WXCLQ67Pnpye7Hp",
                ),
            ),
        ),
    ],
    "s28hELYcWfbRFKScS4Ysdh8CSyhFoCM3SkxU1VS6GZcWNVxHjYyBA81QQ4WNTMMnkmk68AWLB9ZsyzxAL6Tb1fc": [
        Liquidity(
            path="0",
            program_id="9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin",
            venue="serum_v3",
            kind="liquidity_add",
            pool="GKLev6UHeX1KSDCyo2bzyG6wqhByEzDBkmYTxEdmYJgB",
            wallet="CuieVDEDtLo7FypA9SbLM9saXFdb1dsshEkyErMqkRQq",
            amounts=(("z3dn17yLaGMKffVogeFHQ9zWVcXgqgf3PQnDsNs2g6M", 1242000000),),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "openbook", "serum_v3")
    assert facts == RECORDED[signature]


PROGRAM_ID = "srmqPvymJeFKQ4zGQed1GFppgkRHL9kaELCbyksJtPX"
ORDER = "market open_orders requests events bids asks user_coin owner coin_vault pc_vault token_program rent"
SETTLE = "market open_orders owner coin_vault pc_vault user_coin user_pc vault_signer token_program referrer"
USERS = {"user_coin": "coin", "user_pc": "pc"}
VAULTS = {"coin_vault": "coin", "pc_vault": "pc", "referrer": "pc"}
ROUTER = address("a router")


def tag(number: int) -> bytes:
    return b"\0" + number.to_bytes(4, "little")


def ordered(order_type: int, *calls: Made) -> Made:
    words = bytes(4) + u64(1, 2, 3) + bytes(4) + order_type.to_bytes(4, "little") + u64(0) + b"\xff\xff"
    return made(PROGRAM_ID, ORDER, tag(10) + words, *calls)


def settled(accounts: str, *calls: Made) -> Made:
    return made(PROGRAM_ID, accounts, tag(5), *calls)


def routed(calls: list[Made], users: dict[str, str] = USERS) -> Reading:
    """A router's call that makes those of the book."""
    return crafted_reading(ROUTER, "market", b"\1", users=users, vaults=VAULTS, calls=calls)


def test_what_an_order_did_not_use_is_no_part_of_the_swap() -> None:
    reading = routed(
        [
            ordered(1, moved("user_coin", "coin_vault", 100)),
            settled(
                SETTLE,
                moved("coin_vault", "user_coin", 30),
                moved("pc_vault", "user_pc", 700),
                moved("pc_vault", "referrer", 2),
            ),
        ],
    )
    (leg,) = reading.facts
    assert isinstance(leg, Leg)
    assert (leg.trader, leg.sold_mint, leg.sold_raw, leg.bought_raw) == (OWNER, address("coin"), 70, 700)
    assert leg.fees == (FeePart("referral", address("pc"), 2, "inside", VENUE),)
    assert leg.reserves == (
        Reserve(address("coin"), 1_000_000, 1_000_070),
        Reserve(address("pc"), 1_000_000, 999_298),
    )


def test_an_order_that_may_rest_is_liquidity_and_so_is_its_settlement() -> None:
    reading = routed(
        [
            ordered(0, moved("user_coin", "coin_vault", 100)),
            settled(SETTLE, moved("pc_vault", "user_pc", 700)),
        ],
    )
    seen = [(one.kind, one.wallet, one.amounts) for one in reading.facts if isinstance(one, Liquidity)]
    assert seen == [
        ("liquidity_add", OWNER, ((address("coin"), 100),)),
        ("liquidity_remove", OWNER, ((address("pc"), 700),)),
    ]


def test_send_take_is_a_swap_in_one_call() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "market requests events bids asks user_coin user_pc owner coin_vault pc_vault token_program vault_signer",
        tag(13) + bytes(46),
        users=USERS,
        vaults=VAULTS,
        calls=[moved("user_pc", "pc_vault", 50), moved("coin_vault", "user_coin", 7)],
    )
    (leg,) = reading.facts
    assert isinstance(leg, Leg)
    assert (leg.sold_mint, leg.sold_raw, leg.bought_mint, leg.bought_raw) == (address("pc"), 50, address("coin"), 7)


def test_a_settlement_of_other_mints_than_the_orders_is_left_unread() -> None:
    calls = [ordered(1), settled(SETTLE.replace("user_coin", "user_other"))]
    reading = routed(calls, USERS | {"user_other": "other"})
    assert (reading.facts, reading.unread) == ([], ["0.1"])
