"""Sanctum's S controller after its published interface: no transaction of it is recorded."""

import pytest
from crafted_bodies import address
from crafted_calls import Made, u64
from venue_calls import OWNER, burned, crafted_reading, minted, moved

from oof_pipelines.decode.facts import INSIDE, FeePart, Leg, Liquidity, Reserve

PROGRAM_ID = "5ocnV1qiCgaQR8Jb8xWnVbApfaygJ8tNoZfgPwsgx9kx"
USERS = {"user_a": "a", "user_b": "b", "user_share": "share"}
VAULTS = {"reserve_a": "a", "reserve_b": "b", "fees_a": "a", "fees_b": "b"}
LIQUIDITY = "signer a user_a user_share share fees_a token_program token_program_2 pool list reserve_a"


@pytest.mark.parametrize("tag", [1, 2])
def test_a_swap_and_the_protocols_part(tag: int) -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "signer a b user_a user_b fees_b token_program token_program_2 pool list reserve_a reserve_b",
        bytes([tag, 1, 1]) + bytes(8) + u64(90, 100),
        users=USERS,
        vaults=VAULTS,
        calls=[moved("user_a", "reserve_a", 100), moved("reserve_b", "fees_b", 3), moved("reserve_b", "user_b", 95)],
    )
    expected = Leg(
        "0",
        PROGRAM_ID,
        "sanctum_infinity",
        address("pool"),
        OWNER,
        address("a"),
        100,
        address("b"),
        95,
        reserves=(Reserve(address("a"), 1_000_000, 1_000_100), Reserve(address("b"), 1_000_000, 999_902)),
        fees=(FeePart("protocol", address("b"), 3, INSIDE, address("fees_b")),),
    )
    assert reading.facts == [expected]


@pytest.mark.parametrize(
    ("tag", "kind", "calls"),
    [
        (3, "liquidity_add", [moved("user_a", "reserve_a", 10), minted("share", "user_share", 9)]),
        (4, "liquidity_remove", [burned("share", "user_share", 9), moved("reserve_a", "user_a", 10)]),
    ],
)
def test_liquidity_is_one_token(tag: int, kind: str, calls: list[Made]) -> None:
    data = bytes([tag, 1]) + bytes(4) + u64(10, 1)
    reading = crafted_reading(PROGRAM_ID, LIQUIDITY, data, users=USERS, vaults=VAULTS, calls=calls)
    amounts = ((address("a"), 10),)
    expected = Liquidity(
        "0", PROGRAM_ID, "sanctum_infinity", kind, address("pool"), OWNER, amounts, address("share"), 9
    )
    assert reading.facts == [expected]
