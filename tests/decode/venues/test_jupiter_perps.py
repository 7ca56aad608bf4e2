"""Jupiter Perpetuals: a recorded deposit, which is a swap into its pool token; the ways out after the published layout."""

import pytest
from crafted_bodies import address
from crafted_calls import Made, u64
from recorded_bodies import Recorded
from venue_calls import OWNER, burned, crafted_reading, made, moved
from venue_facts import facts_of

from oof_pipelines.decode.facts import FeePart, Leg, Reserve

RECORDED = {
    "2kai9Wa4rc433U3Js87MqerFxqYpMkk1tvfEafzg2Z46W3TL1XfZQE2KJCGHMXqS5Jk5toTnXJaNH5d9yMPsbCZL": [
        Leg(
            path="4.5",
            program_id="PERPHjGBqRHArX4DySjwM6UJHiR3sWAatqfdBS2qQJu",
            venue="jupiter_perps",
            pool="5BUwFW4nRbftYTDMbgxykoFWqWHPzahFSNAaaaJtVKsq",
            trader="6LXutJvKUw8Q5ue2gCgKHQdAN4suWW8awzFVC6XCguFx",
            sold_mint="7vfCXTUXx5WJV5JADk17DUJ4ksgau7utNKj4b963voxs",
            sold_raw=2945866,
            bought_mint="27G8MtK7VtTcCHkpASjSDdkWWYfoqT6ggEuKidVJidD4",
            bought_raw=23753244,
            reserves=(
                Reserve(
                    mint="7vfCXTUXx5WJV5JADk17DUJ4ksgau7utNKj4b963voxs",
                    before_raw=2363669955346,
                    after_raw=2363672901212,
                ),
            ),
            fees=(
                FeePart(
                    kind="lp", mint="7vfCXTUXx5WJV5JADk17DUJ4ksgau7utNKj4b963voxs", amount_raw=13256, side="inside"
                ),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "jupiter_perps")
    assert facts == RECORDED[signature]


PROGRAM_ID = "PERPHjGBqRHArX4DySjwM6UJHiR3sWAatqfdBS2qQJu"
USERS = {"user_a": "a", "user_b": "b", "user_share": "share"}
VAULTS = {"vault_a": "a", "vault_b": "b"}


def told(discriminator: str, fields: bytes) -> Made:
    """An event, which the program tells by calling itself."""
    return made(PROGRAM_ID, "event_authority", bytes.fromhex("e445a52e51cb9a1d" + discriminator) + fields)


def test_a_swap_and_its_fee() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "owner user_a user_b authority perpetuals pool custody_a doves pyth vault_a custody_b doves pyth vault_b",
        bytes.fromhex("414b3f4ceb5b5b88") + u64(100, 90),
        users=USERS,
        vaults=VAULTS,
        calls=[
            moved("user_a", "vault_a", 100),
            moved("vault_b", "user_b", 95),
            told("286bd41adf8827dc", bytes(96) + u64(100, 97, 5, 95)),
        ],
    )
    (leg,) = reading.facts
    assert isinstance(leg, Leg)
    assert (leg.trader, leg.pool, leg.sold_raw, leg.bought_raw) == (OWNER, address("pool"), 100, 95)
    assert leg.fees == (FeePart("lp", address("b"), 2, "inside"),)
    assert leg.reserves == (
        Reserve(address("a"), 1_000_000, 1_000_100),
        Reserve(address("b"), 1_000_000, 999_905),
    )


def test_a_withdrawal_is_a_swap_out_of_the_pool_token() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "owner user_a user_share authority perpetuals pool custody doves pyth vault_a share",
        bytes.fromhex("e6d7527ff165e392") + u64(30, 1),
        users=USERS,
        vaults=VAULTS,
        calls=[
            burned("share", "user_share", 30),
            moved("vault_a", "user_a", 58),
            told("8dc7b67b9f5ed766", bytes(64) + u64(30, 60, 1, 60, 58)),
        ],
    )
    (leg,) = reading.facts
    assert isinstance(leg, Leg)
    assert (leg.sold_mint, leg.sold_raw, leg.bought_mint, leg.bought_raw) == (address("share"), 30, address("a"), 58)
    assert leg.fees == (FeePart("lp", address("a"), 2, "inside"),)
